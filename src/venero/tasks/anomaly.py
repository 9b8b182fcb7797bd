"""How unusual an example is, by any model that scores or reconstructs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from venero.core.errors import VeneroError

# kind -> the ability it needs, and the score: higher is more unusual
KINDS: dict[str, tuple[str, Callable[[Any, Any], np.ndarray]]] = {
    "likelihood": ("score_samples", lambda model, X: -model.score_samples(X)),
    "reconstruction": ("reconstruction_error", lambda model, X: model.reconstruction_error(X)),
}


def anomaly_score(model: Any, X: Any, kind: str = "auto") -> np.ndarray:
    """Anomaly score of each example, higher is more unusual: (n, ...) -> (n,).

    kind: "likelihood" (minus log p(x), nats), "reconstruction" (squared error), or "auto": the likelihood where there is one.
    """
    if kind == "auto":
        able = [name for name, (needs, _) in KINDS.items() if hasattr(model, needs)]
        if not able:
            raise VeneroError(f"{type(model).__name__} neither scores nor reconstructs: it can't tell what is unusual")
        kind = able[0]
    if kind not in KINDS:
        raise VeneroError(f"kind = {kind!r}: must be one of 'auto', {', '.join(map(repr, KINDS))}")
    needs, score = KINDS[kind]
    if not hasattr(model, needs):
        raise VeneroError(f"kind = {kind!r}: {type(model).__name__} has no {needs}")
    return score(model, X)
