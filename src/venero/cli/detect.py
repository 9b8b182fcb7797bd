"""`venero detect`: how unusual examples are, which are beyond a threshold of a stated meaning, and where in each it shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from venero.cli.arguments import HELD_OUT, Folder, Out, Source, one_of, sources
from venero.cli.terminal import console, say
from venero.cli.using import examples, label_column, load_run, path_for, write_result

if TYPE_CHECKING:
    import numpy as np

TOP = 10  # anomalies that are printed
SHOWN = 16  # and that a map's picture shows
KINDS = ("auto", "likelihood", "reconstruction", "reconstruction probability", "codes", "ranks")
Kind = Annotated[
    str,
    typer.Option("--kind", help=f"What is unusual: {', '.join(KINDS)}.", metavar="TEXT", autocompletion=one_of(*KINDS)),
]
Reference = Annotated[
    str | None,
    typer.Option(
        help=f"Normal data that set the threshold. {HELD_OUT}", metavar="DATA", autocompletion=sources, show_default=False
    ),
]
Map = Annotated[
    Path | None,
    typer.Option(
        "--map",
        help="Also write where each example is unusual: a .png of the most unusual over their heat maps, or all as numbers.",
        metavar="FILE",
        show_default=False,
    ),
]


def detect(
    run: Folder,
    source: Source = None,
    kind: Kind = "auto",
    reference: Reference = None,
    fpr: Annotated[float, typer.Option(help="Share of normal data that may be flagged, above 0.", metavar="SHARE")] = 0.05,
    where: Map = None,
    out: Out = None,
) -> None:
    """Score how unusual examples are, and rank them; with DATA or --reference, flag those beyond a threshold."""
    import numpy as np
    import pandas as pd

    model = load_run(run)
    path, map_path = path_for(run, out, "scores"), where and path_for(run, where, "map", model)
    data = examples(run, source)
    scores = _scores(run, model, data.X, kind)
    table = pd.DataFrame({"row": np.arange(len(data)), "score": scores})
    table["rank"] = table["score"].rank(ascending=False, method="first").astype(int)
    if source or reference:
        table["flag"] = _flags(scores, _scores(run, model, examples(run, reference).X, kind), fpr)
    _print_top(table := table.assign(**label_column(data)))
    write_result(path, table)
    if map_path:
        _write_map(map_path, model, data.X, table["rank"].to_numpy())


def _scores(run: Path, model: Any, X: Any, kind: str) -> np.ndarray:
    """Anomaly scores; of kinds that compare, with what the run learned from."""
    from venero.core.runs import read_config, split
    from venero.tasks.anomaly import KINDS, anomaly_score, checked_kind

    compares = KINDS[checked_kind(model, kind)].compares
    return anomaly_score(model, X, kind, split(read_config(run)).train.X if compares else None)


def _flags(scores: np.ndarray, normal: np.ndarray, fpr: float) -> np.ndarray:
    """Which are beyond the threshold that normal ones set; says what that means."""
    from venero.tasks.threshold import conformal_threshold, rate_interval

    threshold = conformal_threshold(normal, fpr)
    flags = scores > threshold
    low, high = rate_interval(len(normal), fpr, len(scores))
    say(f"threshold {threshold:.5g}, of {len(normal):,} normal examples: {flags.sum():,} of {len(flags):,} are beyond it")
    say(f"of as many normal ones, {fpr:.3g} would be, with 95 % probability between {low:.3g} and {high:.3g}")
    return flags


def _print_top(table: Any) -> None:
    from rich.table import Table

    top = table.sort_values("rank").head(TOP)
    say(f"the {len(top)} most unusual of {len(table):,}:")
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in top.columns:
        shown.add_column(name, justify="left" if name == "label" else "right")
    for row in top.itertuples(index=False):
        shown.add_row(*(f"{v:.5g}" if isinstance(v, float) else str(v) for v in row))
    console().print(shown)


def _write_map(path: Path, model: Any, X: Any, ranks: np.ndarray) -> None:
    """A picture of the most unusual images over their heat maps, or the numbers of all."""
    import numpy as np

    from venero.plots.images import heat, pixels
    from venero.tasks.attribution import anomaly_map

    if path.suffix.lower() != ".png":
        return write_result(path, anomaly_map(model, X))
    some = X[np.argsort(ranks)[:SHOWN]]
    return write_result(path, heat(anomaly_map(model, some)), above=pixels(some))
