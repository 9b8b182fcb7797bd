"""What synthetic data are good for: a predictor learned from them, on real data, beside one learned from real data.

"Train on synthetic, test on real" (Esteban, Hyland & Raetsch 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import r2_score

from venero.core.errors import DataError, shown
from venero.metrics.intervals import Estimate, bootstrap, share
from venero.metrics.ranking import auroc

if TYPE_CHECKING:
    import pandas as pd

MOST_CATEGORIES = 255  # that gradient boosting takes
MOST_CLASSES = 50


class Utility(NamedTuple):
    """A measure on held-out real rows of a predictor learned from synthetic rows, from real ones, and from none."""

    measure: str
    synthetic: Estimate
    real: Estimate
    blind: Estimate  # the most frequent class, or the mean

    @property
    def kept(self) -> float:
        """The synthetic rows' share of what the real ones give: AUROC over AUROC, for example."""
        return self.synthetic.value / self.real.value


class Sample(NamedTuple):
    """Predictors (n, d), a matrix or a DataFrame, and what is to be predicted, (n,)."""

    X: Any
    y: NDArray[Any]


def utility(
    synthetic: pd.DataFrame, real_train: pd.DataFrame, real_test: pd.DataFrame, target: str, *, random_state: int = 0
) -> Utility:
    """Of sampled frames whose column `target` is predicted from the others, by gradient boosting; gaps and categories are kept.

    AUROC for two classes, accuracy for more, R2 for numbers. Rows without a target are left out.
    """
    import pandas as pd

    frames = (synthetic, real_train, real_test)
    for frame in frames:
        if target not in frame:
            raise DataError(f"target = {shown(target)}: must be a column of all three frames")
    kept = [frame.dropna(subset=[target]).reset_index(drop=True) for frame in frames]
    y = [frame[target] for frame in kept]
    number = pd.api.types.is_numeric_dtype(y[1]) and not pd.api.types.is_bool_dtype(y[1]) and y[1].nunique() > MOST_CLASSES
    labels = [v.to_numpy(np.float64) if number else v.astype(str).to_numpy() for v in y]
    columns = _alike([frame.drop(columns=target) for frame in kept])
    sampled, learned, held_out = map(Sample, columns, labels)
    return compared(sampled, learned, held_out, boosting, random_state=random_state)


def compared(synthetic: Sample, real_train: Sample, real_test: Sample, learner: Learner, *, random_state: int = 0) -> Utility:
    """The same for predictors and labels apart; floats are numbers to predict, anything else classes."""
    number = np.asarray(real_test.y).dtype.kind == "f"
    task = NUMBERS if number else CLASSES[len(np.unique(real_train.y)) == 2]
    judge = lambda learn, rows: task.judge(learn(rows, number, random_state), real_test)  # noqa: E731
    return Utility(task.measure, judge(learner, synthetic), judge(learner, real_train), judge(_blind, real_train))


@dataclass(frozen=True)
class Task:
    """How a kind of prediction is judged."""

    measure: str
    judge: Callable[[Any, Sample], Estimate]


def _auroc(fitted: Any, test: Sample) -> Estimate:
    """Of the class that comes last in the alphabet; one that the learner never saw has probability 0."""
    last = np.unique(test.y)[-1]
    scores = fitted.predict_proba(test.X)[:, fitted.classes_ == last].sum(axis=1)  # (n,)
    return auroc(scores[test.y == last], scores[test.y != last])


def _accuracy(fitted: Any, test: Sample) -> Estimate:
    return share(fitted.predict(test.X) == test.y)


def _r2(fitted: Any, test: Sample) -> Estimate:
    both = np.stack([test.y, fitted.predict(test.X)], axis=1)  # (n, 2)
    return bootstrap(lambda rows: float(r2_score(rows[:, 0], rows[:, 1])), both)


CLASSES = {True: Task("AUROC", _auroc), False: Task("accuracy", _accuracy)}  # two classes; more
NUMBERS = Task("R²", _r2)
Learner = Callable[[Sample, bool, int], Any]


def boosting(rows: Sample, number: bool, random_state: int) -> Any:
    """Gradient boosting: what tables are judged by."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    if len(np.unique(rows.y)) < 2:
        return _blind(rows, number, random_state)
    kind = HistGradientBoostingRegressor if number else HistGradientBoostingClassifier
    return kind(categorical_features="from_dtype", random_state=random_state).fit(rows.X, rows.y)


def linear(rows: Sample, number: bool, random_state: int) -> Any:
    """Logistic or ridge regression on standardised features: what images are judged by."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(rows.y)) < 2:
        return _blind(rows, number, random_state)
    last = Ridge() if number else LogisticRegression(C=0.1, max_iter=2000, tol=1e-3)
    return make_pipeline(StandardScaler(), last).fit(rows.X, rows.y)


def _blind(rows: Sample, number: bool, random_state: int) -> Any:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return (DummyRegressor() if number else DummyClassifier(strategy="prior")).fit(rows.X, rows.y)


def _alike(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Frames with the second's columns and categories, as gradient boosting takes them: texts become categories."""
    import pandas as pd

    real = frames[1]
    out: list[dict[str, Any]] = [{} for _ in frames]
    for label in real.columns:
        plain = pd.api.types.is_numeric_dtype(real[label])
        levels = None if plain else pd.Index(real[label].dropna().astype(str).unique()).sort_values()
        for columns, frame in zip(out, frames, strict=True):
            columns[str(label)] = frame[label].astype(float) if levels is None else _places(frame[label], levels)
    return [pd.DataFrame(columns) for columns in out]


def _places(column: pd.Series[Any], levels: pd.Index[Any]) -> Any:
    """Texts as categories, unknown ones as missing; as their places where they are more than boosting takes."""
    import pandas as pd

    text = column.astype(str)
    made = pd.Series(pd.Categorical(text.where(column.notna() & text.isin(levels)), categories=levels))
    return made if len(levels) <= MOST_CATEGORIES else made.cat.codes.astype(float)
