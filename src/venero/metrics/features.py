"""Feature spaces: what distances between examples are measured in. Each says what it is, and so do the figures made in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError, VeneroError, nearest, shown
from venero.data.codecs import Columns

if TYPE_CHECKING:
    from venero.data.datasets import Dataset

WILD = 3.0  # standard deviations beyond which a column's values are drawn in

Floats = NDArray[np.float32]
Features = str | Callable[[Any], Any]


@dataclass(frozen=True)
class FeatureSpace:
    """A map from examples in the user's terms to (n, d) float32, and its name."""

    name: str
    of: Callable[[Any], Any]
    kernel: str = "gaussian"  # of the kernel distance; "cubic" for the features of a network, as in KID

    def __call__(self, X: Any) -> Floats:
        found = np.asarray(self.of(X), dtype=np.float32)
        if found.ndim != 2 or len(found) != len(X):
            raise DataError(f"features gave shape {found.shape} for {len(X)} examples: must be (n, d)")
        if not np.isfinite(found).all():
            raise DataError(f"{self.name}: features hold NaN or infinity; give features that don't")
        return found


def feature_space(train: Dataset, features: Features = "auto", random_state: int = 0) -> FeatureSpace:
    """The feature space of this name, learned from training data alone; a function is taken as it is.

    "auto": standardised columns for tables; for images a classifier where there are labels, else random convolutions; for
    series, audio, texts and symbols statistics that do not ask for one length (see `sequencefeatures`).

    >>> from venero.data.datasets import Dataset
    >>> space = feature_space(Dataset(np.array([[1.0, 5.0], [3.0, 5.0]])))
    >>> space.name, space(np.array([[5.0, 5.0]])).tolist()
    ('standardised columns', [[3.0, 0.0]])
    """
    check_features(features)
    if not isinstance(features, str):
        return FeatureSpace(getattr(features, "__name__", type(features).__name__), features)
    chosen = AUTO[train.kind](train) if features == "auto" else features
    return SPACES[chosen](train, random_state)


def check_features(features: Any) -> None:
    """Raise a VeneroError if this is neither a feature space's name nor a function."""
    if callable(features):
        return
    if not isinstance(features, str) or features not in ("auto", *SPACES):
        raise VeneroError(f"features = {shown(features)}: {nearest(str(features), ('auto', *SPACES))}, or a function of X")
    if features == "inception" and find_spec("torch_fidelity") is None:
        raise VeneroError("features = 'inception' needs torch-fidelity: pip install torch-fidelity, or use 'auto'")


def columns(train: Dataset, random_state: int = 0) -> FeatureSpace:
    """Columns in training standard deviations, categories one-hot, a flag where a value is missing.

    Beyond three standard deviations distances grow as a logarithm: else a few wild cells would rule every moment.
    """
    if train.kind != "table":
        raise DataError(f"features = 'columns' are for tables, and this is {train.kind} data: use 'pixels'")
    codec = Columns()
    codec.fit(train.X)
    return FeatureSpace("standardised columns", lambda X: drawn_in(codec.encode(X).numpy()))


def drawn_in(z: Floats) -> Floats:
    """z within 3 of 0 as it is, farther out 3 + log(1 + |z| - 3).

    >>> drawn_in(np.array([1.0, -3.0, 102.0], np.float32)).astype(float).round(1).tolist()
    [1.0, -3.0, 7.6]
    """
    far = np.maximum(np.abs(z) - WILD, 0)
    return np.asarray(np.sign(z) * (np.minimum(np.abs(z), WILD) + np.log1p(far)), dtype=np.float32)


def pixels(train: Dataset, random_state: int = 0) -> FeatureSpace:
    """The pixels as they are, on 0..1."""
    _images_only(train, "pixels")
    return FeatureSpace("pixels", _flat)


def _flat(X: Any) -> Floats:
    x = np.asarray(X)
    return np.asarray(x.reshape(len(x), -1) / (255 if x.dtype == np.uint8 else 1), dtype=np.float32)  # (n, D)


def _classifier(train: Dataset, random_state: int) -> FeatureSpace:
    from venero.metrics.imagefeatures import classifier

    _images_only(train, "classifier")
    if not labelled(train):
        raise DataError("features = 'classifier' needs training labels of two classes at least: use 'random convolutions'")
    net = classifier(train.X, np.asarray(train.y), random_state)
    name = f"a classifier's features (its accuracy {net.accuracy.value:.3f} on {net.accuracy.n} held-out training images)"
    return FeatureSpace(name, net, "cubic")


def _convolutions(train: Dataset, random_state: int) -> FeatureSpace:
    from venero.metrics.imagefeatures import RandomConvolutions

    _images_only(train, "random convolutions")
    return FeatureSpace("random convolutions", RandomConvolutions(train.X, random_state), "cubic")


def _inception(train: Dataset, random_state: int) -> FeatureSpace:
    from venero.metrics.imagefeatures import Inception

    _images_only(train, "inception")
    return FeatureSpace("Inception v3 (ImageNet), 2,048 features", Inception(), "cubic")


def _series(train: Dataset, random_state: int = 0) -> FeatureSpace:
    from venero.metrics.sequencefeatures import of_series, standardised

    _only(train, "series statistics", "series")
    return FeatureSpace("summary statistics of series", _drawn_in(standardised(train, of_series)))


def _audio(train: Dataset, random_state: int = 0) -> FeatureSpace:
    from venero.metrics.sequencefeatures import of_audio, standardised

    _only(train, "audio statistics", "audio")
    return FeatureSpace("log-mel statistics", _drawn_in(standardised(train, of_audio)))


def _texts(train: Dataset, random_state: int = 0) -> FeatureSpace:
    from venero.metrics.sequencefeatures import of_texts

    _only(train, "text statistics", "text", "symbols")
    return FeatureSpace("shares of symbols and of pairs", of_texts)


def _drawn_in(of: Callable[[Any], Any]) -> Callable[[Any], Floats]:
    return lambda X: drawn_in(of(X))


def _only(train: Dataset, name: str, *kinds: str) -> None:
    if train.kind not in kinds:
        raise DataError(f"features = {name!r} are for {' and '.join(kinds)}, and this is {train.kind} data: use 'auto'")


def labelled(data: Dataset) -> bool:
    """Whether there are labels of two classes at least."""
    return data.y is not None and bool(data.class_names) and len(np.unique(data.y)) > 1


def _images_only(train: Dataset, name: str) -> None:
    if train.kind != "image":
        raise DataError(f"features = {name!r} are for images, and this is {train.kind} data: use 'auto'")


SPACES: dict[str, Callable[[Dataset, int], FeatureSpace]] = {
    "columns": columns,
    "pixels": pixels,
    "classifier": _classifier,
    "random convolutions": _convolutions,
    "inception": _inception,
    "series statistics": _series,
    "audio statistics": _audio,
    "text statistics": _texts,
}
AUTO: dict[str, Callable[[Dataset], str]] = {
    "table": lambda train: "columns",
    "image": lambda train: "classifier" if labelled(train) else "random convolutions",
    "series": lambda train: "series statistics",
    "audio": lambda train: "audio statistics",
    "text": lambda train: "text statistics",
    "symbols": lambda train: "text statistics",
}
PLAIN: dict[str, Callable[[Dataset, int], FeatureSpace]] = {
    "table": columns,
    "image": pixels,
    "series": _series,
    "audio": _audio,
    "text": _texts,
    "symbols": _texts,
}  # nothing learned but scales
