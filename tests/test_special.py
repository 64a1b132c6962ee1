"""scipy.special's ufuncs on numbers: every line of the tables, at orders 1 to 8.

Values are SciPy's own bits; derivatives stand against mpmath (`special_values.txt`, made by
`special_oracles`), or against differences of the order below where mpmath has no such
function.
"""

import pathlib
import sys

import numpy as np
import pytest

scipy = pytest.importorskip("scipy")
special = pytest.importorskip("scipy.special")

import special_oracles as oracle  # noqa: E402
from oracles import coefficients  # noqa: E402

from dualdiff import grad, hessian, jacfwd, lift, nth_derivative  # noqa: E402
from dualdiff.rows.special import ALIASES, REFUSED, TABLE  # noqa: E402

EPS = 2.0**-52
VALUES = oracle.read()
CASES = {}
for _case in oracle.cases():
    CASES.setdefault(_case[:2], []).append(_case)

# Errors are in units of eps times what a relative change of the argument by 1 does to the
# coefficient, |c_k| + |x c_k'|.  Here is where they may be more than 64, at order 1, at orders
# to 4, at orders to 8; and why.
LOOSE = {
    # sums and products whose terms are larger than they are
    "wrightomega": (64, 64, 256), "agm": (64, 256, 1024), "zetac": (64, 64, 1024),
    "_riemann_zeta": (64, 64, 1024), "it2i0k0": (64, 64, 512), "inv_boxcox": (64, 64, 2048),
    "inv_boxcox1p": (64, 64, 2048), "struve": (64, 256, 1024),
    # densities close to their mode
    "gammainc": (64, 64, 1024), "fdtr": (64, 64, 512), "fdtrc": (64, 64, 512),
    # as far off as SciPy's own values are
    "airye": (1024, 1024, 8192), "gammainccinv": (256, 256, 256), "chdtri": (256, 256, 256),
    "binom": (64, 64, 256), "ndtri_exp": (64, 256, 256), "hyperu": (1e5, 1e6, 1e6),
    "eval_legendre": (64, 128, 128), "eval_gegenbauer": (64, 256, 256),
    "eval_chebyc": (64, 512, 512),
}
# High coefficients that are far smaller than the terms they are made of, because the function
# is close to a polynomial, or smooth where its parts are not: measured by the largest term,
# max of |c_j| r^(j - k) over j <= k + 1, r the distance to the nearer end of the domain.
LARGEST = {
    "voigt_profile": abs, "poch": abs, "binom": abs, "ellipj": abs, "log_ndtr": abs,
    "chndtr": abs, "gammaincinv": abs, "betaincinv": abs,
    "gammainccinv": lambda x: min(x, 1 - x), "betainccinv": lambda x: min(x, 1 - x),
    "chdtri": lambda x: min(x, 1 - x),
}


def along(name, place, args, output=0):
    """A function of one argument, the others fixed; one of its results."""
    f = oracle.scipy_function(name)

    def of(x):
        y = f(*args[:place], x, *args[place + 1:])
        return y[output] if f.nout > 1 else y

    return of


def errors(case):
    """The errors of orders 1 .. ORDER in units of LOOSE or of LARGEST."""
    name, place, output, args = case
    f, x = along(name, place, args, output), np.float64(args[place])
    want = [oracle.number(w) for w in VALUES[oracle.key(case)].split()]
    got = coefficients(f, x, oracle.ORDER)
    assert np.array_equal(got[0], f(x), equal_nan=True)  # SciPy's own value
    size, out = np.abs(np.longdouble(x)), []
    top = max(abs(c) * size**j for j, c in enumerate(want) if j)
    for k in range(1, oracle.ORDER + 1):
        room = abs(want[k]) + size * (k + 1) * abs(want[k + 1])
        if name in LARGEST:
            r = np.longdouble(LARGEST[name](x))
            room = max(abs(c) * r ** (j - k) for j, c in enumerate(want[:k + 2]) if j)
        nothing = room * size**k < 1e-30 * top if x else abs(want[k]) < 1e-20 * max(map(
            abs, want[1:]))
        if nothing or room < 1e-290 or abs(want[k]) > 1e300:
            out.append(0.0)  # zero but for rounding of the oracle, or beyond double precision
        else:
            out.append(float(abs(got[k] - want[k]) / room) / EPS)
    return out


@pytest.mark.parametrize("name, place", CASES, ids=[f"{n}-{p + 1}" for n, p in CASES])
def test_against_mpmath(name, place):
    worst = np.max([errors(case) for case in CASES[name, place]], axis=0)
    first, fourth, last = LOOSE.get(name, (64, 64, 64))[:3]
    assert worst[0] < first and np.max(worst[:4]) < fourth and np.max(worst) < last, worst


def test_the_file_of_values_is_current():
    """A sample made anew; the whole: python tests/special_oracles.py [names]."""
    assert VALUES.keys() == set(map(oracle.key, oracle.cases()))
    for name, place in (("erfcx", 0), ("gammaln", 0), ("xlogy", 1), ("betainc", 2), ("jv", 1),
                        ("ndtri", 0), ("kve", 1), ("elliprf", 0), ("dawsn", 0)):
        case = CASES[name, place][1]
        old = [oracle.number(w) for w in VALUES[oracle.key(case)].split()]
        new = [oracle.number(oracle.text(c)) for c in oracle.exact(case, 3)]
        np.testing.assert_allclose(np.array(old[:4]), np.array(new), rtol=1e-17)


# ---- functions that mpmath does not have: differences of the order below ---------------------

BY_DIFFERENCES = [(name, place) for name, entry in TABLE.items() if name not in oracle.MP
                  for place in entry.places]


@pytest.mark.parametrize("name, place", BY_DIFFERENCES,
                         ids=[f"{n}-{p + 1}" for n, p in BY_DIFFERENCES])
def test_against_differences(name, place):
    f = oracle.scipy_function(name)
    rtol = ROUGH.get(name, 1e-7)
    on = TABLE[name].on[place]
    for args in oracle.sweep(name, place):
        x = np.float64(args[place])
        if x in (min(on), max(on)):
            continue
        h = 2.0**-9 * min(abs(x), 1)
        for output in range(f.nout):
            g = along(name, place, args, output)
            got = coefficients(g, x, 3)
            assert np.array_equal(got[0], g(x))
            a, b, c, d = (coefficients(g, x + m * h, 2) for m in (-2, -1, 1, 2))
            slope = (a - d + 8 * (c - b)) / (12 * h)
            for k in (1, 2, 3):
                scale = max(abs(got[k]), abs(got[k - 1]))
                assert abs(got[k] - slope[k - 1] / k) <= rtol * scale, (args, output, k)


# SciPy's own values have few digits here.
ROUGH = {}

# ---- every ufunc -----------------------------------------------------------------------------


def ufuncs():
    return {n: f for n, f in vars(special).items()
            if isinstance(f, np.ufunc) and not n.startswith("_")}


def test_every_ufunc_of_scipy_has_a_line_or_a_reason():
    names = {ALIASES.get(n, n) for n in ufuncs()}
    public = {n for n in TABLE if not n.startswith("_")}
    assert public.isdisjoint(REFUSED)
    assert names - public - REFUSED.keys() == set()
    if tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 18):
        assert public | REFUSED.keys() == names


def test_the_page_is_current():
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
    from docs import special as page

    assert page.bare(page.PAGE.read_text()) == page.bare(page.page({}))


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_give_their_reason(name):
    f = getattr(special, name)
    with pytest.raises(TypeError, match=f"scipy.special.{name} has no derivative rule \\(.*"
                                        "register_derivative"):
        grad(lambda x: f(x, *[1.0] * (f.nin - 1)))(0.5)


def test_refused_arguments_give_their_reason():
    for name, entry in TABLE.items():
        f = oracle.scipy_function(name)
        if entry.make(f).kind == "constant":
            continue
        if name == "_lambertw" or name.startswith("_spherical"):  # SciPy refuses floats there
            continue
        assert len(entry.on) == f.nin, name
        assert len(entry.names) == f.nin, name
        args = [oracle.points(o)[0] for o in entry.on]
        for place in set(range(f.nin)) - set(entry.places):
            with pytest.raises(TypeError, match=f"argument {place + 1} .*{entry.why[:12]}"):
                grad(lambda x, a=args, p=place, f=f: f(*a[:p], x, *a[p + 1:]))(
                    float(args[place]))


def test_private_functions_without_a_rule_are_refused():
    with pytest.raises(TypeError, match="scipy.special._ellip_harm has no derivative rule;"):
        grad(lambda x: special.ellip_harm(5, 8, 2, 1, x))(2.5)


# ---- dtypes, shapes, several arguments -------------------------------------------------------

COMPLEX = {
    "erf": (), "erfc": (), "erfi": (), "erfcx": (), "wofz": (), "dawsn": (), "ndtr": (),
    "log_ndtr": (), "gamma": (), "loggamma": (), "rgamma": (), "psi": (), "exp1": (),
    "jv": (0.5,), "yv": (0.5,), "iv": (0.5,), "kv": (0.5,), "kve": (0.5,),
    "hankel1": (0.5,), "hankel2": (0.5,), "hankel1e": (0.5,), "hankel2e": (0.5,), "airy": (),
    "spence": (), "hyp2f1": (0.5, 1.5, 3.3), "hyp1f1": (0.5, 1.5), "hyp0f1": (1.5,),
    "_lambertw": None, "sici": (), "shichi": (), "fresnel": (), "elliprf": None,
    "expm1": (), "log1p": (), "eval_legendre": (3,), "eval_jacobi": (3, 0.5, 2.0),
}


@pytest.mark.parametrize("name", COMPLEX)
@pytest.mark.parametrize("z", [0.4 + 0.3j, 2.5 - 1.5j, -1.5 + 0.7j])
def test_complex_arguments(name, z):
    rest = COMPLEX[name]
    if name == "_lambertw":
        f, exact = special.lambertw, lambda z: oracle.mp.lambertw(z)
    elif name == "elliprf":
        f, exact = (lambda z: special.elliprf(z, 1.5, 2 + 1j),
                    lambda z: oracle.mp.elliprf(z, 1.5, 2 + 1j))
    else:
        f = along(name, len(rest), (*rest, None))
        of = oracle.MP[name]
        of = of[0] if isinstance(of, tuple) else of
        of = of.f if isinstance(of, oracle.Bessel) else of
        rate = getattr(oracle.MP[name], "rate", 0)
        exact = (lambda z: of(*rest, z) * oracle.mp.exp(rate * z))
    got = coefficients(f, np.complex128(z), 2)
    want = [oracle.number(oracle.text(c)) for c in oracle.taylor(exact, oracle.mp.mpc(z), 2)]
    assert got[0] == f(np.complex128(z))
    bound = 1e-9 if name in ("hyp2f1",) else 1e-13
    np.testing.assert_allclose(got, np.array(want), rtol=bound, atol=bound * abs(want[0]))


@pytest.mark.parametrize("name", ["jve", "yve", "ive", "airye"])
def test_functions_that_are_not_analytic_refuse_complex_numbers(name):
    args = (0.5,) * (getattr(special, name).nin - 1)
    with pytest.raises(TypeError, match="has no complex derivative"):
        grad(lambda z: along(name, len(args), (*args, None))(z).real)(1 + 1j)


@pytest.mark.parametrize("name", [n for n, e in TABLE.items() if len(e.on) == 1 and e.places])
def test_single_precision(name):
    f, x = along(name, 0, (None,)), np.float32(oracle.points(TABLE[name].on[0])[1])
    got, wide = coefficients(f, x, 2), coefficients(f, np.float64(x), 2)
    assert got.dtype == np.asarray(f(x)).dtype and got[0] == f(x)
    with np.errstate(all="ignore"):
        fits = np.all(np.isfinite(wide.astype(got.dtype)))
        room = np.abs(wide) + np.abs(np.append(wide[1:], 0) * x) + np.abs(wide[-1] * x)
    if fits:
        assert np.all(np.abs(got - wide) <= 1e-4 * room + np.finfo(np.float32).tiny)


def test_arrays_broadcast_and_empty():
    v, x = np.array([[0.0], [1.5]]), np.array([0.7, 2.0, 9.0])
    got = grad(lambda x: np.sum(special.jv(v, x)))(x)
    np.testing.assert_allclose(got, special.jvp(v, x).sum(axis=0), rtol=1e-14)
    assert grad(lambda x: np.sum(special.erfcx(x)))(np.empty(0)).shape == (0,)
    two = grad(lambda a: np.sum(special.beta(a, x)))(np.array([[1.5], [2.0]]))
    assert two.shape == (2, 1)


def test_keywords_of_ufuncs():
    def masked(x):
        out = np.zeros_like(x)
        special.erfcx(x, out=out, where=np.array([True, False, True]))
        return out

    x = np.array([0.1, 0.2, 0.3])
    want = 2 * x * special.erfcx(x) - 2 / np.sqrt(np.pi)
    np.testing.assert_allclose(np.diag(jacfwd(masked)(x)), want * [1, 0, 1], rtol=1e-14)


def test_second_derivatives_in_two_arguments():
    for name, x, y in (("beta", 1.5, 2.5), ("xlogy", 0.7, 1.3), ("rel_entr", 0.7, 1.3),
                       ("boxcox", 1.7, 0.4), ("agm", 1.0, 3.0), ("ellipkinc", 0.8, 0.4),
                       ("ellipeinc", 0.8, 0.4), ("elliprc", 1.0, 2.0)):
        f = getattr(special, name)
        H = hessian(lambda p, f=f: f(p[0], p[1]))(np.array([x, y]))
        exact = oracle.MP[name]
        with oracle.mp.workdps(40):
            want = oracle.mp.diff(exact, (x, y), (1, 1))
        np.testing.assert_allclose(H[0, 1], float(want), rtol=1e-13)
        assert H[0, 1] == pytest.approx(H[1, 0], rel=1e-14)


# ---- edges -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name, args, place, want", [
    ("xlogy", (0.0, 0.0), 1, 0.0), ("xlogy", (0.0, 2.0), 0, np.log(2.0)),
    ("xlogy", (0.0, 2.0), 1, 0.0), ("xlog1py", (0.0, -1.0), 1, 0.0),
    ("entr", (0.0,), 0, np.inf), ("logit", (0.0,), 0, np.inf), ("logit", (1.0,), 0, np.inf),
    ("erfinv", (1.0,), 0, np.inf), ("ndtri", (0.0,), 0, np.inf), ("ndtri", (1.0,), 0, np.inf),
    ("erfcinv", (0.0,), 0, -np.inf), ("erfcinv", (2.0,), 0, -np.inf), ("expit", (np.inf,), 0, 0.0),
    ("expit", (-np.inf,), 0, 0.0), ("log_expit", (-np.inf,), 0, 1.0),
    ("log_expit", (800.0,), 0, 0.0), ("erf", (np.inf,), 0, 0.0), ("erfc", (-np.inf,), 0, 0.0),
    ("i0", (0.0,), 0, 0.0), ("i1", (0.0,), 0, 0.5), ("j0", (0.0,), 0, 0.0),
    ("j1", (0.0,), 0, 0.5), ("jv", (2.0, 0.0), 1, 0.0), ("iv", (1.0, 0.0), 1, 0.5),
    ("ive", (1.0, 0.0), 1, 0.5), ("exprel", (0.0,), 0, 0.5), ("dawsn", (0.0,), 0, 1.0),
    ("erfcx", (0.0,), 0, -2 / np.sqrt(np.pi)), ("ellipk", (0.0,), 0, np.pi / 8),
    ("ellipe", (0.0,), 0, -np.pi / 8), ("ellipe", (1.0,), 0, -np.inf),
    ("ellipk", (1.0,), 0, np.inf), ("spence", (1.0,), 0, -1.0), ("rgamma", (0.0,), 0, 1.0),
    ("rgamma", (-3.0,), 0, -6.0), ("gammainc", (1.0, 0.0), 1, 1.0),
    ("gammainc", (2.0, 0.0), 1, 0.0), ("gammainc", (0.5, 0.0), 1, np.inf),
    ("betainc", (1.0, 2.0, 0.0), 2, 2.0), ("betainc", (2.0, 3.0, 0.0), 2, 0.0),
    ("eval_legendre", (4, 1.0), 1, 10.0), ("eval_chebyt", (3, -1.0), 1, 9.0),
    ("wrightomega", (-800.0,), 0, 0.0), ("ber", (0.0,), 0, 0.0), ("bei", (0.0,), 0, 0.0),
    ("huber", (1.0, 1.0), 1, 1.0), ("kolmogorov", (0.0,), 0, 0.0),
    ("airy", (0.0,), 0, -0.2588194037928068), ("lpmv", (0, 3, 1.0), 2, 6.0),
    ("voigt_profile", (0.5, 1.0, 0.0), 0, -0.5 * np.exp(-0.125) / np.sqrt(2 * np.pi)),
    ("hyp2f1", (0.5, 1.5, 2.5, 0.0), 3, 0.3), ("tandg", (45.0,), 0, np.pi / 90),
])
def test_edges_of_the_domain(name, args, place, want):
    got = grad(along(name, place, args))(float(args[place]))
    assert got == pytest.approx(want, rel=1e-14, abs=0)


@pytest.mark.parametrize("name, x, scaled", [
    ("erfcx", 1e20, lambda x, d: d * x * x * np.sqrt(np.pi)),
    ("dawsn", 1e20, lambda x, d: d * 2 * x * x),
    ("i0e", 1e20, lambda x, d: d * x * np.sqrt(2 * np.pi * x) * 2),
    ("k0e", 1e20, lambda x, d: d * x * np.sqrt(2 * x / np.pi) * 2),
    ("log_ndtr", -1e20, lambda x, d: d / x),
    ("gammaln", 1e300, lambda x, d: -d / np.log(x)),
    ("psi", 1e200, lambda x, d: -d * x),
])
def test_far_tails(name, x, scaled):
    assert scaled(x, grad(getattr(special, name))(x)) == pytest.approx(-1, rel=1e-14)


def test_tails_where_the_function_underflows():
    x = np.array([-38.0, 38.0, 750.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(special.erf(x)))(x), [0.0, 0.0, 0.0])
    assert grad(special.expit)(-709.0) == pytest.approx(np.exp(-709.0), rel=1e-15)
    assert nth_derivative(special.expit, 3)(700.0) == pytest.approx(np.exp(-700.0), rel=1e-13)
    assert grad(special.log_expit)(-1e300) == 1.0


# ---- Python functions of scipy.special -------------------------------------------------------


def test_python_functions_that_run_on_numbers():
    x = np.array([0.3, -1.2, 2.0])
    p = special.softmax(x)
    got = grad(lambda x: special.softmax(x)[0])(x)
    np.testing.assert_allclose(got, p[0] * (np.eye(3)[0] - p), rtol=1e-13)
    np.testing.assert_allclose(grad(lambda x: np.sum(special.softplus(x)))(x), special.expit(x),
                               rtol=1e-14)
    np.testing.assert_allclose(grad(lambda x: special.lambertw(x).real)(1.5),
                               (special.lambertw(1.5) / 1.5 / (1 + special.lambertw(1.5))).real,
                               rtol=1e-15)
    np.testing.assert_allclose(grad(lambda q: special.zeta(3, q))(0.7), -3 * special.zeta(4, 0.7),
                               rtol=1e-15)
    np.testing.assert_allclose(grad(special.zeta)(2.0), -0.93754825431584375, rtol=1e-15)
    np.testing.assert_allclose(grad(lambda x: special.jvp(2, x))(3.5), special.jvp(2, 3.5, 2),
                               rtol=1e-13)
    np.testing.assert_allclose(grad(special.legendre(3))(0.5), 0.375, rtol=1e-14)


def test_python_functions_that_make_plain_arrays_run_lifted():
    x = np.array([0.3, 1.2, 2.0])
    p = special.softmax(x)

    def lifted(f):
        return lift(f, follow=("scipy",))

    np.testing.assert_allclose(grad(lift(special.logsumexp))(x), p, rtol=1e-14)
    np.testing.assert_allclose(hessian(lift(special.logsumexp))(x), np.diag(p) - np.outer(p, p),
                               rtol=1e-13)
    b = np.array([1.0, 2.0, 3.0])
    got = grad(lifted(lambda x: special.logsumexp(x, b=b, axis=0)))(x)
    np.testing.assert_allclose(got, b * p / np.sum(b * p), rtol=1e-14)
    got = grad(lambda x: lift(special.log_softmax)(x)[0])(x)
    np.testing.assert_allclose(got, np.eye(3)[0] - p, rtol=1e-14)
    for n in (1, 2, 5):
        got = grad(lambda x, n=n: np.sum(lift(special.polygamma)(n, x)))(x)
        np.testing.assert_allclose(got, special.polygamma(n + 1, x), rtol=1e-14)
    assert grad(lifted(lambda x: special.comb(x, 3)))(3.5) == pytest.approx(
        grad(lambda x: x * (x - 1) * (x - 2) / 6)(3.5), rel=1e-13)
