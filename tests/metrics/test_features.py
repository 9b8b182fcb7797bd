"""Feature spaces are what they say, the same for the same seed, learned from training data alone, and see damage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from examples import mixed
from venero.core.errors import DataError, VeneroError
from venero.data.datasets import Dataset
from venero.metrics import features, imagefeatures
from venero.metrics.features import FeatureSpace, feature_space, labelled
from venero.metrics.fidelity import frechet_distance
from venero.metrics.representation import knn_accuracy


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classifiers that learn little, where only their form is asked about."""
    monkeypatch.setattr(imagefeatures, "UPDATES", 10)


@pytest.fixture(scope="module")
def told(parts) -> FeatureSpace:
    """The classifier's features."""
    return feature_space(parts[0])


@pytest.fixture(scope="module")
def parts(digits) -> tuple[Dataset, Dataset]:
    """Digits to learn from and digits held out, with their labels."""
    X, y = digits
    names = tuple("0123456789")
    return Dataset(X[:1200], y[:1200], class_names=names), Dataset(X[1200:], y[1200:], class_names=names)


def test_columns_are_z_scores_one_hot_categories_and_flags_of_gaps() -> None:
    frame = pd.DataFrame({"x": [1.0, 3.0, np.nan], "town": pd.Categorical(["a", "b", "a"])})
    space = feature_space(Dataset(frame))
    assert space.name == "standardised columns"
    assert space(frame).tolist() == [[-1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0]]


def test_columns_are_scaled_by_train_whatever_they_are_asked_about() -> None:
    train = np.random.default_rng(0).normal(5, 3, (400, 2))
    space = feature_space(Dataset(train))
    inside = np.abs(space(train)).max(1) < 3  # farther out, values are drawn in
    np.testing.assert_allclose(space(train)[inside] * train.std(0) + train.mean(0), train[inside], rtol=1e-5)
    np.testing.assert_allclose(space(train[:1] + 3), space(train[:1]) + 3 / train.std(0), rtol=1e-4)


def test_images_with_labels_get_a_classifier_that_states_its_held_out_accuracy(parts, told) -> None:
    (train, test), space = parts, told
    assert float(space.name.split("its accuracy ")[1].split()[0]) > 0.95
    assert "on 120 held-out training images" in space.name
    assert space(test.X).shape == (597, 64)
    assert knn_accuracy(space(train.X), train.y, space(test.X), test.y).value > 0.95


def test_images_without_labels_get_random_convolutions(parts) -> None:
    train = Dataset(parts[0].X)
    space = feature_space(train)
    assert space.name == "random convolutions"
    seen = space(train.X)
    np.testing.assert_allclose(seen.mean(0), 0, atol=1e-3)
    assert (seen.std(0) < 1.01).all()


@pytest.mark.parametrize("name", ["classifier", "random convolutions", "pixels"])
def test_the_same_seed_is_the_same_space_and_a_row_stands_alone(hurried, parts, name) -> None:
    train, test = parts
    few = train.take(slice(0, 300))
    a, b = feature_space(few, name, 3), feature_space(few, name, 3)
    assert a.name == b.name
    assert (a(test.X) == b(test.X)).all()
    np.testing.assert_allclose(a(test.X[:1]), a(test.X)[:1], atol=1e-4)
    if name != "pixels":
        assert (feature_space(few, name, 4)(test.X) != a(test.X)).any()


@pytest.mark.parametrize("name", ["classifier", "random convolutions", "pixels"])
def test_distances_grow_with_noise(parts, told, name) -> None:
    train, test = parts
    space = told if name == "classifier" else feature_space(train, name)
    noise = np.random.default_rng(0).normal(size=test.X.shape)
    damaged = [np.clip(test.X + s * noise, 0, 255).astype(np.uint8) for s in (0, 30, 60, 120)]
    found = [frechet_distance(space(train.X), space(X)) for X in damaged]
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("shape", [(40, 1, 1), (40, 5, 7, 3), (40, 70, 64), (40, 3, 9, 2), (2, 4, 4)])
def test_images_of_any_size_and_number_of_channels(hurried, shape) -> None:
    X = np.random.default_rng(0).random(shape)
    data = Dataset(X, np.arange(len(X)) % 2, class_names=("a", "b"))
    for name in ("classifier", "random convolutions"):
        assert np.isfinite(feature_space(data, name)(X)).all()


def test_bytes_and_floats_of_the_same_image_have_the_same_features(parts) -> None:
    space = feature_space(Dataset(parts[0].X))
    np.testing.assert_allclose(space(parts[1].X), space(parts[1].X / 255), atol=1e-3)


def test_any_function_is_a_feature_space() -> None:
    def sums(X):
        return X.sum(1, keepdims=True)

    X = np.ones((5, 3))
    space = feature_space(Dataset(X), sums)
    assert space.name == "sums"
    assert space(X).tolist() == [[3.0]] * 5
    with pytest.raises(DataError, match=r"gave shape \(5,\) for 5 examples: must be \(n, d\)"):
        feature_space(Dataset(X), lambda X: X.sum(1))(X)
    with pytest.raises(DataError, match="hold NaN"):
        feature_space(Dataset(X), lambda X: X * np.nan)(X)


def test_what_cannot_be_had_is_told_with_the_way_out(parts) -> None:
    images, table = Dataset(parts[0].X), Dataset(mixed())
    for train, name, told in (
        (images, "classifier", "needs training labels"),
        (images, "columns", "are for tables"),
        (table, "pixels", "are for images"),
        (table, "random convolutions", "are for images"),
        (table, "colums", "did you mean 'columns'"),
        (table, 3, "features = 3"),
    ):
        with pytest.raises(VeneroError, match=told) as error:
            feature_space(train, name)
        assert "\n" not in str(error.value)


def test_inception_says_what_to_install(parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "find_spec", lambda name: None)
    with pytest.raises(VeneroError, match="pip install torch-fidelity"):
        feature_space(parts[0], "inception")


def test_labels_of_one_class_are_no_labels() -> None:
    X = np.zeros((4, 2))
    assert not labelled(Dataset(X, np.zeros(4, int), class_names=("a",)))
    assert not labelled(Dataset(X, np.arange(4.0)))
    assert labelled(Dataset(X, np.arange(4) % 2, class_names=("a", "b")))
