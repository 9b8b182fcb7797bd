"""What there is: models, data, reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from venero.cli.arguments import SOURCE, Folder, Out, sources
from venero.cli.arguments import models as known_models
from venero.cli.terminal import console, say
from venero.cli.using import label_column

if TYPE_CHECKING:
    from rich.table import Table


Name = Annotated[
    str | None,
    typer.Argument(help="One of them, with its fields.", metavar="MODEL", autocompletion=known_models, show_default=False),
]
Size = Annotated[
    int | None,
    typer.Option("--size", min=1, help="Resize images to so many pixels a side.", metavar="N", show_default=False),
]
Target = Annotated[
    str | None,
    typer.Option("--target", help="The column of a table that holds labels.", metavar="COLUMN", show_default=False),
]
Read = Annotated[
    str | None,
    typer.Option(
        "--read", help="wide or long:ID,TIME (series), lines or paragraphs (texts).", metavar="HOW", show_default=False
    ),
]
Rate = Annotated[
    int | None,
    typer.Option("--rate", min=1, help="Resample audio to so many samples a second.", metavar="HZ", show_default=False),
]
Examples = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        help="Write examples, as the suffix says: .png, .npy, .csv, .txt, ...",
        metavar="FILE",
        show_default=False,
    ),
]
Other = Annotated[
    Path | None,
    typer.Argument(metavar="RUN_B", help="A second run, to stand beside the first.", show_default=False),
]


def models(name: Name = None, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List the models: what each one learns, what it can do, and the data it takes."""
    from venero.cli.fields import described
    from venero.core.catalog import find
    from venero.core.catalog import models as known

    if name:
        card = {**find(name).card(), "fields": described(find(name)())}
        _print_json(card) if as_json else _print_card(card)
    else:
        cards = [find(n).card() for n in known()]
        _print_json(cards) if as_json else console().print(_table(cards))


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def _verbs(card: dict[str, Any]) -> str:
    """Abilities as verbs: Samples -> sample."""
    return ", ".join(a.lower().removesuffix("s") for a in card["abilities"])


def _table(cards: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table("model", "what it learns", "can", "data", box=None, pad_edge=False, header_style="bold", padding=(0, 2, 1, 0))
    table.columns[0].no_wrap = True
    table.columns[1].ratio = 3
    table.columns[2].ratio = 2
    for card in cards:
        about = f"{card['summary']}\n[dim]{card['paper']}[/]"
        table.add_row(f"[cyan]{card['name']}[/]", about, _verbs(card), ", ".join(card["kinds"]))
    return table


def _print_card(card: dict[str, Any]) -> None:
    from rich.table import Table

    out = console()
    out.print(f"[bold cyan]{card['name']}[/]  {card['summary']}\n")
    facts = {"can": _verbs(card), "data": ", ".join(card["kinds"]), "learns by": card["how"], "paper": card["paper"]}
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        table.add_row(f"[dim]{name}[/]", value)
    out.print(table)
    out.print()
    out.print(_fields(card["fields"]))


def _fields(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table("field", "default", "meaning", box=None, pad_edge=False, header_style="bold")
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for row in rows:
        allowed = f" [dim]({row['allowed']})[/]" if row["allowed"] else ""
        table.add_row(f"[cyan]{row['name']}[/]", row["default"], row["help"] + allowed)
    return table


def data(
    source: Annotated[str, typer.Argument(metavar="DATA", help=SOURCE, autocompletion=sources, show_default=False)],
    size: Size = None,
    target: Target = None,
    read: Read = None,
    rate: Rate = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many examples FILE gets.", metavar="N")] = 64,
    out: Examples = None,
) -> None:
    """Say what a data set holds; with -o, write some of its examples."""
    from venero.cli.output import Result, write
    from venero.data.sources import dataset

    found = dataset(source, size=size, target=target, read=read, rate=rate)
    say(found.describe())
    if out:
        some = found.take(slice(n))
        write(out, Result(some.X, extra=label_column(some)))
        say(f"wrote {out} ({len(some)} examples)")


def report(run: Folder, other: Other = None, out: Out = None) -> None:
    """Write a page that shows what a run learned, or two runs side by side."""
    from venero.report.page import write_report

    say(f"wrote {write_report([run, *([other] if other else [])], out)}")
