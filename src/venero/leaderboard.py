"""Many scorecards on the same held-out data: who is ahead in what, and where nothing can be claimed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, inf, isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from venero.evaluation.fitted import DENSITY
from venero.evaluation.scorecard import Scorecard
from venero.metrics.figure import HIGHER, Figure
from venero.metrics.intervals import Estimate

if TYPE_CHECKING:
    import pandas as pd

PLANTED = "planted anomalies found"
RARE = "rare class found"
CODE = "code length"
TIMING = 0.2  # share by which the time of the same fit may well differ on a busy machine


@dataclass(frozen=True)
class Question:
    """What is asked of the models, the figures that answer it (the first that a model has), and what the winner does."""

    name: str
    asks: str
    figures: tuple[str, ...]
    best: str  # the verdict's verb
    agree: tuple[str, ...] = ()  # figures that must not contradict a winner


QUESTIONS = (
    Question("fit", "Which gives held-out examples the highest probability?", ("log-likelihood",), "fits best"),
    Question(
        "samples",
        "Whose samples are most like real examples?",
        ("kernel distance", "Fréchet distance"),
        "samples best",
        ("clipped density", "C2ST accuracy"),
    ),
    Question("coverage", "Whose samples reach all that there is?", ("clipped coverage", "coverage"), "leaves least out"),
    Question("compression", "Whose codes hold the most of an example?", ("PSNR", "squared error"), "compresses best"),
    Question("anomalies", "Which tells anomalies from ordinary examples?", (RARE, PLANTED), "finds anomalies best"),
    Question("cost", "Which is learned soonest?", ("fit",), "is cheapest"),
)


@dataclass(frozen=True)
class Row:
    """One fit: its scorecard, or why there is none."""

    name: str
    seed: int
    card: Scorecard | None = None
    failure: str = ""
    folder: str = ""


@dataclass(frozen=True)
class Place:
    """A model's place for a question: 1 + how many are clearly better. Models that can't be told apart share one."""

    name: str
    place: int
    value: Estimate
    seeds: int
    figure: Figure  # of the first seed: its unit, direction, note and references

    @property
    def words(self) -> tuple[str, str]:
        """The value with its unit, and its interval (empty where it has none)."""
        v, unit = self.value, f" {self.figure.unit}" if self.figure.unit else ""
        return f"{v.value:.4g}{unit}", f"{v.low:.3g} to {v.high:.3g}" if -inf < v.low < v.high else ""


@dataclass(frozen=True)
class Leaderboard:
    """What `venero.compare` found."""

    data: str
    rows: tuple[Row, ...]
    how: Mapping[str, Any]  # minutes, seeds, held out, command: for the record
    folder: str = ""
    examples: Any = None  # some held-out ones, in the user's terms, to show what models make of them

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(row.name for row in self.rows))

    def cards(self, name: str) -> list[Scorecard]:
        """One for each seed that went well."""
        return [row.card for row in self.rows if row.name == name and row.card is not None]

    @property
    def failures(self) -> dict[str, str]:
        """Row -> why it has no scorecard."""
        return {f"{row.name}, seed {row.seed}": row.failure for row in self.rows if row.card is None}

    @property
    def cut_off(self) -> list[str]:
        """Models of which a fit used up its time: with more they may get better."""
        each = 60 * self.how.get("minutes_each", inf)
        spent = lambda card: "fit" in card and card["fit"].value.value >= 0.98 * each  # noqa: E731
        return [name for name in self.names if any(spent(card) for card in self.cards(name))]

    def ranking(self, question: str) -> list[Place]:
        """The models that have an answer, best first; likelihoods of different things are ranked by what most models score."""
        asked = next(q for q in QUESTIONS if q.name == question)
        there = [f for f in asked.figures if any(f in card for n in self.names for card in self.cards(n))]
        return self.ranked((there or asked.figures)[0])

    def ranked(self, name: str) -> list[Place]:
        """The models that have a figure of this name, best first."""
        found = {n: [card[name] for card in self.cards(n) if name in card] for n in self.names}
        figures = _comparable({n: f for n, f in found.items() if f and not isnan(f[0].value.value)})
        values = {n: over_seeds([_timed(f) for f in each]) for n, each in figures.items()}
        places = [
            Place(n, 1 + sum(better(v, values[n], f[0].better) for v in values.values()), values[n], len(f), f[0])
            for n, f in figures.items()
        ]
        return sorted(places, key=lambda p: (p.place, _order(p)))

    def winner(self, question: str) -> str | None:
        """The one model that is clearly ahead of every other, and that no other measure contradicts."""
        places = self.ranking(question)
        first = [p.name for p in places if p.place == 1]
        return first[0] if len(places) > 1 and len(first) == 1 and not self.contradictions(question, first[0]) else None

    def contradictions(self, question: str, name: str) -> dict[str, Place]:
        """Figure -> who is clearly ahead of a model by it, of the figures that are to agree about a question."""
        asked = next(q for q in QUESTIONS if q.name == question)
        against = {}
        for figure in asked.agree:
            places = self.ranked(figure)
            own = next((p for p in places if p.name == name), None)
            if own and (ahead := [p for p in places if better(p.value, own.value, p.figure.better)]):
                against[figure] = ahead[0]
        return against

    def left_out(self, question: str) -> list[str]:
        """Models without a comparable answer to a question."""
        ranked = {place.name for place in self.ranking(question)}
        return [name for name in self.names if name not in ranked and self.cards(name)]

    def verdict(self) -> list[tuple[bool, str]]:
        """A sentence for each question, and whether the figures bear a claim out."""
        return [sentence for q in QUESTIONS if (sentence := _sentence(q, self))]

    def remarks(self) -> list[str]:
        """What a reader of the verdict must know."""
        cut = self.cut_off
        still = f"{' and '.join(cut)} {'were' if len(cut) > 1 else 'was'} still learning when the time was up"
        return [f"{still}: more minutes may change the order."] if cut else []

    def to_frame(self) -> pd.DataFrame:
        """One row for each model and question."""
        import pandas as pd

        columns = ["question", "model", "place", "figure", "value", "low", "high", "unit", "better", "seeds", "note"]
        return pd.DataFrame(list(self._lines()), columns=columns)

    def _lines(self) -> Iterator[tuple[Any, ...]]:
        for q in QUESTIONS:
            for p in self.ranking(q.name):
                f, v = p.figure, p.value
                yield q.name, p.name, p.place, f.name, v.value, v.low, v.high, f.unit, f.better, p.seeds, f.note

    def __str__(self) -> str:
        lines = [f"{self.data}: {', '.join(self.names)}", *(text for _, text in self.verdict()), *self.remarks()]
        return "\n".join([*lines, *(f"{row}: {why}" for row, why in self.failures.items())])

    def report(self, out: Any = None) -> Any:
        """Write the page, and return its path; default: report.html in the comparison's folder."""
        from venero.report.leaderboard import write_leaderboard

        return write_leaderboard(self, out)


def over_seeds(values: Sequence[Estimate]) -> Estimate:
    """The mean over seeds; its interval holds both what each seed's own says and how the seeds differ (Student's t).

    >>> over_seeds([Estimate(1.0, 0.5, 1.5, 9)])
    Estimate(value=1.0, low=0.5, high=1.5, n=9)
    """
    if len(values) == 1:
        return values[0]
    from scipy.stats import t

    each = np.array([v.value for v in values])
    centre, within = float(each.mean()), float(np.mean([(v.high - v.low) / 2 for v in values])) / len(values) ** 0.5
    between = float(t.ppf(0.975, len(values) - 1) * each.std(ddof=1) / len(values) ** 0.5)
    half = hypot(within, between)
    return Estimate(centre, centre - half, centre + half, values[0].n)


def _timed(figure: Figure) -> Estimate:
    """A time that was taken once could as well have been a little longer or shorter; other values are as they were measured."""
    v = figure.value
    once = figure.group == "cost" and v.low == v.high
    return v._replace(low=(1 - TIMING) * v.value, high=(1 + TIMING) * v.value) if once else v


def better(a: Estimate, b: Estimate, direction: str) -> bool:
    """Whether a is clearly better than b: the interval of their difference leaves out zero."""
    ahead, back = (a, b) if direction == HIGHER else (b, a)
    return ahead.value - back.value > hypot(ahead.value - ahead.low, back.high - back.value)


def _order(place: Place) -> float:
    value = place.value.value
    return -value if place.figure.better == HIGHER else value


def _comparable(figures: dict[str, list[Figure]]) -> dict[str, list[Figure]]:
    """Those that measure the same thing as most do: a probability of bits is not one of densities."""
    what: Callable[[Figure], str] = lambda f: f.space if f.group == "likelihood" else ""  # noqa: E731
    kinds = [what(each[0]) for each in figures.values()]
    most = max(kinds, key=lambda kind: (kinds.count(kind), kind == DENSITY), default="")
    return {name: each for name, each in figures.items() if what(each[0]) == most}


def _sentence(q: Question, board: Leaderboard) -> tuple[bool, str] | None:
    """What can be said: a winner, some that can't be told apart, or nothing where fewer than two have an answer."""
    places = board.ranking(q.name)
    if len(places) < 2:
        return None
    first = [p for p in places if p.place == 1]
    figure = places[0].figure.name
    if len(first) == 1:
        against = board.contradictions(q.name, first[0].name)
        lead = f"{figure} {_said(first[0])}, next {places[1].name} with {_said(places[1])}"
        return (
            (False, _contradicted(q, first[0].name, lead, against)) if against else (True, f"{first[0].name} {q.best}: {lead}.")
        )
    names = " and ".join([", ".join(p.name for p in first[:-1]), first[-1].name])
    span = f"{_said(first[0])} to {_said(first[-1])}"
    return False, f"Which {q.best} can't be told: {names} do not differ by more than chance in {figure} ({span})."


def _contradicted(q: Question, name: str, lead: str, against: Mapping[str, Place]) -> str:
    others = "; ".join(f"{p.name} in {figure} {_said(p)}" for figure, p in against.items())
    return f"Which {q.best} is not settled: the measures contradict each other. {name} is ahead in {lead}; {others}."


def _said(p: Place) -> str:
    value, interval = p.words
    return f"{value} ({interval})" if interval else value
