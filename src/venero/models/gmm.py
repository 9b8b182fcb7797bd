"""Mixtures of Gaussians by expectation-maximisation, and the Dirichlet-process mixture that finds their number.

Dempster, Laird & Rubin 1977; of speakers: Reynolds 1995; adapted from a background: Reynolds, Quatieri & Dunn 2000; gaps:
Ghahramani & Jordan 1994; short runs choose the start: Biernacki, Celeux & Govaert 2003; unknown number: Blei & Jordan 2006.
Steps of a sequence are independent draws from the mixture.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor, nn

from venero.core.abilities import Completes, Encodes, Samples, Scores
from venero.core.errors import DataError, VeneroError, shown
from venero.core.learners import EMModel
from venero.core.params import accepts, param
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.maths import covariances, stickbreaking
from venero.maths.covariances import KINDS, Gaussians, Sums, log_joint
from venero.maths.missing import conditioned, gappy_sums
from venero.train.rules import Rule
from venero.train.run import Run
from venero.train.stage import Stage

LOOKED_AT = 20_000  # examples at most that the start is found on
AT_ONCE = 2**19  # numbers of a batch: few batches, as each begins by inverting every covariance
SHORT = 10  # iterations of a short run, where there are several starts
NONE = 1e-9  # examples that a component without any is taken to have
PRIORS = ("none", "dirichlet process")
LENGTHS = 65  # lengths of sequences that are kept, to sample from


class GMMNet(nn.Module):
    """p(x) = sum_k w_k N(x; m_k, S_k), in K components, D dimensions and double precision. Of NaN, what is known counts.

    `chol` is the root of the covariances: (K, D, D) or, tied, (D, D) lower triangles, (K, D) or (K,) standard deviations.
    """

    log_weight: Tensor  # (K,)
    mean: Tensor  # (K, D)
    chol: Tensor
    shift: Tensor  # (K,) what variational Bayes adds to the E-step's log-joints; 0 for maximum likelihood
    origin: Tensor  # (D,) statistics are taken about this point
    scale: Tensor  # (D, D) covariance of the data at the start, the prior of a Dirichlet process
    rows: Tensor  # () examples that the weights were learned from
    lengths: Tensor  # (LENGTHS,) quantiles of the lengths of sequences

    def __init__(self, spec: Spec, options: GMM):
        super().__init__()
        self.shape, self.kind, self.ridge = spec.shape, options.covariance, options.ridge
        self.sequential = spec.kind == "series"
        k, d = options.n_components, spec.shape[-1] if self.sequential else spec.numel
        self.concentration = None if options.prior == "none" else options.concentration or 1 / k
        self.code = Spec("vector", (k,), "standard")
        made = {"log_weight": (k,), "mean": (k, d), "chol": KINDS[self.kind].shape(k, d), "shift": (k,), "origin": (d,)}
        for name, shape in made.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))
        self.register_buffer("scale", torch.zeros((d, d) if self.concentration else (0, 0), dtype=torch.float64))
        self.register_buffer("rows", torch.zeros((), dtype=torch.float64))
        self.register_buffer("lengths", torch.zeros(LENGTHS if self.sequential else 0, dtype=torch.long))

    # -- density -----------------------------------------------------------------------
    @property
    def gaussians(self) -> Gaussians:
        return Gaussians(self.log_weight, self.mean, self.chol)

    def frames(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Rows that the mixture draws, (n, D), and the example that each is of: an example itself, or a sequence's steps."""
        if not self.sequential:
            return x.flatten(1), torch.arange(len(x), device=x.device)
        there = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        if lengths is not None:
            there = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        return x[there], there.nonzero()[:, 0]

    def joint(self, rows: Tensor) -> Tensor:
        """log w_k N(x; m_k, S_k) of what is known of each row: (n, D) -> (n, K)."""
        rows = rows.double()
        out = log_joint(self.kind, self.gaussians, rows)
        gaps = rows.isnan().any(1).nonzero()[:, 0]
        for places, logs, _, _ in conditioned(self.kind, self.gaussians, rows[gaps]) if len(gaps) else ():
            out[gaps[places]] = logs
        return out

    def log_prob(self, batch: Batch) -> Tensor:
        rows, of = self.frames(batch.x, batch.lengths)
        log_p = self.joint(rows).logsumexp(1)
        return log_p.new_zeros(len(batch.x)).index_add(0, of, log_p)

    def encode(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Responsibilities, of a sequence the mean over its steps: (B, ...) -> (B, K)."""
        rows, of = self.frames(x, lengths)
        share = self.joint(rows).softmax(1)
        sums = share.new_zeros(len(x), share.shape[1]).index_add(0, of, share)
        return (sums / of.bincount(minlength=len(x)).clamp_min(1)[:, None]).float()

    # -- learning ----------------------------------------------------------------------
    def e_step(self, batch: Batch) -> dict[str, Tensor]:
        """Sums over the rows, about the origin. `batch.y`, if given, weights the examples."""
        rows, of = self.frames(batch.x, batch.lengths)
        weight = None if batch.y is None else batch.y[of].double()
        count = torch.tensor(float(len(batch.x)), dtype=torch.float64) if batch.y is None else batch.y.sum().double()
        steps = torch.tensor(float(len(rows)), dtype=torch.float64) if weight is None else weight.sum()
        total = self.sums(rows.double() - self.origin, weight)
        return {"count": count, "steps": steps, "log_likelihood": total.log_p, **total._asdict()}

    def sums(self, rows: Tensor, weight: Tensor | None) -> Sums:
        about = Gaussians(self.log_weight + self.shift, self.mean - self.origin, self.chol)
        if not rows.sum().isnan():
            return covariances.sums(self.kind, about, rows, weight)
        gaps = rows.isnan().any(1)
        whole, w = ~gaps, (None, None) if weight is None else (weight[~gaps], weight[gaps])
        parts = covariances.sums(self.kind, about, rows[whole], w[0]), gappy_sums(self.kind, about, rows[gaps], w[1])
        return Sums(*(a + b for a, b in zip(*parts, strict=True)))

    def m_step(self, totals: dict[str, Tensor]) -> Tensor | None:
        """Solve for the parameters; a component without examples stays where it was. Variational Bayes returns its bound."""
        n, first, second = totals["n"], totals["first"], totals["second"]
        self.rows.copy_(totals["steps"])
        if self.concentration is not None:
            return self._variational(totals)
        some, kind = n + NONE, KINDS[self.kind]
        empty = n < NONE
        mean = torch.where(empty[:, None], self.mean - self.origin, first / some[:, None])
        covariance = kind.ridge(kind.scatter(some, first / some[:, None], second), self.ridge)
        chol = kind.root(covariance)
        if self.kind != "tied" and empty.any():
            chol[empty] = self.chol[empty]
        self.log_weight.copy_((some / some.sum()).log())
        self.mean.copy_(mean + self.origin)
        self.chol.copy_(chol)
        return None

    def _variational(self, totals: dict[str, Tensor]) -> Tensor:
        prior = stickbreaking.Priors(self.concentration or 1.0, torch.zeros_like(self.origin), self.scale)
        found = stickbreaking.solve(self.kind, totals["n"], totals["first"], totals["second"], self.ridge, prior)
        self.log_weight.copy_(found.log_weight)
        self.mean.copy_(found.mean + self.origin)
        self.chol.copy_(KINDS[self.kind].root(found.covariance))
        self.shift.copy_(found.shift)
        return found.bound + totals["entropy"]

    def begin(self, batch: Batch) -> None:
        """What is known of the data before any component is: their mean, covariance and lengths."""
        rows, of = self.frames(batch.x, batch.lengths)
        rows = rows.double()
        self.origin.copy_(rows.nanmean(0).nan_to_num())
        if self.concentration is not None:
            off = (rows - self.origin).nan_to_num()
            self.scale.copy_(off.T @ off / max(1, len(rows) - 1) + self.ridge * torch.eye(len(self.origin), dtype=off.dtype))
        if self.sequential:
            at = torch.linspace(0, len(batch.x) - 1, LENGTHS).round().long()
            self.lengths.copy_(of.bincount(minlength=len(batch.x)).sort().values[at])

    def start(self, batch: Batch, seed: int) -> None:
        """Components at the ends of a k-means that k-means++ starts, with a gap at its column's mean."""
        rows, of = self.frames(batch.x, batch.lengths)
        about = (rows.double() - self.origin).nan_to_num()
        weight = torch.ones(len(rows), dtype=torch.float64) if batch.y is None else batch.y[of].double()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # fewer different rows than components: some begin alike, and finish tells
            found = KMeans(len(self.mean), n_init=1, random_state=seed).fit(about.numpy(), sample_weight=weight.numpy())
        share = torch.nn.functional.one_hot(torch.from_numpy(found.labels_).long(), len(self.mean)).double() * weight[:, None]
        self.set_responsibilities(about, share)

    def set_responsibilities(self, about: Tensor, share: Tensor) -> None:
        """The M-step of given responsibilities: rows about the origin (n, D), (n, K)."""
        second = torch.stack([(about.T * s) @ about for s in share.T])
        moments = {"n": share.sum(0), "first": share.T @ about, "second": KINDS[self.kind].of_dense(second)}
        self.chol.copy_(self._whole(share.sum(1) @ about**2 / share.sum()))
        self.m_step({**moments, "steps": share.sum(), "entropy": share.new_zeros(())})

    def _whole(self, variance: Tensor) -> Tensor:
        """The root of one wide covariance, for components that begin without examples."""
        k, d = self.mean.shape
        deviation = (variance + self.ridge).sqrt()
        wide = {"full": torch.diag(deviation), "tied": torch.diag(deviation), "diag": deviation, "spherical": deviation.mean()}
        return wide[self.kind].expand(KINDS[self.kind].shape(k, d))

    # -- use ---------------------------------------------------------------------------
    def sample(self, n: int, labels: Tensor | None = None) -> Any:
        if not self.sequential:
            return self.draw(n).float().unflatten(1, self.shape)
        lengths = self.lengths[torch.randint(LENGTHS, (n,))]
        there = torch.arange(int(lengths.max())) < lengths[:, None]
        x = torch.zeros(*there.shape, self.mean.shape[1], dtype=torch.float64)
        x[there] = self.draw(int(lengths.sum()))
        return x.float(), lengths

    def draw(self, n: int) -> Tensor:
        """Rows from the mixture: (n, D)."""
        k, d = self.mean.shape
        which = self.log_weight.exp().multinomial(n, replacement=True)
        z = torch.randn(n, d, dtype=torch.float64)
        for i, lower in enumerate(KINDS[self.kind].dense(self.chol, k, d).expand(k, d, d)):
            z[which == i] = z[which == i] @ lower.T
        return self.mean[which] + z

    def complete(self, x: Tensor, known: Tensor, lengths: Tensor | None = None) -> Tensor:
        """E[unknown | known] in place of what is unknown, over all components: (B, ...), (B, ...) bool."""
        flat = torch.where(known, x, torch.nan).double().reshape(-1, self.mean.shape[1])
        gaps = flat.isnan().any(1).nonzero()[:, 0]
        for places, joint, filled, _ in conditioned(self.kind, self.gaussians, flat[gaps]) if len(gaps) else ():
            flat[gaps[places]] = (joint.softmax(1)[:, None] @ filled)[:, 0]
        return flat.float().view_as(x)

    def collapsed(self) -> list[int]:
        """Numbers of components without a whole example, or with no more spread than the ridge in any direction."""
        k, d = self.mean.shape
        roots = KINDS[self.kind].dense(self.chol, k, d).expand(k, d, d)
        point = (roots**2).sum((1, 2)) <= 2 * d * self.ridge
        return (((self.log_weight.exp() * self.rows) < 0.5) | point).nonzero()[:, 0].tolist()


@dataclass(eq=False, kw_only=True, repr=False)
class GMM(EMModel[GMMNet], Samples, Scores, Encodes, Completes):
    """A mixture of Gaussians with full, tied, diagonal or spherical covariances; codes are the components' responsibilities.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(300, 1)) + np.repeat([[0.0], [9.0]], 150, axis=0)
    >>> GMM(n_components=2, random_state=0).fit(X).encode([[0.0], [9.0]]).max(1).round(3).tolist()
    [1.0, 1.0]
    """

    forms = {"image": "unit", "table": "gaps", "vector": "standard", "series": "gaps", "audio": "mfcc"}  # noqa: RUF012 - a ClassVar by its base
    score_kind = "exact"
    paper = "Dempster, Laird & Rubin 1977; Reynolds 1995"

    n_components: int = param(4, "Gaussians; at most that many with a Dirichlet process", low=1)
    covariance: str = param("full", "shape of the Gaussians", choices=tuple(KINDS))
    n_init: int = param(1, "k-means++ starts; short runs choose the best", low=1)
    prior: str = param("none", "none: maximum likelihood; or a prior that leaves spare components empty", choices=PRIORS)
    concentration: float | None = param(None, "of the Dirichlet process, small for few; None: 1 / n_components", above=0)
    ridge: float = param(1e-6, "added to every variance (of standardised columns), so that no component is a point", above=0)

    def fit(self, X: Any, y: Any = None, *, sample_weight: Any = None, run: Run | None = None) -> Self:
        """Learn from X, of which each example counts as often as its `sample_weight` (n,) says. Returns self."""
        self._weight = sample_weight
        try:
            return super().fit(X, y, run=run)
        finally:
            del self._weight

    def build(self, spec: Spec) -> GMMNet:
        return GMMNet(spec, self)

    def stages(self, net: GMMNet, data: Data) -> Iterator[Stage]:
        weight = _checked(getattr(self, "_weight", None), len(data))
        data = replace(data, y=weight)  # a batch's y weights its examples
        some = data.some(max(1, LOOKED_AT // (net.shape[0] if net.sequential else 1)))
        rows = len(net.frames(some.x, some.lengths)[0])
        if rows < len(net.mean):
            what = "steps in X" if net.sequential else "sample(s) of X"
            raise DataError(
                f"n_components = {len(net.mean)} is more than the {rows} {what}: set n_components to {rows} or less"
            )
        net.begin(some)
        self._begin(net, some)
        yield self.stage(data, self.rule(net))

    def stage(self, data: Data, rule: Rule, name: str = "fit") -> Stage:
        return Stage(name, data, rule, self.max_iter, batch_size=max(512, min(16_384, AT_ONCE // data.spec.numel)))

    def _begin(self, net: GMMNet, some: Batch) -> None:
        """The best of n_init starts after a short run of each."""
        best, kept = -float("inf"), {}
        for seed in torch.randint(2**31, (self.n_init,), device="cpu").tolist():
            net.shift.zero_()
            net.start(some, seed)
            if self.n_init == 1:
                return
            for _ in range(SHORT):
                net.m_step(totals := net.e_step(some))
            if (found := float(totals["log_likelihood"])) > best:
                best, kept = found, copy.deepcopy(net.state_dict())
        net.load_state_dict(kept)

    def finish(self, net: GMMNet, batch: Batch) -> None:
        if self.prior == "none" and len(batch.x) > len(net.mean) and (numbers := net.collapsed()):
            warnings.warn(
                f"GMM: component {', '.join(map(str, numbers))} of {len(net.mean)} collapsed (no example, or no spread): "
                f"set n_components to {len(net.mean) - len(numbers)}, n_init higher or ridge above {self.ridge:g}",
                stacklevel=3,
            )

    # -- choosing ----------------------------------------------------------------------
    @property
    def n_effective_(self) -> int:
        """Components with at least one whole example of those that fit saw."""
        self._check_fitted()
        return int((self.net_.log_weight.exp() * self.net_.rows >= 1).sum())

    @property
    def n_free_(self) -> int:
        """Free parameters: weights, means and covariances."""
        self._check_fitted()
        k, d = self.net_.mean.shape
        return k - 1 + k * d + KINDS[self.covariance].free(k, d)

    def bic(self, X: Any) -> float:
        """Schwarz's criterion, -2 log p(X) + parameters x log of the rows (of sequences, steps): lower is better."""
        rows = sum(map(len, X)) if self.net_.sequential else len(X)
        return float(-2 * self.score_samples(X).sum() + self.n_free_ * np.log(rows))

    def aic(self, X: Any) -> float:
        """Akaike's criterion, -2 log p(X) + 2 x parameters: lower is better."""
        return float(-2 * self.score_samples(X).sum() + 2 * self.n_free_)

    # -- adaptation --------------------------------------------------------------------
    def adapt(self, X: Any, relevance: float = 16.0) -> Self:
        """A copy whose means have moved towards X, the more so the more of X is theirs (Reynolds, Quatieri & Dunn 2000).

        m_k <- a_k E_k[x] + (1 - a_k) m_k with a_k = n_k / (n_k + relevance): inf keeps the background, 0 takes X's means.
        """
        if not accepts(relevance, float) or relevance < 0:
            raise VeneroError(f"relevance = {shown(relevance)}: must be a number >= 0, such as 16")
        self._check_fitted()
        data = Data.of(self._check_input(X, reset=False), self.codec_, self.spec_, device=self._device())
        parts = [self.net_.e_step(batch) for batch in data.batches(4096)]
        n, first = (sum(p[name] for p in parts) for name in ("n", "first"))
        adapted = copy.deepcopy(self)
        net: GMMNet = adapted.net_
        share = torch.where(n > NONE, 1 / (1 + relevance / n.clamp_min(NONE)), 0.0)[:, None]
        net.mean.copy_(share * (first / n.clamp_min(NONE)[:, None] + net.origin) + (1 - share) * net.mean)
        return adapted


def _checked(weight: Any, n: int) -> Tensor | None:
    """Sample weights as a tensor (n,)."""
    if weight is None:
        return None
    try:
        given = np.asarray(weight, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise DataError(f"sample_weight = {shown(weight)}: must be one number >= 0 for each example") from e
    given = np.full(n, given) if given.ndim == 0 else given
    if given.shape != (n,):
        raise DataError(f"sample_weight has shape {given.shape}: must be ({n},), one weight for each example")
    if not np.isfinite(given).all() or (given < 0).any() or not given.any():
        raise DataError("sample_weight must be finite, none below zero and not all zero: give one number for each example")
    return torch.from_numpy(given.copy())
