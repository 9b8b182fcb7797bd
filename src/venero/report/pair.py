"""Two runs on the same data, measured: is the latent space ordered, is it continuous, and in which run more so.

The lecture's argument for the variational auto-encoder is of this kind: a plain one of the same size may restore as well, but
leaves holes between its codes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from venero.metrics.intervals import Estimate, difference, share
from venero.metrics.representation import (
    Judge,
    continuity,
    gaussian_of,
    image_classifier,
    knn_accuracy,
    midpoints,
    pairs_across,
)
from venero.report.subject import NEIGHBOURS, Subject


@dataclass(frozen=True)
class Finding:
    """One measure of both runs, a share each; `marks` is what to read it against."""

    name: str
    values: tuple[Estimate, Estimate]
    marks: dict[str, float]

    @cached_property
    def gain(self) -> Estimate:
        """The second run's share minus the first's."""
        return difference(*self.values)

    @property
    def better(self) -> int | None:
        """The run that is ahead where the interval of the difference leaves out zero."""
        if self.gain.low > 0:
            return 1
        return 0 if self.gain.high < 0 else None


@dataclass(frozen=True)
class Pair:
    """Two subjects on the same data."""

    runs: tuple[Subject, Subject]
    names: tuple[str, str]

    @cached_property
    def judge(self) -> Judge | None:
        """A classifier of the real data; None where there are no classes, or rows that are no arrays."""
        s = self.runs[0]
        if s.classes is None or s.learned.y is None or hasattr(s.learned.X, "iloc"):
            return None
        return image_classifier(s.learned.X, s.learned.y, s.shown.X, s.classes)

    @cached_property
    def ordered(self) -> list[Finding]:
        """Whether neighbours in latent space are of a class."""
        a, b = (s.knn if s.codes_and_back else None for s in self.runs)
        if a is None or b is None:
            return []
        return [Finding("Neighbours are of one class", (a, b), self._linear())]

    def _linear(self) -> dict[str, float]:
        """The same in the plane of a principal component analysis, where both codes are as long."""
        s = self.runs[0]
        if s.latent_dim != self.runs[1].latent_dim or s.linear_errors is None or s.classes is None or s.learned.y is None:
            return {}
        learned, held_out = (s.linear.transform(s.matrix(part.X)) for part in (s.learned, s.shown))
        return {"PCA": knn_accuracy(learned, s.learned.y, held_out, s.classes, NEIGHBOURS).value}

    @cached_property
    def continuous(self) -> list[Finding]:
        """Whether what lies between codes decodes to something clear."""
        if self.judge is None or not all(s.codes_and_back and not s.conditional for s in self.runs):
            return []
        real = {"real data": self.judge.sure_of_real.value}
        return [
            Finding("Points of a fitted Gaussian are clear", self._both(_fitted), real),
            Finding("Points halfway are clear", self._both(_halfway), real | self._faded()),
        ]

    @cached_property
    def gaussian(self) -> list[Finding]:
        """Whether a unit Gaussian, of which the model may know nothing, hits the codes."""
        if not self.continuous or self.judge is None:
            return []
        real = {"real data": self.judge.sure_of_real.value}
        return [Finding("Points of a unit Gaussian are clear", self._both(_unit), real)]

    def _both(self, measure: Callable[[Subject, Judge], Estimate]) -> tuple[Estimate, Estimate]:
        a, b = (measure(s, self.judge) for s in self.runs)  # type: ignore[arg-type]
        return a, b

    def _faded(self) -> dict[str, float]:
        """The floor of the halfway points: the same two images faded over each other, no model at all."""
        s = self.runs[0]
        if not s.pictures or s.classes is None or self.judge is None:
            return {}
        a, b = pairs_across(s.classes)
        x = np.asarray(s.shown.X) / (255 if np.asarray(s.shown.X).dtype == np.uint8 else 1)
        return {"two images faded": share(self.judge.sure((x[a] + x[b]) / 2)).value}


def _fitted(s: Subject, judge: Judge) -> Estimate:
    return continuity(s.model.decode, judge, *gaussian_of(s.codes))


def _unit(s: Subject, judge: Judge) -> Estimate:
    return continuity(s.model.decode, judge, np.zeros(s.latent_dim), np.eye(s.latent_dim))


def _halfway(s: Subject, judge: Judge) -> Estimate:
    return midpoints(s.model.decode, judge, s.codes, s.classes if s.classes is not None else np.zeros(0))
