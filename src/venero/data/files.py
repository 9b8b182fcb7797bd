"""Datasets from files and folders, told by what they are: arrays, tables, images, IDX files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError, nearest
from venero.data.datasets import LARGE, MOST_CLASSES, Dataset, encode_labels
from venero.data.seriesfiles import official_pair

Array = NDArray[Any]
Size = tuple[int, int] | int | None
Target = str | int | None
Rate = int | None


@dataclass(frozen=True)
class Reading:
    """How a file or folder is to be read; see `dataset`."""

    size: Size = None
    target: Target = None
    read: str | None = None
    rate: Rate = None

    def only(self, what: str, *takes: str) -> None:
        """Raise a DataError where an option is given that this source has no use for."""
        for name in ("size", "target", "read", "rate"):
            if name not in takes and getattr(self, name) is not None:
                raise DataError(f"{name} = {getattr(self, name)!r} is for {_FOR[name]}, and {what}: leave it out")


_FOR = {
    "size": "folders of images",
    "target": "tables with named columns",
    "read": "tables of series (wide, long) and for texts (lines, paragraphs)",
    "rate": "audio",
}

_RUN_FILES = ("model.json", "log.jsonl", "checkpoint.safetensors")


def from_path(path: Path, how: Reading = Reading()) -> Dataset:
    """The data in a file or folder; DataError says what was expected."""
    path = official_pair(path)[0]
    if not path.exists():
        raise DataError(f"{path} does not exist: check the path (relative ones start at {Path.cwd()})")
    return _from_folder(path, how) if path.is_dir() else _from_file(path, how)


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


def _from_folder(folder: Path, how: Reading) -> Dataset:
    from venero.data.audio import find_audio
    from venero.data.idx import PARTS, find_part
    from venero.data.images import find_images
    from venero.data.textfiles import find_texts

    if any((folder / name).is_file() for name in _RUN_FILES):
        raise DataError(f"{folder} is a run or a saved model, not data: pass what it was fitted on, or venero.load it")
    if any(find_part(folder, part) for part in PARTS):
        how.only(f"{folder} holds IDX files")
        return from_idx(folder, folder.resolve().name)
    if not find_images(folder):
        if find_audio(folder):
            return _audio(folder, how)
        if find_texts(folder):
            return _texts_of_folder(folder, how)
    how.only(f"{folder} is a folder of images", "size")
    return _from_images(folder, _checked_size(how.size))


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


def _reader(path: Path) -> Callable[[Path, Reading], Dataset] | None:
    name = path.name.lower()
    return next((reader for suffix, reader in READERS.items() if name.endswith(suffix)), None)


def _from_file(path: Path, how: Reading) -> Dataset:
    from venero.data.images import is_image

    reader = _reader(path)
    if reader is None and is_image(path):
        raise DataError(f"{path} is a single image: pass its folder, {path.parent}")
    if reader is None and path.suffix.lower() in (".wav", ".flac"):
        raise DataError(f"{path} is a single clip: pass its folder, {path.parent}")
    if reader is None and "ubyte" in path.name:
        raise DataError(f"{path} is one file of several: pass its folder, {path.parent}")
    if reader is None:
        raise DataError(f"{path} is of an unknown kind: pass a folder of images, or a file {', '.join(READERS)}")
    data = reader(path, how)
    checksum = _sha256(path) if path.stat().st_size <= LARGE else "not computed for large files"
    data.provenance = {"source": str(path), "sha256": {path.name: checksum}}
    return data


def _arrays(path: Path, how: Reading) -> Dataset:
    from venero.data.arrayfiles import read_npy, read_npz

    how.only(f"{path} holds arrays")
    return (read_npy if path.suffix.lower() == ".npy" else read_npz)(path)


def _table(path: Path, how: Reading) -> Dataset:
    from venero.data.tablefiles import read_table

    how.only(f"{path} is a file", "target", "read")
    name = path.name.partition(".")[0]
    frame = read_table(path)
    if how.read is None:
        return from_frame(frame, name, how.target)
    return _series_of_table(frame, name, how)


def _series_of_table(frame: Any, name: str, how: Reading) -> Dataset:
    """A table whose rows are series, or steps of series."""
    from venero.data.seriesfiles import long, wide

    shape, _, columns = str(how.read).partition(":")
    if shape not in ("wide", "long"):
        raise DataError(f"read = {how.read!r}: {nearest(str(how.read), ('wide', 'long', 'long:ID,TIME'))}")
    column = None if how.target is None else _column(frame, name, how.target)
    if shape == "wide":
        values = frame if column is None else frame.drop(columns=column)
        y, classes = (None, ()) if column is None else _labels(frame[column])
        return Dataset(wide(values, name), y, name, class_names=classes)
    X, labels, channels = long(frame, name, columns, column)
    y, classes = (None, ()) if labels is None else encode_labels(np.asarray(labels), MOST_CLASSES)
    return Dataset(X, y, name, tuple(channels), classes)


def _ts(path: Path, how: Reading) -> Dataset:
    """Series of the UCR/UEA archive, the TEST file beside a TRAIN file as the official test set."""
    from venero.data.seriesfiles import read_ts

    how.only(f"{path} comes complete")
    files = [file for file in official_pair(path) if file is not None]
    told = [read_ts(file) for file in files]
    name = re.sub(r"(_TRAIN|_TEST)?\.ts(\.gz)?$", "", path.name, flags=re.IGNORECASE)
    parts = [Dataset(one.X, name=name, provenance={"source": str(f)}) for f, one in zip(files, told, strict=True)]
    labels = [np.asarray(one.y, dtype=str) for one in told if one.y is not None]
    if len(labels) == len(parts):
        together = np.concatenate(labels)
        y, classes = (together.astype(np.float64), ()) if told[0].measured else encode_labels(_as_integers(together))
        for part, own in zip(parts, np.split(y, [len(labels[0])]), strict=False):
            part.y, part.class_names = own, classes
    parts[0].test = parts[1] if parts[1:] else None
    return parts[0]


def _as_integers(labels: Array) -> Array:
    """Labels in the order of numbers, where they are such."""
    return labels.astype(np.int64) if all(label.lstrip("-").isdigit() for label in labels) else labels


def _text_file(path: Path, how: Reading) -> Dataset:
    from venero.data.textfiles import read_texts

    how.only(f"{path} is a text", "read")
    return Dataset(read_texts(path, how.read), name=path.stem)


def _texts_of_folder(folder: Path, how: Reading) -> Dataset:
    """A text of each file, or each of its lines or paragraphs; subfolders are classes, files are groups where they are cut."""
    from venero.data.textfiles import find_texts, read_texts

    how.only(f"{folder} is a folder of texts", "read")
    files = find_texts(folder)
    found = [(text, f) for f in files for text in read_texts(f, how.read)]
    classes = [f.relative_to(folder).parts[0] if f.parent != folder else "" for _, f in found]
    data = Dataset([text for text, _ in found], name=folder.resolve().name)
    if all(classes):
        data.y, data.class_names = encode_labels(np.array(classes))
    if len(found) > len(files) > 1:
        data.groups = np.array([str(f.relative_to(folder)) for _, f in found])
    data.provenance = {"source": str(folder), "sha256": {str(f.relative_to(folder)): _sha256(f) for f in files}}
    return data


def _audio(path: Path, how: Reading) -> Dataset:
    """Clips of a folder or a zip, with what their names tell."""
    from venero.data.audio import read_audio, told_by

    how.only(f"{path} holds audio", "target", "rate")
    heard = read_audio(path, how.rate)
    told = told_by(heard.names, how.target)
    data = Dataset(heard.X, name=path.stem if path.is_file() else path.resolve().name)
    if told.labels is not None:
        data.y, data.class_names = encode_labels(np.array(told.labels))
    data.groups = None if told.groups is None else np.array(told.groups)
    if told.test is not None:
        test = data.take(told.test)
        data = data.take(~told.test)
        data.test = test
    data.provenance = {"source": str(path), "sha256": {f"all {len(heard.X)} clips": heard.sha256}}
    return data


READERS: dict[str, Callable[[Path, Reading], Dataset]] = {
    ".npy": _arrays,
    ".npz": _arrays,
    ".csv": _table,
    ".tsv": _table,
    ".csv.gz": _table,
    ".tsv.gz": _table,
    ".parquet": _table,
    ".ts": _ts,
    ".ts.gz": _ts,
    ".txt": _text_file,
    ".zip": _audio,
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
