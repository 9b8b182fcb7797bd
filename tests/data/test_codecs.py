"""Codecs of images and of plain arrays in 0..1; what X may be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from venero.data.codecs import CODECS, Unit, codec_for, kind_of
from venero.data.spec import Spec


def fitted(X, form="unit"):
    codec = codec_for(X, form)
    codec.fit(X)
    return codec


def restored(codec):
    tensors, card = codec.state()
    assert all(isinstance(t, torch.Tensor) for t in tensors.values())
    return CODECS[codec.name].restore(tensors, json.loads(json.dumps(card)))


IMAGES = array_shapes(min_dims=3, max_dims=4, max_side=5)


@given(
    st.one_of(
        arrays(np.uint8, IMAGES), arrays(np.bool_, IMAGES), arrays(np.float32, IMAGES, elements=st.floats(0, 1, width=32))
    )
)
def test_images_come_back_as_they_were(X):
    if X.ndim == 4 and X.shape[1] in (1, 3) and min(X.shape[2:]) > 4:
        X = np.moveaxis(X, 1, 3)
    codec = fitted(X)
    x = codec.encode(X)
    assert x.dtype == torch.float32
    assert x.is_contiguous()
    assert x.min() >= 0
    assert x.max() <= 1
    back = restored(codec).decode(x)
    assert back.dtype == X.dtype
    np.testing.assert_array_equal(back, X)


def test_channels_move_first_and_the_spec_says_so():
    X = np.arange(2 * 3 * 4 * 2, dtype=np.uint8).reshape(2, 3, 4, 2)
    codec = codec_for(X, "unit")
    assert codec.fit(X) == Spec("image", (2, 3, 4), "unit", 256)
    x = codec.encode(X)
    for c in range(2):
        torch.testing.assert_close(x[:, c], torch.tensor(X[..., c]) / 255)


@pytest.mark.parametrize(
    ("X", "levels", "top"),
    [
        (np.array([[[0, 255, 7]]], np.uint8), 256, 1.0),
        (np.array([[[0, 255, 255]]], np.uint8), 2, 1.0),
        (np.array([[[0, 1, 1]]], np.uint8), 2, 1.0),
        (np.array([[[0, 1, 2]]], np.uint8), 256, 2 / 255),
        (np.array([[[0, 0, 0]]], np.uint8), 2, 0.0),
        (np.array([[[True, False]]]), 2, 1.0),
        (np.array([[[0.0, 1.0]]]), 2, 1.0),
        (np.array([[[0.0, 0.5]]]), 0, 0.5),
        (np.array([[0, 1], [1, 1]]), 2, 1.0),
        (np.array([[0, 255], [9, 1]], np.uint8), 256, 1.0),
    ],
)
def test_grey_levels(X, levels, top):
    codec = codec_for(X, "unit")
    assert codec.fit(X).levels == levels
    assert codec.encode(X).max() == pytest.approx(top)
    np.testing.assert_array_equal(codec.decode(codec.encode(X)), X)


def test_decode_stays_within_the_users_range():
    x = torch.tensor([[[[-0.2, 0.4, 1.3]]]])
    for X, expected in [
        (np.array([[[0, 255, 7]]], np.uint8), [0, 102, 255]),
        (np.array([[[0.0, 0.5, 0.2]]]), [0, np.float32(0.4), 1]),
        (np.array([[[True, False, True]]]), [False, False, True]),
    ]:
        out = fitted(X).decode(x)
        assert out.dtype == X.dtype
        assert out[0, 0].tolist() == expected


def test_log_det_of_images_is_that_of_the_division():
    """One grey level more in a pixel is 1/255 more for the network: the product over pixels is the determinant."""
    X = np.random.default_rng(0).integers(0, 255, (3, 4, 5), dtype=np.uint8)
    X[0, 0, 0] = 254
    codec = fitted(X)
    x = codec.encode(X)
    slopes = codec.encode(X + 1).double() - x.double()
    torch.testing.assert_close(codec.log_det(x), slopes.log().sum((1, 2, 3)).float(), rtol=1e-4, atol=0)
    unit = fitted(X / 255)
    assert unit.log_det(unit.encode(X / 255)).tolist() == [0, 0, 0]


def test_a_row_does_not_depend_on_its_neighbours(tmp_path: Path):
    X = np.random.default_rng(0).integers(0, 256, (9, 6, 7, 3), dtype=np.uint8)
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    codec = fitted(mapped)
    whole = codec.encode(mapped)
    assert torch.equal(whole[3:5], codec.encode(mapped[3:5]))
    assert torch.equal(whole[[7, 1]], codec.encode(mapped[[7, 1]]))
    assert len(codec.encode(mapped[:0])) == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc")
@pytest.mark.parametrize("form", ["unit", "standard", "columns"])
def test_fit_gives_a_memory_mapped_files_pages_back(tmp_path: Path, form):
    file = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.uint8, shape=(64 * 1024, 1024))
    file[::1000, ::7] = 3
    file.flush()
    del file
    X = np.load(tmp_path / "x.npy", mmap_mode="r")
    before = _resident_file_bytes()
    fitted(X, form)
    assert _resident_file_bytes() - before < 24 * 2**20  # of 64 MiB, all of which fit has read


def _resident_file_bytes() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssFile"))
    return int(line.split()[1]) * 1024


def test_what_encode_accepts_after_fit(refused):
    X = np.array([[[0, 200]], [[3, 4]]], np.uint8)
    codec = fitted(X)
    assert torch.equal(codec.encode(X.tolist()), codec.encode(X))
    frozen = X.copy()
    frozen.flags.writeable = False
    assert torch.equal(codec.encode(frozen), codec.encode(X))
    with refused("float64", "fit saw uint8", "pass X with the dtype"):
        codec.encode(X / 255)
    with refused("(1, 3)", "fit saw (1, 2)", "pass X in the shape"):
        codec.encode(np.zeros((2, 1, 3), np.uint8))
    floats = fitted(X / 255)
    with refused("from 0 to 200", "outside 0..1", "on the scale that fit saw"):
        floats.encode(X)


@pytest.mark.parametrize(
    ("X", "problem", "way_out"),
    [
        (np.full((2, 3, 3), 255.0), "255 to 255, outside 0..1", "X / 255"),
        (np.full((2, 3, 3), 16.0), "outside 0..1", "X / 16"),
        (np.full((2, 3, 3), -1.0), "from -1 to -1", "X + 1"),
        (np.full((2, 3, 3), 300, np.int32), "int32", "X / 300"),
        (np.full((2, 3, 3), 200, np.int64), "int64", "X.astype('uint8')"),
        (np.full((2, 3, 3), np.nan), "NaN", "fill them in"),
        (np.full((2, 3, 3), np.inf), "infinite", "replace them"),
        (np.full((2, 3), 7.0), "outside 0..1", "X / 7"),
        (np.zeros((0, 3, 3)), "0 rows (shape (0, 3, 3))", "at least 1"),
        (np.zeros((2, 0, 3)), "shape (0, 3)", "at least 1"),
        (pd.DataFrame({"a": [0.5]}), "DataFrame", "X.to_numpy()"),
        (np.array([["a", "b"]]), "dtype <U1", "numbers"),
    ],
)
def test_what_unit_refuses(X, problem, way_out, refused):
    with refused(problem, way_out):
        fitted(X)


@pytest.mark.parametrize(
    ("X", "problem", "way_out"),
    [
        (3.0, "shape ()", "tables (n, D)"),
        ([1.0, 2.0], "shape (2,)", "X.reshape(-1, 1)"),
        (np.zeros((2, 2, 2, 2, 2)), "shape (2, 2, 2, 2, 2)", "images (n, H, W)"),
        (np.zeros((2, 3, 32, 32)), "channels first", "X.transpose(0, 2, 3, 1)"),
        (np.zeros((2, 2), complex), "Complex data not supported", "X.real"),
        (np.zeros(2, [("a", int)]), "structured", "pandas.DataFrame(X)"),
        (np.zeros((2, 2, 2), object), "dtype object", "uint8 0..255"),
        (np.ma.masked_array(np.zeros((2, 2)), mask=True), "masked", "X.filled(np.nan)"),
    ],
)
def test_what_no_codec_takes(X, problem, way_out, refused):
    with refused(problem, way_out):
        kind_of(X)


def test_sparse_matrices_are_refused(refused):
    from scipy.sparse import csr_matrix

    with refused("sparse", "X.toarray()"):
        kind_of(csr_matrix(np.eye(3)))


def test_kinds_and_forms(refused):
    assert kind_of(pd.DataFrame({"a": ["x"]})) == kind_of([[1, 2]]) == kind_of(np.zeros((5, 0))) == "table"
    assert kind_of(np.zeros((5, 31, 45, 7))) == kind_of(torch.zeros(2, 3, 3)) == "image"
    assert isinstance(codec_for(np.zeros((5, 3, 3)), "unit"), Unit)
    with refused("(5, 3, 3)", "X.reshape(len(X), -1)"):
        codec_for(np.zeros((5, 3, 3)), "columns")
    with refused("form = 'units'", "did you mean 'unit'?"):
        codec_for(np.zeros((5, 3)), "units")


def test_a_network_output_that_is_not_finite_is_refused(refused):
    X = np.array([[[0, 200]]], np.uint8)
    for codec in (fitted(X), fitted(X[0], "standard")):
        x = torch.full_like(codec.encode(X if codec.name == "unit" else X[0]), torch.nan)
        with refused("not finite", "learning_rate"):
            codec.decode(x)
