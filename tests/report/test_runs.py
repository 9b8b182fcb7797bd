"""Run folders in, pages out: real models, two runs side by side, and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fakes import Coder, Density, Generator, Page, halves

from venero.core.catalog import find
from venero.core.errors import VeneroError
from venero.data.sources import dataset
from venero.metrics.intervals import share
from venero.report.page import pair_page, write_report
from venero.report.pair import Finding, Pair
from venero.report.subject import Subject
from venero.report.verdict import claims

NAMES = tuple("0123456789")


def write_run(folder: Path, model: str, source: str = "digits", **fields) -> Path:
    train, _ = dataset(source).split(0.2, random_state=0)
    find(model)(random_state=0, **fields).fit(train.X, train.y).save(folder)
    said = {
        "data": {"source": source, "size": None, "target": None},
        "split": {"test": 0.2, "random_state": 0},
        "limit": None,
        "model": model,
        "fields": {},
        "command": f"venero fit {model} {source}",
    }
    (folder / "config.json").write_text(json.dumps(said))
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    home = tmp_path_factory.mktemp("runs")
    small = {"latent_dim": 2, "net": "mlp", "hidden": (64,), "epochs": 5}
    return [write_run(home / "ae", "autoencoder", **small), write_run(home / "vae", "vae", likelihood="gaussian", **small)]


def test_a_run_gets_its_report(runs):
    for run, has, has_not in ((runs[0], set(), {"dimensions"}), (runs[1], {"dimensions"}, set())):
        path = write_report([run])
        assert path == run / "report.html"
        page = Page(path.read_text(encoding="utf-8"))
        assert {"data", "learning", "reconstructions", "latent", "manifold", "anomalies", "cost", "again"} | has <= set(
            page.sections
        )
        assert not has_not & set(page.sections)
        assert "PCA with as long a code" in page.text
        assert path.stat().st_size < 5e6


def test_two_runs_side_by_side(runs):
    path = write_report(runs)
    assert path == runs[0].parent / "report-ae-vs-vae.html"
    page = Page(path.read_text(encoding="utf-8"))
    assert page.sections == ["verdict", "runs", "maps", "planes", "draws", "ways", "measured"]
    assert "equal size" in page.text
    assert "fitted Gaussian" in page.text
    assert "two images faded" in page.text
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert all(a.startswith(("#", "data:image/png;base64,")) for a in page.asked)


def test_the_page_goes_where_it_is_sent(runs, tmp_path):
    assert write_report([runs[0]], tmp_path / "deep" / "page.html").is_file()


def test_tables_with_a_density(tmp_path):
    page = Page(write_report([write_run(tmp_path / "wine", "gaussian", "wine")]).read_text(encoding="utf-8"))
    assert page.sections == ["data", "learning", "samples", "anomalies", "cost", "again"]
    assert "alcalinity_of_ash" in page.text


@pytest.mark.filterwarnings("ignore:posterior collapse")
def test_conditional_models(tmp_path):
    run = write_run(tmp_path / "cvae", "vae", latent_dim=2, net="mlp", hidden=(32,), epochs=1, conditional=True)
    page = Page(write_report([run]).read_text(encoding="utf-8"))
    assert "log p(x | label)" in page.text
    assert "which training did not see" not in page.text
    assert "manifold" not in page.sections


# -- what is claimed ---------------------------------------------------------------------
def finding(a: int, b: int, n: int = 1000) -> Finding:
    return Finding("m", (share(np.arange(n) < a), share(np.arange(n) < b)), {})


class Given(Pair):
    """A pair whose figures are given."""

    def __init__(self, ordered=(), continuous=(), gaussian=()):
        object.__setattr__(self, "names", ("A", "B"))
        self.__dict__.update(ordered=list(ordered), continuous=list(continuous), gaussian=list(gaussian))


@pytest.mark.parametrize(
    ("findings", "borne_out", "says"),
    [
        ([finding(500, 900)], True, "B more so"),
        ([finding(900, 500)], True, "A more so"),
        ([finding(500, 510)], False, "can't be told apart"),
        ([finding(500, 900), finding(500, 900)], True, "B more so, by both measures"),
        ([finding(500, 900), finding(500, 510)], False, "not settled; one measure puts B ahead"),
        ([finding(500, 900), finding(900, 500)], False, "contradict each other"),
    ],
)
def test_claims_go_as_far_as_the_intervals(findings, borne_out, says):
    ((sure, text),) = claims(Given(continuous=findings))
    assert sure is borne_out
    assert says in text


def test_the_one_ahead_is_ahead_by_a_positive_amount():
    ((_, text),) = claims(Given(ordered=[finding(900, 500)]))
    assert "A 90.0\N{NO-BREAK SPACE}%, B 50.0\N{NO-BREAK SPACE}% (ahead by 40.0, " in text


def test_a_model_is_not_better_than_itself(digits):
    train, test = halves(*digits, class_names=NAMES)
    pair = Pair(tuple(Subject(Generator(train.X), train, test, {}, name) for name in "ab"), ("a", "b"))
    made = claims(pair)
    assert len(made) == 3
    assert not any(sure for sure, _ in made)


def test_codes_scattered_at_random_are_less_ordered_and_less_continuous(digits):
    """Against linear codes: codes at random places, of which every place decodes to the mean of the five nearest examples."""
    X, y = digits
    train, test = halves(X, y, class_names=NAMES)
    rank = {x.tobytes(): i for i, x in enumerate(X)}
    places = np.random.default_rng(0).normal(size=(len(X), 20)).astype(np.float32)

    class Scattered(Coder):
        def encode(self, X):
            return places[[rank[x.tobytes()] for x in np.asarray(X)]]

        def decode(self, Z):
            far = ((Z[:, None] - places[None]) ** 2).sum(axis=2)
            return np.rint(X[np.argsort(far, axis=1)[:, :5]].mean(axis=1)).astype(np.uint8)

    runs = tuple(Subject(model(train.X, 20), train, test, {}) for model in (Coder, Scattered))
    pair = Pair(runs, ("linear", "scattered"))
    assert [f.better for f in [*pair.ordered, *pair.continuous]] == [0, 0, 0]
    midway = pair.continuous[1]
    assert midway.values[0].value > midway.marks["two images faded"]


# -- what is refused ---------------------------------------------------------------------
def refused(runs, words: str, out: Path | None = None) -> None:
    with pytest.raises(VeneroError, match=words) as caught:
        write_report(runs, out)
    assert "\n" not in str(caught.value)


def test_folders_that_are_no_runs(tmp_path, runs):
    refused([], "0 runs were given")
    refused([runs[0]] * 3, "3 runs were given")
    refused([tmp_path / "nowhere"], "is not there")
    refused([tmp_path], "has no config.json")
    (tmp_path / "config.json").write_text("{")
    refused([tmp_path], "not readable JSON")
    (tmp_path / "config.json").write_text("[]")
    refused([tmp_path], "does not say what the data were")
    (tmp_path / "config.json").write_bytes((runs[0] / "config.json").read_bytes())
    refused([tmp_path], "model.json")


def changed(run: Path, folder: Path, **parts) -> Path:
    folder.mkdir()
    for path in run.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    said = json.loads((run / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(said | parts))
    return folder


def test_data_that_are_gone_or_differ(tmp_path, runs):
    gone = changed(runs[0], tmp_path / "gone", data={"source": str(tmp_path / "gone.csv"), "size": None, "target": None})
    refused([gone], "data of .* can't be read again")
    nothing = changed(runs[0], tmp_path / "nothing", data={"size": None})
    refused([nothing], "does not say what the data were")
    other = changed(runs[0], tmp_path / "other", split={"test": 0.3, "random_state": 0})
    refused([runs[0], other], "differ in their split")


def test_two_models_without_anything_in_common(digits):
    rows = np.asarray(digits[0].reshape(len(digits[0]), -1), dtype=float)[:, 10:14]
    frame = pd.DataFrame(rows, columns=list("abcd"))
    train, test = halves(frame)
    html = pair_page(*(Subject(Density(frame), train, test, {}, name) for name in ("a", "b")))
    page = Page(html)
    assert page.sections == ["verdict", "runs"]
    assert "nothing to measure it by" in page.text
