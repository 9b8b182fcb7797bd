"""Errors that tell the user what was wrong, with which value, and the way out."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class VeneroError(ValueError):
    """Base of every error that venero raises on purpose; its text is one line."""


class DataError(VeneroError):
    """The data can't be used as they are."""


class StorageError(VeneroError):
    """A folder or file is not what it should be."""


class TrainingError(VeneroError):
    """Training can't go on."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: the closest known one, else all of them.

    >>> nearest("vea", ["vae", "autoencoder"])
    "did you mean 'vae'?"
    """
    known = list(known)
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
