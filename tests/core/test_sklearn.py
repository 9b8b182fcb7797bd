"""The models are scikit-learn's: its own checks, pipelines, grid search."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from examples import numbers, small
from venero.core.catalog import MODELS, find

pytestmark = [
    pytest.mark.filterwarnings("ignore:posterior collapse"),
    pytest.mark.filterwarnings("ignore:GMM. component"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
]

# Every model that takes numeric tables. One check is exempted, of models that take sample weights: rows that are repeated, and
# not weighted, draw another k-means++ start, as in scikit-learn's own KMeans. From one start they are the same: test_gmm.py.
EXEMPTED = {"check_sample_weight_equivalence_on_dense_data": "repeated rows draw another start"}
TABLES = [
    small(name, **({"epochs": 1} if hasattr(find(name), "epochs") else {})) for name in MODELS if "table" in find(name).forms
]


def takes_weights(model: Any) -> bool:
    return "sample_weight" in signature(model.fit).parameters


@parametrize_with_checks(TABLES, expected_failed_checks=lambda model: EXEMPTED if takes_weights(model) else {})
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("name", ["autoencoder", "vae"])
def test_in_a_pipeline(name: str) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    X = rng.normal(size=(200, 6)) + 4 * y[:, None]
    pipe = make_pipeline(StandardScaler(), small(name, epochs=20), LogisticRegression())
    assert pipe.fit(X, y).score(X, y) > 0.9
    assert cross_val_score(pipe, X, y, cv=3).mean() > 0.85
    back = make_pipeline(PCA(4), small(name)).fit(X)
    assert back.inverse_transform(back.transform(X)).shape == X.shape


@pytest.mark.parametrize("name", ["autoencoder", "vae"])
def test_grid_search_finds_the_better_field(name: str) -> None:
    search = GridSearchCV(small(name, learning_rate=1e-2), {"epochs": [1, 40]}, cv=3).fit(numbers())
    assert search.best_params_ == {"epochs": 40}
    assert search.best_estimator_.encode(numbers()).shape == (200, 3)


def test_set_params_reaches_into_nested_models() -> None:
    model = find("latent")(first=small("autoencoder"), prior=small("gaussian"))
    model.set_params(first__latent_dim=2, prior__ridge=0.5)
    assert (model.first.latent_dim, model.prior.ridge) == (2, 0.5)
    assert clone(model).first is not model.first
    with pytest.raises(ValueError, match="Invalid parameter 'colour'"):
        model.set_params(colour=3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'latent_dims'"):
        find("vae")(latent_dims=3)


def test_columns_that_are_not_the_fitted_ones_are_refused() -> None:
    frame = pd.DataFrame(numbers(), columns=["a", "b"])
    model = small("autoencoder").fit(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        model.encode(frame.rename(columns={"b": "c"}))
    assert list(model.get_feature_names_out()) == ["autoencoder0", "autoencoder1", "autoencoder2"]
