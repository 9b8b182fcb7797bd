"""A scorecard for people: tables on a terminal, or in HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from venero.metrics.figure import HIGHER, LOWER, Figure, number

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from venero.evaluation.scorecard import Scorecard

ARROWS = {HIGHER: "↑", LOWER: "↓", "": ""}
Cells = list[str]


def head(figures: list[Figure]) -> Cells:
    """The columns of a group's table: the references that any of its figures has, then the notes."""
    return ["", "value", "95 % interval", "n", *_references(figures), ""]


def row(figure: Figure, figures: list[Figure]) -> Cells:
    """A figure's cells under `head`."""
    value = f"{number(figure.value.value)} {figure.unit}".strip()
    known = [number(figure.references[name]) if name in figure.references else "" for name in _references(figures)]
    name = f"{figure.name} {ARROWS[figure.better]}".strip()
    return [name, value, figure.interval, f"{figure.value.n:,}", *known, figure.note]


def spaces(figures: list[Figure]) -> str:
    """The feature spaces of a group, once."""
    return ", ".join(dict.fromkeys(f.space for f in figures if f.space))


def _references(figures: list[Figure]) -> list[str]:
    return list(dict.fromkeys(name for f in figures for name in f.references))


def tables(card: Scorecard) -> Group:
    """The whole card for Rich."""
    from rich.console import Group
    from rich.text import Text

    parts = [_table(name, figures) for name, figures in card.groups().items()]
    skipped = [Text(f"{name}: not measured, {why}", style="dim") for name, why in card.skipped.items()]
    legend = Text("↑ higher is better, ↓ lower is better", style="dim")
    return Group(Text(f"{card.model} on {card.data}", style="bold"), legend, *parts, *skipped)


def _table(name: str, figures: list[Figure]) -> Table:
    from rich.table import Table
    from rich.text import Text

    space = spaces(figures)
    title = Text.assemble((f"\n{name}", "bold"), (f"  on {space}" if space else "", "dim"))
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    titles = head(figures)
    for i, column in enumerate(titles):
        table.add_column(column, justify="left" if i in (0, len(titles) - 1) else "right")
    for figure in figures:
        table.add_row(*map(Text, row(figure, figures)))
    return table


def html(card: Scorecard) -> str:
    """The card as an HTML fragment."""
    groups = "".join(_html_group(name, figures) for name, figures in card.groups().items())
    skipped = "".join(f"<p>{escape(name)}: not measured, {escape(why)}</p>" for name, why in card.skipped.items())
    title = escape(f"{card.model} on {card.data}")
    return f"<div><h3>{title}</h3><p>↑ higher is better, ↓ lower is better</p>{groups}{skipped}</div>"


def _html_group(name: str, figures: list[Figure]) -> str:
    space = spaces(figures)
    caption = f"<caption>{escape(name)}{f' on {escape(space)}' if space else ''}</caption>"
    titles = "".join(f"<th>{escape(cell)}</th>" for cell in head(figures))
    rows = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row(f, figures)) + "</tr>" for f in figures)
    return f"<table>{caption}<thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>"
