"""The network of a Boltzmann machine: binary units with any connections, annealed or enumerated (Ackley et al. 1985)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from venero.data.spec import Batch, Spec
from venero.maths import boltzmann as exact
from venero.maths.boltzmann import AT_ONCE, Uniform, annealed, exponent, log_mean
from venero.maths.gibbs import sweeps
from venero.maths.random import keyed_uniform, row_keys

MOST = 20  # units that are enumerated
ROW_CHAINS = 16  # of the annealed importance sampling of one row, where the hidden units are too many to enumerate


@dataclass(frozen=True)
class Annealing:
    """So much time at each temperature, and `collect` more at the last.

    A unit of time is as many visits as there are free units, each to one of them that is chosen at random.
    """

    temperatures: tuple[float, ...]
    times: tuple[int, ...]
    collect: int

    @property
    def last(self) -> float:
        return self.temperatures[-1]

    def path(self) -> list[float]:
        """The temperature of every sweep."""
        steps = [t for t, time in zip(self.temperatures, self.times, strict=True) for _ in range(time)]
        return steps + [self.last] * self.collect

    def gentle(self, slower: int) -> Annealing:
        """So many times slower, and down to half the last temperature, where it ends."""
        times = tuple(slower * t for t in (*self.times, self.times[-1]))
        return Annealing((*self.temperatures, self.last / 2), times, 1)


class BoltzmannNet(nn.Module):
    """V visible units, then H hidden ones, in one (N, N) weight matrix. Weights and biases are energies, as in the paper."""

    weight: Tensor  # (N, N), symmetric, diagonal 0
    bias: Tensor  # (N,)
    base: Tensor  # (N,) logits of the independent units that annealed importance sampling starts from
    log_z: Tensor  # (), at the last temperature
    log_z_error: Tensor  # (), its standard error; 0 where it is exact
    mask: Tensor  # (N, N), 1 where there is a connection
    density = False
    score_of = "probability of the bits"

    def __init__(self, spec: Spec, n_hidden: int, mask: Tensor, annealing: Annealing, slower: int):
        super().__init__()
        self.shape, self.v, self.h, self.n = spec.shape, spec.numel, n_hidden, spec.numel + n_hidden
        self.annealing, self.slower = annealing, slower
        self.code = Spec("vector", (n_hidden,), "unit")
        self.register_buffer("mask", mask, persistent=False)
        self.register_buffer("weight", torch.zeros(self.n, self.n, dtype=torch.float64))
        for name in ("bias", "base"):
            self.register_buffer(name, torch.zeros(self.n, dtype=torch.float64))
        for name in ("log_z", "log_z_error"):
            self.register_buffer(name, torch.zeros((), dtype=torch.float64))

    def scaled(self) -> tuple[Tensor, Tensor]:
        """Weights and biases over the last temperature: those of p(s) = exp(s' W s / 2 + b' s) / Z."""
        return self.weight / self.annealing.last, self.bias / self.annealing.last

    def bits(self, x: Tensor) -> Tensor:
        """Grey levels in black and white: (B, *shape) -> (B, V)."""
        return (x.flatten(1) >= 0.5).double()

    # -- annealing ---------------------------------------------------------------------
    def settle(self, s: Tensor, units: Tensor, uniform: Uniform, *, held: Tensor | None = None, slow: bool = False) -> Tensor:
        """Units that are free start anew and are annealed: (C, N) -> the states that are collected, (collect, C, N)."""
        annealing = self.annealing.gentle(self.slower) if slow else self.annealing
        start = s.clone()
        start[:, units] = (uniform(len(s), 1, len(units))[:, 0] < 0.5).to(s)
        s = start if held is None else torch.where(held, s, start)
        scale = 1 / torch.tensor(annealing.path(), dtype=torch.float64, device=s.device)
        bias, size = torch.outer(scale, self.bias), (len(s), len(scale), len(units))
        visits = units[(uniform(*size) * len(units)).long()]
        return sweeps(s, self.weight, scale, bias, visits, uniform(*size), held, keep=annealing.collect)

    def clamped(self, v: Tensor) -> Tensor:
        """Visible bits with the hidden units at 0: (C, V) -> (C, N)."""
        return nn.functional.pad(v, (0, self.h))

    def units(self, *, visible: bool = True, hidden: bool = True) -> Tensor:
        return torch.arange(0 if visible else self.v, self.n if hidden else self.v, device=self.weight.device)

    # -- probabilities -----------------------------------------------------------------
    def hidden_given(self, v: Tensor) -> Tensor:
        """log p(h | v) but for its constant, over all states of the hidden units: (B, V) -> (B, 2^H)."""
        weight, bias = self.scaled()
        return exact.linear(bias[self.v :] + v @ weight[: self.v, self.v :]) + exact.quadratic(weight[self.v :, self.v :])

    def log_mass(self, v: Tensor) -> Tensor:
        """log sum_h exp(-E / T): (B, V) -> (B,)."""
        weight, bias = self.scaled()
        visible = exponent(v, weight[: self.v, : self.v], bias[: self.v])
        if not self.mask[self.v :, self.v :].any():
            return visible + softplus(bias[self.v :] + v @ weight[: self.v, self.v :]).sum(1)
        if self.h <= MOST:
            return visible + self._in_rows(lambda u: self.hidden_given(u).logsumexp(1), v, 2**self.h)
        return self._in_rows(self._estimated_mass, v, ROW_CHAINS * self.n)

    def _estimated_mass(self, v: Tensor) -> Tensor:
        weight, bias = self.scaled()
        start, chance = self.clamped(v).repeat_interleave(ROW_CHAINS, 0), _keyed(v, ROW_CHAINS)
        log_weight = annealed(weight, bias, torch.zeros_like(bias), start, self.units(visible=False), chance, self.ais_steps)
        return log_mean(log_weight.view(-1, ROW_CHAINS))[0]

    def log_prob(self, batch: Batch) -> Tensor:
        return self.log_mass(self.bits(batch.x)) - self.log_z

    ais_steps = 1000

    def normalise(self, chains: int) -> None:
        """Find log Z: by enumeration, or by annealed importance sampling with so many chains."""
        weight, bias = self.scaled()
        if self.n <= MOST:
            self.log_z.copy_((exact.linear(bias) + exact.quadratic(weight)).logsumexp(0))
            self.log_z_error.zero_()
            return
        start = torch.zeros(chains, self.n, device=bias.device)
        log_weight = annealed(weight, bias, self.base, start, self.units(), torch.rand, self.ais_steps)
        for buffer, value in zip((self.log_z, self.log_z_error), log_mean(log_weight), strict=True):
            buffer.copy_(value)

    # -- use ---------------------------------------------------------------------------
    def sample(self, n: int, labels: Tensor | None = None) -> Tensor:
        if self.n <= MOST:
            weight, bias = self.scaled()
            p = (exact.linear(bias) + exact.quadratic(weight)).softmax(0)
            number = torch.searchsorted(p.cumsum(0), torch.rand(n, dtype=torch.float64)).clamp_max(len(p) - 1)
            v = (number[:, None] >> torch.arange(self.v)) & 1
        else:
            v = torch.cat([self.settle(s, self.units(), torch.rand)[-1] for s in self._rows(self.weight.new_zeros(n, self.n))])
        return v[:, : self.v].float().unflatten(1, self.shape)

    def encode(self, x: Tensor) -> Tensor:
        """p(h_j = 1 | v): (B, *shape) -> (B, H)."""
        return self._in_rows(self._hidden, self.bits(x), 2**self.h if self.h <= MOST else self.n).float()

    def _hidden(self, v: Tensor) -> Tensor:
        weight, bias = self.scaled()
        if not self.mask[self.v :, self.v :].any():
            return (bias[self.v :] + v @ weight[: self.v, self.v :]).sigmoid()
        if self.h <= MOST:
            return self.hidden_given(v).softmax(1) @ exact.states(self.h).to(v)
        return self.settle(self.clamped(v), self.units(visible=False), _keyed(v))[:, :, self.v :].mean(0).double()

    def complete(self, x: Tensor, known: Tensor) -> Tensor:
        """Unknown bits by a gentle annealing with the known ones clamped: (B, *shape), bool of that shape."""
        there = known.flatten(1)
        v = torch.where(there, self.bits(x), 0.0)
        pairs = zip(self._rows(self.clamped(v)), self._rows(nn.functional.pad(there, (0, self.h))), strict=True)
        done = [self.settle(s, self.units(), _keyed(s), held=held, slow=True)[-1, :, : self.v] for s, held in pairs]
        return torch.cat(done).to(x).view_as(x)

    def _rows(self, s: Tensor, numbers: int | None = None) -> tuple[Tensor, ...]:
        """Rows in pieces that take a bounded number of numbers at a time."""
        each = self.n * len(self.annealing.gentle(self.slower).path()) if numbers is None else numbers
        return s.split(max(1, AT_ONCE // max(1, each)))

    def _in_rows(self, f: Callable[[Tensor], Tensor], v: Tensor, numbers: int) -> Tensor:
        return torch.cat([f(rows) for rows in self._rows(v, numbers)])


def _keyed(rows: Tensor, chains: int = 1) -> Uniform:
    """Chance that is a function of each row's contents alone; `chains` streams for a row."""
    keys = torch.stack([row_keys(rows, seed) for seed in range(chains)], 1).flatten()
    used = 0

    def uniform(c: int, n_sweeps: int, units: int) -> Tensor:
        nonlocal used
        used += n_sweeps * units
        return keyed_uniform(keys, n_sweeps * units, used - n_sweeps * units).view(c, n_sweeps, units)

    return uniform
