"""The classifier two-sample test: can a classifier tell generated examples from real ones that it has not seen?"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from venero.core.errors import DataError
from venero.data.arrays import is_frame
from venero.metrics.intervals import Estimate, share

Labels = NDArray[np.int64]
LEAST = 20  # examples of each side
MOST_CATEGORIES = 250  # that scikit-learn's gradient boosting takes in a column
STEPS, BATCH, RATE = 400, 64, 2e-3  # of the small network on images


class TwoSample(NamedTuple):
    """Held-out accuracy, and from where to where it would be in 95 of 100 cases if nothing could be told."""

    accuracy: Estimate
    low: float
    high: float


def c2st(real: Any, generated: Any, *, random_state: int = 0) -> TwoSample:
    """The share of held-out examples that a classifier calls rightly real or generated (Lopez-Paz & Oquab 2017).

    real, generated: features or tables (n, d), DataFrames of mixed columns with missing values, or images (n, H, W[, C]),
    bytes or 0..1. Of the larger side as many are drawn as the smaller has; one half of each side trains, the other is judged.
    Tables are told apart by gradient boosting, images by a small convolutional network. The accuracy has Wilson's interval;
    low and high are quantiles of a binomial with p = 1/2. Accuracy 1 need not mean bad examples: one wrong digit is enough.
    Raises DataError for fewer than 20 examples of a side, and for sides that differ in shape or columns.

    >>> rng = np.random.default_rng(0)
    >>> found = c2st(rng.normal(size=(200, 2)), rng.normal(3, 1, size=(200, 2)))
    >>> found.accuracy.value > 0.9, (found.low, found.high)
    (True, (0.43, 0.57))
    """
    real, generated = _alike(real, generated)
    rng = np.random.default_rng(random_state)
    n = min(len(real), len(generated))
    rows = rng.permutation(len(real))[:n], rng.permutation(len(generated))[:n]
    train = _joined(real, generated, rows[0][: n // 2], rows[1][: n // 2])
    test, truth = _joined(real, generated, rows[0][n // 2 :], rows[1][n // 2 :])
    told = (_by_boosting if _is_table(real) else _by_network)(*train, test, int(rng.integers(2**31)))
    return TwoSample(share(told == truth), *null_interval(len(truth)))


def null_interval(n: int) -> tuple[float, float]:
    """Where the accuracy on n examples is in at least 95 of 100 cases if every answer is a toss of a coin.

    >>> null_interval(100)
    (0.4, 0.6)
    """
    from scipy.stats import binom

    low, high = binom.ppf([0.025, 0.975], n, 0.5) / n
    return float(low), float(high)


def _is_table(x: Any) -> bool:
    return is_frame(x) or np.ndim(x) == 2


def _alike(real: Any, generated: Any) -> tuple[Any, Any]:
    """Both checked, and made of the same columns or the same shape."""
    if is_frame(real) != is_frame(generated):
        raise DataError("one of real and generated is a DataFrame and the other is not: give both in the same form")
    real, generated = _columns(real, generated) if is_frame(real) else (_finite(real), _finite(generated))
    if real.ndim not in (2, 3, 4) or real.shape[1:] != generated.shape[1:]:
        raise DataError(f"real has shape {real.shape} and generated {generated.shape}: rows must be alike, tables or images")
    for name, side in (("real", real), ("generated", generated)):
        if len(side) < LEAST:
            raise DataError(f"{name} has {len(side)} examples: at least {LEAST} are needed to train on half of them")
    return real, generated


def _finite(x: Any) -> NDArray[Any]:
    """Numbers; NaN is missing in a table."""
    x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise DataError(f"values of dtype {x.dtype}: must be numbers; give mixed columns as a DataFrame")
    if np.isinf(x).any() or (x.ndim > 2 and np.isnan(x.astype(np.float32)).any()):
        raise DataError("values are infinite, or missing in an image: replace them")
    return x


def _columns(real: Any, generated: Any) -> tuple[Any, Any]:
    """Two DataFrames with the same columns; what is not numbers is a category of the values of both."""
    import pandas as pd

    if set(real.columns) != set(generated.columns):
        odd = sorted(map(str, set(real.columns) ^ set(generated.columns)))
        raise DataError(f"columns that only one side has: {', '.join(odd)}; drop or add them")
    both = pd.concat([real, generated[list(real.columns)]], ignore_index=True)
    for name in both.columns:
        if not pd.api.types.is_numeric_dtype(both[name]):
            values = both[name].astype(object)
            both[name] = pd.Categorical(values, categories=sorted(set(values.dropna()), key=str))
    return both.iloc[: len(real)], both.iloc[len(real) :]


def _joined(real: Any, generated: Any, a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[Any, Labels]:
    """Rows of both, and 1 where they were generated."""
    labels = np.repeat([0, 1], [len(a), len(b)])
    if not is_frame(real):
        return np.concatenate([real[a], generated[b]]), labels
    import pandas as pd

    return pd.concat([real.iloc[a], generated.iloc[b]], ignore_index=True), labels


def _by_boosting(X: Any, y: Labels, test: Any, random_state: int) -> Labels:
    from sklearn.ensemble import HistGradientBoostingClassifier

    if is_frame(X):
        (X, test), categorical = _coded(X, test)
    else:
        categorical = None
    classifier = HistGradientBoostingClassifier(
        random_state=random_state, categorical_features=categorical, early_stopping=False, max_leaf_nodes=15
    )
    return np.asarray(classifier.fit(X, y).predict(test))


def _coded(*frames: Any) -> tuple[list[NDArray[np.float64]], list[bool]]:
    """Frames as matrices, categories as numbers (NaN where missing), and which columns are treated as categories."""
    import pandas as pd

    kinds = [isinstance(dtype, pd.CategoricalDtype) for dtype in frames[0].dtypes]
    few = [kind and len(frames[0].iloc[:, i].cat.categories) <= MOST_CATEGORIES for i, kind in enumerate(kinds)]
    return [np.stack([_numbers(frame.iloc[:, i], kinds[i]) for i in range(len(kinds))], axis=1) for frame in frames], few


def _numbers(column: Any, category: bool) -> NDArray[np.float64]:
    if not category:
        return np.asarray(column.astype("Float64").to_numpy(np.float64, na_value=np.nan))
    codes = column.cat.codes.to_numpy().astype(np.float64)
    return np.where(codes < 0, np.nan, codes)


def _by_network(X: NDArray[Any], y: Labels, test: NDArray[Any], random_state: int) -> Labels:
    """Convolutions of two scales and a linear layer on their mean and maximum, trained for 400 small steps."""
    x, shown = _images(X), _images(test)
    mean, spread = x.mean(), x.std().clamp(min=1e-6)
    rng = np.random.default_rng(random_state)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random_state)
        net = _Network(x.shape[1])
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        rows = rng.integers(0, len(x), BATCH)
        optimizer.zero_grad()
        answer = net((x[rows] - mean) / spread)
        nn.functional.binary_cross_entropy_with_logits(answer, torch.from_numpy(y[rows]).float()).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        answers = torch.cat([net((part - mean) / spread) for part in shown.split(512)])
    return (answers > 0).long().numpy()


class _Network(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(channels, 16, 3, padding=1)
        self.coarse = nn.Conv2d(16, 32, 3, padding=1)
        self.out = nn.Linear(64, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = nn.functional.max_pool2d(self.fine(x).relu(), 2, ceil_mode=True)  # (B, 16, H / 2, W / 2)
        h = self.coarse(h).relu().flatten(2)  # (B, 32, H W / 4)
        pooled: torch.Tensor = self.out(torch.cat([h.mean(2), h.amax(2)], dim=1))
        return pooled[:, 0]


def _images(x: NDArray[Any]) -> torch.Tensor:
    """(n, H, W[, C]) as (n, C, H, W) float32 on 0..1."""
    x = x[..., None] if x.ndim == 3 else x
    values = torch.from_numpy(np.ascontiguousarray(x)).permute(0, 3, 1, 2).to(torch.float32)  # (n, C, H, W)
    return values / 255 if x.dtype == np.uint8 else values
