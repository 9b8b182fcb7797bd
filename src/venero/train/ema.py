"""An exponential moving average of weights that is useful from the first step on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class EMA:
    """average <- average + (1 - d) (weights - average), with d = min(decay, (1 + t) / (10 + t)) at update t.

    The rising d (as in Tensorflow's ExponentialMovingAverage) keeps a short run's average from being mostly its random start.
    """

    def __init__(self, net: nn.Module, decay: float):
        self.weights = [p for p in net.parameters() if p.requires_grad]
        self.average = [p.detach().clone() for p in self.weights]
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self) -> None:
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.weights], 1 - decay)
        self.updates += 1

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The network has the averaged weights inside the block."""
        own = [p.detach().clone() for p in self.weights]
        self.install()
        try:
            yield
        finally:
            _copy(own, self.weights)

    def install(self) -> None:
        _copy(self.average, self.weights)

    def state(self) -> dict[str, object]:
        return {"updates": self.updates, "average": list(self.average)}

    def restore(self, state: dict[str, object]) -> None:
        self.updates = int(str(state["updates"]))
        averages: list[Tensor] = state["average"]  # type: ignore[assignment]
        _copy(averages, self.average)


@torch.no_grad()
def _copy(source: Sequence[Tensor], target: Sequence[Tensor]) -> None:
    for a, b in zip(source, target, strict=True):
        b.copy_(a)
