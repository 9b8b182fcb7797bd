"""The Gaussian's answers are numpy's and scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from examples import images
from venero.models.gaussian import Gaussian

RIDGE = 1e-6  # of a standardised column's variance


def table(n: int = 400) -> np.ndarray:
    """Correlated columns in units from thousandths to thousands, far from 0."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4)) + 3) * np.array([1e-3, 1.0, 50.0, 1e3])


def moments(model: Gaussian) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance in the user's units."""
    mean, scale = model.codec_.stats[:2]
    chol = model.net_.chol.numpy()
    return mean + scale * model.net_.mean.numpy(), np.outer(scale, scale) * (chol @ chol.T)


def test_mean_and_covariance_are_numpys() -> None:
    X = table()
    mean, covariance = moments(Gaussian(random_state=0).fit(X))
    np.testing.assert_allclose(mean, X.mean(0), rtol=1e-6)
    np.testing.assert_allclose(covariance, np.cov(X.T, bias=True), rtol=1e-4)


def test_scores_are_scipys() -> None:
    X, new = table(), table(50) * 1.3
    model = Gaussian(random_state=0).fit(X)
    Z, scale = X / X.std(0), X.std(0)  # scipy takes columns of so different units for singular
    exact = multivariate_normal(Z.mean(0), np.cov(Z.T, bias=True)).logpdf(new / scale) - np.log(scale).sum()
    np.testing.assert_allclose(model.score_samples(new), exact, rtol=2e-4, atol=2e-3)
    assert model.score(new) == pytest.approx(exact.mean(), abs=1e-3)
    assert model.bits_per_dim(new) == pytest.approx(-exact.mean() / (4 * np.log(2)), abs=1e-3)
    assert model.score_kind == "exact"


def test_samples_have_its_moments() -> None:
    X = table()
    drawn = Gaussian(random_state=0).fit(X).sample(100_000, random_state=0)
    np.testing.assert_allclose(drawn.mean(0), X.mean(0), atol=0.02 * X.std(0).max(), rtol=0.02)
    np.testing.assert_allclose(np.corrcoef(drawn.T), np.corrcoef(X.T), atol=0.01)
    np.testing.assert_allclose(drawn.std(0), X.std(0), rtol=0.01)


def test_one_step_is_enough() -> None:
    """Nothing is hidden, so the likelihood gains nothing after the first step."""
    model = Gaussian(random_state=0, max_iter=50).fit(table())
    assert len(model.history_) in (2, 3)
    losses = [row["train"]["loss"] for row in model.history_]
    assert losses[0] > losses[1]
    assert losses[-1] == pytest.approx(losses[1], abs=1e-4)
    once = Gaussian(random_state=0, max_iter=1).fit(table())
    np.testing.assert_allclose(once.net_.chol, model.net_.chol, rtol=1e-12)


def test_many_batches_are_one() -> None:
    X = table(10_000)
    mean, covariance = moments(Gaussian(random_state=0).fit(X))
    np.testing.assert_allclose(mean, X.mean(0), rtol=1e-5)
    np.testing.assert_allclose(covariance, np.cov(X.T, bias=True), rtol=1e-4)


def test_constant_and_doubled_columns() -> None:
    X = np.c_[table(), np.full(400, 5.0), table()[:, :1]]
    model = Gaussian(random_state=0).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    drawn = model.sample(500, random_state=0)
    np.testing.assert_allclose(drawn[:, 4], 5.0, atol=0.01)
    assert np.corrcoef(drawn[:, 0], drawn[:, 5])[0, 1] > 0.999


def test_the_ridge_is_added_to_every_variance() -> None:
    X = table()
    scale = X.std(0)
    plain, ridged = (moments(Gaussian(random_state=0, ridge=r).fit(X))[1] for r in (RIDGE, 0.5))
    np.testing.assert_allclose(ridged - plain, np.diag((0.5 - RIDGE) * scale**2), atol=1e-5 * scale.max() ** 2)


def test_images() -> None:
    X = images()
    model = Gaussian(random_state=0, ridge=1e-3).fit(X)
    flat = X.reshape(len(X), -1) / 255
    exact = multivariate_normal(flat.mean(0), np.cov(flat.T, bias=True) + 1e-3 * np.eye(64)).logpdf(flat) - 64 * np.log(255)
    np.testing.assert_allclose(model.score_samples(X), exact, rtol=1e-4)
    assert model.sample(3, random_state=0).dtype == np.uint8
