"""What the library does around a model of sequences: in and out in the user's terms, unequal lengths, evaluation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from steps import Steps, examples
from venero.core.errors import DataError
from venero.data.audio import Clips
from venero.data.datasets import Dataset
from venero.evaluation.evaluate import evaluate
from venero.metrics.figure import CEILING, MEMORISER

KINDS = ["series", "symbols", "text", "audio"]


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_in_the_users_terms(kind):
    X = examples(kind)
    model = Steps(random_state=0).fit(X)
    drawn = model.sample(5, random_state=1)
    assert type(drawn) is type(X)
    assert len(drawn) == 5
    assert type(drawn[0]) is type(X[0])
    assert len({len(x) for x in drawn}) > 1
    again = model.sample(5, random_state=1)
    assert all(np.array_equal(a, b) if kind in ("series", "audio") else a == b for a, b in zip(drawn, again, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_is_each_sequences_own(kind):
    X = examples(kind)
    model = Steps(random_state=0).fit(X)
    scores = model.score_samples(X)
    assert np.isfinite(scores).all()
    for i in (0, 7):
        np.testing.assert_allclose(model.score_samples(X[i : i + 1]), scores[i], rtol=1e-5)
    codes = model.encode(X)
    lengths = model.codec_.lengths(X).tolist()
    assert [c.shape for c in codes] == [(t, 1) for t in lengths]
    steps = sum(lengths) * (2 if kind == "series" else 13 if kind == "audio" else 1)
    assert model.bits_per_dim(X) == pytest.approx(-scores.sum() / np.log(2) / steps, rel=1e-5)


def test_a_density_is_in_the_users_units():
    X = examples("series")
    X[3][1, 0] = np.nan
    model = Steps(random_state=0).fit(X)
    steps = np.concatenate(X)
    mean, sd = np.nanmean(steps, 0), np.nanstd(steps, 0)
    by_hand = [np.nansum(norm.logpdf(x, mean, sd)) for x in X]
    np.testing.assert_allclose(model.score_samples(X), by_hand, rtol=1e-4)


def test_gaps_and_what_comes_after_are_filled_in():
    X = examples("series")
    model = Steps(random_state=0).fit(X)
    X[0][1, 0] = np.nan
    done = model.complete(X, length=10)
    assert [len(x) for x in done] == [10] * len(X)
    for x, d in zip(X, done, strict=True):
        there = ~np.isnan(x)
        np.testing.assert_array_equal(d[: len(x)][there], x[there])
        np.testing.assert_allclose(
            d[len(x) :], np.broadcast_to(np.nanmean(np.concatenate(examples("series")), 0), d[len(x) :].shape), rtol=1e-4
        )
    text = examples("text")
    assert all(d.startswith(x) and len(d) == 12 for x, d in zip(text, Steps().fit(text).complete(text, length=12), strict=True))


def test_series_of_one_length_are_an_array():
    X = np.random.default_rng(0).normal(size=(20, 6, 2))
    model = Steps().fit(X)
    assert model.encode(X).shape == (20, 6, 1)
    known = np.ones((20, 6), dtype=bool)
    known[:, 4:] = False
    done = model.complete(X, known)
    assert isinstance(done, np.ndarray)
    np.testing.assert_array_equal(done[:, :4], X[:, :4])
    with pytest.raises(DataError, match=r"takes series data here, and this is table data: pass X\[:, :, None\]"):
        model.score_samples(X[..., 0])
    with pytest.raises(DataError, match="X is text data, and series data are taken here"):
        model.score_samples(["abc", "b"])


def test_labels_and_lengths_stay_with_their_rows():
    X = examples("series")
    model = Steps(max_iter=2).fit(X)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(model.score_samples([X[i] for i in order]), model.score_samples(X)[order], rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_has_figures_and_reasons(kind):
    X, held_out = examples(kind), examples(kind, seed=1)
    model = Steps(random_state=0).fit(X)
    groups = None if kind == "series" else ["likelihood", "fidelity", "memorisation", "representation"]
    card = evaluate(model, held_out, X, metrics=groups)
    assert set(card.skipped) <= {"utility", "representation", "reconstruction"}, card.skipped
    assert kind != "series" or card["C2ST accuracy"].value.value < 0.8
    copies = card["exact copies"]
    assert copies.references[MEMORISER] == 1
    assert copies.references[CEILING] < 0.2
    name = "bits per symbol" if kind in ("symbols", "text") else "bits per step and channel"
    assert np.isfinite(card[name].value.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_shows_what_can_be_said_of_any_sequence(kind):
    from venero.report.sections import sections
    from venero.report.subject import Subject

    X = examples(kind)
    model = Steps(random_state=0).fit(X)
    parts = [Dataset(part, y=np.arange(60) % 2, class_names=("a", "b")) for part in (X, examples(kind, seed=1))]
    made = {section.title for section in sections(Subject(model, *parts, {}))}
    assert {"The data", "Most anomalous"} <= made
    assert any(title.startswith("Generated") for title in made)


@pytest.mark.parametrize("kind", KINDS)
def test_a_memoriser_is_told_from_a_model(kind):
    """Halves of the same draw are near in the space that samples are judged in; other data are not."""
    from venero.metrics.features import feature_space
    from venero.metrics.fidelity import frechet_distance

    X = examples(kind, 200)
    other = {
        "series": lambda: [np.cumsum(x, axis=0) for x in X],
        "symbols": lambda: [sorted(x) for x in X],
        "text": lambda: ["".join(sorted(x)) for x in X],
        "audio": lambda: Clips([np.cumsum(x) / 20 for x in X], 8000),
    }[kind]()
    space = feature_space(Dataset(X))
    near, far = (frechet_distance(space(X), space(Y)) for Y in (examples(kind, 200, 3), other))
    assert near < far / 2
