"""A scorecard in one picture: where a model stands between independent columns and real data, figure by figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from venero.plots.style import BLUE, INK, MUTED, PAPER, panel, styled

ROW = 34  # pixels
BEYOND = 0.15  # how far outside floor and ceiling is still drawn
CLOSE = 1e-12


class Line(NamedTuple):
    """One figure: its name in words, its value and interval, and what floor, ceiling and other references reach."""

    group: str
    name: str
    value: float
    low: float
    high: float
    floor: float
    ceiling: float
    marks: Mapping[str, float]


@styled
def scorecard(lines: Sequence[Line], title: str, *, width: float = 760) -> Figure:
    """Each line's value with its interval, on a scale of its own that has the floor at 0 % and the ceiling at 100 %."""
    placed = [line for line in lines if abs(line.ceiling - line.floor) > CLOSE]
    figure, axes = panel(width, ROW * max(len(placed), 2) + 110, grid="")
    for row, line in enumerate(placed):
        _draw(axes, row, line)
    if not placed:
        axes.text(0.5, 0.5, "no figure has both a floor and a ceiling", ha="center", color=MUTED)
    axes.set_title(title)
    axes.set_yticks(range(len(placed)), [line.name for line in placed], color=INK)
    axes.set_ylim(max(len(placed), 1) - 0.4, -0.6)
    axes.set_xlim(-BEYOND - 0.02, 1 + BEYOND + 0.02)
    axes.set_xticks([0, 1], ["floor:\nindependent values", "ceiling:\nreal data"])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    for x in (0, 1):
        axes.axvline(x, color=MUTED, linewidth=1, linestyle=(0, (1, 1)), zorder=0)
    return figure


def _draw(axes: Axes, row: int, line: Line) -> None:
    place = lambda v: _clipped((v - line.floor) / (line.ceiling - line.floor))  # noqa: E731
    for name, value in line.marks.items():
        axes.plot(place(value), row, "|", color=MUTED, markersize=11, markeredgewidth=1.6)
        axes.annotate(name, (place(value), row), (0, 7), textcoords="offset points", ha="center", fontsize=7, color=MUTED)
    axes.plot([place(line.low), place(line.high)], [row, row], color=BLUE, linewidth=2.4, solid_capstyle="butt")
    x = place(line.value)
    inside = -BEYOND < x < 1 + BEYOND
    marker = "o" if inside else ("<" if x < 0 else ">")  # an arrow: further out than is drawn
    axes.plot(x, row, marker, color=BLUE, markersize=7, markeredgecolor=PAPER)


def _clipped(x: float) -> float:
    return min(max(x, -BEYOND), 1 + BEYOND)
