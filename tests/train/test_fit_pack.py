"""Packing nested states into a checkpoint file and back, equal in every bit and type."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import glassgrad as gg
from glassgrad.io import Checkpoint, load_checkpoint, save_checkpoint
from glassgrad.train.pack import pack, unpack

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=5),
)
keys = st.one_of(st.text(max_size=5), st.sampled_from(["$array", "$dict", "a", "a.b"]), st.integers(0, 3))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
    ),
    max_leaves=10,
)


@given(tree=st.dictionaries(st.sampled_from("abc"), trees, max_size=3))
def test_plain_values_come_back(tree):
    assert unpack(pack(tree)) == tree


def test_arrays_come_back_through_a_file_with_their_kind(tmp_path):
    tree = {
        "a": {"b": np.arange(3, dtype=np.int8), "c": np.float32(0.1)},
        "a.b": np.zeros((2, 0), np.float64),
        "t": (gg.tensor([1.5]), [np.array(7)]),
        "numbered": {0: np.ones(2), "0": np.zeros(1)},
    }
    file = tmp_path / "state.safetensors"
    save_checkpoint(file, pack(tree))
    back = unpack(load_checkpoint(file))
    assert back["a"]["b"].tolist() == [0, 1, 2]
    assert back["a"]["b"].dtype == np.int8
    assert type(back["a"]["c"]) is np.float32
    assert back["a"]["c"] == np.float32(0.1)
    assert back["a.b"].shape == (2, 0)
    assert isinstance(back["t"], tuple)
    assert isinstance(back["t"][0], gg.Tensor)
    assert back["t"][0].tolist() == [1.5]
    assert isinstance(back["t"][1][0], np.ndarray)
    assert back["t"][1][0].shape == ()
    assert back["numbered"][0].tolist() == [1, 1]
    assert back["numbered"]["0"].tolist() == [0]


def test_missing_array():
    with pytest.raises(gg.CheckpointError) as raised:
        unpack(Checkpoint({}, {"model": {"$array": "model"}}))
    assert str(raised.value) == "it is damaged: it lacks the array 'model'. Use an earlier checkpoint."


def test_what_no_checkpoint_holds_is_refused_by_name(tmp_path):
    with pytest.raises(gg.ArgumentError, match=r"state\['callback'\]\['count'\] is a set"):
        save_checkpoint(tmp_path / "file", pack({"callback": {"count": {1, 2}}}))
