"""`venero evaluate`: judge a run by the examples that it held out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from venero.cli.arguments import HELD_OUT, SOURCE, Folder, Out, one_of, sources
from venero.cli.terminal import console, say

if TYPE_CHECKING:
    from venero.evaluation.scorecard import Scorecard

GROUPS = ("likelihood", "fidelity", "two-sample", "utility", "memorisation", "representation", "reconstruction", "cost")
SPACES = ("auto", "columns", "pixels", "classifier", "random convolutions", "inception")
Data = Annotated[
    str | None,
    typer.Option("--data", metavar="DATA", help=f"{SOURCE} {HELD_OUT}", autocompletion=sources, show_default=False),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        "--metrics",
        metavar="GROUP,...",
        help=f"Only these of {', '.join(GROUPS)}.",
        autocompletion=one_of(*GROUPS),
        show_default=False,
    ),
]
Space = Annotated[
    str,
    typer.Option("--features", metavar="TEXT", help=f"Feature space: {', '.join(SPACES)}.", autocompletion=one_of(*SPACES)),
]
N = Annotated[int, typer.Option("-n", min=1, metavar="N", help="Compute figures on so many examples at most.")]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="INTEGER", help="Decides which examples, and what is sampled.")]


def evaluate(
    run: Folder,
    data: Data = None,
    metrics: Metrics = None,
    features: Space = "auto",
    n: N = 2000,
    seed: Seed = 0,
    out: Out = None,
) -> None:
    """Judge a fitted model by held-out data; print a scorecard, or also write it (.json, .csv, .html, .png)."""
    from venero.core.runs import like, read_config, split
    from venero.core.storage import load
    from venero.evaluation.evaluate import evaluate as judged

    writer = None if out is None else _writer(out)
    config = read_config(run)
    model = load(run)
    train, test, _ = split(config)
    test = test if data is None else like(config, data)
    wanted = None if metrics is None else [name.strip() for name in metrics.split(",")]
    card = judged(model, test, train, features=features, n=n, metrics=wanted, random_state=seed)
    console().print(card)
    if out is not None and writer is not None:
        from venero.train.checkpoint import write_whole

        write_whole(out, writer(card))
        say(f"wrote {out} ({len(card.figures)} figures)")


def _png(card: Scorecard) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    card.plot().savefig(buffer, format="png", dpi=192)
    return buffer.getvalue()


def _html(card: Scorecard) -> bytes:
    from html import escape

    title = escape(f"{card.model} on {card.data}")
    head = f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
    return f"{head}{card._repr_html_()}".encode()


STYLE = (
    "body{font-family:sans-serif;margin:2em} table{margin:1em 0} caption{text-align:left;font-weight:bold} "
    "td,th{padding:0 1em 0 0;text-align:left}"
)
WRITERS: dict[str, Callable[[Any], bytes]] = {
    ".json": lambda card: card.to_json().encode(),
    ".csv": lambda card: card.to_frame().to_csv(index=False).encode(),
    ".html": _html,
    ".png": _png,
}


def _writer(out: Path) -> Callable[[Any], bytes]:
    """How a file of this suffix is written; told before any work is done."""
    from venero.core.errors import VeneroError

    if out.suffix.lower() not in WRITERS:
        raise VeneroError(f"{out}: a scorecard can be written as {', '.join(WRITERS)}")
    return WRITERS[out.suffix.lower()]
