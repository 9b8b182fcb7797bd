"""What synthetic rows teach is scikit-learn's score of what they taught; damage lowers it, fresh real rows do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

from venero.core.errors import DataError
from venero.metrics.ranking import auroc
from venero.metrics.utility import Sample, boosting, compared, linear, utility


def people(n: int, seed: int) -> pd.DataFrame:
    """Income follows age and trade; some ages are missing."""
    rng = np.random.default_rng(seed)
    age, trade = rng.normal(40, 10, n), rng.choice(["baker", "smith", "clerk"], n)
    odds = (age - 40) / 8 + np.where(trade == "smith", 1.5, -0.5)
    rich = rng.random(n) < 1 / (1 + np.exp(-odds))
    frame = pd.DataFrame(
        {"age": age, "trade": trade, "wage": 100 * odds + rng.normal(0, 30, n), "rich": np.where(rich, "yes", "no")}
    )
    frame.loc[rng.random(n) < 0.05, "age"] = np.nan
    return frame


def damaged(frame: pd.DataFrame, share: float, column: str) -> pd.DataFrame:
    """A share of the targets dealt out again among the rows."""
    rng = np.random.default_rng(9)
    rows = np.flatnonzero(rng.random(len(frame)) < share)
    out = frame.copy()
    out.loc[rows, column] = frame[column].to_numpy()[rng.permutation(rows)]
    return out


TRAIN, TEST, FRESH = people(800, 0), people(800, 1), people(800, 2)
CLASSES = TRAIN.drop(columns="wage"), TEST.drop(columns="wage"), FRESH.drop(columns="wage")


def test_two_classes_are_judged_by_scikit_learns_auroc_of_the_same_learner() -> None:
    train, test, fresh = CLASSES
    found = utility(fresh, train, test, "rich")
    typed = lambda frame: frame.drop(columns="rich").astype({"trade": "category"})  # noqa: E731
    learner = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    scores = learner.fit(typed(train), train["rich"]).predict_proba(typed(test))[:, 1]
    assert found.measure == "AUROC"
    assert found.real.value == pytest.approx(roc_auc_score(test["rich"] == "yes", scores))
    assert found.blind.value == 0.5


def test_fresh_real_rows_teach_as_well_as_those_of_train_and_damage_lowers_it() -> None:
    train, test, fresh = CLASSES
    found = [utility(damaged(fresh, share, "rich"), train, test, "rich") for share in (0.0, 0.7, 1.0)]
    kept = [u.kept for u in found]
    assert kept[0] == pytest.approx(1, abs=0.04)
    assert (np.diff(kept) < 0).all()
    assert kept[-1] == pytest.approx(0.5 / found[-1].real.value, abs=0.12)


def test_numbers_are_judged_by_r2_beside_the_mean() -> None:
    train, test, fresh = (frame.drop(columns="rich") for frame in (TRAIN, TEST, FRESH))
    found = utility(fresh, train, test, "wage")
    assert found.measure == "R²"
    assert found.synthetic.value > 0.9
    assert found.synthetic.low < found.synthetic.value < found.synthetic.high
    assert found.blind.value == pytest.approx(r2_score(test["wage"], np.full(len(test), train["wage"].mean())))
    assert utility(damaged(fresh, 0.5, "wage"), train, test, "wage").synthetic.high < found.synthetic.low


def test_more_classes_are_judged_by_accuracy_beside_the_majority() -> None:
    train, test, fresh = (frame.drop(columns="wage") for frame in (TRAIN, TEST, FRESH))
    found = utility(fresh, train, test, "trade")
    majority = train["trade"].value_counts().index[0]
    assert found.measure == "accuracy"
    assert found.blind.value == accuracy_score(test["trade"], np.full(len(test), majority))


def test_samples_of_one_class_teach_nothing() -> None:
    train, test, fresh = CLASSES
    only = fresh[fresh["rich"] == "no"]
    assert utility(only, train, test, "rich").synthetic.value == 0.5


def test_categories_that_train_has_not_are_as_missing_and_rows_without_a_target_are_left_out() -> None:
    train, test, fresh = CLASSES
    strange = fresh.assign(
        trade=fresh["trade"].where(fresh.index % 2 == 0, "mole"), rich=fresh["rich"].where(fresh.index % 3 > 0)
    )
    assert 0.6 < utility(strange, train, test, "rich").synthetic.value < utility(fresh, train, test, "rich").synthetic.value


def test_more_categories_than_boosting_takes() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"town": rng.integers(0, 400, 3000).astype(str), "x": rng.normal(size=3000)})
    frame["y"] = np.where(frame["x"] > 0, "a", "b")
    assert utility(frame[:1000], frame[1000:2000], frame[2000:], "y").synthetic.value > 0.99


def test_a_target_that_is_not_a_column_is_told() -> None:
    with pytest.raises(DataError, match="target = 'wealth'"):
        utility(FRESH, TRAIN, TEST, "wealth")


@pytest.mark.parametrize("learner", [boosting, linear])
def test_predictors_as_matrices(learner) -> None:
    rng = np.random.default_rng(0)
    part = lambda n: Sample(x := rng.normal(size=(n, 2)), (x[:, 0] > 0).astype(int))  # noqa: E731
    found = compared(part(300), part(300), part(300), learner)
    assert found.synthetic.value > 0.98
    assert found.kept == found.synthetic.value / found.real.value


def test_auroc_is_scikit_learns_its_interval_covers_and_ties_count_half() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(2, 12, 150), rng.integers(0, 9, 200)
    assert auroc(a, b).value == pytest.approx(roc_auc_score(np.repeat([1, 0], [150, 200]), np.r_[a, b]))
    pairs = [auroc(rng.normal(1, 1, 60), rng.normal(size=80)) for _ in range(400)]
    truth = 0.7602499  # P(N(1, 1) > N(0, 1)) = Phi(1 / sqrt 2)
    assert np.mean([p.low <= truth <= p.high for p in pairs]) == pytest.approx(0.95, abs=0.035)


def test_auroc_of_nothing_is_told() -> None:
    with pytest.raises(DataError, match="0 positive"):
        auroc(np.array([]), np.arange(3))
