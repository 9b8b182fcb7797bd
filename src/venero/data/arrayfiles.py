"""Arrays in files, .npy and .npz, which are never unpickled."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError
from venero.data.arrays import check_some, kind_of
from venero.data.datasets import MOST_CLASSES, Dataset, encode_labels

Array = NDArray[Any]

_DAMAGE = (ValueError, OSError, EOFError, BadZipFile, zlib.error)
_HEADS = (b"\x93NUMPY", b"PK", b"\x80")  # .npy, .npz, a pickle
_MEMBERS = {
    "X": ("X", "x", "x_train", "X_train", "data", "images"),
    "y": ("y", "Y", "y_train", "Y_train", "labels", "label", "target"),
    "X_test": ("x_test", "X_test"),
    "y_test": ("y_test", "Y_test"),
    "classes": ("classes", "class_names"),
}


def read_npy(path: Path) -> Dataset:
    """One array, memory-mapped."""
    with _readable(path), path.open("rb") as file:
        if file.read(2) == b"PK":
            raise DataError(f"{path} is an archive of arrays: rename it to .npz")
        return _dataset(np.load(path, mmap_mode="r", allow_pickle=False), path)


def read_npz(path: Path) -> Dataset:
    """Arrays X and y, or x_train, y_train, x_test and y_test, and the names of classes."""
    with _readable(path), path.open("rb") as file:  # opened here, since numpy leaves a damaged file open
        archive = np.load(file, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise DataError(f"{path} is a single array: rename it to .npy")
        return _with_labels(
            path, {role: None if name is None else archive[name] for role, name in _roles(archive, path).items()}
        )


def _roles(archive: Any, path: Path) -> dict[str, str | None]:
    """The member for X, y, ...; None where there is none."""
    roles = {role: next((n for n in known if n in archive.files), None) for role, known in _MEMBERS.items()}
    if len(archive.files) == 1:
        roles["X"] = archive.files[0]
    if roles["X"] is None:
        raise DataError(
            f"{path} holds {', '.join(archive.files) or 'nothing'}: name its arrays X and y, or x_train, y_train, ..."
        )
    return roles


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn numpy's and zipfile's many errors into one that names the file."""
    try:
        yield
    except DataError:
        raise
    except _DAMAGE as error:
        raise _unreadable(path, error) from None


def _with_labels(path: Path, found: dict[str, Any]) -> Dataset:
    data = _dataset(found["X"], path)
    parts = [data]
    if found["X_test"] is not None:
        data.test = _dataset(found["X_test"], path)
        parts.append(data.test)
    labelled = [(part, np.asarray(y)) for part, y in zip(parts, (found["y"], found["y_test"]), strict=False) if y is not None]
    for part, y in labelled:
        if y.size != len(part):
            raise DataError(f"{path}: y has shape {y.shape} beside {len(part)} rows of X: give each row one label")
    if labelled:
        together, names = _labels(np.concatenate([y.ravel() for _, y in labelled]), found["classes"], data.kind)
        for (part, _), own in zip(labelled, np.split(together, [len(labelled[0][0])]), strict=False):
            part.y, part.class_names = own, names
    return data


def _labels(y: Array, classes: Array | None, kind: str) -> tuple[Array, tuple[str, ...]]:
    names = () if classes is None else tuple(map(str, classes))
    if names and y.dtype.kind in "iu" and y.min() >= 0 and y.max() < len(names):
        return y.astype(np.int64), names
    return encode_labels(y, MOST_CLASSES if kind == "table" else None)


def _dataset(X: Array, path: Path) -> Dataset:
    try:
        kind_of(X)
        check_some(X)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    return Dataset(X, name=path.stem)


def _unreadable(path: Path, error: BaseException) -> DataError:
    with path.open("rb") as file:
        known = file.read(6).startswith(_HEADS)
    if known and any(word in str(error) for word in ("pickle", "Python objects")):
        return DataError(f"{path} holds pickled objects, which can run code when read: save plain arrays of numbers instead")
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(f"{path} can't be read ({reason}): it is damaged, or no {path.suffix} file")
