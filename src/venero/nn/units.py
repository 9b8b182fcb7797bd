"""Visible units of a Boltzmann machine: each kind is an exponential family whose inputs come from the hidden units.

p(v | t) ~ exp(field(v) . t - base(v)), where t (B, D) is the units' bias plus what the hidden units send, and `field` is what
the hidden units are sent. `log_sum` is the log of the normaliser, so that energies of any mixture of kinds add up (Welling,
Rosen-Zvi & Hinton 2004). Gaussian units: Cho, Ilin & Raiko 2011.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from venero.data.spec import Spec
from venero.maths.gaussian import LOG_2PI
from venero.maths.random import bits

SMALLEST_LOG_SIGMA = -2.0  # a constant column would otherwise have an unbounded density
RARE = 1e-3  # share below which a unit's start is not taken from the data


class Units(nn.Module):
    """What all kinds share; `width` numbers an example."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width

    def field(self, v: Tensor) -> Tensor:
        """What hidden units see: (B, D) -> (B, D)."""
        return v

    def base(self, v: Tensor) -> Tensor:
        """The energy that no input changes: (B, D) -> (B,)."""
        return v.new_zeros(len(v))

    def log_sum(self, t: Tensor) -> Tensor:
        """log of the sum (or integral) over v of exp(field(v) . t - base(v)): (B, D) -> (B,)."""
        raise NotImplementedError

    def mean(self, t: Tensor) -> Tensor:
        """E[v | t]: (B, D) -> (B, D)."""
        raise NotImplementedError

    def sample(self, t: Tensor) -> Tensor:
        """A draw of v given t: (B, D) -> (B, D)."""
        raise NotImplementedError

    def bias_of(self, mean: Tensor) -> Tensor:
        """The inputs at which the units' means are those of the data: (D,) -> (D,)."""
        raise NotImplementedError

    def scale_gradient(self, v: Tensor, t: Tensor) -> Tensor | None:
        """-dF/d log sigma, averaged over examples (D,), t being the inputs from the hidden probabilities; None: no scale."""
        return None

    def expected(self, t: Tensor) -> Tensor:
        """A completion's value of v: the mean, with what can't be missing there."""
        return self.mean(t)


class Bits(Units):
    """0 or 1, on with probability sigmoid(t)."""

    def log_sum(self, t: Tensor) -> Tensor:
        return F.softplus(t).sum(-1)

    def mean(self, t: Tensor) -> Tensor:
        return t.sigmoid()

    def sample(self, t: Tensor) -> Tensor:
        return bits(t.sigmoid())

    def bias_of(self, mean: Tensor) -> Tensor:
        return mean.clamp(RARE, 1 - RARE).logit()


class Choice(Units):
    """One-hot: one of D levels, with probabilities softmax(t)."""

    def log_sum(self, t: Tensor) -> Tensor:
        return t.logsumexp(-1)

    def mean(self, t: Tensor) -> Tensor:
        return t.softmax(-1)

    def sample(self, t: Tensor) -> Tensor:
        return F.one_hot(t.softmax(-1).multinomial(1)[:, 0], self.width).to(t.dtype)

    def bias_of(self, mean: Tensor) -> Tensor:
        return mean.clamp_min(RARE).log()


class Gaussians(Units):
    """N(t, sigma^2) with a sigma for each unit, learned or 1."""

    def __init__(self, width: int, learn_sigma: bool = False):
        super().__init__(width)
        self.log_sigma = nn.Parameter(torch.zeros(width), requires_grad=learn_sigma)

    def scale(self) -> Tensor:
        """log sigma (D,)."""
        return self.log_sigma.clamp_min(SMALLEST_LOG_SIGMA)

    def field(self, v: Tensor) -> Tensor:
        return v * (-2 * self.scale()).exp()

    def base(self, v: Tensor) -> Tensor:
        return 0.5 * (v**2 * (-2 * self.scale()).exp()).sum(-1)

    def log_sums(self, t: Tensor) -> Tensor:
        """Of each unit: (B, D)."""
        s = self.scale()
        return 0.5 * (t**2 * (-2 * s).exp() + LOG_2PI) + s

    def log_sum(self, t: Tensor) -> Tensor:
        return self.log_sums(t).sum(-1)

    def mean(self, t: Tensor) -> Tensor:
        return t

    def sample(self, t: Tensor) -> Tensor:
        return t + self.scale().exp() * torch.randn_like(t)

    def bias_of(self, mean: Tensor) -> Tensor:
        return mean

    def scale_gradient(self, v: Tensor, t: Tensor) -> Tensor | None:
        return ((v**2 - 2 * v * t) * (-2 * self.scale()).exp()).mean(0) if self.log_sigma.requires_grad else None


class Mixed(Units):
    """A table's columns: Gaussian values, a missing flag where a column had gaps, one-hot categories.

    Where the flag is 1 there is no value, and so no energy of one: exp(t_flag) is weighed against the value's integral.
    """

    value: Tensor  # (C,) places of the continuous values
    flag: Tensor  # (M,) places of the missing flags
    flagged: Tensor  # (M,) which continuous columns those belong to

    def __init__(self, spec: Spec, learn_sigma: bool = False):
        super().__init__(spec.numel)
        continuous = [c for c in spec.columns if not c.levels]
        flagged = [i for i, c in enumerate(continuous) if c.missing]
        self.gaussians = Gaussians(len(continuous), learn_sigma)
        self.blocks = [(c.start, Choice(c.levels)) for c in spec.columns if c.levels]
        for name, places in {
            "value": [c.start for c in continuous],
            "flag": [continuous[i].start + 1 for i in flagged],
            "flagged": flagged,
        }.items():
            self.register_buffer(name, torch.tensor(places, dtype=torch.long), persistent=False)

    def field(self, v: Tensor) -> Tensor:
        return v.index_copy(-1, self.value, self.gaussians.field(v[..., self.value]))

    def base(self, v: Tensor) -> Tensor:
        return self.gaussians.base(v[..., self.value])  # a missing value is 0 in v

    def log_sum(self, t: Tensor) -> Tensor:
        values = self.gaussians.log_sums(t[..., self.value])
        both = torch.logaddexp(values[..., self.flagged], t[..., self.flag])
        total = values.index_copy(-1, self.flagged, both).sum(-1)
        for start, choice in self.blocks:
            total = total + choice.log_sum(t[..., start : start + choice.width])
        return total

    def missing(self, t: Tensor) -> Tensor:
        """The probability that each flag is 1: (B, M)."""
        values = self.gaussians.log_sums(t[..., self.value])
        return (t[..., self.flag] - values[..., self.flagged]).sigmoid()

    def mean(self, t: Tensor) -> Tensor:
        return self._fill(t, self.gaussians.mean, (self.missing(t) > 0.5).to(t.dtype), lambda c, u: c.mean(u))

    def sample(self, t: Tensor) -> Tensor:
        return self._fill(t, self.gaussians.sample, bits(self.missing(t)), lambda c, u: c.sample(u))

    def expected(self, t: Tensor) -> Tensor:
        return self._fill(t, self.gaussians.mean, torch.zeros_like(t[..., self.flag]), lambda c, u: c.mean(u))

    def bias_of(self, mean: Tensor) -> Tensor:
        bias = mean.clone()
        for start, choice in self.blocks:
            bias[start : start + choice.width] = choice.bias_of(mean[start : start + choice.width])
        share = mean[self.flag].clamp(RARE, 1 - RARE)
        there = self.value[self.flagged]
        bias[there] = mean[there] / (1 - share)
        bias[self.flag] = share.logit() + self.gaussians.log_sums(bias[self.value])[self.flagged]
        return bias

    def scale_gradient(self, v: Tensor, t: Tensor) -> Tensor | None:
        return self.gaussians.scale_gradient(v[..., self.value], t[..., self.value])

    def _fill(
        self, t: Tensor, value: Callable[[Tensor], Tensor], missing: Tensor, pick: Callable[[Choice, Tensor], Tensor]
    ) -> Tensor:
        values = value(t[..., self.value])
        values = values.index_copy(-1, self.flagged, values[..., self.flagged] * (1 - missing))
        v = torch.zeros_like(t).index_copy(-1, self.value, values).index_copy(-1, self.flag, missing)
        for start, choice in self.blocks:
            v[..., start : start + choice.width] = pick(choice, t[..., start : start + choice.width])
        return v


class Joint(Units):
    """Several kinds side by side: an example's units, then its label's."""

    def __init__(self, parts: Sequence[Units]):
        super().__init__(sum(p.width for p in parts))
        self.parts = nn.ModuleList(parts)
        self.widths = [p.width for p in parts]

    def _each(self, verb: str, *x: Tensor) -> list[Tensor]:
        pieces = zip(*(t.split(self.widths, -1) for t in x), strict=True)
        return [getattr(part, verb)(*piece) for part, piece in zip(self.parts, pieces, strict=True)]

    def field(self, v: Tensor) -> Tensor:
        return torch.cat(self._each("field", v), -1)

    def base(self, v: Tensor) -> Tensor:
        return torch.stack(self._each("base", v)).sum(0)

    def log_sum(self, t: Tensor) -> Tensor:
        return torch.stack(self._each("log_sum", t)).sum(0)

    def mean(self, t: Tensor) -> Tensor:
        return torch.cat(self._each("mean", t), -1)

    def sample(self, t: Tensor) -> Tensor:
        return torch.cat(self._each("sample", t), -1)

    def expected(self, t: Tensor) -> Tensor:
        return torch.cat(self._each("expected", t), -1)

    def bias_of(self, mean: Tensor) -> Tensor:
        return torch.cat(self._each("bias_of", mean), -1)

    def scale_gradient(self, v: Tensor, t: Tensor) -> Tensor | None:
        return next((g for g in self._each("scale_gradient", v, t) if g is not None), None)
