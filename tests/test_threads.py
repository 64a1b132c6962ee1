"""Threads that differentiate nested functions at once give what one thread gives."""

import threading

import numpy as np

from dualdiff import grad, jvp, value_and_grad


def nested(a, b, v):
    return [
        grad(lambda x: x * grad(lambda y, x=x: np.sin(x * y) * y)(a))(b),
        grad(grad(grad(lambda x: np.exp(a * x) * x)))(b),
        jvp(lambda x: x * jvp(np.tanh, (x * a,), (x,))[1], (b,), (1.5,))[1],
        grad(lambda u: np.sum(grad(lambda w: np.sum(w * w * u) * b)(u) * v))(v),
        value_and_grad(lambda u: np.sum(np.cos(u) * v))(v)[1],
    ]


def work(seed):
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(30):
        out += nested(*rng.normal(size=2).tolist(), rng.normal(size=5))
    return out


def test_eight_threads():
    want = [work(seed) for seed in range(8)]
    got = [None] * 8
    gate = threading.Barrier(8)

    def run(q):
        gate.wait()
        got[q] = work(q)

    threads = [threading.Thread(target=run, args=(q,)) for q in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for a, b in zip(want, got, strict=True):
        assert b is not None
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)
