"""Datasets from files and folders, told by what they are: arrays, tables, images, IDX files."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError, nearest
from venero.data.datasets import LARGE, MOST_CLASSES, Dataset, encode_labels

Array = NDArray[Any]
Size = tuple[int, int] | int | None
Target = str | int | None

_RUN_FILES = ("model.json", "log.jsonl", "checkpoint.safetensors")


def from_path(path: Path, size: Size = None, target: Target = None) -> Dataset:
    """The data in a file or folder; DataError says what was expected."""
    if not path.exists():
        raise DataError(f"{path} does not exist: check the path (relative ones start at {Path.cwd()})")
    if path.is_dir():
        if target is not None:
            raise DataError(f"target = {target!r} is for tables, and {path} is a folder: leave it out")
        return _from_folder(path, size)
    if size is not None:
        raise DataError(f"size = {size!r} is for folders of images, and {path} is a file: leave it out")
    return _from_file(path, target)


def from_frame(frame: Any, name: str, target: Target = None) -> Dataset:
    """A DataFrame whose column `target`, by name or place, is y."""
    if target is None:
        return Dataset(frame, name=name, feature_names=tuple(map(str, frame.columns)))
    column = _column(frame, name, target)
    X, (y, classes) = frame.drop(columns=column), _labels(frame[column])
    if not X.shape[1]:
        raise DataError(f"{name} has no column besides the target {column!r}: leave target out")
    return Dataset(X, y, name, tuple(map(str, X.columns)), classes)


def from_idx(folder: Path, name: str, classes: tuple[str, ...] = ()) -> Dataset:
    """MNIST-like IDX files, with the t10k files as the official test split."""
    from venero.data.idx import PARTS, find_part, read_pair

    train, held_out = read_pair(folder, "train"), read_pair(folder, "t10k")
    if train is None:
        raise DataError(f"{folder} lacks {PARTS[0]}: put the training files beside the test files")
    pairs = [train] if held_out is None else [train, held_out]
    classes = classes or tuple(str(label) for label in range(1 + max(int(y.max(initial=0)) for _, y in pairs)))
    files = [file for file in (find_part(folder, part) for part in PARTS) if file is not None]
    origin = {"source": str(folder), "sha256": {f.name: _sha256(f) for f in files}}
    parts = [Dataset(X, y.astype(np.int64), name, class_names=classes, provenance=origin) for X, y in pairs]
    parts[0].test = parts[1] if parts[1:] else None
    return parts[0]


def _from_folder(folder: Path, size: Size) -> Dataset:
    from venero.data.idx import PARTS, find_part

    if any((folder / name).is_file() for name in _RUN_FILES):
        raise DataError(f"{folder} is a run or a saved model, not data: pass what it was fitted on, or venero.load it")
    if any(find_part(folder, part) for part in PARTS):
        if size is not None:
            raise DataError(f"size = {size!r} is for folders of images, and {folder} holds IDX files: leave it out")
        return from_idx(folder, folder.resolve().name)
    return _from_images(folder, _checked_size(size))


def _from_images(folder: Path, size: tuple[int, int] | None) -> Dataset:
    """A folder of images; subfolders `train` and `test`, and no other, are the official split."""
    from venero.data.images import find_images, read_folder

    images = find_images(folder)
    if not images and (other := next((f for f in sorted(folder.iterdir()) if _reader(f)), None)):
        raise DataError(f"{folder} holds no images: pass the file itself, such as {other}")
    if {f.relative_to(folder).parts[0] for f in images} == {"train", "test"}:
        train, test = (_from_images(folder / part, size) for part in ("train", "test"))
        return _official(folder, train, test)
    found = read_folder(folder, size)
    origin = {"source": str(folder), "sha256": {f"all {len(found.X)} images": found.sha256}}
    return Dataset(found.X, found.y, folder.resolve().name, class_names=found.classes, provenance=origin)


def _official(folder: Path, train: Dataset, test: Dataset) -> Dataset:
    if train.X.shape[1:] != test.X.shape[1:] or train.class_names != test.class_names:
        ours, theirs = ((part.X.shape[1:], part.class_names) for part in (train, test))
        raise DataError(f"{folder}: train has images and classes {ours}, test {theirs}: make them equal, or pass size=")
    train.test, train.name, train.test.name = test, folder.resolve().name, folder.resolve().name
    return train


def _checked_size(size: Size) -> tuple[int, int] | None:
    both = (size, size) if isinstance(size, int) else size
    if both is not None and (len(both) != 2 or min(both) < 1):
        raise DataError(f"size = {size!r}: must be (height, width), or one number for both, and >= 1")
    return both


def _reader(path: Path) -> Callable[[Path, Target], Dataset] | None:
    name = path.name.lower()
    return next((reader for suffix, reader in READERS.items() if name.endswith(suffix)), None)


def _from_file(path: Path, target: Target) -> Dataset:
    from venero.data.images import is_image

    reader = _reader(path)
    if reader is None and is_image(path):
        raise DataError(f"{path} is a single image: pass its folder, {path.parent}")
    if reader is None and "ubyte" in path.name:
        raise DataError(f"{path} is one file of several: pass its folder, {path.parent}")
    if reader is None:
        raise DataError(f"{path} is of an unknown kind: pass a folder of images, or a file {', '.join(READERS)}")
    data = reader(path, target)
    checksum = _sha256(path) if path.stat().st_size <= LARGE else "not computed for large files"
    data.provenance = {"source": str(path), "sha256": {path.name: checksum}}
    return data


def _arrays(path: Path, target: Target) -> Dataset:
    from venero.data.arrayfiles import read_npy, read_npz

    if target is not None:
        raise DataError(f"target = {target!r} is for tables with named columns, and {path} holds arrays: leave it out")
    return (read_npy if path.suffix.lower() == ".npy" else read_npz)(path)


def _table(path: Path, target: Target) -> Dataset:
    from venero.data.tablefiles import read_table

    return from_frame(read_table(path), path.name.partition(".")[0], target)


READERS: dict[str, Callable[[Path, Target], Dataset]] = {
    ".npy": _arrays,
    ".npz": _arrays,
    ".csv": _table,
    ".tsv": _table,
    ".csv.gz": _table,
    ".tsv.gz": _table,
    ".parquet": _table,
}


def _column(frame: Any, name: str, target: Target) -> str:
    """The column that `target` names, or counts from 0, or from the end."""
    columns = list(map(str, frame.columns))
    if str(target) in columns:
        return str(target)
    if str(target).removeprefix("-").isdigit():
        if -len(columns) <= int(str(target)) < len(columns):
            return columns[int(str(target))]
        raise DataError(
            f"{name} has {len(columns)} columns, target = {target!r}: pass 0..{len(columns) - 1}, or -1 for the last"
        )
    raise DataError(f"{name} has no column {str(target)!r} to be the target: {nearest(str(target), columns)}")


def _labels(s: Any) -> tuple[Array, tuple[str, ...]]:
    import pandas as pd

    if s.isna().any():
        raise DataError(f"the target {s.name!r} is missing in {int(s.isna().sum())} rows: leave those rows out")
    if isinstance(s.dtype, pd.CategoricalDtype):
        used = s.cat.remove_unused_categories().cat
        return used.codes.to_numpy(np.int64), tuple(map(str, used.categories))
    numeric = pd.api.types.is_numeric_dtype(s) and not pd.api.types.is_bool_dtype(s)
    return encode_labels(s.to_numpy(np.float64) if numeric else s.astype(str).to_numpy(str), MOST_CLASSES)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
