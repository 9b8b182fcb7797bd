"""Boltzmann machines of a few units exactly, by enumeration, and of more by annealed importance sampling.

p(s) = exp(s' W s / 2 + b' s) / Z over binary s, with W symmetric and of zero diagonal. In state number m unit i is bit i of m.
Ackley, Hinton & Sejnowski 1985; Neal 2001 for annealed importance sampling.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log

import torch
from torch import Tensor
from torch.nn.functional import softplus

from venero.maths.gibbs import sweeps

AT_ONCE = 2**22  # numbers that are held at a time
LONGEST = 50  # sweeps between two looks at the weights of annealed importance sampling

Uniform = Callable[[int, int, int], Tensor]  # chains, sweeps, units -> numbers in [0, 1)


def states(n: int, first: int = 0, last: int | None = None) -> Tensor:
    """States `first` to `last` of n units: (last - first, n) of 0.0 and 1.0.

    >>> states(2).tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    number = torch.arange(first, 2**n if last is None else last)
    return (number[:, None] >> torch.arange(n) & 1).double()


def linear(b: Tensor) -> Tensor:
    """b' s of every state: (..., n) -> (..., 2^n), by doubling."""
    total = b.new_zeros(*b.shape[:-1], 1)
    for j in range(b.shape[-1]):
        total = torch.cat([total, total + b[..., j, None]], -1)
    return total


def quadratic(weight: Tensor) -> Tensor:
    """s' W s / 2 of every state: (n, n) -> (2^n,), by doubling."""
    total = weight.new_zeros(1)
    for i in range(len(weight)):
        total = torch.cat([total, total + linear(weight[i, :i])])
    return total


def moments(p: Tensor, n: int) -> Tensor:
    """E[s s'] where state m has probability p[m]: (2^n,) -> (n, n); its diagonal is E[s]."""
    low, high = states(n // 2).to(p), states(n - n // 2).to(p)
    table = p.view(len(high), len(low))
    across = high.T @ table @ low
    first = torch.cat([low.T @ (table.sum(0)[:, None] * low), across.T], 1)
    return torch.cat([first, torch.cat([across, high.T @ (table.sum(1)[:, None] * high)], 1)])


def total_moments(s: Tensor) -> Tensor:
    """Sum of s s' over states: (..., n) -> (n, n)."""
    s = s.flatten(0, -2)
    return (s.T @ s).double()


def exponent(s: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """s' W s / 2 + b' s, minus the energy: (..., n) -> (...)."""
    s = s.to(weight)
    return ((s @ weight / 2 + bias) * s).sum(-1)


def annealed(weight: Tensor, bias: Tensor, base: Tensor, start: Tensor, units: Tensor, uniform: Uniform, steps: int) -> Tensor:
    """Log weights of annealed importance sampling from independent units to the machine, one for each chain: (C,).

    The mean of their exponentials is an unbiased estimate of the sum of exp(exponent(s)) over the states of the free `units`,
    (U,), the others staying as they are in `start` (C, n). base: (n,) logits of the independent units, 0 where clamped. steps:
    temperatures. uniform: where chance comes from.
    """
    s = start.float().clone()
    s[:, units] = (uniform(len(s), 1, len(units))[:, 0] < base[units].sigmoid()).float()
    log_weight = softplus(base[units]).sum().expand(len(s))
    step = max(1, min(LONGEST, AT_ONCE // start.numel()))
    for first in range(0, steps, step):
        beta = torch.arange(first + 1, min(first + step, steps) + 1, device=s.device) / steps
        path = sweeps(
            s,
            weight,
            beta,
            torch.outer(beta, bias) + torch.outer(1 - beta, base),
            units.expand(len(s), len(beta), -1),
            uniform(len(s), len(beta), len(units)),
            keep=len(beta),
        )
        before = torch.cat([s[None], path[:-1]])  # the states that each step up in beta is taken from: (S, C, n)
        log_weight = log_weight + exponent(before, weight, bias - base).sum(0) / steps
        s = path[-1]
    return log_weight


def log_mean(log_weight: Tensor) -> tuple[Tensor, Tensor]:
    """Log of the mean of exponentials over the last axis, and its standard error (delta method)."""
    n = log_weight.shape[-1]
    mean = log_weight.logsumexp(-1) - log(n)
    relative = (log_weight - mean[..., None]).exp()
    return mean, relative.std(-1) / n**0.5
