"""A tiny restricted Boltzmann machine is known by enumeration: its partition function, gradient, chains and estimates."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
import torch
from torch import Tensor

from venero.data.spec import Column, Spec
from venero.maths.random import bits, seeded
from venero.nn.harmonium import Contrast, Harmonium, measure, tempered
from venero.nn.partition import annealed_log_partition, betas, exact_log_partition, states
from venero.nn.units import Bits, Choice, Gaussians, Joint, Mixed, Units

COLUMNS = (Column("value", 0), Column("gap", 1, missing=True), Column("level", 3, levels=3))
MIXED = Spec("table", (6,), "columns", columns=COLUMNS)
KINDS = {
    "bits": lambda: Bits(5),
    "gaussians": lambda: Gaussians(3, learn_sigma=True),
    "mixed": lambda: Mixed(MIXED),
    "joint": lambda: Joint([Bits(4), Choice(3)]),
}


def machine(units: Units, n_hidden: int = 4, scale: float = 0.8) -> Harmonium:
    with seeded(1):
        rbm = Harmonium(units, n_hidden)
        for p in (rbm.weight, rbm.visible_bias, rbm.hidden_bias):
            p.data = scale * torch.randn_like(p)
        for p in units.parameters():
            p.data = 0.3 * torch.randn_like(p)
    return rbm


@pytest.fixture
def rbm() -> Harmonium:
    return machine(Bits(5))


def probabilities(rbm: Harmonium) -> tuple[Tensor, Tensor]:
    """All states of the visible bits and their exact probabilities."""
    v = states(rbm.units.width, 0, 2**rbm.units.width).float()
    return v, (-rbm.free_energy(v).double() - exact_log_partition(rbm)).exp().detach()


def draws(rbm: Harmonium, n: int) -> Tensor:
    v, p = probabilities(rbm)
    return v[p.multinomial(n, replacement=True)]


def frequencies(v: Tensor) -> Tensor:
    number = (v.long() << torch.arange(v.shape[1])).sum(1)
    return torch.bincount(number, minlength=2 ** v.shape[1]).double() / len(v)


def test_the_sum_over_either_side_is_the_sum_over_all_states(rbm: Harmonium) -> None:
    v, h = states(5, 0, 32), states(4, 0, 16)
    w, a, b = (p.detach().double() for p in (rbm.weight, rbm.visible_bias, rbm.hidden_bias))
    brute = ((v @ a)[:, None] + (h @ b)[None] + v @ w.T @ h.T).logsumexp((0, 1))
    assert exact_log_partition(rbm, over_hidden=True) == pytest.approx(float(brute), abs=1e-10)
    assert exact_log_partition(rbm, over_hidden=False) == pytest.approx(float(brute), abs=1e-10)
    assert float(probabilities(rbm)[1].sum()) == pytest.approx(1, abs=1e-6)


@torch.no_grad()
def test_the_density_of_mixed_columns_integrates_to_one() -> None:
    rbm = machine(Mixed(MIXED, learn_sigma=True))
    grid = torch.linspace(-12, 12, 241)
    cell = float(grid[1] - grid[0])
    value, gap = torch.cartesian_prod(grid, grid).T
    total = 0.0
    for level in torch.eye(3):
        there = torch.cat([value[:, None], gap[:, None], torch.zeros(len(gap), 1), level.expand(len(gap), 3)], 1)
        absent = torch.cat([grid[:, None], torch.zeros(len(grid), 1), torch.ones(len(grid), 1), level.expand(len(grid), 3)], 1)
        for v, area in ((there, cell**2), (absent, cell)):
            total += float((-rbm.free_energy(v).double() - exact_log_partition(rbm)).exp().sum()) * area
    assert total == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_annealing_agrees_with_enumeration(kind: str) -> None:
    rbm = machine(KINDS[kind](), n_hidden=8)
    base = torch.zeros(rbm.units.width)
    found = annealed_log_partition(rbm, base, betas(200), chains=300)
    exact = exact_log_partition(rbm)
    assert found.value == pytest.approx(exact, abs=0.1)
    assert abs(found.value - exact) < 5 * found.error
    assert annealed_log_partition(rbm, base, betas(200), chains=300) == found
    assert annealed_log_partition(rbm, base, betas(200), chains=300, seed=1) != found


def test_the_standard_error_is_that_of_repetitions() -> None:
    rbm = machine(Bits(10), n_hidden=8)
    found = [annealed_log_partition(rbm, torch.zeros(10), betas(30), 50, seed) for seed in range(40)]
    spread = float(np.std([f.value for f in found]))
    assert 0.6 * spread < float(np.mean([f.error for f in found])) < 1.6 * spread


def test_temperatures_go_from_0_to_1_denser_towards_1() -> None:
    beta = betas(14_500)
    assert (len(beta), float(beta[0]), float(beta[-1])) == (14_501, 0.0, 1.0)
    assert (beta.diff() > 0).all()
    np.testing.assert_allclose(beta.diff()[[0, 1000, -1]], [1e-3, 1e-4, 1e-5], rtol=1e-6)


def test_the_contrast_with_exact_dreams_is_the_gradient_of_the_likelihood(rbm: Harmonium) -> None:
    data, (v, p) = draws(machine(Bits(5), scale=2.0), 50), probabilities(rbm)
    rbm.double()
    loss = rbm.free_energy(data.double()).mean() + (-rbm.free_energy(v.double())).logsumexp(0)
    want = torch.autograd.grad(loss, [rbm.weight, rbm.visible_bias, rbm.hidden_bias])
    counts = (p * 200_000).round().long()
    dream = v.repeat_interleave(counts, 0).double()
    with torch.no_grad():
        both = torch.cat([data.double(), dream])
        found = Contrast(enhanced=False).gradients(rbm, both, rbm.hidden(both), len(data))
    for gradient, parameter in zip(want, (rbm.weight, rbm.visible_bias, rbm.hidden_bias), strict=True):
        torch.testing.assert_close(found[parameter], gradient, atol=1e-3, rtol=0)


def test_the_gradient_of_sigma_is_autograds() -> None:
    rbm = machine(Mixed(MIXED, learn_sigma=True))
    v = rbm.units.sample(rbm.visible_input(bits(torch.full((50, 4), 0.5)))).detach()
    sigma = rbm.units.gaussians.log_sigma  # type: ignore[union-attr]
    (want,) = torch.autograd.grad(-rbm.free_energy(v).mean(), [sigma])
    found = rbm.units.scale_gradient(v, rbm.visible_input(rbm.hidden(v)))
    torch.testing.assert_close(found, want, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_enhanced_gradient_is_the_same_machine_with_zeros_and_ones_exchanged(rbm: Harmonium) -> None:
    data, dream = draws(rbm, 40), bits(torch.full((30, 5), 0.3))
    other = machine(Bits(5))
    other.weight.copy_(-rbm.weight)
    other.visible_bias.copy_(-rbm.visible_bias)
    other.hidden_bias.copy_(rbm.hidden_bias + rbm.weight.sum(1))
    contrast = Contrast(enhanced=True)
    both = torch.cat([data, dream])
    one = contrast.gradients(rbm, both, rbm.hidden(both), len(data))
    two = contrast.gradients(other, 1 - both, other.hidden(1 - both), len(data))
    torch.testing.assert_close(two[other.weight], -one[rbm.weight])
    torch.testing.assert_close(two[other.visible_bias], -one[rbm.visible_bias])
    torch.testing.assert_close(two[other.hidden_bias], one[rbm.hidden_bias] + one[rbm.weight].sum(1))


@torch.no_grad()
def test_gibbs_sampling_leaves_the_distribution_as_it_is(rbm: Harmonium) -> None:
    with seeded(0):
        v = rbm.gibbs(bits(rbm.hidden(draws(rbm, 200_000))), steps=3)[0]
    np.testing.assert_allclose(frequencies(v), probabilities(rbm)[1], atol=0.004)


@torch.no_grad()
def test_tempered_chains_leave_every_temperature_as_it_is() -> None:
    rbm, base = machine(Bits(5), scale=1.5), 0.5 * torch.ones(5)
    v = states(5, 0, 32).float()
    with seeded(0):
        chains = []
        for beta in torch.linspace(0, 1, 4):
            x = rbm.hidden_input(v)
            log_p = v @ ((1 - beta) * base + beta * rbm.visible_bias) + torch.nn.functional.softplus(beta * x).sum(1)
            chosen = log_p.softmax(0).multinomial(50_000, replacement=True)
            chains.append(bits((beta * x[chosen]).sigmoid()))
        dream = tempered(rbm, torch.empty(0), torch.stack(chains), base, 4)
    np.testing.assert_allclose(frequencies(dream), probabilities(rbm)[1], atol=0.01)


@torch.no_grad()
def test_the_measure_is_minus_the_pseudo_likelihood(rbm: Harmonium) -> None:
    v = draws(rbm, 3)
    want = 0.0
    for x in v:
        for i in range(5):
            other = x.clone()
            other[i] = 1 - other[i]
            a, b = (-rbm.free_energy(torch.stack([x, other]))).tolist()
            want -= (a - np.logaddexp(a, b)) / len(v)
    many = v.repeat(40_000, 1)
    assert float(measure(rbm, many, rbm.hidden_input(many))) == pytest.approx(want, rel=0.02)


@torch.no_grad()
def test_units_have_their_means_and_start_at_the_datas() -> None:
    for units, mean in ((Bits(2), [0.2, 0.9]), (Choice(3), [0.5, 0.2, 0.3]), (Gaussians(2), [1.0, -2.0])):
        t = units.bias_of(torch.tensor(mean))
        np.testing.assert_allclose(units.mean(t[None])[0], mean, atol=1e-6)
        with seeded(0):
            np.testing.assert_allclose(units.sample(t.expand(50_000, -1)).mean(0), mean, atol=0.02)
    mixed = Mixed(MIXED)
    t = mixed.bias_of(torch.tensor([0.3, 0.6, 0.25, 0.5, 0.2, 0.3]))  # of 0.75 that are there the mean is 0.8
    np.testing.assert_allclose(mixed.missing(t[None])[0], [0.25], atol=1e-6)
    np.testing.assert_allclose(mixed.expected(t[None])[0], [0.3, 0.8, 0, 0.5, 0.2, 0.3], atol=1e-6)


def test_sums_of_no_input_are_known() -> None:
    assert float(Bits(3).log_sum(torch.zeros(1, 3))) == pytest.approx(3 * log(2))
    assert float(Choice(3).log_sum(torch.zeros(1, 3))) == pytest.approx(log(3))
