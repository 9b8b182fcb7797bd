"""The plain facts of a run: key figures, the data, cost, how to run it again."""

from __future__ import annotations

from math import log

import numpy as np

from venero.metrics.intervals import Estimate, mean
from venero.plots import images
from venero.report import tabular
from venero.report.blocks import Block, Card, Cards, Code, Note, Pictures, Section, Table
from venero.report.figures import picture
from venero.report.subject import NEIGHBOURS, Subject, spread
from venero.report.words import duration, listed, number, percent, plural, span

EXAMPLES = 20
MOST_CLASSES = 12  # that are counted one by one
NAMES = {"cpus": "CPUs", "gpu": "GPU"}


def key_figures(s: Subject) -> Cards:
    """What one wants to know first."""
    makers = (_score, _bits, _error, _used, _knn, _time, _size)
    return Cards([card for make in makers if (card := make(s))])


def _score(s: Subject) -> Card | None:
    if not hasattr(s.model, "score_samples"):
        return None
    estimate = mean(s.scores)
    of = "log p(x | label)" if s.conditional else "log p(x)"
    kind = {"exact": "exact"}.get(
        s.model.score_kind, f"a {s.model.score_kind}" if s.model.score_kind != "estimate" else "an estimate"
    )
    what = f"{kind}; {getattr(s.model, 'score_of_', '')}".rstrip("; ")
    return Card(
        f"Held-out {of}", number(estimate.value), "nats", f"Higher is better. {what[0].upper() + what[1:]}. {_on(estimate)}"
    )


def _bits(s: Subject) -> Card | None:
    if not (hasattr(s.model, "bits_per_dim") and s.pictures):
        return None
    bits = -float(s.scores.mean()) / (log(2) * s.model.n_dims_)
    return Card("Bits per dimension", number(bits), "bits", "Lower is better. The same score, per pixel and channel.")


def _error(s: Subject) -> Card | None:
    if not hasattr(s.model, "reconstruction_error"):
        return None
    estimate = mean(s.errors)
    units = "pixels 0 to 1" if s.pictures else "in standard deviations, categories as 0 and 1"
    linear = s.linear_errors
    yardstick = f"PCA with as long a code: {number(linear.value)}. " if linear else ""
    return Card("Reconstruction error", number(estimate.value), "squared", f"Per {s.noun}, {units}. {yardstick}{_on(estimate)}")


def _used(s: Subject) -> Card | None:
    if not hasattr(s.model, "latent_kl"):
        return None
    return Card(
        "Active units", f"{int(s.in_use.sum())} of {s.latent_dim}", "", "Numbers of the code that say something of the example."
    )


def _knn(s: Subject) -> Card | None:
    if not hasattr(s.model, "encode") or s.knn is None:
        return None
    return Card(
        "Classes told by neighbours",
        percent(s.knn.value),
        "",
        f"Of held-out codes, by their {NEIGHBOURS} nearest training codes. {span(s.knn, shares=True).capitalize()}.",
    )


def _time(s: Subject) -> Card | None:
    seconds = getattr(s.model, "fit_seconds_", None)
    return (
        None
        if seconds is None
        else Card("Training", duration(seconds), "", f"{plural(len(getattr(s.model, 'history_', [])), 'epoch')} in all.")
    )


def _size(s: Subject) -> Card | None:
    n = getattr(s.model, "n_parameters_", None)
    return None if n is None else Card("Parameters", f"{n:,}", "", "Numbers that were learned.")


def _on(estimate: Estimate) -> str:
    return f"{span(estimate).capitalize()}, n = {estimate.n:,}."


def neighbours(s: Subject) -> str:
    """The share of held-out codes whose class their neighbours tell, as a sentence."""
    if s.knn is None:
        return ""
    return (
        f"Ordered: for {percent(s.knn.value)} of them ({span(s.knn, shares=True)}), the {NEIGHBOURS} nearest of "
        f"{len(s.learned):,} training codes tell the right class."
    )


# -- the data ----------------------------------------------------------------------------
def data(s: Subject) -> Section:
    lead = (
        f"{_described(s)} The model learned from {plural(len(s.train), s.noun)}; {len(s.test):,} were held out and never seen "
        "while it learned, and every figure on this page is about those"
        + (f" ({len(s.shown):,} of them, drawn at random)." if len(s.shown) < len(s.test) else ".")
    )
    blocks: list[Block] = [_examples(s), *_counts(s)]
    return Section("data", "The data", lead, [*blocks, *_origin(s)])


def _described(s: Subject) -> str:
    X = s.train.X
    if s.pictures:
        colour = "colour " if X.ndim == 4 and X.shape[-1] == 3 else ""
        return f"{s.train.name}: {colour}images of {X.shape[1]} × {X.shape[2]} pixels."
    if isinstance(X, list):
        return f"{s.train.describe().splitlines()[0]}."
    return f"{s.train.name}: a table of {plural(X.shape[1], 'column')}."


def _examples(s: Subject) -> Block:
    if not s.pictures:
        return tabular.preview(tabular.frame(s, s.learned.X, starts=True), f"First {s.noun}s")
    part = s.learned.take(spread(s.learned, EXAMPLES))
    return Pictures([picture(images.image_grid(part.X, 10), f"A sheet of {len(part)} training images.")], "Examples")


def _counts(s: Subject) -> list[Block]:
    if s.classes is None:
        return []
    labels, counts = np.unique(np.asarray(s.train.y), return_counts=True)
    if len(labels) > MOST_CLASSES:
        return [Note(f"{len(labels)} classes, of {counts.min():,} to {counts.max():,} training {s.noun}s each.")]
    each = [f"{s.class_name(label)} ({n:,})" for label, n in zip(labels.tolist(), counts, strict=True)]
    return [Note(f"{len(labels)} classes in the training data: {listed(each)}.")]


def _origin(s: Subject) -> list[Block]:
    known = [(key, s.train.provenance.get(key)) for key in ("source", "licence", "citation")]
    rows = [(key.capitalize(), str(value)) for key, value in known if value]
    if s.held_out:
        rows.append(("Held out", s.held_out))
    return [Table((), rows)] if rows else []


# -- cost and how to run it again --------------------------------------------------------
def cost(s: Subject) -> Section | None:
    seconds, history = getattr(s.model, "fit_seconds_", None), getattr(s.model, "history_", None)
    if seconds is None or not history:
        return None
    rows = [
        ("Training", duration(seconds)),
        ("Epochs", f"{len(history):,}"),
        ("Time per epoch", duration(seconds / len(history))),
        (
            "Examples per second",
            f"{len(s.train) * (1 - getattr(s.model, 'validation', 0)) * len(history) / max(seconds, 1e-9):,.0f}",
        ),
    ]
    if hasattr(s.model, "n_parameters_"):
        rows += [
            ("Parameters", f"{s.model.n_parameters_:,}"),
            ("Size as 32-bit numbers", f"{4 * s.model.n_parameters_ / 2**20:.2g} MiB"),
        ]
    machine = s.config.get("machine", {})
    rows += [(NAMES.get(key, key.capitalize()), str(value)) for key, value in machine.items() if value is not None]
    return Section("cost", "Cost", "What it took to train this model, and on what machine.", [Table((), rows)])


def again(s: Subject) -> Section | None:
    if not s.config.get("command"):
        return None
    lead = (
        "The same command on the same data, versions and kind of machine gives the same model where its random state was fixed."
    )
    blocks: list[Block] = [Code(str(s.config["command"]))]
    if s.name:
        blocks += [Note("To use the model in Python:"), Code(f"import venero\n\nmodel = venero.load({s.name!r})")]
    versions = [(str(k), str(v)) for k, v in s.config.get("versions", {}).items()]
    started = [("Started", str(s.config["started"]))] if s.config.get("started") else []
    return Section("again", "Run it again", lead, [*blocks, *([Table((), [*started, *versions])] if versions else [])])
