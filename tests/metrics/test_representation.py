"""Measures of a latent space where the answer is known."""

import numpy as np
import pytest
from scipy.stats import norm

from venero.metrics.representation import (
    Judge,
    active_units,
    continuity,
    flat,
    gaussian_of,
    image_classifier,
    knn_accuracy,
    midpoints,
    pairs_across,
)


class Half:
    """Sure of what is positive in its first number, and of nothing else."""

    def predict_proba(self, X):
        sure = X[:, 0] > 0
        return np.stack([np.where(sure, 0.95, 0.5), np.where(sure, 0.05, 0.5)], axis=1)


JUDGE = Judge(Half(), None, None)


def same(z):
    return z


def test_active_units_by_their_variance():
    rng = np.random.default_rng(0)
    codes = rng.normal(0, 1, (4000, 4)) * [1.0, 0.2, 0.05, 0.0]
    assert active_units(codes).tolist() == [True, True, False, False]


def test_knn_of_separate_classes_and_of_none():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    apart = rng.normal(0, 1, (2000, 3)) + 20 * y[:, None]
    assert knn_accuracy(apart[:1000], y[:1000], apart[1000:], y[1000:]).value == 1
    chance = knn_accuracy(rng.normal(size=(1000, 3)), y[:1000], rng.normal(size=(1000, 3)), y[1000:])
    assert chance.low < 0.5 < chance.high


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (1.0, 1.0), (1.0, 2.0)])
def test_continuity_is_the_mass_of_a_gaussian(mean, std):
    found = continuity(same, JUDGE, np.array([mean, 5.0]), np.diag([std**2, 1.0]), n=20_000)
    assert found.low < norm.cdf(mean / std) < found.high
    assert found.high - found.low < 0.02


def test_gaussian_of_codes():
    rng = np.random.default_rng(0)
    covariance = np.array([[2.0, 0.6], [0.6, 1.0]])
    mean, found = gaussian_of(rng.multivariate_normal([1, -1], covariance, 50_000))
    assert mean == pytest.approx([1, -1], abs=0.03)
    assert found == pytest.approx(covariance, abs=0.05)


def test_pairs_are_of_two_classes_and_disjoint():
    y = np.random.default_rng(0).integers(0, 3, 500)
    a, b = pairs_across(y)
    assert (y[a] != y[b]).all()
    assert len(np.unique(np.concatenate([a, b]))) == 2 * len(a)
    assert 130 < len(a) < 200  # two in three of 250


def test_midpoints_between_classes():
    """Classes at -1 and +3 meet at +1, of which the judge is sure; at -3 and +1 they meet at -1, of which it is not."""
    y = np.arange(400) % 2
    codes = np.column_stack([np.where(y, 3.0, -1.0), np.zeros(400)])
    assert midpoints(same, JUDGE, codes, y).value == 1
    assert midpoints(same, JUDGE, codes - 2, y).value == 0


def test_judge_of_digits_knows_digits_and_is_unsure_of_junk(digits):
    X, y = digits
    judge = image_classifier(X[:1400], y[:1400], X[1400:], y[1400:])
    rng = np.random.default_rng(0)
    assert judge.accuracy.value > 0.9
    assert judge.sure_of_real.value > 0.75
    assert judge.sure(rng.integers(0, 256, (500, 8, 8)).astype(np.uint8)).mean() < 0.01
    assert judge.sure(255 - X[:500]).mean() < 0.01
    assert not judge.sure(np.zeros((1, 8, 8), np.uint8))
    a, b = pairs_across(y[1400:])
    faded = (X[1400:][a] / 255 + X[1400:][b] / 255) / 2
    assert judge.sure(faded).mean() < 0.3
    assert (judge.sure(X[:200]) == judge.sure(X[:200] / 255)).all()


def test_flat_brings_bytes_to_the_unit_range():
    assert flat(np.full((1, 2, 2), 255, np.uint8)).tolist() == [[1, 1, 1, 1]]
    assert flat(np.array([[0.5, 2.0]])).tolist() == [[0.5, 2.0]]
