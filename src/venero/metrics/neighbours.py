"""Exact nearest neighbours and balls among tens of thousands of points, in bounded memory.

Distances are first found roughly, as |x|^2 + |y|^2 - 2 x.y by matrix products of float32; what rounding could have changed is
then taken again in float64 as |x - y|. 50,000 x 50,000 points of 64 numbers need less than 1 GB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from venero.core.errors import DataError

Floats = NDArray[np.floating[Any]]
Places = NDArray[np.int64]

CHUNK = 1 << 24  # rough distances held at once: 64 MB
ROWS = 512  # of which the best few are compared at once
TILE = 2048  # points to a side of a tile of distances
SPARE = 4  # neighbours looked at beyond the k asked for, so that rounding rarely matters


def as_features(x: Any, name: str = "features", least: int = 1) -> Floats:
    """(n, d) finite numbers with at least `least` rows, as float32 or float64; DataError says what is wrong."""
    x = np.asarray(x)
    if x.ndim != 2 or x.dtype.kind not in "biuf" or not x.shape[1]:
        raise DataError(f"{name} has shape {x.shape} and dtype {x.dtype}: must be numbers (n, d); take features of it first")
    if len(x) < least:
        raise DataError(f"{name} has {len(x)} rows: at least {least} are needed")
    x = x if x.dtype == np.float32 else x.astype(np.float64)
    if not np.isfinite(x).all():
        raise DataError(f"{name} has missing or infinite values: impute or drop them")
    return x


def as_pair(real: Any, generated: Any, least: int = 2) -> tuple[Floats, Floats]:
    """Features (n, d) and (m, d) of the two sides of a comparison."""
    a, b = as_features(real, "real", least), as_features(generated, "generated", least)
    if a.shape[1] != b.shape[1]:
        raise DataError(f"real has {a.shape[1]} columns and generated {b.shape[1]}: take features of both in the same way")
    return a, b


def nearest(x: Any, among: Any, k: int = 1, same: bool = False) -> tuple[Floats, Places]:
    """The k nearest rows of among (m, d) to each row of x (n, d): distances (n, k), ascending, and their places (n, k).

    same: x is among, and no row is its own neighbour; an equal row elsewhere still is. Of rows that are equally far any may be
    named. DataError if there are fewer than k.

    >>> nearest([[0.0], [1.0], [3.0]], [[0.0], [1.0], [3.0]], same=True)[0].tolist()
    [[1.0], [1.0], [2.0]]
    """
    x, among = as_pair(x, among, 1)
    if not 1 <= k <= len(among) - same:
        raise DataError(f"k = {k}: must be from 1 to {len(among) - same}, how many other points there are")
    rough, fine = _Space.of(x, among, torch.float32), None
    distances, places = np.empty((len(x), k)), np.empty((len(x), k), np.int64)
    for rows in _pieces(len(x), max(1, min(ROWS, CHUNK // len(among)))):
        distances[rows], places[rows], sure = _best(x, among, rough, rows, k, same)
        if not sure.all():
            fine = fine or _Space.of(x, among, torch.float64)
            again = rows[~sure]
            distances[again], places[again], _ = _best(x, among, fine, again, k, same)
    return distances, places


def radii(x: Any, k: int) -> Floats:
    """The distance of each row of x (n, d) to its k-th nearest neighbour within x, (n,)."""
    return nearest(x, x, k, same=True)[0][:, -1]


class Held(NamedTuple):
    """Who is in whose ball: by_point (m, blocks) balls around a point, by_centre (n, blocks) points in a ball."""

    by_point: Places
    by_centre: Places


def balls(points: Any, centres: Any, radii: Any, blocks: int = 1) -> Held:
    """Counts over all pairs of |point - centre| < radius, for points (m, d), centres (n, d), radii (n,), in one pass.

    by_point[j, b]: the balls that hold point j, of centres i with i % blocks = b. by_centre[i, b]: the points in ball i, of
    those with j % blocks = b. Blocks are what a jackknife leaves out.

    >>> held = balls([[0.5], [2.0]], centres=[[0.0], [1.0]], radii=[1.0, 2.0])
    >>> held.by_point.ravel().tolist(), held.by_centre.ravel().tolist()
    ([2, 1], [1, 2])
    """
    return balls_of(points, centres, [radii], blocks)[0]


def balls_of(points: Any, centres: Any, several: Sequence[Any], blocks: int = 1, back: Any = None) -> list[Held]:
    """`balls` for several sets of radii (n,) around the same centres, for which distances are found once.

    back: radii (m,) of balls around the points; then the last of the list is `balls(centres, points, back)`.
    """
    centres, points = as_pair(centres, points, 1)
    space = _Space.of(centres, points, torch.float32)
    wanted = [_Balls(np.asarray(radii, np.float64), around=0) for radii in several]
    wanted += [] if back is None else [_Balls(np.asarray(back, np.float64), around=1)]
    counts = [[np.zeros((n, blocks), np.int64) for n in (len(points), len(centres))] for _ in wanted]
    for a, rows in _by_block(len(centres), blocks):
        for b, columns in _by_block(len(points), blocks):
            rough = space.rough(rows, columns)
            for (over_rows, over_columns), these in zip(counts, wanted, strict=True):
                inside = _inside(centres, points, these, space, rough, (rows, columns))
                over_rows[columns, a] += inside.sum(0, dtype=torch.int32).numpy()
                over_columns[rows, b] += inside.sum(1, dtype=torch.int32).numpy()
    return [Held(*(pair[::-1] if these.around else pair)) for pair, these in zip(counts, wanted, strict=True)]


class _Balls(NamedTuple):
    """Radii, and whether the balls are around the rows (0) or the columns (1) of a table of distances."""

    radii: Floats
    around: int


class _Space(NamedTuple):
    """Both sets moved to the origin and scaled to the unit cube, and how far squared distances may be wrong."""

    x: torch.Tensor  # (n, d)
    y: torch.Tensor  # (m, d)
    x_norm: torch.Tensor  # (n,) squared
    y_norm: torch.Tensor  # (m,)
    slack: torch.Tensor  # (n,)
    scale: float

    @classmethod
    def of(cls, x: Floats, y: Floats, dtype: torch.dtype) -> _Space:
        centre = y.mean(axis=0, dtype=np.float64)
        scale = max(float(np.abs(y - centre).max()), float(np.abs(x - centre).max())) or 1.0
        a, b = (torch.from_numpy((v - centre) / scale).to(dtype) for v in (x, y))
        a_norm, b_norm = a.square().sum(1), b.square().sum(1)
        error = torch.finfo(dtype).eps * (4 + x.shape[1] ** 0.5)
        return cls(a, b, a_norm, b_norm, error * (a_norm + b_norm.max()), scale)

    def rough(self, rows: Places, columns: Places | slice) -> torch.Tensor:
        """|x - y|^2 - |x|^2 of every pair, scaled."""
        return torch.addmm(self.y_norm[columns], self.x[rows], self.y[columns].T, alpha=-2)


def _best(x: Floats, among: Floats, space: _Space, rows: Places, k: int, same: bool) -> tuple[Floats, Places, Any]:
    """Distances and places of the k nearest to some rows, and of which of these rows rounding cannot have hidden one."""
    rough = space.rough(rows, slice(None))
    if same:
        rough[torch.arange(len(rows)), torch.from_numpy(rows)] = torch.inf
    value, place = rough.topk(min(k + SPARE, len(among) - same), largest=False)
    places = place.numpy()
    distances = _distance(x[rows][:, None], among[places])
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    distances, places = np.take_along_axis(distances, order, 1), np.take_along_axis(places, order, 1)
    unseen = (value[:, -1] + space.x_norm[rows] - space.slack[rows]).numpy()  # all that were left out are farther than this
    complete = value.shape[1] == len(among) - same
    return distances, places, complete | ((distances[:, -1] / space.scale) ** 2 <= unseen)


def _inside(
    centres: Floats, points: Floats, balls: _Balls, space: _Space, rough: torch.Tensor, tile: tuple[Places, Places]
) -> torch.Tensor:
    """Which of some points and some centres are in the balls around the others, (rows, columns) of a tile."""
    radii = balls.radii[tile[balls.around]]
    reach = torch.from_numpy((radii / space.scale) ** 2).to(space.x.dtype)
    reach[torch.from_numpy(radii <= 0)] = -torch.inf  # nothing is in a ball of radius 0
    rows, columns = tile
    beyond = rough - (reach - space.x_norm[rows])[:, None] if not balls.around else (rough - reach) + space.x_norm[rows, None]
    slack = space.slack[rows, None]
    inside = beyond < -slack
    unsure = beyond.abs_() <= slack
    if unsure.any():
        i, j = unsure.numpy().nonzero()
        for some in _pieces(len(i), TILE * 16):
            near = _distance(centres[rows[i[some]]], points[columns[j[some]]]) < radii[(j if balls.around else i)[some]]
            inside[i[some], j[some]] = torch.from_numpy(near)
    return inside


def _distance(a: Floats, b: Floats) -> Floats:
    """|a - b| over the last axis, in float64."""
    return np.sqrt(np.square(np.subtract(a, b, dtype=np.float64)).sum(axis=-1))


def _pieces(n: int, size: int) -> Iterator[Places]:
    for start in range(0, n, size):
        yield np.arange(start, min(start + size, n))


def _by_block(n: int, blocks: int) -> Iterator[tuple[int, Places]]:
    """Places 0..n-1 in pieces, each of one block."""
    for block in range(blocks):
        places = np.arange(block, n, blocks)
        for piece in _pieces(len(places), TILE):
            yield block, places[piece]
