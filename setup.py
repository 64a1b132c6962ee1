"""Builds the Cython modules over the C library in csrc/.

Everything else about the package is declared in pyproject.toml.
"""

import sys
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

CSRC = Path("csrc")
# An edit to a header, a template or this file rebuilds every module.  Edits to .pxd and .pxi
# files need no list: cythonize finds the modules that they are a part of.
DEPENDS = ["setup.py", *sorted(map(str, CSRC.glob("*.h")))]
CFLAGS = (
    ["/O2"]
    if sys.platform == "win32"
    else [
        "-O3",
        "-std=gnu11",
        "-ffp-contract=off",  # the same bits on every CPU and every path
        "-fno-math-errno",
        "-fno-trapping-math",
        "-Wno-unused-function",
    ]
)


def extension(name, sources=()):
    return Extension(
        f"dualdiff.{name}",
        [f"dualdiff/{name}.pyx", *(str(CSRC / s) for s in sources)],
        include_dirs=[str(CSRC), numpy.get_include()],
        depends=DEPENDS,
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        extra_compile_args=CFLAGS,
    )


setup(
    ext_modules=cythonize(
        [
            extension("_algebra", ["table.c"]),
            extension("_driver",
                      ["kernels.c", "matrix.c", "plan.c", "fuse.c", "x86.c", "apply.c", "sum.c",
                       "rows.c", "fingerprint.c", "parallel.c"]),
            extension("_memory"),
            extension("_taylor"),
            extension("_compress"),
            extension("_seeding"),
        ],
        compiler_directives={
            "language_level": 3,
            "cdivision": True,
            "initializedcheck": False,
            "embedsignature": True,
            "binding": True,
        },
    )
)
