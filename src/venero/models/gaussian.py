"""One Gaussian with full covariance: the simplest density, and the simplest prior for the codes of an auto-encoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from venero.core.abilities import Completes, Samples, Scores
from venero.core.learners import EMModel
from venero.core.params import param
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.maths.gaussian import log_multivariate_normal, log_normal
from venero.train.stage import Stage


class GaussianNet(nn.Module):
    """p(x) = N(x; mean, L L'), in D dimensions and double precision (sums of squares cancel in single)."""

    mean: Tensor  # (D,)
    chol: Tensor  # (D, D), lower
    origin: Tensor  # (D,) statistics are taken about this point

    def __init__(self, shape: tuple[int, ...], ridge: float):
        super().__init__()
        self.shape, self.ridge = shape, ridge
        n = torch.Size(shape).numel()
        self.register_buffer("mean", torch.zeros(n, dtype=torch.float64))
        self.register_buffer("chol", torch.eye(n, dtype=torch.float64))
        self.register_buffer("origin", torch.zeros(n, dtype=torch.float64))

    def log_prob(self, batch: Batch) -> Tensor:
        return log_multivariate_normal(batch.x.flatten(1).double(), self.mean, self.chol)

    def element_log_prob(self, batch: Batch) -> Tensor:
        """log p(x_j | all other elements), (B, *shape): x_j less (P (x - mean))_j / P_jj is its mean, 1 / P_jj its variance."""
        precision = torch.cholesky_inverse(self.chol)
        sharp = precision.diagonal()
        off = (batch.x.flatten(1).double() - self.mean) @ precision / sharp
        return log_normal(off, off.new_zeros(()), -0.5 * sharp.log()).view_as(batch.x)

    def e_step(self, batch: Batch) -> dict[str, Tensor]:
        x = batch.x.flatten(1).double() - self.origin
        count = torch.tensor(float(len(x)), dtype=torch.float64)
        return {"count": count, "log_likelihood": self.log_prob(batch).sum(), "x": x.sum(0), "xx": x.T @ x}

    def m_step(self, totals: dict[str, Tensor]) -> None:
        """The maximum of the likelihood: nothing is hidden, so one step is enough."""
        mean = totals["x"] / totals["count"]
        covariance = totals["xx"] / totals["count"] - torch.outer(mean, mean)
        self.mean.copy_(mean + self.origin)
        self.chol.copy_(torch.linalg.cholesky(covariance + self.ridge * torch.eye(len(mean), dtype=torch.float64)))

    def sample(self, n: int, labels: Tensor | None = None) -> Tensor:
        z = torch.randn(n, len(self.mean), dtype=torch.float64)
        return (self.mean + z @ self.chol.T).float().unflatten(1, self.shape)

    def complete(self, x: Tensor, known: Tensor) -> Tensor:
        """E[unknown | known] in place of what is unknown: (B, ...), (B, ...) bool; rows of one mask share their equations."""
        flat, masks = x.flatten(1).double(), known.flatten(1)
        covariance = self.chol @ self.chol.T
        for mask in masks.unique(dim=0):
            rows, unknown = (masks == mask).all(1), ~mask
            there = covariance[mask][:, mask]  # (K, K)
            gain = torch.linalg.solve(there, covariance[mask][:, unknown])  # (K, U)
            part = flat[rows]
            part[:, unknown] = self.mean[unknown] + (part[:, mask] - self.mean[mask]) @ gain
            flat[rows] = part
        return flat.float().view_as(x)


@dataclass(eq=False, kw_only=True, repr=False)
class Gaussian(EMModel[GaussianNet], Samples, Scores, Completes):
    """A multivariate Gaussian with full covariance, fitted by maximum likelihood.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(500, 2)) * [1, 3]
    >>> bool(abs(Gaussian(random_state=0).fit(X).sample(2000, random_state=0).std(0)[1] - 3) < 0.2)
    True
    """

    forms = {"image": "unit", "table": "standard", "vector": "standard"}  # noqa: RUF012 - a ClassVar by its base
    score_kind = "exact"
    paper = "Gauss 1809"

    ridge: float = param(
        1e-6, "added to every variance (of standardised columns), so that constant ones are no trouble", above=0
    )

    def build(self, spec: Spec) -> GaussianNet:
        return GaussianNet(spec.shape, self.ridge)

    def stages(self, net: GaussianNet, data: Data) -> Iterator[Stage]:
        net.origin.copy_(data.head(1024).x.flatten(1).double().mean(0))
        yield from super().stages(net, data)
