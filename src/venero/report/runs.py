"""A run folder read back: the model, what it learned from, and what was held out."""

from __future__ import annotations

from pathlib import Path

from venero.core.errors import VeneroError
from venero.core.runs import read_config, split
from venero.core.storage import load
from venero.report.subject import Subject


def read_run(folder: Path) -> Subject:
    """A run folder's model and data; VeneroError where it is none, or its data are gone."""
    config = read_config(folder)
    model = load(folder)
    try:
        train, test, chosen = split(config)
    except VeneroError as e:
        raise VeneroError(f"the data of {folder} can't be read again: {e}") from e
    return Subject(model, train, test, config, str(folder), chosen)
