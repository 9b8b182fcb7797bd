"""Models on one line each, with their intervals: who is ahead, and whose intervals meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from matplotlib.figure import Figure

from venero.plots.style import BLUE, INK, MUTED, PAPER, panel, styled

ROW = 30  # pixels


class Standing(NamedTuple):
    """A model's value with its interval, which may be unknown (not finite)."""

    name: str
    value: float
    low: float
    high: float


@styled
def ranking(
    standings: Sequence[Standing], label: str, marks: Mapping[str, float] | None = None, *, width: float = 480
) -> Figure:
    """Each model's value as a point on its interval, in the order given; marks are known values, as lines across."""
    figure, axes = panel(width, ROW * len(standings) + (70 if marks else 50), grid="x")
    for row, one in enumerate(standings):
        if isfinite(one.low) and isfinite(one.high):
            axes.plot([one.low, one.high], [row, row], color=BLUE, linewidth=2.4, solid_capstyle="butt")
        axes.plot(one.value, row, "o", color=BLUE, markersize=7, markeredgecolor=PAPER)
    for name, value in (marks or {}).items():
        axes.axvline(value, color=MUTED, linewidth=1, linestyle=(0, (3, 2)), zorder=0)
        axes.annotate(
            name, (value, 1), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points", ha="center", fontsize=8
        )
    axes.set_yticks(range(len(standings)), [one.name for one in standings], color=INK)
    axes.set_ylim(len(standings) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(label)
    return figure
