"""Gibbs sweeps against enumeration, and the two ways to run them against each other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from venero.maths import gibbs
from venero.maths.boltzmann import annealed, exponent, linear, log_mean, moments, quadratic, states, total_moments


def machine(n: int, size: float = 1.0) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(n)
    w = size * torch.randn(n, n, generator=g, dtype=torch.float64).triu(1)
    return w + w.T, torch.randn(n, generator=g, dtype=torch.float64)


def chance(c: int, n_sweeps: int, units: int) -> Tensor:
    return torch.rand(c, n_sweeps, units, generator=STREAM)


STREAM = torch.Generator().manual_seed(0)


@pytest.mark.parametrize("n", [0, 1, 5, 8])
def test_sums_by_doubling_are_those_of_every_state(n: int) -> None:
    w, b = machine(n)
    s = states(n)
    torch.testing.assert_close(linear(b) + quadratic(w), exponent(s, w, b))
    p = (linear(b) + quadratic(w)).softmax(0)
    torch.testing.assert_close(moments(p, n), s.T @ (p[:, None] * s))


def test_visits_to_chosen_units_leave_the_machines_distribution() -> None:
    """20,000 chains: pairs are on together as enumeration says, within 0.02 (five standard errors)."""
    w, b = machine(6)
    s = (torch.rand(20_000, 6, generator=STREAM) < 0.5).float()
    visits = torch.randint(6, (20_000, 40, 6), generator=STREAM)
    kept = gibbs.sweeps(s, w, torch.ones(40), b.expand(40, -1), visits, chance(20_000, 40, 6))
    exact = moments((linear(b) + quadratic(w)).softmax(0), 6)
    torch.testing.assert_close(total_moments(kept) / 20_000, exact, atol=0.02, rtol=0)


def test_a_temperature_is_a_division_of_the_energy() -> None:
    w, b = machine(5)
    s, visits = torch.zeros(20_000, 5), torch.arange(5).expand(20_000, 30, -1)
    scale = torch.full((30,), 1 / 3.0)
    kept = gibbs.sweeps(s, w, scale, torch.outer(scale.double(), b), visits, chance(20_000, 30, 5))
    exact = moments(((linear(b) + quadratic(w)) / 3).softmax(0), 5)
    torch.testing.assert_close(total_moments(kept) / 20_000, exact, atol=0.02, rtol=0)


def test_compiled_and_by_tensors_are_the_same() -> None:
    w = torch.randint(-3, 4, (12, 12), generator=STREAM).double().triu(1)  # whole numbers: sums have no rounding
    w, s = (w + w.T) / 4, (torch.rand(7, 12, generator=STREAM) < 0.5).float()
    bias, visits = torch.randn(9, 12, generator=STREAM), torch.randint(12, (7, 9, 12), generator=STREAM)
    held = torch.rand(7, 12, generator=STREAM) < 0.3
    u, scale, kept = chance(7, 9, 12), torch.linspace(0.5, 1, 9), torch.empty(4, 7, 12)
    compiled = gibbs.sweeps(s, w, scale, bias, visits, u, held, keep=4)
    before = s.clone()
    gibbs._by_tensors(s, s @ w.float(), w.float(), scale, bias, visits, u, held, kept)
    assert torch.equal(kept, compiled)
    assert torch.equal(kept[-1][held], before[held])
    assert (kept[-1][~held] != before[~held]).any()


@pytest.mark.parametrize("clamped", [False, True])
def test_annealed_importance_sampling_finds_the_sum(clamped: bool) -> None:
    w, b = machine(10)
    e, s = linear(b) + quadratic(w), states(10)
    start, units, exact = torch.zeros(500, 10), torch.arange(10), e.logsumexp(0)
    if clamped:
        start[:, 3], units = 1, torch.tensor([i for i in range(10) if i not in (3, 5)])
        exact = e[(s[:, 3] == 1) & (s[:, 5] == 0)].logsumexp(0)
    base = torch.zeros(10, dtype=torch.float64)
    mean, error = log_mean(annealed(w, b, base, start, units, chance, 300))
    assert error < 0.03
    assert abs(mean - exact) < 4 * error
