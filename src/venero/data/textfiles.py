"""Texts: a .txt file, or a folder of them, in UTF-8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from venero.core.errors import DataError, nearest
from venero.data.tablefiles import text_of

UNITS: dict[str, Callable[[str], list[str]]] = {
    "whole": lambda text: [text],
    "lines": str.splitlines,
    "paragraphs": lambda text: text.split("\n\n"),
}


def read_texts(file: Path, unit: str | None = None) -> list[str]:
    """The examples of a file: the whole of it, or its lines or paragraphs, those with nothing but blanks left out."""
    if unit is not None and unit not in UNITS:
        raise DataError(f"read = {unit!r}: {nearest(unit, UNITS)}")
    text = text_of(file).replace("\r\n", "\n")
    if unit in (None, "whole"):
        return [text]
    return [part.strip("\n") for part in UNITS[str(unit)](text) if part.strip()]


def find_texts(folder: Path) -> list[Path]:
    """The .txt files of a folder and below it, sorted; hidden ones are left out."""
    files = [f for f in sorted(folder.rglob("*.txt")) if f.is_file()]
    return [f for f in files if not any(part.startswith(".") for part in f.relative_to(folder).parts)]
