"""One fit and its evaluation in a process of its own: bounded in time and memory, resumed where it was cut off.

A job's folder is a run folder as `venero fit` writes it, with `scorecard.json` when it went well or `failed.json` when not.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread, get_ident
from typing import Any

from venero.core.errors import VeneroError
from venero.core.runs import CONFIG, Config, split, write_config
from venero.data.datasets import Dataset
from venero.train.checkpoint import write_whole

CARD, FAILED = "scorecard.json", "failed.json"
GIGABYTE = 2**30
Judge = Callable[[Any, Dataset, Dataset], Any]  # of a fitted model, held-out and training data: what has to_json()


@dataclass(frozen=True, eq=False)
class Job:
    """One model, unfitted but for its seed's sake, to be fitted to some data."""

    name: str
    seed: int
    model: Any
    folder: Path
    config: Config  # as `venero fit` writes it: which data, how split
    data: tuple[Dataset, Dataset] | None  # where they can't be read again from the config's source
    minutes: float
    memory: float | None  # gigabytes on top of what the process has taken already; None: no bound

    @property
    def done(self) -> bool:
        return (self.folder / CARD).exists() or (self.folder / FAILED).exists()

    def fail(self, why: str) -> None:
        write_whole(self.folder / FAILED, json.dumps({"why": why}).encode())


def run(job: Job, judge: Judge) -> str:
    """Fit, save, judge; returns why it failed, or nothing. What another process needs of it lies in its folder."""
    import torch

    if job.done:
        return ""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many jobs as cores run at a time
    try:
        with bounded(job.memory):
            _fit_and_judge(job, judge)
    except Exception as e:  # noqa: BLE001  whatever a model does, the others go on
        why = _explained(e, job.memory)
        job.fail(why)
        return why
    finally:
        torch.set_num_threads(threads)
    return ""


def _fit_and_judge(job: Job, judge: Judge) -> None:
    from venero.train.run import Run

    train, test = job.data or split(job.config)[:2]
    if not (job.folder / CONFIG).exists():
        write_config(job.folder, job.config | {"classes": train.class_names})
    _warm_up()
    stop = partial(_leave_with, os.getppid())
    run = Run(folder=job.folder, resume=True, minutes=job.minutes, checkpoint_seconds=10, device="cpu", callbacks=[stop])
    model = job.model.fit(train.X, train.y, run=run)
    model.save(job.folder)
    write_whole(job.folder / CARD, judge(model, test, train).to_json().encode())


def _leave_with(parent: int, row: Any) -> bool:
    """A comparison that is killed takes its workers with it: one that went on would write where the resumed one does."""
    if os.getppid() != parent:
        raise SystemExit
    return False


def _warm_up() -> None:
    """A process's first optimiser imports for seconds what the later ones have: that is not to count as any model's time."""
    import torch

    weight = torch.zeros(1, requires_grad=True)
    weight.sum().backward()
    torch.optim.Adam([weight]).step()


def _explained(error: Exception, memory: float | None) -> str:
    """Why a job failed, in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or "can't allocate memory" in text or "not enough memory" in text:
        return f"it asked for more than {memory:.3g} GB of memory" if memory else "there was not enough memory"
    return text if isinstance(error, VeneroError) else f"{type(error).__name__}: {text[:200]}"


@contextmanager
def bounded(gigabytes: float | None) -> Iterator[None]:
    """Allocations inside the block fail with MemoryError once they exceed this: at once on Linux, soon after elsewhere."""
    if gigabytes is None or sys.platform == "win32":  # which has no resource limits
        yield
        return
    with (limited if sys.platform.startswith("linux") else watched)(gigabytes):
        yield


@contextmanager
def limited(gigabytes: float) -> Iterator[None]:
    """The kernel refuses more (RLIMIT_DATA, which on Linux counts what torch and numpy allocate)."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _data_bytes() + int(gigabytes * GIGABYTE)
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextmanager
def watched(gigabytes: float, every: float = 0.1) -> Iterator[None]:
    """A thread looks at the process's peak of resident memory, and raises MemoryError in this one when it is too high."""
    thread, limit, over = get_ident(), _peak_bytes() + gigabytes * GIGABYTE, Event()

    def watch() -> None:
        while not over.wait(every):
            if _peak_bytes() > limit:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(MemoryError))
                return

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _peak_bytes() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _data_bytes() -> int:
    """What this process has taken of that which the limit counts."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData"))


# -- many ----------------------------------------------------------------------------------
def run_all(jobs: Sequence[Job], judge: Judge, at_once: int) -> Iterator[Job]:
    """Each job when it is finished, well or not; `at_once` at a time, or as many as joblib's own context has workers."""
    yield from (j for j in jobs if j.done)
    left = [j for j in jobs if not j.done]
    if _elsewhere():
        yield from _batch(left, judge, {})
        return
    for batch in [[job] for job in left] if at_once == 1 else [left]:
        yield from _isolated(batch, judge, at_once)


def _elsewhere() -> bool:
    """Whether the caller chose another backend, such as dask or ray, by joblib.parallel_config."""
    from joblib.parallel import get_active_backend

    return type(get_active_backend()[0]).__name__ != "LokyBackend"


def _isolated(batch: list[Job], judge: Judge, at_once: int) -> Iterator[Job]:
    """In processes of their own. Where one is killed joblib gives all up: then each goes alone, and the culprit is known."""
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    how = {"n_jobs": max(2, at_once), "backend": "loky"}  # with one worker joblib would stay in this process
    told = []
    with suppress(TerminatedWorkerError):
        for job in _batch(batch, judge, how):
            told.append(job)
            yield job
    for job in (j for j in batch if j not in told):
        with suppress(TerminatedWorkerError):
            list(_batch([job], judge, how))
        if not job.done:
            job.fail("its process was killed, as happens where memory runs out")
        yield job


def _batch(batch: list[Job], judge: Judge, how: dict[str, Any]) -> Iterator[Job]:
    from joblib import Parallel, delayed

    places = Parallel(return_as="generator_unordered", **how)(delayed(_numbered)(i, job, judge) for i, job in enumerate(batch))
    for place in places:
        yield batch[place]


def _numbered(place: int, job: Job, judge: Judge) -> int:
    run(job, judge)
    return place
