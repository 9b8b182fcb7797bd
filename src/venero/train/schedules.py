"""How the step size changes over a stage: (share of the stage done, 0..1) -> factor."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi

Schedule = Callable[[float], float]


def constant(done: float) -> float:
    return 1.0


def cosine(done: float) -> float:
    """From 1 down to 0 (Loshchilov & Hutter 2017, without restarts).

    >>> cosine(0.0), round(cosine(0.5), 6), cosine(1.0)
    (1.0, 0.5, 0.0)
    """
    return 0.5 * (1 + cos(pi * min(done, 1.0)))


def linear(done: float) -> float:
    return max(0.0, 1 - done)


SCHEDULES: dict[str, Schedule] = {"constant": constant, "cosine": cosine, "linear": linear}


def with_warmup(schedule: Schedule, warmup: float) -> Schedule:
    """Rise from 0 to 1 over the first `warmup` share of the stage, then follow the schedule.

    >>> f = with_warmup(constant, 0.1)
    >>> round(f(0.05), 6), f(0.5)
    (0.5, 1.0)
    """
    if warmup <= 0:
        return schedule
    return lambda done: done / warmup if done < warmup else schedule((done - warmup) / (1 - warmup) if warmup < 1 else 1.0)
