"""One figure of merit with what is needed to read it: interval, n, direction, feature space, and known figures beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Any, Self

from venero.metrics.intervals import Estimate

HIGHER, LOWER = "higher", "lower"
NOTHING = 1e-12
CEILING = "real against real"  # half of the held-out data against the other half
MEMORISER = "copy of train"  # rows of the training data handed out as samples
FLOOR = "independent"  # each column or pixel drawn on its own from the training data


@dataclass(frozen=True)
class Figure:
    """A named value with its 95 % interval (in `value`).

    group: the question that it answers, such as "fidelity". better: "higher", "lower" or "" (neither).
    space: the feature space that it was measured in. note: what a reader must know, such as "lower bound".
    references: name -> the same figure of something known, such as real data or rows of train.
    """

    group: str
    name: str
    value: Estimate
    unit: str = ""
    better: str = ""
    space: str = ""
    note: str = ""
    references: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} {number(self.value.value)} {self.unit}".rstrip()

    @property
    def interval(self) -> str:
        """Its interval in words; empty where it has none."""
        low, high = self.value.low, self.value.high
        return f"{number(low)} to {number(high)}" if isfinite(low) and isfinite(high) and low < high else ""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON; a number that is not finite is null."""
        value = {name: _plain(v) for name, v in self.value._asdict().items()}
        return {**vars(self), "value": value, "references": {name: _plain(v) for name, v in self.references.items()}}

    @classmethod
    def from_json(cls, card: Mapping[str, Any]) -> Self:
        number = {name: nan if v is None else v for name, v in card["value"].items()}
        value = Estimate(number["value"], number["low"], number["high"], card["value"]["n"])
        references = {name: nan if v is None else v for name, v in card["references"].items()}
        return cls(**{**card, "value": value, "references": references})


def exactly(value: float, n: int = 1) -> Estimate:
    """A value without an interval: a count, or one that was measured once.

    >>> Figure("cost", "parameters", exactly(12)).interval
    ''
    """
    return Estimate(float(value), float(value), float(value), n)


def number(value: float) -> str:
    """A number in four digits; large counts whole, and what is only not 0 by rounding as 0.

    >>> number(0.123456), number(88741.0), number(1e-18)
    ('0.1235', '88,741', '0')
    """
    if isfinite(value) and abs(value) >= 10_000:
        return f"{value:,.0f}"
    return "0" if abs(value) < NOTHING else f"{value:.4g}"


def _plain(value: float) -> float | None:
    return value if isfinite(value) else None
