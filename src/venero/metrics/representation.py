"""How good a latent space is: which dimensions are in use, whether classes are neighbours, whether it has holes.

"Ordered" is measured by `knn_accuracy`; "continuous" by `continuity` and `midpoints`, with a classifier as the judge that
was trained on real data alone and knows nothing of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier

from venero.metrics.intervals import Estimate, share

Floats = NDArray[np.floating[Any]]
Decode = Callable[[Floats], Any]

ACTIVE = 0.01  # variance of the posterior mean over the data above which a unit is in use
SURE = 0.9  # the classifier's highest probability above which it is sure


def active_units(codes: Floats) -> NDArray[np.bool_]:
    """Which latent dimensions are in use: (n, d) posterior means -> (d,) (Burda, Grosse & Salakhutdinov 2015).

    >>> active_units(np.array([[0.0, 1.0], [0.01, -1.0]])).tolist()
    [False, True]
    """
    return np.asarray(codes.var(axis=0) > ACTIVE)


def knn_accuracy(train: Floats, y_train: NDArray[Any], test: Floats, y_test: NDArray[Any], k: int = 5) -> Estimate:
    """How often the k nearest training codes (n, d) tell the class of a test code."""
    nearest = KNeighborsClassifier(k).fit(train, y_train)
    return share(nearest.predict(test) == y_test)


@dataclass(frozen=True)
class Judge:
    """A classifier trained on real data, and how far it can be trusted: both shares are of held-out real examples."""

    classifier: ClassifierMixin
    accuracy: Estimate
    sure_of_real: Estimate

    def sure(self, X: Any) -> NDArray[np.bool_]:
        """Of which of the examples the class is clear: its probability is above 0.9."""
        return np.asarray(self.classifier.predict_proba(flat(X)).max(axis=1) > SURE)


def image_classifier(
    X: Any, y: NDArray[Any], X_test: Any, y_test: NDArray[Any], *, rows: int = 10_000, random_state: int = 0
) -> Judge:
    """A judge for images (n, H, W[, C]) or numeric tables (n, D): logistic regression on radial basis functions, in seconds.

    Those functions vanish far from the training data, so that it is unsure of what is like none of them: it is sure of no
    picture of noise, a perceptron of 99 % of them (measured on MNIST). It has also seen pairs of classes faded over each
    other, labelled as both (mixup, Zhang et al. 2018), so that it is unsure of those. At most `rows` examples are used.
    """
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    chosen = np.sort(np.random.default_rng(random_state).permutation(len(X))[:rows])
    real = flat(X[chosen])
    gamma = 1 / max(real.shape[1] * float(real.var()), 1e-12)
    features = Nystroem(gamma=gamma, n_components=min(1000, len(real)), random_state=random_state)
    classifier = make_pipeline(features, LogisticRegression(C=30.0, max_iter=1000, tol=1e-3))
    shown, labels, weight = _with_fades(real, y[chosen], random_state)
    with threadpool_limits(1, user_api="blas"):  # more threads gain nothing here, and on a busy machine cost six times as much
        classifier.fit(shown, labels, logisticregression__sample_weight=weight)
        p = classifier.predict_proba(flat(X_test))
    return Judge(classifier, share(classifier.classes_[p.argmax(axis=1)] == y_test), share(p.max(axis=1) > SURE))


def _with_fades(x: Floats, y: NDArray[Any], random_state: int) -> tuple[Floats, NDArray[Any], Floats]:
    """Examples, and the means of pairs of two classes, twice: half a case of the one class and half a case of the other."""
    a, b = pairs_across(y, random_state=random_state)
    faded = (x[a] + x[b]) / 2
    weight = np.concatenate([np.ones(len(x)), np.full(2 * len(a), 0.5)])
    return np.concatenate([x, faded, faded]), np.concatenate([y, y[a], y[b]]), weight


def flat(X: Any) -> Floats:
    """Examples as rows of float32 numbers, (n, D); bytes are brought to 0..1."""
    x = np.asarray(X)
    return x.reshape(len(x), -1).astype(np.float32) / (255 if x.dtype == np.uint8 else 1)  # (n, D)


def continuity(
    decode: Decode, judge: Judge, mean: Floats, covariance: Floats, *, n: int = 2000, random_state: int = 0
) -> Estimate:
    """The share of a Gaussian's mass in latent space (d,), (d, d) that decodes to something the judge is sure about.

    With mean 0 and the identity it asks whether the space is what a unit Gaussian fills; with the codes' own mean and
    covariance (`gaussian_of`), whether it has holes, whatever its scale.
    """
    z = np.random.default_rng(random_state).multivariate_normal(mean, covariance, n, method="eigh")
    return share(judge.sure(decode(z.astype(np.float32))))


def gaussian_of(codes: Floats) -> tuple[Floats, Floats]:
    """Mean (d,) and covariance (d, d) of codes (n, d)."""
    return codes.mean(axis=0), np.atleast_2d(np.cov(codes, rowvar=False))


def pairs_across(y: NDArray[Any], *, random_state: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two arrays of places whose labels differ, drawn at random; no place occurs twice, so the pairs are independent."""
    order = np.random.default_rng(random_state).permutation(len(y))
    a, b = order[: len(y) // 2], order[len(y) // 2 : 2 * (len(y) // 2)]
    differ = y[a] != y[b]
    return a[differ], b[differ]


def midpoints(decode: Decode, judge: Judge, codes: Floats, y: NDArray[Any], *, random_state: int = 0) -> Estimate:
    """How often the judge is sure about the point halfway between the codes of two examples of different classes."""
    a, b = pairs_across(y, random_state=random_state)
    return share(judge.sure(decode((codes[a] + codes[b]) / 2)))
