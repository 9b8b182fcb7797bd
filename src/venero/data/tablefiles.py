"""Tables in files, .csv, .tsv and .parquet, as DataFrames with types: numbers, categories, truth values, dates."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api import types

from venero.core.errors import DataError
from venero.data.columns import MOST_TEXTS

_MISSING = ("", "?", "NA")  # besides those that pandas knows
_DELIMITERS = ",;\t|"
_HEAD = 100  # lines that tell the delimiter and the header
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|[+-]?inf|nan", re.IGNORECASE)
_COMMA, _POINT = re.compile(r"[+-]?\d*,\d+"), re.compile(r"[+-]?\d*\.\d+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")

Rows = list[list[str]]


def read_table(file: Path) -> pd.DataFrame:
    """The table in a file; texts of few different values become categories, and `?`, NA and nothing are missing values.

    Where the first line is no header, columns are named "0", "1", ...
    """
    frame = _parquet(file) if file.suffix.lower() == ".parquet" else _delimited(file)
    if not len(frame):
        raise DataError(f"{file} has no rows below its header: it needs at least one")
    return pd.DataFrame({name: _typed(frame[name], file) for name in frame.columns})


def _parquet(file: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(file)
    except (OSError, ValueError) as error:  # pyarrow's errors are of these kinds
        raise DataError(f"{file} can't be read as parquet ({_one_line(error)}): write it again") from None
    return frame.rename(columns=str).reset_index(drop=True)


def _delimited(file: Path) -> pd.DataFrame:
    text = text_of(file)
    lines = [line for line in text.split("\n", _HEAD)[:_HEAD] if line.strip()]
    delimiter = _delimiter(lines, file)
    rows = _split(lines, delimiter)
    header = _has_header(rows)
    options: dict[str, Any] = {"sep": delimiter, "header": 0 if header else None, "decimal": _decimal(rows, delimiter)}
    try:
        frame = pd.read_csv(io.StringIO(text), na_values=list(_MISSING), skipinitialspace=True, low_memory=False, **options)
    except (pd.errors.ParserError, ValueError) as error:
        raise DataError(f"{file} is no regular table ({_one_line(error)}): correct that line") from None
    return _without_index(frame.rename(columns=lambda name: str(name).strip()))


def text_of(file: Path) -> str:
    """The file's text, unpacked; DataError if it is empty or no text."""
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if file.suffix.lower() == ".gz" else content
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = content[error.start]
        raise DataError(f"{file} is not UTF-8 text (byte 0x{byte:02x} at {error.start}): save it with UTF-8 encoding") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} can't be read ({_one_line(error)}): is it whole?") from None
    if not text.strip():
        raise DataError(f"{file} is empty: it needs a header and rows")
    if "\0" in text:
        raise DataError(f"{file} is no text, it has zero bytes: save it with UTF-8 encoding")
    return text


def _split(lines: list[str], delimiter: str) -> Rows:
    return [row for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]


def _delimiter(lines: list[str], file: Path) -> str:
    """The delimiter that cuts most lines into the same number of cells, more than one."""
    votes = []
    for delimiter in _DELIMITERS:
        width, lines_of_it = Counter(len(row) for row in _split(lines, delimiter)).most_common(1)[0]
        if width > 1:
            votes.append((lines_of_it, width, delimiter))
    if votes:
        return max(votes)[2]
    if any(len(line.split()) > 1 for line in lines):
        raise DataError(f"{file}: can't tell the columns apart: separate them with commas, semicolons or tabs")
    return ","


def _decimal(rows: Rows, delimiter: str) -> str:
    """A comma where the delimiter leaves it free and numbers have it."""
    cells = [cell.strip() for row in rows for cell in row] if delimiter != "," else []
    return "," if any(map(_COMMA.fullmatch, cells)) and not any(map(_POINT.fullmatch, cells)) else "."


def _is_value(cell: str) -> bool:
    """Whether a cell is a number or a date, which no header has."""
    return bool(_NUMBER.fullmatch(cell.strip()) or _DATE.fullmatch(cell.strip()))


def _has_header(rows: Rows) -> bool:
    """Texts above numbers are a header; else numbers in the first line, or its texts again below, tell that it is none."""
    first = [cell.strip() for cell in rows[0]]
    below = [[row[j].strip() for row in rows[1:] if j < len(row)] for j in range(len(first))]
    for j, (cell, column) in enumerate(zip(first, below, strict=True)):
        values = [_is_value(v) for v in column if v not in _MISSING]
        names_them = not _is_value(cell) and (cell not in _MISSING or (j == 0 and cell == ""))
        if names_them and values and all(values):
            return True
    again = sum(cell in column for cell, column in zip(first, below, strict=True))
    return not any(map(_is_value, first)) and again <= len(first) / 2


def _without_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The table without the row numbers that pandas writes before the first named column."""
    first = str(frame.columns[0])
    if first.startswith("Unnamed") and frame.shape[1] > 1 and frame[first].is_unique:
        frame = frame.drop(columns=first)
    return frame.reset_index(drop=True)


def _typed(s: Any, file: Path) -> Any:
    """A column of texts as truth values, dates or categories, if it is one; other columns as they are."""
    holds = types.infer_dtype(s, skipna=True)
    if holds == "boolean" and s.dtype == object:
        return s.astype("boolean")
    if holds not in {"string", "mixed"} or isinstance(s.dtype, pd.CategoricalDtype):
        return s
    if holds == "string":
        _check_no_numbers(s, file)
    if s.dropna().map(lambda v: isinstance(v, str) and bool(_DATE.fullmatch(v))).all():
        return _dates(s)
    return s.astype("category") if holds == "string" and s.nunique() <= MOST_TEXTS else s


def _dates(s: Any) -> Any:
    try:
        return pd.to_datetime(s, format="ISO8601")
    except ValueError:  # like a date, but no day of the calendar
        return s


def _check_no_numbers(s: Any, file: Path) -> None:
    """Raise DataError for a column of numbers with some texts among them."""
    numbers = pd.to_numeric(s.astype(object), errors="coerce")
    wrong = numbers.isna() & s.notna()
    if numbers.nunique() > 20 and wrong.sum() <= 0.1 * s.notna().sum():
        row = int(wrong.argmax())
        raise DataError(
            f"{file}: column {s.name!r} holds numbers and the text {s.iloc[row]!r} (row {row + 1}): "
            f"correct it, or leave it empty where the value is missing"
        )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ").rstrip(".")
