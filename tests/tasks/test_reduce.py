"""Encoders next to PCA: figures agree with scikit-learn's, and the better code has the better figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier

from examples import images, mixed, small
from venero.core.errors import DataError, VeneroError
from venero.data.datasets import Dataset
from venero.tasks.reduce import compare_reductions, trust

pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse")
Digits = tuple[np.ndarray, np.ndarray]
FIGURES = ("trustworthiness", "knn_accuracy", "squared_error", "explained_variance")


class Columns:
    """An encoder that keeps some of the numbers."""

    def __init__(self, columns: list[int]) -> None:
        self.columns = columns

    def transform(self, X: Any) -> np.ndarray:
        return np.asarray(X)[:, self.columns]


def test_trust_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 8))
    for codes in (X[:, :2], X, rng.normal(size=(120, 2))):
        for k in (1, 5, 12):
            assert trust(X, codes, k).mean() == pytest.approx(trustworthiness(X, codes, n_neighbors=k))


def test_figures_are_what_scikit_learn_has(digits: Digits) -> None:
    X, y = digits[0].reshape(-1, 64) / 255, digits[1]
    pca = PCA(4).fit(X[:1200])
    found = compare_reductions(pca, (X[:1200], y[:1200]), (X[1200:], y[1200:]))
    assert list(found.index) == ["PCA", "PCA-4"]
    for name in FIGURES:
        assert found.loc["PCA", name] == pytest.approx(found.loc["PCA-4", name], abs=1e-6)
        assert (found[f"{name}_low"] <= found[name]).all()
        assert (found[name] <= found[f"{name}_high"]).all()
    codes = pca.transform(X)
    knn = KNeighborsClassifier(5).fit(codes[:1200], y[:1200])
    assert found.loc["PCA", "knn_accuracy"] == pytest.approx(knn.score(codes[1200:], y[1200:]), abs=0.01)
    lost = ((pca.inverse_transform(codes[1200:]) - X[1200:]) ** 2).sum() / ((X[1200:] - X[:1200].mean(0)) ** 2).sum()
    assert found.loc["PCA", "explained_variance"] == pytest.approx(1 - lost, abs=1e-5)


def test_a_code_that_keeps_noise_is_worse() -> None:
    """Two columns of signal, six of faint noise: PCA of two finds the signal, an encoder that kept noise does not."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600)
    X = np.column_stack([6 * y + rng.normal(size=600), 3 * rng.normal(size=600), 0.1 * rng.normal(size=(600, 6))])
    kept = {"signal": Columns([0, 1]), "noise": Columns([5, 6])}
    found = compare_reductions(kept, (X[:400], y[:400]), (X[400:], y[400:]))
    assert list(found.index) == ["signal", "PCA-2", "noise"]
    for name in ("trustworthiness", "knn_accuracy"):
        assert found.loc["signal", f"{name}_low"] > found.loc["noise", f"{name}_high"]
        assert found.loc["PCA-2", name] == pytest.approx(found.loc["signal", name], abs=0.02)
    assert np.isnan(found.loc["signal", "squared_error"]), "it can't go back"
    assert found.loc["PCA-2", "explained_variance"] > 0.99


def test_a_model_beside_pca(digits: Digits) -> None:
    data = Dataset(*digits)
    train, test = data.take(slice(1200)), data.take(slice(1200, None))
    model = small("autoencoder", net="mlp", latent_dim=3).fit(train.X)
    found = compare_reductions(model, train, test, n=300)
    assert list(found.index) == ["AutoEncoder", "PCA-3"]
    assert found["latent_dim"].tolist() == [3, 3]
    again = compare_reductions(model, train, test, n=300)
    assert found.equals(again)
    rows = np.sort(np.random.default_rng(0).permutation(len(test))[:300])
    assert found.loc["AutoEncoder", "squared_error"] == pytest.approx(model.reconstruction_error(test.X[rows]).mean())


def test_a_mixed_table_with_gaps_and_without_labels() -> None:
    frame = mixed()
    found = compare_reductions(small("vae").fit(frame), frame, frame)
    assert "knn_accuracy" not in found
    assert np.isfinite(found.to_numpy(float)).all()


def test_what_can_not_be() -> None:
    X = images()
    for error, match, call in (
        (VeneroError, "must have encode", lambda: compare_reductions(object(), X, X)),
        (DataError, "17 are needed at least for k = 5", lambda: compare_reductions(small("vae").fit(X), X, X[:10])),
        (DataError, "150 examples and 3 labels", lambda: compare_reductions(small("vae").fit(X), (X, [1, 2, 3]), X)),
        (VeneroError, "k = 0", lambda: compare_reductions(small("vae").fit(X), X, X, k=0)),
    ):
        with pytest.raises(error, match=match) as e:
            call()
        assert "\n" not in str(e.value)
