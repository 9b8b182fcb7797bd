"""One page for one model: complete for what the model can do, self-contained, accessible, and true."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fakes import Coder, Density, Generator, Page, halves

from venero.metrics.representation import knn_accuracy
from venero.plots.curves import kl_bars
from venero.report.figures import picture
from venero.report.page import build
from venero.report.words import number, percent

NAMES = tuple("0123456789")


@pytest.fixture(scope="module")
def parts(digits):
    return halves(*digits, class_names=NAMES, provenance={"licence": "CC BY 4.0"})


@pytest.fixture(scope="module")
def html(parts):
    config = {"command": "venero fit fake digits", "versions": {"venero": "0"}, "machine": {"cpus": 2}}
    return build(Generator(parts[0].X), *parts, config)


def test_every_section_that_the_model_has(html):
    expected = "data learning reconstructions samples latent manifold interpolations dimensions anomalies cost again"
    assert Page(html).sections == expected.split()


def test_a_coder_has_no_samples_and_says_the_way(parts):
    page = Page(build(Coder(parts[0].X), *parts))
    expected = "data learning reconstructions samples latent manifold interpolations anomalies cost"
    assert page.sections == expected.split()
    assert "LatentModel" in page.text
    assert "log p(x)" not in page.text


def test_longer_codes_have_no_plane(parts):
    page = Page(build(Coder(parts[0].X, latent_dim=5), *parts))
    assert "manifold" not in page.sections
    assert "principal component 1" in page.text


def test_a_density_of_a_table(parts):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"price ($)": rng.normal(5, 1, 300), "<b>width</b>": rng.normal(size=300)})
    page = Page(build(Density(frame), *halves(frame, n=200, name="<script>alert(1)</script>")))
    assert page.sections == ["data", "samples", "anomalies"]
    assert "price ($)" in page.text
    assert "<b>width</b>" in page.text
    assert "<script>alert(1)</script>" in page.text  # as words
    assert not [tag for tag, _ in page.tags if tag in ("script", "b")]


def test_nothing_outside_the_page_is_asked_for(html):
    page = Page(html)
    assert all(a.startswith(("#", "data:image/png;base64,")) for a in page.asked)
    assert "@import" not in html
    assert not [u for u in re.findall(r"url\(([^)]*)\)", html) if not u.startswith("#")]
    assert not re.search(r"https?://", html)


def test_the_page_can_be_read_by_everyone(html):
    page = Page(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert ("html", {"lang": "en"}) in page.tags
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert len(page.pictures) >= 11
    assert all(known.get("role") == "img" and len(known["aria-label"]) > 20 for known in page.pictures)
    assert any(known.get("name") == "viewport" for tag, known in page.tags if tag == "meta")


def test_figures_are_those_of_the_held_out_data(parts, html):
    train, test = parts
    model, text = Generator(train.X), Page(html).text
    assert number(model.reconstruction_error(test.X).mean()) in text
    assert number(model.score_samples(test.X).mean()) in text
    expected = knn_accuracy(model.encode(train.X), train.y, model.encode(test.X), test.y)
    assert percent(expected.value).replace("\N{NO-BREAK SPACE}", " ") in text
    assert f"n = {len(test)}" in text
    assert f"learned from {len(train):,} images" in text


def test_the_strangest_is_shown_first(parts, html):
    scores = Generator(parts[0].X).score_samples(parts[1].X)
    strangest = [f"{-s:.4g}" for s in np.sort(scores)[:10]]
    text = Page(html).text
    places = [text.index(s) for s in strangest]
    assert places == sorted(places)


def test_the_same_input_gives_the_same_page(parts, html):
    config = {"command": "venero fit fake digits", "versions": {"venero": "0"}, "machine": {"cpus": 2}}
    again = build(Generator(parts[0].X), *parts, config)
    untimed = lambda page: re.sub(r"Written by.*", "", page)  # noqa: E731
    assert untimed(again) == untimed(html)


def test_colours_of_words_follow_the_page():
    shown = picture(kl_bars(np.array([1.0, 0.0]), np.array([True, False])), 'Bars: "two"')
    assert "var(--muted)" in shown.svg
    assert "#5d6b7b" not in shown.svg
    assert 'aria-label="Bars: &quot;two&quot;"' in shown.svg
    assert "font-family" not in shown.svg
    assert shown.svg.rstrip().endswith("</svg>")


@pytest.mark.parametrize("form", ["colour", "float", "bits"])
def test_every_kind_of_image(digits, form):
    X = {"colour": np.repeat(digits[0][..., None], 3, axis=3), "float": digits[0] / 255, "bits": digits[0] > 127}[form]

    class Plain(Coder):
        def __init__(self, X):
            super().__init__(np.asarray(X, dtype=float) * (1 if X.dtype == np.uint8 else 255))

        def encode(self, Z):
            return super().encode(np.asarray(Z, dtype=float) * (1 if Z.dtype == np.uint8 else 255))

    page = Page(build(Plain(X), *halves(X)))
    assert "reconstructions" in page.sections
    assert ("colour images" in page.text) == (form == "colour")
