"""Functions that nobody wrote for dualdiff: how to call each, and where.

CASES: dotted name -> (call, point).  call(f, x) applies the function f, or its lifted form, to
a vector of numbers, and gives numbers, arrays or a tuple of them.

May import: dualdiff, NumPy, SciPy where a case is drawn.  Invariant: a case that runs is
compared with differences; only an error, of the function or of dualdiff, is a refusal.
"""

import importlib

import numpy as np
from foreign_snippets import SNIPPETS

from dualdiff import jacfwd, lift
from dualdiff._taylor import pack, unslated

X = np.array([0.7, 1.3, 2.1, 0.4, 1.9, 0.9])
Y = np.array([1.1, 0.3, 0.8, 1.7, 0.2, 1.4])
P = np.array([0.10, 0.25, 0.05, 0.30, 0.12, 0.18])  # adds up to 1
LONG = np.sin(np.arange(24.0)) + 0.1 * np.arange(24.0) + 2
S = np.array([0.6])


def plain(f, x):
    """f(x)."""
    return f(x)


def first(f, x):
    """f of one number."""
    return f(x[0])


def matrix(f, x):
    """f of a square matrix that is far from singular."""
    return f(np.reshape(np.concatenate([x, x[:3] * x[3:]]), (3, 3)) + 3 * np.eye(3))


def with_other(f, x):
    """f(x, y) of two vectors."""
    return f(x, Y)


def statistic(f, x):
    """The first result."""
    return f(x)[0]


def group(prefix, **cases):
    return {f"{prefix}.{name}": case if isinstance(case, tuple) else (case, X)
            for name, case in cases.items()}


CASES = {
    **group(
        "scipy.optimize", rosen=plain, rosen_der=plain, rosen_hess=plain,
        rosen_hess_prod=with_other,
        newton=(lambda f, x: f(lambda t: t**3 - x[0] * t - x[1], 2.0,
                               fprime=lambda t: 3 * t**2 - x[0]), X[:2]),
        fixed_point=(lambda f, x: f(lambda t: np.cos(t * x[0]), 0.7, xtol=1e-13, maxiter=900,
                                    method="iteration"), S),
        approx_fprime=(lambda f, x: f(np.array([0.3, 0.4]), lambda p: np.sum(p**2) * x[0]), S),
        brentq=(lambda f, x: f(lambda t: t**3 - x[0], 0.0, 3.0), S),
    ),
    **group(
        "scipy.integrate", simpson=lambda f, x: f(x, dx=0.3), trapezoid=with_other,
        cumulative_trapezoid=lambda f, x: f(x, dx=0.5, initial=0),
        cumulative_simpson=lambda f, x: f(x, dx=0.5),
        romb=(lambda f, x: f(x[:5], dx=0.5), X),
        fixed_quad=(lambda f, x: f(lambda t: np.exp(-x[0] * t), 0.0, 1.0, n=5)[0], S),
        quad_vec=(lambda f, x: f(lambda t: np.exp(-x[0] * t), 0.0, 1.0)[0], S),
        quad=(lambda f, x: f(lambda t: np.exp(-x[0] * t), 0.0, 1.0)[0], S),
        solve_ivp=(lambda f, x: f(lambda t, y: np.stack([y[1], -y[0] * x[2]]), (0.0, 1.0), x[:2],
                                  t_eval=[0.5, 1.0], rtol=1e-9, atol=1e-9).y, X[:3]),
        tanhsinh=(lambda f, x: f(lambda t: np.exp(-x[0] * t), 0.0, 1.0).integral, S),
    ),
    **group(
        "scipy.special", logsumexp=plain, softmax=plain, log_softmax=plain, sinc=plain,
        multigammaln=(lambda f, x: f(x + 3, 2), X), diric=lambda f, x: f(x, 5),
        polygamma=lambda f, x: f(2, x), jvp=lambda f, x: f(1, x, 2), yvp=lambda f, x: f(1, x),
        ivp=lambda f, x: f(1, x, 2), kvp=lambda f, x: f(1, x), h1vp=lambda f, x: np.abs(f(1, x)),
        spherical_jn=lambda f, x: f(2, x), spherical_yn=lambda f, x: f(1, x),
        legendre=lambda f, x: f(4)(x), chebyt=lambda f, x: f(5)(x), chebyu=lambda f, x: f(3)(x),
        hermite=lambda f, x: f(4)(x), hermitenorm=lambda f, x: f(3)(x),
        laguerre=lambda f, x: f(3)(x), genlaguerre=lambda f, x: f(3, 0.5)(x),
        jacobi=lambda f, x: f(3, 0.5, 1.5)(x), gegenbauer=lambda f, x: f(3, 0.7)(x),
        comb=lambda f, x: f(x + 5, 2), factorial=lambda f, x: f(x),
        sph_legendre_p=lambda f, x: f(2, 1, x), lpmv=lambda f, x: f(1, 2, x / 3),
    ),
    **group(
        "scipy.interpolate",
        barycentric_interpolate=lambda f, x: f(np.arange(6.0), x, [0.5, 2.2]),
        krogh_interpolate=lambda f, x: f(np.arange(6.0), x, np.array([0.5, 2.2])),
        lagrange=lambda f, x: f(np.arange(6.0), x)(1.3),
        interp1d=lambda f, x: f(np.arange(6.0), Y)(x),
        BarycentricInterpolator=lambda f, x: f(np.arange(6.0), Y)(x),
        KroghInterpolator=lambda f, x: f(np.arange(6.0), Y)(x),
        FloaterHormannInterpolator=lambda f, x: f(np.arange(6.0), Y, d=2)(x),
        CubicSpline=lambda f, x: f(np.arange(6.0), x)(1.3),
        PchipInterpolator=lambda f, x: f(np.arange(6.0), Y)(x),
        pade=lambda f, x: (lambda p, q: p(0.3) / q(0.3))(*f(x, 2)),
    ),
    **group(
        "scipy.signal.windows", kaiser=(lambda f, x: f(9, x[0]), X[:1] * 5),
        gaussian=(lambda f, x: f(9, x[0]), X[:1] * 5),
        general_gaussian=(lambda f, x: f(9, x[0], x[1]), X[:2]),
        general_cosine=(lambda f, x: f(9, x), X[:3]),
        general_hamming=(lambda f, x: f(9, x[0]), S),
        tukey=(lambda f, x: f(9, x[0]), S), exponential=(lambda f, x: f(9, None, x[0]), S),
        chebwin=(lambda f, x: f(9, x[0]), np.array([60.0])),
        kaiser_bessel_derived=(lambda f, x: f(8, x[0]), X[:1] * 5),
        taylor=(lambda f, x: f(9, 4, x[0]), np.array([30.0])),
    ),
    **group(
        "scipy.signal", detrend=plain, hilbert=lambda f, x: np.imag(f(x)),
        envelope=(lambda f, x: f(x)[0], LONG),
        periodogram=(lambda f, x: f(x)[1], LONG), welch=(lambda f, x: f(x, nperseg=8)[1], LONG),
        csd=(lambda f, x: np.real(f(x, x[::-1] ** 2, nperseg=8)[1]), LONG),
        coherence=(lambda f, x: f(x, x[::-1] ** 2, nperseg=8)[1], LONG),
        spectrogram=(lambda f, x: f(x, nperseg=8)[2], LONG),
        stft=(lambda f, x: np.imag(f(x, nperseg=8)[2]), LONG),
        convolve=lambda f, x: f(x, Y, method="direct"), fftconvolve=lambda f, x: f(x, Y),
        oaconvolve=(lambda f, x: f(x, Y), LONG),
        correlate=lambda f, x: f(x, Y, method="direct"), convolve2d=lambda f, x: matrix(
            lambda a: f(a, a), x),
        sawtooth=(plain, X[:4]), square=None, gausspulse=(lambda f, x: f(x, fc=2.0), X),
        chirp=(lambda f, x: f(x, 0.5, 2.0, 3.0), X), sweep_poly=(lambda f, x: f(x, np.poly1d(
            [0.1, 0.5, 1.0])), X),
        freqz=lambda f, x: np.abs(f(x, [1.0, 0.3], worN=5)[1]),
        freqs=lambda f, x: np.abs(f(x, [1.0, 0.3], worN=Y)[1]),
        freqz_zpk=lambda f, x: np.abs(f(x / 3, [0.2, 0.3], 1.5, worN=Y)[1]),
        freqs_zpk=lambda f, x: np.abs(f(x, [-0.2, -0.3], 1.5, worN=Y)[1]),
        group_delay=(lambda f, x: f((x, [1.0]), w=5)[1], X[:3]),
        bilinear=(lambda f, x: f(x[:2], [1.0, 1.3], 2.0)[0], X[:2]),
        bilinear_zpk=(lambda f, x: f(-x[:2], -x[2:], 1.5, 2.0)[1], X[:4]),
        zpk2tf=lambda f, x: f(x[:2], x[2:5], x[5])[1], tf2zpk=lambda f, x: np.abs(f(x, [1.0])[0]),
        lp2lp=lambda f, x: f(x, [1.0, 0.3], 2.0), lp2hp=lambda f, x: f(x, [1.0, 0.3], 2.0)[0],
        lp2bp=(lambda f, x: f(x, [1.0, 0.3], 2.0, 0.5)[0], X[:3]),
        lp2bs=(lambda f, x: f(x, [1.0, 0.3], 2.0, 0.5)[0], X[:3]),
        lp2lp_zpk=lambda f, x: f(x[:2], x[2:], 1.5, 2.0)[1],
        lp2hp_zpk=lambda f, x: f(x[:2], x[2:], 1.5, 2.0)[1],
        lp2bp_zpk=lambda f, x: np.real(f(x[:2], x[2:], 1.5, 2.0, 0.3)[1]),
        normalize=lambda f, x: f(x, [2.0, 0.3])[0],
        firwin=(lambda f, x: f(7, x[0]), S), firls=(lambda f, x: f(
            5, [0, 0.3, 0.5, 1.0], x), X[:4]),
        invres=(lambda f, x: f(x[:2], x[2:4], [0.5])[0], X[:4]),
        deconvolve=lambda f, x: f(x, [1.0, 0.5])[0], savgol_coeffs=None,
        savgol_filter=lambda f, x: f(x, 5, 2), decimate=(lambda f, x: f(x, 2), np.tile(LONG, 2)),
        resample=lambda f, x: f(x, 9), resample_poly=lambda f, x: f(x, 3, 2),
        vectorstrength=lambda f, x: f(x, 2.5)[0], lfilter=lambda f, x: f([1.0], [1.0, 0.3], x),
        lfilter_zi=(lambda f, x: f(x, [1.0, 0.3, 0.1]), X[:3]),
        wiener=plain, medfilt=None,
        tf2ss=(lambda f, x: f(x[:2], [1.0, 0.3, 0.2])[2], X[:2]),
        ss2tf=(lambda f, x: f(np.reshape(x, (2, 2)), [[1.0], [0.5]], [[1.0, 2.0]], [[0.0]])[0],
               X[:4]),
        kaiser_beta=(first, np.array([40.0])), kaiser_atten=(lambda f, x: f(21, x[0]), S),
        butter=(lambda f, x: f(2, x[0])[0], S), cheby1=(lambda f, x: f(2, x[0], 0.4)[0], S),
        cheby2=(lambda f, x: f(2, x[0], 0.4)[0], np.array([30.0])),
        iirnotch=(lambda f, x: f(x[0], 20.0)[0], S), iirpeak=(lambda f, x: f(x[0], 20.0)[1], S),
        czt=lambda f, x: np.abs(f(x, 4)), zoom_fft=lambda f, x: np.abs(f(x, [0.1, 0.4], 4)),
        gauss_spline=lambda f, x: f(x, 3), cspline1d=plain, lombscargle=lambda f, x: f(
            np.arange(6.0), x, Y),
        step=(lambda f, x: f(([1.0], x), T=np.arange(4.0))[1], X[:2]),
        get_window=(lambda f, x: f(("kaiser", x[0]), 8), X[:1] * 5),
        sosfreqz=lambda f, x: np.abs(f(np.stack([[*x[:3], 1.0, *x[4:] / 3]]), worN=5)[1]),
        upfirdn=lambda f, x: f([1.0, 0.5], x, 2), sosfilt=lambda f, x: f(
            [[1.0, 0.2, 0.1, 1.0, 0.3, 0.2]], x), filtfilt=(lambda f, x: f(
                [1.0, 0.2], [1.0, 0.3], x), LONG),
    ),
    **group(
        "scipy.stats", gmean=plain, hmean=plain, pmean=lambda f, x: f(x, 2.5),
        moment=lambda f, x: f(x, 3), skew=plain, kurtosis=plain, variation=plain,
        tmean=lambda f, x: f(x, (0.5, 2.0)), tvar=lambda f, x: f(x, (0.5, 2.0)),
        tstd=plain, tsem=plain, tmin=plain, tmax=plain, sem=plain, zscore=plain,
        zmap=lambda f, x: f(x, Y), gzscore=plain, circmean=plain, circvar=plain, circstd=plain,
        describe=lambda f, x: (f(x).mean, f(x).variance, f(x).skewness, f(x).kurtosis),
        kstat=lambda f, x: f(x, 3), kstatvar=lambda f, x: f(x, 2),
        trim_mean=lambda f, x: f(x, 0.2), iqr=plain, gstd=plain, median_abs_deviation=plain,
        entropy=plain, differential_entropy=lambda f, x: f(x, method="vasicek"),
        energy_distance=with_other, wasserstein_distance=with_other,
        pearsonr=lambda f, x: f(x, Y).statistic, linregress=lambda f, x: f(Y, x).slope,
        theilslopes=lambda f, x: f(x, Y).slope, siegelslopes=lambda f, x: f(x, Y).slope,
        ttest_1samp=lambda f, x: f(x, 0.5).statistic, ttest_ind=lambda f, x: f(x, Y).statistic,
        ttest_rel=lambda f, x: f(x, Y).statistic, f_oneway=lambda f, x: f(x, Y).statistic,
        bartlett=lambda f, x: f(x, Y).statistic, levene=lambda f, x: f(x, Y).statistic,
        jarque_bera=lambda f, x: f(x).statistic, chisquare=lambda f, x: f(P, x / np.sum(
            x)).statistic, power_divergence=lambda f, x: f(x / np.sum(x), P, lambda_="neyman"
            ).statistic,
        skewtest=(lambda f, x: f(x).statistic, LONG), normaltest=(lambda f, x: f(x).statistic,
                                                                 LONG),
        boxcox_llf=lambda f, x: f(0.3, x), boxcox=lambda f, x: f(x, 0.3),
        yeojohnson_llf=lambda f, x: f(0.3, x), yeojohnson=lambda f, x: f(x, 0.3),
        expectile=lambda f, x: f(x, 0.3), obrientransform=lambda f, x: f(x, Y)[0],
        lmoment=lambda f, x: f(x, 2), combine_pvalues=lambda f, x: f(x / 4).statistic,
        rankdata=None, cumfreq=None, gaussian_kde=lambda f, x: f(Y)(x),
        directional_stats=lambda f, x: f(np.reshape(x, (3, 2))).mean_direction,
        ppcc_max=None, bayes_mvs=lambda f, x: f(x)[0].statistic,
        mood=None, alexandergovern=lambda f, x: f(x, Y).statistic,
        somersd=None, pointbiserialr=lambda f, x: f([0, 1, 0, 1, 1, 0], x).statistic,
        sigmaclip=lambda f, x: f(x).clipped, trimboth=lambda f, x: f(x, 0.2),
        ansari=None, epps_singleton_2samp=None, quantile=lambda f, x: f(x, 0.3),
    ),
    **{f"scipy.stats.{name}.{method}": case for name, methods in {
        "norm": {"logpdf": plain, "pdf": plain, "cdf": plain, "sf": plain, "logcdf": plain,
                 "ppf": lambda f, x: f(x / 3), "entropy": lambda f, x: f(0.0, x)},
        "expon": {"logpdf": plain, "cdf": plain}, "cauchy": {"logpdf": plain, "cdf": plain},
        "gamma": {"logpdf": lambda f, x: f(x, 2.5), "cdf": lambda f, x: f(x, 2.5)},
        "beta": {"logpdf": lambda f, x: f(x / 3, 2.5, 1.5)},
        "t": {"logpdf": lambda f, x: f(x, 3.0)}, "chi2": {"logpdf": lambda f, x: f(x, 3.0)},
        "laplace": {"logpdf": lambda f, x: f(x, Y)}, "logistic": {"logpdf": plain},
        "lognorm": {"logpdf": lambda f, x: f(x, 0.8)},
        "weibull_min": {"logpdf": lambda f, x: f(x, 1.7)}, "gumbel_r": {"logpdf": plain},
        "rayleigh": {"logpdf": plain}, "pareto": {"logpdf": lambda f, x: f(x + 1, 1.7)},
        "poisson": {"logpmf": lambda f, x: f(3, x)}, "binom": {"logpmf": lambda f, x: f(
            2, 5, x / 3)},
        "genextreme": {"logpdf": lambda f, x: f(x, 0.1)},
        "multivariate_normal": {"logpdf": lambda f, x: f(x[:2], [0.1, 0.2], [[1.0, 0.3],
                                                                            [0.3, 2.0]])},
        "dirichlet": {"logpdf": lambda f, x: f(P[:5].tolist() + [1 - sum(P[:5])], x)},
    }.items() for method, case in ((m, (c, X)) for m, c in methods.items())},
    **group(
        "scipy.spatial.distance", euclidean=with_other, sqeuclidean=with_other,
        cityblock=with_other, chebyshev=with_other, canberra=with_other, braycurtis=with_other,
        cosine=with_other, correlation=with_other, minkowski=lambda f, x: f(x, Y, 3),
        seuclidean=lambda f, x: f(x, Y, P), mahalanobis=lambda f, x: f(x, Y, np.diag(P)),
        jensenshannon=with_other, directed_hausdorff=lambda f, x: f(
            np.reshape(x, (3, 2)), np.reshape(Y, (3, 2)))[0],
        pdist=lambda f, x: f(np.reshape(x, (3, 2))),
        cdist=lambda f, x: f(np.reshape(x, (3, 2)), np.reshape(Y, (3, 2))),
    ),
    **group(
        "scipy.spatial", distance_matrix=lambda f, x: f(
            np.reshape(x, (3, 2)), np.reshape(Y, (3, 2))), minkowski_distance=with_other,
        minkowski_distance_p=lambda f, x: f(x, Y, 3), geometric_slerp=(lambda f, x: f(
            x / np.linalg.norm(x), np.array([0.0, 1.0, 0.0]), [0.3, 0.6]), X[:3]),
        procrustes=lambda f, x: f(np.reshape(x, (3, 2)), np.reshape(Y, (3, 2)))[2],
    ),
    **group(
        "scipy.linalg", toeplitz=plain, circulant=plain, hankel=plain,
        companion=plain, block_diag=lambda f, x: f(np.reshape(x[:4], (2, 2)), x[4:]),
        leslie=lambda f, x: f(x, x[1:]), fiedler=plain, fiedler_companion=plain,
        convolution_matrix=lambda f, x: f(x, 4), khatri_rao=lambda f, x: f(
            np.reshape(x, (3, 2)), np.reshape(x, (3, 2))),
        solve_circulant=lambda f, x: f(x, Y), matmul_toeplitz=lambda f, x: f(x, Y),
        expm=matrix, logm=matrix, sqrtm=matrix, cosm=matrix, sinm=matrix, tanm=matrix,
        coshm=matrix, funm=None, fractional_matrix_power=lambda f, x: matrix(lambda a: f(
            a, 0.5), x), det=matrix, inv=matrix, solve=lambda f, x: matrix(lambda a: f(
                a, [1.0, 2.0, 3.0]), x), norm=plain, pinv=matrix, orthogonal_procrustes=None,
        bandwidth=None, cholesky=lambda f, x: matrix(lambda a: f(a @ a.T), x), solve_triangular=(
            lambda f, x: matrix(lambda a: f(a, [1.0, 2.0, 3.0]), x)), kron=None,
        expm_frechet=None, signm=None,
    ),
    **group("scipy.fft", fft=lambda f, x: np.abs(f(x)), rfft=lambda f, x: np.abs(f(x)),
            dct=plain, fftshift=plain, ifftshift=plain, fht=lambda f, x: f(x, 0.5, 0.0)),
    **group("scipy.ndimage", gaussian_filter1d=lambda f, x: f(x, 1.0), shift=None,
            convolve1d=lambda f, x: f(x, [1.0, 2.0]), mean=plain, sum_labels=plain,
            center_of_mass=plain, variance=plain),
    **group("scipy.cluster.vq", whiten=lambda f, x: f(np.reshape(x, (3, 2)))),
    **group("scipy.constants", convert_temperature=lambda f, x: f(x, "C", "F"),
            lambda2nu=plain, nu2lambda=plain),
    **group("scipy.differentiate", derivative=(lambda f, x: f(
        lambda t: np.exp(t * x[0]), 0.5).df, S)),
    **group("scipy.odr", ODR=None),
}
CASES = {name: case for name, case in CASES.items() if case[0] is not None}
CASES |= group(
    "numpy.polynomial", **{
        "polynomial.polyvalfromroots": lambda f, x: f(0.3, x),
        "polynomial.polyfromroots": plain, "polynomial.polydiv": lambda f, x: f(x, x[:3])[0],
        "chebyshev.poly2cheb": plain, "chebyshev.cheb2poly": plain,
        "chebyshev.chebfromroots": plain, "chebyshev.chebmul": with_other,
        "legendre.poly2leg": plain, "legendre.legmul": with_other, "hermite.poly2herm": plain,
        "laguerre.lag2poly": plain, "hermite_e.herme2poly": plain,
        "polynomial.polypow": lambda f, x: f(x[:3], 3)})
CASES |= {f"snippet.{f.__name__}": (plain, X) for f in SNIPPETS}


def find(name):
    """The function of a dotted name."""
    if name.startswith("snippet."):
        return {f.__name__: f for f in SNIPPETS}[name.removeprefix("snippet.")]
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:n]))
        except ImportError:
            continue
        for part in parts[n:]:
            found = getattr(found, part)
        return found
    raise ImportError(name)


# ---- judging ---------------------------------------------------------------------------------

STEP = 1e-3
RTOL = 1e-7  # of differences of fourth order, against the largest entry
ERRORS = (TypeError, ValueError, NotImplementedError, RuntimeError, SystemError, AttributeError)

# Names for which RTOL does not hold, and why.
LOOSE = {
    "scipy.optimize.approx_fprime": 1e-5,  # a difference itself: its own rounding is 1e-8
    "scipy.optimize.newton": 1e-6,  # the iteration stops at 1e-8
    "scipy.integrate.solve_ivp": 1e-6,  # steps are chosen by the values
}

_COMPILED = "computes in compiled code, on plain floats"
_LAPACK = "hands its arrays to LAPACK; numpy.linalg has the same of numbers"
_RULE = "calls a function of scipy.special that has no rule"
REFUSED = {
    "scipy.optimize.brentq": _COMPILED, "scipy.integrate.quad": _COMPILED,
    "scipy.special.multigammaln": "calls gammaln on a list of numbers",
    "scipy.special.sph_legendre_p": _RULE,
    **{f"scipy.interpolate.{name}": _COMPILED for name in ("CubicSpline", "PchipInterpolator")},
    "scipy.interpolate.pade": _LAPACK,
    **{f"scipy.signal.{name}": _COMPILED for name in (
        "convolve2d", "deconvolve", "savgol_filter", "resample_poly", "lfilter", "cspline1d",
        "upfirdn", "sosfilt", "filtfilt")},
    **{f"scipy.signal.{name}": _LAPACK for name in ("detrend", "firls", "step")},
    **{f"scipy.signal.{name}": "looks its prototype up in a table of lists of functions"
       for name in ("butter", "cheby1", "cheby2", "decimate")},
    "scipy.stats.gaussian_kde": _COMPILED, "scipy.stats.bayes_mvs": _COMPILED,
    **{f"scipy.spatial.distance.{name}": _COMPILED for name in (
        "directed_hausdorff", "pdist", "cdist")},
    "scipy.spatial.procrustes": _LAPACK,
    **{f"scipy.linalg.{name}": _LAPACK for name in (
        "expm", "logm", "sqrtm", "cosm", "sinm", "tanm", "coshm", "fractional_matrix_power",
        "det", "inv", "solve", "pinv", "cholesky", "solve_triangular")},
    "scipy.linalg.circulant": "looks at raw memory with as_strided",
    **{f"scipy.fft.{name}": _COMPILED for name in ("dct", "fht")},
    **{f"scipy.ndimage.{name}": _COMPILED for name in (
        "gaussian_filter1d", "convolve1d", "center_of_mass")},
    "scipy.differentiate.derivative": "makes truth values of its results, by astype(bool)",
}


def flat(y):
    """Everything in a result, in one dimension."""
    if isinstance(y, (tuple, list)):
        return np.concatenate([flat(e) for e in y])
    return np.reshape(pack(unslated(y)), (-1,))


def slopes(name):
    """The Jacobian by differences of fourth order: (8 d(h) - d(2 h)) / (12 h)."""
    call, x = CASES[name]
    f = find(name)
    columns = []
    for i in range(len(x)):
        step = np.zeros(len(x))
        step[i] = STEP
        d = [flat(call(f, x + k * step)) - flat(call(f, x - k * step)) for k in (1, 2)]
        columns.append((8 * d[0] - d[1]) / (12 * STEP))
    return np.stack(columns, axis=-1)


def jacobian(name, change=lambda f: f):
    """The Jacobian of a case by dualdiff; change: what to do to the function first."""
    call, x = CASES[name]
    f = change(find(name))
    return jacfwd(lambda x: flat(call(f, x)))(x)


def check(name, got):
    """Assert that got is the Jacobian; a lost derivative fails, as no case is constant."""
    want = slopes(name)
    assert np.any(want)
    scale = np.max(np.abs(want))
    np.testing.assert_allclose(got, want, rtol=0, atol=LOOSE.get(name, RTOL) * scale)


def state(name):
    """How a case runs: "as it is", "through lift" or "refused"."""
    for way, change in (("as it is", lambda f: f), ("through lift", lift)):
        try:
            got = jacobian(name, change)
        except ERRORS:
            continue
        check(name, got)
        return way
    return "refused"
