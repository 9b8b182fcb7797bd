"""p(group | what came before): pixels and columns one at a time, each from numbers h that a network puts out for it.

A kind of group says how wide it is in x, how many numbers it needs, and scores or draws it. Shapes: v (..., n_in) and h
(..., n_out); leading axes are examples and groups of one kind.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from venero.data.spec import Spec
from venero.maths.gaussian import log_normal
from venero.maths.likelihoods import log_bernoulli, log_discretised_logistic, sample_logistic

INSIDE = (0.01, 0.99)  # shares that a start is kept between
SMALLEST_LOG_SIGMA = -5.0  # a column of a few values would otherwise have an unbounded density


class Kind(Protocol, Hashable):
    """One sort of group."""

    @property
    def n_in(self) -> int: ...
    @property
    def n_out(self) -> int: ...
    def log_prob(self, v: Tensor, h: Tensor) -> Tensor: ...  # (...), in nats
    def sample(self, h: Tensor) -> Tensor: ...  # (..., n_in)
    def start(self, v: Tensor) -> Tensor: ...  # examples (n, G, n_in) -> h (G, n_out) that fits them about


@dataclass(frozen=True)
class Bit:
    """0 or 1 with probability sigmoid(h)."""

    n_in = n_out = 1

    def log_prob(self, v: Tensor, h: Tensor) -> Tensor:
        return log_bernoulli(v, h)[..., 0]

    def sample(self, h: Tensor) -> Tensor:
        return h.sigmoid().bernoulli()

    def start(self, v: Tensor) -> Tensor:
        return v.mean(0).clamp(*INSIDE).logit()


@dataclass(frozen=True)
class Grey:
    """One of so many grey levels: a mixture of discretised logistics (Salimans et al. 2017)."""

    levels: int
    components: int
    n_in = 1

    @property
    def n_out(self) -> int:
        return 3 * self.components

    def log_prob(self, v: Tensor, h: Tensor) -> Tensor:
        logits, mean, log_scale = h.chunk(3, -1)
        each = log_discretised_logistic(v, mean.sigmoid(), (log_scale - 2).clamp(-7, 3), self.levels)
        return (logits.log_softmax(-1) + each).logsumexp(-1)

    def sample(self, h: Tensor) -> Tensor:
        mean, log_scale = _picked(h)
        steps = self.levels - 1
        x = sample_logistic(mean.sigmoid(), (log_scale - 2).clamp(-7, 3))
        return (x * steps).round().clamp(0, steps) / steps

    def start(self, v: Tensor) -> Tensor:
        return torch.cat([torch.zeros_like(q := _quantiles(v, self.components)), q.clamp(*INSIDE).logit(), 0 * q], -1)


@dataclass(frozen=True)
class Number:
    """A number: a mixture of Gaussians; where the column has gaps, a bit says that it is missing."""

    components: int
    missing: bool = False

    @property
    def n_in(self) -> int:
        return 2 if self.missing else 1

    @property
    def n_out(self) -> int:
        return 3 * self.components + self.missing

    def log_prob(self, v: Tensor, h: Tensor) -> Tensor:
        logits, mean, log_sigma = h[..., : 3 * self.components].chunk(3, -1)
        each = log_normal(v[..., :1], mean, log_sigma.clamp_min(SMALLEST_LOG_SIGMA))
        value = (logits.log_softmax(-1) + each).logsumexp(-1)
        if not self.missing:
            return value
        return value * (1 - v[..., 1]) + log_bernoulli(v[..., 1], h[..., -1])

    def sample(self, h: Tensor) -> Tensor:
        mean, log_sigma = _picked(h[..., : 3 * self.components])
        value = mean + log_sigma.clamp_min(SMALLEST_LOG_SIGMA).exp() * torch.randn_like(mean)
        if not self.missing:
            return value
        gone = h[..., -1:].sigmoid().bernoulli()
        return torch.cat([value * (1 - gone), gone], -1)

    def start(self, v: Tensor) -> Tensor:
        q = _quantiles(v[..., :1], self.components)
        h = torch.cat([torch.zeros_like(q), q, torch.full_like(q, -0.5)], -1)
        return torch.cat([h, v[..., 1:].mean(0).clamp(*INSIDE).logit()], -1) if self.missing else h


@dataclass(frozen=True)
class Category:
    """One of some levels, one-hot."""

    levels: int

    @property
    def n_in(self) -> int:
        return self.levels

    @property
    def n_out(self) -> int:
        return self.levels

    def log_prob(self, v: Tensor, h: Tensor) -> Tensor:
        return (v * h.log_softmax(-1)).sum(-1)

    def sample(self, h: Tensor) -> Tensor:
        return F.one_hot(torch.distributions.Categorical(logits=h).sample(), self.levels).to(h)

    def start(self, v: Tensor) -> Tensor:
        return v.mean(0).clamp_min(INSIDE[0]).log()


def _picked(h: Tensor) -> tuple[Tensor, Tensor]:
    """The location and log scale of a component drawn by its weight: (..., 3 K) -> two of (..., 1)."""
    logits, location, log_scale = h.chunk(3, -1)
    which = torch.distributions.Categorical(logits=logits).sample()[..., None]
    return location.gather(-1, which), log_scale.gather(-1, which)


def _quantiles(v: Tensor, n: int) -> Tensor:
    """n values spread evenly over each group's: (examples, G, 1) -> (G, n)."""
    at = (torch.arange(n, device=v.device) + 0.5) / n
    return torch.quantile(v[..., 0], at.to(v), dim=0).T


def kinds_of(spec: Spec, components: int, as_bits: bool) -> list[Kind]:
    """A kind for each pixel or column, in their order."""
    if spec.form == "columns":
        return [Category(c.levels) if c.levels else Number(components, c.missing) for c in spec.columns]
    kind: Kind = Bit() if as_bits else Grey(spec.levels, components) if spec.levels else Number(components)
    return [kind] * spec.numel


class Conditionals(nn.Module):
    """G groups, whose places in x (D) and in the network's output (P) follow each other."""

    in_group: Tensor  # (D,) the group of each place of x
    out_group: Tensor  # (P,) the group of each number that the network puts out

    def __init__(self, kinds: Sequence[Kind]):
        super().__init__()
        self.kinds = list(kinds)
        self.ins, self.outs = _slices([k.n_in for k in kinds]), _slices([k.n_out for k in kinds])
        groups = torch.arange(len(self.kinds))
        for name, widths in {"in": [k.n_in for k in kinds], "out": [k.n_out for k in kinds]}.items():
            self.register_buffer(f"{name}_group", groups.repeat_interleave(torch.tensor(widths)), persistent=False)
        self.sorts = {kind: [g for g, k in enumerate(self.kinds) if k == kind] for kind in dict.fromkeys(self.kinds)}

    def __len__(self) -> int:
        return len(self.kinds)

    def log_probs(self, x: Tensor, h: Tensor) -> Tensor:
        """(B, D), (B, P) -> (B, G) in nats."""
        out = h.new_zeros(len(h), len(self))
        for kind, groups in self.sorts.items():
            out = out.index_copy(1, torch.tensor(groups, device=h.device), kind.log_prob(*self._of(kind, groups, x, h)))
        return out

    def start(self, x: Tensor) -> Tensor:
        """The (P,) numbers that fit examples (n, D) where nothing is known of them."""
        h = x.new_zeros(1, len(self.out_group))
        for kind, groups in self.sorts.items():
            v, _ = self._of(kind, groups, x, h)
            for g, part in zip(groups, kind.start(v), strict=True):
                h[0, self.outs[g]] = part
        return h[0]

    def _of(self, kind: Kind, groups: list[int], x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """The parts of x and h that are groups of one kind: (B, g, n_in), (B, g, n_out)."""
        if len(groups) == len(self):
            return x.unflatten(1, (-1, kind.n_in)), h.unflatten(1, (-1, kind.n_out))
        v = torch.stack([x[:, self.ins[g]] for g in groups], 1)
        return v, torch.stack([h[:, self.outs[g]] for g in groups], 1)


def _slices(widths: list[int]) -> list[slice]:
    ends = torch.tensor(widths).cumsum(0).tolist()
    return [slice(end - width, end) for width, end in zip(widths, ends, strict=True)]
