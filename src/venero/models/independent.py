"""Columns that know nothing of each other: the floor that every joint model must rise above, and a strong anomaly score.

Mixtures of Gaussians of one column: Pearson 1894; by expectation-maximisation: Dempster, Laird & Rubin 1977. As the density of
each class of a `GenerativeClassifier` it is naive Bayes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor, nn

from venero.core.abilities import Completes, Samples, Scores
from venero.core.learners import EMModel
from venero.core.params import param
from venero.data.data import Data
from venero.data.spec import Batch, Column, Spec
from venero.maths.gaussian import log_normal
from venero.train.stage import Stage

LOOKED_AT = 20_000  # examples at most that the start is found on
ROUNDS = 10  # of k-means along each column, for the start
AT_ONCE = 2**16  # numbers that responsibilities may take at a time, so that they stay in the processor's cache
NONE = 1e-9  # examples that a component without any is taken to have


class IndependentNet(nn.Module):
    """p(x) = prod_j p_j(x_j): sum_k w_kj N(x_j; m_kj, s_kj^2) for numbers, shares for categories and missing flags.

    C continuous columns of K components each; `on` and `off` are the log-probabilities of a place of the network's vector being
    1 or 0 (a category is counted once, where it is 1). Double precision.
    """

    log_weight: Tensor  # (K, C)
    mean: Tensor  # (K, C)
    log_sigma: Tensor  # (K, C)
    on: Tensor  # (width,)
    off: Tensor  # (width,)
    values: Tensor  # (C,) places of the continuous values
    flags: Tensor  # (M,) places of the missing flags
    flagged: Tensor  # (M,) which continuous columns those belong to

    def __init__(self, spec: Spec, n_components: int, ridge: float):
        super().__init__()
        columns = spec.columns or tuple(Column(str(i), i) for i in range(spec.numel))
        continuous = [c for c in columns if not c.levels]
        self.blocks = [(c.start, c.stop) for c in columns if c.levels]
        self.ridge, self.width = ridge, spec.numel
        flagged = [i for i, c in enumerate(continuous) if c.missing]
        for name, places in {
            "values": [c.start for c in continuous],
            "flags": [continuous[i].start + 1 for i in flagged],
            "flagged": flagged,
        }.items():
            self.register_buffer(name, torch.tensor(places, dtype=torch.long), persistent=False)
        for name in ("log_weight", "mean", "log_sigma"):
            self.register_buffer(name, torch.zeros(n_components, len(continuous), dtype=torch.float64))
        for name in ("on", "off"):
            self.register_buffer(name, torch.zeros(self.width, dtype=torch.float64))

    # -- density -----------------------------------------------------------------------
    def joint(self, v: Tensor) -> Tensor:
        """log w_k N(v; m_k, s_k) of each column: (B, C) -> (B, K, C)."""
        return self.log_weight + log_normal(v[:, None], self.mean, self.log_sigma)

    def present(self, x: Tensor) -> Tensor:
        """1 where a continuous value is there, 0 where it is missing: (B, C)."""
        return torch.ones_like(x[:, self.values]).index_copy(1, self.flagged, 1 - x[:, self.flags])

    def element_log_prob(self, batch: Batch) -> Tensor:
        """log p_j of each place of the network's vector, (B, width); a category's at its own place."""
        x = batch.x.double()
        parts = [self.joint(v).logsumexp(1) for v in x[:, self.values].split(self._rows())]
        return (self.off + x * (self.on - self.off)).index_copy(1, self.values, torch.cat(parts) * self.present(x))

    def log_prob(self, batch: Batch) -> Tensor:
        return self.element_log_prob(batch).sum(1)

    def _rows(self) -> int:
        return max(1, AT_ONCE // max(1, self.mean.numel()))

    # -- learning ----------------------------------------------------------------------
    def start(self, x: Tensor) -> None:
        """Components at the ends of a k-means of each column, which starts from quantiles of its different values."""
        mean = torch.stack([_quantiles(v, len(self.mean)) for v in x[:, self.values].T], 1) if len(self.values) else self.mean
        present = self.present(x)
        for _ in range(ROUNDS):
            totals = [self._sums(v, p, _nearest(v, mean)) for v, p in self._pieces(x[:, self.values], present)]
            n, first, second = torch.stack(totals).sum(0)
            mean = torch.where(n > 0, first / n.clamp_min(1), mean)
        self._solve(n, first, second, mean)
        self._shares(x.sum(0), len(x))

    def e_step(self, batch: Batch) -> dict[str, Tensor]:
        x = batch.x.double()
        totals, parts = [], []
        for v, present in self._pieces(x[:, self.values], self.present(x)):
            joint = self.joint(v)
            log_p = joint.logsumexp(1)
            totals.append(self._sums(v, present, (joint - log_p[:, None]).exp()))
            parts.append((log_p * present).sum())
        rest = (self.off + x * (self.on - self.off)).sum()
        moments = torch.stack(totals).sum(0)  # (3, K, C)
        count = torch.tensor(float(len(x)), dtype=torch.float64)
        return {"count": count, "log_likelihood": torch.stack(parts).sum() + rest, "moments": moments, "ones": x.sum(0)}

    def m_step(self, totals: dict[str, Tensor]) -> None:
        n, first, second = totals["moments"]
        self._solve(n, first, second, self.mean)
        self._shares(totals["ones"], float(totals["count"]))

    def _pieces(self, v: Tensor, present: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        yield from zip(v.split(self._rows()), present.split(self._rows()), strict=True)

    @staticmethod
    def _sums(v: Tensor, present: Tensor, share: Tensor) -> Tensor:
        """Count, sum and sum of squares that each component has a share in: (b, C), (b, C), (b, K, C) -> (3, K, C)."""
        share = share * present[:, None]
        return torch.stack([share.sum(0), (share * v[:, None]).sum(0), (share * v[:, None] ** 2).sum(0)])

    def _solve(self, n: Tensor, first: Tensor, second: Tensor, mean: Tensor) -> None:
        """Weights, means and variances; a component without examples stays where it was."""
        weight = n + NONE
        centre = torch.where(n > NONE, first / n.clamp_min(NONE), mean)
        variance = torch.where(n > NONE, second / n.clamp_min(NONE) - centre**2, 0.0).clamp_min(0) + self.ridge
        self.log_weight.copy_((weight / weight.sum(0)).log())
        self.mean.copy_(centre)
        self.log_sigma.copy_(0.5 * variance.log())

    def _shares(self, ones: Tensor, n: float) -> None:
        """Of categories and flags, each seen once more than it was (Laplace): what fit did not see is not impossible."""
        for a, b in self.blocks:
            self.on[a:b] = ((ones[a:b] + 1) / (n + b - a)).log()
        self.on[self.flags] = ((ones[self.flags] + 1) / (n + 2)).log()
        self.off[self.flags] = ((n - ones[self.flags] + 1) / (n + 2)).log()

    # -- use ---------------------------------------------------------------------------
    def sample(self, n: int, labels: Tensor | None = None) -> Tensor:
        x = torch.zeros(n, self.width, dtype=torch.float64)
        if len(self.values):
            component = self.log_weight.exp().T.multinomial(n, replacement=True).T  # (n, C)
            noise = torch.randn(n, len(self.values), dtype=torch.float64)
            x[:, self.values] = self.mean.gather(0, component) + self.log_sigma.gather(0, component).exp() * noise
        x[:, self.flags] = self.on[self.flags].exp().expand(n, -1).bernoulli()
        for a, b in self.blocks:
            x[:, a:b] = nn.functional.one_hot(self.on[a:b].exp().multinomial(n, replacement=True), b - a).double()
        x[:, self.values] *= self.present(x)
        return x.float()

    def complete(self, x: Tensor, known: Tensor) -> Tensor:
        """The mean, or the likeliest category, in place of what is unknown: other columns say nothing of it."""
        usual = torch.zeros(self.width, dtype=torch.float64, device=x.device)
        usual[self.values] = (self.log_weight.exp() * self.mean).sum(0)
        for a, b in self.blocks:
            usual[a + int(self.on[a:b].argmax())] = 1
        return torch.where(known, x, usual.float())


def _quantiles(v: Tensor, k: int) -> Tensor:
    """k points among the different values of a column: (n,) -> (k,)."""
    different = v.unique()
    return different[((torch.arange(k) + 0.5) / k * len(different)).long()]


def _nearest(v: Tensor, mean: Tensor) -> Tensor:
    """1 for the component that is nearest: (b, C), (K, C) -> (b, K, C)."""
    nearest = (v[:, None] - mean).abs().argmin(1)  # (b, C)
    return (nearest[:, None] == torch.arange(len(mean), device=v.device)[:, None]).double()


@dataclass(eq=False, kw_only=True, repr=False)
class Independent(EMModel[IndependentNet], Samples, Scores, Completes):
    """Every column on its own: a mixture of Gaussians for numbers, shares for categories and missing values.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).choice([-2.0, 5.0], size=(500, 1))
    >>> p = np.exp(Independent(n_components=2).fit(X).score_samples([[-2.0], [1.0], [5.0]]))
    >>> bool(p[0] > 1 and p[1] < 1e-6 and p[2] > 1)
    True
    """

    forms = {"table": "columns", "vector": "standard"}  # noqa: RUF012 - a ClassVar by its base
    score_kind = "exact"
    paper = "Pearson 1894; Dempster, Laird & Rubin 1977"

    n_components: int = param(2, "Gaussians in the mixture of each column of numbers", low=1)
    ridge: float = param(
        1e-3, "added to every variance (of standardised columns), so that single values are no trouble", above=0
    )

    def build(self, spec: Spec) -> IndependentNet:
        return IndependentNet(spec, self.n_components, self.ridge)

    def stages(self, net: IndependentNet, data: Data) -> Iterator[Stage]:
        some = max(1, ceil(len(data) / LOOKED_AT))
        net.start(data.subset(torch.arange(0, len(data), some, device=data.rows.device)).head(LOOKED_AT).x.double())
        yield from super().stages(net, data)
