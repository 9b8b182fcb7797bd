"""Which columns or pixels make an example unusual: the terms of an anomaly score, each in its own place."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from venero.core.abilities import BATCH
from venero.core.errors import VeneroError, shown
from venero.core.inputs import array_or_frame
from venero.data.arrays import is_frame
from venero.data.data import Data
from venero.data.spec import Spec

Floats = NDArray[np.floating[Any]]

# kind -> the network's method that gives its terms (B, *shape), and their sign: higher is more unusual
MAPS: dict[str, tuple[str, int]] = {"reconstruction": ("squared_errors", 1), "likelihood": ("element_log_prob", -1)}


def anomaly_map(model: Any, X: Any, kind: str = "auto", reference: Any = None) -> Any:
    """How unusual each column or pixel is, in X's own shape; higher is more unusual: (n, ...) -> (n, ...), a frame for a frame.

    kind: "reconstruction", squared errors in the network's units (0..1 for images, standard deviations for columns, one-hot
    categories); "likelihood", minus the log-probability of each element under what the model knows of the others, in nats and
    the network's units (a Gaussian: given all other elements; a VAE: given draws of its code); "auto": the first that the model
    has. reference: normal examples, whose mean map is taken off, since some columns cost more than others in all examples.

    >>> import numpy as np, venero
    >>> x = np.random.default_rng(0).normal(size=(500, 1))
    >>> model = venero.Gaussian().fit(np.hstack([x, x, x]) + 0.1 * np.random.default_rng(1).normal(size=(500, 3)))
    >>> anomaly_map(model, np.array([[1.0, 1.0, -1.0]])).argmax()
    np.int64(2)
    """
    chosen = _checked(model, kind)
    values = _terms(model, X, chosen)
    if reference is not None:
        values = values - _terms(model, reference, chosen).mean(0)
    if not is_frame(X):
        return values
    import pandas as pd

    return pd.DataFrame(values, index=X.index, columns=X.columns)


def _checked(model: Any, kind: str) -> str:
    if not hasattr(model, "net_"):
        raise VeneroError(f"model = {shown(model)} is not fitted: call its fit(X) first")
    able = [name for name, (method, _) in MAPS.items() if hasattr(model.net_, method)]
    if kind != "auto" and kind not in MAPS:
        raise VeneroError(f"kind = {shown(kind)}: must be one of 'auto', {', '.join(map(repr, MAPS))}")
    if not able or (kind != "auto" and kind not in able):
        raise VeneroError(f"kind = {kind!r}: {type(model).__name__} has no such map; it has {', '.join(able) or 'none'}")
    return able[0] if kind == "auto" else kind


@torch.no_grad()
def _terms(model: Any, X: Any, kind: str) -> Floats:
    """Each element's term of the score, in X's shape."""
    method, sign = MAPS[kind]
    X = array_or_frame(X)
    data = Data.of(X, model.codec_, model.spec_)
    terms = torch.cat([getattr(model.net_, method)(batch).cpu() for batch in data.batches(BATCH)])
    return sign * to_user(terms.double(), model.spec_).numpy().reshape(X.shape)


def to_user(x: Tensor, spec: Spec) -> Tensor:
    """Terms of the network's numbers as those of the user's cells: a column's block is summed, channels come last.

    (n, C, H, W) -> (n, H, W, C), (n, width) -> (n, D).
    """
    if spec.kind == "image":
        return x.movedim(1, -1)
    if spec.columns:
        return torch.stack([x[:, c.start : c.stop].sum(1) for c in spec.columns], 1)
    return x
