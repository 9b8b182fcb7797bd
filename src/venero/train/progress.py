"""What a run tells while it goes on: events to plain functions.

A bar on a terminal, lines elsewhere, JSON lines in the run's folder.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

log = logging.getLogger("venero")

Row = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """Something that happened. `row` is the epoch's line of the history, for kind "epoch"."""

    kind: str  # "start", "step", "epoch", "end", or "broken" by an error or Ctrl-C
    stage: str = ""
    epoch: int = 0
    epochs: int = 0
    done: float = 0.0  # share of the stage's updates, 0..1
    row: Row | None = None
    reason: str = ""  # why it ended


Listener = Callable[[Event], None]


def summary(row: Mapping[str, Any]) -> str:
    """An epoch's row in words: `loss 103.2, kl 24.9 | validation loss 104.0`."""
    terms = lambda logs: ", ".join(f"{k} {v:.4g}" for k, v in logs.items())  # noqa: E731
    held_out = f" | validation {terms(row['validation'])}" if row.get("validation") else ""
    return terms(row["train"]) + held_out


def shortly(row: Mapping[str, Any]) -> str:
    """The same for a narrow place: the held-out loss, or else the training loss."""
    logs = row.get("validation") or row["train"]
    name = next((k for k in logs if k.endswith("loss")), next(iter(logs), ""))
    return f"{name} {logs[name]:.4g}" if name else ""


class Lines:
    """A line for each epoch, at most one in two seconds, through the logger named `venero`."""

    def __init__(self) -> None:
        self.last = float("-inf")

    def __call__(self, event: Event) -> None:
        if event.kind == "end":
            log.info("%s", event.reason)
        if event.kind != "epoch" or event.row is None:
            return
        if event.row["seconds"] - self.last >= 2 or event.epoch == event.epochs:
            self.last = event.row["seconds"]
            log.info("%s: epoch %d of %d: %s (%.0f s)", event.stage, event.epoch, event.epochs, summary(event.row), self.last)


class Bar:
    """A Rich progress bar for each stage."""

    def __init__(self) -> None:
        self.bar: Progress | None = None
        self.tasks: dict[str, Any] = {}

    def __call__(self, event: Event) -> None:
        if event.kind in ("end", "broken"):
            self._stop()
            return
        if event.kind in ("step", "epoch"):
            self._move(event)

    def _move(self, event: Event) -> None:
        bar = self._started()
        if event.stage not in self.tasks:
            self.tasks[event.stage] = bar.add_task(event.stage, total=1.0, text="")
        bar.update(self.tasks[event.stage], completed=event.done)
        if event.row:
            bar.update(self.tasks[event.stage], text=f"epoch {event.epoch}/{event.epochs} {shortly(event.row)}")

    def _started(self) -> Progress:
        if self.bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TimeRemainingColumn(),
                TextColumn("{task.fields[text]}"),
            )
            self.bar = Progress(*columns, console=Console(stderr=True))
            self.bar.start()
        return self.bar

    def _stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar, self.tasks = None, {}


class JsonLines:
    """The history as one JSON object a line, in the run's folder. A resumed run first drops what was not checkpointed."""

    def __init__(self, path: Path, history: Sequence[Row]):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        start = {"event": "start", "resumed": bool(history)}
        lines = [json.dumps(row) for row in [start, *({"event": "epoch", **row} for row in history)]]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def __call__(self, event: Event) -> None:
        if event.kind == "epoch" and event.row is not None:
            self._add({"event": "epoch", **event.row})
        if event.kind == "end":
            self._add({"event": "end", "reason": event.reason})

    def _add(self, row: Row) -> None:
        with self.path.open("a", encoding="utf-8") as f:
            f.write(json.dumps(row) + "\n")


def listener(kind: str) -> list[Listener]:
    """The listeners that a Run's `progress` asks for; "auto" is a bar on a terminal and lines elsewhere."""
    if kind == "auto":
        kind = "bar" if sys.stderr.isatty() else "lines"
    chosen: dict[str, list[Listener]] = {"bar": [Bar()], "lines": [Lines()], "none": []}
    return chosen[kind]
