"""The restricted Boltzmann machine as a module, and how it is told from what it dreams.

Smolensky 1986 (harmonium); Hinton 2002 (contrastive divergence); Tieleman 2008 (persistent); Desjardins et al. 2010 (parallel
tempering); Cho, Raiko & Ilin 2011 (enhanced gradient, which flipping the meaning of bits does not change).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from venero.maths.random import bits
from venero.nn.stated import with_gradients
from venero.nn.units import Bits, Units

MEASURED = 20  # examples of a batch that training says something of: many batches make up an epoch
START = 0.01  # standard deviation of the weights (Hinton 2012)


class Harmonium(nn.Module):
    """p(v, h) ~ exp(field(v) . (a + W' h) + b . h - base(v)), h in {0, 1}^H; W (H, D) as torch's linear layers have it.

    Given W, a or b it works on those of another net, which it then trains in place.
    """

    def __init__(
        self,
        units: Units,
        n_hidden: int,
        weight: Tensor | None = None,
        visible_bias: Tensor | None = None,
        hidden_bias: Tensor | None = None,
    ):
        super().__init__()
        self.units = units
        self.weight = nn.Parameter(START * torch.randn(n_hidden, units.width)) if weight is None else weight
        self.visible_bias = nn.Parameter(torch.zeros(units.width)) if visible_bias is None else visible_bias
        self.hidden_bias = nn.Parameter(torch.zeros(n_hidden)) if hidden_bias is None else hidden_bias

    def hidden_input(self, v: Tensor) -> Tensor:
        """b + W field(v): (B, D) -> (B, H)."""
        return F.linear(self.units.field(v), self.weight, self.hidden_bias)

    def visible_input(self, h: Tensor) -> Tensor:
        """a + W' h: (B, H) -> (B, D)."""
        return torch.addmm(self.visible_bias, h, self.weight)

    def hidden(self, v: Tensor) -> Tensor:
        """p(h = 1 | v): (B, D) -> (B, H)."""
        return self.hidden_input(v).sigmoid()

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v) = -log sum_h exp(-E(v, h)): (B, D) -> (B,)."""
        return self.free_energy_at(v, self.hidden_input(v))

    def free_energy_at(self, v: Tensor, x: Tensor) -> Tensor:
        """F(v) where the hidden units' inputs are known."""
        return self.units.base(v) - self.units.field(v) @ self.visible_bias - F.softplus(x).sum(-1)

    def gibbs(self, h: Tensor, steps: int = 1) -> tuple[Tensor, Tensor, Tensor]:
        """`steps` times v ~ p(v | h), h ~ p(h | v): (B, H) -> v (B, D), p(h = 1 | v) (B, H), h (B, H)."""
        for _ in range(steps):
            v = self.units.sample(self.visible_input(h))
            p = self.hidden(v)
            h = bits(p)
        return v, p, h

    def start(self, mean: Tensor) -> None:
        """Visible biases at which the units' means are the data's (D,)."""
        with torch.no_grad():
            self.visible_bias.copy_(self.units.bias_of(mean))


# -- the negative phase: what the machine dreams, from the data (B, D) and the chains, which it moves on ---------------------
Chains = Tensor  # hidden states: (n, H), of parallel tempering (temperatures, n, H)
Dream = Callable[[Harmonium, Tensor, Chains, Tensor, int], Tensor]


def from_data(rbm: Harmonium, v: Tensor, chains: Chains, base: Tensor, steps: int) -> Tensor:
    """CD-k: a few steps from each example."""
    return rbm.gibbs(bits(rbm.hidden(v)), steps)[0]


def persistent(rbm: Harmonium, v: Tensor, chains: Chains, base: Tensor, steps: int) -> Tensor:
    """PCD-k: the chains go on from where the last update left them."""
    h = rbm.gibbs(chains, steps - 1)[2] if steps > 1 else chains
    return rbm.units.sample(rbm.visible_input(h))  # the chains' hidden units are drawn with those of the data


def tempered(rbm: Harmonium, v: Tensor, chains: Chains, base: Tensor, steps: int) -> Tensor:
    """Chains at temperatures between the base rates (0) and the machine (1), which swap places with their neighbours.

    p_beta(v, h) ~ exp(field(v) . base - base energy + beta g(v, h)), g = field(v) . (a - base) + h . (b + W field(v)).
    """
    m, n, _ = chains.shape
    beta = torch.linspace(0, 1, m, device=base.device).repeat_interleave(n)[:, None]  # (m n, 1)
    h = chains.flatten(0, 1)
    for _ in range(steps):
        v = rbm.units.sample(base + beta * (rbm.visible_input(h) - base))
        x = rbm.hidden_input(v)
        h = bits((beta * x).sigmoid())
        g = (rbm.units.field(v) @ (rbm.visible_bias - base) + (h * x).sum(-1)).view(m, n)
        order = _swapped(g, 1 / max(1, m - 1))  # (m, n) which temperature's state comes here
        place = (order * n + torch.arange(n, device=base.device)).flatten()
        v, h = v[place], h[place]
    chains.copy_(h.view_as(chains))
    return v[-n:]


def _swapped(g: Tensor, step: float) -> Tensor:
    """Neighbours swap with probability min(1, exp((beta_i - beta_j)(g_j - g_i))), even pairs, then odd ones."""
    m, n = g.shape
    order = torch.arange(m, device=g.device)[:, None].repeat(1, n)
    for first in (0, 1):
        for i in range(first, m - 1, 2):
            low, high = g.gather(0, order[i : i + 1]), g.gather(0, order[i + 1 : i + 2])
            swap = torch.rand_like(low).log() < step * (low - high)
            order[i : i + 2] = torch.where(swap, order[i : i + 2].flip(0), order[i : i + 2])
    return order


PHASES: dict[str, Dream] = {"cd": from_data, "pcd": persistent, "pt": tempered}


@dataclass(frozen=True)
class Contrast:
    """Gradients of the negative log-likelihood by contrast: dF/dw over the data, less dF/dw over what the machine dreams."""

    steps: int = 1
    phase: str = "cd"
    decay: float = 0.0  # of weights, not of biases
    sparsity: float = 0.0  # weight of the pull of mean activations to the target
    target: float = 0.1
    enhanced: bool = True

    @torch.no_grad()
    def loss(self, rbm: Harmonium, v: Tensor, chains: Chains, base: Tensor) -> dict[str, Tensor]:
        """What `measure` says of some of the examples (B, D), with the gradients of this contrast."""
        both = torch.cat([v, PHASES[self.phase](rbm, v, chains, base, self.steps)])
        x = rbm.hidden_input(both)
        p = x.sigmoid()
        if self.phase == "pcd":
            chains.copy_(bits(p[len(v) :]))
        some, at = v[:MEASURED], x[: min(MEASURED, len(v))]
        energy, value = rbm.free_energy_at(some, at).mean(), measure(rbm, some, at)
        gradients = self.gradients(rbm, both, p, len(v))
        with torch.enable_grad():
            loss = with_gradients(value, gradients)
        return {"loss": loss, "free_energy": energy}

    @torch.no_grad()
    def reconstruct(self, rbm: Harmonium, v: Tensor, linear: bool = False) -> dict[str, Tensor]:
        """CD-1 by the units' means, as Hinton & Salakhutdinov 2006 stack machines; says the squared error of reconstructions.

        v may be probabilities. linear: hidden units are Gaussian with variance 1 about their inputs.
        """
        p = rbm.hidden_input(v) if linear else rbm.hidden(v)
        dream = rbm.units.mean(rbm.visible_input(p + torch.randn_like(p) if linear else bits(p)))
        q = rbm.hidden_input(dream) if linear else rbm.hidden(dream)
        gradients = self.gradients(rbm, torch.cat([v, dream]), torch.cat([p, q]), len(v))
        error = ((v - dream) ** 2).sum(1).mean()
        with torch.enable_grad():
            return {"loss": with_gradients(error, gradients)}

    def gradients(self, rbm: Harmonium, v: Tensor, p: Tensor, n: int) -> dict[Tensor, Tensor]:
        """Of the mean over the first n rows, the data, against that over the others, the dreams, as descent takes them.

        v (N, D) and p (N, H): examples and their hidden probabilities.
        """
        f, m = rbm.units.field(v), len(v) - n
        data, model = p[:n], p[n:]
        if self.sparsity:
            data = data + self.sparsity * (self.target - data.mean(0))  # by the cross entropy of mean activations
        vd, hd, vm, hm = f[:n].mean(0), data.mean(0), f[n:].mean(0), model.mean(0)
        a, b = vm - vd, hm - hd
        if not self.enhanced:
            weight = torch.addmm(rbm.weight, torch.cat([data / -n, model / m]).T, f, beta=self.decay)
        else:  # covariances instead of products: it is enough to take the mean from one side
            h = torch.cat([(hd - data).div_(n), (model - hm).div_(m)])
            weight = torch.addmm(rbm.weight, h.T, f, beta=self.decay)
            a, b = a - (h @ ((hd + hm) / 2)) @ f, b - (f @ ((vd + vm) / 2)) @ h  # of the biases that go with these weights
        return {rbm.weight: weight, rbm.visible_bias: a, rbm.hidden_bias: b} | self._scales(rbm, v, p, n)

    @staticmethod
    def _scales(rbm: Harmonium, v: Tensor, p: Tensor, n: int) -> dict[Tensor, Tensor]:
        """Of log sigma, where there are Gaussian units that learn theirs."""
        sigma = next(rbm.units.parameters(), None)
        if sigma is None or not sigma.requires_grad:
            return {}
        t = rbm.visible_input(p)
        data, model = rbm.units.scale_gradient(v[:n], t[:n]), rbm.units.scale_gradient(v[n:], t[n:])
        return {} if data is None or model is None else {sigma: model - data}


def measure(rbm: Harmonium, v: Tensor, x: Tensor) -> Tensor:
    """How badly examples are foretold, in nats; lower is better. x (B, H) are the hidden units' inputs.

    Bits: minus the pseudo-likelihood, from one bit an example: -D log p(v_i | all other bits) (Besag 1975). Other units, whose
    conditionals have no closed form: minus log p(v | hidden probabilities of v).
    """
    if not isinstance(rbm.units, Bits):
        t = rbm.visible_input(x.sigmoid())
        return (rbm.units.base(v) + rbm.units.log_sum(t) - (rbm.units.field(v) * t).sum(-1)).mean()
    i = torch.randint(v.shape[1], (len(v),), device=v.device)
    turn = 1 - 2 * v.gather(1, i[:, None])  # (B, 1): what flipping bit i adds to it
    flipped = x + turn * rbm.weight.index_select(1, i).T
    rise = (F.softplus(x) - F.softplus(flipped)).sum(1) - turn[:, 0] * rbm.visible_bias[i]  # F(flipped) - F(v)
    return -v.shape[1] * F.logsigmoid(rise).mean()
