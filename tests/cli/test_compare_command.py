"""`venero compare` says who is better at what as it goes, and writes the page."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture
def table(csv):
    """Its first 60 rows: enough to compare on, and quick."""
    pd.read_csv(csv).head(60).to_csv("few.csv", index=False)
    return "few.csv"


@pytest.fixture
def here():
    """Fits in this process: another one takes seconds to start."""
    import joblib

    with joblib.parallel_config(backend="sequential"):
        yield


def test_a_line_for_each_fit_then_rankings_a_verdict_and_the_page(venero, table, here):
    done = venero("compare", table, "independent", "gaussian", "--minutes", 1, "--target", "kind")
    assert done.code == 0, done.err
    assert "  independent, seed 0: fitted in " in done.out
    assert "  gaussian, seed 0: failed: X has" in done.out
    assert "Which gives held-out examples the highest probability?" in done.out
    assert done.out.count("\n1    independent    ") >= 2  # first, and alone, in what could be measured
    assert done.out.endswith(f"report  {Path('runs/compare-few/report.html')}\n")
    config = json.loads(Path("runs/compare-few/independent-0/config.json").read_text())
    assert (config["model"], config["data"]["target"]) == ("independent", "kind")
    assert config["data"]["source"] == str(Path(table).resolve())
    page = Path("runs/compare-few/report.html").read_text()
    assert "2 models on few" in page
    assert f"venero compare {Path(table).resolve()} independent gaussian --minutes 1" in page


def test_the_same_call_goes_on_and_another_is_refused(venero, table, here):
    call = ("compare", table, "independent", "--minutes", 1, "--out", "out")
    assert venero(*call).code == 0
    card = Path("out/independent-0/scorecard.json")
    written = card.stat().st_mtime_ns
    assert venero(*call).code == 0
    assert card.stat().st_mtime_ns == written
    refused = venero("compare", table, "independent", "--minutes", 2, "--out", "out")
    assert refused.code == 2
    assert "holds another comparison (minutes was 1" in refused.err
    assert venero(*call, "--no-resume").code == 0
    assert card.stat().st_mtime_ns > written


def test_wrong_words_are_one_line(venero, table):
    for arguments, line in [
        ((table, "vea"), "did you mean 'vae'"),
        (("nothing.csv",), "nothing.csv"),
        ((table, "--minutes", "-1"), "minutes"),
    ]:
        done = venero("compare", *arguments)
        assert done.code == 2
        assert line in done.err
        assert len(done.err.splitlines()) == 1
