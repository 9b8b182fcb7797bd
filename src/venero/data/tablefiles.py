"""Tables in files, .csv, .tsv and .parquet, as DataFrames with types: numbers, categories, truth values, dates."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api import types

from venero.core.errors import DataError, nearest
from venero.data.columns import MOST_TEXTS

_MISSING = ["?", "", "NA"]  # besides those that pandas knows
_DELIMITERS = ",;\t|"
_HEAD = 100  # lines from which the delimiter and the header are told
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_table(file: Path) -> pd.DataFrame:
    """The table in a file; texts of few different values are categories, `?`, NA and nothing are missing values.

    Without a header, columns are named "0", "1", ...
    """
    frame = _parquet(file) if file.suffix.lower() == ".parquet" else _delimited(file)
    if not len(frame):
        raise DataError(f"{file} has no rows below its header: nothing to learn from")
    return pd.DataFrame({name: _typed(frame[name], file) for name in frame.columns})
