"""The partition function of a restricted Boltzmann machine: exact where a side is short, else by annealed importance sampling.

Neal 2001; Salakhutdinov & Murray 2008 (from base rates, with the standard error of the mean weight).
"""

from __future__ import annotations

from math import log
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from venero.maths.likelihoods import log_mean_exp
from venero.maths.random import bits, seeded
from venero.nn.harmonium import Harmonium
from venero.nn.units import Bits

ENUMERABLE = 20  # units of one side whose 2^n states are summed over
AT_ONCE = 2**22  # numbers that a chunk of that sum may take


class LogZ(NamedTuple):
    """log Z in nats, and its standard error, which is 0 where it is exact."""

    value: float
    error: float


def log_partition(rbm: Harmonium, base: Tensor, chains: int, steps: int, seed: int = 0) -> LogZ:
    """log Z: exact where one side has at most 20 units, else by annealed importance sampling from base rates (D,)."""
    by_hidden, by_visible = len(rbm.hidden_bias), rbm.units.width if isinstance(rbm.units, Bits) else 10**9
    if min(by_hidden, by_visible) <= ENUMERABLE:
        return LogZ(exact_log_partition(rbm, by_hidden <= by_visible), 0.0)
    return annealed_log_partition(rbm, base, betas(steps), chains, seed)


@torch.no_grad()
def exact_log_partition(rbm: Harmonium, over_hidden: bool = True) -> float:
    """log of the sum over all states of the hidden units (else of the visible bits), in double precision."""
    dtype, device = rbm.weight.dtype, rbm.weight.device
    rbm = rbm.double()
    n, width = rbm.weight.shape if over_hidden else rbm.weight.T.shape
    terms = []
    try:
        for first in range(0, 2**n, max(1, AT_ONCE // width)):
            last = min(2**n, first + max(1, AT_ONCE // width))
            s = states(n, first, last, device)
            by_h = s @ rbm.hidden_bias + rbm.units.log_sum(rbm.visible_input(s)) if over_hidden else -rbm.free_energy(s)
            terms.append(by_h.logsumexp(0))
    finally:
        rbm.to(dtype)
    return float(torch.stack(terms).logsumexp(0))


def states(n: int, first: int, last: int, device: torch.device | str = "cpu") -> Tensor:
    """The states of n bits with the numbers first to last: (last - first, n), double.

    >>> states(2, 0, 4).tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    numbers = torch.arange(first, last, device=device)
    return (numbers[:, None] >> torch.arange(n, device=device) & 1).double()


def betas(steps: int) -> Tensor:
    """Inverse temperatures from 0 to 1, denser towards 1, in the shares of Salakhutdinov & Murray: (steps + 1,), double."""
    parts = [(0.0, 0.5, 500 / 14_500), (0.5, 0.9, 4_000 / 14_500), (0.9, 1.0, 10_000 / 14_500)]
    knots, at = [torch.zeros(1, dtype=torch.float64)], 0.0
    for low, high, share in parts:
        n = max(1, round((at + share) * steps) - round(at * steps))
        knots.append(torch.linspace(low, high, n + 1, dtype=torch.float64)[1:])
        at += share
    return torch.cat(knots)


@torch.no_grad()
def annealed_log_partition(rbm: Harmonium, base: Tensor, beta: Tensor, chains: int, seed: int = 0) -> LogZ:
    """log Z and the standard error of its estimate from `chains` weights; the same seed gives the same estimate.

    The path: p_beta(v) ~ exp(field(v) . ((1 - beta) base + beta a) - base energy) prod_j (1 + exp(beta x_j)), where
    x = b + W field(v).
    """
    log_w = torch.zeros(chains, dtype=torch.float64, device=base.device)
    with seeded(seed):
        v = rbm.units.sample(base.expand(chains, -1))
        for now, then in zip(beta[:-1].tolist(), beta[1:].tolist(), strict=True):
            x = rbm.hidden_input(v)
            log_w += (then - now) * (rbm.units.field(v) @ (rbm.visible_bias - base)).double()
            log_w += (F.softplus(then * x) - F.softplus(now * x)).sum(1, dtype=torch.float64)
            h = bits((then * x).sigmoid())
            v = rbm.units.sample(base + then * (rbm.visible_input(h) - base))
    log_z0 = len(rbm.hidden_bias) * log(2) + float(rbm.units.log_sum(base.double()[None]))
    weights = (log_w - log_w.max()).exp()
    return LogZ(log_z0 + float(log_mean_exp(log_w, 0)), float(weights.std() / weights.mean() / chains**0.5))
