"""A gap in the held-out rows alone is no trouble: what a Dataset split off, its train rows know of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from venero.data.codecs import codec_for
from venero.data.datasets import Dataset


def test_gaps_of_the_test_part_have_room_in_a_codec_of_the_train_part() -> None:
    frame = pd.DataFrame({"a": np.arange(40.0), "b": ["x", "y"] * 20, "c": np.arange(40.0)})
    _, test = Dataset(frame).split(0.25)
    rows = np.flatnonzero(frame["a"].isin(test.X["a"]))
    frame.loc[rows[0], "a"], frame.loc[rows[1], "b"] = np.nan, None
    train, test = Dataset(frame).split(0.25)
    assert not train.X.isna().any().any() and test.X.isna().any().any()
    codec = codec_for(train.X, "columns")
    spec = codec.fit(train.X)
    assert [(c.name, c.levels, c.missing) for c in spec.columns] == [("a", 0, True), ("b", 3, False), ("c", 0, False)]
    back = codec.decode(codec.encode(test.X))
    assert (back.isna().to_numpy() == test.X.isna().to_numpy()).all()
