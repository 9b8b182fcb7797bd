"""Filling in, editing and clustering on the command line: each writes what the library itself gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from calling import pixels
from PIL import Image

import venero as library
from venero.metrics.clustering import clustering_accuracy
from venero.tasks.cluster import DeepClustering, cluster, silhouette
from venero.tasks.edit import attribute_direction, edit
from venero.tasks.impute import impute

pytestmark = pytest.mark.filterwarnings("ignore:after 100 reconstructions")


@pytest.fixture(scope="module")
def parts():
    return library.dataset("digits").split(0.2, random_state=0)


def test_complete_fills_the_hidden_part_of_images(venero, vae, parts):
    held_out = parts[1].X[:6]
    late = parts[1].X[103]
    known = np.ones((8, 8), bool)
    known[:, 4:] = False
    assert venero("complete", vae, "--mask", "right", "-n", 6, "-o", "c.npy").out == "wrote c.npy (6 images)\n"
    done = np.load("c.npy")
    assert (done[:, :, :4] == held_out[:, :, :4]).all()
    assert (done == impute(library.load(vae), held_out, known)).all()
    venero("complete", vae, "--mask", "right", "--rows", "103,1", "-o", "c.png")
    sheet = pixels("c.png")[::8, ::8, 0]
    assert (sheet[:8, :4] == late[:, :4]).all(), "above: what was left"
    assert (sheet[:8, 4:8] == 0).all()
    np.testing.assert_array_equal(pixels("c.png")[66::8, :64:8, 0][:, :4], late[:, :4])


@pytest.mark.parametrize("part", ["left", "top", "bottom", "centre"])
def test_the_parts_that_can_be_hidden(venero, vae, parts, part):
    venero("complete", vae, "--mask", part, "-n", 3, "-o", "c.npy")
    changed = (np.load("c.npy") != parts[1].X[:3]).any(0)
    hidden = {"left": np.s_[:, :4], "top": np.s_[:4], "bottom": np.s_[4:], "centre": np.s_[2:6, 2:6]}[part]
    assert changed[hidden].any()
    changed[hidden] = False
    assert not changed.any()


def test_a_mask_from_a_file(venero, vae):
    hidden = np.zeros((8, 8), bool)
    hidden[2:5, 3:6] = True
    np.save("m.npy", hidden)
    Image.fromarray((hidden * 255).astype(np.uint8)).save("m.png")
    for name in ("m.npy", "m.png"):
        assert venero("complete", vae, "--mask", name, "-n", 4, "-o", f"{name}.out.npy").code == 0
    assert (np.load("m.npy.out.npy") == np.load("m.png.out.npy")).all()


def test_complete_fills_a_tables_gaps(venero, csv):
    fit = ("--target", "kind", "--epochs", 20, "--learning-rate", 0.01, "--latent-dim", 2, "--random-state", 0)
    venero("fit", "vae", csv.name, *fit, "--no-report", "--progress", "none")
    assert venero("complete", "runs/vae-people", csv.name, "-o", "full.parquet").code == 0
    table, done = pd.read_csv(csv), pd.read_parquet("full.parquet")
    gaps = table["age"].isna()
    assert gaps.any()
    assert not done.isna().any().any()
    assert (done["age"][~gaps] == table["age"][~gaps]).all()
    assert (done["city"] == table["city"]).all()


def test_edit(venero, vae, parts):
    train, held_out = parts
    done = venero("edit", vae, "--attribute", "3", "--strength", 2, "-n", 4, "-o", "e.npy")
    assert done.code == 0, done.err
    assert "more of the held-out rest pass for 3 than before" in done.out
    model, ways = library.load(vae), np.load("e.npy").reshape(4, 9, 8, 8)
    direction = attribute_direction(model, train.X, train.y == 3)
    for place, strength in ((0, -2.0), (4, 0.0), (8, 2.0)):
        assert (ways[:, place] == edit(model, held_out.X[:4], direction, strength)).all()
    assert (ways[:, 4] == model.reconstruct(held_out.X[:4])).all()
    venero("edit", vae, "--attribute", "3", "-n", 2)
    assert pixels(vae / "edited.png").shape == (2 * 66 - 2, 9 * 66 - 2, 4)


def test_cluster(venero, vae, parts):
    held_out = parts[1]
    done = venero("cluster", vae, "-k", 10, "-o", "g.csv")
    found = cluster(library.load(vae), held_out.X, 10)
    table = pd.read_csv("g.csv")
    assert (table["cluster"] == found.labels).all()
    assert (table["label"].astype(int) == held_out.y).all()
    assert str(clustering_accuracy(held_out.y, found.labels)) in done.out
    sheet = pixels("g.png")
    assert sheet.shape == (10 * 66 - 2, 10 * 66 - 2, 4)
    codes = library.load(vae).encode(held_out.X)
    first = ((codes - found.centers[0]) ** 2).sum(1)
    nearest = np.where(found.labels == 0, first, np.inf).argmin()
    assert (sheet[:64:8, :64:8, 0] == held_out.X[nearest]).all()


def test_cluster_of_a_table_chooses_k(venero, csv):
    venero("fit", "vae", "iris", "--epochs", 20, "--latent-dim", 2, "--random-state", 0, "--no-report", "--progress", "none")
    done = venero("cluster", "runs/vae-iris", "iris", "-o", "g.csv")
    k = pd.read_csv("g.csv")["cluster"].nunique()
    assert done.out.startswith(f"{k} clusters, silhouette 0.")


def test_deep_clusters_are_those_of_the_library(venero, vae, parts):
    train, held_out = parts
    done = venero("cluster", vae, "--deep", "-k", 10, "--updates", 150, "-o", "g.csv")
    deep = DeepClustering(library.load(vae), 10, updates=150, random_state=0).fit(train.X)
    labels = deep.predict(held_out.X)
    assert (pd.read_csv("g.csv")["cluster"] == labels).all()
    assert f"10 clusters, silhouette {silhouette(deep.model_.encode(held_out.X), labels):.2f}" in done.out
    assert (labels != cluster(library.load(vae), held_out.X, 10).labels).any()


def test_interpolate_of_a_label(venero, conditional):
    done = venero("interpolate", conditional, "--steps", 4, "-y", "setosa", "-o", "i.csv")
    assert done.code == 0, done.err
    held_out = library.dataset("iris").split(0.2, random_state=0)[1].X
    want = library.interpolate(library.load(conditional), held_out.iloc[:1], held_out.iloc[1:2], 4, y=0)
    assert np.allclose(pd.read_csv("i.csv"), want)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("complete",), "--mask is needed for images"),
        (("complete", "--mask", "middle"), "--mask middle: must be left"),
        (("complete", "--mask", "small.npy"), "has 2x2 pixels: must have 8x8"),
        (("complete", "--mask", "text.png"), "no picture"),
        (("edit", "--attribute", "12"), "--attribute 12: did you mean"),
        (("cluster", "-k", "9999"), "k = 9999: 359 examples are too few"),
    ],
)
def test_an_error_is_one_line(venero, vae, command, says):
    np.save("small.npy", np.ones((2, 2), bool))
    with open("text.png", "w") as f:
        f.write("no picture")
    done = venero(command[0], vae, *command[1:])
    assert done.code == 2
    assert says in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_edit_of_a_conditional_model_names_the_way(venero, conditional):
    assert "venero sample -y" in venero("edit", conditional, "--attribute", "setosa").err
