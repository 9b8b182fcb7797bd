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
from venero.jobs import watched
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


@pytest.mark.skipif(sys.platform == "win32", reason="memory is not bounded there")
def test_where_the_kernel_does_not_refuse_memory_it_is_watched() -> None:
    taken, began = [], time.monotonic()
    with pytest.raises(MemoryError), watched(0.2, every=0.01):
        while time.monotonic() < began + 30:  # 3 GB at most, were it not stopped
            taken.append(np.ones(2**20))  # 8 MiB
            time.sleep(0.02)
            if len(taken) > 400:
                break
    assert 200 < 8 * len(taken) < 2000
    with watched(0.2, every=0.01):  # what was taken before does not count
        time.sleep(0.05)


def test_a_rare_class_counts_as_anomalies(tmp_path: Path) -> None:
    """Ten of a hundred lie far out: whoever knows the density finds them all, and the first question asked is theirs."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 2)), (np.arange(300) % 10 == 0).astype(int)
    X[y == 1] += 30 * rng.choice([-1, 1], size=(30, 2))
    data = Dataset(X, y, name="rare", class_names=("common", "rare"))
    with joblib.parallel_config(backend="sequential"):
        found = venero.compare(data, ["gaussian"], out=str(tmp_path / "out"), minutes=1)
    [place] = found.ranking("anomalies")
    assert place.figure.name == "rare class found"
    assert place.value.value == pytest.approx(1.0)
    assert "class rare" in place.figure.note


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


SLOW: dict[str, Any] = {"epochs": 60, "hidden": (32,), "latent_dim": 1, "batch_size": 8}
SCRIPT = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import venero
from test_compare import DATA, SLOW, TERMS
venero.compare(DATA, {{"a": venero.Gaussian(), "b": venero.AutoEncoder(**SLOW)}}, out=sys.argv[1], **TERMS)
"""


def test_killed_and_called_again_it_ends_the_same(tmp_path: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path / "killed")], stderr=subprocess.DEVNULL)
    log, card = tmp_path / "killed" / "b-0" / "log.jsonl", tmp_path / "killed" / "b-0" / "scorecard.json"
    while killed.poll() is None and not (log.exists() and len(log.read_text().splitlines()) > 5):
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    assert (tmp_path / "killed" / "a-0" / "scorecard.json").exists()
    assert not card.exists(), "it ended before it could be killed"
    time.sleep(1)  # its worker sees at its next epoch that it is alone
    models = {"a": venero.Gaussian(), "b": venero.AutoEncoder(**SLOW)}
    resumed, whole = (venero.compare(DATA, models, out=str(tmp_path / out), **TERMS) for out in ("killed", "whole"))
    assert figures(resumed) == figures(whole)


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
