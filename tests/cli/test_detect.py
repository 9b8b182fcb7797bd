"""`venero detect` writes the scores, flags and maps that the library gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from calling import pixels

import venero as library
from venero.tasks.attribution import anomaly_map
from venero.tasks.threshold import conformal_threshold, rate_interval


@pytest.fixture(scope="module")
def held_out():
    return library.dataset("digits").split(0.2, random_state=0)[1]


def test_detect_ranks_what_the_run_held_out(venero, vae, held_out):
    done = venero("detect", vae, "-o", "s.csv")
    table, scores = pd.read_csv("s.csv"), library.anomaly_score(library.load(vae), held_out.X)
    assert list(table.columns) == ["row", "score", "rank", "label"]
    assert np.allclose(table["score"], scores)
    assert table.sort_values("rank")["row"].tolist() == np.argsort(-scores, kind="stable").tolist()
    assert "the 10 most unusual of 359" in done.out
    assert [int(line.split()[0]) for line in done.out.splitlines()[-11:-1]] == np.argsort(-scores)[:10].tolist()


def test_detect_flags_beyond_the_threshold_of_normal_data(venero, vae, held_out):
    model = library.load(vae)
    np.save("odd.npy", np.random.default_rng(0).integers(0, 256, (20, 8, 8)).astype(np.uint8))
    venero("detect", vae, "odd.npy", "-o", "odd.csv")
    assert pd.read_csv("odd.csv")["flag"].all()
    done = venero("detect", vae, "--reference", "digits", "--fpr", 0.2, "--kind", "reconstruction", "-o", "s.csv")
    normal = library.anomaly_score(model, library.dataset("digits").X, "reconstruction")
    flagged = library.anomaly_score(model, held_out.X, "reconstruction") > conformal_threshold(normal, 0.2)
    assert (pd.read_csv("s.csv")["flag"] == flagged).all()
    assert 0.1 < flagged.mean() < 0.3
    low, high = rate_interval(1797, 0.2, 359)
    assert f"{flagged.sum()} of 359 are beyond it" in done.out
    assert f"0.2 would be, with 95 % probability between {low:.3g} and {high:.3g}" in done.out


@pytest.mark.parametrize("kind", ["codes", "ranks", "reconstruction probability"])
def test_kinds_that_compare_do_so_with_what_the_run_learned_from(venero, vae, held_out, kind):
    done = venero("detect", vae, "--kind", kind, "-o", "s.csv")
    assert done.code == 0, done.err
    train = library.dataset("digits").split(0.2, random_state=0)[0]
    expected = library.anomaly_score(library.load(vae), held_out.X, kind, train.X)
    assert np.allclose(pd.read_csv("s.csv")["score"], expected)


def test_a_map_shows_the_most_unusual_over_their_heat(venero, vae, held_out):
    done = venero("detect", vae, "-o", "s.csv", "--map", "m.png")
    assert done.code == 0, done.err
    sheet = pixels("m.png")
    assert sheet.shape == (2 * 66 - 2, 16 * 66 - 2, 4)
    first = held_out.X[pd.read_csv("s.csv")["rank"].argmin()]
    assert (sheet[:64:8, :64:8, 0] == first).all()
    terms = anomaly_map(library.load(vae), first[None])[0]
    heat = sheet[66:130:8, :64:8, :3].sum(-1)
    assert heat.ravel()[terms.argmax()] == heat.max()
    venero("detect", vae, "-o", "s.csv", "--map", "m.npy")
    assert np.allclose(np.load("m.npy"), anomaly_map(library.load(vae), held_out.X))


def test_a_map_of_a_table_has_its_columns(venero, conditional):
    done = venero("detect", conditional, "-o", "s.csv", "--map", "m.csv")
    assert done.code == 0, done.err
    irises = library.dataset("iris").split(0.2, random_state=0)[1]
    terms = pd.read_csv("m.csv")
    assert list(terms.columns) == list(irises.X.columns)
    assert np.allclose(terms, anomaly_map(library.load(conditional), irises.X), rtol=1e-4, atol=1e-6)


def test_what_can_not_be(venero, vae):
    for args, line in (
        (("--kind", "odd"), "kind = 'odd': must be one of"),
        (("--reference", "digits", "--fpr", 0), "false_positive_rate = 0.0: must be a share above 0"),
        (("--reference", "digits", "--fpr", 0.0001), "1797 examples can't show it; at least 9999"),
        (("--map", "m.txt"), "m.txt: images can be written as .png, .npy"),
    ):
        done = venero("detect", vae, *args)
        assert done.code == 2
        assert line in done.err
        assert done.err.count("\n") == 1
