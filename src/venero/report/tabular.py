"""Tables in a report: their first rows, and what comes back of each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from venero.data.arrays import kind_of
from venero.plots.tables import is_continuous
from venero.report.blocks import Table
from venero.report.subject import Subject
from venero.report.words import number, percent

ROWS = 6  # that are shown
LONGEST = 28  # letters of a cell


def frame(s: Subject, X: Any, starts: bool = False) -> pd.DataFrame:
    """A table as a DataFrame with the columns' names; sequences as what can be said of each."""
    if isinstance(X, list):
        return of_sequences(X, starts)
    if hasattr(X, "iloc"):
        return X.reset_index(drop=True)
    named = s.train.feature_names
    return pd.DataFrame(
        np.asarray(X),
        columns=list(named)
        if named is not None and len(named) == X.shape[1]
        else [f"column {i + 1}" for i in range(X.shape[1])],
    )


def of_sequences(X: Any, starts: bool = False) -> pd.DataFrame:
    """Sequences as rows of what can be said of any: length, and means and spreads of channels or the number of symbols."""
    made: dict[str, list[Any]] = {"length": [len(x) for x in X]}
    values = [np.asarray(list(x) if isinstance(x, str) else x) for x in X]
    if kind_of(X) in ("text", "symbols"):
        made["different symbols"] = [len(set(v.tolist())) for v in values]
        if starts:
            made["begins"] = [x[:LONGEST] if isinstance(x, str) else " ".join(map(str, x[:8])) for x in X]
        return pd.DataFrame(made)
    steps = [v.reshape(len(v), -1).astype(float) for v in values]
    for j in range(steps[0].shape[1]):
        made[f"mean of channel {j + 1}"] = [float(np.nanmean(v[:, j])) if np.isfinite(v[:, j]).any() else np.nan for v in steps]
        made[f"spread of channel {j + 1}"] = [
            float(np.nanstd(v[:, j])) if np.isfinite(v[:, j]).any() else np.nan for v in steps
        ]
    return pd.DataFrame(made)


def preview(rows: pd.DataFrame, caption: str, scores: Sequence[str] = ()) -> Table:
    """The first rows of a table; with `scores`, as many rows as those, headed by them."""
    part = rows.head(len(scores) or ROWS)
    heads = scores or [str(i + 1) for i in range(len(part))]
    cells = [[head, *map(cell, row)] for head, row in zip(heads, part.itertuples(index=False), strict=True)]
    return Table(("score" if scores else "row", *map(str, rows.columns)), cells, caption)


def cell(value: Any) -> str:
    if pd.isna(value):
        return "missing"
    if isinstance(value, (float, np.floating)):
        return number(float(value))
    text = str(value.date()) if isinstance(value, pd.Timestamp) and value == value.normalize() else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def restored(s: Subject) -> Table:
    """What comes back of each column of the shown rows."""
    real, back = frame(s, s.shown.X), frame(s, s.model.reconstruct(s.shown.X))
    rows = [(str(c), *_fidelity(real[c], back[c])) for c in real.columns]
    return Table(("column", "comes back", "measured as"), rows, f"On {len(real):,} held-out rows", numeric=True)


def _fidelity(real: pd.Series, back: pd.Series) -> tuple[str, str]:
    there = (real.notna() & back.notna()).to_numpy()
    if is_continuous(real):
        a, b = (np.asarray(x[there].astype("int64") if x.dtype.kind == "M" else x[there], dtype=float) for x in (real, back))
        spread = float(((a - a.mean()) ** 2).sum()) if len(a) else 0.0
        return ("–", "R² (constant)") if spread == 0 else (percent(1 - float(((a - b) ** 2).sum()) / spread), "R²")
    a, b = real[there].astype(str).to_numpy(), back[there].astype(str).to_numpy()
    if not len(a):
        return "–", "nothing to compare"
    commonest = np.unique(a, return_counts=True)[1].max() / len(a)
    return percent(float((a == b).mean())), f"right category; the commonest: {percent(float(commonest))}"
