"""Unknown values filled in: a table's NaN, an image's masked pixels.

By the model's own `complete`, which conditions on what is known; else by reconstructing again and again, the known part put
back each time, until nothing changes; for draws of a variational auto-encoder each round is a draw of the code and of the
example, a Markov chain that tends to p(unknown | known) (Rezende, Mohamed & Wierstra 2014, appendix F).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from venero.core.errors import VeneroError, shown
from venero.core.params import positive
from venero.data.arrays import is_frame
from venero.data.masks import Mask, filled, known_cells, to_network
from venero.maths.random import seeded

ROUNDS = 100  # of reconstruction at most, and of the chain for a draw
STILL = 1e-3  # mean change of an unknown value, as the network sees it (0..1, or standard deviations), that counts as none
AT_ONCE = 512  # examples


class UnfinishedWarning(UserWarning):
    """Iterated reconstruction was stopped while values still changed."""


def impute(model: Any, X: Any, known: Any = None, *, draws: int | None = None, random_state: int | None = None) -> Any:
    """X with its unknown values filled in: (n, ...) -> (n, ...), in X's own form, the known values bit for bit.

    known: True where X is to be kept, of X's shape or of one example's; None: where X is not NaN.
    draws: None for one completed X, the likely values; a number for a list of that many, in which the unknown values are drawn,
    so that what they differ by says how uncertain they are (multiple imputation, Rubin 1987).
    """
    mask = known_cells(X, known)
    if draws is not None:
        step = _drawing(model)
        with seeded(random_state):
            return [_chain(model, step, X, mask) for _ in range(positive("draws", draws))]
    if hasattr(model, "complete"):
        return model.complete(X, known)
    if not hasattr(model, "reconstruct"):
        raise VeneroError(f"{type(model).__name__} can't fill in values: it neither completes nor reconstructs")
    return _to_convergence(model, X, mask)


def _to_convergence(model: Any, X: Any, known: Mask) -> Any:
    guess = _start(model, X, known)
    inside = model.codec_.encode(guess)
    unknown = ~to_network(known, model.spec_).expand_as(inside)
    change = 0.0
    for _ in range(ROUNDS if bool(unknown.any()) else 0):
        guess = filled(X, known, _whole(model.reconstruct(guess), guess))
        before, inside = inside, model.codec_.encode(guess)
        change = float((inside - before).abs()[unknown].mean())
        if change < STILL:
            return guess
    if change:
        warnings.warn(f"after {ROUNDS} reconstructions values still change by {change:.2g}", UnfinishedWarning, stacklevel=3)
    return guess


def _chain(model: Any, step: Callable[[torch.Tensor], torch.Tensor], X: Any, known: Mask) -> Any:
    """The end of one chain of draws."""
    guess = _start(model, X, known)
    model.net_.eval()
    for _ in range(ROUNDS):
        with torch.no_grad():
            drawn = torch.cat([step(part) for part in model.codec_.encode(guess).split(AT_ONCE)])
        guess = filled(X, known, _whole(model.codec_.decode(drawn), guess))
    return guess


def _drawing(model: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    """x -> x', drawn from p(x'|z) with z from q(z|x)."""
    net = getattr(model, "net_", None)
    if not hasattr(net, "redraw") or model.takes_labels:
        can = "fit it with conditional=False" if hasattr(net, "redraw") else "leave draws out, or take a VAE"
        raise VeneroError(f"draws: {shown(model)} can't draw an example anew from its code; {can}")
    redraw: Callable[[torch.Tensor], torch.Tensor] = net.redraw  # type: ignore[union-attr]
    return redraw


def _whole(values: Any, before: Any) -> Any:
    """New values; where a model of a table with gaps says `missing`, those from before."""
    return filled(values, known_cells(values), before)


def _start(model: Any, X: Any, known: Mask) -> Any:
    """X with each unknown value at the middle of those known at its place; at what the network sees as 0 where none are."""
    nothing = model.codec_.decode(torch.zeros(len(X), *model.spec_.shape))
    return filled(X, known, (_middle_columns if is_frame(X) else _middle)(X, known, nothing))


def _middle(X: Any, known: Mask, nothing: NDArray[Any]) -> NDArray[Any]:
    """The mean of the known numbers at each place of an example: (n, ...) -> (n, ...)."""
    X = np.asarray(X)
    if X.dtype.kind not in "uif":
        return nothing
    counts = known.sum(0)
    mean = np.where(known, X, 0).sum(0, dtype=np.float64) / np.maximum(counts, 1)
    return np.where(counts > 0, mean, nothing).astype(nothing.dtype)


def _middle_columns(X: Any, known: Mask, nothing: Any) -> Any:
    """The median of numbers and times, the commonest of the rest."""
    import pandas as pd

    out = nothing.copy()
    for j, label in enumerate(X.columns):
        values = X[label][known[:, j]]
        if len(values):
            out[label] = pd.Series([_typical(values)] * len(out), dtype=object).astype(out[label].dtype)
    return out


def _typical(values: Any) -> Any:
    ordered = values.dtype.kind in "iufmM"
    return values.sort_values().iloc[len(values) // 2] if ordered else values.mode().iloc[0]
