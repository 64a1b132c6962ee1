"""The counts of benchmarks/counts.py: what stands in docs/counts.md stays true."""

import sys
from pathlib import Path

import pytest

# Behind everything else: an installed dualdiff must not be hidden by the source tree.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks import counts


def test_hessian_evaluates_f_once_for_each_chunk():
    for size, blocks, evaluations, width in counts.hessian_evaluations():
        assert evaluations == blocks * (blocks + 1) // 2
        assert width <= (1 + size) ** 2


def test_orders_grow_no_faster_than_their_square():
    rows = counts.order_growth((1, 2, 4, 8), points=10, rounds=1)
    assert [r[0] for r in rows] == [1, 2, 4, 8]
    for k in (1, 2, 5, 8, 16, 32, 60):
        assert counts.multiplications(k) == (k + 1) * (k + 2) // 2 <= 3 * k**2


def test_a_product_with_the_hessian_is_one_evaluation():
    for _, _, evaluations, *_ in counts.product_cost((50, 500), rounds=1):
        assert evaluations == 1


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_peak_memory_is_bounded():
    ((*_, budget, dense, peak, evaluations),) = counts.peak_memory([("grad", 2500, 32)])
    assert dense > budget and peak < 1.25 * budget and evaluations > 2


def test_batches_take_one_pass():
    rows = dict((r[0], r[2]) for r in counts.batch_cost(50, rounds=1))
    assert rows["f"] == rows["f of one variable"] == 1.0 and len(rows) == 9


def test_fourteen_nested_directions():
    depth, evaluations, width, _ = counts.nested_directions()
    assert (depth, evaluations) == (14, 1) and width <= 2**14


def test_page():
    text = counts.table(("a", "b"), [("x", 1.23456), (12345, 2.0)])
    assert text.splitlines()[2:] == ["| `x` | 1.23 |", "| 12,345 | 2 |"]
    page = Path(__file__).resolve().parents[1] / "docs" / "counts.md"
    for heading in ("hessian: evaluations of f", "Peak memory within the budget",
                    "Many points at once"):
        assert heading in page.read_text()
