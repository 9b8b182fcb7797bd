"""What a report is about: a fitted model, its data, and what both sides of a section share, computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from venero.data.datasets import chosen
from venero.metrics.intervals import Estimate, mean
from venero.metrics.representation import active_units, knn_accuracy

if TYPE_CHECKING:
    from venero.data.sources import Dataset

Floats = NDArray[np.floating[Any]]

HELD_OUT = 2_000  # test examples that figures are computed on
SCORED = 1_000  # of those, for scores, which take many draws of each code
LEARNED = 10_000  # training examples that a yardstick is fitted to
NEIGHBOURS = 5


class Examples(NamedTuple):
    """Some rows of a data set."""

    X: Any
    y: NDArray[Any] | None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: NDArray[Any]) -> Examples:
        y = None if self.y is None else self.y[rows]
        if isinstance(self.X, (list, tuple)):
            return Examples(chosen(self.X, rows), y)
        return Examples(self.X.iloc[rows] if hasattr(self.X, "iloc") else np.asarray(self.X[rows]), y)


def some(data: Dataset, n: int) -> Examples:
    """At most n examples, drawn at random, in the order in which they stand (which a memory-mapped array needs)."""
    whole = Examples(data.X, None if data.y is None else np.asarray(data.y))
    rows = np.sort(np.random.default_rng(0).permutation(len(whole))[:n])
    return whole.take(rows)


def spread(examples: Examples, n: int) -> NDArray[np.int64]:
    """n places: the classes in turn where there are labels, else as they come."""
    if examples.y is None:
        return np.arange(min(n, len(examples)))
    _, turn = np.unique(examples.y, return_inverse=True)
    rank = np.zeros(len(turn), dtype=int)  # which one of its class an example is
    for c in range(turn.max() + 1):
        rank[turn == c] = np.arange((turn == c).sum())
    return np.lexsort((turn, rank))[:n]


@dataclass(frozen=True)
class Subject:
    """A fitted model with the data that it was fitted to and those held out; `config` is the run's, or empty."""

    model: Any
    train: Dataset
    test: Dataset
    config: Mapping[str, Any]
    name: str = ""  # its folder
    held_out: str = ""  # how the test data were chosen

    # -- what it is ----------------------------------------------------------------------
    @property
    def title(self) -> str:
        return str(type(self.model).card()["title"]) if hasattr(self.model, "card") else type(self.model).__name__

    @property
    def noun(self) -> str:
        return {"image": "image", "table": "row", "audio": "clip", "text": "text"}.get(self.train.kind, "sequence")

    @property
    def pictures(self) -> bool:
        return bool(self.train.kind == "image")

    @property
    def codes_and_back(self) -> bool:
        return hasattr(self.model, "encode") and hasattr(self.model, "decode") and not self.stepwise

    @property
    def stepwise(self) -> bool:
        """Whether each step of an example has a code of its own."""
        code = getattr(getattr(self.model, "net_", None), "code", None)
        return getattr(code, "kind", "") == "series"

    @property
    def conditional(self) -> bool:
        """Whether decoding asks for a label too."""
        return getattr(self.model, "classes_", None) is not None

    @property
    def draws_means(self) -> bool:
        """Whether samples can be had without observation noise."""
        net = getattr(self.model, "net_", self.model)
        return bool(getattr(net, "noisy", "noise" in signature(net.sample).parameters))

    @property
    def class_names(self) -> dict[Any, str]:
        """Label -> the name of the class."""
        return dict(enumerate(self.train.class_names))

    def class_name(self, label: Any) -> str:
        return self.class_names.get(label, str(label))

    # -- what was held out ---------------------------------------------------------------
    @cached_property
    def shown(self) -> Examples:
        return some(self.test, HELD_OUT)

    @cached_property
    def scored(self) -> Examples:
        return self.shown.take(np.sort(np.random.default_rng(1).permutation(len(self.shown))[:SCORED]))

    @cached_property
    def learned(self) -> Examples:
        return some(self.train, LEARNED)

    @cached_property
    def classes(self) -> NDArray[Any] | None:
        """The labels of the shown examples where they are classes, two of them at least."""
        y = self.shown.y
        return y if y is not None and self.train.class_names and len(np.unique(y)) > 1 else None

    # -- what the model makes of it ------------------------------------------------------
    @cached_property
    def codes(self) -> Floats:
        return np.asarray(self.model.encode(self.shown.X))

    @cached_property
    def learned_codes(self) -> Floats:
        return np.asarray(self.model.encode(self.learned.X))

    @property
    def latent_dim(self) -> int:
        return int(self.codes.shape[1])

    @cached_property
    def in_use(self) -> NDArray[np.bool_]:
        return active_units(self.codes)

    @cached_property
    def scores(self) -> Floats:
        """log p(x) of the scored examples, or given their labels where the model is conditional: (n,) nats."""
        y = self.scored.y if self.conditional else None
        return np.asarray(self.model.score_samples(self.scored.X, *(() if y is None else (y,))))

    @cached_property
    def errors(self) -> Floats:
        """Squared error of each reconstruction, (n,)."""
        return np.asarray(self.model.reconstruction_error(self.shown.X))

    @cached_property
    def linear_errors(self) -> Estimate | None:
        """The same of a principal component analysis with codes as long, where that can be had."""
        seen, held_out = (self.matrix(part.X) for part in (self.learned, self.shown))
        if seen is None or held_out is None or self.latent_dim >= min(seen.shape):
            return None
        back = self.linear.inverse_transform(self.linear.transform(held_out))
        return mean(((back - held_out) ** 2).sum(axis=1))

    @cached_property
    def linear(self) -> Any:
        from sklearn.decomposition import PCA

        return PCA(self.latent_dim, random_state=0).fit(self.matrix(self.learned.X))

    def matrix(self, X: Any) -> Floats | None:
        """Examples in the network's units, (n, D); None where some cells are categories or missing."""
        spec = getattr(self.model, "spec_", None)
        if spec is None or spec.sequential or any(c.levels or c.missing for c in spec.columns):
            return None
        x = self.model.codec_.encode(X).numpy()
        return np.asarray(x.reshape(len(x), -1), dtype=np.float32)  # (n, D)

    @cached_property
    def knn(self) -> Estimate | None:
        """How often the nearest training codes tell the class of a held-out one."""
        if self.stepwise or self.classes is None or self.learned.y is None or len(self.learned) < NEIGHBOURS:
            return None
        return knn_accuracy(self.learned_codes, self.learned.y, self.codes, self.classes, NEIGHBOURS)
