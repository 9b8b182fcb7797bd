"""Independent columns: mixtures of one column as scikit-learn has them, shares as they are counted, naive Bayes by class."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.datasets import load_iris
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB

from examples import mixed
from venero.data.spec import Batch
from venero.models.independent import Independent
from venero.tasks.classify import GenerativeClassifier


def two_humps(n: int = 600) -> np.ndarray:
    rng = np.random.default_rng(0)
    far = rng.random((n, 2)) < 0.3
    return rng.normal(size=(n, 2)) + np.where(far, 6.0, 0.0)


def test_a_column_is_a_mixture_as_scikit_learn_finds_it() -> None:
    X = two_humps()
    ours = Independent(n_components=2, ridge=1e-9, max_iter=500, tol=1e-12).fit(X)
    theirs = [GaussianMixture(2, reg_covar=1e-12, tol=1e-10, max_iter=500, random_state=0).fit(X[:, [j]]) for j in range(2)]
    expected = sum(g.score_samples(X[:, [j]]) for j, g in enumerate(theirs))
    np.testing.assert_allclose(ours.score_samples(X), expected, atol=1e-4)


def test_one_component_is_a_normal_and_by_class_naive_bayes() -> None:
    X, y = load_iris(return_X_y=True)
    expected = norm(X.mean(0), X.std(0)).logpdf(X).sum(1)
    np.testing.assert_allclose(Independent(n_components=1, ridge=1e-12).fit(X).score_samples(X), expected, atol=1e-4)
    ours = GenerativeClassifier(Independent(n_components=1, ridge=1e-9)).fit(X, y)
    theirs = GaussianNB(var_smoothing=0).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


def test_the_likelihood_never_falls() -> None:
    history = Independent(n_components=4, ridge=1e-9, max_iter=60, tol=0).fit(two_humps()).history_
    losses = [row["train"]["loss"] for row in history]
    assert len(losses) > 20
    assert np.diff(losses).max() < 1e-9


def test_the_order_of_columns_does_not_count() -> None:
    X = two_humps()
    swapped = Independent().fit(X[:, ::-1]).score_samples(X[:, ::-1])
    np.testing.assert_allclose(Independent().fit(X).score_samples(X), swapped, rtol=1e-5)


def test_gaps_and_categories_are_scored_by_their_shares() -> None:
    X = mixed()[["height", "city"]]
    scores = Independent(n_components=1, ridge=1e-12).fit(X).score_samples(X)
    there, height, n = X["height"].notna(), X["height"].dropna(), len(X)
    share = {city: np.log((count + 1) / (n + 3)) for city, count in X["city"].value_counts().items()}
    expected = X["city"].map(share).to_numpy(dtype=float, copy=True)
    expected += np.where(there, np.log((there.sum() + 1) / (n + 2)), np.log(((~there).sum() + 1) / (n + 2)))
    expected += np.where(there, norm(height.mean(), height.std(ddof=0)).logpdf(X["height"].fillna(0)), 0)
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_samples_have_the_columns_marginals_and_no_dependence() -> None:
    rng = np.random.default_rng(0)
    city = rng.choice(["Vigo", "Gijon"], 2000, p=[0.2, 0.8])
    X = pd.DataFrame({"a": np.where(city == "Vigo", 8.0, 0.0) + rng.normal(size=2000), "city": city})
    X.loc[rng.random(2000) < 0.3, "a"] = np.nan
    drawn = Independent().fit(X).sample(20_000, random_state=0)
    assert (drawn["city"] == "Vigo").mean() == pytest.approx((city == "Vigo").mean(), abs=0.015)
    assert drawn["a"].isna().mean() == pytest.approx(X["a"].isna().mean(), abs=0.015)
    assert drawn["a"].quantile([0.1, 0.5, 0.9]).to_numpy() == pytest.approx(
        X["a"].quantile([0.1, 0.5, 0.9]).to_numpy(), abs=0.35
    )
    by_city = drawn.groupby("city")["a"].mean()
    assert abs(by_city["Vigo"] - by_city["Gijon"]) < 0.4  # in X they are 8 apart


def test_what_is_unknown_is_filled_with_the_usual() -> None:
    X = mixed()
    model = Independent().fit(X)
    whole = model.complete(X)
    assert whole["height"].isna().sum() == 0
    assert whole["height"][0] == pytest.approx(X["height"].mean(), abs=0.1)
    rest = ["children", "city", "smoker"]
    pd.testing.assert_frame_equal(whole[rest], X[rest])
    hidden = np.ones(X.shape, bool)
    hidden[:, 2] = False
    assert set(model.complete(X, hidden)["city"]) == {X["city"].mode()[0]}


def test_terms_of_the_elements_sum_to_the_score_in_any_batch() -> None:
    X = mixed()
    net = (model := Independent().fit(X)).net_
    x = model.codec_.encode(X)
    terms = net.element_log_prob(Batch(x))
    np.testing.assert_allclose(terms.sum(1), net.log_prob(Batch(x)))
    assert torch.equal(terms[:1], net.element_log_prob(Batch(x[:1])))
    assert logsumexp(net.log_weight, axis=0) == pytest.approx(0, abs=1e-9)


def test_constant_and_nearly_constant_columns() -> None:
    X = np.zeros((100, 2))
    X[:3, 1] = 5.0
    scores = Independent().fit(X).score_samples(np.array([[0.0, 0.0], [0.0, 5.0], [1.0, 0.0]]))
    assert scores[0] > scores[1] > scores[2]
