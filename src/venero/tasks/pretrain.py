"""A classifier that starts from the encoder of a fitted model, and what that start is worth when labels are few.

Hinton & Salakhutdinov 2006; Vincent, Larochelle, Lajoie, Bengio & Manzagol 2010.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import KW_ONLY, dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from torch import Tensor, nn

from venero.core.abilities import UnfittedError
from venero.core.errors import DataError, VeneroError
from venero.core.inputs import class_labels
from venero.core.params import LARGEST_SEED, check, param, positive
from venero.data.data import Data
from venero.data.spec import Batch
from venero.maths.random import seeded
from venero.metrics.intervals import columns, mean, share
from venero.tasks.finetune import examples_of, train, with_codes, with_net
from venero.train.progress import Row
from venero.train.rules import Descent, GradientDescent, Objective
from venero.train.run import Run
from venero.train.schedules import SCHEDULES
from venero.train.stage import Stage

if TYPE_CHECKING:
    import pandas as pd


class ClassifierNet(nn.Module):
    """p(class | x) = softmax(W encode(x) + b): all of it learns."""

    def __init__(self, net: Any, n_classes: int):
        super().__init__()
        self.net = net
        self.head = nn.Linear(net.code.numel, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.net.encode(x))
        return logits

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        if batch.y is None:
            raise VeneroError("a classifier learns from labels")
        return {"loss": nn.functional.cross_entropy(self(batch.x), batch.y)}


@dataclass(eq=False, repr=False)
class PretrainedClassifier(ClassifierMixin, BaseEstimator):
    """The encoder of a model with a linear layer over its codes, both trained to tell the labels.

    With `from_scratch` the same network at a random start: what the pre-training is measured against. The model itself stays as
    it is. Sets classes_, history_ and model_, the fine-tuned copy, whose `encode` gives the codes that the last layer reads.

    >>> import venero
    >>> data = venero.dataset("digits")
    >>> model = venero.AutoEncoder(latent_dim=64, code="relu", net="mlp", epochs=2, random_state=0).fit(data.X)
    >>> classifier = PretrainedClassifier(model, updates=200, random_state=0).fit(data.X[:500], data.y[:500])
    >>> bool(classifier.score(data.X[500:], data.y[500:]) > 0.7)
    True
    """

    model: Any = param(None, "model that encodes; it learns from X first, unless it is fitted")
    _: KW_ONLY
    from_scratch: bool = param(False, "begin at a random start instead of the model's weights")
    updates: int = param(1000, "updates; 0 leaves the last layer at random", low=0)
    batch_size: int = param(64, "examples per update", low=1)
    learning_rate: float = param(1e-3, "size of the first step; it falls to 0", above=0)
    random_state: int | None = param(None, "makes fit repeatable", low=0, high=LARGEST_SEED)

    def fit(self, X: Any, y: Any, *, run: Run | None = None) -> Self:
        """Learn from examples X, as the model took them, and their labels (n,). Returns self."""
        check(self)
        model = with_codes(self.model, X, run)
        self.classes_, numbers = np.unique(class_labels(y, len(X)), return_inverse=True)
        seed = int(np.random.SeedSequence().generate_state(1)[0]) if self.random_state is None else self.random_state
        device = (run or Run()).torch_device()
        data = examples_of(model, X, torch.from_numpy(numbers.astype(np.int64)), device)
        with seeded(seed):
            start = model.build(model.spec_) if self.from_scratch else deepcopy(model.net_)
            self.net_ = ClassifierNet(start, len(self.classes_)).to(device)
        self.history_: list[Row] = train(self.net_, lambda _: self._stages(data), run, seed)
        self.model_ = with_net(model, self.net_.net)
        self.net_.to("cpu")
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """The probability of each class: (n, ...) -> (n, classes)."""
        if not hasattr(self, "net_"):
            raise UnfittedError("This PretrainedClassifier instance is not fitted yet: call fit(X, y) first")
        with torch.no_grad():
            logits = self.net_.head(torch.from_numpy(self.model_.encode(X)))
        p: NDArray[np.float32] = logits.softmax(1).numpy()
        return p

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each example: (n, ...) -> (n,)."""
        best: NDArray[Any] = self.predict_proba(X).argmax(1)
        return np.asarray(self.classes_[best])

    def _stages(self, data: Data) -> Iterator[Stage]:
        """The same number of updates however many labels there are."""
        how = Descent(learning_rate=self.learning_rate, schedule=SCHEDULES["cosine"])
        rule = GradientDescent(self.net_, [Objective("classes", self.net_, self.net_.loss)], how)
        epochs = round(self.updates / ceil(len(data) / self.batch_size))
        yield Stage("classes", data, rule, max(epochs, min(self.updates, 1)), self.batch_size)


class Labelled(NamedTuple):
    """Examples (n, ...) and their labels (n,)."""

    X: Any
    y: NDArray[Any]


def pretraining_gain(
    model: Any, train: Any, test: Any, labels: Sequence[int] = (100, 1000, 10_000), seeds: int = 3, **fields: Any
) -> pd.DataFrame:
    """The test error of the model's encoder with few labels, against the same network from a random start.

    model: fitted, and used for every seed; or not fitted: a copy learns from all of train, without labels, for each seed.
    train, test: Datasets or pairs (X, y). labels: how many labelled examples, drawn from train in the classes' shares.
    fields: of PretrainedClassifier, such as updates=2000. One row for each number of labels and seed: both errors, and the gain
    (random start minus pre-trained) with its 95 % interval, which is that of the paired differences over the test examples.
    """
    import pandas as pd

    known, held_out = _labelled(train, "train"), _labelled(test, "test")
    rows = []
    for seed in range(positive("seeds", seeds)):
        start = model if hasattr(model, "net_") else clone(model).set_params(random_state=seed).fit(known.X)
        rows += [_pair(start, _some(known, n, seed), held_out, fields | {"random_state": seed}) for n in labels]
    return pd.DataFrame(rows)


def _labelled(data: Any, name: str) -> Labelled:
    X, y = (data.X, data.y) if hasattr(data, "X") else data
    if y is None:
        raise DataError(f"{name} has no labels: give a Dataset that has, or a pair (X, y)")
    return Labelled(X, np.asarray(y))


def _some(data: Labelled, n: int, seed: int) -> Labelled:
    """n examples, each class as often as in the data."""
    from sklearn.model_selection import train_test_split

    if not 0 < n <= len(data.y):
        raise DataError(f"labels = {n}: must be from 1 to {len(data.y)}, the examples of train")
    rows = np.arange(n) if n == len(data.y) else _drawn(train_test_split, data.y, n, seed)
    return Labelled(data.X.iloc[rows] if hasattr(data.X, "iloc") else data.X[rows], data.y[rows])


def _drawn(split: Any, y: NDArray[Any], n: int, seed: int) -> NDArray[np.int64]:
    fits = np.unique(y, return_counts=True)[1].min() > 1 and len(np.unique(y)) <= min(n, len(y) - n)
    rows: NDArray[np.int64] = split(np.arange(len(y)), train_size=n, random_state=seed, stratify=y if fits else None)[0]
    return rows


def _pair(model: Any, known: Labelled, test: Labelled, fields: dict[str, Any]) -> dict[str, Any]:
    """Both errors on the same labels and the same test."""
    wrong = {
        name: PretrainedClassifier(model, from_scratch=name == "scratch", **fields).fit(*known).predict(test.X) != test.y
        for name in ("pretrained", "scratch")
    }
    gain = mean(wrong["scratch"].astype(np.float64) - wrong["pretrained"])
    found = {name: share(hits) for name, hits in wrong.items()} | {"gain": gain}
    return {"labels": len(known.y), "seed": fields["random_state"]} | columns(found)
