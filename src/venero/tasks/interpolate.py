"""The way from one example to another, through the codes of any model that encodes and decodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from venero.core.errors import VeneroError, shown
from venero.core.params import accepts


def linear(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Straight lines: (n, L), (n, L), (T,) -> (n, T, L)."""
    t = t[None, :, None]
    return (1 - t) * a[:, None] + t * b[:, None]


def spherical(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Great arcs (Shoemake 1985; White 2016), which keep to the shell where a Gaussian's mass lies; straight where parallel."""
    unit = lambda v: v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12)  # noqa: E731
    angle = np.arccos(np.clip((unit(a) * unit(b)).sum(1), -1, 1))[:, None, None]  # (n, 1, 1)
    sine, t_ = np.sin(angle), t[None, :, None]
    safe = np.where(sine < 1e-6, 1.0, sine)
    arc = np.sin((1 - t_) * angle) / safe * a[:, None] + np.sin(t_ * angle) / safe * b[:, None]
    return np.where(sine < 1e-6, linear(a, b, t), arc)


PATHS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {"linear": linear, "spherical": spherical}


def interpolate(model: Any, a: Any, b: Any, steps: int = 8, how: str = "linear", y: Any = None) -> Any:
    """What lies between examples a and b in the model's latent space.

    a, b: n examples each, as fit took them. Returns (n, steps, ...): the first and last of each row are the reconstructions of
    a and b. For a table, one DataFrame of n * steps rows, or an array (n, steps, columns).
    y: the label that a conditional model decodes with, one for all or one for each pair.
    """
    if not (hasattr(model, "encode") and hasattr(model, "decode")):
        raise VeneroError(f"{type(model).__name__} has no codes to interpolate: it can't encode and decode")
    if how not in PATHS:
        raise VeneroError(f"how = {how!r}: must be one of {', '.join(map(repr, PATHS))}")
    if not accepts(steps, int) or steps < 2:
        raise VeneroError(f"steps = {shown(steps)}: must be an integer >= 2, the two ends")
    if len(a) != len(b):
        raise VeneroError(f"{len(a)} examples on one side and {len(b)} on the other: give as many")
    codes = PATHS[how](model.encode(a), model.encode(b), np.linspace(0, 1, steps))  # (n, steps, L)
    labels = () if y is None else (np.repeat(np.broadcast_to(np.asarray(y), (len(a),)), steps),)
    decoded = model.decode(codes.reshape(-1, codes.shape[-1]).astype(np.float32), *labels)
    return decoded if hasattr(decoded, "iloc") else decoded.reshape(len(a), steps, *decoded.shape[1:])
