"""Sheets of pictures: grids, originals over reconstructions, strips, the decoded manifold, anomalies.

Images are (n, H, W) or (n, H, W, C); uint8 0..255, bool, or floats 0..1. A sheet is one image of whole pixels, never
blurred: it stays crisp at any size of screen and print.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import norm

from venero.plots.style import INK, MUTED, canvas, styled

Pixels = NDArray[np.uint8]
LARGEST = 128  # pixels of an image's longer side that a sheet shows; larger images are shrunk
GAP = 0.07  # of an image's longer side


def pixels(images: Any) -> Pixels:
    """Any images as RGBA bytes, (n, H, W, 4).

    >>> pixels(np.array([[[0.0, 1.0]]]))[0, 0].tolist()
    [[0, 0, 0, 255], [255, 255, 255, 255]]
    """
    x = np.asarray(images)
    x = x if x.dtype == np.uint8 else np.rint(np.clip(x.astype(np.float32), 0, 1) * 255).astype(np.uint8)
    x = x[..., None] if x.ndim == 3 else x  # (n, H, W, C)
    if x.shape[-1] not in (1, 3):
        x = x.mean(axis=-1, keepdims=True).astype(np.uint8)  # channels that are no colours: their mean
    rgb = np.broadcast_to(x, (*x.shape[:3], 3))
    return _shrunk(np.concatenate([rgb, np.full((*rgb.shape[:3], 1), 255, np.uint8)], axis=-1))


def heat(values: Any) -> Pixels:
    """Values of pixels (n, H, W) or (n, H, W, C), channels summed, as RGBA bytes (n, H, W, 4): dark is low, bright is high.

    One scale for all of them, from the lowest to the 99.9 % quantile, so that a single pixel does not leave the rest dark.
    """
    x = np.asarray(values, np.float64)
    x = x.sum(-1) if x.ndim == 4 else x
    low, high = x.min(), np.quantile(x, 0.999)
    colours = colormaps["inferno"](np.clip((x - low) / max(high - low, 1e-12), 0, 1), bytes=True)
    return _shrunk(np.asarray(colours, np.uint8))


def _shrunk(x: Pixels) -> Pixels:
    step = ceil(max(x.shape[1:3]) / LARGEST)
    if step == 1:
        return x
    height, width = (side // step * step for side in x.shape[1:3])
    blocks = x[:, :height, :width].reshape(len(x), height // step, step, width // step, step, 4)  # (n, h, step, w, step, 4)
    means: Pixels = np.rint(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
    return means


def tile(images: Pixels, columns: int, gap: int = 0, below: int = 0) -> Pixels:
    """(n, H, W, 4) images on one transparent sheet; `gap` pixels between them, `below` more under each row."""
    n, height, width = images.shape[:3]
    rows = ceil(n / columns)
    sheet = np.zeros((rows * (height + gap + below), columns * (width + gap), 4), np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap + below), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet[: -gap or None, : -gap or None]


def _enlarged(images: Pixels) -> Pixels:
    """Tiny images by a whole factor, so that a gap of one pixel is a thin one."""
    factor = ceil(24 / max(images.shape[1:3]))
    return images.repeat(factor, axis=1).repeat(factor, axis=2)


def _gap(images: Pixels) -> int:
    return max(1, round(GAP * max(images.shape[1:3])))


def _laid(sheet: Pixels, width: float, left: float = 0, top: float = 0, bottom: float = 0) -> tuple[Figure, Axes]:
    """A figure that is `width` wide and holds the sheet, with margins for words; axes count the sheet's pixels."""
    height = sheet.shape[0] * (width - left) / sheet.shape[1] + top + bottom
    figure = canvas(width, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((left / width, bottom / height, 1 - left / width, 1 - (top + bottom) / height))
    axes.imshow(sheet, interpolation="none", aspect="auto")
    axes.set_axis_off()
    return figure, axes


@styled
def image_grid(images: Any, columns: int = 10, captions: Sequence[str] = (), *, width: float = 720) -> Figure:
    """Images row by row, each with its caption below where there are captions."""
    tiles = _enlarged(pixels(images))
    gap, (high, wide) = _gap(tiles), tiles.shape[1:3]
    scale = width / (columns * (wide + gap))
    below = ceil(16 / scale) if captions else 0
    sheet = tile(tiles, columns, gap, below)
    figure, axes = _laid(sheet, width)
    for i, caption in enumerate(captions):
        row, column = divmod(i, columns)
        place = (column * (wide + gap) + wide / 2, row * (high + gap + below) + high + below / 2)
        axes.text(*place, caption, ha="center", va="center", fontsize=9, color=MUTED)
    return figure


def anomalies(images: Any, scores: NDArray[np.floating[Any]], n: int = 10, *, columns: int = 5, width: float = 520) -> Figure:
    """The n images of highest score, the highest first, each with its score."""
    worst = np.argsort(-np.asarray(scores), kind="stable")[:n]
    return image_grid(np.asarray(images)[worst], min(columns, len(worst)), [f"{scores[i]:.4g}" for i in worst], width=width)


@styled
def pairs(above: Any, below: Any, columns: int = 10, names: tuple[str, str] = ("original", "reconstruction")) -> Figure:
    """Rows of images, each over the row of its counterparts."""
    tops, bottoms = _enlarged(pixels(above)), _enlarged(pixels(below))
    columns = min(columns, len(tops))
    gap, high = _gap(tops), tops.shape[1]
    seam = np.zeros((len(tops), gap, *tops.shape[2:]), np.uint8)
    coupled = np.concatenate([tops, seam, bottoms], axis=1)  # (n, 2H + gap, W, 4)
    sheet = tile(coupled, columns, gap, 2 * gap)[: -2 * gap]
    figure, axes = _laid(sheet, 720, left=112)
    for row in range(ceil(len(tops) / columns)):
        for half, name in enumerate(names):
            middle = row * (2 * high + 4 * gap) + half * (high + gap) + high / 2
            axes.text(-2 * gap, middle, name, ha="right", va="center", fontsize=10.5, color=MUTED if half else INK)
    return figure


@styled
def strips(steps: Any, ends: tuple[Any, Any], *, width: float = 720) -> Figure:
    """One row per path: the true image, the decoded steps from it to another one, that other one.

    steps: (n, steps, *image); ends: two arrays (n, *image).
    """
    steps = np.asarray(steps)
    n, length = steps.shape[:2]
    path = _enlarged(pixels(steps.reshape(n * length, *steps.shape[2:])))  # (n * steps, H, W, 4)
    first, last = (_enlarged(pixels(end)) for end in ends)
    gap = _gap(path)
    parts = [tile(first, 1, gap), tile(path, length, gap), tile(last, 1, gap)]
    space = np.zeros((parts[0].shape[0], 4 * gap, 4), np.uint8)
    sheet = np.concatenate([parts[0], space, parts[1], space, parts[2]], axis=1)
    figure, axes = _laid(sheet, width, top=24)
    centres = np.cumsum([0, parts[0].shape[1] + 4 * gap, parts[1].shape[1] + 4 * gap]) + [p.shape[1] / 2 for p in parts]
    for x, name in zip(centres, ("real", "decoded on the way", "real"), strict=True):
        axes.text(x, -3 * gap, name, ha="center", va="bottom", fontsize=10.5, color=MUTED)
    return figure


def gaussian_grid(n: int, mean: Sequence[float] = (0.0, 0.0), std: Sequence[float] = (1.0, 1.0)) -> NDArray[np.float32]:
    """n x n points at equal steps of a Gaussian's probability, (n * n, 2): the top row has the largest second coordinate.

    >>> np.sign(gaussian_grid(2)).tolist()
    [[-1.0, 1.0], [1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]
    """
    quantiles = norm.ppf((np.arange(n) + 0.5) / n)
    x, y = np.meshgrid(mean[0] + std[0] * quantiles, mean[1] + std[1] * quantiles[::-1])
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


@styled
def manifold(images: Any, codes: NDArray[np.float32], *, width: float = 560) -> Figure:
    """The images that the codes of `gaussian_grid` decode to, each in its place, with the codes along the axes."""
    n = round(len(codes) ** 0.5)
    sheet = tile(_enlarged(pixels(images)), n, 1)
    figure, axes = _laid(sheet, width, left=46, bottom=42)
    axes.set_axis_on()
    axes.spines[:].set_visible(False)
    places = np.unique(np.linspace(0, n - 1, 5).round().astype(int))
    side_x, side_y = (side / n for side in (sheet.shape[1], sheet.shape[0]))
    axes.set_xticks((places + 0.5) * side_x - 0.5, [_tick(v) for v in codes[places, 0]])
    axes.set_yticks((places + 0.5) * side_y - 0.5, [_tick(v) for v in codes[places * n, 1]])
    axes.set_xlabel("z₁")
    axes.set_ylabel("z₂", rotation=0)
    return figure


def _tick(value: float) -> str:
    return f"{round(value, 1) + 0.0:.1f}".replace("-", "−")
