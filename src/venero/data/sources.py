"""Where data come from: `dataset(source)` reads a name, a file or a folder into a `Dataset`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from venero.core.errors import DataError, nearest
from venero.data.datasets import Dataset
from venero.data.files import READERS, Rate, Reading, Size, Target, from_frame, from_idx, from_path

__all__ = ["Dataset", "dataset", "names"]

_HOME = "~/.cache/venero"
_UCI = "UCI Machine Learning Repository"
_TABLES = {
    "iris": ("CC BY 4.0", f"Fisher 1936; {_UCI}"),
    "wine": ("CC BY 4.0", f"Aeberhard & Forina 1992; {_UCI}"),
    "breast_cancer": ("CC BY 4.0", f"Wolberg, Street & Mangasarian 1995; {_UCI}"),
    "diabetes": ("not stated", "Efron, Hastie, Johnstone & Tibshirani 2004, Least angle regression"),
}


def names() -> list[str]:
    """The names that `dataset` knows."""
    from venero.data.idx import ARCHIVES

    return ["digits", *ARCHIVES, *_TABLES, "openml:NAME"]


def dataset(
    source: str | Path,
    *,
    size: Size = None,
    target: Target = None,
    read: str | None = None,
    rate: Rate = None,
    data_home: str | Path | None = None,
) -> Dataset:
    """Read data: a known name, `openml:NAME`, a file (.npy, .npz, .csv, .tsv, .parquet, .ts, .txt), or a folder.

    A folder holds images, IDX files, texts (.txt), or audio (.wav, .flac, or zips of those, or such a zip itself).

    Names: digits, iris, wine, breast_cancer, diabetes; mnist and fashion-mnist, from a folder of that name in the folder
    that VENERO_DATA names, else downloaded. A file of such a name is ./NAME. DataError says what is wrong with a source.

    size: (height, width), or one number for both, to which a folder's images are resized.
    target: the column of a table that becomes y, by name or by place (-1 is the last); of audio, the place of the part of
        files' names, between underscores, that is the label (default: the subfolder, where there are any).
    read: "wide" (a table of one series in each row) or "long:ID,TIME" (one step in each row); "lines" or "paragraphs" of texts.
    rate: resample audio to so many samples a second, mixed down to one channel; default: all files must be alike, and mono.
    data_home: where downloads are kept (default ~/.cache/venero).

    >>> data = dataset("digits")
    >>> data.X.shape, data.X.dtype, data.kind
    ((1797, 8, 8), dtype('uint8'), 'image')
    """
    how = Reading(size, target, read, rate)
    if isinstance(source, Path):
        return from_path(source.expanduser(), how)
    home = Path(data_home or _HOME).expanduser()
    if source.startswith("openml:"):
        return _openml(source.removeprefix("openml:"), home, target)
    if source not in names():
        return _from_text(source, how)
    given = [(name, value) for name, value in vars(how).items() if value is not None]
    if given:
        option, value = given[0]
        raise DataError(f"{option} = {value!r} is for files of your own, and {source!r} comes complete: leave it out")
    if source == "digits":
        return _digits()
    return _bundled(source) if source in _TABLES else _published(source, home)


def _from_text(source: str, how: Reading) -> Dataset:
    path = Path(source).expanduser()
    if not path.exists() and len(path.parts) == 1 and not source.lower().endswith(tuple(READERS)):
        raise DataError(f"source = {source!r} is neither a known name ({nearest(source, names())}) nor a file or folder here")
    return from_path(path, how)


def _digits() -> Dataset:
    """The 8x8 digits that come with scikit-learn, their 17 grey levels spread over 0..255."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    X = (bunch.images.astype(np.int64) * 255 // 16).astype(np.uint8)
    origin = {
        "source": "scikit-learn, load_digits",
        "licence": "CC BY 4.0",
        "citation": f"Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits; {_UCI}",
        "note": "grey levels 0..16 are stored as x * 255 // 16",
    }
    return Dataset(X, bunch.target.astype(np.int64), "digits", class_names=tuple("0123456789"), provenance=origin)


def _bundled(name: str) -> Dataset:
    """A table that comes with scikit-learn, as a DataFrame."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    licence, citation = _TABLES[name]
    origin = {"source": f"scikit-learn, load_{name}", "licence": licence, "citation": citation}
    classes = tuple(map(str, bunch.get("target_names", ())))
    y = bunch.target.to_numpy(np.int64 if classes else np.float64)
    return Dataset(bunch.data, y, name, tuple(map(str, bunch.data.columns)), classes, provenance=origin)


def _published(name: str, home: Path) -> Dataset:
    """MNIST or its like."""
    from venero.data.idx import ARCHIVES, locate

    archive = ARCHIVES[name]
    data = from_idx(locate(archive, home), name, archive.classes)
    for part in (data, data.test):
        if part is not None:
            part.provenance |= {"licence": archive.licence, "citation": archive.citation}
    return data


def _openml(name: str, home: Path, target: Target) -> Dataset:
    """A table of openml.org, by name, name:version or number."""
    bunch = _fetch(name, home)
    frame = bunch.data if bunch.target is None else bunch.frame
    chosen = target if target is not None else None if bunch.target is None else bunch.target.name
    data = from_frame(frame, name, chosen)
    known: dict[str, Any] = bunch.get("details", {})
    data.provenance = {
        "source": bunch.get("url", f"openml:{name}"),
        "licence": known.get("licence", "not stated"),
        "citation": known.get("citation", "") or "openml.org",
    }
    return data


def _fetch(name: str, home: Path) -> Any:
    from sklearn.datasets import fetch_openml

    title, _, version = name.partition(":")
    if not title or not (version or "1").isdigit():
        raise DataError(f"source = 'openml:{name}': write openml:NAME, openml:NAME:VERSION or openml:NUMBER")
    which = {"data_id": int(title)} if title.isdigit() else {"name": title, "version": int(version) if version else "active"}
    with warnings.catch_warnings():
        for told_below in ("A network error", "Invalid cache"):
            warnings.filterwarnings("ignore", message=told_below)
        try:
            return fetch_openml(**which, as_frame=True, data_home=home, parser="auto", n_retries=1, delay=0.5)
        except OSError as error:
            raise DataError(f"openml:{name} can't be fetched ({error}): check the network, or pass a table's file") from None
        except ValueError as error:
            raise DataError(
                f"openml:{name} is no table there ({' '.join(str(error).split())}): look it up on openml.org"
            ) from None
