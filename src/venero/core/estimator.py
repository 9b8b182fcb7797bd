"""Estimator: hyper-parameters in, a fitted network out. The two ways to learn are in `learners`."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import validate_data
from torch import Tensor, nn

from venero.core import abilities
from venero.core.abilities import Fitted
from venero.core.errors import DataError, FieldError, VeneroError, nearest, shown
from venero.core.inputs import SEQUENCES, array_or_frame, class_labels
from venero.core.params import LARGEST_SEED, check, param
from venero.data.arrays import kind_of
from venero.data.codecs import codec_for
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.maths.random import seeded
from venero.train.distributed import group
from venero.train.loop import Trainer
from venero.train.progress import Row
from venero.train.rules import Rule
from venero.train.run import Run
from venero.train.stage import Stage

N = TypeVar("N", bound=nn.Module)
_WAYS = {"table": ": pass X[:, :, None] for n series of one channel, [X] for one of several", "series": ""}


@dataclass(eq=False, kw_only=True, repr=False)
class Estimator(Fitted, BaseEstimator, Generic[N]):
    """Base of all models. A model writes `build`, and where it differs `stages`, `objectives` or `finish`."""

    forms: ClassVar[dict[str, str]] = {
        "image": "unit",
        "table": "columns",
    }  # kinds of X it takes -> form of its network's input
    takes_unseen: ClassVar[bool] = False  # a symbol that fit did not see has the place after the known ones, and is no error
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
            identity = {} if run.folder is None else self._identity(data, seed)  # reads all data: for checkpoints alone
            trainer = Trainer(self.net_, run, seed=seed, identity=identity)
            with nullcontext() if device.type == "cpu" else device:  # as a context a device costs microseconds a call
                self.history_: list[Row] = trainer.fit(self.stages(self.net_, data))
        self.fit_seconds_ = round(trainer.elapsed(), 3)
        self.finish(self.net_.eval(), data.head(2 * abilities.BATCH))
        self.net_.to("cpu")
        return self

    def set_params(self, **params: Any) -> Self:
        """Change fields, also those of models in fields: `first__latent_dim=2`."""
        known = self.get_params(deep=False)
        for key in params:
            name, _, inner = key.partition("__")
            if name not in known:
                raise VeneroError(f"Invalid parameter {name!r} for {type(self).__name__}: {nearest(name, known)}")
            if inner and not hasattr(params.get(name, known[name]), "set_params"):
                raise VeneroError(
                    f"{key}: {type(self).__name__}.{name} = {shown(known[name])} has no fields; set {name} to a model"
                )
        return super().set_params(**params)

    @property
    def n_parameters_(self) -> int:
        """Learned numbers in the network."""
        self._check_fitted()
        return sum(p.numel() for p in self.net_.parameters()) or sum(b.numel() for b in self.net_.buffers())

    def patient(self) -> Self:
        """An unfitted copy that learns until it gets no better, for a fit that a budget of time ends."""
        return clone(self)

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
        self.codec_ = codec_for(X, self._form(X), kind_of(X, self.forms))
        if hasattr(self.codec_, "takes_unseen"):
            self.codec_.takes_unseen = self.takes_unseen
        return self.codec_.fit(X)

    def _form(self, X: Any) -> str:
        kind = kind_of(X, self.forms)
        if kind not in self.forms:
            raise DataError(f"{type(self).__name__} takes {' and '.join(self.forms)} data, and this is {kind} data")
        return self.form(kind)

    def _check_input(self, X: Any, *, reset: bool) -> Any:
        """X as the codec takes it: checked, and a table's columns counted and named as scikit-learn wants it."""
        takes = self.forms if reset else self._taken()
        X = array_or_frame(X, takes)
        kind = kind_of(X, takes)
        if kind not in takes and not SEQUENCES.keys().isdisjoint(takes):
            raise DataError(
                f"{type(self).__name__} takes {' and '.join(takes)} data here, and this is {kind} data{_WAYS.get(kind, '')}"
            )
        if kind in SEQUENCES:
            return X
        image = kind == "image"
        for axis, what in enumerate(("sample",) if image else ("sample", "feature")):
            if X.shape[axis] == 0:
                needs = f"while a minimum of 1 is required by {type(self).__name__}"
                raise DataError(f"X is empty: 0 {what}(s) (shape={X.shape}) {needs}: pass at least one")
        try:
            if not image:
                validate_data(self, X, skip_check_array=True, reset=reset)
        except TypeError as e:
            raise DataError("X has columns named by texts and by numbers: pass X.rename(columns=str)") from e
        except ValueError as e:
            raise DataError(f"{' '.join(str(e).split()).rstrip('.')}: pass X with the columns that fit saw") from e
        return X

    def _fit_labels(self, y: Any, n: int) -> Tensor | None:
        self.classes_ = None
        if not self.takes_labels:
            return None
        if y is None:
            raise DataError(f"{type(self).__name__}(conditional=True) needs labels: fit(X, y)")
        self.classes_, numbers = np.unique(class_labels(y, n), return_inverse=True)
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

        fields = fields_to_json(self)
        fields.pop("random_state")
        return {
            "seed": seed,
            **fields,
            "rows": len(data),
            "shape": list(data.spec.shape),
            "checksum of the data": data.checksum(),
        }

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import TransformerTags

        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = "table" in self.forms and self.form("table") in ("columns", "gaps", "raw")
        tags.input_tags.two_d_array = "table" in self.forms
        tags.input_tags.three_d_array = "image" in self.forms
        if isinstance(self, abilities.Encodes):
            tags.transformer_tags = TransformerTags(preserves_dtype=[])
        tags.non_deterministic = self.random_state is None
        return tags
