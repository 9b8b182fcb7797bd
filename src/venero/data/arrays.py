"""What X may be, before any codec: its kind, and its rows in bounded pieces."""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError

Array = NDArray[Any]

CHUNK = 1 << 20  # values read at once: some MB, whatever the size of the file behind the array
_TAKES = "tables (n, D), images (n, H, W) or (n, H, W, C), series as a list of (T, d)"


def is_frame(X: Any) -> bool:
    """Whether X is a pandas DataFrame, told without importing pandas."""
    return hasattr(X, "iloc") and hasattr(X, "columns")


def as_array(X: Any) -> Array:
    """X as an array that shares its memory where it can (a memmap stays on disk); DataError for what is no dense array."""
    if hasattr(X, "toarray"):
        raise DataError("X is a sparse matrix and a dense array is needed: pass X.toarray()")
    if isinstance(X, np.ma.MaskedArray):
        raise DataError("X is a masked array: pass X.filled(np.nan), or X.data if nothing is masked")
    try:
        array: Array = np.asarray(X)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(f"X is no array, its rows may differ in length ({_first_line(error)}): pass {_TAKES}") from None
    if array.dtype.kind == "c":
        raise DataError(f"X has dtype {array.dtype}. Complex data not supported: pass X.real, np.abs(X) or both side by side")
    if array.dtype.kind == "V":
        raise DataError("X is a structured array: pass pandas.DataFrame(X)")
    return array


def kind_of(X: Any, takes: Collection[str] = ()) -> str:
    """ "image", "table", "series", "symbols", "text" or "audio", from the type and shape of X; DataError for anything else.

    Where X can be read in more than one way, what a model `takes` decides: a 3-D array is n images, or n series for a model of
    series; lists of whole numbers or of texts that are equally long are a table, or symbols for a model of those.

    >>> kind_of(np.zeros((5, 28, 28))), kind_of([[1.0, 2.0], [3.0, 4.0]]), kind_of(["to be", "or not"])
    ('image', 'table', 'text')
    >>> kind_of(np.zeros((5, 28, 2)), {"series": "raw"}), kind_of([[1, 2], [0, 1]], {"symbols": "symbols"})
    ('series', 'symbols')
    """
    natural = _natural_kind(X)
    if not takes or natural in takes:
        return natural
    return next((kind for kind in _OTHER.get(natural, ()) if kind in takes and _may_be(X, kind)), natural)


_OTHER = {
    "image": ("series",),
    "table": ("symbols", "series"),
    "text": ("symbols",),
    "symbols": ("series",),
}  # what X may be besides


def _natural_kind(X: Any) -> str:
    if is_frame(X):
        return "table"
    if (named := getattr(type(X), "data_kind", "")) or (named := _sequences(X)):
        return str(named)
    array = as_array(X)
    _check_shape(array)
    if array.ndim == 2:
        return "table"
    if array.dtype.kind in "OUSMm":
        raise DataError(f"X has dtype {array.dtype}, and images are numbers: uint8 0..255 or floats 0..1")
    return "image"


def _sequences(X: Any) -> str:
    """ "text", or the kind of sequences of unequal lengths; empty for what is an array."""
    if isinstance(X, np.ndarray) and (X.ndim != 1 or X.dtype.kind not in "OU"):
        return ""
    if not isinstance(X, (list, tuple, np.ndarray)) or not len(X):
        return ""
    if all(isinstance(item, str) for item in X):
        return "text"
    if (
        not all(isinstance(item, (list, tuple, np.ndarray)) for item in X)
        or len({len(item) for item in X if np.ndim(item)}) < 2
    ):
        return ""
    first = next(item for item in X if len(item))
    if isinstance(first[0], (list, tuple, np.ndarray)):
        return "series"
    whole = all(isinstance(v, (str, bool, int, np.integer, np.bool_)) or v is None for v in list(first[:100]))
    return "symbols" if whole else "series"


def _may_be(X: Any, kind: str) -> bool:
    """Whether X, an array of another kind by nature, can be read as this one."""
    if is_frame(X):
        return False
    if kind == "symbols":
        return (isinstance(X, (list, tuple)) and all(isinstance(x, str) for x in X)) or as_array(X).dtype.kind in "iubOUS"
    if isinstance(X, (list, tuple)):  # of texts there can be no series
        return not any(isinstance(v, str) for item in X for v in list(item[:1]))
    array = as_array(X)
    return array.ndim == 3 and array.dtype.kind in "buif"


def _check_shape(X: Array) -> None:
    if X.ndim == 1 and X.dtype.kind in "OUS":
        raise DataError("X mixes texts with other values: pass " + _TAKES)
    if X.ndim == 1:
        raise DataError(f"X has shape {X.shape}: reshape it, X.reshape(-1, 1) for one column or X.reshape(1, -1) for one row")
    if X.ndim not in (2, 3, 4):
        raise DataError(f"X has shape {X.shape}: pass {_TAKES}")
    if X.ndim == 4 and X.shape[1] in (1, 3) and min(X.shape[2:]) > 4:
        raise DataError(f"X has shape {X.shape}, channels first: channels come last, pass X.transpose(0, 2, 3, 1)")


def check_some(X: Any) -> None:
    """Raise DataError if X has no rows or its examples have no values."""
    if len(X) == 0:
        raise DataError(f"X is empty: it has 0 rows (shape {X.shape}), and at least 1 is needed")
    if 0 in X.shape[1:]:
        raise DataError(f"X is empty: its examples have shape {X.shape[1:]}, and at least 1 value is needed")


def chunks(X: Array) -> Iterator[Array]:
    """X in slices of rows, about CHUNK values each, so that a memmap is never in memory whole."""
    for rows in row_slices(X.shape):
        yield X[rows]
        release(X)


def release(X: Any) -> None:
    """Give back the pages that were read from a memory-mapped X; nothing for other X."""
    while isinstance(X, np.ndarray) and not isinstance(X, np.memmap):
        X = X.base
    file: mmap.mmap | None = getattr(X, "_mmap", None)
    if file is not None and X.mode != "c" and hasattr(mmap, "MADV_DONTNEED"):  # "c" keeps the user's changes in these pages
        file.madvise(mmap.MADV_DONTNEED)


def row_slices(shape: tuple[int, ...]) -> Iterator[slice]:
    """The slices of rows that cut an array of this shape into pieces of about CHUNK values.

    >>> list(row_slices((3, CHUNK)))
    [slice(0, 1, None), slice(1, 2, None), slice(2, 3, None)]
    """
    step = max(1, CHUNK // max(1, int(np.prod(shape[1:]))))
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
