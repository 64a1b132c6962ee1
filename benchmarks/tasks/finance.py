"""Prices and their sensitivities."""

import numpy as np

from benchmarks.task import Task


def normal_cdf(x):
    return 0.5 * (1.0 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


def call_price(spot, strike=100.0, rate=0.03, sigma=0.25, years=0.75):
    root = sigma * years**0.5
    d1 = (np.log(spot / strike) + (rate + 0.5 * sigma * sigma) * years) / root
    discounted = strike * np.exp(-rate * years)
    return spot * normal_cdf(d1) - discounted * normal_cdf(d1 - root)


def delta_by_hand(spot, strike=100.0, rate=0.03, sigma=0.25, years=0.75):
    root = sigma * years**0.5
    d1 = (np.log(spot / strike) + (rate + 0.5 * sigma * sigma) * years) / root
    discounted = strike * np.exp(-rate * years)
    c, k = 0.7978845608028654, 0.044715

    def pair(x):
        t = np.tanh(c * (x + k * x * x * x))
        return 0.5 * (1.0 + t), 0.5 * (1.0 - t * t) * c * (1.0 + 3.0 * k * x * x)
    n1, s1 = pair(d1)
    _, s2 = pair(d1 - root)
    return n1 + (s1 - discounted / spot * s2) / root


def greeks(p):
    """Price of one option in (spot, rate, sigma, years)."""
    spot, rate, sigma, years = p[0], p[1], p[2], p[3]
    root = sigma * np.sqrt(years)
    d1 = (np.log(spot / 100.0) + (rate + 0.5 * sigma * sigma) * years) / root
    return spot * normal_cdf(d1) - 100.0 * np.exp(-rate * years) * normal_cdf(d1 - root)


def annuity(rate):
    """Present value of a bond of 30 coupons: the duration is its derivative."""
    t = np.arange(1.0, 31.0)
    return np.sum(4.0 / (1.0 + rate) ** t) + 100.0 / (1.0 + rate) ** 30


def utility(w, returns):
    """Mean log growth of a portfolio with softmax weights."""
    e = np.exp(w - np.max(w))
    return -np.mean(np.log(1.0 + returns @ (e / np.sum(e))))


def market(size):
    days, assets = size
    rng = np.random.default_rng(11)
    return 0.1 * rng.normal(size=assets), 0.01 * rng.normal(size=(days, assets)) + 0.0005


TASKS = [
    Task(name="black-scholes 1e6", family="finance",
         what="Black-Scholes-like price, 1e6 points, delta", kind="elementwise", f=call_price,
         make=lambda n: (np.linspace(60.0, 160.0, n),), size=1_000_000, small=101,
         ways={"hand": lambda args: lambda: delta_by_hand(args[0])}, largest=lambda n: 8 * n),
    Task(name="greeks", family="finance", what="one option: four greeks of first order",
         kind="gradient", f=greeks, make=lambda size: (np.array([100.0, 0.03, 0.25, 0.75]),)),
    Task(name="greeks of second order", family="finance",
         what="one option: the 4×4 greeks of second order", kind="hessian", f=greeks,
         make=lambda size: (np.array([100.0, 0.03, 0.25, 0.75]),)),
    Task(name="bond duration", family="finance", what="duration of a bond of 30 coupons",
         kind="derivative", f=annuity, make=lambda size: (0.035,)),
    Task(name="portfolio 250x20", family="finance",
         what="log growth of a portfolio, 250 days × 20 assets, gradient", kind="gradient",
         f=utility, make=market, size=(250, 20), small=(12, 4)),
]
