"""Figures of what a model says of held-out examples, and of what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from venero.data.datasets import Dataset
from venero.evaluation.case import Case, some
from venero.metrics import cost
from venero.metrics.figure import HIGHER, LOWER, Figure, exactly
from venero.metrics.intervals import mean
from venero.metrics.likelihood import bits_per_dim, mean_log_likelihood
from venero.metrics.reconstruction import psnr, ssim

SCORED = 500  # examples that importance sampling is spent on
PARTICLES = 100
DENSITY = "density in the data's units"


def likelihood(case: Case) -> Iterator[Figure]:
    """log p(x) of held-out examples, in nats and for images in bits per dimension."""
    case.need("score_samples", "it gives no probabilities")
    model, n = case.model, case.n
    nats = mean_log_likelihood(model.score_samples(case.shown.X))
    note, space = f"{model.score_kind}{_incomparable(model)}", model.score_of_
    learned = {} if case.train is None else {"train": _of(model, some(case.train, n, case.random_state).X)}
    yield Figure("likelihood", "log-likelihood", nats, "nats", HIGHER, space, note, learned)
    if case.test.kind == "image":
        yield Figure("likelihood", "bits per dimension", bits_per_dim(nats, model.n_dims_), "bits", LOWER, space, note)
    elif model.spec_.sequential if hasattr(model, "spec_") else False:
        yield _by_step(model, case.shown, space, note)
    if hasattr(model, "log_likelihood"):
        yield _importance_sampled(case)


def _by_step(model: Any, shown: Dataset, space: str, note: str) -> Figure:
    """Long sequences weigh by their length: bits per step and channel, or per symbol."""
    name = "bits per symbol" if model.spec_.kind == "symbols" else "bits per step and channel"
    return Figure("likelihood", name, exactly(model.bits_per_dim(shown.X)), "bits", LOWER, space, note)


def _of(model: Any, X: Any) -> float:
    return mean_log_likelihood(model.score_samples(X)).value


def _incomparable(model: Any) -> str:
    """A warning where the score is no density of the data as they stand."""
    return "" if model.score_of_ == DENSITY else "; not comparable with a density"


def _importance_sampled(case: Case) -> Figure:
    rows = some(case.shown, SCORED, case.random_state)
    nats = mean_log_likelihood(case.model.log_likelihood(rows.X, particles=PARTICLES))
    note, space = f"lower bound, {PARTICLES} draws{_incomparable(case.model)}", case.model.score_of_
    return Figure("likelihood", "log-likelihood, importance-sampled", nats, "nats", HIGHER, space, note)


def reconstruction(case: Case) -> Iterator[Figure]:
    """How near reconstructions come."""
    case.need("reconstruct", "it has no codes to come back from")
    X = case.shown.X
    if hasattr(case.model, "reconstruction_error"):
        error = mean(np.asarray(case.model.reconstruction_error(X), dtype=np.float64))
        note = "sum over an example, in the network's units"
        yield Figure("reconstruction", "squared error", error, "", LOWER, note=note)
    if case.test.kind == "image":
        yield from _of_images(case)


def _of_images(case: Case) -> Iterator[Figure]:
    real, back = case.shown.X, case.model.reconstruct(case.shown.X)
    plain = np.broadcast_to(np.asarray(some(case.known, 10_000, 0).X).mean(axis=0).astype(back.dtype), back.shape)
    for name, measure, unit in (("PSNR", psnr, "dB"), ("SSIM", ssim, "")):
        floor = {"the mean image": float(measure(real, plain).mean())}
        yield Figure("reconstruction", name, mean(measure(real, back)), unit, HIGHER, references=floor)


def costs(case: Case) -> Iterator[Figure]:
    """What the model costs in numbers, time and memory."""
    model = case.model
    if hasattr(model, "n_parameters_"):
        yield Figure("cost", "parameters", exactly(model.n_parameters_), better=LOWER)
    if hasattr(model, "fit_seconds_"):
        yield Figure("cost", "fit", exactly(model.fit_seconds_), "s", LOWER)
    if hasattr(model, "sample"):
        n = min(case.n, 256)
        speed = cost.speed(lambda: model.sample(n, random_state=0), n)
        yield Figure("cost", "samples per second", speed, "1/s", HIGHER, note=f"{n} at a time")
    yield Figure("cost", "peak memory", exactly(cost.peak_memory() / 2**20), "MiB", LOWER, note="of the whole process so far")
