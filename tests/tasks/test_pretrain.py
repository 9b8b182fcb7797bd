"""Pre-trained weights really enter, and a pre-trained start is worth something where it must be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from examples import small
from venero.core.abilities import UnfittedError
from venero.core.errors import DataError, VeneroError
from venero.data.datasets import Dataset
from venero.models.autoencoder import AutoEncoder
from venero.tasks.pretrain import PretrainedClassifier, pretraining_gain

Digits = tuple[np.ndarray, np.ndarray]


def hidden_signal(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Forty columns that follow one hidden number, whose sign is the label: what unlabelled examples can tell of."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    return 1.5 * z[:, None] * np.where(np.arange(40) % 2, 1, -1) + 4 * rng.normal(size=(n, 40)), (z > 0).astype(int)


@pytest.fixture(scope="module")
def of_signal() -> AutoEncoder:
    X = hidden_signal(3000, 0)[0]
    return AutoEncoder(latent_dim=1, net="mlp", hidden=(), epochs=10, learning_rate=3e-3, random_state=0).fit(X)


@pytest.fixture(scope="module")
def fitted(digits: Digits) -> AutoEncoder:
    return AutoEncoder(latent_dim=32, net="mlp", hidden=(64,), code="relu", epochs=5, random_state=0).fit(digits[0])


def test_pretrained_weights_enter(fitted: AutoEncoder, digits: Digits) -> None:
    """Before any update the classifier's codes are the model's, and those of a random start are not."""
    X, y = digits
    start = PretrainedClassifier(fitted, updates=0, random_state=0).fit(X, y)
    np.testing.assert_array_equal(start.model_.encode(X), fitted.encode(X))
    for name, weight in fitted.net_.state_dict().items():
        assert torch.equal(weight, start.net_.net.state_dict()[name]), name
    scratch = PretrainedClassifier(fitted, updates=0, from_scratch=True, random_state=0).fit(X, y)
    assert not np.allclose(scratch.model_.encode(X), fitted.encode(X))
    shapes = lambda net: {k: v.shape for k, v in net.state_dict().items()}  # noqa: E731
    assert shapes(scratch.net_) == shapes(start.net_), "both have the same architecture"


def test_it_learns_and_leaves_the_model_alone(fitted: AutoEncoder, digits: Digits) -> None:
    X, y = digits
    before = fitted.encode(X)
    names = np.array([f"digit {i}" for i in range(10)])[y]
    classifier = PretrainedClassifier(fitted, updates=300, learning_rate=3e-3, random_state=0).fit(X[:900], names[:900])
    assert classifier.score(X[900:], names[900:]) > 0.85
    p = classifier.predict_proba(X[900:])
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    assert (classifier.classes_[p.argmax(1)] == classifier.predict(X[900:])).all()
    np.testing.assert_array_equal(fitted.encode(X), before)
    again = PretrainedClassifier(fitted, updates=300, learning_rate=3e-3, random_state=0).fit(X[:900], names[:900])
    np.testing.assert_array_equal(again.predict_proba(X[900:]), p)


def test_the_number_of_updates_is_the_same_for_few_labels(fitted: AutoEncoder, digits: Digits) -> None:
    X, y = digits
    for n in (64, 640):
        classifier = PretrainedClassifier(fitted, updates=40, batch_size=64, random_state=0).fit(X[:n], y[:n])
        assert classifier.history_[-1]["step"] == 40


def test_a_hidden_signal_is_worth_its_pretraining(of_signal: AutoEncoder) -> None:
    """Twenty labels say little of forty noisy columns; three thousand examples without labels say which direction counts."""
    found = pretraining_gain(
        of_signal, hidden_signal(3000, 0), hidden_signal(2000, 1), labels=(20, 400), seeds=2, updates=100, learning_rate=3e-3
    )
    assert found[["labels", "seed"]].to_numpy().tolist() == [[20, 0], [400, 0], [20, 1], [400, 1]]
    assert found.groupby("labels")["gain"].mean()[20] > 0.03
    np.testing.assert_allclose(found["gain"], found["scratch"] - found["pretrained"])
    for name in ("pretrained", "scratch", "gain"):
        assert ((found[f"{name}_low"] <= found[name]) & (found[name] <= found[f"{name}_high"])).all()


def test_an_unfitted_model_learns_from_all_examples_for_each_seed(digits: Digits) -> None:
    data = Dataset(digits[0][:400], digits[1][:400])
    model = small("autoencoder", net="mlp")
    found = pretraining_gain(model, data, data, labels=(50,), seeds=2, updates=5)
    assert len(found) == 2
    assert not hasattr(model, "net_")


def test_what_can_not_be(fitted: AutoEncoder, digits: Digits) -> None:
    X, y = digits
    for match, call in (
        ("must be a model that can encode", lambda: PretrainedClassifier(small("gaussian").fit(X)).fit(X, y)),
        ("updates = -1: must be >= 0", lambda: PretrainedClassifier(fitted, updates=-1).fit(X, y)),
        ("train has no labels", lambda: pretraining_gain(fitted, Dataset(X), (X, y))),
        ("labels = 9999: must be from 1 to 1797", lambda: pretraining_gain(fitted, (X, y), (X, y), labels=(9999,))),
    ):
        with pytest.raises(VeneroError, match=match) as e:
            call()
        assert "\n" not in str(e.value)
    with pytest.raises(DataError, match="one label for each row"):
        PretrainedClassifier(fitted).fit(X, y[:-1])
    with pytest.raises(UnfittedError, match="not fitted yet"):
        PretrainedClassifier(fitted).predict(X)
