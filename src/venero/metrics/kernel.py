"""Means of a kernel over all pairs, in tiles, and the variance of what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from venero.metrics.neighbours import Floats

TILE = 1024  # examples to a side of a piece of the kernel matrix: 4 MB
LARGE = 1e4  # mean square of a feature beyond which cubes need float64

Kernel = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # (n, d), (m, d) -> (n, m)


def cubic(real: torch.Tensor) -> Kernel:
    """(x.y / d + 1)^3, as in KID."""
    return lambda x, y: torch.addmm(x.new_ones(1, 1), x, y.T, alpha=1 / x.shape[1]).pow_(3)


def gaussian(real: torch.Tensor) -> Kernel:
    """exp(-|x - y|^2 / s^2), where s^2 is the mean of |x - y|^2 over pairs of real examples: features may have any scale."""
    centre, width = real.mean(0), 2 * float(real.var(0, correction=0).sum()) or 1.0

    def of(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x, y = x - centre, y - centre  # differences of large squares cancel
        near = torch.addmm((x**2).sum(1)[:, None], x, y.T, alpha=-2).add_((y**2).sum(1))
        return near.clamp_min_(0).div_(-width).exp_()

    return of


KERNELS: dict[str, Callable[[torch.Tensor], Kernel]] = {"cubic": cubic, "gaussian": gaussian}


def tensors(x: Floats, y: Floats) -> tuple[torch.Tensor, torch.Tensor]:
    """Both as float32, or float64 where cubes would be too large for that."""
    largest = max(float(np.square(v, dtype=np.float64).mean(axis=1).max()) for v in (x, y))
    dtype = np.float64 if largest > LARGE else np.float32
    return torch.from_numpy(x.astype(dtype)), torch.from_numpy(y.astype(dtype))


class Sums(NamedTuple):
    """Means of a kernel matrix over its rows and columns and of all of it, and the variance of what these do not explain."""

    rows: Floats
    columns: Floats
    mean: float
    rest: float


def variance(xx: Sums, yy: Sums, xy: Sums) -> float:
    """Of mean k(x, x') + mean k(y, y') - 2 mean k(x, y)."""
    n, m = len(xx.rows), len(yy.rows)
    first = 4 * float((xx.rows - xy.rows).var(ddof=1) / n + (yy.rows - xy.columns).var(ddof=1) / m)
    second = 2 * xx.rest / (n * (n - 1)) + 2 * yy.rest / (m * (m - 1)) + 4 * xy.rest / (n * m)
    return max(first - second, second)  # the rows' spread has twice the second part in it, once too often


def within(x: torch.Tensor, kernel: Kernel) -> Sums:
    """Of all pairs of different rows; the matrix is symmetric, and half of it is made."""
    n = len(x)
    rows, squares = np.zeros(n), 0.0
    for i in range(0, n, TILE):
        for j in range(i, n, TILE):
            k = kernel(x[i : i + TILE], x[j : j + TILE])
            if i == j:
                k.fill_diagonal_(0)
            squares += (1 + (i < j)) * _squares(k)
            rows[i : i + TILE] += k.sum(1).numpy()
            if i < j:
                rows[j : j + TILE] += k.sum(0).numpy()
    mean, rows = rows.sum() / (n * (n - 1)), rows / (n - 1)
    return Sums(rows, rows, float(mean), _rest(squares / (n * (n - 1)), rows, rows, mean))


def across(x: torch.Tensor, y: torch.Tensor, kernel: Kernel) -> Sums:
    rows, columns, squares = np.zeros(len(x)), np.zeros(len(y)), 0.0
    for i in range(0, len(x), TILE):
        for j in range(0, len(y), TILE):
            k = kernel(x[i : i + TILE], y[j : j + TILE])
            squares += _squares(k)
            rows[i : i + TILE] += k.sum(1).numpy()
            columns[j : j + TILE] += k.sum(0).numpy()
    rows, columns = rows / len(y), columns / len(x)
    mean = float(rows.mean())
    return Sums(rows, columns, mean, _rest(squares / (len(x) * len(y)), rows, columns, mean))


def _rest(square: float, rows: Floats, columns: Floats, mean: float) -> float:
    """The mean square of k(x, y) less its means over x and over y."""
    explained = np.square(rows - mean).mean() + np.square(columns - mean).mean()
    return max(0.0, float(square - mean**2 - explained))


def _squares(k: torch.Tensor) -> float:
    return float(torch.dot(k.flatten(), k.flatten()))
