"""How unusual an example is, by any model that scores, reconstructs or encodes, and where normal ends.

Reconstruction probability: An & Cho 2015. Shrunk covariance of codes: Ledoit & Wolf 2004. Threshold: split conformal
prediction (Vovk, Gammerman & Shafer 2005; Bates et al. 2023 for outliers).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils import get_tags

from venero.core.abilities import UnfittedError
from venero.core.errors import DataError, VeneroError, shown
from venero.core.inputs import array_or_frame
from venero.core.params import LARGEST_SEED, check, param
from venero.data.datasets import Dataset
from venero.tasks.threshold import conformal_threshold, place, rate_interval
from venero.train.run import Run

Floats = NDArray[np.floating[Any]]
Rows = NDArray[np.intp]
Score = Callable[[Any], Floats]  # examples (n, ...) -> (n,), higher is more unusual


class Kind(NamedTuple):
    """The ability that a kind of score needs, the score that a model has by it, and whether that compares with examples."""

    needs: str
    learn: Callable[[Any, Any], Score]  # of a model and the examples to compare with
    compares: bool = False


def _own(method: str, sign: int, model: Any, X: Any) -> Score:
    return partial(_signed, method, sign, model)


def _signed(method: str, sign: int, model: Any, X: Any) -> Floats:
    return sign * np.asarray(getattr(model, method)(X), np.float64)


def _from_codes(model: Any, X: Any) -> Score:
    """Squared Mahalanobis distance of a code from those of X, whose covariance is shrunk (Ledoit & Wolf 2004)."""
    from sklearn.covariance import LedoitWolf

    return partial(_distance, model, LedoitWolf().fit(np.asarray(model.encode(X), np.float64)))


def _distance(model: Any, codes: Any, X: Any) -> Floats:
    return np.asarray(codes.mahalanobis(np.asarray(model.encode(X), np.float64)))


def _from_ranks(model: Any, X: Any) -> Score:
    """The mean over all other kinds of the normal score of an example's rank among those of X: no kind's unit counts."""
    scores = [KINDS[name].learn(model, X) for name in kinds_of(model) if name != RANKS]
    return partial(_mean_rank, scores, [np.sort(score(X)) for score in scores])


def _mean_rank(scores: list[Score], known: list[Floats], X: Any) -> Floats:
    return np.mean([_normal_scores(score(X), at) for score, at in zip(scores, known, strict=True)], axis=0)


def _normal_scores(scores: Floats, known: Floats) -> Floats:
    """Standard normal quantiles of the places of scores (m,) among sorted known ones (n,).

    Beyond the last known one they go on, by the distance in units of the upper half's spread, so that far and very far differ.
    """
    n = len(known)
    ranks = (np.searchsorted(known, scores, "left") + np.searchsorted(known, scores, "right")) / 2
    spread = max(float(known[-1] - known[n // 2]), float(np.finfo(np.float32).tiny))
    beyond = np.log1p(np.maximum(scores - known[-1], 0) / spread)
    return np.asarray(ndtri((ranks + 0.5) / (n + 1)) + beyond)


RANKS = "ranks"
KINDS: dict[str, Kind] = {
    "likelihood": Kind("score_samples", partial(_own, "score_samples", -1)),
    "reconstruction": Kind("reconstruction_error", partial(_own, "reconstruction_error", 1)),
    "reconstruction probability": Kind("reconstruction_log_prob", partial(_own, "reconstruction_log_prob", -1)),
    "codes": Kind("encode", _from_codes, compares=True),
    RANKS: Kind("fit", _from_ranks, compares=True),
}


def kinds_of(model: Any) -> list[str]:
    """The kinds of score that a model has, the first of which "auto" takes.

    >>> from venero import VAE
    >>> kinds_of(VAE())
    ['likelihood', 'reconstruction', 'reconstruction probability', 'codes', 'ranks']
    """
    own = [name for name, kind in KINDS.items() if name != RANKS and hasattr(model, kind.needs)]
    return [*own, RANKS] if own else []


def checked_kind(model: Any, kind: str) -> str:
    """A kind of score that the model has."""
    able = kinds_of(model)
    if not able:
        raise VeneroError(f"{type(model).__name__} neither scores nor reconstructs: it can't tell what is unusual")
    if kind == "auto":
        return able[0]
    if kind not in KINDS:
        raise VeneroError(f"kind = {shown(kind)}: must be one of 'auto', {', '.join(map(repr, KINDS))}")
    if kind not in able:
        raise VeneroError(f"kind = {kind!r}: {type(model).__name__} has no {KINDS[kind].needs}; it has {', '.join(able)}")
    return kind


def anomaly_score(model: Any, X: Any, kind: str = "auto", reference: Any = None) -> Floats:
    """Anomaly score of each example, higher is more unusual: (n, ...) -> (n,).

    kind: "likelihood" (minus log p(x), nats), "reconstruction" (squared error), "reconstruction probability" (minus the mean
    of log p(x|z) over draws of z, nats), "codes" (squared Mahalanobis distance of the code), "ranks" (all of them combined), or
    "auto": the first that the model has. reference: examples such as the model learned from, which "codes" and "ranks" compare
    with; None takes X itself, and then a score depends on the other examples.
    """
    return KINDS[checked_kind(model, kind)].learn(model, X if reference is None else reference)(X)


@dataclass(eq=False, repr=False)
class AnomalyDetector(OutlierMixin, BaseEstimator):
    """Tells the unusual from the normal by any model of the data, with a threshold whose meaning is stated.

    `false_positive_rate`: the share of normal examples that may be flagged; fit holds out a share `calibration` of X, which the
    model does not learn from, and takes the conformal quantile of their scores, so that on new examples like them the expected
    rate is at most that, whatever the model. `contamination`: the share of X itself that is flagged. With neither there is
    no threshold, only scores. A model that is fitted already is taken as it is: X, which it should not have seen, calibrates.

    Sets model_, kind_, threshold_ (an anomaly score beyond it is flagged), offset_ (its negative, scikit-learn's form),
    n_calibration_ and false_positive_rate_interval_ (in which, with 95 % probability, the rate on ever more new examples lies).

    >>> import numpy as np, venero
    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> detector = AnomalyDetector(venero.Gaussian(), false_positive_rate=0.1, random_state=0).fit(X)
    >>> detector.predict([[0.0, 0.0], [9.0, 9.0]])
    array([ 1, -1])
    """

    model: Any = param(None, "model that scores, reconstructs or encodes; fitted or not")
    kind: str = param("auto", "what is unusual; auto: the first that the model has", choices=("auto", *KINDS))
    _: KW_ONLY
    false_positive_rate: float | None = param(None, "share of normal examples that may be flagged", above=0, high=0.99)
    contamination: float | None = param(None, "share of X that is flagged, instead", above=0, high=0.5)
    calibration: float = param(0.3, "share of X held out to find the threshold", above=0, high=0.9)
    random_state: int | None = param(None, "decides which are held out", low=0, high=LARGEST_SEED)

    def fit(self, X: Any, y: Any = None, *, run: Run | None = None) -> Self:
        """Learn what is normal from X, as the model takes it: (n, ...); y: labels, of a conditional model. Returns self."""
        self._check()
        X, y = array_or_frame(X), y if self.model.takes_labels else None
        self.kind_ = checked_kind(self.model, self.kind)
        learned, held_out = self._parts(len(X))
        known = _rows(X, learned)
        self.model_ = (
            self.model
            if self._is_given()
            else clone(self.model).fit(known, None if y is None else np.asarray(y)[learned], run=run)
        )
        self._score: Score = KINDS[self.kind_].learn(self.model_, known)
        self._calibrate(self._score(known if held_out is None else _rows(X, held_out)))
        return self

    def score_samples(self, X: Any) -> Floats:
        """Normality of each example, minus its anomaly score: (n, ...) -> (n,)."""
        self._check_fitted()
        return -self._score(X)

    def decision_function(self, X: Any) -> Floats:
        """`score_samples` less `offset_`: negative where an example is flagged: (n, ...) -> (n,)."""
        self._check_fitted()
        if self.offset_ is None:
            raise VeneroError(
                "AnomalyDetector has no threshold: set false_positive_rate (of normal data) or contamination (of X), and fit"
            )
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """-1 for each example beyond the threshold, 1 for the others: (n, ...) -> (n,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def rate_interval(self, n: int, probability: float = 0.95) -> tuple[float, float]:
        """In which the flagged share of n new normal examples lies with at least this probability, over all that is random."""
        self._check_fitted()
        if self.false_positive_rate is None:
            raise VeneroError("AnomalyDetector.false_positive_rate = None: no rate was stated; set it, and fit")
        return rate_interval(self.n_calibration_, self.false_positive_rate, n, probability)

    @property
    def n_features_in_(self) -> int:
        """Columns that fit saw, of a table."""
        self._check_fitted()
        return int(self.model_.n_features_in_)

    def _check(self) -> None:
        check(self)
        if not (hasattr(self.model, "fit") and kinds_of(self.model)):
            raise VeneroError(
                f"AnomalyDetector.model = {shown(self.model)}: must be a model that scores, reconstructs or encodes"
            )
        if self.false_positive_rate is not None and self.contamination is not None:
            both = f"{self.false_positive_rate} and contamination = {self.contamination}"
            raise VeneroError(f"AnomalyDetector.false_positive_rate = {both}: there is one threshold; leave one of them out")

    def _is_given(self) -> bool:
        """Whether the model is fitted already."""
        return hasattr(self.model, "net_")

    def _parts(self, n: int) -> tuple[Rows, Rows | None]:
        """Rows of n to learn from, and rows to find the threshold on, or None where they may be the same."""
        learns = not self._is_given() or KINDS[self.kind_].compares
        if self.false_positive_rate is None or not learns:
            return np.arange(n), None
        order = np.random.default_rng(self.random_state).permutation(n)
        held_out = round(self.calibration * n)
        if held_out in (0, n):
            raise DataError(f"X has 1 sample or few (n_samples = {n}): too few to hold some out for the threshold")
        place(held_out, self.false_positive_rate)  # before anything is learned
        return np.sort(order[held_out:]), np.sort(order[:held_out])

    def _calibrate(self, scores: Floats) -> None:
        """Find the threshold among the anomaly scores of examples that are set aside for it (n,)."""
        self.n_calibration_ = len(scores)
        self.false_positive_rate_interval_: tuple[float, float] | None = None
        threshold = None
        if self.false_positive_rate is not None:
            threshold = conformal_threshold(scores, self.false_positive_rate)
            self.false_positive_rate_interval_ = rate_interval(len(scores), self.false_positive_rate)
        elif self.contamination is not None:
            threshold = float(np.quantile(scores, 1 - self.contamination))
        self.threshold_ = threshold
        self.offset_ = None if threshold is None else -threshold

    def _check_fitted(self) -> None:
        if not hasattr(self, "model_"):
            raise UnfittedError("This AnomalyDetector instance is not fitted yet: call fit(X) first")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.model).input_tags if hasattr(self.model, "__sklearn_tags__") else tags.input_tags
        return tags


def _rows(X: Any, rows: Rows) -> Any:
    """Some rows of an array or a DataFrame; all of them as they are."""
    return X if len(rows) == len(X) else Dataset(X).take(rows).X
