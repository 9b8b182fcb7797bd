"""MNIST and its kin: IDX files (LeCun's format), found in a folder or downloaded and checked."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import struct
import zlib
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError

log = logging.getLogger("venero")

Array = NDArray[Any]

PARTS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@dataclass(frozen=True)
class Archive:
    """A published data set of four IDX files, and the MD5 of each as published (.gz, in the order of PARTS)."""

    name: str
    address: str
    md5: tuple[str, str, str, str]
    classes: tuple[str, ...]
    licence: str
    citation: str


ARCHIVES = {
    "mnist": Archive(
        "mnist",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        (
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        tuple("0123456789"),
        "CC BY-SA 3.0",
        "LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning applied to document recognition",
    ),
    "fashion-mnist": Archive(
        "fashion-mnist",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        (
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        "MIT",
        "Xiao, Rasul & Vollgraf 2017, Fashion-MNIST, arXiv:1708.07747",
    ),
}


def find_part(folder: Path, part: str) -> Path | None:
    """One of PARTS in a folder, packed or not, with `-` or `.` before `idx`."""
    names = [part, part.replace("-idx", ".idx")]
    return next((f for name in names for f in (folder / name, folder / f"{name}.gz") if f.is_file()), None)


def locate(archive: Archive, home: Path) -> Path:
    """The folder that holds the training files, which are downloaded into `home` where there are none."""
    local = os.environ.get("VENERO_DATA")
    own = [Path(local) / archive.name] if local else []
    plain = [Path(local)] if local and archive.name == "mnist" else []  # other sets have the same file names
    for folder in (*own, *plain, home / archive.name):
        if find_part(folder, PARTS[0]):
            return folder
    download(archive, home / archive.name)
    return home / archive.name


def download(archive: Archive, folder: Path) -> None:
    """Fetch the four files; a file appears in the folder only once its checksum holds."""
    for part, md5 in zip(PARTS, archive.md5, strict=True):
        if find_part(folder, part):
            continue
        address = f"{archive.address}{part}.gz"
        log.info("downloading %s", address)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with urlopen(address, timeout=30) as response:
                content = response.read()
        except (OSError, HTTPException) as error:
            raise DataError(
                f"{archive.name} can't be downloaded ({error}): put {PARTS[0]}.gz and its three companions into {folder}, "
                f"or into a folder {archive.name!r} of the folder that VENERO_DATA names"
            ) from None
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
            raise DataError(f"{address} is not the file that was published (its MD5 differs): try again, or get it elsewhere")
        _write(folder / f"{part}.gz", content)


def _write(file: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=file.parent, delete=False) as temporary:
        temporary.write(content)
    Path(temporary.name).replace(file)


def read_pair(folder: Path, split: str) -> tuple[Array, Array] | None:
    """Images (n, H, W) and labels (n,) of "train" or "t10k"; None where the folder has no images of it."""
    images, labels = (find_part(folder, part) for part in PARTS if part.startswith(split))
    if images is None:
        return None
    if labels is None:
        raise DataError(f"{images} has no labels beside it: put {split}-labels-idx1-ubyte.gz into {folder}")
    X, y = read_idx(images), read_idx(labels)
    if X.ndim != 3 or y.shape != X.shape[:1]:
        raise DataError(f"{images} has shape {X.shape} and {labels.name} {y.shape}: they don't belong together")
    return X, y


def read_idx(file: Path) -> Array:
    """The array in an IDX file, packed or not; DataError if it is anything else or cut short."""
    content = _unpacked(file)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _DTYPES:
        raise DataError(f"{file} is no IDX file (it starts with {content[:4].hex() or 'nothing'}): download it again")
    start, dtype = 4 + 4 * content[3], np.dtype(_DTYPES[content[2]])
    shape = struct.unpack(f">{content[3]}I", content[4:start].ljust(start - 4, b"\0"))
    expected = start + dtype.itemsize * int(np.prod(shape, dtype=object))
    if len(content) != expected or content[3] == 0:
        raise DataError(f"{file} is cut short or damaged: {len(content)} bytes, and {expected} are due: download it again")
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def _unpacked(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} is cut short or damaged ({error}): download it again") from None
