"""Fully connected nets in which an output sees only what comes before it, in any order.

Germain, Gregor, Murray & Larochelle 2015. A hidden unit of degree m sees the groups at places 0..m of the order, and is seen by
outputs at later places. Degrees rise along a layer and the order is given with each call, so that one net serves all orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from venero.nn.mlp import ACTIVATIONS, mlp

Choose = Callable[[int, Tensor], Tensor]  # a group's number and the net's numbers for it (n, n_out) -> its values (n, n_in)

Slices = tuple[list[slice], list[slice]]  # where each group lies in x, and in what the net puts out


class MaskedNet(nn.Module):
    """(B, D) -> (B, P): the outputs of a group at place p of the order depend on groups at places before p alone."""

    in_group: Tensor  # (D,)
    out_group: Tensor  # (P,)

    def __init__(self, in_group: Tensor, out_group: Tensor, hidden: Sequence[int], activation: str, n_extra: int = 0):
        super().__init__()
        self.n_groups = int(in_group.max()) + 1
        self.register_buffer("in_group", in_group, persistent=False)
        self.register_buffer("out_group", out_group, persistent=False)
        sizes = [len(in_group), *hidden, len(out_group)]
        self.layers: list[nn.Linear] = [m for m in mlp(sizes, activation) if isinstance(m, nn.Linear)]
        self._registered = nn.ModuleList(self.layers)
        self.activation = ACTIVATIONS[activation]()
        self.direct = nn.Linear(len(in_group), len(out_group), bias=False)
        nn.init.zeros_(self.direct.weight)
        self.extra = nn.Linear(n_extra, hidden[0] + len(out_group), bias=False) if n_extra else None  # seen by all
        self.degrees = [torch.arange(h) * max(self.n_groups - 1, 1) // h for h in hidden]

    def masks(self, order: Tensor) -> list[Tensor]:
        """What may be seen, of every layer and of the direct connections; order (G,): the groups, first to last."""
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order), device=order.device)
        before, after = place[self.in_group], place[self.out_group]
        degrees = [d.to(order.device) for d in self.degrees]
        up = [before <= degrees[0][:, None], *(a <= b[:, None] for a, b in pairwise(degrees))]
        return [*up, degrees[-1] < after[:, None], before < after[:, None]]

    def forward(self, x: Tensor, masks: Sequence[Tensor], extra: Tensor | None = None) -> Tensor:
        to_hidden, to_out = self._extra(extra)
        h = x
        for i, (layer, mask) in enumerate(zip(self.layers[:-1], masks, strict=False)):
            h = F.linear(h, layer.weight * mask, layer.bias)
            h = self.activation(h + to_hidden if i == 0 else h)
        last = self.layers[-1]
        out = F.linear(h, last.weight * masks[-2], last.bias) + F.linear(x, self.direct.weight * masks[-1])
        return out + to_out

    def _extra(self, extra: Tensor | None) -> tuple[Tensor | float, Tensor | float]:
        if self.extra is None or extra is None:
            return 0.0, 0.0
        both = self.extra(extra)
        split = both.shape[1] - len(self.out_group)
        return both[:, :split], both[:, split:]

    @torch.no_grad()
    def walk(
        self, n: int, order: Tensor, slices: tuple[list[slice], list[slice]], choose: Choose, extra: Tensor | None
    ) -> Tensor:
        """x (n, D), a group after the other, each chosen by what the net says of it.

        Every unit is computed once, when the last group that it sees is there: all of it costs as much as one pass.
        """
        (ins, outs), (to_hidden, to_out) = slices, self._extra(extra)
        x = self.direct.weight.new_zeros(n, len(self.in_group))
        hs = [x.new_zeros(n, len(d)) for d in self.degrees]
        ends = [torch.searchsorted(d.contiguous(), torch.arange(-1, self.n_groups), right=True).tolist() for d in self.degrees]
        last = self.layers[-1]
        for p, g in enumerate(order.tolist()):
            seen, rows = ends[-1][p], outs[g]
            h = F.linear(hs[-1][:, :seen], last.weight[rows, :seen], last.bias[rows]) + F.linear(x, self.direct.weight[rows])
            x[:, ins[g]] = choose(g, h if isinstance(to_out, float) else h + to_out[:, rows])
            below, seen_below = x, x.shape[1]  # places that are not chosen yet are 0
            for i, (layer, h_l, end) in enumerate(zip(self.layers[:-1], hs, ends, strict=False)):
                units = slice(end[p], end[p + 1])
                new = F.linear(below[:, :seen_below], layer.weight[units, :seen_below], layer.bias[units])
                h_l[:, units] = self.activation(new if i or isinstance(to_hidden, float) else new + to_hidden[:, units])
                below, seen_below = h_l, end[p + 1]
        return x
