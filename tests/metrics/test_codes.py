"""Codes are judged as scikit-learn judges them; what is like the prior, ordered and even is told from what is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import trustworthiness
from sklearn.preprocessing import StandardScaler

from venero.core.errors import DataError
from venero.metrics.codes import STEPS, linear_probe, prior_distance, trust, unevenness


def normal(n: int, d: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def test_linear_probe_is_logistic_regression_on_standardised_codes(digits) -> None:
    X, y = digits[0].reshape(-1, 64) / 255, digits[1]
    codes = PCA(6, random_state=0).fit_transform(X)
    found = linear_probe(codes[:900], y[:900], codes[900:], y[900:])
    scale = StandardScaler().fit(codes[:900])
    plain = LogisticRegression(max_iter=1000, tol=1e-5).fit(scale.transform(codes[:900]), y[:900])
    assert found.value == pytest.approx(plain.score(scale.transform(codes[900:]), y[900:]), abs=0.005)
    assert found.n == 897


def test_linear_probe_of_codes_that_know_nothing_is_at_chance() -> None:
    y = np.random.default_rng(0).integers(0, 4, 2000)
    found = linear_probe(normal(1000, 5, 1), y[:1000], normal(1000, 5, 2), y[1000:])
    assert found.low <= 0.25 <= found.high


def test_trustworthiness_is_scikit_learns_and_falls_with_noise_down_to_a_half() -> None:
    X = normal(400, 8, 0)
    found = [trust(X, X + s * normal(400, 8, 1)) for s in (0, 0.3, 1, 1000)]
    values = [f.value for f in found]
    assert values[0] == 1
    assert values[1] == trustworthiness(X, X + 0.3 * normal(400, 8, 1), n_neighbors=5)
    assert (np.diff(values) < 0).all()
    assert values[-1] == pytest.approx(0.5, abs=0.03)


def test_trustworthiness_of_too_few_rows_is_told() -> None:
    with pytest.raises(DataError, match="takes 12 at least"):
        trust(normal(11, 3, 0), normal(11, 3, 0))


def test_codes_like_the_prior_are_at_no_distance_and_every_departure_is_seen() -> None:
    null = [prior_distance(normal(150, 4, 100 + i), random_state=i) for i in range(200)]
    assert np.mean([f.value for f in null]) == pytest.approx(0, abs=0.02)
    assert np.mean([f.low <= 0 <= f.high for f in null]) > 0.9
    codes = normal(800, 4, 0)
    for departure in (codes + 0.5, 1.5 * codes, 0.5 * codes, np.abs(codes), codes[:, [0, 0, 1, 2]]):
        assert prior_distance(departure).low > 0
    shifts = [prior_distance(codes + s).value for s in (0.0, 0.2, 0.4, 0.8)]
    assert (np.diff(shifts) > 0).all()


def test_a_straight_decoder_is_even_and_a_step_is_one_jump() -> None:
    a, b = normal(50, 3, 0), normal(50, 3, 1)
    plain = lambda x: x  # noqa: E731
    assert unevenness(lambda z: z @ normal(3, 7, 2), a, b, plain).value == pytest.approx(1, abs=1e-4)
    left, right = np.full((50, 1), -1.03, np.float32), np.full((50, 1), 1.0, np.float32)
    assert unevenness(lambda z: (z > 0).astype(float), left, right, plain).value == pytest.approx(STEPS)
    steeper = [unevenness(lambda z, k=k: expit(k * z), left, right, plain).value for k in (1, 3, 10, 30)]
    assert (np.diff(steeper) > 0).all()


def test_a_decoder_that_shows_always_the_same_counts_as_even() -> None:
    assert unevenness(lambda z: np.ones((len(z), 4)), normal(9, 2, 0), normal(9, 2, 1), lambda x: x).value == 1
