"""Models that fail do not stop a comparison; what is done is not done again; elsewhere gives the same as here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

import venero
from contestants import Broken, Dies, Eats, Raises, diverging
from examples import numbers
from venero.core.errors import StorageError, VeneroError
from venero.data.datasets import Dataset
from venero.leaderboard import Leaderboard

TERMS: dict[str, Any] = {"minutes": 1, "memory": 4.0}
DATA = Dataset(numbers(), name="numbers")


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    models = {
        "gaussian": venero.Gaussian(),
        "raises": Raises(),
        "broken": Broken(),
        "eats": Eats(),
        "dies": Dies(),
        "diverges": diverging(),
        "late": venero.Gaussian(tol=0.0, max_iter=3),
    }
    found: Leaderboard = venero.compare(DATA, models, out=str(tmp_path_factory.mktemp("c") / "out"), **TERMS)
    return found


def figures(b: Leaderboard) -> dict[str, dict[str, Any]]:
    """All that does not depend on the machine's mood."""
    return {
        row.name: {f.name: tuple(f.value) for f in row.card.figures if f.group not in ("cost",)}
        for row in b.rows
        if row.card is not None
    }


def test_who_fails_says_why_and_stops_nobody(board: Leaderboard) -> None:
    assert set(figures(board)) == {"gaussian", "late"}
    why = board.failures
    assert why["raises, seed 0"] == "it never worked"
    assert why["broken, seed 0"] == "KeyError: 'a bug'"
    assert "is not finite at stage 'fit'" in why["diverges, seed 0"]
    assert why["dies, seed 0"] == "its process was killed, as happens where memory runs out"
    assert all("\n" not in text for text in why.values())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is bounded on Linux only")
def test_who_asks_for_too_much_memory_is_stopped(board: Leaderboard) -> None:
    assert board.failures["eats, seed 0"] == "it asked for more than 4 GB of memory"


def test_a_fit_is_a_run_folder(board: Leaderboard) -> None:
    folder = Path(board.rows[0].folder)
    model = venero.load(folder)
    assert model.score(numbers()) == pytest.approx(model.score(numbers()))
    assert json.loads((folder / "config.json").read_text())["model"] == "gaussian"


def test_what_is_done_is_not_done_again(board: Leaderboard) -> None:
    card = Path(board.rows[0].folder) / "scorecard.json"
    written, told = card.stat().st_mtime_ns, []
    again = venero.compare(DATA, {"gaussian": venero.Gaussian()}, out=board.folder, tell=told.append, **TERMS)
    assert card.stat().st_mtime_ns == written
    assert [row.name for row in told] == ["gaussian"]
    assert figures(again)["gaussian"] == figures(board)["gaussian"]


def test_another_comparison_is_not_mixed_into_it(board: Leaderboard, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"holds another comparison \(minutes was 1 and is 2\)"):
        venero.compare(DATA, ["gaussian"], out=board.folder, minutes=2)
    (tmp_path / "mine.txt").touch()
    with pytest.raises(StorageError, match="is not empty and holds no comparison"):
        venero.compare(DATA, ["gaussian"], out=str(tmp_path))


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ({"minutes": 0}, "Terms.minutes = 0: must be"),
        ({"seeds": 0}, "Terms.seeds = 0: must be"),
        ({"mintues": 1}, "did you mean 'minutes'"),
        ({"models": []}, r"models = \[\]: name one"),
        ({"models": ["vea"]}, "did you mean 'vae'"),
        ({"data": 3}, "data = 3: give a venero.Dataset"),
    ],
)
def test_wrong_terms_are_one_line(how: dict[str, Any], line: str, tmp_path: Path) -> None:
    with pytest.raises(VeneroError, match=line) as e:
        venero.compare(**{"data": DATA, "models": ["gaussian"], "out": str(tmp_path / "out")} | how)
    assert "\n" not in str(e.value)


SCRIPT = """
import sys, venero
from examples import numbers
if __name__ == "__main__":
    slow = venero.AutoEncoder(epochs=60, hidden=(32,), latent_dim=1, batch_size=8)
    venero.compare(venero.Dataset(numbers(), name="numbers"), {"a": venero.Gaussian(), "b": slow}, out=sys.argv[1], minutes=5)
"""


def test_killed_and_called_again_it_ends_the_same(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    tests = str(Path(__file__).parent)

    def start(out: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {tests!r})\n" + SCRIPT, str(tmp_path / out)]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    assert start("whole").wait() == 0
    killed = start("killed")
    log, card = tmp_path / "killed" / "b-0" / "log.jsonl", tmp_path / "killed" / "b-0" / "scorecard.json"
    while killed.poll() is None and not (log.exists() and len(log.read_text().splitlines()) > 5):
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    assert (tmp_path / "killed" / "a-0" / "scorecard.json").exists()
    assert not card.exists(), "it ended before it could be killed"
    time.sleep(1)  # its worker sees at its next epoch that it is alone
    assert start("killed").wait() == 0
    for name in ("a-0", "b-0"):
        whole, resumed = (json.loads((tmp_path / out / name / "scorecard.json").read_text()) for out in ("whole", "killed"))
        drop = lambda said: [f for f in said["figures"] if f["group"] != "cost"]  # noqa: E731
        assert drop(whole) == drop(resumed)


@pytest.mark.filterwarnings("ignore")  # dask's own
def test_a_dask_cluster_gives_the_same(tmp_path: Path, board: Leaderboard) -> None:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        there = venero.compare(DATA, {"gaussian": venero.Gaussian(), "raises": Raises()}, out=str(tmp_path / "out"), **TERMS)
    assert there.failures["raises, seed 0"] == "it never worked"
    mine = figures(board)["gaussian"]
    assert all(np.allclose(value, mine[name], rtol=1e-9) for name, value in figures(there)["gaussian"].items())
