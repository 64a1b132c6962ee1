"""The package as a whole: arrows between modules, names, docstrings, what an import costs."""

import ast
import doctest
import fnmatch
import importlib
import importlib.metadata
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.special  # noqa: F401  (the rows of its ufuncs look at it)

import dualdiff
from dualdiff import rows

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "dualdiff"
ALLOWED = {"numpy", *sys.stdlib_module_names}  # at run time

# What a module must never reach, directly or through others.
FORBIDDEN = {
    "_algebra": {"_taylor", "_kinds", "rows", "_transforms", "_driver"},
    "_driver": {"_taylor", "_kinds", "rows", "_transforms"},
    "_reference": {"_taylor", "_kinds", "rows", "_driver"},
    "_taylor": {"_kinds", "rows", "_dispatch", "_seeding", "_transforms", "_reference"},
    "_kinds": {"rows", "_dispatch", "_seeding", "_transforms"},
    "rows": {"_transforms"},
    "tree_util": {"_taylor", "_kinds", "rows", "_transforms", "_algebra"},
    "random": {"_taylor", "_kinds", "rows", "_transforms", "_algebra"},
}


def module_of(path):
    """The first-level module of a source file: `rows` for all of its rooms."""
    return path.relative_to(SOURCE).parts[0].partition(".")[0]


def imported(path):
    """Full names of what a file imports, Cython's cimports among them."""
    text = path.read_text()
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                yield from (a.name for a in node.names)
            elif isinstance(node, ast.ImportFrom):
                package = ["dualdiff", *path.relative_to(SOURCE).parts[:-1]]
                start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
                module = ".".join(filter(None, [start, node.module]))
                yield from (f"{module}.{a.name}" for a in node.names)
    else:
        for m in re.finditer(r"^\s*from\s+([\w.]+)\s+c?import\s+(\w+)", text, re.M):
            yield f"{m[1]}.{m[2]}"
        for m in re.finditer(r"^\s*c?import\s+([\w.]+)", text, re.M):
            yield m[1]


def sources():
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix in (".py", ".pyx", ".pxd", ".pxi"):
            yield path


def arrows():
    """Which module of the package imports which."""
    graph = {}
    for path in sources():
        mine = module_of(path)
        if path.suffix == ".pxi":  # a part of the module that includes it
            (mine,) = {module_of(p) for p in SOURCE.glob("*.pyx")
                       if re.search(rf'^include "{path.name}"', p.read_text(), re.M)}
        out = graph.setdefault(mine, set())
        for name in imported(path):
            parts = name.split(".")
            if parts[0] == "dualdiff" and len(parts) > 1:
                out.add(parts[1])
    modules = set(graph)
    return {m: {n for n in out if n in modules and n != m} for m, out in graph.items()}


def reach(graph, start):
    seen, todo = set(), [start]
    while todo:
        for n in graph[todo.pop()] - seen:
            seen.add(n)
            todo.append(n)
    return seen


def test_arrows_between_modules_run_one_way():
    graph = arrows()
    assert {"_taylor", "_kinds", "rows", "_transforms", "_algebra"} <= set(graph)
    for module in graph:
        assert module not in reach(graph, module), f"{module} imports itself through others"
    for module, others in FORBIDDEN.items():
        assert not reach(graph, module) & others, module


def test_rooms_do_not_know_the_assembly():
    for path in (SOURCE / "rows").glob("*.py"):
        if path.stem != "__init__":
            assert "dualdiff.rows" not in set(imported(path)), path


def test_run_time_needs_numpy_alone():
    for path in sources():
        for name in imported(path):
            top = name.partition(".")[0]
            cython = path.suffix != ".py" and top in ("cython", "cpython", "libc")
            assert cython or top in ALLOWED | {"dualdiff"}, f"{path.name} imports {name}"
    requires = importlib.metadata.requires("dualdiff-ad") if installed() else ["numpy>=2.0"]
    assert [r for r in requires if "extra ==" not in r] == ["numpy>=2.0"]


def installed():
    try:
        importlib.metadata.version("dualdiff-ad")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def test_the_c_library_knows_neither_python_nor_numpy():
    files = [p for p in (ROOT / "csrc").glob("*.[ch]")]
    assert len(files) >= 5
    for path in files:
        for header in re.findall(r'#\s*include\s*[<"]([^>"]+)', path.read_text()):
            assert not re.search("(?i)python|numpy", header), f"{path.name} includes {header}"


def test_setup_knows_every_file_that_is_included():
    """An edit to a header, a template, a .pxd or a .pxi must rebuild."""
    code = (
        "import setuptools\n"
        "got = {}\n"
        "setuptools.setup = lambda **kw: got.update(kw)\n"
        "import Cython.Build\n"
        "from Cython.Build.Dependencies import create_dependency_tree\n"
        "Cython.Build.cythonize = lambda modules, **kw: modules\n"
        "exec(compile(open('setup.py').read(), 'setup.py', 'exec'))\n"
        "sources = {s for e in got['ext_modules'] for s in e.sources}\n"
        "tree = create_dependency_tree(quiet=True)\n"
        "print(*{d for e in got['ext_modules'] for d in e.depends}, *sources, sep='\\n')\n"
        "for s in sources:\n"
        "    if s.endswith('.pyx'):\n"
        "        print(*tree.all_dependencies(s), sep='\\n')\n"
    )
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                         check=True).stdout.splitlines()
    known = {Path(p) for p in out}
    wanted = {p.relative_to(ROOT) for d, kinds in (
        (ROOT / "csrc", (".h", ".c")), (SOURCE, (".pxd", ".pxi", ".pyx")))
        for p in d.iterdir() if p.suffix in kinds}
    assert wanted <= known, wanted - known


def modules():
    yield dualdiff
    for info in pkgutil.walk_packages(dualdiff.__path__, "dualdiff."):
        yield importlib.import_module(info.name)


def test_public_names_exist_and_are_documented():
    for module in modules():
        assert module.__doc__, module.__name__
        if module.__name__.rpartition(".")[2].startswith("_"):
            continue
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if callable(thing) and getattr(thing, "__module__", "").startswith("dualdiff"):
                assert thing.__doc__, f"{module.__name__}.{name} has no docstring"
    assert len(set(dualdiff.__all__)) == len(dualdiff.__all__)


def test_the_table_of_contents_lists_every_public_name():
    """In the docstring of the package, in dir(), and on the page of the reference."""
    listed = set(re.findall(r"[\w.]+", dualdiff.__doc__))
    assert set(dualdiff.__all__) - {"__version__"} <= listed
    public = {p.stem for p in SOURCE.glob("*.py") if not p.stem.startswith("_")}
    assert {f"dualdiff.{name}" for name in public} <= listed
    assert set(dualdiff.__all__) | public <= set(dir(dualdiff))
    assert all(getattr(dualdiff, name).__name__ == f"dualdiff.{name}" for name in public)
    page = (ROOT / "docs" / "reference.md").read_text()
    assert re.search(r"automodule:: dualdiff\n   :members:\n   :imported-members:", page)
    assert all(f"automodule:: dualdiff.{name}\n" in page for name in public)


def test_contributing_says_where_every_module_is():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`(?:\w+/)?([\w.*]+)`", text)
    helpers = {"__init__.py", "_csrc.pxd", "_version.py", "_multisets.py", "_radius.py",
               "_transformed.py"}
    files = [p.name for p in SOURCE.iterdir() if p.suffix in (".py", ".pyx")]
    files += [p.name for p in (ROOT / "csrc").glob("*.c") if p.name != "kernels.c"]
    for name in set(files) - helpers:
        assert any(fnmatch.fnmatch(name, pattern) for pattern in named), name
    for name in re.findall(r"`((?:dualdiff|csrc|tests|docs)/[\w./]+)`", text):
        assert (ROOT / name).exists(), name


def test_readme_names_files_that_exist():
    names = re.findall(r"`((?:docs|examples|dualdiff|csrc)/[\w./]*)`",
                       (ROOT / "README.md").read_text())
    assert len(names) > 8
    for name in names:
        assert (ROOT / name).exists(), name


def test_star_import_gives_the_public_names():
    namespace = {}
    exec("from dualdiff import *", namespace)
    assert set(dualdiff.__all__) <= set(namespace)


# With colours, as set_lanes("never") has it, sparse Hessians leave out entries that are zero.
SHOWN = pytest.mark.lanes("auto", "always", reason="examples show patterns that lanes give")


@pytest.mark.parametrize("module", [
    pytest.param(m, marks=[SHOWN] if m.__name__ == "dualdiff._sparse" else [])
    for m in modules()], ids=lambda m: m.__name__)
def test_doctests(module):
    with np.printoptions(legacy=False):
        result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", [
    pytest.param(p, marks=[SHOWN] if p.name == "sparse.md" else []) for p in PAGES],
    ids=lambda p: p.name)
def test_python_in_the_pages_runs(page):
    """Every ```python block runs, in order; a comment `# value` behind a line is its value."""
    namespace = {}
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S):
        tree = ast.parse(block)
        lines = block.splitlines()
        for node in tree.body:
            said = re.search(r"#\s*=\s*(.+)$", lines[node.end_lineno - 1])
            code = ast.unparse(node)
            if isinstance(node, ast.Expr) and said:
                got = eval(code, namespace)
                want = eval(said[1], namespace)
                if code.endswith(".shape)"):  # a tuple of shapes, of unequal lengths
                    assert got == want, f"{page.name}: {code}"
                    continue
                np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-13,
                                           err_msg=f"{page.name}: {code}")
            else:
                exec(code, namespace)


def test_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", dualdiff.__version__)
    assert f"## {dualdiff.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    if installed():
        assert importlib.metadata.version("dualdiff-ad") == dualdiff.__version__


def test_the_name_of_the_distribution_is_not_the_harmful_one():
    text = (ROOT / "pyproject.toml").read_text()
    assert re.search(r'^name = "dualdiff-ad"$', text, re.M)
    pages = [*PAGES, *ROOT.glob("*.md"), ROOT / ".ci" / "run", ROOT / "pyproject.toml"]
    for page in pages:
        for line in page.read_text().splitlines():
            found = re.search(r"pip install [^#]*\bdualdiff\b(?!-ad)", line)
            assert not found or "Do not" in line, f"{page.name}: {line}"
    assert "runs a\n> shell command" in (ROOT / "README.md").read_text()


def test_readme_has_exactly_two_commands():
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    assert len(blocks) == 2 and all(b.count("\n") == 1 for b in blocks)
    assert "examples/tutorial.py" in blocks[0] and "pytest" in blocks[1]


def loaded_by(first, then):
    """The modules that `then` loads in a fresh interpreter that has run `first`."""
    code = (f"{first}\nimport sys\nbefore = set(sys.modules)\n{then}\n"
            "print(*sorted(set(sys.modules) - before))")
    return subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True,
                          check=True).stdout.split()


def test_import_loads_nothing_that_it_does_not_need():
    """Beside its own modules none, apart from Cython's own; no room that is filled late."""
    loaded = loaded_by("import numpy, inspect", "import dualdiff")
    mine = {m for m in loaded if m.startswith("dualdiff")}
    assert [m for m in loaded if m not in mine and "cython" not in m] == []
    late = {f"dualdiff.rows.{room}" for room in (*rows.LATE.values(), "special")}
    assert not mine & late


def test_the_first_derivative_loads_nothing_more():
    start = "import numpy as np\nimport dualdiff as dd"
    assert loaded_by(start, "dd.grad(np.tanh)(2.0)") == []
    assert loaded_by(start, "dd.grad(lambda x: np.sum(np.exp(x)))(np.ones(3))") == []
    assert loaded_by(start, "dd.hessian(lambda x: np.sum(x * x))(np.ones(3))") == []


@pytest.mark.parametrize("module, room", rows.LATE.items())
def test_late_rooms_are_filled_when_first_met(module, room):
    """A late room has functions of its module alone, and nothing that is not looked up by one."""
    here = importlib.import_module(f"dualdiff.rows.{room}")
    for func in here.ROWS:
        assert func.__module__.startswith(module)
    assert not {"METHODS", "ATTRIBUTES", "REFUSED"} & set(vars(here))


def test_no_function_stands_in_two_rooms():
    rows.fill_all()
    rows.fill_all()  # again: no harm
    late = [importlib.import_module(f"dualdiff.rows.{room}") for room in rows.LATE.values()]
    every = [f for room in (*rows.ROOMS, *late) for f in room.ROWS]
    assert len(every) == len(set(every)) > 300


def test_files_can_be_read_in_one_sitting():
    for path in [*sources(), *(ROOT / "csrc").glob("*.[ch]"), *(ROOT / "tests").glob("*.py")]:
        assert len(path.read_text().splitlines()) <= 700, path.name


def test_no_test_name_stands_twice():
    for path in (ROOT / "tests").glob("test_*.py"):
        names = [n.name for n in ast.parse(path.read_text()).body
                 if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        assert len(names) == len(set(names)), path.name
