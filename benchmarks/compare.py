"""Comparisons that run unattended: all models there are, on digits, on german credit and on 10,000 images of MNIST.

python -m benchmarks.compare [digits german mnist] [--minutes 3] [--seeds 1] [--jobs 1] [--out runs]

Recorded of each: how many fits ended with a scorecard, how many failed with a reason, how long it took, and who is ahead in
what. The report of each is OUT/compare-NAME/report.html.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, Result
from venero.comparison import compare
from venero.leaderboard import QUESTIONS, Leaderboard

HOME = Path(os.environ.setdefault("VENERO_DATA", str(ROOT.parent / "shared" / "data")))
SOURCES: dict[str, dict[str, Any]] = {
    "digits": {"data": "digits"},
    "german": {"data": HOME / "tables" / "german.csv"},
    "mnist": {"data": "mnist", "limit": 10_000},
}


def record(result: Result, name: str, board: Leaderboard, seconds: float) -> None:
    """The comparison's own figures, then each question's winner."""
    judged = sum(row.card is not None for row in board.rows)
    untold = sum(row.card is None and not row.failure for row in board.rows)
    result.add(f"{name}: fits with a scorecard", judged, "", ">= 1")
    result.add(
        f"{name}: fits that failed", len(board.failures), "", note="; ".join(f"{k}: {v}" for k, v in board.failures.items())
    )
    result.add(f"{name}: fits with neither scorecard nor reason", untold, "", "<= 0")
    result.add(f"{name}: all of it", seconds, "s")
    for q in QUESTIONS:
        for place in board.ranking(q.name):
            ahead = (
                ""
                if place.place > 1
                else "; ahead"
                if board.winner(q.name) == place.name
                else "; not told from the others ahead"
            )
            value, interval = place.words
            said = f"{value} ({interval})" if interval else value
            result.add(f"{name}: {q.name}: {place.name}", place.value.value, place.figure.unit, note=f"{said}{ahead}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[], help=", ".join(SOURCES))
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    asked = parser.parse_args()
    names = asked.names or list(SOURCES)
    terms = f"--minutes {asked.minutes:g} --seeds {asked.seeds} --jobs {asked.jobs}"
    result, start = Result("compare", f"python -m benchmarks.compare {' '.join(names)} {terms}"), time.perf_counter()
    for name in names:
        began, out = time.perf_counter(), asked.out / f"compare-{name}"
        how = {"minutes": asked.minutes, "seeds": asked.seeds, "jobs": asked.jobs, "out": str(out)}
        board = compare(**SOURCES[name], **how)
        print(board, board.report(), sep="\n")
        record(result, name, board, time.perf_counter() - began)
    result.seconds = time.perf_counter() - start
    result.save()


if __name__ == "__main__":
    main()
