"""Charts show the numbers that they were given."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle

from venero.plots import curves, latent, style, tables

HISTORY = [
    {
        "stage": "fit",
        "epoch": e,
        "train": {"loss": 10.0 / e + e, "reconstruction": 10.0 / e, "kl": float(e)},
        "validation": {"loss": 11.0, "reconstruction": 11.0 / e, "kl": 1.0} if e > 1 else None,
    }
    for e in (1, 2, 3)
]


def test_curves_of_each_part_of_the_loss():
    figures = curves.learning_curves(HISTORY)
    assert list(figures) == [("fit", "reconstruction"), ("fit", "kl")]
    train, validation = figures["fit", "reconstruction"].axes[0].lines
    assert train.get_xydata().tolist() == [[1, 10], [2, 5], [3, 10 / 3]]
    assert validation.get_xydata().tolist() == [[2, 5.5], [3, 11 / 3]]
    assert train.get_linestyle() != validation.get_linestyle()


def test_a_loss_without_parts_is_shown_itself():
    history = [{"stage": s, "epoch": 1, "train": {"loss": 2.0}, "validation": None} for s in ("first", "prior")]
    assert list(curves.learning_curves(history)) == [("first", "loss"), ("prior", "loss")]


def test_kl_bars_are_sorted_and_tell_what_is_in_use():
    kl = np.array([0.1, 2.0, 0.0, 1.0])
    axes = curves.kl_bars(kl, kl > 0.05).axes[0]
    assert [p.get_height() for p in sorted(axes.patches, key=lambda p: p.get_x())] == [2.0, 1.0, 0.1, 0.0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["2", "4", "1", "3"]
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["in use (3)", "not in use (1)"]


def test_histogram_counts_every_score_and_marks_the_highest():
    scores = np.random.default_rng(0).normal(size=500)
    axes = curves.score_histogram(scores, marked=5).axes[0]
    assert sum(p.get_height() for p in axes.patches) == 500
    assert sorted(axes.lines[0].get_xdata()) == sorted(scores)[-5:]


def test_intervals_show_each_run():
    rows = [curves.Measure("m", [curves.Dot(0.5, 0.4, 0.6), curves.Dot(0.8, 0.7, 0.9)], {"PCA": 0.3})]
    axes = curves.intervals(rows, ["A", "B"]).axes[0]
    spans = [tuple(line.get_xdata()) for line in axes.lines]
    assert (0.4, 0.6) in spans
    assert (0.7, 0.9) in spans
    assert (0.3, 0.3) in spans


# -- the latent map ----------------------------------------------------------------------
def test_two_dimensions_are_shown_as_they_are():
    codes = np.random.default_rng(0).normal(size=(50, 2))
    seen = latent.view(codes)
    assert seen.whole
    assert (seen.points == codes).all()


def test_more_dimensions_by_components_with_their_share_of_variance():
    codes = np.random.default_rng(0).normal(size=(100_000, 3)) * np.sqrt([6.0, 3.0, 1.0])
    seen = latent.view(codes)
    assert seen.axes[0] == "principal component 1 (60 % of the variance)"
    assert seen.axes[1] == "principal component 2 (30 % of the variance)"
    assert seen.points.std(axis=0) == pytest.approx(np.sqrt([6, 3]), rel=0.01)


def test_one_dimension_and_constant_codes():
    codes = np.arange(10.0)[:, None]
    assert (latent.view(codes).points[:, 0] == codes[:, 0]).all()
    assert np.isfinite(latent.view(np.ones((5, 4))).points).all()


def test_circle_holds_95_per_cent_of_a_unit_gaussian():
    draws = np.random.default_rng(0).normal(size=(200_000, 2))
    axes = latent.latent_map(draws[:100]).axes[0]
    (circle,) = (p for p in axes.patches if isinstance(p, Circle))
    assert (np.linalg.norm(draws, axis=1) < circle.radius).mean() == pytest.approx(0.95, abs=0.002)


def test_twenty_classes_are_told_apart_and_named():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(20), 5)
    figure = latent.latent_map(rng.normal(size=(100, 2)) + 10 * y[:, None], y, {3: "three ($)"})
    looks = {(tuple(c.get_facecolor()[0]), c.get_paths()[0].vertices.tobytes()) for c in figure.axes[0].collections}
    assert len(looks) == 20
    words = [t.get_text() for t in figure.axes[0].texts]
    assert "three ($)" in words
    assert "19" in words


def test_more_classes_and_measurements_are_shaded():
    codes = np.random.default_rng(0).normal(size=(100, 2))
    for labels in (np.arange(100), np.linspace(0, 1, 100)):
        figure = latent.latent_map(codes, labels)
        assert len(figure.axes) == 2  # a colour bar
        assert figure.axes[0].collections[0].get_cmap().name == "viridis"


def test_the_name_of_a_class_lies_on_one_of_its_points():
    """A ring has nothing in its middle."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert np.linalg.norm(latent._middle(ring)) == pytest.approx(1)


def test_names_do_not_lie_on_each_other():
    apart = latent._apart(np.array([[0.0, 0.0], [0.01, 0.0], [1.0, 1.0]]), np.array([1.0, 1.0]))
    assert np.linalg.norm(apart[0] - apart[1]) == pytest.approx(0.055, rel=0.01)
    assert apart[2].tolist() == [1, 1]


# -- tables ------------------------------------------------------------------------------
def test_marginals_of_numbers_are_shares():
    rng = np.random.default_rng(0)
    figure = tables.marginal(pd.Series(rng.normal(size=400), name="x ($)"), pd.Series([np.nan, 100.0, 0.0]))
    real, drawn = figure.axes[0].patches
    assert real.get_data().values.sum() == pytest.approx(1)
    assert drawn.get_data().values.tolist()[-1] == pytest.approx(0.5)  # beyond the bins: in the last one
    assert figure.axes[0].get_title(loc="left") == "x ($)"


def test_marginals_of_categories_sum_what_is_rare():
    real = pd.Series([*"aaabb", None, *"cdefghi"], name="k")
    axes = tables.marginal(real, pd.Series(["a", "z"])).axes[0]
    levels = [t.get_text() for t in axes.get_yticklabels()]
    assert levels[:2] == ["a", "b"]
    assert levels[-1] == "all others"
    widths = [p.get_width() for p in axes.patches]
    assert sum(widths[: len(levels)]) == pytest.approx(1)
    assert widths[len(levels)] == widths[-1] == pytest.approx(0.5)


def test_dates_flags_and_constants():
    days = pd.Series(pd.date_range("2020-01-01", periods=50), name="day")
    figure = tables.marginal(days, days)
    assert figure.axes[0].patches[0].get_data().values.sum() == pytest.approx(1)
    assert tables.is_continuous(days)
    assert not tables.is_continuous(pd.Series([True, False]))
    assert tables.marginal(pd.Series([3.0, 3.0], name="c")).axes


# -- style -------------------------------------------------------------------------------
def test_matplotlib_is_left_as_it_was():
    before = dict(mpl.rcParams)
    curves.learning_curves(HISTORY)
    assert dict(mpl.rcParams) == before


def test_pyplot_is_never_loaded():
    code = "import sys, venero.plots.curves, venero.plots.images, venero.plots.latent, venero.plots.tables as t, pandas as pd;"
    code += "t.marginal(pd.Series([1.0, 2.0], name='x')).savefig('/dev/null', format='svg');"
    code += "sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# G. M. Machado, M. M. Oliveira & L. A. F. Fernandes 2009, full severity, on linear RGB
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("kind", BLINDNESS)
def test_the_two_colours_of_lines_differ_for_everyone(kind):
    linear = [
        np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(x)])
        for x in (style.BLUE, style.ORANGE)
    ]
    a, b = (np.clip(np.array(BLINDNESS[kind]) @ c, 0, 1) for c in linear)
    assert np.linalg.norm(a - b) > 0.3
