"""Nested states as a checkpoint holds them: arrays by name, and the rest as JSON with a mark where each array was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CheckpointError
from ..io import Checkpoint
from ..tensor import Tensor

# A dict with one of these as its only key stands for something that JSON cannot hold.
ARRAY, SCALAR, TENSOR, TUPLE, DICT = "$array", "$scalar", "$tensor", "$tuple", "$dict"
MARKS = {ARRAY, SCALAR, TENSOR, TUPLE, DICT}


def pack(tree: Mapping[str, Any]) -> Checkpoint:
    """Return `tree` as a checkpoint: `unpack` gives it back, equal in every bit and type.

    tree: dicts (with keys of any kind that is allowed here), lists, tuples, tensors, NumPy arrays and scalars,
        str, int, float, bool and None, nested at will.

    >>> checkpoint = pack({"momentum": {0: np.zeros(2)}, "betas": (0.9, 0.999)})
    >>> checkpoint.arrays
    {'momentum.0': array([0., 0.])}
    >>> unpack(checkpoint)
    {'momentum': {0: array([0., 0.])}, 'betas': (0.9, 0.999)}
    """
    arrays: dict[str, Any] = {}
    state = {name: _pack(value, name, arrays) for name, value in tree.items()}
    return Checkpoint(arrays, state)


def unpack(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the tree that `pack` was given.

    Raises CheckpointError when the state names an array that the checkpoint lacks.
    """
    return {name: _unpack(value, checkpoint.arrays) for name, value in checkpoint.state.items()}


def _pack(value: Any, name: str, arrays: dict[str, Any]) -> Any:
    if isinstance(value, Tensor):
        return {TENSOR: _store(value.numpy(), name, arrays)}
    if isinstance(value, np.ndarray):
        return {ARRAY: _store(value, name, arrays)}
    if isinstance(value, np.generic):
        return {SCALAR: _store(np.asarray(value), name, arrays)}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value) and not MARKS.intersection(value):
            return {key: _pack(item, f"{name}.{key}", arrays) for key, item in value.items()}
        pairs = value.items()
        return {
            DICT: [[_pack(key, name, arrays), _pack(item, f"{name}.{key}", arrays)] for key, item in pairs]
        }
    if isinstance(value, list | tuple):
        items = [_pack(item, f"{name}.{place}", arrays) for place, item in enumerate(value)]
        return {TUPLE: items} if isinstance(value, tuple) else items
    return value  # what JSON cannot hold either, save_checkpoint refuses by name


def _store(array: npt.NDArray[Any], name: str, arrays: dict[str, Any]) -> str:
    """Keep `array` under `name`, lengthened where a dict has both the keys "a.b" and "a" with "b" in it."""
    while name in arrays:
        name += "+"
    arrays[name] = array
    return name


def _unpack(value: Any, arrays: Mapping[str, Any]) -> Any:
    match value:
        case {"$tensor": name}:
            return Tensor(_array(name, arrays))
        case {"$array": name}:
            return _array(name, arrays)
        case {"$scalar": name}:
            return _array(name, arrays)[()]
        case {"$tuple": items}:
            return tuple(_unpack(item, arrays) for item in items)
        case {"$dict": items}:
            return {_unpack(key, arrays): _unpack(item, arrays) for key, item in items}
        case dict():
            return {key: _unpack(item, arrays) for key, item in value.items()}
        case list():
            return [_unpack(item, arrays) for item in value]
    return value


def _array(name: str, arrays: Mapping[str, Any]) -> Any:
    if name not in arrays:
        raise CheckpointError(f"it is damaged: it lacks the array {name!r}. Use an earlier checkpoint.")
    return arrays[name]
