"""X and y as a user gives them, checked before any codec sees them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from venero.core.errors import CellError, DataError, shown
from venero.data.arrays import as_array, is_frame, kind_of
from venero.data.audio import clips_checked
from venero.data.series import series_checked
from venero.data.symbols import symbols_checked

SEQUENCES: dict[str, Callable[[Any], Any]] = {
    "series": series_checked,
    "symbols": symbols_checked,
    "text": symbols_checked,
    "audio": clips_checked,
}
_ARRAYS = "tables (n, D), or images (n, H, W) or (n, H, W, C)"
_WAYS = {
    "series": f"X is {{0}} data, its rows may differ in length: pass {_ARRAYS}, or use a model that takes {{0}}",
    "text": f"X is a list of texts, and text is not supported by this model: pass {_ARRAYS}, or use a model that takes text",
}


def array_or_frame(X: Any, takes: Collection[str] = ()) -> Any:
    """X as an array of at least two axes, a DataFrame, or sequences as lists; a memory-mapped X stays as it is.

    takes: the kinds of data that the model takes, where X can be read in more than one way.
    """
    if isinstance(X, (str, bytes)):
        raise DataError(f"X = {X!r} is a string: read it with venero.dataset({X!r}) first")
    if is_frame(X):
        from venero.data.columns import check_labels  # imports pandas, which whoever has a DataFrame has done

        check_labels(X.columns)
        return X
    if takes and not SEQUENCES.keys().isdisjoint(takes) and _is_empty(X):
        raise DataError("X is empty: it holds no sequence, and at least 1 is needed")
    if (kind := _sequence_kind(X, takes)) in SEQUENCES:
        if takes and kind not in takes and not SEQUENCES.keys().isdisjoint(takes):
            raise DataError(f"X is {kind} data, and {' and '.join(takes)} data are taken here: pass those")
        if takes and kind not in takes:
            raise DataError(_WAYS.get(kind, _WAYS["series"]).format(kind))
        return SEQUENCES[kind](X)
    array = X if isinstance(X, np.memmap) else as_array(X)
    if array.ndim == 0 or array.shape == (0,):
        what = "empty" if array.ndim else f"of type {type(X).__name__}"
        raise DataError(f"X is {what}: pass a table (n, D), or images (n, H, W) or (n, H, W, C)")
    if array.ndim == 1 and array.dtype.kind in "buif":
        way = "X.reshape(-1, 1) for one column or X.reshape(1, -1) for one row"
        raise DataError(f"X has shape {array.shape}. Reshape your data: {way}")
    return _numbers(array) if array.ndim == 2 and array.dtype.kind in "OUS" else array


def _is_empty(X: Any) -> bool:
    return isinstance(X, (list, tuple)) and not len(X)


def _sequence_kind(X: Any, takes: Collection[str]) -> str:
    """The kind of X where it is of sequences; empty where arrays are told of below."""
    if isinstance(X, np.ndarray) and X.ndim < 2 and X.dtype.kind not in "OU":
        return ""
    if not isinstance(X, (list, tuple, np.ndarray)) or _is_empty(X):
        return ""
    if SEQUENCES.keys().isdisjoint(takes) and isinstance(X, np.ndarray) and X.ndim > 1:
        return ""
    return kind_of(X, takes)


def _numbers(X: np.ndarray) -> np.ndarray:
    """An array of objects or strings as numbers where all cells are numbers."""
    try:
        return X.astype(np.float64)
    except ValueError:
        return X
    except TypeError as e:
        raise CellError(f"X holds a cell that is no value ({e}): correct it, or leave its column out") from e


def class_labels(y: Any, n: int) -> np.ndarray:
    """Labels (n,) of classes: integers, booleans, whole floats or texts, all there."""
    y = np.asarray(y)
    if y.shape != (n,):
        raise DataError(f"y of shape {y.shape}: must be ({n},), one label for each row of X")
    missing = y.dtype.kind == "f" and not np.isfinite(y).all()
    if missing or y.dtype.kind not in "biufOU" or not all(isinstance(label, (str, int, float)) for label in y.tolist()):
        raise DataError(f"y = {shown(y)}: labels are integers or texts; fill in missing ones, or pass y.astype(str)")
    if y.dtype.kind == "f" and not np.all(y == np.round(y)):
        raise DataError("y holds fractions: a conditional model takes class labels; leave y out, or bin it")
    return y
