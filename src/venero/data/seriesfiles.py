"""Series in files: .ts of the UCR/UEA archive, and tables of one series a row ("wide") or of one step a row ("long")."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError, nearest
from venero.data.series import Series

_PART = re.compile(r"(.*)_(TRAIN|TEST)(\.ts(?:\.gz)?)", re.IGNORECASE)
_NOTHING = {"?", "nan", "NaN", ""}


class Told(NamedTuple):
    """What a .ts file holds: series, and their labels or values."""

    X: Series
    y: list[str] | None
    measured: bool  # y are numbers (@targetLabel), not classes


def official_pair(file: Path) -> tuple[Path, Path | None]:
    """X_TRAIN.ts and the X_TEST.ts beside it; any other file alone. X.ts stands for the pair where it is not there itself."""
    if not file.exists():
        stem = file.name.partition(".ts")[0]
        for suffix in (".ts", ".ts.gz"):
            if (train := file.with_name(f"{stem}_TRAIN{suffix}")).exists():
                return official_pair(train)
    found = _PART.fullmatch(file.name)
    if found is None or found[2].upper() == "TEST":
        return file, None
    test = file.with_name(f"{found[1]}_{'TEST' if found[2].isupper() else 'test'}{found[3]}")
    return file, test if test.exists() else None


def read_ts(file: Path) -> Told:
    """Series, of one length or of many, `?` as NaN; DataError names the line that is not as its head says."""
    from venero.data.tablefiles import text_of

    head: dict[str, str] = {}
    X, y = Series(), []
    for number, raw in enumerate(text_of(file).splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            key, _, value = line[1:].partition(" ")
            head[key.lower()] = value.strip()
            continue
        values, label = _line(line, head, f"{file}, line {number}")
        X.append(values)
        y.append(label)
    if not X:
        raise DataError(f"{file} has no series below @data: is it whole?")
    wide = {x.shape[1] for x in X}
    if len(wide) > 1:
        raise DataError(
            f"{file} has series of {' and of '.join(map(str, sorted(wide)))} channels: correct the lines with fewer"
        )
    return Told(X, y if _labelled(head) else None, _on(head, "targetlabel"))


def _on(head: dict[str, str], key: str) -> bool:
    return head.get(key, "false").lower().startswith("true")


def _labelled(head: dict[str, str]) -> bool:
    return _on(head, "classlabel") or _on(head, "targetlabel")


def _line(line: str, head: dict[str, str], where: str) -> tuple[NDArray[np.float64], str]:
    """One series (T, d) and its label."""
    if _on(head, "timestamps"):
        raise DataError(f"{where}: series with time stamps are not read: write values alone, and @timeStamps false")
    channels = line.split(":")
    label = channels.pop().strip() if _labelled(head) else ""
    if not channels:
        raise DataError(f"{where}: no values before the label: correct that line")
    columns = [_numbers(channel, where) for channel in channels]
    if len({len(c) for c in columns}) > 1:
        raise DataError(
            f"{where}: its channels are {', '.join(str(len(c)) for c in columns)} steps long: make them equal, with ?"
        )
    if not len(columns[0]):
        raise DataError(f"{where}: the series is empty: remove that line")
    return np.stack(columns, axis=1), label


def _numbers(text: str, where: str) -> NDArray[np.float64]:
    try:
        return np.array([np.nan if v.strip() in _NOTHING else float(v) for v in text.split(",")])
    except ValueError as error:
        raise DataError(f"{where}: {error}: correct it, or write ? for a missing value") from None


# -- tables ------------------------------------------------------------------------------
def wide(frame: Any, name: str) -> Series:
    """One series of one channel in each row; missing values at a row's end are beyond the end of its series."""
    values = _number_columns(frame, name).to_numpy(np.float64)
    there = ~np.isnan(values)
    lengths = np.where(there.any(1), values.shape[1] - there[:, ::-1].argmax(1), 0)
    if not lengths.all():
        raise DataError(f"{name}: row {int(np.flatnonzero(lengths == 0)[0])} has no values: leave that row out")
    return Series(row[:t, None] for row, t in zip(values, lengths, strict=True))


def long(frame: Any, name: str, columns: str = "", target: str | None = None) -> tuple[Series, Any, list[str]]:
    """One step in each row: columns for the series' id and the time (default: the first two), the others are channels.

    Returns series in the order of their first rows, each sorted by time; the label of each, or None; names of channels.
    """
    known = list(map(str, frame.columns))
    given = [c.strip() for c in columns.split(",")] if columns else [c for c in known if c != target][:2]
    for c in given:
        if c not in known:
            raise DataError(f"read = 'long:{columns}': {name} has no column {c!r}; {nearest(c, known)}")
    if len(given) != 2:
        raise DataError(f"read = 'long:{columns}': name the columns of the series' id and of the time, as in long:id,time")
    who, when = given
    if frame[[who, when]].isna().to_numpy().any():
        raise DataError(f"{name} lacks values of {who!r} or {when!r} in some rows: fill them in, or leave those rows out")
    channels = [c for c in known if c not in (who, when, target)]
    if not channels:
        raise DataError(f"{name} has no column of values beside {who!r} and {when!r}: is it wide? pass read='wide'")
    _number_columns(frame[channels], name)
    X, y = Series(), []
    for one, rows in frame.groupby(who, sort=False, observed=True):
        steps = rows.sort_values(when, kind="stable")
        if steps[when].duplicated().any():
            raise DataError(f"{name}: series {one!r} has two rows of one time {when!r}: leave one out")
        X.append(steps[channels].to_numpy(np.float64, na_value=np.nan))
        if target is not None:
            y.append(_one_label(rows[target], one, name))
    return X, y if target is not None else None, channels


def _one_label(column: Any, one: Any, name: str) -> Any:
    found = column.unique()
    if len(found) != 1:
        raise DataError(
            f"{name}: series {one!r} has {len(found)} different values of {column.name!r}: a label is one for a series"
        )
    return found[0]


def _number_columns(frame: Any, name: str) -> Any:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    for column in frame.columns:
        if not is_numeric_dtype(frame[column]) or is_bool_dtype(frame[column]):
            raise DataError(
                f"{name}: column {column!r} holds no numbers, and series are numbers: name it as target, or drop it"
            )
    return frame
