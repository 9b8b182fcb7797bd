"""A stand-in for models of sequences: steps on their own, each a Gaussian or out of a table of shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from venero.core.abilities import Completes, Encodes, Samples, Scores
from venero.core.learners import EMModel
from venero.core.params import param
from venero.data.spec import Batch, Spec


class StepsNet(nn.Module):
    """p(x) = prod_t N(x_t; mean, diag var), or prod_t p[x_t] of symbols; as long as the examples are on average."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec, self.density = spec, spec.kind == "series"
        self.code = Spec("series", (spec.shape[0], 1), "standard")
        d = spec.shape[1] if self.density else spec.levels
        self.register_buffer("mean", torch.zeros(d, dtype=torch.float64))
        self.register_buffer("var", torch.ones(d, dtype=torch.float64))
        self.register_buffer("length", torch.tensor(1.0, dtype=torch.float64))

    def steps(self, batch: Batch) -> Tensor:
        """log p of each step, (B, T), 0 beyond the end and for what is missing."""
        inside = torch.arange(batch.x.shape[1]) < batch.lengths[:, None]
        if not self.density:
            return self.mean.clamp_min(1e-9).log()[batch.x] * inside
        z = -0.5 * ((batch.x.double() - self.mean) ** 2 / self.var + (2 * torch.pi * self.var).log())
        return z.nan_to_num(0.0).sum(-1) * inside

    def log_prob(self, batch: Batch) -> Tensor:
        return self.steps(batch).sum(1)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.steps(Batch(x, None, lengths))[..., None]

    def e_step(self, batch: Batch) -> dict[str, Tensor]:
        inside = torch.arange(batch.x.shape[1]) < batch.lengths[:, None]
        x = batch.x[inside]
        x = x.double() if self.density else nn.functional.one_hot(x, len(self.mean)).double()
        there = ~torch.isnan(x)
        x = x.nan_to_num(0.0)
        count = torch.tensor(float(len(batch.x)), dtype=torch.float64)
        sums = {"n": there.sum(0).double(), "x": x.sum(0), "xx": (x * x).sum(0), "length": batch.lengths.sum().double()}
        return {"count": count, "log_likelihood": self.log_prob(batch).sum(), **sums}

    def m_step(self, totals: dict[str, Tensor]) -> None:
        self.mean.copy_(totals["x"] / totals["n"])
        self.var.copy_((totals["xx"] / totals["n"] - self.mean**2).clamp_min(1e-6))
        self.length.copy_(totals["length"] / totals["count"])

    def sample(self, n: int, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        lengths = torch.poisson(self.length.expand(n)).long().clamp_min(1)
        shape = (n, int(lengths.max()))
        if not self.density:
            return torch.multinomial(self.mean, shape[0] * shape[1], replacement=True).view(shape), lengths
        return (self.mean + torch.randn(*shape, len(self.mean), dtype=torch.float64) * self.var.sqrt()).float(), lengths

    def complete(self, x: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        return torch.where(known, x, self.mean.to(x.dtype) if self.density else self.mean.argmax())


@dataclass(eq=False, kw_only=True, repr=False)
class Steps(EMModel[StepsNet], Samples, Scores, Encodes, Completes):
    """Steps that know nothing of each other."""

    forms = {"series": "gaps", "symbols": "symbols", "text": "symbols", "audio": "mfcc"}  # noqa: RUF012
    paper = "none"
    unused: int = param(0, "nothing")

    def build(self, spec: Spec) -> StepsNet:
        return StepsNet(spec)


def examples(kind: str, n: int = 60, seed: int = 0) -> Any:
    """Sequences of unequal lengths."""
    import numpy as np

    from venero.data.audio import Clips

    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 9, n)
    made: dict[str, Any] = {
        "series": lambda: [rng.normal([1.0, -2.0], [2.0, 0.5], (t, 2)) for t in lengths],
        "symbols": lambda: [rng.integers(0, 4, t).tolist() for t in lengths],
        "text": lambda: ["".join(rng.choice(list("abc "), t)) for t in lengths],
        "audio": lambda: Clips([0.1 * rng.normal(size=200 * t) for t in lengths], 8000),
    }
    return made[kind]()
