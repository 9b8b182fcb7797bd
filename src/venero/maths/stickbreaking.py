"""A Dirichlet-process mixture of Gaussians by variational Bayes, its sticks cut at K (Blei & Jordan 2006; Bishop 2006, 10.2).

Priors as scikit-learn's BayesianGaussianMixture has them by default: a precision of 1 of the means about the data's mean, D
degrees of freedom, the data's covariance. All moments are taken about one origin.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from venero.maths.covariances import KINDS


class Priors(NamedTuple):
    """Of all components alike."""

    concentration: float  # of the sticks: small for few components
    mean: Tensor  # (D,)
    covariance: Tensor  # (D, D)


class Posterior(NamedTuple):
    """What the next E-step and the model need."""

    log_weight: Tensor  # (K,) of the expected shares
    mean: Tensor  # (K, D)
    covariance: Tensor  # in the kind's shape
    shift: Tensor  # (K,) to add to log w_k N(x; m_k, S_k), for its expectation under the posterior
    bound: Tensor  # () the evidence lower bound, but for a constant and the responsibilities' entropy


def prior_covariance(kind: str, covariance: Tensor) -> Tensor:
    """(D, D) -> in a shape that adds to the kind's covariances."""
    variances = covariance.diagonal()
    return {"full": covariance, "tied": covariance, "diag": variances, "spherical": variances.mean()}[kind]


def solve(kind: str, n: Tensor, first: Tensor, second: Tensor, ridge: float, prior: Priors) -> Posterior:
    """The posterior that maximises the bound: (K,), (K, D) and the kind's second moments."""
    (k, d), some = first.shape, n + 10 * torch.finfo(n.dtype).eps
    middle = first / some[:, None]
    scatter = KINDS[kind].ridge(KINDS[kind].scatter(some, middle, second), ridge)
    sure = 1 + some  # precision of each mean, in parts of the component's
    mean = (prior.mean + first) / sure[:, None]
    covariance, freedom = _covariance(kind, some, middle - prior.mean, scatter, prior.covariance, sure)
    a, b = 1 + some, prior.concentration + torch.cat([some.flip(0).cumsum(0).flip(0)[1:], some.new_zeros(1)])
    log_share = torch.digamma(a) + _before(torch.digamma(b)) - (torch.digamma(a + b) + _before(torch.digamma(a + b)))
    weight = a / (a + b) * _before((b / (a + b)).log()).exp()
    log_weight = (weight / weight.sum()).log()
    steps = torch.arange(d, dtype=n.dtype)[:, None]
    log_lambda = d * torch.tensor(2.0, dtype=n.dtype).log() + torch.digamma(0.5 * (freedom - steps)).sum(0)  # (K,) or (1,)
    shift = log_share - log_weight - 0.5 * d * freedom.log() + 0.5 * (log_lambda - d / sure)
    sharp = -KINDS[kind].logs(KINDS[kind].root(covariance), d) - 0.5 * d * freedom.log()  # log det of the precision's root
    wishart = -(freedom * sharp + 0.5 * freedom * d * torch.tensor(2.0, dtype=n.dtype).log())
    wishart = wishart - torch.lgamma(0.5 * (freedom - steps)).sum(0)
    wishart = k * wishart if kind == "tied" else wishart
    sticks = -(torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)).sum()
    bound = -wishart.sum() - sticks - 0.5 * d * sure.log().sum()
    return Posterior(log_weight, mean, covariance, shift, bound)


def _before(logs: Tensor) -> Tensor:
    """Sums of what comes before each place."""
    return logs.cumsum(0) - logs


def _covariance(kind: str, n: Tensor, off: Tensor, scatter: Tensor, prior: Tensor, sure: Tensor) -> tuple[Tensor, Tensor]:
    """Covariances in the kind's shape, and degrees of freedom (K,), or (1,) where all share one."""
    k, d = off.shape
    start = prior_covariance(kind, prior)
    if kind == "tied":
        freedom = d + n.sum()[None] / k
        return (start + scatter * n.sum() / k + (off.T * (n / sure)) @ off / k) / freedom, freedom
    freedom, pull = d + n, n / sure
    shape = (-1,) + (1,) * (scatter.ndim - 1)
    spread = {
        "full": lambda: off[:, :, None] * off[:, None],
        "diag": lambda: off**2,
        "spherical": lambda: (off**2).mean(1),
    }[kind]()
    return (start + n.view(shape) * scatter + pull.view(shape) * spread) / freedom.view(shape), freedom
