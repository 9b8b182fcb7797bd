"""Classification by generative models: one density for each class, and Bayes' rule.

Rabiner 1989 (isolated words, a model for each), Reynolds 1995 (speakers). Temperature: Guo, Pleiss, Sun & Weinberger 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from venero.core.abilities import UnfittedError
from venero.core.errors import DataError, VeneroError, shown
from venero.core.inputs import array_or_frame
from venero.core.params import LARGEST_SEED, check, param
from venero.data.arrays import is_frame
from venero.data.datasets import Dataset
from venero.data.tables import GAPS
from venero.train.run import Run

Floats = NDArray[np.floating[Any]]

PRIORS: dict[str, Callable[[NDArray[np.intp]], Floats]] = {
    "data": lambda counts: counts / counts.sum(),
    "uniform": lambda counts: np.full(len(counts), 1 / len(counts)),
}
COLDEST, HOTTEST = 1e-3, 1e6  # temperatures that are tried


@dataclass(eq=False, repr=False)
class GenerativeClassifier(ClassifierMixin, BaseEstimator):
    """Takes the class under whose density an example is likeliest, times the class's prior: p(c | x) ~ p(x | c) p(c).

    One clone of the model learns each class; a conditional model learns all of them at once. Densities of many columns are
    surer than they should be: `calibration` holds out a share of the rows to find the temperature T, by which log-likelihoods
    are divided, at which those rows' labels are likeliest. Takes any model that scores, its bounds and estimates too.

    Sets classes_, class_log_prior_ (n_classes,), models_ (one, or one for each class), temperature_ and n_features_in_.

    >>> import numpy as np, venero
    >>> X = np.random.default_rng(0).normal(size=(200, 2)) + np.repeat([[0], [4]], 100, axis=0)
    >>> GenerativeClassifier(venero.Gaussian()).fit(X, ["a"] * 100 + ["b"] * 100).predict([[0, 0], [4, 4]])
    array(['a', 'b'], dtype='<U1')
    """

    model: Any = param(None, "model that scores; conditional, or else one clone for each class")
    _: KW_ONLY
    priors: Any = param("data", "of the classes: 'data', 'uniform', or one number for each, in the order of classes_")
    calibration: float = param(0.0, "share of the rows held out to find the temperature; 0 for none", low=0, high=0.9)
    random_state: int | None = param(None, "decides which are held out", low=0, high=LARGEST_SEED)

    def fit(self, X: Any, y: Any, *, run: Run | None = None) -> Self:
        """Learn each class of X as the model takes it: (n, ...), (n,) labels. Returns self."""
        self._check()
        X = array_or_frame(X)
        places = self._labels(len(X), y)
        learned, held_out = self._parts(places)
        self.class_log_prior_ = _log(self._prior(np.bincount(places[learned])))
        self.models_ = self._learn(_whole_columns(X), places, learned, run)
        self.temperature_ = 1.0
        if len(held_out):
            log_likelihood = self._log_likelihood(Dataset(X).take(held_out).X)
            self.temperature_ = _temperature(log_likelihood, self.class_log_prior_, places[held_out])
        return self

    def predict_joint_log_proba(self, X: Any) -> Floats:
        """log p(x | c) / T + log p(c): (n, ...) -> (n, n_classes)."""
        return self._log_likelihood(X) / self.temperature_ + self.class_log_prior_

    def predict_log_proba(self, X: Any) -> Floats:
        """log p(c | x): (n, ...) -> (n, n_classes)."""
        joint = self.predict_joint_log_proba(X)
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_proba(self, X: Any) -> Floats:
        """p(c | x): (n, ...) -> (n, n_classes), rows sum to 1."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each example: (n, ...) -> (n,)."""
        joint = self.predict_joint_log_proba(X)
        return np.asarray(self.classes_[joint.argmax(1)])

    @property
    def n_features_in_(self) -> int:
        """Columns that fit saw, of a table."""
        self._check_fitted()
        return int(self.models_[0].n_features_in_)

    def _check(self) -> None:
        check(self)
        if not (hasattr(self.model, "fit") and hasattr(self.model, "score_samples")):
            raise VeneroError(
                f"GenerativeClassifier.model = {shown(self.model)}: must be a model that scores, as Gaussian and VAE"
            )
        if isinstance(self.priors, str) and self.priors not in PRIORS:
            raise VeneroError(f"GenerativeClassifier.priors = {self.priors!r}: must be 'data', 'uniform' or numbers")

    def _labels(self, n: int, y: Any) -> NDArray[np.intp]:
        """Places of the labels among classes_: (n,)."""
        if y is None:
            raise DataError("GenerativeClassifier requires y to be passed, but the target y is None: fit(X, y)")
        y = column_or_1d(np.asarray(y), warn=True)
        if y.shape != (n,):
            raise DataError(f"y of shape {y.shape}: must be ({n},), one label for each row of X")
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            raise DataError("y contains NaN or infinity (inf): labels are integers or texts; fill in missing ones")
        check_classification_targets(y)
        self.classes_, places = np.unique(y, return_inverse=True)
        return np.asarray(places, np.intp)

    def _parts(self, places: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows to learn from, and of each class the share that is held out."""
        order = np.random.default_rng(self.random_state).permutation(len(places))
        by_class = [order[places[order] == c] for c in range(len(self.classes_))]
        cuts = [round(self.calibration * len(rows)) for rows in by_class]
        learned = np.concatenate([rows[cut:] for rows, cut in zip(by_class, cuts, strict=True)])
        return np.sort(learned), np.sort(np.concatenate([rows[:cut] for rows, cut in zip(by_class, cuts, strict=True)]))

    def _prior(self, counts: NDArray[np.intp]) -> Floats:
        if isinstance(self.priors, str):
            return PRIORS[self.priors](counts)
        given = np.asarray(self.priors, np.float64)
        if given.shape != counts.shape or not (given >= 0).all() or not np.isclose(given.sum(), 1):
            raise VeneroError(
                f"GenerativeClassifier.priors = {shown(self.priors)}: must be {len(counts)} numbers >= 0 that sum to 1"
            )
        return given

    def _learn(self, X: Any, places: NDArray[np.intp], learned: NDArray[np.intp], run: Run | None) -> list[Any]:
        data = Dataset(X)
        if self.model.takes_labels:
            return [clone(self.model).fit(data.take(learned).X, places[learned], run=run)]
        each = [data.take(learned[places[learned] == c]).X for c in range(len(self.classes_))]
        models = [_fit_class(clone(self.model), x, label, run) for x, label in zip(each, self.classes_, strict=True)]
        if len(kinds := {model.score_of_ for model in models}) > 1:
            raise DataError(f"the classes' scores are of different things ({', '.join(sorted(kinds))}): give X as floats")
        return models

    def _log_likelihood(self, X: Any) -> Floats:
        """log p(x | c), or the model's bound or estimate of it, of every class: (n, ...) -> (n, n_classes)."""
        self._check_fitted()
        if self.model.takes_labels:
            columns = [self.models_[0].score_samples(X, np.full(len(X), c)) for c in range(len(self.classes_))]
        else:
            columns = [model.score_samples(X) for model in self.models_]
        return np.stack(columns, axis=1).astype(np.float64)

    def _check_fitted(self) -> None:
        if not hasattr(self, "models_"):
            raise UnfittedError("This GenerativeClassifier instance is not fitted yet: call fit(X, y) first")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "models_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.model).input_tags if hasattr(self.model, "__sklearn_tags__") else tags.input_tags
        return tags


def _fit_class(model: Any, X: Any, label: Any, run: Run | None) -> Any:
    try:
        return model.fit(X, run=run)
    except VeneroError as e:
        raise type(e)(f"class {label!s} ({len(X)} rows): {e}") from e


def _whole_columns(X: Any) -> Any:
    """A frame whose pieces all know its categories and which columns have gaps, so that models of single classes do."""
    if not is_frame(X):
        return X
    texts = X.select_dtypes(exclude=["number", "datetime", "datetimetz", "timedelta", "category", "bool"]).columns
    X = X.astype(dict.fromkeys(texts, "category"))
    gaps = [str(label) for label in X.columns[X.isna().any()]]
    X.attrs[GAPS] = sorted({*X.attrs.get(GAPS, ()), *gaps})
    return X


def _log(p: Floats) -> Floats:
    with np.errstate(divide="ignore"):  # a class of prior 0 is never taken
        return np.asarray(np.log(p))


def _temperature(log_likelihood: Floats, log_prior: Floats, places: NDArray[np.intp]) -> float:
    """The T at which labels are likeliest: (n, n_classes), (n_classes,), (n,).

    Each class counts as seen once more among all (Platt 2000), or rows without an error would ask for a T of 0.
    """
    there = np.isfinite(log_prior)
    known = there[places]
    right = np.eye(len(there))[places[known]][:, there]
    targets = (right * known.sum() + 1) / (known.sum() + there.sum())
    logs, prior = log_likelihood[known][:, there], log_prior[there]

    def cost(log_t: float) -> float:
        joint = logs / np.exp(log_t) + prior
        return float((targets * (logsumexp(joint, axis=1, keepdims=True) - joint)).sum(1).mean())

    found = minimize_scalar(cost, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))
