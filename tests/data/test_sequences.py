"""Sequences as data: what they are told by, their codecs there and back, lengths in batches, unknown places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from venero.core.errors import DataError
from venero.core.inputs import array_or_frame
from venero.data.arrays import kind_of
from venero.data.codecs import CODECS, codec_for
from venero.data.data import Data, joined
from venero.data.series import Series
from venero.data.unknowns import lengthened, put_back

RNG = np.random.default_rng(0)
RAGGED = [RNG.normal(5, 3, (t, 2)) for t in (4, 1, 7)]
SERIES = {
    "ragged": RAGGED,
    "array": RNG.normal(size=(3, 5, 2)),
    "one channel": [RNG.normal(size=t) for t in (3, 6)],
    "equal": Series([np.ones((2, 2)), np.zeros((2, 2))]),
    "counts": [np.array([[1], [5]]), np.array([[2], [9], [3]])],
    "float32": [r.astype(np.float32) for r in RAGGED],
}
SYMBOLS = {
    "text": ["to be", "or not", "x"],
    "words": [["to", "be"], ["or"]],
    "numbers": [[3, 1, 4], [1, 5]],
    "arrays": [np.array([7, 9]), np.array([9], dtype=np.int32)],
    "array": np.array([[1, 2], [2, 8]], dtype=np.uint8),
}


def there(X, form, kind):
    codec = codec_for(X, form, kind)
    spec = codec.fit(X)
    again = CODECS[codec.name].restore(*codec.state())
    torch.testing.assert_close(again.encode(X), codec.encode(X), rtol=0, atol=0, equal_nan=True)
    return again, spec, Data.of(X, again, spec).head(10)


@pytest.mark.parametrize("form", ["gaps", "raw"])
@pytest.mark.parametrize("X", SERIES.values(), ids=SERIES.keys())
def test_series_come_back_as_they_were(X, form):
    codec, spec, batch = there(X, form, "series")
    assert spec.kind == "series"
    assert batch.x.shape[1:] == spec.shape
    assert batch.lengths.tolist() == [len(x) for x in X]
    back = codec.decode(batch.x, batch.lengths)
    assert type(back) is type(X)
    for a, b in zip(X, back, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("X", SYMBOLS.values(), ids=SYMBOLS.keys())
def test_symbols_come_back_as_they_were(X):
    codec, spec, batch = there(X, "symbols", "symbols")
    assert spec.levels == len({s for row in X for s in row})
    assert batch.x.dtype == torch.int64
    back = codec.decode(batch.x, batch.lengths)
    assert type(back) is type(X)
    for a, b in zip(X, back, strict=True):
        assert list(a) == list(b)
        assert getattr(a, "dtype", None) == getattr(b, "dtype", None) or X is SYMBOLS["arrays"]


def test_what_sequences_are_told_by():
    assert {kind_of(X) for X in (RAGGED, SERIES["one channel"], SERIES["equal"])} == {"series"}
    assert (kind_of(["a", "b"]), kind_of([["a"], ["b", "c"]]), kind_of([[1], [2, 3]])) == ("text", "symbols", "symbols")
    assert kind_of([[1, 2], [3, 4]], ("symbols",)) == "symbols"
    assert kind_of([[1, 2], [3, 4]], ("symbols", "table")) == "table"
    assert kind_of([[1.5, 2], [3, 4]], ("symbols",)) == "table"
    assert kind_of(np.zeros((3, 4, 2)), ("series",)) == "series"
    assert kind_of(np.zeros((3, 4)), ("series",)) == "table", "n series of one channel, or one of many: the user must say"


def test_series_are_scaled_by_channel_and_a_gap_stays_one():
    X = [x.copy() for x in RAGGED]
    X[2][3, 1] = np.nan
    codec, _, batch = there(X, "gaps", "series")
    steps = torch.cat([row[:t] for row, t in zip(batch.x, batch.lengths, strict=True)])
    assert int(torch.isnan(steps).sum()) == int(torch.isnan(batch.x[2, 3, 1])) == 1
    torch.testing.assert_close(steps.nanmean(0), torch.zeros(2), atol=1e-5, rtol=0)
    np.testing.assert_allclose(np.nanstd(steps, 0), 1, rtol=1e-5)
    sds = np.nanstd(np.concatenate(X), axis=0)
    np.testing.assert_allclose(
        codec.log_det(batch.x, batch.lengths),
        [-(4 * np.log(sds)).sum(), -np.log(sds).sum(), -(7 * np.log(sds[0]) + 6 * np.log(sds[1]))],
        rtol=1e-5,
    )


@pytest.mark.parametrize("form", ["gaps", "raw"])
def test_tables_with_gaps(form):
    X = np.array([[1.0, 10.0], [np.nan, 20.0], [3.0, 60.0]])
    codec = codec_for(X, form)
    assert codec.fit(X).shape == (2,)
    x = codec.encode(X)
    assert torch.equal(torch.isnan(x), torch.from_numpy(np.isnan(X)))
    sd = [1.0, np.std(X[:, 1])] if form == "gaps" else [1.0, 1.0]
    np.testing.assert_allclose(codec.log_det(x), [-np.log(sd).sum(), -np.log(sd[1]), -np.log(sd).sum()], atol=1e-6)
    np.testing.assert_allclose(codec.decode(x[[0, 2]]), X[[0, 2]], rtol=1e-6)
    if form == "raw":
        np.testing.assert_array_equal(x, X)


def test_a_batch_is_as_long_as_its_longest():
    codec, spec, _ = there(RAGGED, "gaps", "series")
    data = Data.of(RAGGED, codec, spec)
    assert data.batch(torch.tensor([1, 0])).x.shape == (2, 4, 2)
    assert data.subset(torch.tensor([1])).head(5).x.shape == (1, 1, 2)
    shorter = Data.of(RAGGED[:2], codec, spec)
    assert shorter.checksum() != data.checksum()
    assert joined([torch.ones(1, 2, 3), torch.ones(2, 1, 3)]).sum() == 12


def test_unknown_places_and_what_is_put_back():
    X = [np.array([[1.0, np.nan], [2.0, 5.0]]), np.array([[7.0, 8.0]])]
    rows, known = lengthened(X, "series", [[True, False], [True]], 3, None)
    assert [m.tolist() for m in known] == [
        [[True, False], [False, False], [False, False]],
        [[True, True], [False] * 2, [False] * 2],
    ]
    assert all(np.array_equal(np.isnan(r), ~m) for r, m in zip(rows, known, strict=True))
    made = [np.full((3, 2), -1.0), np.full((3, 2), -2.0)]
    assert put_back(X, known, made)[0].tolist() == [[1.0, -1.0], [-1.0, -1.0], [-1.0, -1.0]]
    rows, known = lengthened(["abc"], "symbols", None, 5, "a")
    assert put_back(["abc"], known, ["zzzzz"]) == ["abczz"]
    assert put_back([[3, None, 4]], lengthened([[3, None, 4]], "symbols", None, None, 3)[1], [[0, 0, 0]]) == [[3, 0, 4]]
    with pytest.raises(DataError, match="known has 1 masks for 2"):
        lengthened(X, "series", [[True]], None, None)


@pytest.mark.parametrize(
    ("X", "takes", "problem"),
    [
        ([], "series", "X is empty"),
        ([], "text", "X is empty"),
        (["", "a"], "text", r"X\[0\] is empty: leave"),
        ([[1], []], "symbols", r"X\[1\] is empty: leave"),
        ([np.ones((3, 2)), np.ones((0, 2))], "series", r"X\[1\] is empty"),
        ([np.ones((3, 2)), np.ones((4, 3))], "series", r"X\[1\] has shape \(4, 3\).*same channels"),
        ([np.ones((3, 2)), np.full((4, 2), np.inf)], "series", r"X\[1\] has infinite values"),
        (np.ones((3, 2)), "series", "takes series data, and this is table data"),
    ],
)
def test_sequences_that_are_refused(X, takes, problem):
    Takes = type("Takes", (), {"forms": {takes: "gaps"}})
    from venero.core.estimator import Estimator

    with pytest.raises(DataError, match=problem) as e:
        Estimator._form(Takes, array_or_frame(X, Takes.forms))
    assert "\n" not in str(e.value)


def test_a_channel_or_column_of_nothing_is_named():
    hollow = np.array([[1.0, np.nan], [2.0, np.nan]])
    with pytest.raises(DataError, match=r"nothing but missing values \(NaN\) in channel 1"):
        codec_for([hollow], "gaps", "series").fit([hollow])
    with pytest.raises(DataError, match=r"nothing but missing values \(NaN\) in column 1"):
        codec_for(hollow, "gaps").fit(hollow)


def test_a_symbol_never_seen():
    codec = codec_for(["abba"], "symbols")
    codec.fit(["abba"])
    with pytest.raises(DataError, match=r"X\[1\] has 'c' at place 1, which fit did not see"):
        codec.encode(["a", "bc"])
    codec.takes_unseen = True
    assert codec.encode(["abc"]).tolist() == [[0, 1, 2]], "the place after the last known one"
    with pytest.raises(DataError, match="mixes texts and numbers"):
        codec_for([["a", 1], ["b"]], "symbols").fit([["a", 1], ["b"]])
