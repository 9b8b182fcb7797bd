"""How every figure looks: one quiet style, one palette, one canvas.

The colours of ink and paper are named, so that a page can swap them for its own (a dark one, say).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#1d2733"  # text that matters
MUTED = "#5d6b7b"  # axes, captions
GRID = "#dfe5ec"
PAPER = "#fdfdfe"  # behind everything; halos of labels
BLUE = "#2f7fc1"
ORANGE = "#d9600a"  # tells itself from BLUE in every kind of colour blindness

# M. A. Petroff, "Accessible color sequences for data visualization" (2021): ten colours, tested against colour blindness.
PALETTE = ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")

STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,  # a column called "price ($)" is not a formula
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.5,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "svg.fonttype": "none",  # words stay words: the page's typeface, searchable
    "svg.hashsalt": "venero",  # the same figure gives the same bytes
    "svg.image_inline": True,
}

P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run `draw` in venero's style and leave matplotlib's settings as they were."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with rc_context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def canvas(width: float, height: float) -> Figure:
    """An empty figure of so many CSS pixels, which makes room for its labels by itself."""
    return Figure(figsize=(width / 96, height / 96), dpi=96, layout="constrained")


def panel(width: float, height: float, *, grid: str = "y") -> tuple[Figure, Axes]:
    """A figure with one pair of axes and faint lines across (`grid`: "x", "y", "both" or "")."""
    figure = canvas(width, height)
    axes = figure.subplots()
    if grid:
        axes.grid(True, axis=grid)  # type: ignore[arg-type]
    return figure, axes


def halo() -> list[Any]:
    """An outline in the colour of the paper, so that words stay legible over points."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=3, foreground=PAPER)]
