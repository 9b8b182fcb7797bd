"""Codecs of tables: z-scores and one-hot blocks from numeric arrays and DataFrames of mixed columns, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from venero.core.errors import DataError
from venero.data.arrays import release, row_slices
from venero.data.containers import Container, container_from_card, cut, learn_container
from venero.data.spec import Column, Spec

Floats = NDArray[np.float64]
GAPS = "venero.gaps"  # where a DataFrame's attrs name the columns with missing values, here or in rows split off
_OTHERWISE = "or use a model for mixed tables, such as VAE"


def on_cpu(x: Tensor) -> Tensor:
    """A network's output, without its gradient; DataError if it is not finite."""
    if not torch.isfinite(x).all():
        raise DataError("the network's output is not finite (NaN or inf): train again with a lower learning_rate")
    return x.detach().cpu()


class Moments:
    """Mean, spread and range of each column from pieces of its rows, NaN left out (Chan, Golub & LeVeque 1979)."""

    def __init__(self, width: int) -> None:
        self.rows = 0
        self.n, self.mean, self.squares = np.zeros((3, width))  # squares: sum of squared distances from the mean
        self.low, self.high = np.full(width, np.inf), np.full(width, -np.inf)

    def add(self, v: Floats) -> None:
        missing = np.isnan(v)
        n = len(v) - missing.sum(0)
        total = np.maximum(self.n + n, 1)
        mean = np.where(missing, 0, v).sum(0) / np.maximum(n, 1)
        step = np.where(n > 0, mean - self.mean, 0)
        self.squares += (np.where(missing, 0, v - mean) ** 2).sum(0) + step**2 * self.n * n / total
        self.mean += step * n / total
        self.n, self.rows = self.n + n, self.rows + len(v)
        self.low = np.minimum(self.low, np.where(missing, np.inf, v).min(0))
        self.high = np.maximum(self.high, np.where(missing, -np.inf, v).max(0))

    @property
    def scale(self) -> Floats:
        """The standard deviation, and 1 for a constant column."""
        std = np.sqrt(self.squares / np.maximum(self.n, 1))
        return np.where((self.low >= self.high) | (std == 0), 1.0, std)  # not a number where squares overflowed

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """Lowest and highest value, that a cast to integers can't overflow; 0 for a column without values."""
        low, high = np.where(self.n > 0, [self.low, self.high], 0)
        inside = [np.where(np.abs(v) >= 2**53, np.nextafter(v, 0), v) for v in (low, high)]  # float64 rounds up to 2**63
        return inside[0], inside[1]


class Columns:
    """Mixed columns: a z-score, with a missing flag where fit saw gaps, or a one-hot category.

    Integers and times are continuous to the network; decode rounds them and keeps them within the range that fit saw. The
    network's float32 tells apart about 16 million steps of a column.
    Densities are per unit of the number; for times, per day, hour, minute, second or less: the coarsest step of which all
    times that fit saw are multiples.
    """

    name: ClassVar[str] = "columns"
    container: Container
    stats: Floats  # (4, D): mean, scale, low, high

    def fit(self, X: Any) -> Spec:
        self.container = learn_container(X)
        moments = self._measure(X)
        self.stats = np.stack([moments.mean, moments.scale, *moments.limits])
        self._lay_out((moments.n < moments.rows) | self._expected_gaps(X))
        self._check_scale()
        return Spec("table", (self.width,), self.name, columns=self.columns)

    def encode(self, X: Any) -> Tensor:
        X = self.container.open(X)
        x = np.zeros((len(X), self.width), np.float32)
        for rows in row_slices(x.shape):
            self._encode(self._numbers(cut(X, rows)), x[rows])
            release(X)
        return torch.from_numpy(x)

    def decode(self, x: Tensor) -> Any:
        values = on_cpu(x).double().numpy()
        v = np.empty((len(values), len(self.columns)))
        for rows in row_slices(values.shape):
            v[rows] = self._decode(values[rows])
        return self.container.restore(v)

    def log_det(self, x: Tensor) -> Tensor:
        logs = np.log(self.stats[1])
        out = x.new_full((len(x),), -logs[self.continuous].sum())
        gone = x[:, torch.as_tensor(self.starts[self.flagged] + 1, device=x.device)] > 0.5
        return out + gone.to(x) @ torch.as_tensor(logs[self.flagged]).to(x)  # a missing value has no density

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {"stats": torch.tensor(self.stats)}, {**self.container.card(), "missing": self.missing.tolist()}

    @classmethod
    def restore(cls, tensors: dict[str, Tensor], card: dict[str, Any]) -> Self:
        codec = cls()
        codec.container = container_from_card(card)
        codec.stats = tensors["stats"].cpu().numpy()
        codec._lay_out(np.array(card["missing"], dtype=bool))
        return codec

    def _measure(self, X: Any) -> Moments:
        X, moments = self.container.open(X), Moments(len(self.container.labels))
        with np.errstate(over="ignore", invalid="ignore"):  # told by `_check_scale`
            for rows in row_slices((len(X), len(self.container.labels))):
                moments.add(self._numbers(cut(X, rows)))
                release(X)
        return moments

    def _expected_gaps(self, X: Any) -> NDArray[np.bool_]:
        """Columns that had gaps in the rows that a Dataset split off X: a model of X will meet them (D,)."""
        known = set(getattr(X, "attrs", {}).get(GAPS, ()))
        return np.array([label in known for label in self.container.labels], dtype=bool)

    def _lay_out(self, missing: NDArray[np.bool_]) -> None:
        """Give each column its place in the network's vector; `missing` (D,) says where fit saw gaps."""
        columns, start = [], 0
        for label, levels, gaps in zip(self.container.labels, self.container.levels, missing, strict=True):
            column = Column(str(label), start, levels and levels + int(gaps), bool(gaps) and not levels)
            columns.append(column)
            start = column.stop
        self.columns, self.width, self.missing = tuple(columns), start, missing
        self.starts = np.array([c.start for c in columns])
        self.levels = np.array(self.container.levels)  # known categories, "missing" not counted
        self.continuous, self.categorical = np.flatnonzero(self.levels == 0), np.flatnonzero(self.levels)
        self.flagged = np.flatnonzero(missing & (self.levels == 0))
        self.whole = np.flatnonzero(self.container.whole)

    def _numbers(self, rows: Any) -> Floats:
        v = self.container.numbers(rows)
        if not np.isfinite(v).all() and (infinite := np.isinf(v).any(0)).any():
            name = self._first(infinite)
            raise DataError(f"X has infinite values (inf) in column {name!r}: replace them with finite numbers or NaN")
        return v

    def _encode(self, v: Floats, out: NDArray[np.float32]) -> None:
        """Numbers (n, D) into blocks (n, width), which are zero."""
        missing = np.isnan(v)
        self._check_missing(missing)
        (mean, scale), c, f, k = self.stats[:2], self.continuous, self.flagged, self.categorical
        out[:, self.starts[c]] = np.where(missing, 0, (v - mean) / scale)[:, c]
        out[:, self.starts[f] + 1] = missing[:, f]
        places = np.where(missing, self.levels, v)[:, k].astype(np.int64)  # a missing category is the last of its block
        np.put_along_axis(out, self.starts[k] + places, 1, axis=1)

    def _decode(self, x: Floats) -> Floats:
        """Blocks (n, width) to numbers (n, D)."""
        (mean, scale, low, high), f, w = self.stats, self.flagged, self.whole
        v: Floats = x[:, self.starts] * scale + mean
        v[:, w] = np.clip(np.rint(v[:, w]), low[w], high[w])
        v[:, f] = np.where(x[:, self.starts[f] + 1] > 0.5, np.nan, v[:, f])
        for j in self.categorical:
            place = x[:, self.columns[j].start : self.columns[j].stop].argmax(1)
            v[:, j] = np.where(place == self.levels[j], np.nan, place)
        return v

    def _check_missing(self, missing: NDArray[np.bool_]) -> None:
        new = (missing & ~self.missing).any(0)
        if new.any():
            name = self._first(new)
            raise DataError(f"X has missing values (NaN) in column {name!r}, where fit saw none: fill them in")

    def _first(self, columns: Any) -> Any:
        """The name of the first column of which something is true."""
        return self.container.labels[int(columns.argmax())]

    def _check_scale(self) -> None:
        wide = ~np.isfinite(self.stats).all(0)
        if wide.any():
            name = self._first(wide)
            raise DataError(f"X has values too large to square in column {name!r}: change its unit, or take logarithms")


class Standard(Columns):
    """Numbers to zero mean and unit variance; neither gaps nor categories."""

    name: ClassVar[str] = "standard"

    def fit(self, X: Any) -> Spec:
        spec = super().fit(X)
        for label, levels, gaps in zip(self.container.labels, self.levels, self.missing, strict=True):
            if levels:
                what = "text or categories"
                raise DataError(f"X has {what} in column {label!r}, and this model takes numbers: drop it, {_OTHERWISE}")
            if gaps:
                raise DataError(f"X has missing values (NaN) in column {label!r}: fill them in or drop them, {_OTHERWISE}")
        return replace(spec, columns=())


class Gaps(Columns):
    """Numbers to zero mean and unit variance, one place a column; NaN stays NaN, for models that integrate it out."""

    name: ClassVar[str] = "gaps"

    def fit(self, X: Any) -> Spec:
        spec = super().fit(X)
        if len(self.categorical):
            label = self.container.labels[int(self.categorical[0])]
            raise DataError(
                f"X has text or categories in column {label!r}, and this model takes numbers: drop it, {_OTHERWISE}"
            )
        return replace(spec, columns=())

    def log_det(self, x: Tensor) -> Tensor:
        logs = torch.as_tensor(np.log(self.stats[1]), device=x.device)
        return -((~torch.isnan(x)).double() @ logs).to(x)  # what is missing has no density

    def _measure(self, X: Any) -> Moments:
        moments = super()._measure(X)
        if not moments.n.all():
            name = self._first(moments.n == 0)
            raise DataError(f"X has nothing but missing values (NaN) in column {name!r}: drop that column")
        return moments

    def _lay_out(self, missing: NDArray[np.bool_]) -> None:
        super()._lay_out(np.zeros_like(missing))

    def _encode(self, v: Floats, out: NDArray[np.float32]) -> None:
        out[:] = (v - self.stats[0]) / self.stats[1]


class Raw(Gaps):
    """Numbers as the user has them, NaN and all: counts, or measurements whose unit means something to the model."""

    name: ClassVar[str] = "raw"

    def _measure(self, X: Any) -> Moments:
        moments = super()._measure(X)
        moments.mean = np.zeros_like(moments.mean)
        moments.squares = moments.n * 1.0  # a scale of 1
        return moments
