"""Two processes under torchrun reach the weights of one; shares of unequal size, also empty ones, do not deadlock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

SCRIPT = Path(__file__).with_name("parallel.py")
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def weights(folder: Path) -> dict[str, np.ndarray]:
    (path,) = folder.glob("tensors-*.safetensors")
    return load_file(path)


# 400 rows: even shares. 401 and 43: a last batch of one row, of which one process has none, and a small held-out part.
@pytest.mark.parametrize(
    ("model", "rows", "close"),
    [("gradient", 400, 1e-5), ("gradient", 374, 1e-5), ("gradient", 19, 1e-5), ("em", 401, 1e-10), ("gmm", 401, 1e-10)],
)
def test_two_processes_equal_one(model: str, rows: int, close: float, tmp_path: Path) -> None:
    for name, launcher in (("one", []), ("two", TORCHRUN)):
        command = [sys.executable, *launcher, str(SCRIPT), str(tmp_path / name), str(rows), model]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, rtol=0, atol=close, err_msg=name)
    histories = [json.loads((tmp_path / n / "model.json").read_text())["history"] for n in ("one", "two")]
    assert len(histories[0]) == len(histories[1])
    for a, b in zip(*histories, strict=True):
        assert b["train"]["loss"] == pytest.approx(a["train"]["loss"], rel=1e-4)
    rows_logged = (tmp_path / "two" / "log.jsonl").read_text().splitlines()
    assert len(rows_logged) == len(histories[1]) + 2  # one process writes
