"""Bayes' rule over densities: quadratic discriminant analysis where they are Gaussian, and what holds for any model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.utils.estimator_checks import parametrize_with_checks

from examples import mixed, numbers, small
from venero.core.errors import VeneroError
from venero.tasks.classify import GenerativeClassifier

pytestmark = [
    pytest.mark.filterwarnings("ignore:posterior collapse"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
]


def gaussian() -> Any:
    return small("gaussian", ridge=1e-12)


def two_classes(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(n, 2)) @ np.array([[1.0, 0.5], [0.0, 0.3]])
    return np.concatenate([a, 2 * rng.normal(size=(n // 4, 2)) + 1]), np.repeat(["a", "b"], [n, n // 4])


@parametrize_with_checks(
    [GenerativeClassifier(small("gaussian")), GenerativeClassifier(small("gaussian"), calibration=0.3, random_state=0)]
)
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_gaussians_are_quadratic_discriminant_analysis() -> None:
    X, y = load_iris(return_X_y=True)
    ours = GenerativeClassifier(gaussian()).fit(X, y)
    classes = [X[y == c] for c in range(3)]
    exact = np.stack([multivariate_normal(x.mean(0), np.cov(x.T, bias=True)).logpdf(X) for x in classes], 1) - np.log(3)
    np.testing.assert_allclose(ours.predict_joint_log_proba(X), exact, rtol=1e-3, atol=2e-3)
    theirs = QuadraticDiscriminantAnalysis().fit(X, y)  # divides by n - 1
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=0.03)


def test_priors_shift_the_odds_by_their_ratio() -> None:
    X, y = two_classes()
    odds = {}
    for name, priors in {"data": "data", "uniform": "uniform", "given": (0.3, 0.7)}.items():
        log_p = GenerativeClassifier(gaussian(), priors=priors).fit(X, y).predict_log_proba(X)
        odds[name] = log_p[:, 0] - log_p[:, 1]
    np.testing.assert_allclose(odds["data"] - odds["uniform"], np.log(4), rtol=1e-6)
    np.testing.assert_allclose(odds["given"] - odds["uniform"], np.log(3 / 7), rtol=1e-6)
    never = GenerativeClassifier(gaussian(), priors=(1.0, 0.0), calibration=0.2, random_state=0).fit(X, y)
    assert set(never.predict(X)) == {"a"}
    np.testing.assert_allclose(never.predict_proba(X), [[1.0, 0.0]] * len(X))


def test_the_columns_units_do_not_count() -> None:
    X, y = two_classes()
    p = GenerativeClassifier(gaussian()).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(
        GenerativeClassifier(gaussian()).fit(X * [1e3, 1e-2] + 5, y).predict_proba(X * [1e3, 1e-2] + 5), p, atol=1e-4
    )


def test_a_row_is_judged_on_its_own() -> None:
    X, y = two_classes()
    model = GenerativeClassifier(small("vae", epochs=5), priors="uniform").fit(X, y)
    p = model.predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X[7:9]), p[7:9], atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X[::-1])[::-1], p, atol=1e-5)
    np.testing.assert_allclose(p.sum(1), 1)


class Sure(BaseEstimator):
    """A Gaussian whose log-densities are several times too large, as those of dependent columns taken for independent are."""

    takes_labels, score_of_, n_features_in_ = False, "density", 1

    def __init__(self, times: float = 1.0):
        self.times = times

    def fit(self, X: np.ndarray, y: Any = None, run: Any = None) -> Sure:
        self.mean_ = X.mean()
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        return -0.5 * self.times * (X[:, 0] - self.mean_) ** 2


def test_the_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(6000) % 2
    X = rng.normal(size=(6000, 1)) + y[:, None]
    for times in (1.0, 10.0):
        found = GenerativeClassifier(Sure(times), calibration=0.5, random_state=0).fit(X, y)
        assert found.temperature_ == pytest.approx(times, rel=0.15)
    assert GenerativeClassifier(Sure(10.0)).fit(X, y).temperature_ == 1


def test_without_an_error_among_the_held_out_the_temperature_is_no_extreme() -> None:
    X = np.concatenate([np.zeros(100), np.full(100, 50.0)])[:, None] + np.random.default_rng(0).normal(size=(200, 1))
    found = GenerativeClassifier(gaussian(), calibration=0.5, random_state=0).fit(X, np.repeat([0, 1], 100))
    assert found.temperature_ > 10
    assert found.predict_proba(X).min() > 1e-9
    assert found.score(X, np.repeat([0, 1], 100)) == 1


def test_categories_and_gaps_that_one_class_lacks() -> None:
    X = mixed()
    y = np.where(X["city"] == "Vigo", "here", "there")
    X.loc[X["city"] == "Vigo", "height"] = 170.0  # gaps in the other class alone
    for text in (X, X.astype({"city": "category"})):
        model = GenerativeClassifier(small("vae", epochs=30, learning_rate=1e-2)).fit(text, y)
        assert np.isfinite(model.predict_joint_log_proba(text)).all()
        assert model.score(text, y) == 1  # each class gives the other's cities next to nothing


def test_one_conditional_model_in_place_of_one_a_class() -> None:
    X, y = two_classes()
    model = GenerativeClassifier(small("vae", epochs=40, conditional=True, learning_rate=1e-2)).fit(X, y)
    (one,) = model.models_
    expected = np.stack([one.score_samples(X, c) for c in (0, 1)], 1) + np.log([0.8, 0.2])
    np.testing.assert_allclose(model.predict_joint_log_proba(X), expected, rtol=1e-6)
    assert model.score(X, y) > 0.82  # 0.8 is the larger class


def test_images_of_digits(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    model = GenerativeClassifier(small("gaussian", ridge=1e-2), priors="uniform").fit(X[:1200], y[:1200])
    assert model.score(X[1200:], y[1200:]) > 0.93


def test_what_can_not_be() -> None:
    X, y = numbers(), np.arange(200) % 2
    for call, line in (
        (lambda: GenerativeClassifier(small("autoencoder")).fit(X, y), "model = AutoEncoder.*must be a model that scores"),
        (lambda: GenerativeClassifier().fit(X, y), "model = None: must be a model that scores"),
        (lambda: GenerativeClassifier(gaussian(), priors="flat").fit(X, y), "priors = 'flat': must be 'data', 'uniform'"),
        (lambda: GenerativeClassifier(gaussian(), priors=(1, 1)).fit(X, y), r"priors = \(1, 1\): must be 2 numbers"),
        (lambda: GenerativeClassifier(gaussian()).fit(X, y[:9]), "y of shape"),
        (
            lambda: GenerativeClassifier(gaussian()).fit(pd.DataFrame({"a": ["x", "y"] * 100}), y),
            "class 0 .100 rows.: X has text",
        ),
        (lambda: GenerativeClassifier(gaussian()).predict(X), "not fitted yet"),
    ):
        with pytest.raises(VeneroError, match=line) as e:
            call()
        assert "\n" not in str(e.value)
