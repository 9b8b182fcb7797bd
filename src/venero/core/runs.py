"""A run folder: beside the model stands config.json, which says what was fitted to which data, and which were held out."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from venero.core.errors import DataError, StorageError

if TYPE_CHECKING:
    from venero.data.datasets import Dataset

CONFIG = "config.json"
SAYS = {"data": {"source", "size", "target"}, "split": {"test", "random_state"}}
HOLDS = {*SAYS, "limit", "model", "fields"}
Config = dict[str, Any]


class Parts(NamedTuple):
    """A run's data: what was learned from, what was held out, and how that was chosen."""

    train: Dataset
    test: Dataset
    chosen: str


def read_config(folder: Path) -> Config:
    """The run's config.json; StorageError where there is none or it is not one."""
    path = folder / CONFIG
    if not folder.is_dir():
        raise StorageError(f"{folder} is not there: give the folder that `venero fit` wrote")
    if not path.is_file():
        raise StorageError(f"{folder} has no {CONFIG}, so it is no run: give a folder that `venero fit` wrote")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as e:
        raise StorageError(f"{path} is not readable JSON: the folder is damaged; fit the model again") from e
    if not _is_config(config):
        raise StorageError(f"{path} does not say what the data were: it was not written by `venero fit`")
    checked: Config = config
    return checked


def _is_config(value: Any) -> bool:
    if not isinstance(value, dict) or not set(value) >= HOLDS:
        return False
    return all(isinstance(value[name], dict) and set(value[name]) >= keys for name, keys in SAYS.items())


def write_config(folder: Path, config: Config) -> None:
    """Keep what a run is, before it begins."""
    from venero.train.checkpoint import write_whole

    write_whole(folder / CONFIG, json.dumps(config, indent=1).encode())


def circumstances() -> Config:
    """When, with what and on what machine: for the record."""
    import torch

    versions = {name: version(name) for name in ("venero", "torch", "numpy", "scikit-learn")}
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    machine = {"system": platform.platform(), "cpus": os.cpu_count(), "threads": torch.get_num_threads(), "gpu": gpu}
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return {"versions": {"python": platform.python_version(), **versions}, "machine": machine, "started": started}


def split(config: Config) -> Parts:
    """The run's data: at most `limit` of those to learn from, and those held out."""
    from venero.data.sources import dataset

    what, how = config["data"], config["split"]
    whole = dataset(what["source"], size=_size(what), target=what["target"], read=what.get("read"), rate=what.get("rate"))
    return parts(whole, how["test"], how["random_state"], config["limit"])


def parts(whole: Dataset, share: float, seed: int, limit: int | None = None) -> Parts:
    """Data split by a seed, with at most `limit` examples to learn from."""
    import numpy as np

    train, test = whole.split(share, random_state=seed)
    if limit is not None and limit < len(train):
        train = train.take(np.sort(np.random.default_rng(seed).permutation(len(train))[:limit]))
    drawn = f"{100 * share:.3g} % of the examples, drawn with seed {seed}"
    return Parts(train, test, drawn if whole.test is None else "the data's own test set")


def like(config: Config, source: str) -> Dataset:
    """All of another source, read as the run's data were: it may lack the labels, and needs a size only if it is a folder."""
    from venero.data.sources import dataset, names

    if source in names():
        return dataset(source)
    what = config["data"]
    more = {"read": what.get("read"), "rate": what.get("rate")}
    if Path(source).is_dir() and not any(more.values()):
        return dataset(source, size=_size(what))
    try:
        return dataset(source, target=what["target"], **more)
    except DataError:
        return dataset(source, **more)


def _size(what: Config) -> int | tuple[int, int] | None:
    size = what["size"]
    return (size[0], size[1]) if isinstance(size, list) else size
