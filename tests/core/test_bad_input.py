"""Bad input through the Python API: each works, or raises one line that names the argument and says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

import venero
from examples import images, mixed, numbers, small
from venero.core.catalog import MODELS as CATALOG
from venero.core.catalog import find
from venero.core.errors import DataError, VeneroError
from venero.train.run import Run

pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse", "ignore:GMM. component")

MODELS = [name for name in CATALOG if "table" in find(name).forms]  # of numbers: models of other kinds have tests of their own
DECODERS = [name for name in MODELS if hasattr(find(name), "decode")]
FORMS = {name: find(name)().form("table") for name in MODELS}
GAPS = [name for name in MODELS if FORMS[name] == "columns"]  # take missing values, and categories
NO_GAPS = [name for name in MODELS if FORMS[name] not in ("columns", "gaps", "raw")]
TABLES_ONLY = [name for name in MODELS if "image" not in find(name).forms]
SEQUENCES = ("an empty list", "ragged", "ragged images", "a list of texts")  # what a model of series reads in another way
SMALL: dict[str, dict[str, Any]] = {"latent": {"first": small("autoencoder")}, "gmm": {"n_components": 1}}
_fitted: dict[tuple[str, str], Any] = {}
DATA: dict[str, Callable[[], Any]] = {"table": numbers, "image": images, "mixed": mixed}


def fitted(name: str, kind: str) -> Any:
    """A fitted model, made once."""
    if (name, kind) not in _fitted:
        _fitted[name, kind] = small(name, **SMALL.get(name, {})).fit(DATA[kind]())
    return _fitted[name, kind]


def refused(call: Callable[[], Any], *words: str) -> None:
    """The call raises a VeneroError of one line, not a novel, that holds the words."""
    with pytest.raises(VeneroError) as e:
        call()
    text = str(e.value)
    assert "\n" not in text
    assert len(text) < 400
    for word in words:
        assert re.search(word, text), text


def used(model: Any, X: Any) -> np.ndarray:
    """What the model says of X, by the first verb that it has."""
    return model.score_samples(X) if hasattr(model, "score_samples") else model.reconstruction_error(X)


def takes(name: str, X: Any) -> bool:
    """Whether a model takes data of this kind: some take no images."""
    axes = 1 + np.ndim(X[0]) if isinstance(X, list) and X else getattr(X, "ndim", 0)
    return name not in TABLES_ONLY or axes < 3


def with_cell(value: Any) -> np.ndarray:
    X = numbers().astype(type(value) if not isinstance(value, float) else float)
    X[3, 1] = value
    return X


# What is wrong with X, and what the line says of it
NEVER: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "no rows": (lambda: numbers()[:0], ("X is empty: 0 sample", "pass at least one")),
    "no images": (lambda: images()[:0], ("X is empty: 0 sample", "pass at least one")),
    "no columns": (lambda: np.zeros((5, 0)), ("X is empty: 0 feature", "pass at least one")),
    "no pixels": (lambda: np.zeros((5, 0, 8)), ("X is empty", "at least 1 value is needed")),
    "an empty frame": (lambda: mixed()[:0], ("X is empty", "pass at least one")),
    "an empty list": (list, ("X is empty", r"pass a table \(n, D\)")),
    "None": (lambda: None, ("X is of type NoneType", r"pass a table \(n, D\)")),
    "a number": (lambda: 3, ("X is of type int", r"pass a table \(n, D\)")),
    "a dict": (lambda: {"a": [1]}, ("X is of type dict", r"pass a table \(n, D\)")),
    "a path": (lambda: "data.csv", (r"venero.dataset\('data.csv'\)",)),
    "1-D": (lambda: numbers()[:, 0], (r"X has shape \(200,\)", r"X.reshape\(-1, 1\)")),
    "a Series": (lambda: pd.Series([1.0, 2.0]), (r"X has shape \(2,\)", r"X.reshape\(-1, 1\)")),
    "5-D": (lambda: np.zeros((2, 3, 4, 5, 6)), (r"X has shape \(2, 3, 4, 5, 6\)", "pass tables")),
    "ragged": (lambda: [[1, 2], [3]], ("rows may differ in length", "pass tables")),
    "ragged images": (lambda: [np.zeros((3, 3)), np.zeros((4, 4))], ("rows may differ in length", "pass tables")),
    "a list of texts": (lambda: ["a", "b"], ("text is not supported", "pass tables")),
    "infinity": (lambda: with_cell(np.inf), ("X has infinite values", "column 1", "replace them")),
    "infinity in a frame": (lambda: mixed().assign(height=np.inf), ("X has infinite values", "'height'", "replace them")),
    "complex": (lambda: numbers() + 1j, ("X has dtype complex128", "pass X.real")),
    "complex images": (lambda: images() + 1j, ("X has dtype complex128", "pass X.real")),
    "a cell that is no value": (lambda: with_cell(object()), ("X holds a cell that is no value", "leave its column out")),
    "sparse": (lambda: csr_array(np.eye(5)), ("X is a sparse matrix", r"pass X.toarray\(\)")),
    "two columns of one name": (
        lambda: pd.DataFrame(numbers(), columns=["a", "a"]),
        ("two columns named 'a'", "different names"),
    ),
    "names of mixed types": (
        lambda: pd.DataFrame(numbers(), columns=["a", 1]),
        ("columns named by texts and by numbers", r"pass X.rename\(columns=str\)"),
    ),
    "floats up to 255": (lambda: images().astype(float), ("X has values from 0 to 255", "pass X / 255")),
    "floats below 0": (lambda: images() / 255 - 0.5, ("X has values from -0.5 to 0.5", "pass")),
    "int16 images": (lambda: images().astype(np.int16), ("X has dtype int16", r"pass X.astype\('uint8'\)")),
    "texts as images": (lambda: np.full((3, 8, 8), "a"), ("X has dtype <U1", "uint8 0..255 or floats")),
    "NaN in images": (lambda: np.full((3, 8, 8), np.nan), ("X has NaN", "fill them in")),
    "infinity in images": (lambda: np.full((3, 8, 8), np.inf), ("X has infinite values", "replace them")),
    "channels first": (lambda: np.zeros((5, 3, 8, 8)), ("channels first", r"X.transpose\(0, 2, 3, 1\)")),
}


def read_as_sequences(name: str, what: str) -> bool:
    return what in SEQUENCES and "series" in find(name).forms


@pytest.mark.parametrize(
    ("name", "what"),
    [(n, what) for n in MODELS for what, (make, _) in NEVER.items() if takes(n, make()) and not read_as_sequences(n, what)],
)
def test_data_that_no_model_takes(name: str, what: str) -> None:
    make, words = NEVER[what]
    refused(lambda: small(name).fit(make()), *words)


@pytest.mark.parametrize("name", TABLES_ONLY)
def test_a_model_of_tables_refuses_images(name: str) -> None:
    refused(lambda: small(name).fit(images()), "takes table", "this is image data")


WORKS: dict[str, Callable[[], Any]] = {
    "one row": lambda: numbers()[:1],
    "one image": lambda: images()[:1],
    "two rows": lambda: numbers()[:2],
    "constant columns": lambda: np.c_[numbers(), np.full(200, 7.0)],
    "only constants": lambda: np.ones((30, 3)),
    "a constant image": lambda: np.full((30, 8, 8), 7, np.uint8),
    "black images": lambda: np.zeros((30, 8, 8)),
    "numbers as texts": lambda: numbers().round(2).astype(str),
    "numbers as objects": lambda: numbers().astype(object),
    "a list of lists": lambda: numbers().tolist(),
    "a list of images": lambda: list(images()),
    "a tensor": lambda: torch.from_numpy(numbers()),
    "a frame with numbers for names": lambda: pd.DataFrame(numbers()),
    "dates": lambda: np.array([["2020-01-01", "2020-01-02"], ["2020-01-05", "2020-01-09"]] * 20, dtype="M8[D]"),
    "booleans": lambda: numbers() > 0,
    "large numbers": lambda: numbers() * 1e30,
    "small numbers": lambda: numbers() * 1e-30,
}


@pytest.mark.parametrize(("name", "what"), [(n, what) for n in MODELS for what, make in WORKS.items() if takes(n, make())])
def test_odd_data_that_work(name: str, what: str) -> None:
    X = WORKS[what]()
    model = small(name, **SMALL.get(name, {}) if name == "gmm" else {}).fit(X)
    assert np.isfinite(used(model, X)).all()
    if hasattr(model, "sample"):
        assert np.shape(model.sample(3, random_state=0))[1:] == np.shape(X)[1:]


@pytest.mark.parametrize("name", GAPS)
def test_missing_values_are_data(name: str) -> None:
    gaps = np.c_[with_cell(np.nan), np.full(200, np.nan)]  # one column has nothing else
    texts = np.array([["a", 1.5], ["b", None], [None, 2.5], ["a", 3.5]] * 10, dtype=object)
    for X in (gaps, texts, mixed(), pd.DataFrame(gaps)):
        model = small(name).fit(X)
        assert np.isfinite(used(model, X)).all()
        back = model.reconstruct(X) if hasattr(model, "reconstruct") else model.sample(len(X), random_state=0)
        assert type(back) is type(X) and back.shape == X.shape


@pytest.mark.parametrize("name", [name for name in MODELS if FORMS[name] in ("gaps", "raw")])
def test_gaps_among_numbers_are_data(name: str) -> None:
    model = small(name).fit(with_cell(np.nan))
    assert np.isfinite(used(model, with_cell(np.nan))).all()
    refused(
        lambda: small(name).fit(np.c_[numbers(), np.full(200, np.nan)]), "missing values .* in column 2", "drop that column"
    )
    refused(lambda: small(name).fit(mixed()), "'city'", "a model for mixed tables")


@pytest.mark.parametrize("name", NO_GAPS)
def test_a_model_that_takes_no_gaps_names_one_that_does(name: str) -> None:
    refused(
        lambda: small(name).fit(with_cell(np.nan)),
        r"missing values \(NaN\) in column 1",
        "use a model for mixed tables, such as VAE",
    )
    refused(lambda: small(name).fit(np.array([["a", "b"]] * 5)), "text or categories in column 0", "such as VAE")


LATER: dict[str, tuple[str, Callable[[], Any], tuple[str, ...]]] = {
    "a column more": ("table", lambda: np.ones((5, 3)), ("X has 3 features", "expecting 2", "columns that fit saw")),
    "a column less": ("table", lambda: np.ones((5, 1)), ("X has 1 features", "expecting 2", "columns that fit saw")),
    "one row, 1-D": ("table", lambda: np.ones(2), (r"X has shape \(2,\)", r"X.reshape\(1, -1\)")),
    "no rows": ("table", lambda: np.ones((0, 2)), ("X is empty", "pass at least one")),
    "new gaps": ("table", lambda: with_cell(np.nan), ("missing values", "column 1", "fit saw none", "fill them in")),
    "infinity": ("table", lambda: with_cell(np.inf), ("infinite", "column 1")),
    "text": ("table", lambda: np.array([["a", "b"]]), ("X has 'a' in column 0, where fit saw numbers", "correct it")),
    "images for a table": ("table", images, ("X has shape", "pass a table of 2 columns")),
    "a file's name": ("table", lambda: "new.csv", (r"venero.dataset\('new.csv'\)",)),
    "images of another size": (
        "image",
        lambda: np.zeros((2, 9, 9), np.uint8),
        (r"shape \(9, 9\), fit saw \(8, 8\)", "pass X in the shape"),
    ),
    "images with colours": (
        "image",
        lambda: np.zeros((2, 8, 8, 3), np.uint8),
        (r"shape \(8, 8, 3\), fit saw", "pass X in the shape"),
    ),
    "one image": ("image", lambda: images()[0], (r"shape \(8,\), fit saw \(8, 8\)", "pass X in the shape")),
    "no images": ("image", lambda: images()[:0], ("X is empty", "pass at least one")),
    "images of another dtype": (
        "image",
        lambda: images() / 255,
        ("X has dtype float64, fit saw uint8", "pass X with the dtype"),
    ),
    "a table for images": ("image", numbers, (r"shape \(2,\), fit saw \(8, 8\)", "pass X in the shape")),
}
LATER_MIXED: dict[str, tuple[str, Callable[[], Any], tuple[str, ...]]] = {
    "a column lost": ("mixed", lambda: mixed().drop(columns="city"), ("now missing: - city", "pass X with the columns")),
    "a column more": ("mixed", lambda: mixed().assign(z=1), ("unseen at fit time: - z", "pass X with the columns")),
    "columns in another order": ("mixed", lambda: mixed().iloc[:, ::-1], ("same order", "pass X with the columns")),
    "a category more": (
        "mixed",
        lambda: mixed().assign(city="Paris"),
        ("'city' has 'Paris', which fit did not see", "known 'Gijon'"),
    ),
    "text for numbers": (
        "mixed",
        lambda: mixed().assign(height="tall"),
        ("'height' holds numbers, X has 'tall'", "correct it"),
    ),
    "new gaps": ("mixed", lambda: mixed().assign(children=np.nan), ("missing values", "'children'", "fill them in")),
}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (n, what)
        for n in MODELS
        for what, (kind, *_) in LATER.items()
        if takes(n, DATA[kind]()) and (what != "new gaps" or n in (*GAPS, *NO_GAPS))  # what gaps alone are no trouble to
    ],
)
def test_data_that_are_not_like_those_of_fit(name: str, what: str) -> None:
    kind, make, words = LATER[what]
    model = fitted(name, kind)
    for verb in ("encode", "score_samples", "reconstruct", "reconstruction_error"):
        if hasattr(model, verb):
            refused(lambda verb=verb: getattr(model, verb)(make()), *words)


@pytest.mark.parametrize("what", LATER_MIXED)
@pytest.mark.parametrize("name", GAPS)
def test_tables_that_are_not_like_those_of_fit(name: str, what: str) -> None:
    kind, make, words = LATER_MIXED[what]
    refused(lambda: used(fitted(name, kind), make()), *words)


@pytest.mark.parametrize("name", MODELS)
def test_use_before_fit(name: str) -> None:
    calls: dict[str, tuple[Any, ...]] = {
        "sample": (0,),
        "encode": ("x",),
        "transform": (numbers(),),
        "decode": (None,),
        "inverse_transform": (numbers(),),
        "reconstruct": (numbers(),),
        "reconstruction_error": (numbers(),),
        "score_samples": (numbers(),),
        "score": (numbers(),),
        "bits_per_dim": (numbers(),),
        "get_feature_names_out": (),
        "log_likelihood": (numbers(),),
        "latent_kl": (numbers(),),
        "active_units": (numbers(),),
        "save": ("folder",),
    }
    for verb, arguments in calls.items():
        if hasattr(find(name), verb):
            refused(
                lambda verb=verb, arguments=arguments: getattr(small(name), verb)(*arguments),
                "not fitted yet",
                r"call fit\(X\) first",
            )
    refused(lambda: small(name).n_parameters_, "not fitted yet")


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize(
    ("Z", "words"),
    [
        (np.zeros((2, 5)), (r"Z has shape \(2, 5\)", r"must be \(n, 3\)")),
        (np.zeros(3), (r"Z has shape \(3,\)", r"must be \(n, 3\)")),
        (None, ("Z has shape", r"must be \(n, 3\)")),
        ([["a", "b", "c"]], ("Z = .*must be numbers",)),
        ([[1], [1, 2]], ("Z = .*must be numbers",)),
        (np.full((1000, 3), "long"), ("Z = .*must be numbers",)),
        ([[np.nan, 0, 0]], ("Z holds NaN or infinity", "must be finite")),
        ([[1e300, 0, 0]], ("Z holds NaN or infinity", "must be finite")),
    ],
    ids=str,
)
def test_codes_that_are_none(name: str, Z: Any, words: tuple[str, ...]) -> None:
    refused(lambda: fitted(name, "table").decode(Z), *words)


@pytest.mark.parametrize("name", [n for n in MODELS if hasattr(find(n), "sample")])
def test_samples_that_can_not_be_drawn(name: str) -> None:
    model = fitted(name, "table")
    for n in (0, -1, 1.5, 2.0, True, "3", None, [2], np.arange(500)):
        refused(lambda n=n: model.sample(n), "^n = ", "must be an integer >= 1")
    assert len(model.sample(np.int64(2))) == 2
    for seed in (-1, 1.5, "a", 2**70, [1]):
        refused(lambda seed=seed: model.sample(1, random_state=seed), "^random_state = ", "an integer from 0 to")
    refused(lambda: model.sample(1, colour="red"), "colour = 'red'", "no such option; leave it out")
    refused(lambda: model.sample(2, y=1), "y = 1: this .* was fitted without labels", "conditional=True|leave y out")
    refused(lambda: model.sample(1, y=np.arange(5000)), "fitted without labels")


@pytest.mark.parametrize("particles", [0, -1, 1.5, "a", None])
def test_particles(particles: Any) -> None:
    refused(
        lambda: fitted("vae", "table").log_likelihood(numbers(), particles=particles), "particles = .*: must be an integer >= 1"
    )


LABELS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "none": (None, ("conditional=True", r"fit\(X, y\)")),
    "too few": ([1, 2], (r"y of shape \(2,\)", r"must be \(200,\), one label for each row")),
    "2-D": (np.zeros((200, 1)), (r"y of shape \(200, 1\)", "one label for each row")),
    "fractions": (numbers()[:, 0], ("y holds fractions", "leave y out, or bin it")),
    "NaN": (np.where(np.arange(200) % 2, np.nan, 1.0), ("y = array", "fill in missing ones")),
    "gaps": (np.array(["a", None] * 100, dtype=object), ("y = array", "fill in missing ones")),
    "dates": (np.array(["2020-01-01"] * 200, dtype="M8[D]"), ("y = array", r"pass y.astype\(str\)")),
    "dicts": ([{}] * 200, ("y = array", "labels are integers or texts")),
    "text": ("abc", (r"y of shape \(\)", "one label for each row")),
}


@pytest.mark.parametrize("what", LABELS)
def test_labels_to_fit(what: str) -> None:
    y, words = LABELS[what]
    refused(lambda: small("vae", conditional=True).fit(numbers(), y), *words)


@pytest.mark.parametrize(
    "y", [["x", "y"] * 100, np.arange(200) % 2 > 0, pd.Series(np.arange(200) % 3), np.zeros(200), torch.arange(200) % 2]
)
def test_labels_of_many_types(y: Any) -> None:
    model = small("vae", conditional=True).fit(numbers(), y)
    assert model.sample(2, y=y[0], random_state=0).shape == (2, 2)


def test_labels_to_use() -> None:
    model = small("vae", conditional=True).fit(numbers(), np.arange(200) % 3)
    for y in (7, "a", np.nan, {}, [0, 7]):
        refused(lambda y=y: model.sample(2, y=y), "y = .* is not a label that fit saw", "known: 0, 1, 2")
    for y in ([0, 1, 2], [], [[0], [1]], np.zeros((2, 2))):
        refused(lambda y=y: model.sample(2, y=y), "y has .* labels for 2 examples", "give one, or one for each")
    refused(lambda: model.score_samples(numbers()[:3], [0, 1]), "y has 2 labels for 3 examples")
    refused(lambda: model.decode(np.zeros((2, 3))), "give the labels y")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("vea", "did you mean 'vae'"),
        ("VAE", "did you mean 'vae'"),
        ("auto-encoder", "did you mean 'autoencoder'"),
        ("gausian", "did you mean 'gaussian'"),
        ("xyz", "known: .*autoencoder.*vae"),
        (None, "known: "),
        (["vae"], "unknown model"),
    ],
)
def test_a_model_that_there_is_not(name: Any, hint: str) -> None:
    refused(lambda: venero.model(name), "unknown model", hint)


def test_a_field_that_there_is_not() -> None:
    refused(lambda: find("vae")(latent_dims=3), "'latent_dims'", "did you mean 'latent_dim'")
    refused(lambda: find("gaussian")(epochs=3), "'epochs'", "known: .*ridge")
    crowded = find("vae")(
        latent_dim=3, hidden=(7, 8, 9), likelihood="gaussian", beta=0.5, kl_warmup=3.0, free_bits=0.3, particles=1, epochs=7
    )
    refused(lambda: crowded.set_params(latent_dims=3), "Invalid parameter 'latent_dims' for VAE", "did you mean 'latent_dim'")
    refused(lambda: find("latent")(first=small("vae")).set_params(first__wings=1), "Invalid parameter 'wings' for VAE")
    refused(
        lambda: find("latent")().set_params(first__epochs=1), "first__epochs: LatentModel.first = None", "set first to a model"
    )


FIELDS: list[tuple[str, str, Any, str]] = [
    ("vae", "latent_dim", 0, "must be >= 1"),
    ("vae", "latent_dim", 2.5, "must be int, >= 1"),
    ("vae", "latent_dim", "two", "must be int, >= 1"),
    ("vae", "latent_dim", True, "must be int"),
    ("vae", "latent_dim", np.arange(300), "must be int"),
    ("vae", "learning_rate", 0, "must be > 0"),
    ("vae", "learning_rate", float("nan"), "must be float, > 0"),
    ("vae", "learning_rate", None, "must be float"),
    ("vae", "hidden", (64, 0), "must be >= 1"),
    ("vae", "hidden", 64, "must be a tuple of int"),
    ("vae", "hidden", "64", "must be a tuple of int"),
    ("vae", "likelihood", "bernouli", "must be one of .*'bernoulli'"),
    ("vae", "conditional", "yes", "must be bool"),
    ("vae", "validation", 1.5, "must be >= 0 and <= 0.9"),
    ("vae", "random_state", -1, "must be >= 0"),
    ("vae", "random_state", 2**70, "must be >= 0 and <= "),
    ("vae", "random_state", "seed", "must be int or None"),
    ("vae", "patience", 0, "must be >= 1"),
    ("autoencoder", "corruption", "dropout", "must be one of .*'masking'"),
    ("autoencoder", "sparsity_target", 0.0, "must be > 0 and <= 0.99"),
    ("gaussian", "ridge", 0, "must be > 0"),
    ("gaussian", "max_iter", 0, "must be >= 1"),
    ("latent", "first", "vae", "must be Estimator or None"),
    ("latent", "prior", find("vae"), "must be Estimator or None"),
]


@pytest.mark.parametrize(("name", "field", "value", "must"), FIELDS)
def test_fields_out_of_range(name: str, field: str, value: Any, must: str) -> None:
    refused(lambda: small(name, **{field: value}).fit(numbers()), rf"{find(name).__name__}\.{field} = ", must)


def test_fields_of_models_in_fields() -> None:
    wrong = find("latent")(first=small("autoencoder", latent_dim=-1), random_state=0)
    refused(lambda: wrong.fit(numbers()), "AutoEncoder.latent_dim = -1: must be >= 1")
    wrong = find("latent")(prior=small("gaussian", ridge=-1.0), random_state=0)
    refused(lambda: wrong.fit(numbers()), "Gaussian.ridge = -1.0: must be > 0")


def test_fields_that_do_not_go_together() -> None:
    refused(lambda: small("vae", validation=0.0, patience=3).fit(numbers()), "VAE.patience = 3", "set validation > 0")
    refused(
        lambda: small("autoencoder", corruption="masking", corruption_level=2.0).fit(numbers()),
        "corruption_level = 2.0",
        "must be <= 1",
    )
    refused(lambda: small("autoencoder", loss="columns").fit(images()), "loss = 'columns'", "use 'auto'")
    refused(lambda: small("autoencoder", net="conv").fit(numbers()), "net = 'conv'", "use net='mlp'")


RUNS: list[tuple[dict[str, Any], str]] = [
    ({"precision": "half"}, "Run.precision = 'half': must be one of 'auto', 'float32', 'bfloat16'"),
    ({"precision": None}, "Run.precision = None: must be one of"),
    ({"progress": "loud"}, "Run.progress = 'loud': must be one of 'auto', 'bar', 'lines', 'none'"),
    ({"minutes": 0}, "Run.minutes = 0: must be > 0, or None for no limit"),
    ({"minutes": -1.5}, "Run.minutes = -1.5: must be > 0"),
    ({"minutes": float("nan")}, "Run.minutes = nan: must be > 0"),
    ({"minutes": "5"}, "Run.minutes = '5': must be > 0"),
    ({"resume": True}, "Run.resume = True needs Run.folder"),
    ({"resume": "yes", "folder": "runs"}, "Run.resume = 'yes': must be True or False"),
    ({"folder": 3}, "Run.folder = 3: must be a folder, or None"),
    ({"folder": __file__}, "Run.folder = .*: must be a folder, or None"),
    ({"callbacks": 3}, "Run.callbacks = 3: must be a list of functions"),
    ({"callbacks": [print, 3]}, "Run.callbacks = .*: must be a list of functions"),
    ({"checkpoint_seconds": -1}, "Run.checkpoint_seconds = -1: must be a number >= 0"),
    ({"checkpoint_seconds": "often"}, "Run.checkpoint_seconds = 'often': must be a number >= 0"),
    ({"device": 3}, "Run.device = 3: must be a name"),
]


@pytest.mark.parametrize(("arguments", "must"), RUNS)
def test_runs_that_can_not_be(arguments: dict[str, Any], must: str) -> None:
    refused(lambda: Run(**arguments), must)


@pytest.mark.parametrize("device", ["tpu", "cuda:99", "", "xpu"])
def test_a_device_that_is_not_there(device: str) -> None:
    refused(
        lambda: small("gaussian").fit(numbers(), run=Run(device=device)),
        f"Run.device = '{device}' is not to be had here; 'auto' takes",
    )


def test_a_run_that_is_none() -> None:
    refused(lambda: small("gaussian").fit(numbers(), run={"minutes": 3}), "run = {'minutes': 3}: must be a venero.Run")
    refused(lambda: small("gaussian").fit(numbers(), run=False), "run = False: must be a venero.Run")


def test_a_loss_that_is_not_finite_is_told() -> None:
    refused(
        lambda: small("vae", learning_rate=1e30, optimizer="sgd", epochs=50).fit(numbers()),
        "not finite at stage 'fit', epoch",
        "smaller learning_rate",
    )


def test_errors_are_of_the_kinds_that_callers_expect() -> None:
    with pytest.raises(DataError):
        small("vae").fit(numbers()[:0])
    with pytest.raises(ValueError):
        small("vae").fit(None)
    with pytest.raises(TypeError):
        find("vae")(wings=2)
    with pytest.raises(AttributeError, match="has no attribute 'Vea'"):
        venero.Vea  # noqa: B018
