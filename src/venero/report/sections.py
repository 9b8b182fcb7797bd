"""The sections of the report on one model: each asks what the model and the data can show, and is left out otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from venero.data.datasets import chosen
from venero.plots import curves, images, tables
from venero.report import facts, latent, tabular
from venero.report.blocks import Block, Note, Picture, Pictures, Section
from venero.report.figures import picture
from venero.report.subject import Subject, spread
from venero.report.words import listed, number, plural

SHOWN = 20  # pictures in a sheet
COLUMNS = 10
MOST_COLUMNS = 12  # of a table that are drawn
ANOMALIES = 10


def learning(s: Subject) -> Section | None:
    history = getattr(s.model, "history_", None)
    if not history:
        return None
    figures = curves.learning_curves(history)
    alt = "Learning curve: {} by epoch, from {} to {} on the training data."
    pictures = [picture(f, alt.format(name, *_ends(history, stage, name))) for (stage, name), f in figures.items()]
    lead = (
        "How training went: one epoch is one pass over the training data. A curve should fall and then level off. Where "
        "validation (data that were watched, not learned from) turns up while train still falls, the model is learning its "
        "training data by heart."
    )
    kl = Note(
        "Reconstruction: how badly the decoder restores an example. KL: how much a code says of its example, in nats; it may "
        "rise, because codes that say more buy better reconstructions."
    )
    return Section(
        "learning", "Learning curves", lead, [Pictures(pictures), *([kl] if any(n == "kl" for _, n in figures) else [])]
    )


def _ends(history: list[dict[str, Any]], stage: str, name: str) -> tuple[str, str]:
    values = [row["train"][name] for row in history if row["stage"] == stage and name in row["train"]]
    return number(values[0]), number(values[-1])


def reconstructions(s: Subject) -> Section | None:
    if not hasattr(s.model, "reconstruct"):
        return None
    return _restored_images(s) if s.pictures else _restored_columns(s)


def _restored_images(s: Subject) -> Section:
    part = s.shown.take(spread(s.shown, SHOWN))
    figure = images.pairs(part.X, s.model.reconstruct(part.X), COLUMNS)
    lead = (
        f"Held-out images above, and below each what comes back when it is squeezed into {plural(s.latent_dim, 'number')} and "
        "decoded. What is lost is what the code has no room for: usually fine detail first."
    )
    return Section(
        "reconstructions",
        "Originals over reconstructions",
        lead,
        [Pictures([picture(figure, f"{len(part)} held-out images, each over its reconstruction.")])],
    )


def _restored_columns(s: Subject) -> Section:
    lead = (
        f"Held-out rows were squeezed into {plural(s.latent_dim, 'number')} and decoded. For columns of numbers: the share of "
        "the variance that comes back (R²; 100 % is perfect, 0 % no better than the mean). For categories: how often the "
        "right one comes back, next to always naming the commonest."
    )
    return Section("reconstructions", "What comes back of each column", lead, [tabular.restored(s)])


def samples(s: Subject) -> Section | None:
    if not hasattr(s.model, "sample"):
        return _no_samples(s)
    return _drawn_images(s) if s.pictures else _drawn_rows(s)


def _no_samples(s: Subject) -> Section:
    lead = (
        f"{s.title} learns to code and decode, not which codes are likely, so new {s.noun}s can't be drawn from it. Give its "
        "codes a density to get samples: LatentModel(first=this model, prior=Gaussian())."
    )
    return Section("samples", "No samples", lead)


def _drawn_images(s: Subject) -> Section:
    labels, rows = _labels(s)
    lead = f"New images, drawn from the model{rows}. Good ones could be taken for real, and differ from each other."
    if not s.draws_means:
        return Section("samples", "Samples", lead, [Pictures([_sheet(s, labels, "Images drawn from the model.")])])
    lead += (
        " First the mean picture of each drawn code: what the model has in mind. Then true draws from p(x), the pixel noise "
        "included, which is what the score speaks of; they look rougher because this noise is drawn for each pixel by itself."
    )
    blocks = [
        Pictures([_sheet(s, labels, "Mean pictures of codes drawn from the prior.", noise=False)], "Mean pictures"),
        Pictures([_sheet(s, labels, "True draws from the model, with pixel noise.")], "True draws"),
    ]
    return Section("samples", "Samples", lead, blocks)


def _sheet(s: Subject, labels: list[Any] | None, alt: str, **options: Any) -> Picture:
    drawn = s.model.sample(SHOWN, y=labels, random_state=0, **options)
    return picture(images.image_grid(drawn, COLUMNS), alt)


def _labels(s: Subject) -> tuple[list[Any] | None, str]:
    """Labels to sample by where the model takes them (a column each), and how to say so."""
    if not s.conditional:
        return None, ""
    known = s.model.classes_.tolist()[:COLUMNS]
    named = listed([s.class_name(label) for label in known])
    return [known[i % len(known)] for i in range(SHOWN)], f" for one label after the other ({named})"


def _drawn_rows(s: Subject) -> Section:
    made = s.model.sample(len(s.shown), random_state=0)
    drawn = tabular.frame(s, made)
    real = tabular.frame(s, s.shown.X)
    lead = (
        f"New {s.noun}s, drawn from the model. Each column's generated values (orange) should be spread as the held-out real "
        "ones (grey) are; that is needed, not enough: it says nothing of how columns go together."
    )
    first = tabular.preview(tabular.frame(s, made, starts=True), f"Generated {s.noun}s")
    names = list(real.columns[:MOST_COLUMNS])
    pictures = [picture(tables.marginal(real[c], drawn[c]), f"Column {c}: real and generated values.") for c in names]
    left = [Note(f"{len(real.columns) - len(names)} more columns are not drawn.")] if len(names) < len(real.columns) else []
    return Section(
        "samples",
        f"Generated {s.noun}s",
        lead,
        [first, Pictures(pictures), *left],
    )


def anomalies(s: Subject) -> Section | None:
    """Anomaly scores as the task `anomaly` has them by default, of what is computed already."""
    if hasattr(s.model, "score_samples"):
        return _strangest(s, s.scored.X, -s.scores, "−log p(x), nats")
    if hasattr(s.model, "reconstruction_error"):
        return _strangest(s, s.shown.X, s.errors, "squared reconstruction error")
    return None


def _strangest(s: Subject, X: Any, scores: np.ndarray, what: str) -> Section:
    worst = np.argsort(-scores, kind="stable")[:ANOMALIES]
    lead = (
        f"Of {plural(len(scores), 'held-out ' + s.noun)}, the {len(worst)} that are the least like the training data by "
        f"{what}; the first is the strangest. Look for mistakes in the data here, and for kinds that the model has not "
        "learned."
    )
    if s.pictures:
        figure = images.anomalies(X, scores, ANOMALIES)
        shown: Block = Pictures([picture(figure, f"The {len(worst)} most anomalous held-out images with their scores.")])
    else:
        rows = X.iloc[worst] if hasattr(X, "iloc") else chosen(X, worst)
        shown = tabular.preview(
            tabular.frame(s, rows, starts=True), f"The strangest {s.noun}s", [number(v) for v in scores[worst]]
        )
    histogram = curves.score_histogram(scores, marked=len(worst), label=what)
    return Section(
        "anomalies",
        "Most anomalous",
        lead,
        [shown, Pictures([picture(histogram, "Histogram of the scores; the highest are marked.")])],
    )


SECTIONS: tuple[Callable[[Subject], Section | None], ...] = (
    facts.data,
    learning,
    reconstructions,
    samples,
    latent.map_,
    latent.manifold,
    latent.interpolations,
    latent.dimensions,
    anomalies,
    facts.cost,
    facts.again,
)


def sections(s: Subject) -> list[Section]:
    """The sections that this model and these data have."""
    return [section for make in SECTIONS if (section := make(s))]
