"""The one training loop: stages of a rule on data, with validation, early stopping, a budget of time, and exact resume."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from venero.core.errors import TrainingError, shown
from venero.maths.random import seeded
from venero.train import checkpoint
from venero.train.distributed import group
from venero.train.interrupt import requests
from venero.train.progress import Event, JsonLines, Row, listener
from venero.train.rules import Rule
from venero.train.run import Run
from venero.train.stage import DONE, Meter, Place, Stage, epoch_order

BETWEEN_CHECKS = 50  # updates between looks at a loss that lies on an accelerator, where each look waits for it
BETWEEN_EVENTS = 0.2  # seconds between steps of a progress bar


class Trainer:
    """Runs stages on a network. `seed` decides the order of every epoch; `identity` is what a checkpoint must match."""

    def __init__(self, net: nn.Module, run: Run, *, seed: int, identity: Mapping[str, Any]):
        self.net, self.run, self.seed = net, run, seed
        self.identity = dict(identity)
        self.group = group()
        self.place = Place()
        self.history: list[Row] = []
        self.meter = Meter()
        self.best: dict[str, Tensor] | None = None
        self.device = next((t.device for t in net.state_dict().values()), torch.device("cpu"))
        self.folder = Path(run.folder) if run.folder is not None else None
        self.saved = self._read() if run.resume else None
        self.began = time.monotonic()
        self.written = self.told = self.began

    # -- the loop ----------------------------------------------------------------------
    def fit(self, stages: Iterable[Stage]) -> list[Row]:
        """Run all stages, or what is left of them; returns the history."""
        if self.saved:
            self._restore_net(self.saved)
        else:
            self.group.broadcast(self.net)
        self.listeners = self._listeners()
        self._tell(Event("start"))
        try:
            with requests(self.folder is not None) as self.request:
                self._all(stages)
        except BaseException:
            self._tell(Event("broken"))
            raise
        self._tell(Event("end", reason=self._ending()))
        return self.history

    def _all(self, stages: Iterable[Stage]) -> None:
        if not self.place.finished:
            for index, stage in self._entered(iter(stages)):
                if self.saved is None or index >= self.saved["place"]["stage"]:
                    self._stage(index, stage)
            self.place.finished = True
            self._save(None)

    def _entered(self, stages: Iterator[Stage]) -> Iterator[tuple[int, Stage]]:
        """The stages, each made with the random streams that it was made with before a resumed run was killed."""
        for index in count():
            if self.saved and index == self.saved["place"]["stage"]:
                self._set_streams(self.saved["entry"])
            self.entry = self._streams()
            stage = next(stages, None)
            if stage is None:
                return
            yield index, stage

    def _stage(self, index: int, stage: Stage) -> None:
        stage.rule.start(self.group, self.run.autocast(self.device))
        self.best, self.meter = None, Meter()
        self.place = Place(stage=index, seconds=self.place.seconds, entered=self.elapsed())  # seconds go on
        if self.saved:
            self._restore(self.saved, stage.rule)
            self.saved = None
        elif index:  # what came before is done: it need not be done again
            self._save(stage.rule)
        while not self.place.over and self.place.epoch < stage.epochs:
            self.place.over = self._epoch(stage)
        stage.rule.finish()
        self._take_best()

    def _epoch(self, stage: Stage) -> bool:
        """The rest of an epoch; True when the stage is over."""
        self.net.train()
        order = epoch_order(len(stage.data), self.seed, self.place.stage, self.place.epoch).to(stage.data.rows.device)
        for rows in order.split(stage.batch_size)[self.place.update :]:
            self._update(stage, rows)
            if self._out_of_time(stage):
                break
        self._check(stage, every=1)
        over = stage.rule.end_epoch()
        row = self._row(stage)
        self.history.append(row)
        self.place.epoch, self.place.update, self.meter = self.place.epoch + 1, 0, Meter()
        self._tell(Event("epoch", stage.name, self.place.epoch, stage.epochs, self.place.epoch / stage.epochs, row))
        stop = self._worse(stage, row) | any([bool(call(row)) for call in self.run.callbacks])
        return self.group.agree(over or stop or self.place.epoch >= stage.epochs or self._out_of_time(stage))

    def _update(self, stage: Stage, rows: Tensor) -> None:
        mine, examples = self.group.share(rows)
        done = (self.place.epoch + self.place.update / stage.updates) / stage.epochs
        logs = stage.rule.step(stage.data.batch(mine), done, examples)
        self.meter.add(logs, examples)
        self.place.update += 1
        self._check(stage, every=1 if self.device.type == "cpu" else BETWEEN_CHECKS)
        now = time.monotonic()
        if now - self.told > BETWEEN_EVENTS:
            self.told = now
            self._tell(Event("step", stage.name, self.place.epoch + 1, stage.epochs, done))
        if self.folder and self.group.agree(bool(self.request) or now - self.written >= self.run.checkpoint_seconds):
            bad = [name for name, weight in self.net.named_parameters() if not torch.isfinite(weight).all()]
            if bad:  # by a gradient that was not: the loss will tell in the next update, and the checkpoint is to be good
                raise self._not_finite(bad[0], stage.name)
            self._save(stage.rule)
            self.request.obey()

    def _out_of_time(self, stage: Stage) -> bool:
        if self.run.minutes is None:
            return False
        until = self.place.entered + stage.share * (60 * self.run.minutes - self.place.entered)
        over = self.group.agree(self.elapsed() > until)
        if over and self.place.epoch < stage.epochs and self.place.reason == DONE:  # a reason that was given before stays
            where = f"in epoch {self.place.epoch + 1}" if self.place.update else f"after epoch {self.place.epoch}"
            self.place.reason = f"stopped after {self.run.minutes:g} minutes, {where}"
        return over

    def elapsed(self) -> float:
        """Seconds of training, earlier pieces of a resumed run counted in."""
        return self.place.seconds + time.monotonic() - self.began

    # -- what an epoch says ------------------------------------------------------------
    def _check(self, stage: Stage, every: int) -> None:
        if self.place.update % every:
            return
        bad = [name for name, total in self.meter.sums.items() if not isfinite(float(total))]
        if bad:
            raise self._not_finite(bad[0], stage.name)

    def _not_finite(self, what: str, stage: str) -> TrainingError:
        where = f"stage {stage!r}, epoch {self.place.epoch + 1}, update {self.place.update}"
        saved = self.folder is not None and (self.folder / checkpoint.NAME).exists()
        kept = f"; the last good checkpoint is in {self.folder}" if saved else ""
        return TrainingError(f"{what} is not finite at {where}: try a smaller learning_rate, or clip=1.0{kept}")

    def _row(self, stage: Stage) -> Row:
        return {
            "stage": stage.name,
            "epoch": self.place.epoch + 1,
            "step": self.place.epoch * stage.updates + self.place.update,
            "seconds": round(self.elapsed(), 3),
            "train": self.meter.means(self.group),
            "validation": self._validate(stage),
        }

    def _validate(self, stage: Stage) -> dict[str, float] | None:
        """Held-out losses with the averaged weights and the same noise every epoch."""
        if stage.validation is None:
            return None
        meter = Meter()
        self.net.eval()
        places = torch.arange(len(stage.validation), device=stage.validation.rows.device)
        with seeded(self.seed), stage.rule.averaged():
            for rows in places.split(max(stage.batch_size, 512)):
                mine, examples = self.group.share(rows)
                meter.add(stage.rule.evaluate(stage.validation.batch(mine)), examples)
        return meter.means(self.group)

    def _worse(self, stage: Stage, row: Row) -> bool:
        """Whether the held-out loss has not become better for `patience` epochs; keeps the best weights."""
        if stage.patience is None or not row["validation"]:
            return False
        loss = sum(v for k, v in row["validation"].items() if k.endswith("loss"))
        if loss < self.place.best:
            self.place.best, self.place.waited = loss, 0
            with stage.rule.averaged():
                self.best = checkpoint.clone_state(self.net.state_dict())
        else:
            self.place.waited += 1
        if self.place.waited < stage.patience:
            return False
        best = self.place.epoch - stage.patience
        self.place.reason = (
            f"stopped early: epoch {best} has the best held-out loss, none of the next {stage.patience} a better one"
        )
        return True

    def _take_best(self) -> None:
        if self.best is not None:
            self.net.load_state_dict(self.best)

    def _ending(self) -> str:
        return f"{self.place.reason} ({self.elapsed():.1f} s)"

    def _tell(self, event: Event) -> None:
        for listen in self.listeners:
            listen(event)

    def _listeners(self) -> list[Any]:
        if not self.group.first:
            return []
        logs = [JsonLines(self.folder / "log.jsonl", self.saved["history"] if self.saved else [])] if self.folder else []
        return [*listener(self.run.progress), *logs]

    # -- checkpoints -------------------------------------------------------------------
    def _save(self, rule: Rule | None) -> None:
        """Everything that decides what follows; at the very end there is no rule left to keep."""
        self.place.seconds, self.began = self.elapsed(), time.monotonic()
        if self.folder is None:
            return
        state = {
            "identity": self.identity,
            "place": vars(self.place),
            "history": self.history,
            "meter": {"count": self.meter.count, "sums": self.meter.sums},
            "net": self.net.state_dict(),
            "rule": rule.state() if rule else None,
            "best": self.best,
            "streams": self._streams(),
            "entry": self.entry,
        }
        if self.group.first:
            checkpoint.write(self.folder, state)
        self.written = time.monotonic()

    def _read(self) -> dict[str, Any] | None:
        saved = checkpoint.read(self.folder) if self.folder else None
        if saved is None:
            return None
        for name, value in self.identity.items():
            if saved["identity"].get(name) != value:
                differs = f"{name} was {shown(saved['identity'].get(name))} there and is {shown(value)} here"
                raise TrainingError(f"can't resume in {self.folder}: {differs}; use another folder")
        return saved

    def _restore_net(self, saved: Mapping[str, Any]) -> None:
        self.net.load_state_dict(saved["net"])
        self.place = Place(**saved["place"])
        self.history = list(saved["history"])

    def _restore(self, saved: Mapping[str, Any], rule: Rule) -> None:
        """Just before the first update that is left, so that nothing done on the way here counts."""
        self._restore_net(saved)
        if saved["rule"] is not None:
            rule.restore(saved["rule"])
        self.best = saved["best"]
        self.meter = Meter(saved["meter"]["count"], {k: v.to(self.device) for k, v in saved["meter"]["sums"].items()})
        self._set_streams(saved["streams"])

    def _streams(self) -> dict[str, list[Tensor]]:
        """The states of all random streams: every process's CPU stream, and this machine's accelerators'."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return {"cpu": self.group.gather(torch.get_rng_state()), "cuda": cuda}

    def _set_streams(self, streams: Mapping[str, list[Tensor]]) -> None:
        torch.set_rng_state(streams["cpu"][min(self.group.rank, len(streams["cpu"]) - 1)])
        if streams["cuda"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(streams["cuda"])
