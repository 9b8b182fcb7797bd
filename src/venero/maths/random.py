"""Randomness that can be repeated: a seeded block, and noise that is a function of the example it is for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed 64-bit integer


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Torch's random streams start at `seed` inside the block (None: a fresh seed) and are left as they were after it."""
    with torch.random.fork_rng():
        if seed is None:
            torch.seed()
        else:
            torch.manual_seed(seed)
        yield


def bits(p: Tensor) -> Tensor:
    """1 with probability p and else 0, for each element, in p's dtype; p is taken to the nearest 2^-16.

    Sixteen random bits an element are enough for that, and four elements share one draw: on a CPU, where draws are made one
    after the other, that takes two fifths of the time of torch.rand_like(p) < p.

    >>> bits(torch.tensor([0.0, 1.0])).tolist()
    [0.0, 1.0]
    """
    words = torch.empty((p.numel() + 3) // 4, dtype=torch.int64, device=p.device).random_(-(2**63), None)
    draws = words.view(torch.int16)[: p.numel()].view(p.shape)  # uniform on -2^15 .. 2^15 - 1
    return torch.lt(draws, p.mul(65536).sub_(32768), out=torch.empty_like(p))


def _shift_right(z: Tensor, n: int) -> Tensor:
    return (z >> n) & ((1 << (64 - n)) - 1)  # torch shifts the sign in; this takes it out again


def _mix(z: Tensor) -> Tensor:
    """The finaliser of splitmix64 (Steele, Lea & Flood 2014): every bit of z decides every bit of the result."""
    z = (z ^ _shift_right(z, 30)) * -4658895280553007687
    z = (z ^ _shift_right(z, 27)) * -7723592293110705685
    return z ^ _shift_right(z, 31)


def row_keys(x: Tensor, seed: int = 0) -> Tensor:
    """A 64-bit key for each example, from its contents alone: (B, ...) float -> (B,) int64.

    Noise drawn from such a key does not depend on the other examples of a batch, nor on the place in it.
    """
    bits = (x.flatten(1).float() + 0.0).view(torch.int32).long()  # + 0.0: minus zero is zero; (B, D)
    places = torch.arange(1, bits.shape[1] + 1, device=x.device) * _GOLDEN
    return _mix((bits * (_mix(places + seed) | 1)).sum(1) + seed)


def keyed_uniform(keys: Tensor, n: int, start: int = 0) -> Tensor:
    """Uniform numbers in (0, 1): (B,) keys -> (B, n), the numbers `start` to `start + n` of each key's stream."""
    counter = torch.arange(start + 1, start + n + 1, device=keys.device) * _GOLDEN
    return (_shift_right(_mix(keys[:, None] + counter), 41).float() + 0.5) / 2**23  # exact in single precision, never 0 or 1


def keyed_normal(keys: Tensor, n: int, start: int = 0) -> Tensor:
    """Standard normal numbers, (B,) keys -> (B, n), as `keyed_uniform`."""
    return (2 * keyed_uniform(keys, n, start) - 1).erfinv() * 2**0.5
