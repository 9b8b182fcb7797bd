"""Products of every pair of a row's numbers, compiled: as single operations on tensors they cost more to start than to do."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _products(t: Any, out: Any) -> None:
    d, b = t.shape
    place = 0
    for i in range(d):
        for j in range(i, d):
            for n in range(b):
                out[place, n] = t[i, n] * t[j, n]
            place += 1
    for i in range(d):
        for n in range(b):
            out[place + i, n] = t[i, n]


def products(t: Floats, out: Floats) -> None:
    """Into `out` (D (D + 1) / 2 + D, b): t_i t_j for i <= j, then t, of t (D, b)."""
    _compiled()(t, out)


@cache
def _compiled() -> Any:
    from numba import njit  # takes half a second to import

    return njit(cache=True, nogil=True)(_products)
