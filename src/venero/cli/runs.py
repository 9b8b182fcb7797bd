"""A run folder as `venero fit` writes it: what was fitted to which data, and which of them were held out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venero.core.errors import DataError, StorageError

if TYPE_CHECKING:
    from venero.data.sources import Dataset

CONFIG = "config.json"
SAYS = {"data": {"source", "size", "target"}, "split": {"test", "random_state"}}
HOLDS = {*SAYS, "limit", "model", "fields"}
Config = dict[str, Any]


def read_config(folder: Path) -> Config:
    """The run's config.json; StorageError where there is none or it is not one."""
    path = folder / CONFIG
    if not path.is_file():
        raise StorageError(f"{folder} has no {CONFIG}, so it is no run that `venero fit` wrote")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as e:
        raise StorageError(f"{path} is not readable JSON: the folder is damaged; fit the model again") from e
    if not _is_config(config):
        raise StorageError(f"{path} was not written by `venero fit`")
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


def split(config: Config) -> tuple[Dataset, Dataset]:
    """The run's data: at most `limit` of those to learn from, and those held out."""
    import numpy as np

    from venero.data.sources import dataset

    what, how, limit = config["data"], config["split"], config["limit"]
    size = tuple(what["size"]) if isinstance(what["size"], list) else what["size"]
    train, test = dataset(what["source"], size=size, target=what["target"]).split(how["test"], random_state=how["random_state"])
    if limit is not None and limit < len(train):
        train = train.take(np.sort(np.random.default_rng(how["random_state"]).permutation(len(train))[:limit]))
    return train, test


def data_for(folder: Path, source: str | None) -> Dataset:
    """All of a source, read as the run's own data were; the run's held-out data where no source is given."""
    config = read_config(folder)
    return split(config)[1] if source is None else _like(config, source)


def _like(config: Config, source: str) -> Dataset:
    """A source that may lack the column of labels, and needs a size only where it is a folder of images."""
    from venero.data.sources import dataset, names

    size, target = config["data"]["size"], config["data"]["target"]
    if source in names():
        return dataset(source)
    if Path(source).is_dir():
        return dataset(source, size=tuple(size) if isinstance(size, list) else size)
    try:
        return dataset(source, target=target)
    except DataError:
        return dataset(source)
