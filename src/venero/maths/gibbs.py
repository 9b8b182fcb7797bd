"""Gibbs sweeps through binary units that may all be connected: one unit after another, many chains beside each other."""

from __future__ import annotations

from functools import cache
from math import exp as _exp
from typing import Any

import torch
from torch import Tensor


def sweeps(
    states: Tensor,
    weight: Tensor,
    scale: Tensor,
    bias: Tensor,
    visits: Tensor,
    uniform: Tensor,
    held: Tensor | None = None,
    keep: int = 1,
) -> Tensor:
    """S sweeps of C chains, each U visits to some of N binary units; the states after the last `keep` sweeps: (keep, C, N).

    states: (C, N) of 0 and 1, where the chains start; not changed. weight: (N, N), symmetric with zero diagonal.
    In sweep t unit i is put on with probability sigmoid(scale[t] * (weight @ s)_i + bias[t, i]): scale (S,), bias (S, N).
    visits: (C, S, U) the units that are visited, in order. uniform: (C, S, U) numbers in [0, 1) that decide. held: (C, N) bool,
    units that stay as they are in this chain. Visits in an order that the states have no part in keep the distribution.
    """
    states = states.to(torch.float32, copy=True).contiguous()
    weight, scale, bias = weight.float().contiguous(), scale.float(), bias.float().contiguous()
    held = torch.zeros(states.shape, dtype=torch.bool, device=states.device) if held is None else held
    kept = states.new_empty(keep, *states.shape)
    run = _compiled() if states.device.type == "cpu" else _by_tensors
    arguments = (states, states @ weight, weight, scale, bias, visits.int().contiguous(), uniform.contiguous(), held, kept)
    run(*(a.numpy() for a in arguments) if states.device.type == "cpu" else arguments)
    return kept


def _by_tensors(states: Any, fields: Any, weight: Any, scale: Any, bias: Any, visits: Any, uniform: Any, held: Any, kept: Any):  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913, PLR0917
    """The sweeps with the chains side by side, for accelerators: a step of Python for each visit."""
    first = len(scale) - len(kept)
    chains = torch.arange(len(states), device=states.device)
    for t in range(len(scale)):
        for k in range(visits.shape[2]):
            i = visits[:, t, k]
            field, state = fields[chains, i], states[chains, i]
            on = uniform[:, t, k] < (scale[t] * field + bias[t, i]).sigmoid()
            change = torch.where(held[chains, i], 0.0, on.float() - state)
            states[chains, i] = state + change
            fields += change[:, None] * weight[i]
        if t >= first:
            kept[t - first] = states


def _by_chains(states: Any, fields: Any, weight: Any, scale: Any, bias: Any, visits: Any, uniform: Any, held: Any, kept: Any):  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913, PLR0917
    """The same, one chain after the other: what a unit sees is brought up to date when another changes."""
    first = scale.shape[0] - kept.shape[0]
    for c in range(states.shape[0]):
        state, field = states[c], fields[c]
        for t in range(scale.shape[0]):
            for k in range(visits.shape[2]):
                i = visits[c, t, k]
                on = uniform[c, t, k] * (1 + _exp(-(scale[t] * field[i] + bias[t, i]))) < 1
                if on != (state[i] > 0.5) and not held[c, i]:
                    state[i] = 1 - state[i]
                    change = 2 * state[i] - 1
                    for j in range(field.shape[0]):
                        field[j] += change * weight[i, j]
            if t >= first:
                kept[t - first, c] = state


@cache
def _compiled() -> Any:
    from numba import njit  # takes half a second to import

    return njit(cache=True, fastmath={"reassoc", "contract"}, nogil=True)(_by_chains)
