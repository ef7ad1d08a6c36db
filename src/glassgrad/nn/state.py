"""Loading a state: named arrays into the parameters and buffers of the same names, all of them or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, CheckpointError
from ..tensor import Tensor
from .parameter import Cell


class IncompatibleKeys(NamedTuple):
    """The names that only one side had."""

    missing_keys: list[str]
    """Names of the model that the state lacks."""
    unexpected_keys: list[str]
    """Names of the state that the model lacks."""


def load_state(
    model: str, cells: Sequence[tuple[str, Cell]], state: Mapping[str, Any], strict: bool
) -> IncompatibleKeys:
    """Assign the arrays of `state` to the cells of the same names; `model` is the model's name, for messages.

    A cell with several names needs only one of them. Raises CheckpointError with all problems, having changed nothing.
    """
    if not isinstance(state, Mapping):
        raise ArgumentError(
            f"load_state_dict takes a dict of arrays by name; got {type(state).__name__}. "
            f"arrays, metadata = gg.io.load_arrays(path) reads one from a file."
        )
    names = {name for name, _ in cells}
    supplied = {id(cell) for name, cell in cells if name in state}
    missing = [name for name, cell in cells if id(cell) not in supplied]
    unexpected = [name for name in state if name not in names]
    arrays, problems = _read(cells, state)
    if strict:
        shapes = {name: cell.shape for name, cell in cells}
        lacks = (f"missing: {name!r} of shape {shapes[name]}{_nearest(name, unexpected)}" for name in missing)
        extra = (f"unexpected: {name!r}{_nearest(name, missing)}" for name in unexpected)
        problems = [*lacks, *extra, *problems]
    if problems:
        raise CheckpointError(
            f"the state does not fit {model}, and nothing was changed. Make the model as it was when the state was "
            f"taken:\n  " + "\n  ".join(problems)
        )
    for cell, array in arrays:
        cell.assign(array)
    return IncompatibleKeys(missing, unexpected)


def _read(
    cells: Sequence[tuple[str, Cell]], state: Mapping[str, Any]
) -> tuple[list[tuple[Cell, Any]], list[str]]:
    """The arrays for the cells in their dtypes, and what is wrong with others."""
    arrays: dict[int, tuple[str, Cell, Any]] = {}
    problems: list[str] = []
    for name, cell in cells:
        if name not in state:
            continue
        given = state[name]
        try:
            array = given.numpy() if isinstance(given, Tensor) else np.asarray(given)
        except Exception as problem:  # whatever a foreign array raises, it belongs into the list
            problems.append(
                f"unreadable: {name!r} is a {type(given).__name__} that NumPy cannot read: {problem}"
            )
            continue
        if array.shape != cell.shape:
            problems.append(f"shape: {name!r} is {cell.shape} here and {array.shape} in the state")
        elif array.dtype.kind != cell.dtype.kind:
            problems.append(f"dtype: {name!r} is {cell.dtype} here and {array.dtype} in the state")
        elif id(cell) in arrays and not np.array_equal(arrays[id(cell)][2], array, equal_nan=True):
            problems.append(
                f"conflict: {arrays[id(cell)][0]!r} and {name!r} are one tensor here and differ in the state"
            )
        else:
            arrays[id(cell)] = (name, cell, array)
    return [(cell, array.astype(cell.dtype, copy=False)) for _, cell, array in arrays.values()], problems


def _nearest(name: str, others: Iterable[str]) -> str:
    from difflib import get_close_matches  # only an error needs it

    found = get_close_matches(name, list(others), n=1)
    return f" (the other side has {found[0]!r})" if found else ""
