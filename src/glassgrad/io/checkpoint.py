"""Checkpoints: everything needed to go on training, arrays and plain values, in one safetensors file.

The arrays are the file's arrays; the state is JSON in its metadata, beside the version of this layout. It is
one file, so that parameters and state can never be of different moments.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import Any

from glassgrad.errors import ArgumentError, CheckpointError
from glassgrad.io.parameters import Arrays, load_arrays, save_arrays

VERSION = 1
VERSION_KEY = "glassgrad.checkpoint"
STATE_KEY = "glassgrad.state"


@dataclass(frozen=True, eq=False)  # arrays have no single truth value to compare by
class Checkpoint:
    """A moment of training: `arrays` by name, and `state` of what JSON can hold.

    arrays: as `save_arrays` takes them.
    state: dicts with str keys, lists, str, int, float, bool and None, nested at will. Floats come back
        exactly, nan and the infinities included; a tuple comes back as a list.

    >>> Checkpoint(arrays={}, state={"epoch": 3}).state["epoch"]
    3
    """

    arrays: Arrays
    state: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write `checkpoint` into the file `path`, atomically: after a kill it is the old file or the new one.

    Raises ArgumentError for a state that JSON cannot hold (it names the entry), DTypeError for an array's
    dtype, and CheckpointError when the file cannot be written (the previous file is then unchanged).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(folder + "/last.safetensors", Checkpoint({}, {"loss": 0.1, "best": float("inf")}))
    ...     load_checkpoint(folder + "/last.safetensors").state
    {'loss': 0.1, 'best': inf}
    """
    if not isinstance(checkpoint.state, dict):
        raise ArgumentError(f"state is a {type(checkpoint.state).__name__}; expected a dict with str keys.")
    try:
        _require_json(checkpoint.state, "state")
        # Python writes floats in their shortest exact form, and NaN and Infinity, which JSON proper lacks.
        state = json.dumps(checkpoint.state)
    except RecursionError as error:
        raise ArgumentError("state contains itself, or is nested too deeply. Make it flatter.") from error
    save_arrays(path, checkpoint.arrays, {VERSION_KEY: str(VERSION), STATE_KEY: state}, what="checkpoint")


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read the checkpoint in the file `path`.

    Raises CheckpointError when the file is missing, unreadable, a safetensors file that is no checkpoint, or
    a checkpoint of a newer glassgrad.
    """
    arrays, metadata = load_arrays(path)
    if VERSION_KEY not in metadata:
        raise CheckpointError(
            f"{path} is a safetensors file but no glassgrad checkpoint: expected {VERSION_KEY!r} in its "
            f"metadata, found {', '.join(map(repr, sorted(metadata))) or 'no metadata'}. It holds "
            f"{len(arrays)} arrays: to use them as parameters, read it with glassgrad.io.load_arrays."
        )
    _require_known_version(path, metadata[VERSION_KEY])
    try:
        state = json.loads(metadata[STATE_KEY])
    except (KeyError, ValueError, RecursionError) as error:
        raise _damaged(path, f"no JSON under {STATE_KEY!r} in its metadata") from error
    if not isinstance(state, dict):
        raise _damaged(path, f"a {type(state).__name__} under {STATE_KEY!r} in its metadata, not a dict")
    return Checkpoint(arrays, state)


def _require_known_version(path: str | os.PathLike[str], version: str) -> None:
    if version == str(VERSION):
        return
    if re.fullmatch("[0-9]{1,9}", version) and int(version) > VERSION:
        raise CheckpointError(
            f"{path} is a checkpoint of version {version}; this glassgrad reads version {VERSION}. "
            f"A newer one wrote it: pip install --upgrade glassgrad"
        )
    raise _damaged(path, f"version {version!r}, expected '{VERSION}'")


def _damaged(path: str | os.PathLike[str], found: str) -> CheckpointError:
    return CheckpointError(f"{path} is a damaged checkpoint: it has {found}. Use an earlier checkpoint.")


def _require_json(value: object, where: str) -> None:
    """Refuse what JSON would lose or change."""
    if value is None or isinstance(value, str | bool | int | float):
        return
    if not isinstance(value, dict | list | tuple):
        raise ArgumentError(
            f"{where} is a {type(value).__name__}, which a checkpoint's state cannot hold; expected None, "
            f"bool, int, float, str, or a list or dict of them. Put arrays into Checkpoint.arrays, and NumPy "
            f"numbers through .item()."
        )
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ArgumentError(
                    f"{where} has the key {key!r}, a {type(key).__name__}, which would come back as a str. "
                    f"Use str keys."
                )
            _require_json(item, f"{where}[{key!r}]")
    else:
        for index, item in enumerate(value):
            _require_json(item, f"{where}[{index}]")
