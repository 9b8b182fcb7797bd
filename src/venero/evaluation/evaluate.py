"""`venero.evaluate`: a fitted model and held-out data in, a Scorecard out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from venero.core.errors import VeneroError, nearest, shown
from venero.core.params import positive
from venero.evaluation.case import Case, as_dataset
from venero.evaluation.codes import representation
from venero.evaluation.fitted import costs, likelihood, reconstruction
from venero.evaluation.sampled import fidelity, memorisation, two_sample, usefulness
from venero.evaluation.scorecard import Scorecard
from venero.metrics.figure import Figure

GROUPS: dict[str, Callable[[Case], Iterable[Figure]]] = {
    "likelihood": likelihood,
    "fidelity": fidelity,
    "two-sample": two_sample,
    "utility": usefulness,
    "memorisation": memorisation,
    "representation": representation,
    "reconstruction": reconstruction,
    "cost": costs,
}
N = 2000


def evaluate(
    model: Any,
    test: Any,
    train: Any = None,
    *,
    features: Any = "auto",
    n: int | None = None,
    metrics: Sequence[str] | None = None,
    random_state: int = 0,
) -> Scorecard:
    """Judge a fitted model by examples that it has not seen.

    test, train: a Dataset, X in the user's terms, or (X, y). Without train there is no memorisation, no utility, no memoriser.
    features: "auto" (tables: standardised columns; images: a small classifier of the labels, else random convolutions),
    "columns", "classifier", "random convolutions", "inception", or a function from X to (n, d).
    n: how many examples a figure is computed on at most (2,000). metrics: groups wanted; None: all that can be had.
    Raises VeneroError for an argument that is wrong; what the model or the data do not allow is in `skipped`, with the reason.

    >>> import numpy as np, venero
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> card = evaluate(venero.Gaussian().fit(X[:200]), X[200:], metrics=["likelihood"])
    >>> bool(-3.5 < card["log-likelihood"].value.value < -2.2)
    True
    """
    from venero.metrics.features import check_features

    wanted = _wanted(metrics)
    test, train = as_dataset(test, "test"), None if train is None else as_dataset(train, "train")
    check_features(features)
    case = Case(model, test, train, features, positive("n", N if n is None else n), random_state)
    figures: list[Figure] = []
    skipped: dict[str, str] = {}
    for name in wanted:
        try:
            figures += GROUPS[name](case)
        except VeneroError as why:
            skipped[name] = str(why)
    return Scorecard(type(model).__name__, test.name or "held-out data", tuple(figures), skipped)


def _wanted(metrics: Sequence[str] | None) -> list[str]:
    """The groups asked for, in the order of the card."""
    if metrics is None:
        return list(GROUPS)
    asked = [metrics] if isinstance(metrics, str) else list(metrics)
    for name in asked:
        if name not in GROUPS:
            raise VeneroError(f"metrics = {shown(name)}: {nearest(str(name), GROUPS)}")
    return [name for name in GROUPS if name in asked]
