"""Tables: each column's distribution, real against generated."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from venero.plots.style import MUTED, ORANGE, panel, styled

REAL, DRAWN = MUTED, ORANGE  # colours of real and of generated rows
MOST_LEVELS = 7  # of a categorical column, the commonest; the others are summed
BINS = 24


def is_continuous(column: pd.Series) -> bool:
    """Whether a histogram is due (numbers, dates) rather than bars (categories, text, yes/no)."""
    return bool((is_numeric_dtype(column) and not is_bool_dtype(column)) or is_datetime64_any_dtype(column))


@styled
def marginal(real: pd.Series, drawn: pd.Series | None = None, *, width: float = 300, height: float = 210) -> Figure:
    """One column: the share of real rows per bin or level, and of generated rows where there are such."""
    figure, axes = panel(width, height)
    parts = [real] if drawn is None else [real, drawn]
    (_histogram if is_continuous(real) else _bars)(axes, parts)
    title = str(real.name)
    axes.set_title(title if len(title) <= 34 else title[:33] + "…")
    return figure


def _shares(axis: Axis) -> None:
    axis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    axis.set_major_locator(MaxNLocator(nbins=4))


def _histogram(axes: Axes, parts: list[pd.Series]) -> None:
    dates = is_datetime64_any_dtype(parts[0])
    values = [_numbers(part) for part in parts]
    edges = _edges(values[0])
    for i, x in enumerate(values):
        share = np.histogram(np.clip(x, edges[0], edges[-1]), edges)[0] / max(len(x), 1)
        if i == 0:
            axes.stairs(share, edges, fill=True, color=REAL, alpha=0.35)
        else:
            axes.stairs(share, edges, color=DRAWN, linewidth=1.8)
    _shares(axes.yaxis)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.xaxis.set_major_formatter(lambda x, _: _day(x) if dates else _number(x))


def _day(nanoseconds: float) -> str:
    return str(pd.Timestamp(int(nanoseconds)).date())


def _number(x: float) -> str:
    return (f"{x:,.0f}" if abs(x) >= 1000 else f"{x:g}").replace("-", "−")


def _numbers(column: pd.Series) -> np.ndarray:
    present = column.dropna()
    if is_datetime64_any_dtype(present):
        return present.astype("datetime64[ns]").astype(np.int64).to_numpy(dtype=float)
    return present.to_numpy(dtype=float)


def _edges(x: np.ndarray) -> np.ndarray:
    """Bins over the bulk of the values: outliers fall into the outermost ones."""
    low, high = np.quantile(x, [0.005, 0.995]) if len(x) else (0.0, 1.0)
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def _bars(axes: Axes, parts: list[pd.Series]) -> None:
    words = [part.astype(object).where(part.notna(), "missing").astype(str) for part in parts]
    common = list(words[0].value_counts().index[:MOST_LEVELS])
    folded = [w.where(w.isin(common), "all others") for w in words]
    levels = [*common, "all others"] if any((w == "all others").any() for w in folded) else common
    places = np.arange(len(levels))
    for i, (w, colour) in enumerate(zip(folded, (REAL, DRAWN), strict=False)):
        share = w.value_counts(normalize=True).reindex(levels, fill_value=0.0)
        height = 0.8 / len(parts)
        axes.barh(places + (i - (len(parts) - 1) / 2) * height, share, height, color=colour, alpha=1 if i else 0.45)
    axes.set_yticks(places, [w if len(w) <= 16 else w[:15] + "…" for w in levels])
    axes.invert_yaxis()
    axes.grid(False)
    axes.grid(True, axis="x")
    _shares(axes.xaxis)
