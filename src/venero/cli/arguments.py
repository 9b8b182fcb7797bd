"""Arguments and options that several commands have, and what completes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

SOURCE = "A data set's name, a file (.csv, .parquet, .npy, .npz, .ts, .txt), or a folder of images, texts or audio."
HELD_OUT = "[dim]Default: what the run held out.[/dim]"


def one_of(*names: str) -> Callable[[str], list[str]]:
    """Completion from a list."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def sources(incomplete: str) -> list[str]:
    """Names of data sets, for completion; the shell adds files and folders, and breaks words at colons."""
    from venero.data.sources import names

    return [name for name in names() if name.startswith(incomplete) and ":" not in name]


def models(incomplete: str) -> list[str]:
    """Names of models, for completion."""
    from venero.core.catalog import models

    return [name for name in models() if name.startswith(incomplete)]


Folder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that [bold]venero fit[/bold] wrote.", show_default=False)]
Source = Annotated[
    str | None,
    typer.Argument(metavar="DATA", help=f"{SOURCE} {HELD_OUT}", autocompletion=sources, show_default=False),
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="File to write; its suffix says how.", metavar="FILE", show_default=False),
]
Count = Annotated[
    int | None,
    typer.Option("-n", min=1, help="Only the first N examples.", metavar="N", show_default=False),
]
