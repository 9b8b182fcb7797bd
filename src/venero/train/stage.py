"""What the loop goes through: a stage, the place in it, the sums of its losses, and the order of its epochs."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, inf

import numpy as np
import torch
from torch import Tensor

from venero.data.data import Data
from venero.train.distributed import Group
from venero.train.rules import Logs, Rule

DONE = "finished"


@dataclass(frozen=True)
class Stage:
    """One rule applied to one view of the data for a number of epochs."""

    name: str
    data: Data
    rule: Rule
    epochs: int
    batch_size: int
    validation: Data | None = None
    patience: int | None = None  # epochs without a better held-out loss before the best weights are taken
    share: float = 1.0  # of the time that is left to it and the stages after it, where there is a budget

    @property
    def updates(self) -> int:
        """Batches in an epoch."""
        return ceil(len(self.data) / self.batch_size)


@dataclass
class Meter:
    """Weighted sums of the losses, kept where they are computed until they are asked for."""

    count: int = 0
    sums: dict[str, Tensor] = field(default_factory=dict)

    def add(self, logs: Logs, n: int) -> None:
        self.count += n
        for name, value in logs.items():
            if name in self.sums:
                self.sums[name].add_(value, alpha=n)
            else:
                self.sums[name] = value.detach().clone() * n

    def means(self, group: Group) -> dict[str, float]:
        """The mean of each loss over all processes' examples."""
        names = sorted(self.sums)  # the same order everywhere
        if not names:
            return {}
        totals = torch.stack(
            [self.sums[n].double().cpu() for n in names] + [torch.tensor(float(self.count), dtype=torch.float64)]
        )
        group.sum(totals)
        return {n: float(totals[names.index(n)] / totals[-1]) for n in self.sums}


@dataclass
class Place:
    """How far training has come: all that a checkpoint holds besides weights, the rule's state and random streams."""

    stage: int = 0
    epoch: int = 0
    update: int = 0  # within the epoch
    seconds: float = 0.0
    entered: float = 0.0  # seconds that had passed when the stage began
    best: float = inf
    waited: int = 0
    over: bool = False  # this stage
    finished: bool = False  # all stages
    reason: str = DONE


def epoch_order(n: int, seed: int, stage: int, epoch: int) -> Tensor:
    """The order in which an epoch takes the examples: a function of these four numbers alone.

    >>> bool((epoch_order(5, 0, 0, 1) == epoch_order(5, 0, 0, 1)).all())
    True
    """
    return torch.from_numpy(np.random.default_rng([seed, stage, epoch]).permutation(n))
