"""Gaussian densities and divergences, in nats."""

from __future__ import annotations

from math import log, pi

import torch
from torch import Tensor

LOG_2PI = log(2 * pi)


def log_normal(x: Tensor, mean: Tensor, log_sigma: Tensor) -> Tensor:
    """log N(x; mean, sigma^2), element by element."""
    return -0.5 * (((x - mean) * (-log_sigma).exp()) ** 2 + LOG_2PI) - log_sigma


def log_standard_normal(x: Tensor) -> Tensor:
    """log N(x; 0, 1), element by element."""
    return -0.5 * (x**2 + LOG_2PI)


def kl_to_standard_normal(mean: Tensor, log_sigma: Tensor) -> Tensor:
    """KL(N(mean, sigma^2) || N(0, 1)), element by element (Kingma & Welling 2013, appendix B).

    >>> float(kl_to_standard_normal(torch.tensor(0.0), torch.tensor(0.0)))
    0.0
    """
    return 0.5 * (mean**2 + (2 * log_sigma).exp() - 1) - log_sigma


def log_multivariate_normal(x: Tensor, mean: Tensor, chol: Tensor) -> Tensor:
    """log N(x; mean, L L'): (B, D), (D,), lower L (D, D) -> (B,)."""
    z = torch.linalg.solve_triangular(chol, (x - mean).T, upper=False)  # (D, B)
    return -0.5 * (z**2).sum(0) - chol.diagonal().log().sum() - 0.5 * len(mean) * LOG_2PI
