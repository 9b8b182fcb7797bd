"""`venero compare DATA [MODEL ...]`: many models, one data set, one budget, one page that says who is better at what."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from venero.cli.arguments import SOURCE, models, sources
from venero.cli.fields import build, options
from venero.cli.terminal import console, say
from venero.terms import Terms

if TYPE_CHECKING:
    from venero.leaderboard import Leaderboard, Row

Data = Annotated[str, typer.Argument(metavar="DATA", help=SOURCE, autocompletion=sources, show_default=False)]
Chosen = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[MODEL]...", help="Models to compare. [dim]Default: all that take such data.[/dim]", autocompletion=models
    ),
]


def compare(data: str, chosen: list[str] | None = None, **flags: Any) -> None:
    """Fit many models to the same data under the same budget; say which is better at what, with a report."""
    from venero.comparison import compare as compared

    terms = build(Terms(), flags)
    say(f"comparing on {data}: {terms.minutes:g} minutes, {terms.seeds} seed{'s' * (terms.seeds > 1)}")
    board = compared(data, chosen or None, tell=_tell, **vars(terms))
    _print(board)
    say(f"report  {board.report()}")


compare.__signature__ = Signature(  # type: ignore[attr-defined]
    [
        Parameter("data", Parameter.POSITIONAL_OR_KEYWORD, annotation=Data),
        Parameter("chosen", Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=Chosen),
        *options(Terms(), "Options"),
    ]
)
compare.__annotations__ = {p.name: p.annotation for p in compare.__signature__.parameters.values()}  # type: ignore[attr-defined]


def _tell(row: Row) -> None:
    """A line for each fit when it is judged."""
    if row.card is None:
        say(f"  {row.name}, seed {row.seed}: failed: {row.failure}")
        return
    seconds = row.card["fit"].value.value if "fit" in row.card else 0.0
    say(f"  {row.name}, seed {row.seed}: fitted in {seconds:.3g} s")


def _print(board: Leaderboard) -> None:
    """Each question with its ranking, then what can be claimed."""
    from rich.table import Table

    from venero.leaderboard import QUESTIONS

    for asked in QUESTIONS:
        places = board.ranking(asked.name)
        if not places:
            continue
        table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold", show_header=False, padding=(0, 2))
        table.title = f"\n{asked.asks}"
        for place in places:
            value, interval = place.words
            table.add_row(str(place.place), place.name, place.figure.name, value, interval and f"[dim]{interval}[/]")
        console().print(table)
    say("")
    for sure, sentence in board.verdict():
        say(f"{'+' if sure else '?'} {sentence}")
    for remark in board.remarks():
        say(f"! {remark}")
    for row, why in board.failures.items():
        say(f"{row} failed: {why}")
