"""A run that is killed at any moment, also while it writes a checkpoint, ends with the weights of one that was left alone."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from venero.train import checkpoint

SCRIPT = Path(__file__).with_name("killed.py")


def start(folder: Path, model: str) -> subprocess.Popen[bytes]:
    with folder.with_suffix(".err").open("w") as errors:
        return subprocess.Popen([sys.executable, str(SCRIPT), str(folder), model], stderr=errors)


def weights(folder: Path) -> dict[str, bytes]:
    (path,) = folder.glob("tensors-*.safetensors")
    return {k: v.numpy().tobytes() for k, v in load_file(path).items()}


def history(folder: Path) -> list[dict]:
    rows = json.loads((folder / "model.json").read_text())["history"]
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def kill_after(process: subprocess.Popen[bytes], folder: Path, delay: float) -> bool:
    """Kill it `delay` seconds after its first checkpoint is there; False where it ended before."""
    while not (folder / checkpoint.NAME).exists():
        if process.poll() is not None:
            return False
        time.sleep(0.005)
    time.sleep(delay)
    if process.poll() is not None:
        return False
    process.send_signal(signal.SIGKILL)
    process.wait()
    return True


@pytest.mark.parametrize(("model", "kills"), [("vae", 6), ("two stages", 4)])
def test_killed_at_random_moments(model: str, kills: int, tmp_path: Path) -> None:
    """checkpoint_seconds=0 writes after every update, so that most of these kills fall into a checkpoint's writing."""
    whole = tmp_path / "whole"
    began = time.monotonic()
    assert start(whole, model).wait() == 0
    length = time.monotonic() - began
    folder, killed = tmp_path / "killed", 0
    delays = random.Random(0)
    while killed < kills:
        process = start(folder, model)
        if not kill_after(process, folder, delays.uniform(0, max(0.2, (length - 3) / kills))):
            break
        killed += 1
    last = start(folder, model)
    assert last.wait() == 0, folder.with_suffix(".err").read_text()
    assert killed >= kills // 2, "it ended before it could be killed"
    assert weights(folder) == weights(whole)
    assert history(folder) == history(whole)
    logged = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [(r["stage"], r["epoch"]) for r in logged if r["event"] == "epoch"] == [
        (r["stage"], r["epoch"]) for r in history(whole)
    ]


def test_a_finished_run_resumed_is_the_same_at_once(tmp_path: Path) -> None:
    assert start(tmp_path, "em").wait() == 0
    before, rows = weights(tmp_path), history(tmp_path)
    assert start(tmp_path, "em").wait() == 0
    assert (weights(tmp_path), history(tmp_path)) == (before, rows)
