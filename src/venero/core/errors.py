"""Errors that tell the user what was wrong, with which value, and the way out."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class VeneroError(ValueError):
    """Base of every error that venero raises on purpose; its text is one line."""


class FieldError(VeneroError, TypeError):
    """A model was given a field that it does not have; Python has a TypeError for that."""


class DataError(VeneroError):
    """The data can't be used as they are."""


class CellError(DataError, TypeError):
    """A cell is neither a number nor text; scikit-learn expects a TypeError of it."""


class StorageError(VeneroError):
    """A folder or file is not what it should be."""


class TrainingError(VeneroError):
    """Training can't go on."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: the closest known one, else all of them.

    >>> nearest("vea", ["vae", "autoencoder"])
    "did you mean 'vae'?"
    """
    plain = {k.lower(): k for k in known}
    close = get_close_matches(name.lower(), plain, n=1, cutoff=0.5)
    return f"did you mean {plain[close[0]]!r}?" if close else f"known: {', '.join(plain.values())}"


def shown(value: Any, most: int = 80) -> str:
    """A value as a message has it: on one line, and not too long.

    >>> shown([[1, 2], [3, 4]]), shown(list(range(100)), most=12)
    ('[[1, 2], [3, 4]]', '[0, 1, 2,...')
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= most else text[: most - 3] + "..."
