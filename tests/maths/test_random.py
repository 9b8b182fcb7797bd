"""Keyed noise: a function of the example alone, and normal."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from venero.maths.random import bits, keyed_normal, keyed_uniform, row_keys, seeded


def splitmix64(state: int) -> int:
    """The reference, in Python's integers (Steele, Lea & Flood 2014)."""
    z = state & (2**64 - 1)
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return z ^ (z >> 31)


def test_the_mixer_is_splitmix64() -> None:
    keys = torch.tensor([0, 1, -5, 2**62], dtype=torch.int64)
    for n in (0, 3):
        got = keyed_uniform(keys, 1, n)[:, 0]
        want = [((splitmix64(int(k) + (n + 1) * 0x9E3779B97F4A7C15) >> 41) + 0.5) / 2**23 for k in keys]
        np.testing.assert_array_equal(got, np.float32(want))


def test_normal_numbers_are_normal_and_independent() -> None:
    x = torch.arange(4000.0)[:, None]
    z = keyed_normal(row_keys(x), 25)
    assert stats.kstest(z.flatten().numpy(), "norm").pvalue > 1e-3
    correlation = np.corrcoef(z.numpy().T)
    assert np.abs(correlation - np.eye(25)).max() < 0.08
    neighbours = np.corrcoef(z[:-1].flatten(), z[1:].flatten())[0, 1]
    assert abs(neighbours) < 0.02


def test_the_ends_of_the_uniform_are_never_reached() -> None:
    u = keyed_uniform(torch.arange(200_000), 20)
    assert 0 < float(u.min()) < 1e-5
    assert 1 - 1e-5 < float(u.max()) < 1
    assert torch.isfinite(keyed_normal(torch.arange(200_000), 20)).all()


def test_noise_is_a_function_of_the_row() -> None:
    x = torch.rand(10, 3, 4)
    keys = row_keys(x)
    assert torch.equal(row_keys(x[4:6]), keys[4:6])
    assert len(keys.unique()) == 10
    assert not torch.equal(row_keys(x, seed=1), keys)
    assert torch.equal(row_keys(-torch.zeros(1, 2)), row_keys(torch.zeros(1, 2)))
    z = keyed_normal(keys, 8)
    assert torch.equal(torch.cat([keyed_normal(keys, 5), keyed_normal(keys, 3, 5)], 1), z)


def test_seeded_leaves_the_stream_as_it_was() -> None:
    before = torch.get_rng_state()
    with seeded(3):
        a = torch.rand(2)
    with seeded(3):
        assert torch.equal(a, torch.rand(2))
    with seeded(None):
        assert not torch.equal(a, torch.rand(2))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("p", [0.0, 1 / 255, 0.3, 0.5, 254 / 255, 1.0])
def test_bits_have_their_probability_and_are_independent(p: float) -> None:
    with seeded(0):
        drawn = bits(torch.full((1000, 1001), p)).double()  # 1001: no multiple of the four that share a draw
    n, sd = drawn.numel(), (p * (1 - p)) ** 0.5
    assert abs(float(drawn.mean()) - p) <= 5 * sd / n**0.5
    for step in range(1, 5):  # neighbours, of which some share a draw
        together = float((drawn[:, step:] * drawn[:, :-step]).mean())
        assert abs(together - p * p) <= 5 * (p * p * (1 - p * p) / n) ** 0.5 * 2
