"""The page on a comparison: what the leaderboard says, and nothing that it does not."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fakes import Page

import venero
from venero.evaluation.scorecard import Scorecard
from venero.leaderboard import CODE, Leaderboard, Row
from venero.metrics.figure import CEILING, FLOOR, HIGHER, LOWER, MEMORISER, Figure, exactly
from venero.metrics.intervals import Estimate

HOW: dict[str, Any] = {
    "minutes": 3,
    "seeds": 1,
    "test": 0.2,
    "limit": None,
    "random_state": 0,
    "train": 120,
    "held_out": 30,
    "chosen": "20 % of the examples, drawn with seed 0",
    "minutes_each": 1.0,
    "source": "digits",
    "target": None,
    "size": None,
}


def around(value: float, half: float) -> Estimate:
    return Estimate(value, value - half, value + half, 100)


def card(distance: float, psnr: float) -> Scorecard:
    known = {CEILING: 0.011, MEMORISER: 0.022, FLOOR: 0.933}
    figures = (
        Figure("fidelity", "kernel distance", around(distance, 0.05), "", LOWER, "planted features", references=known),
        Figure("representation", "linear probe", around(0.8, 0.1), "", HIGHER, references={"PCA": 0.777, "raw data": 0.888}),
        Figure("reconstruction", "PSNR", around(psnr, 0.1), "dB", HIGHER),
        Figure("reconstruction", CODE, exactly(7), better=LOWER),
    )
    return Scorecard("M", "digits", figures)


@pytest.fixture(scope="module")
def images(digits):
    return digits[0][:150]


@pytest.fixture(scope="module")
def board(images, tmp_path_factory):
    """Two models that learned something, with planted figures, and one that failed."""
    folder = tmp_path_factory.mktemp("board")
    model = venero.AutoEncoder(hidden=(8,), latent_dim=2, epochs=1, net="mlp", random_state=0).fit(images)
    model.save(folder / "a-0")
    rows = (
        Row("autoencoder", 0, card(0.2, 20.0), folder=str(folder / "a-0")),
        Row("vae", 0, card(0.7, 20.05), folder=str(folder / "none")),
        Row("<gone>", 0, failure="it asked for more than 1 GB & died"),
    )
    return Leaderboard("digits", rows, HOW, str(folder), images[:4])


@pytest.fixture(scope="module")
def page(board) -> tuple[Page, str]:
    html = Path(board.report()).read_text()
    return Page(html), html


def test_each_question_that_has_an_answer_is_a_section(page):
    expected = "verdict samples compression reconstructions references failures again"
    assert page[0].sections == expected.split()
    assert len(set(page[0].ids)) == len(page[0].ids)


def test_the_verdict_is_the_leaderboards(page, board):
    for _, sentence in board.verdict():
        assert sentence in page[0].text
    assert "One seed" in page[0].text


def test_a_value_stands_with_its_interval_and_the_length_of_the_code(page):
    assert "0.15 to 0.25" in page[0].text
    assert "Codes of 7 numbers" in page[0].text


def test_known_figures_stand_beside_the_models_own_and_others_are_left_out(page):
    between = page[0].text[page[0].text.index("Between the ceiling and the floor") :]
    assert all(value in between for value in ("0.011", "0.022", "0.933"))
    assert "0.777" not in between


def test_who_failed_says_why(page):
    assert "it asked for more than 1 GB & died" in page[0].text
    assert "<gone>" not in page[1]


def test_how_to_do_it_again(board, images):
    there = [row for row in board.rows if row.card]
    html = Path(Leaderboard("digits", tuple(there), HOW, board.folder, images[:4]).report()).read_text()
    assert "venero compare digits autoencoder vae --minutes 3 --seeds 1 --test 0.2 --random-state 0 --out" in html
    assert "--limit" not in html


def test_no_request_leaves_the_page(page):
    assert all(asked.startswith(("#", "data:")) for asked in page[0].asked)
    assert not re.findall(r"url\((?!#|data:)|@import", page[1])
