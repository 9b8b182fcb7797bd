"""Gaussians of rows with gaps: what is known of a row decides its density, and what is expected of the rest of it.

Ghahramani & Jordan 1994, "Supervised learning from incomplete data via an EM approach".
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from venero.maths.covariances import KINDS, Gaussians, Sums, responsibilities
from venero.maths.gaussian import LOG_2PI


def conditioned(kind: str, g: Gaussians, x: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Rows that share their gaps, together: places (b,), log-joint (b, K) of what is known, the rows with the gaps filled in
    by each component (b, K, D), and the covariance (K, D, D) that is left, 0 where a number is known.
    """
    k, d = g.mean.shape
    lower = KINDS[kind].dense(g.chol, k, d)
    covariance = (lower @ lower.mT).expand(k, d, d)
    patterns, which = torch.isnan(x).unique(dim=0, return_inverse=True)
    for i, gone in enumerate(patterns):
        places, there = (which == i).nonzero()[:, 0], ~gone
        off = x[places][:, there] - g.mean[:, None, there]  # (K, b, o)
        root = torch.linalg.cholesky(covariance[:, there][:, :, there])
        z = torch.linalg.solve_triangular(root, off.mT, upper=False)  # (K, o, b)
        cross = torch.linalg.solve_triangular(root, covariance[:, there][:, :, gone], upper=False)  # (K, o, u)
        logs = root.diagonal(dim1=1, dim2=2).log().sum(1) + 0.5 * int(there.sum()) * LOG_2PI
        filled = x[places][:, None].expand(-1, k, -1).clone()
        filled[:, :, gone] = (g.mean[:, None, gone] + z.mT @ cross).transpose(0, 1)
        left = torch.zeros_like(covariance, memory_format=torch.contiguous_format)
        u = gone.nonzero()[:, 0]
        left[:, u[:, None], u] = covariance[:, gone][:, :, gone] - cross.mT @ cross
        yield places, (g.log_weight - logs - 0.5 * (z**2).sum(1).T), filled, left


def gappy_sums(kind: str, g: Gaussians, x: Tensor, weight: Tensor | None = None) -> Sums:
    """`covariances.sums` over rows with NaN: the moments that the missing numbers are expected to have."""
    k, d = g.mean.shape
    log_sum, n, first, entropies = x.new_zeros(()), x.new_zeros(k), x.new_zeros(k, d), x.new_zeros(())
    second = x.new_zeros(k, d, d)
    for places, joint, filled, left in conditioned(kind, g, x):
        w = None if weight is None else weight[places]
        share, log_p, entropy = responsibilities(joint.T.contiguous(), w)  # (K, b)
        log_sum, entropies = log_sum + (log_p.sum() if w is None else log_p @ w), entropies + entropy
        rows = filled.transpose(0, 1)  # (K, b, D)
        n, first = n + share.sum(1), first + (share[:, None] @ rows)[:, 0]
        second += (rows * share[:, :, None]).mT @ rows + share.sum(1)[:, None, None] * left
    return Sums(log_sum, n, first, KINDS[kind].of_dense(second), entropies)
