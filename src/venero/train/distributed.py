"""Many processes, one model: the group that `torchrun` made, or this process alone.

Gradients are averaged over the examples of the whole batch, not over the processes: each process adds its own examples' sum, so
that shares of unequal size (also empty ones) give the gradient that one process would have had.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Group:
    """Which of how many processes this is."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, rows: Tensor) -> tuple[Tensor, int]:
        """This process's part of a batch, every size-th row, and how many that are.

        Where there are none, a row that counts for nothing stands in, so that every process takes the same steps.
        """
        mine = rows if self.size == 1 else rows[self.rank :: self.size]
        return (mine, len(mine)) if len(mine) else (rows[:1], 0)

    def sum(self, *tensors: Tensor) -> None:
        """Each tensor becomes its sum over the processes, in place."""
        if self.size > 1:
            for t in tensors:
                dist.all_reduce(t)

    def broadcast(self, net: nn.Module) -> None:
        """All processes start from the first one's weights."""
        if self.size > 1:
            for t in net.state_dict().values():
                dist.broadcast(t, 0)

    def agree(self, decision: bool) -> bool:
        """True where any process says so."""
        if self.size == 1:
            return decision
        vote = torch.tensor(float(decision))
        dist.all_reduce(vote, dist.ReduceOp.MAX)
        return bool(vote > 0)

    def first_says(self, number: int) -> int:
        """The first process's number, everywhere."""
        if self.size == 1:
            return number
        said = torch.tensor(number)
        dist.broadcast(said, 0)
        return int(said)

    def gather(self, item: Tensor) -> list[Tensor]:
        """Every process's tensor, in order of rank."""
        if self.size == 1:
            return [item]
        items = [torch.empty_like(item) for _ in range(self.size)]
        dist.all_gather(items, item)
        return items

    def average_gradients(self, weights: Sequence[nn.Parameter], examples: int) -> None:
        """Gradients of the mean loss over this process's examples -> over all processes' examples."""
        if self.size == 1:
            return
        parts = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
        flat = torch.cat([p.flatten() for p in parts]) * examples
        flat = torch.cat([flat, flat.new_tensor([float(examples)])])
        dist.all_reduce(flat)
        start = 0
        for w in weights:
            w.grad = (flat[start : start + w.numel()] / flat[-1]).view_as(w)
            start += w.numel()


def group() -> Group:
    """The group that `torchrun` describes in the environment, joined on first use; this process alone otherwise."""
    if not dist.is_available() or (not dist.is_initialized() and int(os.environ.get("WORLD_SIZE", "1")) == 1):
        return Group()
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
        atexit.register(dist.destroy_process_group)  # its threads would else be cut off, now and then with an abort
    return Group(dist.get_rank(), dist.get_world_size())
