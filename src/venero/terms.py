"""The terms on which models are compared. Apart from `compare`, so that the command line knows them without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from venero.core.params import LARGEST_SEED, param


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The terms on which models are compared: the same for all."""

    minutes: float = param(5.0, "for everything, in equal shares; judging large data takes longer", above=0)
    seeds: int = param(1, "fits of each model, so that luck shows", low=1)
    jobs: int = param(1, "fits at a time, each in a process and on a core of its own", low=1)
    memory: float | None = param(None, "gigabytes that a fit may take; none: an equal share of the machine's", above=0)
    out: str | None = param(None, "folder, with a run folder for each fit; none: runs/compare-DATA")
    resume: bool = param(True, "go on with the comparison in that folder, or begin anew")
    test: float = param(0.2, "share held out, where the data have no test set of their own", above=0, high=0.9)
    size: tuple[int, ...] | None = param(None, "resize images of a folder: pixels of a side, or height,width", low=1)
    target: int | str | None = param(None, "the column of a table's file that holds labels, by name or place")
    limit: int | None = param(None, "learn from so many examples at most", low=1)
    random_state: int = param(0, "of the split and of the first seed", low=0, high=LARGEST_SEED)

    def decides(self) -> dict[str, Any]:
        """What must be the same for a comparison to be gone on with."""
        return {name: getattr(self, name) for name in ("minutes", "seeds", "test", "limit", "random_state")}
