"""Observation models: p(x | h), where h is what a decoder puts out.

Each says how many numbers it needs per element, scores x in nats, and gives the mean of x or a draw of it. Shapes: x is
(..., *shape) and h (..., P * C, *rest), where shape = (C, *rest) and P is `per_element`; leading axes broadcast.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from venero.data.spec import Spec
from venero.maths.gaussian import log_normal
from venero.maths.likelihoods import log_bernoulli, log_discretised_logistic, sample_logistic

SMALLEST_LOG_SIGMA = -7.0  # a constant column would otherwise have an unbounded density
INSIDE = (0.01, 0.99)  # mean grey levels that a decoder starts at: nearer to 0 and 1 a sigmoid hardly learns
PACE = 5.0  # a learned log sigma is this times its parameter: it has farther to go than weights have, and steps are alike


class Observation(nn.Module):
    """What the observation models share: x's shape, and the places where they differ."""

    per_element = 1  # numbers per element that the decoder puts out
    density = True  # a density in x's units (else a probability mass)
    squash = True  # h is squashed into 0..1 by a sigmoid
    binary = False  # x is drawn as bits, with the grey level as probability, before it is scored

    def __init__(self, spec: Spec):
        super().__init__()
        self.axes = len(spec.shape)

    def total(self, elements: Tensor) -> Tensor:
        """Sum over the axes of one example."""
        return elements.flatten(-self.axes).sum(-1)

    def split(self, h: Tensor) -> tuple[Tensor, ...]:
        return h.chunk(self.per_element, dim=-self.axes)

    def log_probs(self, x: Tensor, h: Tensor) -> Tensor:
        """log p(x | h) of each element, in nats: (..., *shape); what belongs to a block stands in its places."""
        raise NotImplementedError

    def log_prob(self, x: Tensor, h: Tensor) -> Tensor:
        """log p(x | h) of each example, in nats."""
        return self.total(self.log_probs(x, h))

    def mean(self, h: Tensor) -> Tensor:
        """The expected x (network form): what a decoder shows."""
        raise NotImplementedError

    def inverse(self, mean: Tensor) -> Tensor:
        """The h (P * C, *rest) at which the expected x is `mean` (C, *rest); what else h says is 0."""
        h = mean.clamp(*INSIDE).logit() if self.squash else mean
        return torch.cat([h, h.new_zeros((self.per_element - 1) * h.shape[0], *h.shape[1:])])

    def sample(self, h: Tensor) -> Tensor:
        """A draw of x (network form)."""
        raise NotImplementedError

    def distance(self, x: Tensor, h: Tensor) -> Tensor:
        """What an auto-encoder minimises: here -log p(x | h)."""
        return -self.log_prob(x, h)

    def squared_errors(self, x: Tensor, h: Tensor) -> Tensor:
        """Squared distance of each element of x to the expected one: (..., *shape)."""
        return (x - self.mean(h)) ** 2

    def squared_error(self, x: Tensor, h: Tensor) -> Tensor:
        """Squared distance of x to the expected x, summed over an example's elements."""
        return self.total(self.squared_errors(x, h))


class Squared(Observation):
    """No probabilities, only the squared error; images are squashed into 0..1."""

    def __init__(self, spec: Spec):
        super().__init__(spec)
        self.squash = spec.form == "unit"

    def mean(self, h: Tensor) -> Tensor:
        return h.sigmoid() if self.squash else h

    def distance(self, x: Tensor, h: Tensor) -> Tensor:
        return self.squared_error(x, h)


class Bernoulli(Observation):
    """Bits with probability sigmoid(h). Grey levels are probabilities: bits are drawn from them (dynamic binarisation)."""

    density = False

    def __init__(self, spec: Spec):
        super().__init__(spec)
        self.binary = spec.levels != 2  # bits drawn from bits would be the same bits

    def log_probs(self, x: Tensor, h: Tensor) -> Tensor:
        return log_bernoulli(x, h)

    def mean(self, h: Tensor) -> Tensor:
        return h.sigmoid()

    def sample(self, h: Tensor) -> Tensor:
        return h.sigmoid().bernoulli()


class Gaussian(Observation):
    """N(h, sigma^2) with one learned sigma for all elements (Rybkin et al. 2021)."""

    def __init__(self, spec: Spec):
        super().__init__(spec)
        self.paced_log_sigma = nn.Parameter(torch.tensor(-1.5 / PACE if spec.form == "unit" else 0.0))
        self.squash = spec.form == "unit"

    def mean(self, h: Tensor) -> Tensor:
        return h.sigmoid() if self.squash else h

    def scale(self) -> Tensor:
        """log sigma."""
        return (PACE * self.paced_log_sigma).clamp_min(SMALLEST_LOG_SIGMA)

    def log_probs(self, x: Tensor, h: Tensor) -> Tensor:
        return log_normal(x, self.mean(h), self.scale())

    def sample(self, h: Tensor) -> Tensor:
        mean = self.mean(h)
        return mean + self.scale().exp() * torch.randn_like(mean)


class DiscretisedLogistic(Observation):
    """A probability for each of the data's grey levels (256 for 8-bit images): a logistic density, binned."""

    per_element = 2
    density = False

    def __init__(self, spec: Spec):
        super().__init__(spec)
        self.levels = spec.levels

    def split(self, h: Tensor) -> tuple[Tensor, ...]:
        mean, log_scale = super().split(h)
        return mean.sigmoid(), (log_scale - 2).clamp(-7, 3)

    def log_probs(self, x: Tensor, h: Tensor) -> Tensor:
        mean, log_scale = self.split(h)
        return log_discretised_logistic(x, mean, log_scale, self.levels)

    def mean(self, h: Tensor) -> Tensor:
        return self.split(h)[0]

    def sample(self, h: Tensor) -> Tensor:
        steps = self.levels - 1
        return (sample_logistic(*self.split(h)) * steps).round().clamp(0, steps) / steps


class Columns(Observation):
    """Mixed columns: a Gaussian with a learned sigma for each continuous one, a categorical for each other, and a bit that
    says whether a value is missing. A missing value adds nothing but the bit's probability."""

    start: Tensor  # (C,) places of the continuous values
    flag: Tensor  # (M,) places of the missing flags
    flagged: Tensor  # (M,) which continuous columns those belong to

    def __init__(self, spec: Spec):
        super().__init__(spec)
        continuous = [c for c in spec.columns if not c.levels]
        flagged = [i for i, c in enumerate(continuous) if c.missing]
        self.register_buffer("start", torch.tensor([c.start for c in continuous], dtype=torch.long), persistent=False)
        self.register_buffer(
            "flag", torch.tensor([continuous[i].start + 1 for i in flagged], dtype=torch.long), persistent=False
        )
        self.register_buffer("flagged", torch.tensor(flagged, dtype=torch.long), persistent=False)
        self.blocks = [(c.start, c.stop) for c in spec.columns if c.levels]
        self.paced_log_sigma = nn.Parameter(torch.zeros(len(continuous)))

    def scale(self) -> Tensor:
        """log sigma."""
        return (PACE * self.paced_log_sigma).clamp_min(SMALLEST_LOG_SIGMA)

    def log_probs(self, x: Tensor, h: Tensor) -> Tensor:
        values = log_normal(x[..., self.start], h[..., self.start], self.scale())  # (..., C)
        out = torch.zeros_like(h).index_copy(-1, self.start, values * self._present(x))
        out = out.index_copy(-1, self.flag, log_bernoulli(x[..., self.flag], h[..., self.flag]))
        for a, b in self.blocks:
            out[..., a:b] = x[..., a:b] * h[..., a:b].log_softmax(-1)
        return out

    def log_prob(self, x: Tensor, h: Tensor) -> Tensor:
        """The sum of `log_probs`, which training has no need to put into places."""
        values = log_normal(x[..., self.start], h[..., self.start], self.scale())  # (..., C)
        return (values * self._present(x)).sum(-1) + self._log_levels(x, h)

    def distance(self, x: Tensor, h: Tensor) -> Tensor:
        """Squared error of the continuous columns, cross entropy of the others."""
        squares = (x[..., self.start] - h[..., self.start]) ** 2
        return (squares * self._present(x)).sum(-1) - self._log_levels(x, h)

    def squared_errors(self, x: Tensor, h: Tensor) -> Tensor:
        difference = x - self.mean(h)
        values = difference[..., self.start] * self._present(x)
        return difference.index_copy(-1, self.start, values) ** 2

    def _present(self, x: Tensor) -> Tensor:
        """1 where a continuous value is there, 0 where it is missing: (..., C)."""
        return torch.ones_like(x[..., self.start]).index_copy(-1, self.flagged, 1 - x[..., self.flag])

    def _log_levels(self, x: Tensor, h: Tensor) -> Tensor:
        """Log-probability of all categories and missing flags."""
        total = log_bernoulli(x[..., self.flag], h[..., self.flag]).sum(-1)
        for a, b in self.blocks:
            total = total + (x[..., a:b] * h[..., a:b].log_softmax(-1)).sum(-1)
        return total

    def inverse(self, mean: Tensor) -> Tensor:
        """Log shares of the levels, log odds of the flags; the values stay."""
        h = mean.index_copy(-1, self.flag, mean[..., self.flag].clamp(*INSIDE).logit())
        for a, b in self.blocks:
            h[..., a:b] = mean[..., a:b].clamp_min(INSIDE[0]).log()
        return h

    def mean(self, h: Tensor) -> Tensor:
        """Means of the continuous columns, the likeliest level of the others."""
        return self._fill(h, h[..., self.start], (h[..., self.flag] > 0).float(), lambda block: block.argmax(-1))

    def sample(self, h: Tensor) -> Tensor:
        mean = h[..., self.start]
        draw = lambda block: torch.distributions.Categorical(logits=block).sample()  # noqa: E731
        return self._fill(h, mean + self.scale().exp() * torch.randn_like(mean), h[..., self.flag].sigmoid().bernoulli(), draw)

    def _fill(self, h: Tensor, values: Tensor, missing: Tensor, pick: Callable[[Tensor], Tensor]) -> Tensor:
        x = torch.zeros_like(h).index_copy(-1, self.start, values).index_copy(-1, self.flag, missing)
        x = x.index_copy(-1, self.start[self.flagged], values[..., self.flagged] * (1 - missing))
        for a, b in self.blocks:
            x[..., a:b] = F.one_hot(pick(h[..., a:b]), b - a).to(x.dtype)
        return x


OBSERVATIONS: dict[str, type[Observation]] = {
    "bernoulli": Bernoulli,
    "gaussian": Gaussian,
    "logistic": DiscretisedLogistic,
    "columns": Columns,
}
