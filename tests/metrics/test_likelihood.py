"""Mean log-likelihoods and bits per dimension: closed forms, the interval's coverage, and what can't be averaged."""

from __future__ import annotations

from math import inf, log

import numpy as np
import pytest
from scipy import stats

from venero.core.errors import DataError
from venero.metrics.likelihood import bits_per_dim, mean_log_likelihood


def test_of_a_gaussian_it_is_minus_the_entropy() -> None:
    x = np.random.default_rng(0).normal(0, 2, 200_000)
    found = mean_log_likelihood(stats.norm(0, 2).logpdf(x))
    assert found.low < -stats.norm(0, 2).entropy() < found.high
    assert found.high - found.low < 0.01
    assert found.n == 200_000


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = [mean_log_likelihood(stats.norm.logpdf(rng.normal(size=100))) for _ in range(1000)]
    share = np.mean([f.low < -stats.norm.entropy() < f.high for f in found])
    assert 0.92 < share < 0.97


def test_fair_coins_have_one_bit_each() -> None:
    nats = mean_log_likelihood(np.full(50, 10 * log(0.5)))
    found = bits_per_dim(nats, 10)
    assert found.value == found.low == found.high == pytest.approx(1)
    assert found.n == 50


def test_lower_likelihood_is_more_bits_and_the_interval_turns_round() -> None:
    good, bad = (bits_per_dim(mean_log_likelihood(np.random.default_rng(0).normal(m, 1, 100)), 3) for m in (-5, -9))
    assert good.value < bad.value
    assert good.low < good.value < good.high


def test_one_impossible_example_rules_the_mean() -> None:
    found = mean_log_likelihood(np.array([-1.0, -inf, -2.0]))
    assert (found.value, found.n) == (-inf, 3)
    assert bits_per_dim(found, 2).value == inf


def test_nan_is_an_error_with_a_way_out() -> None:
    with pytest.raises(DataError, match=r"2 of 3 scores are NaN: .*learning_rate"):
        mean_log_likelihood(np.array([np.nan, 1.0, np.nan]))
