"""Speed is examples over seconds; memory is what the process has had."""

from __future__ import annotations

import time

import numpy as np

from venero.metrics.cost import LEAST, peak_memory, speed


def test_speed_counts_examples_and_leaves_the_first_time_out() -> None:
    calls: list[float] = []

    def work() -> None:
        calls.append(time.perf_counter())
        time.sleep(0.3 if len(calls) == 1 else 0.02)

    found = speed(work, 100)
    assert 100 / 0.3 < found.value <= 100 / 0.02
    assert found.low <= found.value <= found.high
    assert len(calls) - 1 <= LEAST


def test_slow_work_is_repeated_twice_at_least() -> None:
    calls = []
    speed(lambda: (calls.append(0), time.sleep(0.3)), 1)
    assert len(calls) == 3


def test_peak_memory_grows_with_what_is_held() -> None:
    before = peak_memory()
    held = np.ones(2**25)  # 256 MB
    assert held.sum() and peak_memory() >= before
    assert peak_memory() > held.nbytes
