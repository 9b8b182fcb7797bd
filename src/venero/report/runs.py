"""A run folder as `venero fit` writes it, read back: the model, what it learned from, and what was held out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from venero.core.errors import StorageError, VeneroError
from venero.report.subject import Subject

if TYPE_CHECKING:
    from venero.data.sources import Dataset

CONFIG = "config.json"
SAYS = {"data": {"source"}, "split": {"test", "random_state"}}  # what config.json must hold for the data to be found again


def read_run(folder: Path) -> Subject:
    """A run folder's model and data; VeneroError where it is none, or its data are gone."""
    from venero.core.storage import load

    config = _config(folder)
    model = load(folder)
    train, test, held_out = _parts(config, folder)
    return Subject(model, train, test, config, str(folder), held_out)


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not folder.is_dir():
        raise StorageError(f"{folder} is not there: give the folder that `venero fit` wrote")
    if not path.is_file():
        raise StorageError(f"{folder} is not a run folder, it has no {CONFIG}: give one that `venero fit` wrote")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as e:
        raise StorageError(f"{path} is not readable JSON: the folder is damaged; fit the model again") from e
    if not _is_config(config):
        raise StorageError(f"{path} does not say what the data were: it was not written by `venero fit`")
    return dict(config)


def _is_config(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(k), dict) and set(value[k]) >= keys for k, keys in SAYS.items())


def _parts(config: dict[str, Any], folder: Path) -> tuple[Dataset, Dataset, str]:
    """What was learned from (at most `limit`), what was held out, and how that was chosen."""
    from venero.data.sources import dataset

    said, share, seed = config["data"], config["split"]["test"], config["split"]["random_state"]
    size, limit = said.get("size"), config.get("limit")
    try:
        whole = dataset(said["source"], size=tuple(size) if isinstance(size, list) else size, target=said.get("target"))
    except VeneroError as e:
        raise VeneroError(f"the data of {folder} can't be read again: {e}") from e
    train, test = whole.split(share, random_state=seed)
    if limit is not None and limit < len(train):
        train = train.take(np.sort(np.random.default_rng(seed).permutation(len(train))[:limit]))
    own = whole.test is not None
    return train, test, "the data's own test set" if own else f"{100 * share:.3g} % of the examples, drawn with seed {seed}"
