"""Codecs of tables: what comes back, what the network sees, densities in the user's units, refusals."""

from __future__ import annotations

import json
import string

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy import stats

from venero.data.codecs import CODECS, codec_for
from venero.data.spec import Column


def fitted(X, form="columns"):
    codec = codec_for(X, form)
    codec.fit(X)
    return codec


def round_trip(X, form="columns"):
    """Through fit, the saved state, encode and decode."""
    codec = fitted(X, form)
    tensors, card = codec.state()
    again = CODECS[form].restore(tensors, json.loads(json.dumps(card)))
    x = codec.encode(X)
    assert x.dtype == torch.float32
    assert torch.equal(again.encode(X), x)
    return again.decode(x)


# --- frames ---

TEXTS = st.text(string.printable, max_size=5)
INTEGERS = st.integers(-(2**21), 2**21)
FLOATS = st.floats(-1e6, 1e6, width=32)
MOMENTS = st.integers(0, 400_000).map(lambda h: pd.Timestamp("1985-01-01") + pd.Timedelta(h, "h"))
KINDS = {  # how to draw a value, the dtype, and the missing value (... for none)
    "float64": (FLOATS, "float64", np.nan),
    "float32": (FLOATS, "float32", np.nan),
    "Float32": (FLOATS, "Float32", pd.NA),
    "int64": (INTEGERS, "int64", ...),
    "uint8": (st.integers(0, 255), "uint8", ...),
    "Int64": (INTEGERS, "Int64", pd.NA),
    "bool": (st.booleans(), "bool", ...),
    "boolean": (st.booleans(), "boolean", pd.NA),
    "object of texts": (TEXTS, "object", None),
    "object of truths": (st.booleans(), "object", None),
    "object of both": (st.one_of(TEXTS, st.booleans(), INTEGERS), "object", np.nan),
    "string": (TEXTS, "string[python]", pd.NA),
    "category": (st.sampled_from("abc"), pd.CategoricalDtype(list("cabd")), np.nan),
    "ordered": (st.sampled_from("abc"), pd.CategoricalDtype(list("cabd"), ordered=True), np.nan),
    "numbered": (st.sampled_from([3, 1]), pd.CategoricalDtype([1, 2, 3]), np.nan),
    "datetime": (MOMENTS, "datetime64[us]", pd.NaT),
    "zone": (MOMENTS.map(lambda t: t.tz_localize("UTC")), "datetime64[ns, Europe/Madrid]", pd.NaT),
    "timedelta": (st.integers(0, 10**6).map(lambda h: pd.Timedelta(h, "h")), "timedelta64[s]", pd.NaT),
}


@st.composite
def frames(draw):
    n = draw(st.integers(1, 12))
    frame = pd.DataFrame(index=range(n))
    for name in draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6, unique=True)):
        values, dtype, missing = KINDS[name]
        cell = values if missing is ... else st.one_of(values, st.just(missing))
        frame[name] = pd.Series(draw(st.lists(cell, min_size=n, max_size=n)), dtype=dtype)
    return frame


@settings(max_examples=60, deadline=None)
@given(frames())
def test_a_mixed_frame_comes_back_as_it_was(frame):
    """Everything but floats exactly; floats to the 24 bits of the network's own."""
    back = round_trip(frame)
    assert list(back.columns) == list(frame.columns)
    assert isinstance(back.index, pd.RangeIndex)
    reals = [c for c in frame if "float" in c.lower()]
    assert_frame_equal(back.drop(columns=reals), frame.drop(columns=reals))
    for c in reals:
        assert back[c].dtype == frame[c].dtype
        assert (back[c].isna() == frame[c].isna()).all()
        v = frame[c].astype("float64").dropna()
        error = (back[c].astype("float64").dropna() - v).abs()
        assert (error <= 2e-7 * (v.abs() + (v - v.mean()).abs())).all()


def test_times_come_back_to_the_step_they_have():
    frame = pd.DataFrame(
        {
            "days": pd.date_range("1950-01-01", periods=2000, freq="17D"),
            "ns": pd.date_range("2001-01-01 03:04", periods=2000, freq="137min").as_unit("ns"),
            "tz": pd.date_range("2001-01-01", periods=2000, freq="D", tz="Asia/Tokyo"),
        }
    )
    assert_frame_equal(round_trip(frame), frame)
    codec = fitted(frame)
    noisy = codec.encode(frame) + 1e-5  # of a standard deviation: far less than a day
    assert (codec.decode(noisy)["days"].dt.normalize() == codec.decode(noisy)["days"]).all()


def test_columns_of_arrow_types():
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None, 7], dtype="int64[pyarrow]"),
            "f": pd.array([0.5, None, 2.0], dtype="double[pyarrow]"),
            "b": pd.array([True, False, None], dtype="bool[pyarrow]"),
            "s": pd.array(["x", None, "y"], dtype="string[pyarrow]"),
            "t": pd.to_datetime(["2020-01-01", None, "2021-01-01"]).astype("timestamp[us][pyarrow]"),
        }
    )
    assert_frame_equal(round_trip(frame), frame)


def test_columns_without_any_value_and_constant_ones():
    frame = pd.DataFrame(
        {"n": [np.nan] * 3, "t": pd.Series([pd.NaT] * 3), "o": pd.Series([None] * 3, dtype=object), "c": 1.5, "k": "k"}
    )
    codec = fitted(frame)
    assert torch.isfinite(codec.encode(frame)).all()
    assert_frame_equal(round_trip(frame), frame)


def test_one_row_is_enough():
    frame = pd.DataFrame({"a": [1.25], "b": ["x"], "c": [7]})
    assert_frame_equal(round_trip(frame), frame)
    np.testing.assert_array_equal(round_trip(np.array([[1.25, -3.0]]), "standard"), [[1.25, -3.0]])


def test_whole_numbers_stay_whole_and_within_the_range_that_fit_saw():
    frame = pd.DataFrame({"age": np.array([20, 60, 33], np.int16), "gaps": [1.0, np.nan, 4.0], "real": [0.5, 1.0, 2.0]})
    codec = fitted(frame)
    x = codec.encode(frame)
    x[0, 0], x[1, 0], x[:, 1] = 50.0, -50.0, x[:, 1] + 0.1
    out = codec.decode(x)
    assert out["age"].tolist() == [60, 20, 33]
    assert out["gaps"].tolist()[::2] == [1.0, 4.0]
    assert out["real"].iloc[2] == pytest.approx(2.0)


def test_integers_at_the_ends_of_their_type_do_not_overflow():
    for dtype in (np.int64, np.uint64, np.int8):
        info = np.iinfo(dtype)
        X = np.array([[info.min], [info.max]], dtype)
        for form, table in (("standard", X), ("columns", pd.DataFrame({"a": X[:, 0]}))):
            codec = fitted(table, form)
            out = np.asarray(codec.decode(codec.encode(table) * 9)).ravel().astype(float)
            np.testing.assert_allclose(out, X.ravel().astype(float), rtol=1e-6)


def test_columns_may_be_numbered_or_in_another_order(refused):
    frame = pd.DataFrame({"a": [1.0, 2.0], 5: ["x", "y"]}, index=[7, 9])
    codec = fitted(frame)
    assert torch.equal(codec.encode(frame[[5, "a"]]), codec.encode(frame))
    assert torch.equal(codec.encode(frame.to_numpy()), codec.encode(frame))
    with refused("lacks column 'a'", "pass the columns"):
        codec.encode(frame[[5]])
    with refused("column 'b'", "drop it"):
        codec.encode(frame.assign(b=1))


def test_arrays_of_objects_are_read_as_frames():
    X = np.array([[1.5, "red", None], [2.5, "blue", True]], dtype=object)
    out = round_trip(X)
    assert out.dtype == object
    assert out.tolist() == X.tolist()


# --- what the network sees ---


def test_blocks_as_the_spec_says():
    frame = pd.DataFrame(
        {
            "x": [1.0, 3.0, 5.0],
            "gaps": [np.nan, 0.5, 1.5],
            "b": [True, False, True],
            "c": pd.Categorical(["u", None, "v"], categories=["v", "w", "u"]),
        }
    )
    codec = codec_for(frame, "columns")
    spec = codec.fit(frame)
    assert (spec.kind, spec.form, spec.shape) == ("table", "columns", (9,))
    assert spec.columns == (Column("x", 0), Column("gaps", 1, missing=True), Column("b", 3, levels=2), Column("c", 5, levels=4))
    z = 1.5**0.5
    expected = [[-z, 0, 1, 0, 1, 0, 0, 1, 0], [0, -1, 0, 1, 0, 0, 0, 0, 1], [z, 1, 0, 0, 1, 1, 0, 0, 0]]
    torch.testing.assert_close(codec.encode(frame), torch.tensor(expected))


def test_decode_takes_the_likeliest_category_and_flags_over_half():
    frame = pd.DataFrame({"gaps": [np.nan, 0.0, 2.0], "c": ["u", None, "v"]})
    codec = fitted(frame)
    out = codec.decode(torch.tensor([[0.0, 0.6, 0.2, 0.5, 0.3], [1.0, 0.4, 0.1, 0.2, 0.7], [0.0, 0.0, 9.0, 1.0, 1.0]]))
    np.testing.assert_array_equal(out["gaps"], [np.nan, 2.0, 1.0])
    assert out["c"].isna().tolist() == [False, True, False]
    assert out["c"].tolist()[::2] == ["v", "u"]


@pytest.mark.parametrize("form", ["standard", "columns"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4", "int32", "uint8", "bool"])
def test_arrays_become_z_scores_and_come_back(form, dtype):
    X = (np.random.default_rng(0).normal(size=(200, 3)) * [1, 20, 3] + [0, 100, 50]).clip(0, 255).astype(dtype)
    X[:, 2] = 1
    codec = fitted(X, form)
    x = codec.encode(X)
    ours = X.astype(np.float64)
    expected = (ours - ours.mean(0)) / np.where(ours.std(0) > 0, ours.std(0), 1)
    np.testing.assert_allclose(x.numpy(), expected, atol=1e-5)
    assert torch.equal(x[5:9], codec.encode(X[5:9]))
    X.flags.writeable = False
    out = round_trip(X, form)
    assert out.dtype == X.dtype
    np.testing.assert_allclose(
        out.astype(np.float64), ours, rtol=1e-3 if dtype == "float16" else 2e-7, atol=2e-5 if "f" in dtype else 0
    )


def test_moments_of_pieces_are_those_of_the_whole(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(501, 4)) * [1e-6, 1, 1e6, 1] + [1e3, 0, 1e9, 5]
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:50, 1] = np.nan  # a piece without any value
    monkeypatch.setattr("venero.data.arrays.CHUNK", 40)
    mean, scale, low, high = fitted(X).stats
    np.testing.assert_allclose(mean, np.nanmean(X, 0), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(scale, np.nanstd(X, 0), rtol=1e-6)
    np.testing.assert_array_equal([low, high], [np.nanmin(X, 0), np.nanmax(X, 0)])


def test_lists_and_frames_of_numbers_can_be_standardised():
    rows = [[1, 10], [3, 30]]
    np.testing.assert_array_equal(round_trip(rows, "standard"), rows)
    frame = pd.DataFrame(rows, columns=["a", "b"]).astype({"b": "float32"})
    codec = codec_for(frame, "standard")
    assert codec.fit(frame).columns == ()
    assert_frame_equal(round_trip(frame, "standard"), frame)


# --- densities in the user's units ---


def test_a_known_density_comes_out_right_in_the_users_units():
    """log N(user) = log N(network) + log_det, whatever the units of the columns."""
    mean, cov = np.array([3.0, -200.0]), np.array([[0.01, 0.5], [0.5, 400.0]])
    X = stats.multivariate_normal(mean, cov).rvs(50, random_state=0)
    for form in ("standard", "columns"):
        codec = fitted(X, form)
        x = codec.encode(X)
        shift, scale = codec.stats[0], codec.stats[1]
        network = stats.multivariate_normal((mean - shift) / scale, cov / np.outer(scale, scale))
        log_p = network.logpdf(x.double().numpy()) + codec.log_det(x).numpy()
        np.testing.assert_allclose(log_p, stats.multivariate_normal(mean, cov).logpdf(X), rtol=1e-5, atol=1e-4)


def test_log_det_is_the_slope_of_encode_where_there_is_a_value():
    frame = pd.DataFrame({"a": [1.0, 4.0, 9.0], "gaps": [np.nan, 100.0, 300.0], "c": ["u", "v", "u"]})
    codec = fitted(frame)
    x = codec.encode(frame)
    moved = codec.encode(frame.assign(a=frame["a"] + 1, gaps=frame["gaps"] + 1))
    slopes = (moved - x)[:, [0, 1]].double()
    slopes[0, 1] = 1  # missing: the block has no density, only a probability
    torch.testing.assert_close(codec.log_det(x).double(), slopes.log().sum(1), rtol=1e-4, atol=1e-4)


# --- refusals ---


@pytest.mark.parametrize(
    ("X", "problem", "way_out"),
    [
        (np.array([[1.0, np.nan], [2.0, 3.0]]), "missing values (NaN) in column 1", "a model for mixed tables"),
        (pd.DataFrame({"a": [1.0, np.nan]}), "missing values (NaN) in column 'a'", "fill them in"),
        (pd.DataFrame({"a": ["x", "y"]}), "text or categories in column 'a'", "drop it"),
        (np.array([["1", "abc"]]), "text or categories in column 0", "a model for mixed tables"),
        (np.array([[1.0], [np.inf]]), "infinite values (inf) in column 0", "replace them"),
        (np.array([[1e200], [-1e200]]), "too large to square in column 0", "take logarithms"),
    ],
)
def test_what_standard_refuses(X, problem, way_out, refused):
    with refused(problem, way_out):
        fitted(X, "standard")


@pytest.mark.parametrize(
    ("X", "problem", "way_out"),
    [
        (pd.DataFrame({"a": [1.0, -np.inf]}), "infinite values (inf) in column 'a'", "replace them"),
        (pd.DataFrame({"id": [f"name {i}" for i in range(300)]}), "300 different texts in 300 rows", "drop it"),
        (pd.DataFrame({"l": [[1], [2]]}), "lists", "drop it"),
        (pd.DataFrame({"p": pd.period_range("2001", periods=2, freq="Y")}), "dtype period", "convert it"),
        (pd.DataFrame({"i": pd.cut([1, 2, 3], 2)}), "type Interval", ".astype(str)"),
        (pd.DataFrame({"z": [1j, 2j]}), "complex", "convert it"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns named 'a'", "different names"),
        (pd.DataFrame([[1]], columns=[("a", "b")]), "('a', 'b')", "rename it"),
        (pd.DataFrame({"a": []}), "0 rows", "at least 1"),
        (pd.DataFrame(index=[0, 1]), "shape (0,)", "at least 1"),
        (np.zeros((0, 3)), "0 rows", "at least 1"),
        (np.zeros((3, 0)), "shape (0,)", "at least 1"),
    ],
)
def test_what_columns_refuses(X, problem, way_out, refused):
    with refused(problem, way_out):
        fitted(X)


def test_what_columns_refuses_after_fit(refused):
    frame = pd.DataFrame({"n": [1.0, 2.0], "c": ["u", "v"], "t": pd.to_datetime(["2020-01-01", "2021-01-01"])})
    codec = fitted(frame)
    with refused("column 'c' has 'w'", "known 'u', 'v'"):
        codec.encode(frame.assign(c=["u", "w"]))
    with refused("column 'c' has 3", "known 'u', 'v'"):
        codec.encode(frame.assign(c=np.array([3, 3])))
    with refused("missing values (NaN) in column 'n'", "fill them in"):
        codec.encode(frame.assign(n=[1.0, np.nan]))
    with refused("missing values (NaN) in column 'c'", "fill them in"):
        codec.encode(frame.assign(c=["u", None]))
    with refused("column 'n' holds numbers, X has 'two'", "correct it"):
        codec.encode(frame.assign(n=[1.0, "two"]))
    with refused("column 't'", "convert it"):
        codec.encode(frame.assign(t=["soon", "later"]))


def test_what_arrays_refuse_after_fit(refused):
    codec = fitted(np.eye(3), "standard")
    with refused("shape (2, 2)", "pass a table of 3 columns"):
        codec.encode(np.eye(2))
    with refused("'abc' in column 1", "correct it"):
        codec.encode(np.array([[1, "abc", 2]], dtype=object))
    with refused("missing values (NaN) in column 2", "fill them in"):
        codec.encode(np.array([[1.0, 2.0, np.nan]]))


def test_many_texts_are_categories_where_they_repeat():
    frame = pd.DataFrame({"c": [f"kind {i % 300}" for i in range(700)]})
    assert_frame_equal(round_trip(frame), frame)
