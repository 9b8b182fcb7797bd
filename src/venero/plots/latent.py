"""The latent map: every example as a point, where its code lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from venero.plots.style import INK, MARKERS, MUTED, PALETTE, PAPER, halo, panel, styled

Floats = NDArray[np.floating[Any]]
MOST_CLASSES = 20  # more than these can't be told apart by colour and marker
MASS = 0.95  # of a unit Gaussian, inside the circle that a map shows
NEIGHBOURS = 200  # members of a class that are compared to find its middle


class View(NamedTuple):
    """Codes in the plane: the points (n, 2), the names of the axes, and whether the plane is the whole space."""

    points: Floats
    axes: tuple[str, str]
    whole: bool


def view(codes: Floats) -> View:
    """Two dimensions as they are; more by their principal components; one against a spread that means nothing."""
    if codes.shape[1] == 2:
        return View(codes, ("z₁", "z₂"), True)
    if codes.shape[1] == 1:
        spread = np.random.default_rng(0).uniform(-1, 1, len(codes))
        return View(np.column_stack([codes[:, 0], spread * max(codes.std(), 1e-9)]), ("z₁", "(spread out at random)"), False)
    centred = codes - codes.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    share = singular**2 / max((singular**2).sum(), 1e-12)
    names = [f"principal component {i + 1} ({100 * share[i]:.0f} % of the variance)" for i in range(2)]
    return View(centred @ axes[:2].T, (names[0], names[1]), False)


@styled
def latent_map(
    codes: Floats, labels: NDArray[Any] | None = None, names: Mapping[Any, str] | None = None, *, width: float = 560
) -> Figure:
    """Codes (n, d) as points, coloured and named by class (n,), or shaded by a continuous label.

    names: label -> how to call the class (default: the label). Two-dimensional maps also show where 95 % of a unit
    Gaussian lie.
    """
    seen = view(codes)
    figure, axes = panel(width, width * 0.92, grid="both")
    if labels is None:
        axes.scatter(seen.points[:, 0], seen.points[:, 1], s=11, color=PALETTE[0], alpha=0.6, linewidths=0)
    elif is_classes(labels):
        _classes(axes, seen.points, labels, names or {})
    else:
        shades = axes.scatter(
            seen.points[:, 0], seen.points[:, 1], s=12, c=labels.astype(float), cmap="viridis", alpha=0.8, linewidths=0
        )
        figure.colorbar(shades, ax=axes, shrink=0.7, label="label")
    if seen.whole:
        _circle(axes)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel(seen.axes[0])
    axes.set_ylabel(seen.axes[1])
    return figure


def is_classes(labels: NDArray[Any]) -> bool:
    """Whether labels are few enough and of a kind to be shown as classes.

    >>> is_classes(np.array([0, 1, 1])), is_classes(np.array([0.5, 0.7])), is_classes(np.arange(30))
    (True, False, False)
    """
    found = np.unique(labels)
    whole = labels.dtype.kind not in "fc" or bool((found == np.round(found)).all())
    return (whole and len(found) <= MOST_CLASSES) or labels.dtype.kind in "OUS"


def _classes(axes: Axes, points: Floats, labels: NDArray[Any], names: Mapping[Any, str]) -> None:
    found = np.unique(labels)
    for i, label in enumerate(found):
        chosen = points[labels == label]
        colour, marker = PALETTE[i % len(PALETTE)], MARKERS[(i + i // len(PALETTE)) % len(MARKERS)]
        axes.scatter(
            chosen[:, 0], chosen[:, 1], s=18, color=colour, marker=marker, alpha=0.85, linewidths=0.4, edgecolors=PAPER
        )
    middles = np.array([_middle(points[labels == label]) for label in found])
    words = [str(names.get(label, label)) for label in found.tolist()]
    for (x, y), word in zip(_apart(middles, np.ptp(points, axis=0)), words, strict=True):
        axes.text(x, y, word, ha="center", va="center", fontsize=12, fontweight="bold", color=INK, path_effects=halo())


def _middle(points: Floats) -> Floats:
    """The member with the smallest median distance to the others: it lies among them even where a class is bent."""
    points = points[:: max(1, len(points) // NEIGHBOURS)]
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)  # (m, m)
    return np.asarray(points[np.median(distances, axis=1).argmin()])


def _apart(places: Floats, extent: Floats, least: float = 0.055) -> Floats:
    """Places of words, pushed from each other until none is nearer than a share of the map's extent."""
    scale = np.maximum(extent, 1e-12)
    at = places / scale
    for _ in range(50):
        gap = at[:, None] - at[None]  # (k, k, 2)
        far = np.linalg.norm(gap, axis=-1) + np.eye(len(at))
        push = np.clip(least - far, 0, None)[..., None] * gap / np.maximum(far, 1e-9)[..., None]
        at = at + 0.5 * push.sum(axis=1)
    return np.asarray(at * scale)


def _circle(axes: Axes) -> None:
    from matplotlib.patches import Circle

    radius = (-2 * np.log(1 - MASS)) ** 0.5  # of a unit Gaussian in the plane
    axes.add_patch(Circle((0, 0), radius, fill=False, edgecolor=INK, linewidth=1.2, linestyle=(0, (5, 3))))
    note = f"{100 * MASS:.0f} % of a unit Gaussian"
    axes.text(0, -radius, note, ha="center", va="top", fontsize=8, color=MUTED, path_effects=halo())
