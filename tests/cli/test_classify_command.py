"""`venero classify` says and writes what the library's classifier finds on the held-out examples."""

from __future__ import annotations

import numpy as np
import pandas as pd

import venero as library
from venero.tasks.classify import GenerativeClassifier


def test_classes_of_irises(venero):
    done = venero("classify", "gaussian", "iris", "--ridge", 0.01, "--progress", "none", "-o", "p.csv")
    assert done.code == 0, done.err
    train, test = library.dataset("iris").split(0.2, random_state=0)
    found = GenerativeClassifier(library.Gaussian(ridge=0.01)).fit(train.X, train.y)
    table = pd.read_csv("p.csv")
    assert list(table.columns) == ["row", "label", "predicted", "p(setosa)", "p(versicolor)", "p(virginica)"]
    assert np.allclose(table.iloc[:, 3:], found.predict_proba(test.X), atol=1e-6)
    names = np.array(test.class_names)
    assert (table["predicted"] == names[found.predict(test.X)]).all()
    assert (table["label"] == names[test.y]).all()
    assert f"accuracy {found.score(test.X, test.y):.3g} (" in done.out
    assert "always the largest class: 0.333" in done.out
    rows = [line.split() for line in done.out.splitlines() if line.startswith(test.class_names)]
    hits = sum(int(row[1 + i].replace("·", "0")) for i, row in enumerate(rows))
    assert hits == (table["label"] == table["predicted"]).sum()


def test_mixed_columns_priors_and_a_temperature(venero, csv):
    args = ("--target", "kind", "--calibration", 0.3, "--priors", "uniform", "--random-state", 0, "--progress", "none")
    done = venero("classify", "independent", csv.name, *args)
    assert done.code == 0, done.err
    train, test = library.dataset(csv.name, target="kind").split(0.2, random_state=0)
    found = GenerativeClassifier(library.Independent(random_state=0), priors="uniform", calibration=0.3, random_state=0)
    found.fit(train.X, train.y)
    assert f"temperature {found.temperature_:.3g}" in done.out
    assert found.temperature_ != 1
    assert np.allclose(pd.read_csv("predictions.csv")["p(a)"], found.predict_proba(test.X)[:, 0], atol=1e-6)


def test_what_can_not_be(venero, csv):
    for args, line in (
        (("gaussian", csv.name), "no labels: name the column that holds classes with --target"),
        (("autoencoder", "iris", "--progress", "none"), "must be a model that scores"),
        (("gaussian", "iris", "--priors", "flat"), "'flat' must be one of 'data', 'uniform'"),
        (("gaussian", "iris", "-o", "p.png"), "p.png: a table of mixed columns can be written as .csv, .parquet"),
    ):
        done = venero("classify", *args)
        assert done.code == 2
        assert line in done.err
        assert done.err.count("\n") == 1
