"""What holds a table, an array or a DataFrame, as a matrix of numbers and back.

The matrix is float64 (n, D), with NaN where a value is missing; a category is its place among the known ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError
from venero.data.arrays import Array, as_array, check_some, is_frame, kind_of

if TYPE_CHECKING:
    import pandas as pd

    from venero.data.columns import Column

Floats = NDArray[np.float64]


class Container(Protocol):
    """How a table is read and given back; `levels` (0: continuous) and `whole` (integers) say it of each column."""

    @property
    def labels(self) -> list[Any]: ...
    @property
    def levels(self) -> list[int]: ...
    @property
    def whole(self) -> list[bool]: ...

    def open(self, X: Any) -> Any:
        """X checked against what was learned, to be cut into rows; not read yet."""

    def numbers(self, rows: Any) -> Floats:
        """Some rows of what `open` gave, as numbers (n, D)."""

    def restore(self, v: Floats) -> Any:
        """Numbers (n, D) as the user had them."""

    def card(self) -> dict[str, Any]:
        """What was learned, as JSON."""


@dataclass(frozen=True)
class ArrayTable:
    """A 2-D array of numbers: every column is continuous."""

    dtype: str
    width: int

    @property
    def labels(self) -> list[Any]:
        return list(range(self.width))

    @property
    def levels(self) -> list[int]:
        return [0] * self.width

    @property
    def whole(self) -> list[bool]:
        return [np.dtype(self.dtype).kind != "f"] * self.width

    def open(self, X: Any) -> Array:
        array = as_array(X)
        kind_of(array)
        if array.shape[1:] != (self.width,):
            raise DataError(f"X has shape {array.shape}, fit saw {self.width} columns: pass a table of {self.width} columns")
        if array.dtype.kind not in "buif":
            _check_numbers(array)
        return array

    def numbers(self, rows: Any) -> Floats:
        return np.asarray(rows, dtype=np.float64)

    def restore(self, v: Floats) -> Array:
        dtype = np.dtype(self.dtype)
        if dtype.kind == "f":
            v = np.clip(v, float(np.finfo(dtype).min), float(np.finfo(dtype).max))
        return v.astype(dtype)

    def card(self) -> dict[str, Any]:
        return {"container": "array", "dtype": self.dtype, "width": self.width}


@dataclass(frozen=True)
class FrameTable:
    """A DataFrame, or a 2-D array of objects that is read as one."""

    columns: tuple[Column, ...]
    objects: bool = False

    @classmethod
    def learn(cls, frame: pd.DataFrame, objects: bool) -> Self:
        from venero.data.columns import check_labels, learn

        check_labels(frame.columns)
        return cls(tuple(learn(frame[label]) for label in frame.columns), objects)

    @property
    def labels(self) -> list[Any]:
        return [c.label for c in self.columns]

    @property
    def levels(self) -> list[int]:
        return [c.levels for c in self.columns]

    @property
    def whole(self) -> list[bool]:
        return [c.whole for c in self.columns]

    def open(self, X: Any) -> pd.DataFrame:
        frame = X if is_frame(X) else as_frame(X)
        if not is_frame(X) and frame.shape[1] == len(self.columns):
            frame.columns = _index(self.labels)
        lacking, extra = [[c for c in a if c not in b] for a, b in ((self.labels, frame.columns), (frame.columns, self.labels))]
        if lacking:
            raise DataError(f"X lacks column {lacking[0]!r}, which fit saw: pass the columns that fit saw")
        if extra:
            raise DataError(f"X has column {extra[0]!r}, which fit did not see: drop it")
        return frame

    def numbers(self, rows: Any) -> Floats:
        return np.stack([c.numbers(rows[c.label]) for c in self.columns], axis=1)  # (n, D)

    def restore(self, v: Floats) -> Any:
        import pandas as pd

        frame = pd.concat([c.restore(v[:, j]) for j, c in enumerate(self.columns)], axis=1)
        frame.columns = _index(self.labels)
        return frame.to_numpy(dtype=object) if self.objects else frame

    def card(self) -> dict[str, Any]:
        from venero.data.columns import card

        return {"container": "objects" if self.objects else "frame", "columns": [card(c) for c in self.columns]}


def learn_container(X: Any) -> Container:
    """What X is; DataError if it is no table, is empty, or has columns that can't be restored."""
    if kind_of(X) != "table":
        raise DataError(f"X has shape {np.shape(X)}, and this model takes tables (n, D): pass X.reshape(len(X), -1)")
    if is_frame(X):
        check_some(X)
        return FrameTable.learn(X, objects=False)
    array = as_array(X)
    check_some(array)
    if array.dtype.kind in "buif":
        return ArrayTable(array.dtype.str, array.shape[1])
    return FrameTable.learn(as_frame(array), objects=True)


def container_from_card(card: dict[str, Any]) -> Container:
    """The container that `card` came from."""
    if card["container"] == "array":
        return ArrayTable(card["dtype"], card["width"])
    from venero.data.columns import from_card

    return FrameTable(tuple(map(from_card, card["columns"])), objects=card["container"] == "objects")


def cut(X: Any, rows: slice) -> Any:
    """Rows of an array or a DataFrame."""
    return X.iloc[rows] if is_frame(X) else X[rows]


def as_frame(X: Any) -> pd.DataFrame:
    """A 2-D array of any dtype as a DataFrame whose columns have found their types."""
    import pandas as pd

    kind_of(X)
    return pd.DataFrame(as_array(X)).infer_objects()


def _index(labels: list[Any]) -> Any:
    import pandas as pd

    return pd.Index(labels)


def _check_numbers(X: Array) -> None:
    """Raise DataError naming the first value that is no number."""
    for column in range(X.shape[1]):
        for value in X[:, column].tolist():
            try:
                float(value)
            except (TypeError, ValueError):
                raise DataError(f"X has {value!r} in column {column}, where fit saw numbers: correct it or use NaN") from None
