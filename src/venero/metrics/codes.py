"""What codes are good for: a linear probe, neighbours kept, how they lie to the prior, and how even ways between them are.

Beside them stand the same figures of the data as they are and of PCA with codes as long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError
from venero.metrics.fidelity import kernel_distance
from venero.metrics.intervals import Estimate, Z, mean, share

Rows = NDArray[Any]
BLOCKS = 10  # disjoint parts that the interval of a trustworthiness comes from
STEPS = 10  # of a way between two codes


def linear_probe(train: Rows, y_train: Rows, test: Rows, y_test: Rows) -> Estimate:
    """The accuracy of logistic regression on codes, (n, d), (n,), (m, d), (m,): what they make plain."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3))
    with threadpool_limits(1, user_api="blas"):
        return share(probe.fit(train, y_train).predict(test) == y_test)


def trust(x: Rows, codes: Rows, k: int = 5) -> Estimate:
    """Trustworthiness (Venna & Kaski 2001; scikit-learn's): whether neighbours among codes (n, d) are neighbours in x (n, D).

    1: all are; 0.5: as of random codes. The interval comes from ten disjoint parts, each of which knows a tenth of the rows.
    """
    from sklearn.manifold import trustworthiness

    if len(x) < 2 * k + 2:
        raise DataError(f"x has {len(x)} rows: trustworthiness with k = {k} takes {2 * k + 2} at least")
    blocks = min(BLOCKS, len(x) // (2 * k + 2))
    parts = [trustworthiness(x[i::blocks], codes[i::blocks], n_neighbors=k) for i in range(blocks)]
    value = float(trustworthiness(x, codes, n_neighbors=k))
    half = Z * float(np.std(parts, ddof=1)) / blocks**0.5 if blocks > 1 else float("inf")
    return Estimate(value, value - half, min(value + half, 1.0), len(x))


def prior_distance(codes: Rows, random_state: int = 0) -> Estimate:
    """Squared MMD of codes (n, d) to as many draws of N(0, I), unbiased, with the cubic kernel of `kernel_distance`.

    0 is expected where the codes are spread like the prior. Posterior means are spread less than that even in a good VAE, by
    the variance that the posteriors have of their own.
    """
    drawn = np.random.default_rng(random_state).standard_normal(codes.shape)
    return kernel_distance(codes, drawn.astype(codes.dtype))


def unevenness(decode: Callable[[Rows], Any], a: Rows, b: Rows, space: Callable[[Any], Rows]) -> Estimate:
    """The largest of ten steps on the straight way between codes a and b (n, d), over their mean: 1 is even, 10 is one jump.

    Steps are measured between what is decoded, in a feature space. Ways that lead nowhere (all steps 0) count as even.
    """
    ways = np.linspace(a, b, STEPS + 1)  # (T, n, d)
    seen = space(decode(ways.reshape(-1, a.shape[1]).astype(np.float32)))
    seen = np.asarray(seen, dtype=np.float64).reshape(STEPS + 1, len(a), -1)  # (T, n, D)
    steps = np.linalg.norm(np.diff(seen, axis=0), axis=2)  # (T - 1, n)
    average = steps.mean(axis=0)
    ratio = steps.max(axis=0) / np.where(average > 0, average, 1)
    return mean(np.where(average > 0, ratio, 1.0))
