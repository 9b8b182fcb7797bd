"""Run: where and how a fit happens. A fit that is left to finish ends the same whatever it says, but for rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from venero.core.errors import VeneroError, shown
from venero.core.params import accepts
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
        for name, (fits, must) in self._conditions().items():
            if not fits:
                raise VeneroError(f"Run.{name} = {shown(getattr(self, name))}: must be {must}")
        if self.resume and self.folder is None:
            raise VeneroError("Run.resume = True needs Run.folder: the folder that holds the checkpoint")

    def _conditions(self) -> dict[str, tuple[bool, str]]:
        """Field -> whether it is as it must be, and how that is."""
        precisions, folder = ("auto", *PRECISIONS), self.folder
        return {
            "device": (isinstance(self.device, str), "a name: 'auto', 'cpu', 'cuda', ..."),
            "precision": (self.precision in precisions, f"one of {', '.join(map(repr, precisions))}"),
            "folder": (folder is None or (isinstance(folder, (str, Path)) and not Path(folder).is_file()), "a folder, or None"),
            "resume": (isinstance(self.resume, bool), "True or False"),
            "minutes": (
                self.minutes is None or (accepts(self.minutes, float) and self.minutes > 0),
                "> 0, or None for no limit",
            ),
            "progress": (self.progress in PROGRESS, f"one of {', '.join(map(repr, PROGRESS))}"),
            "callbacks": (isinstance(self.callbacks, Sequence) and all(map(callable, self.callbacks)), "a list of functions"),
            "checkpoint_seconds": (accepts(self.checkpoint_seconds, float) and self.checkpoint_seconds >= 0, "a number >= 0"),
        }

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
