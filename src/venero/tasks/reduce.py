"""How well a short code stands for an example: any encoder next to PCA of the same length, on held-out examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError, VeneroError, shown
from venero.core.params import positive
from venero.metrics.intervals import Estimate, bootstrap, columns, mean
from venero.metrics.representation import flat, knn_accuracy

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.floating[Any]]
LOOKED_AT = 2000  # held-out examples at most: trustworthiness takes all pairs of them


def compare_reductions(
    encoders: Any, train: Any, test: Any, *, k: int = 5, n: int = LOOKED_AT, random_state: int = 0
) -> pd.DataFrame:
    """Encoders and PCA side by side, a row each; every figure has its 95 % interval in columns `_low` and `_high`.

    encoders: a fitted model with `encode` (or a transformer of scikit-learn), or several by name. train, test: Datasets, X, or
    pairs (X, y); labels, where both have them, give the kNN accuracy. n: examples of test that are looked at, at most.

    trustworthiness (Venna & Kaski 2001): 1 where the k nearest codes are those of near examples, about 0.5 for random codes.
    knn_accuracy: how often the k nearest training codes tell the class. squared_error of the reconstruction, summed over an
    example, and explained_variance, its share of the variance that is not lost: both as the model's network sees the data.
    """
    import pandas as pd

    known, held_out = _pair(train, "train"), _pair(test, "test")
    chosen = np.sort(np.random.default_rng(random_state).permutation(len(held_out[0]))[: positive("n", n)])
    if len(chosen) < 3 * positive("k", k) + 2:
        raise DataError(f"test has {len(chosen)} examples: {3 * k + 2} are needed at least for k = {k}")
    held_out = _take(held_out[0], chosen), _take(held_out[1], chosen)
    named = dict(encoders) if isinstance(encoders, Mapping) else {type(encoders).__name__: encoders}
    rows: dict[str, dict[str, float]] = {}
    for name, encoder in named.items():
        rows[name] = _figures(encoder, known, held_out, k)
        length = int(rows[name]["latent_dim"])
        if f"PCA-{length}" not in rows:
            rows[f"PCA-{length}"] = _pca(encoder, known, held_out, length, k)
    return pd.DataFrame(list(rows.values()), index=list(rows))


def trust(X: Floats, codes: Floats, k: int) -> Floats:
    """Each example's share of trustworthiness, whose mean is that of all: (n, D), (n, d) -> (n,).

    1 - 2 / (k (2n - 3k - 1)) sum over those of its k nearest codes that are farther than k-th in X of (rank in X - k).
    """
    size = len(X)
    ranks = _distances(X).argsort(1).argsort(1) + 1  # 1 for the nearest other, n for itself
    near = _distances(codes).argsort(1)[:, :k]
    beyond = np.maximum(np.take_along_axis(ranks, near, 1) - k, 0).sum(1)
    shares: Floats = 1 - beyond * 2.0 / (k * (2 * size - 3 * k - 1))
    return shares


def _distances(x: Floats) -> Floats:
    """Between all pairs; an example is no neighbour of its own."""
    from scipy.spatial.distance import cdist

    d: Floats = cdist(x, x, "sqeuclidean")
    np.fill_diagonal(d, np.inf)
    return d


def _figures(encoder: Any, train: Any, test: Any, k: int) -> dict[str, float]:
    encode = getattr(encoder, "encode", None) or getattr(encoder, "transform", None)
    if encode is None:
        raise VeneroError(f"encoder = {shown(encoder)}: must have encode, or transform as scikit-learn has it")
    (X, y), (X_test, y_test) = train, test
    codes, seen = np.asarray(encode(X_test)), _rows(encoder, X_test)
    found = {"trustworthiness": mean(trust(seen, codes, k))}
    if y is not None and y_test is not None:
        found["knn_accuracy"] = knn_accuracy(np.asarray(encode(X)), np.asarray(y), codes, np.asarray(y_test), k)
    error = _squared_error(encoder, X_test, seen, codes)
    if error is not None:
        found |= _lost(error, ((seen - _rows(encoder, X).mean(0)) ** 2).sum(1))
    return {"latent_dim": codes.shape[1]} | columns(found)


def _pca(encoder: Any, train: Any, test: Any, length: int, k: int) -> dict[str, float]:
    """PCA of what the encoder's network sees; where the data have fewer columns than codes, of as many."""
    from sklearn.decomposition import PCA

    x, x_test = _rows(encoder, train[0]), _rows(encoder, test[0])
    pca = PCA(min(length, *x.shape)).fit(x)
    return _figures(pca, (x, train[1]), (x_test, test[1]), k) | {"latent_dim": length}


def _squared_error(encoder: Any, X: Any, seen: Floats, codes: Floats) -> Floats | None:
    """Of each example's reconstruction (n,), where the encoder has one."""
    if hasattr(encoder, "reconstruction_error"):
        return np.asarray(encoder.reconstruction_error(X), np.float64)
    if hasattr(encoder, "inverse_transform"):
        return np.asarray(((_rows(encoder, encoder.inverse_transform(codes)) - seen) ** 2).sum(1))
    return None


def _lost(error: Floats, variance: Floats) -> dict[str, Estimate]:
    both = np.column_stack([error, variance])
    explained = bootstrap(lambda pair: float(1 - pair[:, 0].sum() / pair[:, 1].sum()), both)
    return {"squared_error": mean(error), "explained_variance": explained}


def _rows(encoder: Any, X: Any) -> Floats:
    """Examples as rows of numbers (n, D), as the model's network sees them."""
    codec = getattr(encoder, "codec_", None)
    return np.asarray(flat(X) if codec is None else codec.encode(X).flatten(1).numpy(), np.float64)


def _pair(data: Any, name: str) -> tuple[Any, Any]:
    """X, and y or None."""
    X, y = (data.X, data.y) if hasattr(data, "X") else data if isinstance(data, tuple) else (data, None)
    if y is not None and len(y) != len(X):
        raise DataError(f"{name} has {len(X)} examples and {len(y)} labels: give one for each, or none")
    return X, y


def _take(part: Any, rows: NDArray[np.int64]) -> Any:
    if part is None:
        return None
    return part.iloc[rows] if hasattr(part, "iloc") else np.asarray(part)[rows]
