"""One attribute of an example changed along a direction among the codes, and a check that the others stay.

Radford, Metz & Chintala 2015 (vector arithmetic); Larsen et al. 2016; White 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from venero.core.errors import DataError, VeneroError, nearest, shown
from venero.core.params import accepts
from venero.data.arrays import is_frame
from venero.metrics.intervals import Estimate, difference, share

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

PROBE = 100.0  # inverse regularisation: a strong one would share weight out to what merely goes along


def mean_difference(codes: Floats, has: Mask) -> Floats:
    """From the mean code of those without the attribute to that of those with it: (n, d), (n,) -> (d,).

    >>> mean_difference(np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([False, True])).tolist()
    [2.0, 0.0]
    """
    step: Floats = codes[has].mean(axis=0) - codes[~has].mean(axis=0)
    return step


def probe_normal(codes: Floats, has: Mask) -> Floats:
    """The normal of a linear probe's boundary, as long as the means of both sides lie apart along it: (n, d), (n,) -> (d,).

    It leaves out what merely goes along with the attribute in the data, as far as codes tell both apart.
    """
    from sklearn.linear_model import LogisticRegression

    scale = max(float(codes.std()), 1e-12)
    normal = LogisticRegression(C=PROBE, max_iter=1000).fit(codes / scale, has).coef_[0]
    normal = normal / np.linalg.norm(normal)
    step: Floats = normal * (mean_difference(codes, has) @ normal)
    return step


DIRECTIONS: dict[str, Callable[[Floats, Mask], Floats]] = {"mean": mean_difference, "probe": probe_normal}


def attribute_direction(model: Any, X: Any, has: Any, how: str = "mean") -> Floats:
    """The step among the model's codes that gives an example the attribute: (latent_dim,).

    has: (n,) booleans, which of the examples X have it. how: "mean", the difference of both groups' mean codes; or "probe", the
    normal of a logistic regression between them.
    """
    _check_codes(model)
    if how not in DIRECTIONS:
        raise VeneroError(f"how = {how!r}: {nearest(how, DIRECTIONS)}")
    mask = np.asarray(has)
    if mask.shape != (len(X),) or mask.dtype != bool:
        raise DataError(f"has of shape {mask.shape} and dtype {mask.dtype}: must be {len(X)} booleans, one for each example")
    if mask.all() or not mask.any():
        raise DataError(f"has is {bool(mask.all())} for every example: give some with and some without the attribute")
    return DIRECTIONS[how](np.asarray(model.encode(X), np.float64), mask)


def edit(model: Any, X: Any, direction: Any, strength: float = 1.0) -> Any:
    """X with the attribute added `strength` times: decode(encode(X) + strength direction), in the user's terms.

    1 goes as far as both groups' means lie apart, a negative strength takes the attribute away.
    """
    _check_codes(model)
    codes, step = np.asarray(model.encode(X)), np.asarray(direction, np.float64)
    if step.shape != codes.shape[1:]:
        raise DataError(f"direction has shape {step.shape}: must be {codes.shape[1:]}, as attribute_direction gives it")
    if not (accepts(strength, float) and np.isfinite(strength)):
        raise VeneroError(f"strength = {shown(strength)}: must be a finite number")
    return model.decode((codes + strength * step).astype(np.float32))


@dataclass(frozen=True)
class EditCheck:
    """What an edit did to held-out examples without the attribute, said by classifiers trained on real examples.

    moved: the share that the judge says has the attribute, more after the edit than after a mere reconstruction.
    kept: for each other attribute, the share of which the judge says the same after the edit as after a reconstruction.
    accuracy: how often the judge of each attribute is right about held-out real examples.
    """

    moved: Estimate
    kept: Mapping[str, Estimate]
    accuracy: Mapping[str, Estimate]

    def __str__(self) -> str:
        stay = "; ".join(f"{name} kept {kept}" for name, kept in self.kept.items())
        return f"moved {self.moved}" + (f"; {stay}" if stay else "")


def check_edit(
    model: Any,
    direction: Any,
    train: tuple[Any, Mapping[str, Any]],
    test: tuple[Any, Mapping[str, Any]],
    attribute: str,
    *,
    strength: float = 1.0,
    classifier: ClassifierMixin | None = None,
) -> EditCheck:
    """Whether an edit moves its attribute and leaves the others.

    train, test: examples X and their attributes by name, (n,) each: the one that is edited of booleans, others of any labels. A
    judge of each attribute learns from the real examples of train; then those of test that lack the attribute are edited. What
    it says of the edit is compared with what it says of the mere reconstruction. classifier: the judge's kind, of scikit-learn;
    None is logistic regression on standardised values.
    """
    (X, known), (X_test, held_out) = train, test
    if attribute not in known:
        raise VeneroError(f"attribute = {attribute!r}: {nearest(attribute, known)}")
    rows = _rows(model, X)
    judges = {name: _judge(classifier, rows, y) for name, y in known.items()}
    accuracy = {
        name: share(np.asarray(j.predict(_rows(model, X_test)) == np.asarray(held_out[name]))) for name, j in judges.items()
    }
    without = _take(X_test, ~np.asarray(held_out[attribute], dtype=bool))
    plain, edited = _rows(model, model.decode(model.encode(without))), _rows(model, edit(model, without, direction, strength))
    has = [share(np.asarray(judges[attribute].predict(x), dtype=bool)) for x in (plain, edited)]
    others = [name for name in judges if name != attribute]
    kept = {name: share(np.asarray(judges[name].predict(plain) == judges[name].predict(edited))) for name in others}
    return EditCheck(difference(*has), kept, accuracy)


def _judge(classifier: ClassifierMixin | None, X: Floats, y: Any) -> Any:
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if classifier is not None and not all(hasattr(classifier, verb) for verb in ("fit", "predict", "get_params")):
        raise VeneroError(f"classifier = {shown(classifier)}: must be a scikit-learn classifier")
    judge = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)) if classifier is None else clone(classifier)
    return judge.fit(X, np.asarray(y))


def _rows(model: Any, X: Any) -> Floats:
    """Examples as rows of numbers (n, D), as the model's network sees them."""
    from venero.metrics.representation import flat

    codec = getattr(model, "codec_", None)
    return flat(X) if codec is None else codec.encode(X).flatten(1).numpy()


def _take(X: Any, rows: Mask) -> Any:
    return X.iloc[rows] if is_frame(X) else X[rows]


def _check_codes(model: Any) -> None:
    if not (hasattr(model, "encode") and hasattr(model, "decode")):
        raise VeneroError(f"{type(model).__name__} has no codes to move in: it can't encode and decode")
