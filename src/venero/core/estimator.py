"""Estimator: hyper-parameters in, a fitted network out. The two ways to learn are its two subclasses."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from math import ceil
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data
from torch import Tensor, nn

from venero.core import abilities
from venero.core.abilities import Fitted
from venero.core.errors import DataError, VeneroError, nearest, shown
from venero.core.params import LARGEST_SEED, check, param
from venero.data.arrays import as_array, is_frame, kind_of
from venero.data.codecs import codec_for
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.maths.random import seeded
from venero.train.distributed import group
from venero.train.loop import Stage, Trainer
from venero.train.progress import Row
from venero.train.rules import OPTIMIZERS, Descent, ExpectationMaximisation, GradientDescent, Objective, Rule
from venero.train.run import Run
from venero.train.schedules import SCHEDULES, with_warmup

N = TypeVar("N", bound=nn.Module)


@dataclass(eq=False, kw_only=True, repr=False)
class Estimator(Fitted, BaseEstimator, Generic[N]):
    """Base of all models. A model writes `build`, and where it differs `stages`, `objectives` or `finish`."""

    forms: ClassVar[dict[str, str]] = {
        "image": "unit",
        "table": "columns",
    }  # kinds of X it takes -> form of its network's input
    paper: ClassVar[str] = ""
    how: ClassVar[str] = ""

    random_state: int | None = param(None, "makes fit repeatable; None draws a fresh seed", low=0, high=LARGEST_SEED)

    def __new__(cls, *args: Any, **given: Any) -> Self:
        for name in given.keys() - {f.name for f in fields(cls)}:
            raise FieldError(
                f"{cls.__name__} got an unexpected keyword argument {name!r}: {nearest(name, [f.name for f in fields(cls)])}"
            )
        return super().__new__(cls)

    # -- written by a model ------------------------------------------------------------
    def build(self, spec: Spec) -> N:
        """The network for examples of this spec, at its random start."""
        raise NotImplementedError

    def rule(self, net: N) -> Rule:
        """How the network learns from a batch."""
        raise NotImplementedError

    def stages(self, net: N, data: Data) -> Iterator[Stage]:
        """What is learned on what, in order."""
        yield self.stage(data, self.rule(net))

    def stage(self, data: Data, rule: Rule, name: str = "fit") -> Stage:
        """A stage with this estimator's epochs, batches and validation."""
        raise NotImplementedError

    def form(self, kind: str) -> str:
        """The form in which the network wants this kind of data."""
        return self.forms[kind]

    def finish(self, net: N, batch: Batch) -> None:
        """What is to be said or measured when training is over, on some of its examples."""

    @property
    def takes_labels(self) -> bool:
        """Whether fit learns p(x given y)."""
        return bool(getattr(self, "conditional", False))

    # -- written once ------------------------------------------------------------------
    def fit(self, X: Any, y: Any = None, *, run: Run | None = None) -> Self:
        """Learn from X in the user's own terms; y are labels, used where the model is conditional. Returns self."""
        check(self)
        run = Run() if run is None else run
        if not isinstance(run, Run):
            raise VeneroError(f"run = {shown(run)}: must be a venero.Run, such as Run(folder='runs/a', minutes=5)")
        X = self._check_input(X, reset=True)
        labels = self._fit_labels(y, len(X))
        spec = self._fit_codec(X)
        self.spec_ = Spec(**{**vars(spec), "n_classes": 0 if labels is None else len(self.classes_)})  # type: ignore[arg-type]
        device = run.torch_device()
        data = Data.of(X, self.codec_, self.spec_, labels, device)
        seed = group().first_says(self._seed(run))
        with seeded(seed):
            self.net_ = self.build(self.spec_).to(device)
            trainer = Trainer(self.net_, run, seed=seed, identity=self._identity(data, seed))
            with torch.device(device):
                self.history_: list[Row] = trainer.fit(self.stages(self.net_, data))
        self.fit_seconds_ = round(trainer.elapsed(), 3)
        self.finish(self.net_.eval(), data.head(2 * abilities.BATCH))
        self.net_.to("cpu")
        return self

    def set_params(self, **params: Any) -> Self:
        """Change fields, also those of models in fields: `first__latent_dim=2`."""
        try:
            return super().set_params(**params)
        except ValueError as e:
            raise VeneroError(" ".join(str(e).split())) from e

    @property
    def n_parameters_(self) -> int:
        """Learned numbers in the network."""
        self._check_fitted()
        return sum(p.numel() for p in self.net_.parameters()) or sum(b.numel() for b in self.net_.buffers())

    def save(self, folder: Any) -> None:
        """Write model.json and the tensors into a folder; see `venero.load`."""
        from venero.core.storage import save

        save(self, folder)

    @classmethod
    def card(cls) -> dict[str, Any]:
        """What the model is: name, paper, how it learns, abilities, kinds of data."""
        from venero.core.catalog import name_of

        has = [
            a.__name__ for a in vars(abilities).values() if isinstance(a, type) and issubclass(a, Fitted) and issubclass(cls, a)
        ]
        summary = inspect.getdoc(cls) or ""
        return {
            "name": name_of(cls),
            "title": cls.__name__,
            "paper": cls.paper,
            "how": cls.how,
            "abilities": [a for a in has if a != "Fitted"],
            "kinds": [kind for kind in cls.forms if kind != "vector"],  # vectors are codes: no user has them
            "summary": summary.partition("\n")[0],
        }

    def _fit_codec(self, X: Any) -> Spec:
        self.codec_ = codec_for(X, self._form(X))
        return self.codec_.fit(X)

    def _form(self, X: Any) -> str:
        kind = kind_of(X)
        if kind not in self.forms:
            raise DataError(f"{type(self).__name__} takes {' and '.join(self.forms)} data, and this is {kind} data")
        return self.form(kind)

    def _check_input(self, X: Any, *, reset: bool) -> Any:
        """X as the codec takes it: checked, and a table's columns counted and named as scikit-learn wants it."""
        X = _array_or_frame(X)
        image = kind_of(X) == "image"
        for axis, what in enumerate(("sample",) if image else ("sample", "feature")):
            if X.shape[axis] == 0:
                needs = f"while a minimum of 1 is required by {type(self).__name__}"
                raise DataError(f"X is empty: 0 {what}(s) (shape={X.shape}) {needs}: pass at least one")
        try:
            if not image:
                validate_data(self, X, skip_check_array=True, reset=reset)
        except (ValueError, TypeError) as e:  # TypeError: names of mixed types
            raise DataError(f"{' '.join(str(e).split()).rstrip('.')}: pass X with the columns that fit saw") from e
        return X

    def _fit_labels(self, y: Any, n: int) -> Tensor | None:
        self.classes_ = None
        if not self.takes_labels:
            return None
        if y is None:
            raise DataError(f"{type(self).__name__}(conditional=True) needs labels: fit(X, y)")
        y = np.asarray(y)
        if y.shape != (n,):
            raise DataError(f"y of shape {y.shape}: must be ({n},), one label for each row of X")
        missing = y.dtype.kind == "f" and not np.isfinite(y).all()
        if missing or y.dtype.kind not in "biufOU" or not all(isinstance(label, (str, int, float)) for label in y.tolist()):
            raise DataError(f"y = {shown(y)}: labels are integers or texts; fill in missing ones, or pass y.astype(str)")
        if y.dtype.kind == "f" and not np.all(y == np.round(y)):
            raise DataError("y holds fractions: a conditional model takes class labels; leave y out, or bin it")
        self.classes_, numbers = np.unique(y, return_inverse=True)
        return torch.from_numpy(numbers.astype(np.int64))

    def _seed(self, run: Run) -> int:
        """The random state; where it is None, the one that the run to be resumed drew, or a fresh one."""
        if self.random_state is not None:
            return int(self.random_state)
        if run.resume and run.folder is not None:
            from pathlib import Path

            from venero.train import checkpoint

            saved = checkpoint.read(Path(run.folder))
            if saved:
                return int(saved["identity"]["seed"])
        return secrets.randbits(31)

    def _identity(self, data: Data, seed: int) -> dict[str, Any]:
        """What must be the same for a checkpoint to be gone on from."""
        from venero.core.storage import fields_to_json

        ends = torch.cat([data.head(8).x.flatten(), data.batch(data.rows.new_tensor([len(data) - 1])).x.flatten()])
        fields = fields_to_json(self)
        fields.pop("random_state")
        return {
            "seed": seed,
            **fields,
            "rows": len(data),
            "shape": list(data.spec.shape),
            "data": round(float(ends.double().sum()), 6),
        }

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import TransformerTags

        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = "table" in self.forms and self.form("table") == "columns"
        tags.input_tags.three_d_array = "image" in self.forms
        if isinstance(self, abilities.Encodes):
            tags.transformer_tags = TransformerTags(preserves_dtype=[])
        tags.non_deterministic = self.random_state is None
        return tags


@dataclass(eq=False, kw_only=True, repr=False)
class GradientModel(Estimator[N]):
    """Learns by gradient descent on the objectives of its network."""

    how: ClassVar[str] = "gradient descent"

    epochs: int = param(30, "passes over the data", low=0)
    batch_size: int = param(128, "examples per update", low=1)
    learning_rate: float = param(1e-3, "size of a step", above=0)
    optimizer: str = param("adam", "rule of a step", choices=tuple(OPTIMIZERS))
    weight_decay: float = param(0.0, "pull of the weights towards zero", low=0)
    schedule: str = param("constant", "how the step size changes over the epochs", choices=tuple(SCHEDULES))
    warmup: float = param(0.0, "share of training over which the step size rises from 0", low=0, high=1)
    clip: float | None = param(None, "longest gradient, in norm; None leaves gradients as they are", above=0)
    ema: float = param(0.0, "decay of the average of weights that is kept in the end; 0 keeps the last weights", low=0, high=1)
    validation: float = param(0.1, "share of the rows held out to watch the loss on", low=0, high=0.9)
    patience: int | None = param(None, "stop after so many epochs without a better held-out loss; None never", low=1)

    def objectives(self, net: N) -> Iterable[Objective]:
        """What is minimised; most networks have one loss."""
        yield Objective("net", net, net.loss)  # type: ignore[arg-type]

    def rule(self, net: N) -> Rule:
        schedule = with_warmup(SCHEDULES[self.schedule], self.warmup)
        how = Descent(self.optimizer, self.learning_rate, self.weight_decay, schedule, self.clip, self.ema)
        return GradientDescent(net, self.objectives(net), how)

    def stage(self, data: Data, rule: Rule, name: str = "fit") -> Stage:
        train, held_out = hold_out(data, self.validation)
        if self.patience is not None and held_out is None:
            raise VeneroError(
                f"{type(self).__name__}.patience = {self.patience!r} needs held-out rows: set validation > 0, or give more rows"
            )
        return Stage(name, train, rule, self.epochs, self.batch_size, held_out, self.patience)

    def updates(self, data: Data) -> int:
        """Updates in an epoch."""
        return ceil((len(data) - round(self.validation * len(data))) / self.batch_size)


@dataclass(eq=False, kw_only=True, repr=False)
class EMModel(Estimator[N]):
    """Learns by expectation-maximisation: its network has e_step and m_step."""

    how: ClassVar[str] = "expectation-maximisation"

    max_iter: int = param(100, "most iterations", low=1)
    tol: float = param(1e-4, "stop when the mean log-likelihood gains less, in nats", low=0)

    def rule(self, net: N) -> Rule:
        return ExpectationMaximisation(net, tol=self.tol)  # type: ignore[arg-type]

    def stage(self, data: Data, rule: Rule, name: str = "fit") -> Stage:
        return Stage(name, data, rule, self.max_iter, batch_size=4096)


class FieldError(VeneroError, TypeError):
    """A model was given a field that it does not have; Python has a TypeError for that."""


class CellError(DataError, TypeError):
    """A cell is neither a number nor text; scikit-learn expects a TypeError of it."""


def _array_or_frame(X: Any) -> Any:
    """X as an array of at least two axes, or a DataFrame; a memory-mapped X stays as it is."""
    if isinstance(X, (str, bytes)):
        raise DataError(f"X = {X!r} is a string: read it with venero.dataset({X!r}) first")
    if is_frame(X):
        from venero.data.columns import check_labels  # imports pandas, which whoever has a DataFrame has done

        check_labels(X.columns)
        return X
    array = X if isinstance(X, np.memmap) else as_array(X)
    if array.ndim == 0 or array.shape == (0,):
        what = "empty" if array.ndim else f"of type {type(X).__name__}"
        raise DataError(f"X is {what}: pass a table (n, D), or images (n, H, W) or (n, H, W, C)")
    if array.ndim == 1 and array.dtype.kind in "buif":
        way = "X.reshape(-1, 1) for one column or X.reshape(1, -1) for one row"
        raise DataError(f"X has shape {array.shape}. Reshape your data: {way}")
    return _numbers(array) if array.ndim == 2 and array.dtype.kind in "OUS" else array


def _numbers(X: np.ndarray) -> np.ndarray:
    """An array of objects or strings as numbers where all cells are numbers."""
    try:
        return X.astype(np.float64)
    except ValueError:
        return X
    except TypeError as e:
        raise CellError(f"X holds a cell that is no value ({e}): correct it, or leave its column out") from e


def hold_out(data: Data, share: float) -> tuple[Data, Data | None]:
    """Rows to learn from and rows to watch, split at random by the running stream."""
    n = round(share * len(data))
    if n == 0 or n == len(data):
        return data, None
    order = torch.randperm(len(data), device="cpu").to(data.rows.device)
    return data.subset(order[n:].sort().values), data.subset(order[:n])
