"""Figures of a model's samples beside real data: fidelity, a two-sample test, memorisation, and what they are good for.

Each is computed by the same function for the samples, for the other half of the held-out data (the ceiling), for rows of
train (the memoriser) and for independent columns or pixels (the floor), all equally many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from venero.data.arrays import is_frame
from venero.data.datasets import Dataset
from venero.evaluation.case import Case, NotPossible, classes, some
from venero.metrics import memorisation as memory
from venero.metrics.features import PLAIN, feature_space
from venero.metrics.fidelity import frechet_distance, frechet_estimate, kernel_distance, neighbourhoods
from venero.metrics.figure import HIGHER, LOWER, Figure, exactly
from venero.metrics.intervals import Estimate, share
from venero.metrics.utility import MOST_CLASSES, Sample, Utility, boosting, compared, linear, utility

K = 5  # neighbours
LEAST = 12  # examples that an interval of the Fréchet distance takes
SEARCHED = 50_000  # training rows that copies are looked for among
Rows = NDArray[Any]
TARGET = "venero.label"  # a column name that no table has
LOWERED = {"Fréchet distance", "kernel distance"}


# -- fidelity ----------------------------------------------------------------------------
def fidelity(case: Case) -> Iterator[Figure]:
    """How like real data samples are, and how much of the variety of those they have."""
    real, samples, references = case.seen
    if len(real) < LEAST:
        raise NotPossible(f"{len(real)} held-out examples in one half: at least {LEAST} are needed")
    kernel = case.space.kernel
    notes = {
        "Fréchet distance": f"biased upwards at n = {len(real)}: compare at equal n",
        "kernel distance": "cubic kernel, as in KID" if kernel == "cubic" else "Gaussian kernel",
    }
    plain = lambda a, b: exactly(frechet_distance(a, b))  # noqa: E731 - of references no interval is shown
    known = {name: _alike(real, x, plain, kernel) for name, x in references.items()}
    for name, value in _alike(real, samples, frechet_estimate, kernel).items():
        values = {reference: found[name].value for reference, found in known.items()}
        better = LOWER if name in LOWERED else HIGHER
        yield Figure("fidelity", name, value, "", better, case.space.name, notes.get(name, ""), values)


def _alike(real: Rows, x: Rows, frechet: Callable[[Rows, Rows], Estimate], kernel: str) -> dict[str, Estimate]:
    shares = {name.replace("_", " "): value for name, value in neighbourhoods(real, x, K)._asdict().items()}
    return {"Fréchet distance": frechet(real, x), "kernel distance": kernel_distance(real, x, kernel), **shares}


# -- two-sample test ---------------------------------------------------------------------
def two_sample(case: Case) -> Iterator[Figure]:
    """How often a classifier that is told to tell real from sampled is right on what it did not learn from."""
    from venero.metrics.twosample import c2st

    real, samples, references = _told_apart(case)
    found = c2st(real, samples, random_state=case.random_state)
    known = {name: c2st(real, X, random_state=case.random_state).accuracy.value for name, X in references.items()}
    note = f"{found.low:.3g} to {found.high:.3g} if nothing can be told"
    where = case.space.name if _sequences(case) else "the examples themselves"
    yield Figure("two-sample", "C2ST accuracy", found.accuracy, "", LOWER, where, note, known)


def _told_apart(case: Case) -> tuple[Any, Any, dict[str, Any]]:
    """Real examples, samples and references as a classifier takes them: sequences by their features."""
    samples, references = case.contenders
    return case.seen if _sequences(case) else (case.halves[0].X, samples, references)


def _sequences(case: Case) -> bool:
    return case.test.kind not in ("table", "image")


# -- memorisation ------------------------------------------------------------------------
def memorisation(case: Case) -> Iterator[Figure]:
    """Whether samples are training rows handed out again."""
    train = some(case.needed_train(), SEARCHED, case.random_state)
    space = PLAIN[train.kind](train, case.random_state)
    samples, references = case.contenders
    features = {name: space(X) for name, X in references.items()}
    learned, real = space(train.X), space(case.halves[0].X)
    yield _nearness(space.name, learned, real, space(samples), features)
    yield _pull(space.name, learned, real, space(samples), features)
    yield _copies("exact copies", "", {"": samples, **references}, lambda X: memory.exact_copies(X, train.X))
    yield _copies("near copies", space.name, {"": space(samples), **features}, lambda x: memory.near_copies(x, learned))


def _nearness(space: str, train: Rows, real: Rows, samples: Rows, references: dict[str, Rows]) -> Figure:
    nearness = lambda x: memory.nearer_than_held_out(x, train, real)  # noqa: E731
    known = {name: nearness(x).value for name, x in references.items()}
    note = "0.5: as held-out data are; 1: copies"
    return Figure("memorisation", "nearer to train than held-out data", nearness(samples), "", "", space, note, known)


def _pull(space: str, train: Rows, real: Rows, samples: Rows, references: dict[str, Rows]) -> Figure:
    found = memory.pull_of_train(samples, train, real)
    known = {name: memory.pull_of_train(x, train, real).share.value for name, x in references.items()}
    note = f"{found.expected:.3f} without memory (p = {found.p:.2g})"
    return Figure("memorisation", "nearest row is one of train", found.share, "", "", space, note, known)


def _copies(name: str, space: str, contenders: dict[str, Any], find: Callable[[Any], memory.Places]) -> Figure:
    found = {which: find(X) for which, X in contenders.items()}
    shares = {which: share(places != memory.NONE) for which, places in found.items()}
    value, note = shares.pop(""), memory.listed(found[""])
    return Figure("memorisation", name, value, "", LOWER, space, note, {which: v.value for which, v in shares.items()})


# -- utility -----------------------------------------------------------------------------
def usefulness(case: Case) -> Iterator[Figure]:
    """A predictor of the labels, learned from samples with labels, on real data."""
    case.need("sample", "to draw from it, give it a prior")
    train = some(case.needed_train(), 10_000, case.random_state)
    labels = classes(train)
    if labels is None or case.test.y is None:
        raise NotPossible("the data have no class labels")
    if getattr(case.model, "classes_", None) is None:
        way = "fit with conditional=True, or with the label as a column and call venero.metrics.utility.utility"
        raise NotPossible(f"{type(case.model).__name__} draws no labels: {way}")
    if len(np.unique(labels)) > MOST_CLASSES:
        raise NotPossible(f"more than {MOST_CLASSES} classes")
    yield _figure(_utility(case, train, case.model.sample(len(train), y=labels, random_state=case.random_state)))


def _utility(case: Case, train: Dataset, samples: Any) -> Utility:
    """Tables by gradient boosting, images through random convolutions and logistic regression."""
    if is_frame(samples):
        frames = [X.assign(**{TARGET: y}) for X, y in ((samples, train.y), (train.X, train.y), (case.shown.X, case.shown.y))]
        return utility(frames[0], frames[1], frames[2], TARGET, random_state=case.random_state)
    image = train.kind == "image"
    auto = "random convolutions" if image else "auto"
    space = feature_space(train, auto, case.random_state) if image or _sequences(case) else np.asarray
    parts = [(samples, train.y), (train.X, train.y), (case.shown.X, case.shown.y)]
    sampled, learned, held_out = (Sample(space(X), np.asarray(y)) for X, y in parts)
    return compared(sampled, learned, held_out, linear if image else boosting, random_state=case.random_state)


def _figure(found: Utility) -> Figure:
    references = {"train on real": found.real.value, "majority class": found.blind.value}
    return Figure("utility", f"{found.measure} learned from samples", found.synthetic, "", HIGHER, references=references)
