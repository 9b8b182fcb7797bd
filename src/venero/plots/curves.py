"""Lines, bars and intervals: how learning went, what each latent dimension carries, how scores spread, how two runs differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from venero.plots.style import BLUE, INK, MUTED, ORANGE, PAPER, panel, styled

Row = Mapping[str, Any]
TITLES = {"kl": "KL"}
Line = tuple[list[float], list[float]]  # epochs, values


def quantities(history: Sequence[Row]) -> list[tuple[str, str]]:
    """(stage, quantity) of every curve: the parts of a loss where it has parts, else the loss itself.

    >>> quantities([{"stage": "fit", "train": {"loss": 3.0, "reconstruction": 2.0, "kl": 1.0}}])
    [('fit', 'reconstruction'), ('fit', 'kl')]
    """
    found = dict.fromkeys((row["stage"], name) for row in history for name in row["train"])
    parted = {stage for stage, name in found if name == "reconstruction"}
    return [(stage, name) for stage, name in found if name != "loss" or stage not in parted]


def learning_curves(history: Sequence[Row], *, width: float = 400, height: float = 270) -> dict[tuple[str, str], Figure]:
    """One figure per (stage, quantity), so that a page can let them flow: train and validation, by epoch.

    history: rows {"stage", "epoch" (from 1), "train": {name: value}, "validation": the same or None}.
    """
    return {(stage, name): _learning(history, stage, name, width, height) for stage, name in quantities(history)}


@styled
def _learning(history: Sequence[Row], stage: str, name: str, width: float, height: float) -> Figure:
    figure, axes = panel(width, height)
    for part, colour, dashes in (("train", BLUE, "-"), ("validation", ORANGE, (0, (4, 1.5)))):
        epochs, values = _line(history, stage, part, name)
        if values:
            marker = "o" if len(values) == 1 else ""
            axes.plot(epochs, values, color=colour, linestyle=dashes, label=part, marker=marker)
    axes.set_xlabel("epoch")
    title = TITLES.get(name, name.replace("_", " ").capitalize())
    axes.set_title(title if len({row["stage"] for row in history}) == 1 else f"{title} ({stage})")
    axes.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True))
    axes.legend(loc="best", handlelength=2.6)
    return figure


def _line(history: Sequence[Row], stage: str, part: str, name: str) -> Line:
    rows = [row for row in history if row["stage"] == stage and (row.get(part) or {}).get(name) is not None]
    return [row["epoch"] for row in rows], [row[part][name] for row in rows]


@styled
def kl_bars(kl: NDArray[Any], active: NDArray[np.bool_], *, height: float = 280) -> Figure:
    """What each latent dimension carries, in nats, the most first; dimensions that carry nothing are hatched."""
    order = np.argsort(-kl, kind="stable")
    figure, axes = panel(min(max(360, 24 * len(kl) + 80), 640), height)
    for chosen, colour, hatch, label in ((active, BLUE, "", "in use"), (~active, PAPER, "////", "not in use")):
        places = np.flatnonzero(chosen[order])
        if len(places):
            edge = MUTED if hatch else colour
            axes.bar(
                places, kl[order][places], 0.75, color=colour, edgecolor=edge, hatch=hatch, label=f"{label} ({len(places)})"
            )
    if len(kl) <= 32:
        axes.set_xticks(range(len(kl)), [str(i + 1) for i in order])
    axes.set_xlim(-0.7, max(len(kl), 4) - 0.3)
    axes.set_xlabel(
        "latent dimension, the busiest first" if len(kl) > 32 else "latent dimension (its number), the busiest first"
    )
    axes.set_ylabel("KL, nats")
    axes.legend(loc="upper right")
    return figure


@styled
def score_histogram(
    scores: NDArray[Any], *, marked: int = 0, label: str = "anomaly score", width: float = 560, height: float = 220
) -> Figure:
    """How scores spread; the `marked` highest are ticked below the bars."""
    figure, axes = panel(width, height)
    axes.hist(scores, bins="auto", color=BLUE, alpha=0.55)
    if marked:
        highest = np.sort(scores)[-marked:]
        base = np.full(marked, -0.035)
        axes.plot(highest, base, "^", color=ORANGE, markersize=5, clip_on=False, transform=axes.get_xaxis_transform())
        axes.annotate(
            f"the {marked} shown",
            (float(highest.mean()), 0.02),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 14),
            textcoords="offset points",
            ha="center",
            color=ORANGE,
        )
        axes.tick_params(axis="x", pad=8)
    axes.set_xlabel(label)
    axes.set_ylabel("examples")
    return figure


class Dot(NamedTuple):
    """A value with its interval."""

    value: float
    low: float
    high: float


class Measure(NamedTuple):
    """One row of `intervals`: a dot per run, and grey marks for what the figure is to be read against."""

    name: str
    dots: Sequence[Dot | None]
    marks: Mapping[str, float]


@styled
def intervals(measures: Sequence[Measure], runs: Sequence[str], *, width: float = 640) -> Figure:
    """Shares with their intervals, one row per measure and one dot per run."""
    figure, axes = panel(width, 62 * len(measures) + 74, grid="x")
    for row, measure in enumerate(measures):
        for i, dot in enumerate(measure.dots):
            if dot is not None:
                _dot(axes, dot, row + 0.28 * (i - (len(runs) - 1) / 2), i, runs[i] if row == 0 else "")
        for name, value in measure.marks.items():
            axes.plot([value] * 2, [row - 0.36, row + 0.36], color=MUTED, linewidth=1.4, linestyle=(0, (1, 1)))
            axes.text(value, row + 0.4, name, ha="center", va="top", fontsize=7.5, color=MUTED)
    axes.set_yticks(range(len(measures)), [m.name for m in measures], color=INK)
    axes.set_ylim(len(measures) - 0.4, -0.6)
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(lambda x, _: f"{100 * x:.0f} %")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper left", ncols=len(runs), handlelength=1.2)
    return figure


def _dot(axes: Axes, dot: Dot, y: float, run: int, label: str) -> None:
    colour, marker = ((BLUE, "o"), (ORANGE, "s"))[run % 2]
    axes.plot([dot.low, dot.high], [y, y], color=colour, linewidth=2.4, solid_capstyle="butt")
    axes.plot(dot.value, y, marker, color=colour, markersize=7, markeredgecolor=PAPER, label=label or "_", linestyle="none")
