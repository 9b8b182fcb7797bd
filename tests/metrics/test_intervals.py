"""Intervals against published values and against their promise."""

import numpy as np
import pytest

from venero.metrics.intervals import bootstrap, difference, mean, share, wilson


def hits(k: int, n: int) -> np.ndarray:
    return np.arange(n) < k


def test_wilson_published():
    """Newcombe 1998 (two-sided 95 %, method 3): 81 of 263 and 0 of 20."""
    assert share(hits(81, 263))[:3] == pytest.approx((0.3080, 0.2553, 0.3662), abs=1e-4)
    assert share(hits(0, 20))[:3] == pytest.approx((0.0, 0.0, 0.1611), abs=1e-4)


def test_newcombe_published():
    """Newcombe 1998, interval estimation for the difference, method 10: 56/70 - 48/80 and 9/10 - 3/10."""
    assert difference(share(hits(48, 80)), share(hits(56, 70)))[:3] == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert difference(share(hits(3, 10)), share(hits(9, 10)))[:3] == pytest.approx((0.6, 0.1705, 0.8090), abs=1e-4)


def test_intervals_hold_what_they_promise():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(1000):
        found = mean(rng.normal(3.0, 2.0, 200))
        inside += found.low <= 3.0 <= found.high
    assert 930 <= inside <= 970
    shares = [share(rng.random(60) < 0.93) for _ in range(1000)]
    assert 925 <= sum(s.low <= 0.93 <= s.high for s in shares) <= 975


def test_one_value_says_nothing_of_its_spread():
    assert mean(np.array([2.0]))[:3] == (2.0, -np.inf, np.inf)


def test_bootstrap_holds_what_it_promises_and_repeats_itself():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(150):
        x, y = rng.normal(3.0, 2.0, 80), rng.normal(1.0, 1.0, 50)
        found = bootstrap(lambda a, b: a.mean() - b.mean(), x, y, draws=150)
        inside += found.low <= 2.0 <= found.high
    assert 0.88 <= inside / 150 <= 0.99
    assert found == bootstrap(lambda a, b: a.mean() - b.mean(), x, y, draws=150)
    assert found.n == 50


def test_bootstrap_agrees_with_the_standard_error_of_a_mean():
    x = np.random.default_rng(1).exponential(size=400)
    found, normal = bootstrap(np.mean, x, draws=1000), mean(x)
    assert found.value == pytest.approx(normal.value)
    assert found.high - found.low == pytest.approx(normal.high - normal.low, rel=0.1)


def test_wilson_of_fewer_effective_cases_is_wider():
    assert wilson(0.3, 100) == pytest.approx(share(np.arange(100) < 30)[1:3])
    assert wilson(0.3, 20.5)[0] < wilson(0.3, 100)[0] < 0.3 < wilson(0.3, 100)[1] < wilson(0.3, 20.5)[1]
