"""What the groups of figures look at: a fitted model and equal numbers of real, sampled and reference examples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError, VeneroError
from venero.data.arrays import is_frame, kind_of
from venero.data.datasets import Dataset, encode_labels, like
from venero.metrics.figure import CEILING, FLOOR, MEMORISER

if TYPE_CHECKING:
    from venero.metrics.features import Features, FeatureSpace


class NotPossible(VeneroError):
    """The model's abilities or the data do not allow a group; the text says why."""


class Contenders(NamedTuple):
    """Sets of examples that stand where the model's samples do; None for what can't be had without training data."""

    samples: Any
    references: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Case:
    """A fitted model, held-out data, and the training data where they were given; n bounds what figures are computed on."""

    model: Any
    test: Dataset
    train: Dataset | None
    features: Features = "auto"
    n: int = 2000
    random_state: int = 0

    def need(self, ability: str, why: str) -> None:
        """Give up on a group whose ability the model lacks."""
        if not hasattr(self.model, ability):
            raise NotPossible(f"{type(self.model).__name__} has no {ability}: {why}")

    def needed_train(self) -> Dataset:
        """The training data, for a group that can't do without."""
        if self.train is None:
            raise NotPossible("the training data were not given: pass train")
        return self.train

    # -- examples ------------------------------------------------------------------------
    @cached_property
    def shown(self) -> Dataset:
        """At most n held-out examples, at random."""
        return some(self.test, self.n, self.random_state)

    @cached_property
    def halves(self) -> tuple[Dataset, Dataset]:
        """Two disjoint sets of held-out examples, equally many: what samples are held against, and the ceiling."""
        if len(self.test) < 4:
            raise NotPossible(f"{len(self.test)} held-out examples: at least 4 are needed")
        order = np.random.default_rng(self.random_state).permutation(len(self.test))
        m = min(self.n, len(order) // 2)
        return self.test.take(np.sort(order[:m])), self.test.take(np.sort(order[m : 2 * m]))

    @cached_property
    def known(self) -> Dataset:
        """What is known beside the examples that samples are held against: the training data, else the other half."""
        return self.halves[1] if self.train is None else self.train

    @cached_property
    def contenders(self) -> Contenders:
        """As many samples as one half has, and the references in their place."""
        self.need("sample", "to draw from it, give it a prior (see `venero models`)")
        real, other = self.halves
        rng = np.random.default_rng(self.random_state + 1)
        references = {CEILING: other.X}
        if self.train is not None:
            references[MEMORISER] = some(self.train, len(real), self.random_state).X
        references[FLOOR] = independent(some(self.known, 10_000, 0).X, len(real), rng)
        return Contenders(self.model.sample(len(real), random_state=self.random_state), references)

    @cached_property
    def space(self) -> FeatureSpace:
        """The feature space, learned from the training data (else from the other half)."""
        from venero.metrics.features import feature_space

        return feature_space(self.known, self.features, self.random_state)

    @cached_property
    def seen(self) -> tuple[NDArray[Any], NDArray[Any], dict[str, NDArray[Any]]]:
        """Features of the real half, of the samples, and of each reference."""
        samples, references = self.contenders
        return self.space(self.halves[0].X), self.space(samples), {k: self.space(X) for k, X in references.items()}


def some(data: Dataset, n: int, random_state: int) -> Dataset:
    """At most n examples, drawn at random, in the order in which they stand."""
    return data if len(data) <= n else data.take(np.sort(np.random.default_rng(random_state).permutation(len(data))[:n]))


def independent(X: Any, n: int, rng: np.random.Generator) -> Any:
    """n examples of which each column, pixel and channel is drawn on its own from the examples: nothing is joint but chance.

    >>> X = np.arange(6).reshape(3, 2)
    >>> independent(X, 4, np.random.default_rng(0)).shape
    (4, 2)
    """
    if isinstance(X, (list, tuple)):
        return like(X, _independent_steps(X, n, rng))
    if is_frame(X):
        columns = {label: X[label].iloc[rng.integers(len(X), size=n)].reset_index(drop=True) for label in X.columns}
        return type(X)(columns)
    x = np.asarray(X)
    flat = x.reshape(len(x), -1)  # (N, D)
    rows = rng.integers(len(x), size=(n, flat.shape[1]))
    return np.take_along_axis(flat, rows, axis=0).reshape(n, *x.shape[1:])


def _independent_steps(X: Any, n: int, rng: np.random.Generator) -> list[Any]:
    """Sequences as long as some in X, of steps and channels each drawn on its own from all there are."""
    lengths = [len(X[i]) for i in rng.integers(len(X), size=n)]
    if isinstance(X[0], str):
        letters = np.array(list("".join(X)))
        return ["".join(letters[rng.integers(len(letters), size=t)]) for t in lengths]
    if isinstance(X[0], (list, tuple)) and not np.ndim(X[0][0]):
        pool = [symbol for row in X for symbol in row]
        return [[pool[i] for i in rng.integers(len(pool), size=t)] for t in lengths]
    steps = np.concatenate([np.asarray(x) for x in X])  # (N,) or (N, d)
    flat = steps.reshape(len(steps), -1)
    drawn = [np.take_along_axis(flat, rng.integers(len(flat), size=(t, flat.shape[1])), axis=0) for t in lengths]
    return [x.reshape(t, *steps.shape[1:]) for x, t in zip(drawn, lengths, strict=True)]


def as_dataset(data: Any, argument: str) -> Dataset:
    """A Dataset from one, from X, or from (X, y); labels stay as the user has them, for the model may have learned those."""
    if isinstance(data, Dataset):
        return data
    X, y = data if isinstance(data, tuple) else (data, None)
    whole = is_frame(X) or kind_of(X) not in ("table", "image")  # sequences stay lists
    made = Dataset(X if whole else np.asarray(X))
    if y is None:
        return made
    y = np.asarray(y)
    if y.shape != (len(made),):
        raise DataError(f"{argument}: y of shape {y.shape}: must be ({len(made)},), one label for each row of X")
    return replace(made, y=y, class_names=encode_labels(y, most=50)[1])


def classes(data: Dataset | None) -> NDArray[Any] | None:
    """The labels, where they are classes and of two at least."""
    from venero.metrics.features import labelled

    return np.asarray(data.y) if data is not None and labelled(data) else None
