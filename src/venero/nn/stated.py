"""A loss whose gradients are stated instead of derived: contrastive divergence and wake-sleep learn with any optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class _Stated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, *tensors: Tensor) -> Tensor:
        ctx.gradients = tensors[len(tensors) // 2 :]
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> Any:
        gradients, ctx.gradients = ctx.gradients, ()  # so that they become the parameters' own, without a copy
        return None, *(g.mul_(above[0]) for g in gradients), *(None for _ in gradients)


def with_gradients(value: Tensor, gradients: Mapping[Tensor, Tensor]) -> Tensor:
    """`value`, whose derivative by each parameter autograd takes to be the stated one.

    >>> w = torch.nn.Parameter(torch.zeros(2))
    >>> with_gradients(torch.tensor(7.0), {w: torch.tensor([1.0, 2.0])}).backward()
    >>> w.grad.tolist()
    [1.0, 2.0]
    """
    known = [(p, g.to(p.dtype)) for p, g in gradients.items() if p.requires_grad]
    out: Tensor = _Stated.apply(value, *(p for p, _ in known), *(g for _, g in known))
    return out
