"""Log-probabilities of single elements (pixels, cells of a table), in nats."""

from __future__ import annotations

from math import log

import torch
from torch import Tensor
from torch.nn import functional as F


def log_bernoulli(x: Tensor, logits: Tensor) -> Tensor:
    """log p(x) of bits x under the probability sigmoid(logits); broadcasts."""
    x, logits = torch.broadcast_tensors(x.to(logits), logits)
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none")


def log_discretised_logistic(x: Tensor, mean: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """log P(x) for x on the grid 0, 1/(levels-1), ..., 1: the logistic density's mass in x's bin (Salimans et al. 2017).

    The mass beyond 0 and 1 belongs to the outermost bins, so that the masses of all levels sum to one.
    With a and b the bin's standardised edges, sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)).
    """
    half = 0.5 / (levels - 1)
    sharp = (-log_scale).exp()
    a, b = (x - mean + half) * sharp, (x - mean - half) * sharp
    below, above = F.logsigmoid(a), F.logsigmoid(-b)
    inside = below + above + torch.log(-torch.expm1(-2 * half * sharp))
    return torch.where(x < half, below, torch.where(x > 1 - half, above, inside))


def sample_logistic(mean: Tensor, log_scale: Tensor) -> Tensor:
    """A draw from the logistic density of each element."""
    u = torch.rand_like(mean).clamp(1e-6, 1 - 1e-6)
    return mean + log_scale.exp() * u.logit()


def log_mean_exp(x: Tensor, dim: int) -> Tensor:
    """log of the mean of exp(x) along `dim`."""
    return x.logsumexp(dim) - log(x.shape[dim])
