"""`venero evaluate` prints and writes what the library itself finds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from calling import pixels

import venero as library
from venero.evaluation.scorecard import Scorecard

GROUPS = "likelihood,reconstruction"


def written(path: Path | str) -> Scorecard:
    return Scorecard.from_json(Path(path).read_text(encoding="utf-8"))


def test_it_is_judged_by_what_the_run_held_out_and_references_come_from_what_it_learned(venero, vae):
    done = venero("evaluate", vae, "-n", 60, "--metrics", "likelihood, memorisation", "--seed", 3, "-o", "card.json")
    assert done.code == 0, done.err
    train, test = library.dataset("digits").split(0.2, random_state=0)
    model, wanted = library.load(vae), ["likelihood", "memorisation"]
    card = library.evaluate(model, test, train, metrics=wanted, n=60, random_state=3)
    assert written("card.json") == card
    assert done.out.endswith(f"wrote card.json ({len(card.figures)} figures)\n")
    for figure in card.figures:
        assert figure.name in done.out
        assert figure.interval in done.out


def test_other_data_and_another_feature_space(venero, conditional):
    done = venero(
        "evaluate", conditional, "--data", "iris", "--features", "columns", "--metrics", "fidelity", "-o", "card.json"
    )
    assert done.code == 0, done.err
    assert written("card.json")["recall"].value.n == 75  # half of all 150, where the run held out 30


def test_what_cannot_be_measured_is_said(venero, autoencoder):
    done = venero("evaluate", autoencoder, "--metrics", "fidelity,cost", "-o", "card.csv")
    assert "fidelity: not measured, AutoEncoder has no sample" in done.out
    assert set(pd.read_csv("card.csv")["group"]) == {"cost"}


def test_each_suffix_holds_the_card(venero, vae):
    for name in ("card.csv", "card.html", "card.png"):
        assert venero("evaluate", vae, "-n", 40, "--metrics", GROUPS, "-o", name).code == 0
    table = pd.read_csv("card.csv").set_index("name")
    error = library.load(vae).reconstruction_error(library.dataset("digits").split(0.2, random_state=0)[1].X)
    assert table.loc["squared error", "low"] < error.mean() < table.loc["squared error", "high"]
    page = Path("card.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and "squared error ↓" in page
    assert pixels("card.png").ndim == 3


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--metrics", "fidelty"), "did you mean 'fidelity'"),
        (("--features", "inceptoin"), "did you mean 'inception'"),
        (("-o", "card.pdf"), "card.pdf: a scorecard can be written as .json, .csv, .html, .png"),
        (("-n", "0"), "'-n'"),
        (("--data", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_an_error_is_one_line(venero, vae, flags, says):
    done = venero("evaluate", vae, *flags)
    assert done.code == 2
    assert says in done.err
    assert len(done.err.strip().splitlines()) == 1
