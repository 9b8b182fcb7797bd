"""A scorecard as JSON, a frame, a table and a picture."""

import json
from math import inf, isnan

import pytest

from venero.core.errors import StorageError, VeneroError
from venero.evaluation.scorecard import Scorecard
from venero.metrics.figure import CEILING, FLOOR, HIGHER, Figure, exactly
from venero.metrics.intervals import Estimate

FIDELITY = Figure(
    "fidelity",
    "recall",
    Estimate(0.75, 0.7, 0.8, 300),
    better=HIGHER,
    space="pixels <2>",
    references={CEILING: 0.9, FLOOR: 0.4},
)
CARD = Scorecard("VAE", "digits", (FIDELITY, Figure("cost", "parameters", exactly(12))), {"utility": "no labels"})


def test_json_and_back_is_the_same():
    assert Scorecard.from_json(CARD.to_json()) == CARD


def test_infinity_is_null_in_json_and_nan_back():
    card = Scorecard("VAE", "digits", (Figure("likelihood", "nats", Estimate(-inf, -inf, -inf, 3)),))
    text = card.to_json()
    assert json.loads(text)["figures"][0]["value"] == {"value": None, "low": None, "high": None, "n": 3}
    back = Scorecard.from_json(text)["nats"].value
    assert isnan(back.value)
    assert back.n == 3


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 9}', '{"format": 1, "figures": [1]}'])
def test_what_is_no_scorecard_is_told_in_one_line(text):
    with pytest.raises(StorageError) as told:
        Scorecard.from_json(text)
    assert "\n" not in str(told.value)


def test_a_figure_by_name_and_the_nearest_name():
    assert CARD["recall"] is FIDELITY
    assert "recall" in CARD and "precision" not in CARD
    with pytest.raises(VeneroError, match="did you mean 'recall'"):
        CARD["recal"]


def test_frame_has_a_row_per_figure_and_a_column_per_reference():
    frame = CARD.to_frame()
    assert frame["value"].tolist() == [0.75, 12.0]
    assert frame[FLOOR].isna().tolist() == [False, True]


def test_table_names_space_interval_n_direction_references_and_what_was_skipped():
    text = str(CARD)
    for said in (
        "VAE on digits",
        "pixels <2>",
        "recall ↑",
        "0.7 to 0.8",
        "300",
        CEILING,
        "0.9",
        FLOOR,
        "utility: not measured",
    ):
        assert said in text
    assert "0.9" in CARD._repr_html_()
    assert "pixels &lt;2&gt;" in CARD._repr_html_()


def test_picture_puts_a_figure_between_floor_and_ceiling():
    (axes,) = CARD.plot().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["recall 0.75"]
    dot = next(line for line in axes.lines if line.get_marker() == "o")
    assert dot.get_xdata()[0] == pytest.approx((0.75 - 0.4) / (0.9 - 0.4))


def test_picture_leaves_out_what_is_neither_better_nor_worse():
    """Between a floor and a ceiling that are equal but for chance, a copy of train would look better than real data."""
    memory = Figure("memorisation", "nearest row is one of train", exactly(0.88), references={CEILING: 0.88, FLOOR: 0.9})
    (axes,) = Scorecard("VAE", "digits", (FIDELITY, memory)).plot().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["recall 0.75"]


def test_picture_without_references_says_so():
    (axes,) = Scorecard("VAE", "digits", (Figure("cost", "parameters", exactly(12)),)).plot().axes
    assert "no figure" in axes.texts[0].get_text()
