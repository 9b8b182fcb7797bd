"""One column of a DataFrame as numbers and back: a number, a category or a time, with its dtype and its missing values.

"Numbers" are float64 with NaN where a value is missing: the value itself, the place among the categories, or the steps
since the first time.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from venero.core.errors import DataError

Floats = NDArray[np.float64]
Series = Any  # pandas.Series of any dtype: the stubs know fewer dtypes than pandas has

MOST_TEXTS = 255  # more different texts than this, in over half of the rows, are names or free text
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_STEPS = (86_400, 3_600, 60, 1)  # seconds: times are restored to the coarsest of these that all of them are multiples of
_MISSING = {"None": None, "nan": np.nan, "NA": pd.NA}


@dataclass(frozen=True)
class Number:
    """A column of integers or floats of any kind, or of objects that are all numbers."""

    kind: ClassVar[str] = "number"
    label: Hashable
    dtype: str
    whole: bool  # integers: restored to whole numbers within the range that fit saw
    na: str = "nan"
    levels: ClassVar[int] = 0

    @classmethod
    def learn(cls, s: Series) -> Self:
        numbers = _floats(s, s.name)
        seen = numbers[np.isfinite(numbers)]
        return cls(s.name, str(s.dtype), bool((seen == np.rint(seen)).all()), _missing_mark(s))

    def numbers(self, s: Series) -> Floats:
        return _floats(s, self.label)

    def restore(self, numbers: Floats) -> Series:
        if self.dtype != "object":
            return pd.Series(numbers).astype(types.pandas_dtype(self.dtype))
        out = numbers.astype(object)
        out[np.isnan(numbers)] = _MISSING[self.na]
        return pd.Series(out, dtype=object)


@dataclass(frozen=True)
class Category:
    """A column of booleans, categories, or texts and other objects, told apart by their values."""

    kind: ClassVar[str] = "category"
    whole: ClassVar[bool] = False
    label: Hashable
    dtype: str
    values: tuple[Any, ...]
    ordered: bool = False
    values_dtype: str = "object"
    na: str = "nan"

    @property
    def levels(self) -> int:
        return len(self.values)

    @classmethod
    def learn(cls, s: Series) -> Self:
        values = _plain(_different(s), s.name)
        if len(values) > MOST_TEXTS and len(values) > len(s) / 2:
            raise DataError(
                f"column {s.name!r} has {len(values)} different texts in {len(s)} rows, as names or free text have: drop it"
            )
        if not isinstance(s.dtype, pd.CategoricalDtype):
            return cls(s.name, _dtype_name(s.dtype), values, na=_missing_mark(s))
        return cls(s.name, "category", values, bool(s.cat.ordered), _dtype_name(s.cat.categories.dtype))

    def numbers(self, s: Series) -> Floats:
        codes, different = _factorize(s, self.label)
        place = pd.Index(self.values, dtype=object).get_indexer(different)
        if (place < 0).any():
            value = _some(tuple(different[place < 0][:1]))
            raise DataError(f"column {self.label!r} has {value}, which fit did not see: known {_some(self.values)}")
        return np.append(place, np.nan)[codes]  # code -1, a missing value, takes the last

    def restore(self, numbers: Floats) -> Series:
        codes = np.where(np.isnan(numbers), -1, numbers).astype(np.int64)
        if self.dtype == "category":
            categories = pd.Index(self.values, dtype=types.pandas_dtype(self.values_dtype))
            return pd.Series(pd.Categorical.from_codes(codes, categories=categories, ordered=self.ordered))
        values = np.empty(len(self.values) + 1, dtype=object)
        values[:] = [*self.values, _MISSING[self.na]]
        return pd.Series(values[codes], dtype=object).astype(types.pandas_dtype(self.dtype))


@dataclass(frozen=True)
class Time:
    """A column of moments or durations, counted in steps since the first one that fit saw."""

    kind: ClassVar[str] = "time"
    levels: ClassVar[int] = 0
    whole: ClassVar[bool] = True
    label: Hashable
    dtype: str
    unit: str
    origin: int  # steps since 1970
    step: int  # units

    @classmethod
    def learn(cls, s: Series) -> Self:
        raw = _raw_times(s)
        unit = np.datetime_data(raw.dtype)[0]
        ticks = raw.astype(np.int64)[~np.isnat(raw)]
        steps = [seconds * _PER_SECOND[unit] for seconds in _STEPS]
        step = next((step for step in steps if not (ticks % step).any()), 1)
        return cls(s.name, str(s.dtype), unit, int(ticks.min()) // step if len(ticks) else 0, step)

    def numbers(self, s: Series) -> Floats:
        try:
            raw = _raw_times(s.astype(types.pandas_dtype(self.dtype)))
        except (TypeError, ValueError):
            raise DataError(f"column {self.label!r} has dtype {s.dtype}, fit saw {self.dtype}: convert it") from None
        steps, rest = np.divmod(raw.astype(np.int64), self.step)
        return np.where(np.isnat(raw), np.nan, (steps - self.origin) + rest / self.step)

    def restore(self, numbers: Floats) -> Series:
        missing = np.isnan(numbers)
        ticks = (np.where(missing, 0, numbers).astype(np.int64) + self.origin) * self.step
        kind = "m8" if self.dtype.startswith(("timedelta", "duration")) else "M8"
        raw = ticks.view(f"{kind}[{self.unit}]")
        raw[missing] = "NaT"
        dtype = types.pandas_dtype(self.dtype)
        zone = getattr(dtype, "tz", None)
        return pd.Series(raw).dt.tz_localize("UTC").astype(dtype) if zone is not None else pd.Series(raw).astype(dtype)


Column = Number | Category | Time
KINDS: dict[str, type[Column]] = {"number": Number, "category": Category, "time": Time}


def learn(s: Series) -> Column:
    """What a column holds; DataError for a type that can't be restored."""
    if types.is_datetime64_any_dtype(s.dtype) or types.is_timedelta64_dtype(s.dtype):
        return Time.learn(s)
    if isinstance(s.dtype, pd.CategoricalDtype) or types.is_bool_dtype(s.dtype):
        return Category.learn(s)
    if types.is_complex_dtype(s.dtype) or isinstance(s.dtype, (pd.PeriodDtype, pd.IntervalDtype, pd.SparseDtype)):
        raise DataError(f"column {s.name!r} has dtype {s.dtype}, which is not supported: convert it, or drop it")
    if types.is_numeric_dtype(s.dtype) or _numbers_as_objects(s):
        return Number.learn(s)
    return Category.learn(s)


def card(column: Column) -> dict[str, Any]:
    """A column as JSON."""
    return {"kind": column.kind, **asdict(column)}


def from_card(card: dict[str, Any]) -> Column:
    """The column that `card` came from."""
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in card.items() if k != "kind"}
    kind: Any = KINDS[card["kind"]]
    return cast(Column, kind(**fields))


def check_labels(labels: pd.Index[Any]) -> None:
    """Raise DataError unless column names are different texts or integers."""
    if labels.has_duplicates:
        raise DataError(f"X has two columns named {_some(tuple(labels[labels.duplicated()][:1]))}: give them different names")
    for label in labels:
        if not isinstance(label, (str, int, np.integer)) or isinstance(label, bool):
            raise DataError(f"X has a column named {label!r}, and names are texts or integers: rename it")


def _floats(s: Series, label: Hashable) -> Floats:
    try:
        return np.asarray(s.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError):
        raise DataError(f"column {label!r} holds numbers, X has {_first_text(s)}: correct it or make it missing") from None


def _first_text(s: Series) -> str:
    numbers: Series = pd.to_numeric(s.astype(object), errors="coerce")
    wrong = s[numbers.isna() & s.notna()]
    return repr(wrong.iloc[0]) if len(wrong) else f"dtype {s.dtype}"


def _numbers_as_objects(s: Series) -> bool:
    kinds = {"integer", "floating", "mixed-integer-float", "decimal"}
    return s.dtype == object and types.infer_dtype(s, skipna=True) in kinds


def _different(s: Series) -> list[Any]:
    """The values to tell apart: as declared, else sorted, numbers before texts."""
    if isinstance(s.dtype, pd.CategoricalDtype):
        return list(s.cat.categories)
    if types.is_bool_dtype(s.dtype):
        return [False, True]
    return sorted(_factorize(s, s.name)[1], key=lambda v: (type(v).__name__, v))


def _factorize(s: Series, label: Hashable) -> tuple[NDArray[np.intp], NDArray[np.object_]]:
    """Codes (-1: missing) and the different values that they stand for."""
    try:
        codes, different = pd.factorize(s)
    except TypeError:
        raise DataError(f"column {label!r} holds lists or other containers: make columns of their parts, or drop it") from None
    return codes, np.asarray(different, dtype=object)


def _plain(values: list[Any], label: Hashable) -> tuple[Any, ...]:
    """Values as JSON has them; DataError for others."""
    plain = tuple(v.item() if isinstance(v, np.generic) else v for v in values)
    odd = next((v for v in plain if not isinstance(v, (str, int, float))), None)
    if odd is not None:
        raise DataError(f"column {label!r} holds values of type {type(odd).__name__}: convert it with .astype(str), or drop it")
    return plain


def _missing_mark(s: Series) -> str:
    """How a column writes a missing value: None, nan or NA."""
    missing = s[s.isna()]
    if s.dtype != object or not len(missing):
        return "NA" if getattr(s.dtype, "na_value", None) is pd.NA else "nan"
    return "None" if missing.iloc[0] is None else "NA" if missing.iloc[0] is pd.NA else "nan"


def _raw_times(s: Series) -> NDArray[Any]:
    """Moments in UTC, or durations, as numpy has them."""
    if getattr(s.dtype, "tz", None) is not None:
        s = s.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(s.to_numpy())


def _dtype_name(dtype: Any) -> str:
    if isinstance(dtype, pd.StringDtype):
        return f"string[{dtype.storage}]" if dtype.na_value is pd.NA else "str"
    return str(dtype)


def _some(values: tuple[Any, ...]) -> str:
    plain = [v.item() if isinstance(v, np.generic) else v for v in values[:5]]
    return ", ".join(map(repr, plain)) + (", ..." if len(values) > 5 else "")
