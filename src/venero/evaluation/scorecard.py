"""The Scorecard: every figure of a model on held-out data, as a table, a DataFrame, JSON or a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, Self

from venero.core.errors import StorageError, VeneroError, nearest, shown
from venero.metrics.figure import CEILING, FLOOR, Figure

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas as pd
    from rich.console import Group

FORMAT = 1
WIDTH = 140  # characters of a printed card, where no terminal says how many there are


@dataclass(frozen=True)
class Scorecard:
    """What `venero.evaluate` found: figures, and the groups that could not be had with the reason why.

    >>> from venero.metrics.figure import exactly
    >>> card = Scorecard("VAE", "digits", (Figure("cost", "parameters", exactly(12)),), {"utility": "no labels"})
    >>> card["parameters"].value.value, Scorecard.from_json(card.to_json()) == card
    (12.0, True)
    """

    model: str
    data: str
    figures: tuple[Figure, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Figure:
        """The figure of this name."""
        named = {figure.name: figure for figure in self.figures}
        if name not in named:
            raise VeneroError(f"figure {shown(name)} is not on the scorecard: {nearest(str(name), named)}")
        return named[name]

    def __contains__(self, name: object) -> bool:
        return any(figure.name == name for figure in self.figures)

    def groups(self) -> dict[str, list[Figure]]:
        """Group -> its figures."""
        return {name: [f for f in self.figures if f.group == name] for name in dict.fromkeys(f.group for f in self.figures)}

    def to_frame(self) -> pd.DataFrame:
        """One row per figure, its references in columns of their own."""
        import pandas as pd

        plain = ("group", "name", "unit", "better", "space", "note")
        rows = [{k: getattr(f, k) for k in plain} | f.value._asdict() | dict(f.references) for f in self.figures]
        return pd.DataFrame(rows)

    def to_json(self) -> str:
        """As JSON text, which `from_json` reads."""
        figures = [figure.to_json() for figure in self.figures]
        card = {"format": FORMAT, "model": self.model, "data": self.data, "figures": figures, "skipped": dict(self.skipped)}
        return json.dumps(card, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The scorecard that `to_json` wrote; StorageError if the text is none."""
        try:
            card = json.loads(text)
            if card["format"] != FORMAT:
                raise StorageError(f"the scorecard has format {shown(card['format'])}, this venero reads {FORMAT}: update it")
            figures = tuple(Figure.from_json(figure) for figure in card["figures"])
            return cls(card["model"], card["data"], figures, card["skipped"])
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            if isinstance(e, VeneroError):
                raise
            raise StorageError(f"this is no scorecard ({type(e).__name__}): evaluate the model again") from e

    def plot(self) -> matplotlib.figure.Figure:
        """Each figure that has a better direction, a floor and a ceiling: with its interval, between those."""
        from venero.plots.scorecard import Line, scorecard

        placed = [f for f in self.figures if f.better and {FLOOR, CEILING} <= set(f.references)]
        others = lambda f: {name: v for name, v in f.references.items() if name not in (FLOOR, CEILING)}  # noqa: E731
        ends = [(f.references[FLOOR], f.references[CEILING]) for f in placed]
        lines = [Line(f.group, str(f), *f.value[:3], *end, others(f)) for f, end in zip(placed, ends, strict=True)]
        return scorecard(lines, f"{self.model} on {self.data}")

    def __rich__(self) -> Group:
        from venero.evaluation.show import tables

        return tables(self)

    def __str__(self) -> str:
        from rich.console import Console

        text = StringIO()
        Console(file=text, width=WIDTH, color_system=None).print(self)
        return text.getvalue().rstrip()

    def _repr_html_(self) -> str:
        from venero.evaluation.show import html

        return html(self)
