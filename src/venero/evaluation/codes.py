"""Figures of a model's codes, beside those of the data as they are and of PCA with codes as long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from venero.data.datasets import Dataset
from venero.evaluation.case import Case, NotPossible, classes, some
from venero.metrics.codes import STEPS, linear_probe, prior_distance, trust, unevenness
from venero.metrics.features import PLAIN
from venero.metrics.figure import HIGHER, LOWER, Figure, exactly
from venero.metrics.intervals import Estimate
from venero.metrics.representation import active_units, knn_accuracy

Rows = NDArray[Any]
LEARNED = 5_000  # training examples that a probe is fitted to
PAIRS = 100
K = 5


@dataclass(frozen=True, eq=False)
class View:
    """One way to see the same examples: training and held-out ones, (n, d) and (m, d)."""

    train: Rows
    test: Rows


class Views:
    """Codes, the data as they are, and PCA's codes."""

    def __init__(self, case: Case):
        self.case = case
        self.learned = some(case.known, LEARNED, case.random_state)
        space = PLAIN[case.test.kind](self.learned, case.random_state)
        encode = lambda data: _codes(case.model.encode(data.X))  # noqa: E731
        self.space = space
        self.codes = View(encode(self.learned), encode(case.shown))
        self.raw = View(space(self.learned.X), space(case.shown.X))

    @cached_property
    def pca(self) -> View | None:
        """None where codes are as long as the data."""
        d = self.codes.train.shape[1]
        if d >= min(self.raw.train.shape):
            return None
        fitted = PCA(d, random_state=0).fit(self.raw.train)
        return View(fitted.transform(self.raw.train), fitted.transform(self.raw.test))

    def beside(self, measure: Callable[[View], Estimate], *, raw: bool = True) -> tuple[Estimate, dict[str, float]]:
        """A figure of the codes, and those of the yardsticks."""
        yardsticks = {"PCA": self.pca} | ({"raw data": self.raw} if raw else {})
        known = {name: measure(view).value for name, view in yardsticks.items() if view is not None}
        return measure(self.codes), known


def representation(case: Case) -> Iterator[Figure]:
    """What codes tell of classes, which neighbours they keep, how they fill the latent space."""
    case.need("encode", "it has no codes")
    views = Views(case)
    yield from _probes(case, views)
    value, known = views.beside(lambda view: trust(views.raw.test, view.test, K), raw=False)
    yield _figure("trustworthiness", value, HIGHER, f"{K} neighbours", known)
    codes = views.codes.test
    units = exactly(active_units(codes).sum(), len(codes))
    yield _figure("active units", units, "", f"of {codes.shape[1]}", {})
    if hasattr(case.model, "decode"):
        yield from _of_decoder(case, views)


def _probes(case: Case, views: Views) -> Iterator[Figure]:
    """Figures that ask for labels; none where there are none in train."""
    y_train, y_test = classes(views.learned if case.train is not None else None), classes(case.shown)
    if y_train is None or y_test is None or len(y_train) < K:
        return
    for name, judge in (("linear probe", linear_probe), ("kNN accuracy", knn_accuracy)):
        value, known = views.beside(lambda view, judge=judge: judge(view.train, y_train, view.test, y_test))  # type: ignore[misc]
        yield _figure(name, value, HIGHER, "", known)


def _of_decoder(case: Case, views: Views) -> Iterator[Figure]:
    codes = views.codes.test
    if hasattr(case.model, "sample") and len(codes) > 2:
        found = prior_distance(codes, case.random_state)
        yield _figure("codes against N(0, I)", found, LOWER, "squared MMD; posterior means spread less", {})
    if getattr(case.model, "classes_", None) is None:
        a, b = _pairs(case.shown, codes, case.random_state)
        uneven = unevenness(case.model.decode, a, b, views.space)
        note = "largest step of an interpolation over the mean one"
        yield _figure("unevenness", uneven, LOWER, note, {"even": 1.0, "one jump": float(STEPS)}, views.space.name)


def _codes(found: Any) -> Rows:
    """One code of each example; NotPossible where each step has its own."""
    if isinstance(found, list) or np.ndim(found) != 2:
        raise NotPossible("its codes are series, one for each step of an example")
    return np.asarray(found)


def _pairs(data: Dataset, codes: Rows, random_state: int) -> tuple[Rows, Rows]:
    order = np.random.default_rng(random_state).permutation(len(data))
    half = min(PAIRS, len(order) // 2)
    return codes[order[:half]], codes[order[half : 2 * half]]


def _figure(name: str, value: Estimate, better: str, note: str, known: dict[str, float], space: str = "") -> Figure:
    return Figure("representation", name, value, "", better, space or "codes", note, known)
