"""Which cells of X are known, and filling the others without touching those: tables with NaN, images with a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from venero.core.errors import DataError
from venero.data.arrays import as_array, is_frame
from venero.data.spec import Spec

Mask = NDArray[np.bool_]


def known_cells(X: Any, known: Any = None) -> Mask:
    """Where X has a value that counts: not missing, and True in `known`, of X's shape or one that broadcasts to it.

    >>> known_cells(np.array([[1.0, 2.0], [np.nan, 3.0]]), [True, False]).tolist()
    [[True, False], [False, False]]
    """
    there = _there(X)
    if known is None:
        return there
    mask = np.asarray(known)
    if mask.dtype != bool:
        raise DataError(f"known has dtype {mask.dtype}: must be booleans, True where X is to be kept")
    if there.ndim == 4 and mask.shape in (there.shape[:3], there.shape[1:3]):
        mask = mask[..., None]  # one for all channels: ([n,] H, W) -> ([n,] H, W, 1)
    try:
        both: Mask = there & np.broadcast_to(mask, there.shape)
    except ValueError as e:
        raise DataError(f"known has shape {mask.shape}, X {there.shape}: give one for each value of X or of an example") from e
    return both


def _there(X: Any) -> Mask:
    if is_frame(X):
        frame_mask: Mask = X.notna().to_numpy()
        return frame_mask
    X = as_array(X)
    if X.dtype.kind in "fc":
        return ~np.isnan(X)
    if X.dtype == object:
        import pandas as pd

        return np.asarray(pd.notna(X))
    return np.ones(X.shape, dtype=bool)


def filled(X: Any, known: Mask, values: Any) -> Any:
    """X with the unknown cells from `values`, which has its shape; known cells are X's, bit for bit."""
    if not is_frame(X):
        return np.where(known, X, np.asarray(values)).astype(np.result_type(as_array(X), np.asarray(values)), copy=False)
    out = {label: _column(X[label], known[:, j], values[label]) for j, label in enumerate(X.columns)}
    import pandas as pd

    return pd.DataFrame(out, index=X.index).set_axis(X.columns, axis=1)


def _column(x: Any, known: Mask, values: Any) -> Any:
    """One column, in the type of the values: theirs has every category, and whole numbers where fit saw such."""
    if known.all():
        return x
    values = values.set_axis(x.index)
    return values if not known.any() else values.mask(known, x)


def to_network(known: Mask, spec: Spec) -> Tensor:
    """A mask of the user's cells as one of the network's numbers: (n, H, W[, C]) -> (n, C, H, W), (n, D) -> (n, width)."""
    mask = torch.from_numpy(np.ascontiguousarray(known))
    if spec.kind == "image":
        return mask[:, None] if mask.ndim == 3 else mask.movedim(-1, 1)
    if spec.columns:
        return mask.repeat_interleave(torch.tensor([c.width for c in spec.columns]), dim=1)
    return mask
