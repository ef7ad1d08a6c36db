"""Checkpoints: arrays and state come back exactly, and other files are told apart."""

from __future__ import annotations

import errno
import math
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors
from hypothesis import given, settings, strategies as st

from glassgrad.errors import ArgumentError, CheckpointError, DTypeError
from glassgrad.io.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from glassgrad.io.parameters import save_arrays


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def round_trip(folder: Path, state: dict) -> dict:
    save_checkpoint(folder / "file", Checkpoint({}, state))
    return load_checkpoint(folder / "file").state


def error_from(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    return str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(state=st.dictionaries(st.text(), json_values))
@settings(max_examples=150, deadline=None)
def test_any_state_comes_back(tmp_path_factory, state: dict):
    loaded = round_trip(tmp_path_factory.getbasetemp(), state)
    assert loaded == state
    assert repr(loaded) == repr(state)  # also tells 1 from 1.0 and from True, and 0.0 from -0.0


@given(value=st.floats())
@settings(max_examples=100, deadline=None)
def test_floats_come_back_exactly(tmp_path_factory, value: float):
    (loaded,) = round_trip(tmp_path_factory.getbasetemp(), {"values": [value]})["values"]
    assert math.isnan(loaded) if math.isnan(value) else bits(loaded) == bits(value)


def test_arrays_and_state_come_back_from_one_file(tmp_path: Path):
    arrays = {"model.weight": np.array([[0.1, np.nan]], np.float32), "optimizer.step": np.array(7)}
    state = {
        "epoch": 3,
        "random": {"bit_generator": "Philox", "counter": [2**64 - 1, 2**200]},
        "betas": (0.9, 0.999),
        "best": float("inf"),
        "worst": float("-inf"),
        "unknown": float("nan"),
        "note": "é \ud800",
        "resumed": False,
        "schedule": None,
    }
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, Checkpoint(arrays, state))
    assert list(tmp_path.iterdir()) == [path]
    loaded = load_checkpoint(path)
    assert loaded.arrays["model.weight"].tobytes() == arrays["model.weight"].tobytes()
    assert (loaded.arrays["optimizer.step"].shape, loaded.arrays["optimizer.step"].item()) == ((), 7)
    assert math.isnan(loaded.state.pop("unknown"))
    assert loaded.state == {
        "epoch": 3,
        "random": {"bit_generator": "Philox", "counter": [18446744073709551615, 1 << 200]},
        "betas": [0.9, 0.999],
        "best": math.inf,
        "worst": -math.inf,
        "note": "é \ud800",
        "resumed": False,
        "schedule": None,
    }


def test_the_layout_of_the_file(tmp_path: Path):
    """What is promised to other readers: one safetensors file, two texts in its metadata."""
    save_checkpoint(tmp_path / "file", Checkpoint({"w": np.ones(2)}, {"epoch": 3, "best": math.nan}))
    with safetensors.safe_open(tmp_path / "file", framework="numpy") as file:
        assert file.metadata() == {
            "glassgrad.checkpoint": "1",
            "glassgrad.state": '{"epoch": 3, "best": NaN}',
        }
        assert file.get_tensor("w").tolist() == [1, 1]


def test_the_same_checkpoint_is_the_same_file(tmp_path: Path):
    files = set()
    for _ in range(10):
        save_checkpoint(tmp_path / "file", Checkpoint({"w": np.ones(2)}, {"epoch": 3}))
        files.add((tmp_path / "file").read_bytes())
    assert len(files) == 1


@pytest.mark.parametrize(
    ("state", "where", "kind"),
    [
        ({"model": {"weights": [0, np.zeros(2)]}}, "state['model']['weights'][1]", "ndarray"),
        ({"loss": np.float32(1)}, "state['loss']", "float32"),
        ({"step": np.int64(1)}, "state['step']", "int64"),
        ({"names": {"a", "b"}}, "state['names']", "set"),
        ({"raw": b"x"}, "state['raw']", "bytes"),
        ({"value": 1j}, "state['value']", "complex"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_its_place(tmp_path: Path, state: dict, where: str, kind: str):
    with pytest.raises(ArgumentError) as caught:
        save_checkpoint(tmp_path / "file", Checkpoint({}, state))
    assert str(caught.value) == (
        f"{where} is a {kind}, which a checkpoint's state cannot hold; expected None, bool, int, float, str, "
        f"or a list or dict of them. Put arrays into Checkpoint.arrays, and NumPy numbers through .item()."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_json_would_change_is_refused(tmp_path: Path):
    with pytest.raises(ArgumentError) as caught:
        save_checkpoint(tmp_path / "file", Checkpoint({}, {"groups": [{0: "a"}]}))
    assert str(caught.value) == (
        "state['groups'][0] has the key 0, a int, which would come back as a str. Use str keys."
    )


def test_a_state_that_is_no_dict_or_contains_itself_is_refused(tmp_path: Path):
    with pytest.raises(ArgumentError, match=r"^state is a list; expected a dict with str keys\.$"):
        save_checkpoint(tmp_path / "file", Checkpoint({}, [1, 2]))  # type: ignore[arg-type]
    loop: dict = {}
    loop["again"] = loop
    with pytest.raises(
        ArgumentError, match=r"^state contains itself, or is nested too deeply\. Make it flatter\.$"
    ):
        save_checkpoint(tmp_path / "file", Checkpoint({}, loop))


def test_an_array_of_another_dtype_is_refused_by_name(tmp_path: Path):
    with pytest.raises(
        DTypeError, match=r"^'optimizer\.names' has dtype object, which a parameter file cannot"
    ):
        save_checkpoint(tmp_path / "file", Checkpoint({"optimizer.names": np.array([None])}))


@pytest.mark.parametrize(
    ("metadata", "found"), [({}, "no metadata"), ({"format": "pt", "a": ""}, "'a', 'format'")]
)
def test_plain_parameters_are_no_checkpoint(tmp_path: Path, metadata: dict, found: str):
    path = tmp_path / "model.safetensors"
    save_arrays(path, {"weight": np.ones(2), "bias": np.ones(1)}, metadata)
    assert error_from(path) == (
        f"{path} is a safetensors file but no glassgrad checkpoint: expected 'glassgrad.checkpoint' in its "
        f"metadata, found {found}. It holds 2 arrays: to use them as parameters, read it with "
        "glassgrad.io.load_arrays."
    )


def test_a_newer_version_is_refused_with_the_cure(tmp_path: Path):
    path = tmp_path / "file"
    save_arrays(path, {}, {"glassgrad.checkpoint": "2", "glassgrad.state": "{}"})
    assert error_from(path) == (
        f"{path} is a checkpoint of version 2; this glassgrad reads version 1. A newer one wrote it: "
        f"pip install --upgrade glassgrad"
    )


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        ({"glassgrad.checkpoint": "one"}, "version 'one', expected '1'"),
        ({"glassgrad.checkpoint": "0"}, "version '0', expected '1'"),
        ({"glassgrad.checkpoint": "9" * 5000}, f"version '{'9' * 5000}', expected '1'"),
        ({"glassgrad.checkpoint": "1"}, "no JSON under 'glassgrad.state' in its metadata"),
        (
            {"glassgrad.checkpoint": "1", "glassgrad.state": '{"epoch":'},
            "no JSON under 'glassgrad.state' in its metadata",
        ),
        (
            {"glassgrad.checkpoint": "1", "glassgrad.state": "[" * 100_000},
            "no JSON under 'glassgrad.state' in its metadata",
        ),
        (
            {"glassgrad.checkpoint": "1", "glassgrad.state": "[1]"},
            "a list under 'glassgrad.state' in its metadata, not a dict",
        ),
    ],
)
def test_a_damaged_checkpoint(tmp_path: Path, metadata: dict, found: str):
    path = tmp_path / "file"
    save_arrays(path, {}, metadata)
    assert error_from(path) == f"{path} is a damaged checkpoint: it has {found}. Use an earlier checkpoint."


def test_a_missing_checkpoint(tmp_path: Path):
    assert error_from(tmp_path / "last") == f"there is no file {tmp_path / 'last'}. Check the path."


def test_a_full_disk_names_the_checkpoint_and_leaves_the_old_one(tmp_path: Path, monkeypatch):
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, Checkpoint({"w": np.ones(2)}, {"epoch": 1}))

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError) as caught:
        save_checkpoint(path, Checkpoint({"w": np.zeros(2)}, {"epoch": 2}))
    assert str(caught.value) == (
        f"could not write the checkpoint {path}: No space left on device (ENOSPC). The previous file is "
        f"unchanged. Free some space on this disk, or write to a folder on another one."
    )
    assert load_checkpoint(path).state == {"epoch": 1}


def test_a_kill_while_saving_leaves_the_old_checkpoint(tmp_path: Path):
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, Checkpoint({"w": np.ones(2)}, {"epoch": 1}))
    program = """if True:
        import os, sys
        import numpy as np
        from glassgrad.io import Checkpoint, save_checkpoint
        os.replace = lambda *arguments: os._exit(9)
        save_checkpoint(sys.argv[1], Checkpoint({"w": np.zeros(2)}, {"epoch": 2}))
    """
    result = subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    assert result.returncode == 9
    loaded = load_checkpoint(path)
    assert loaded.state == {"epoch": 1}
    assert loaded.arrays["w"].tolist() == [1, 1]
