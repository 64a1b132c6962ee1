"""The examples run as a user runs them, and come to figures known from elsewhere."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(p.stem for p in EXAMPLES.glob("*.py") if p.stem != "picture")
LARGE = {"brusselator_channel", "image_denoising", "obstacle", "torsion"}
SMALL = {"light_curve": "4000", "obstacle": "101"}  # sizes for tests, where minutes would pass
needs_lanes = pytest.mark.lanes(
    "auto", "always", reason="100,000 dense seeds would take hours")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """run(name) -> (globals of the script, its picture); every script runs once."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    done = {}

    def run_once(name):
        if name not in done:
            picture = tmp_path_factory.mktemp("pictures") / f"{name}.png"
            patch = pytest.MonkeyPatch()
            with patch.context() as m:
                size = [SMALL[name]] if name in SMALL else []
                m.setattr(sys, "argv", [f"{name}.py", str(picture), *size])
                m.syspath_prepend(str(EXAMPLES))
                script = str(EXAMPLES / f"{name}.py")
                done[name] = runpy.run_path(script, run_name="__main__"), picture
        return done[name]

    return run_once


def close(got, want, rtol=0.0, atol=0.0):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[needs_lanes] if name in LARGE else []) for name in SCRIPTS])
def test_runs_prints_and_draws(name, run, capsys):
    names, picture = run(name)
    assert names["__doc__"]
    if name != "tutorial":
        assert picture.read_bytes()[:4] == b"\x89PNG" and picture.stat().st_size > 20_000


def test_every_example_has_a_test():
    text = Path(__file__).read_text()
    for name in SCRIPTS:
        assert f'run("{name}")' in text, name


def test_tutorial(run):
    """The figures of JAX's introduction to jax.grad, to 1e-6."""
    t, _ = run("tutorial")
    close([t["slope"], t["second"], t["third"]], [0.070650816, -0.13621868, 0.25265405], atol=1e-6)
    close(t["polynomial"], [4.0, 10.0, 6.0, 0.0])
    close(t["W"], [-2.4424558, -2.0356805, 0.20554423], atol=1e-6)
    close(t["b"], 1.2956359, atol=1e-6)
    W_grad, b_grad = [-0.43314594, -0.7354604, -1.2598921], -0.69001764
    for got in (t["W_grad"], t["W_grad_again"], t["both"][0], t["params_grad"]["W"],
                t["gradients"][0]):
        close(got, W_grad, atol=1e-6)
    for got in (t["b_grad"], t["both"][1], t["params_grad"]["b"], t["gradients"][1]):
        close(got, b_grad, atol=1e-6)
    assert isinstance(t["both"], tuple) and isinstance(t["params_grad"], dict)
    close(t["loss_value"], 2.9729187, atol=1e-6)
    assert t["loss_value"] == t["loss"](t["W"], t["b"])
    close(t["W_directional"], 1.3006743, atol=1e-6)
    close(t["W_pushed"], 1.3006743, atol=1e-6)
    close(t["W_numerical"], t["W_directional"], atol=1e-7)
    close(t["b_numerical"], t["b_grad"], atol=1e-7)


def test_logistic_regression(run):
    """scikit-learn's own solver, on the same penalised loss, finds the same coefficients."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    g, _ = run("logistic_regression")
    f = g["figures"]
    assert f["gap"] < 1e-14 and f["gradient"] < 1e-7
    assert np.all(np.diff(f["losses"]) <= 0) and f["losses"][0] == pytest.approx(np.log(2))
    assert f["held_out"] >= 0.95
    (X, y), _ = g["split"]()
    other = linear_model.LogisticRegression(C=1 / g["PENALTY"], tol=1e-10, max_iter=10_000)
    other.fit(X, y)
    close(f["w"], np.append(other.coef_, other.intercept_), atol=1e-5)


def test_curvature(run):
    f = run("curvature")[0]["figures"]
    close([f["tip"], f["side"], f["turns"]], [2.0, 0.25, 1.0], rtol=1e-13)
    assert f["evolute"] < 1e-13


def test_newton_rosenbrock(run):
    """The values of Newton's full steps from (-1.2, 1) stand in the textbooks."""
    f = run("newton_rosenbrock")[0]["figures"]
    close(f["pure"][:5], [24.2, 4.731884325266608, 1411.8451735, 0.0559655168, 0.3131890],
          rtol=1e-6)
    close(f["pure"][5], 1.85274e-11, rtol=1e-3)
    close(f["pure_end"], [1.0, 1.0], rtol=1e-14)
    close(f["safe_end"], [1.0, 1.0], rtol=1e-10)
    close(f["many_end"], np.ones(20), rtol=1e-10)
    assert f["safe_steps"] < 30


def test_robot_arm(run):
    f = run("robot_arm")[0]["figures"]
    assert f["gap"] < 1e-14 and f["straight"] < 1e-15 < 0.1 < f["bent"]
    assert f["miss"] < 1e-12 and f["steps"] < 25


def test_black_scholes(run):
    f = run("black_scholes")[0]["figures"]
    assert max(f["gaps"].values()) < 1e-13 and len(f["gaps"]) == 12
    close([f["price"], f["delta"]], [11.348476, 0.596771], atol=2e-6)


def test_stiff_ode(run):
    """Robertson's solution at t = 40, as the literature on stiff solvers gives it."""
    f = run("stiff_ode")[0]["figures"]
    close(f["at_40"], [0.7158270687193914, 9.185534764557338e-6, 0.2841637457458637], rtol=1e-7)
    assert f["gap"] == 0.0 and f["calls"][0] < f["calls"][1] and f["mass"] < 1e-13
    close(f["end"][2], 1.0, atol=1e-7)


def test_sensitivities(run):
    """Against the variational equations, integrated by another method to 1e-12."""
    f = run("sensitivities")[0]["figures"]
    assert f["gap"] < 1e-7 and f["sensitivities"].shape == (2, 601, 6)


def test_taylor_integrator(run):
    """Four turns of Kepler's problem at eccentricity 0.9, whose solution is known."""
    f = run("taylor_integrator")[0]["figures"]
    assert f["error"] < 1e-11 and f["error"] < f["other"] and f["drift"] < 1e-12
    assert f["steps"] < 400 and f["lengths"].max() > 50 * f["lengths"].min()


def test_taylor_series(run):
    """Poles at +-i; the integral by quadrature in the example."""
    f = run("taylor_series")[0]["figures"]
    assert f["gap"] < 1e-9 and f["radius"] == pytest.approx(1.0, abs=1e-9)
    errors = {x: np.array(e) for x, e in f["errors"].items()}
    assert errors[0.3][-1] < 1e-15 and errors[0.6][-1] < 1e-8 and errors[1.4][-1] > 1e5
    close(f["integral"], f["area"], rtol=1e-12)
    assert f["worst"] < 1e-12 and f["pieces"] < 15 and abs(f["numpy"]) < 1e-15


def test_equation_of_state(run):
    """Van der Waals at T = 0.9: the literature's 0.6470, 0.6034, 2.3488; Clapeyron's slope."""
    f = run("equation_of_state")[0]["figures"]
    assert max(map(abs, f["gaps"].values())) < 1e-13 and max(map(abs, f["maxwell"])) < 1e-13
    close(f["at"], [0.6034, 2.3488, 0.6470], atol=6e-5)
    assert f["clapeyron"] < 1e-11
    t, p = f["temperatures"], f["curve"][:, :, 2]
    h = t[1] - t[0]  # orders 2 and 3 by differences of the order below
    for k in (2, 3):
        slope = (8 * (p[3:-1, k - 1] - p[1:-3, k - 1]) - (p[4:, k - 1] - p[:-4, k - 1])) / (12 * h)
        close(p[2:-2, k], slope, rtol=2e-3)


@needs_lanes
def test_brusselator_channel(run):
    """Inner cells have four neighbours and the other substance; none lies behind a wall."""
    g, _ = run("brusselator_channel")
    f, across, along = g["figures"], g["ACROSS"], g["ALONG"]
    assert f["size"] == 2 * across * along >= 100_000 and f["status"] == 0
    edges = across * (along - 1) + along * (across - 1)
    assert f["nnz"] == 2 * (2 * across * along + 2 * edges) and f["gap"] < 1e-13
    assert f["u"].min() > 0.0 and 3.0 < f["u"].max() < 5.0


@needs_lanes
def test_torsion(run):
    f = run("torsion")[0]["figures"]
    assert f["size"] >= 100_000 and f["symmetric"] and f["nnz"] < 7 * f["size"]
    close(f["linear"], f["known"], rtol=3e-4)
    assert 0.5 * f["linear"] < f["moment"] < f["linear"] and f["left"] < 1e-3


@needs_lanes
def test_image_denoising(run):
    """The Hessian, against differences of the gradient by hand."""
    g, _ = run("image_denoising")
    f = g["figures"]
    assert f["size"] >= 100_000 and f["gap"] < 1e-12 and f["after"] < f["before"] / 4
    rng = np.random.default_rng(0)
    noisy, v = rng.normal(size=(g["SIDE"],) * 2), rng.normal(size=f["size"])
    x, step = rng.normal(size=f["size"]), 1e-5
    h = g["sparse_hessian"](g["objective"])(x, noisy)
    slopes = [g["gradient_by_hand"](x + s * v, noisy) for s in (step, -step)]
    want = (slopes[0] - slopes[1]) / (2 * step)
    close(h @ v, want, atol=1e-4 * np.abs(want).max())
    assert (h != h.T).nnz == 0


@needs_lanes
def test_obstacle(run):
    """The radius of contact and the heights, as the radial solution has them."""
    g, _ = run("obstacle")
    f = g["figures"]
    assert f["size"] < np.pi / 4 * 101**2 < 1.05 * f["size"]
    assert f["symmetric"] and f["nnz"] <= 5 * f["size"]
    close(f["radius"], f["known"], atol=0.5 * 2 / 100)
    assert f["error"] < 0.01


def test_light_curve(run):
    g, _ = run("light_curve")
    f, n = g["figures"], 4000
    assert f["shape"] == (2 * n - 1, n) and f["nnz"] == n + 2 * (n - 1)
    assert f["status"] > 0 and f["gap"] < 1e-11 and f["off"] < 0.08
