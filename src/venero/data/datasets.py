"""Dataset: examples in the user's terms with their labels, names, groups and origin; its train and test parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError
from venero.data.arrays import is_frame, kind_of
from venero.data.tables import GAPS

Rows = NDArray[np.intp] | slice

LARGE = 2**28  # bytes: larger memory-mapped arrays are split in two pieces, not row by row
MOST_CLASSES = 20  # whole numbers of more different values than this are measurements, not labels


@dataclass(eq=False)
class Dataset:
    """Examples and what is known of them.

    y is int64 places in `class_names`, or float64 measurements where there are no classes; groups are ids (patient,
    speaker) that `split` keeps together; `test` is the official test split.
    """

    X: Any
    y: NDArray[Any] | None = None
    name: str = ""
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    groups: NDArray[Any] | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    test: Dataset | None = None

    @property
    def kind(self) -> str:
        """ "image", "table", "series", "symbols", "text" or "audio"."""
        return kind_of(self.X)

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: Any) -> Dataset:
        """The examples at these rows (a slice, places or a mask); a slice of a memory-mapped X stays on disk."""
        X = chosen(self.X, rows)
        y, groups = (None if a is None else a[rows] for a in (self.y, self.groups))
        return replace(self, X=X, y=y, groups=groups, test=None)

    def split(self, test: float = 0.2, *, random_state: int = 0) -> tuple[Dataset, Dataset]:
        """Train and test: the official ones, else at random, groups kept together, classes in equal shares.

        A single sequence is cut: its last part is the test.
        A memory-mapped X of over 256 MB is cut once and its last rows are the test: shuffle such a file when you write it.
        """
        if self.test is not None:
            return _knowing_gaps(replace(self, test=None), self.test)
        if not 0 < test < 1:
            raise DataError(f"split: test = {test!r}: must be a share between 0 and 1")
        if len(self) == 1 and isinstance(self.X, (list, tuple)) and len(self.X[0]) > 1:
            return _cut_in_time(self, test)
        if len(self) < 2:
            raise DataError(f"{self.name or 'X'} has {len(self)} rows: at least 2 are needed to split off a test set")
        train_rows, test_rows = _split_rows(self, test, random_state)
        return _knowing_gaps(self.take(train_rows), self.take(test_rows))

    def describe(self) -> str:
        """A few lines on what this is, for people."""
        lines = [f"{self.name}: {_describe_values(self.X)}", *_describe_labels(self)]
        if self.test is not None:
            lines.append(f"official test split: {len(self.test)}")
        origin = self.provenance
        lines += [f"{key}: {origin[key]}" for key in ("source", "licence", "citation", "note") if origin.get(key)]
        return "\n".join(lines)


def chosen(X: Any, rows: Any) -> Any:
    """The examples of X at these rows (a slice, places or a mask), as X holds them."""
    if is_frame(X):
        return X.iloc[rows].reset_index(drop=True)
    if not isinstance(X, (list, tuple)):
        return X[rows]
    if isinstance(rows, slice):
        return X[rows]
    places = np.arange(len(X))[rows]
    return like(X, [X[i] for i in places])


def like(X: Any, items: Any) -> Any:
    """Other sequences in X's own container."""
    from venero.data.audio import Clips

    return Clips(items, X.rate) if isinstance(X, Clips) else type(X)(items)


def _cut_in_time(data: Dataset, test: float) -> tuple[Dataset, Dataset]:
    only = data.X[0]
    at = min(max(1, len(only) - round(test * len(only))), len(only) - 1)
    first, last = (replace(data, X=like(data.X, [part])) for part in (only[:at], only[at:]))
    return first, last


def encode_labels(values: Any, most: int | None = None) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Labels as int64 places among their class names; numbers that are measurements as float64, without names.

    Whole numbers are labels if no more than `most` are different (default: always).

    >>> encode_labels(np.array(["b", "a", "b"]))
    (array([1, 0, 1]), ('a', 'b'))
    """
    values = np.asarray(values)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError("y has missing or infinite values: leave those rows out")
    if values.dtype.kind not in "biufUS":
        values = values.astype(str)
    names, places = np.unique(values, return_inverse=True)
    if values.dtype.kind in "iuf" and ((names % 1 != 0).any() or (most is not None and len(names) > most)):
        return values.astype(np.float64), ()
    texts = names.astype(np.int64) if names.dtype.kind == "f" else names
    return places.astype(np.int64), tuple(str(v) for v in texts)


def _knowing_gaps(train: Dataset, test: Dataset) -> tuple[Dataset, Dataset]:
    """Both parts know which columns of a DataFrame have gaps in either, so that a codec of one makes room for the other's."""
    frames = [part.X for part in (train, test) if is_frame(part.X)]
    gaps = sorted({str(c) for X in frames for c in X.columns[X.isna().any()]})
    for X in frames:
        X.attrs[GAPS] = gaps
    return train, test


def _split_rows(data: Dataset, test: float, random_state: int) -> tuple[Rows, Rows]:
    n = len(data)
    n_test = min(max(1, round(test * n)), n - 1)
    if data.groups is not None:
        return _group_rows(data.groups, n_test, random_state)
    if isinstance(data.X, np.memmap) and data.X.nbytes > LARGE:
        return slice(0, n - n_test), slice(n - n_test, n)
    return _random_rows(data, n_test, random_state)


def _random_rows(data: Dataset, n_test: int, random_state: int) -> tuple[Rows, Rows]:
    from sklearn.model_selection import train_test_split

    counts = np.bincount(data.y) if data.y is not None and data.class_names else np.zeros(0)
    counts = counts[counts > 0]
    in_both = len(counts) > 1 and counts.min() > 1 and len(counts) <= min(n_test, len(data) - n_test)
    labels = data.y if in_both else None
    train, held_out = train_test_split(np.arange(len(data)), test_size=n_test, random_state=random_state, stratify=labels)
    return train, held_out


def _group_rows(groups: NDArray[Any], n_test: int, random_state: int) -> tuple[Rows, Rows]:
    """Whole groups, drawn until they have at least n_test rows; at least one group stays for training."""
    names, place = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise DataError(f"all rows are of group {str(names[0])!r}: at least 2 groups are needed to split off a test set")
    order = np.random.default_rng(random_state).permutation(len(names))[:-1]
    before = np.cumsum(np.bincount(place)[order]) - np.bincount(place)[order]
    held_out = np.isin(place, order[before < n_test])
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _describe_values(X: Any) -> str:
    if isinstance(X, (list, tuple)) and (kind := kind_of(X)) in _SAID:
        lengths = [len(x) for x in X]
        span = f"{min(lengths):,}" if min(lengths) == max(lengths) else f"{min(lengths):,} to {max(lengths):,}"
        return _SAID[kind](X, span)
    if is_frame(X):
        numbers, gaps = X.select_dtypes("number").shape[1], int(X.isna().to_numpy().sum())
        return f"table of {len(X)} rows and {X.shape[1]} columns ({numbers} of numbers), {gaps} missing values"
    where = ", on disk" if isinstance(X, np.memmap) else ""
    if kind_of(X) == "table":
        return f"table of {len(X)} rows and {X.shape[1]} columns, {X.dtype}{where}"
    channels = f" of {X.shape[3]} channels" if X.ndim == 4 else ""
    return f"{len(X)} images of {X.shape[1]}x{X.shape[2]} pixels{channels}, {X.dtype}{where}"


def _describe_labels(data: Dataset) -> list[str]:
    if data.y is None:
        return []
    if not data.class_names:
        return [f"y: numbers from {data.y.min():g} to {data.y.max():g}"]
    counts = np.bincount(data.y, minlength=len(data.class_names))
    shown = ", ".join(f"{name} ({count})" for name, count in zip(data.class_names[:12], counts, strict=False))
    return [f"{len(counts)} classes: {shown}{', ...' if len(counts) > 12 else ''}"]


def _describe_series(X: Any, span: str) -> str:
    gaps = sum(int(np.isnan(x).sum()) for x in X)
    channels = 1 if np.ndim(X[0]) == 1 else np.shape(X[0])[1]
    return f"{len(X)} series of {span} steps and {channels} channel{'s' * (channels > 1)}, {gaps} missing values"


def _describe_audio(X: Any, span: str) -> str:
    seconds = sum(map(len, X)) / X.rate
    return f"{len(X)} clips of {span} samples at {X.rate:,} Hz, {seconds:,.1f} seconds together"


def _describe_symbols(X: Any, span: str) -> str:
    alphabet = len(set().union(*X))
    return f"{len(X)} sequence{'s' * (len(X) > 1)} of {span} symbols, {alphabet} different"


def _describe_text(X: Any, span: str) -> str:
    return f"{len(X)} text{'s' * (len(X) > 1)} of {span} characters, {len(set().union(*X))} different"


_SAID: dict[str, Callable[[Any, str], str]] = {
    "series": _describe_series,
    "symbols": _describe_symbols,
    "text": _describe_text,
    "audio": _describe_audio,
}
