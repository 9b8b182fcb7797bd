"""Run: where and how a fit happens. A fit that is left to finish ends the same whatever it says, but for rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from venero.core.errors import VeneroError
from venero.train.progress import Row

PRECISIONS: dict[str, torch.dtype | None] = {"float32": None, "bfloat16": torch.bfloat16}
PROGRESS = ("auto", "bar", "lines", "none")


@dataclass(frozen=True, kw_only=True)
class Run:
    """How to run a fit.

    device: "auto" (an accelerator if there is one), "cpu", "cuda", "mps", "cuda:1", ...
    precision: "auto" (bfloat16 where a CUDA device has it), "float32", "bfloat16".
    folder: where checkpoints and log.jsonl go; None writes nothing.
    resume: go on from the folder's checkpoint, if it has one.
    minutes: stop after so long, earlier pieces of a resumed run counted in; None never.
    progress: "auto", "bar", "lines" (to the logger `venero`) or "none".
    callbacks: called with each epoch's history row; one that returns True ends the stage.
    checkpoint_seconds: how often a checkpoint is written; 0 after every update.
    """

    device: str = "auto"
    precision: str = "auto"
    folder: Path | str | None = None
    resume: bool = False
    minutes: float | None = None
    progress: str = "none"
    callbacks: Sequence[Callable[[Row], bool | None]] = ()
    checkpoint_seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.precision not in ("auto", *PRECISIONS):
            raise VeneroError(f"Run.precision = {self.precision!r}: must be one of 'auto', 'float32', 'bfloat16'")
        if self.progress not in PROGRESS:
            raise VeneroError(f"Run.progress = {self.progress!r}: must be one of {', '.join(map(repr, PROGRESS))}")
        if self.minutes is not None and not self.minutes > 0:
            raise VeneroError(f"Run.minutes = {self.minutes!r}: must be > 0, or None for no limit")
        if self.resume and self.folder is None:
            raise VeneroError("Run.resume = True needs Run.folder: the folder that holds the checkpoint")

    def torch_device(self) -> torch.device:
        """The device, checked to be there."""
        if self.device == "auto":
            return torch.device(_best_device())
        try:
            device = torch.device(self.device)
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError, NotImplementedError) as e:  # what torch raises depends on the device's kind
            raise VeneroError(f"Run.device = {self.device!r} is not to be had here; 'auto' takes {_best_device()!r}") from e
        return device

    def autocast(self, device: torch.device) -> Callable[[], AbstractContextManager[Any]]:
        """The context in which losses are computed."""
        precision = self.precision
        if precision == "auto":
            precision = "bfloat16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"
        dtype = PRECISIONS[precision]
        return nullcontext if dtype is None else lambda: torch.autocast(device.type, dtype=dtype)


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
