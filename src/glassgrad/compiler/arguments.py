"""The arguments of a compiled function: which are inputs of the program, and what else the program depends on."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from ..graph import Aval
from ..tensor import Lifted, Tensor, asarray, is_recording
from ..tensor.dtype import DEFAULT_FLOAT
from ..tensor.staging import is_cell


class IsDifferentiated(Exception):  # noqa: N818 - no error: the caller runs the function as it is
    """An argument takes part in a computation around the call that a program would cut off."""


class Same:
    """A constant argument that is compared by identity."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)

    def __repr__(self) -> str:
        return f"a {type(self.thing).__name__}"


def taken_apart(arg: Any, inputs: list[Any]) -> Any:
    """All that the program depends on in an argument: its signature. Adds the arrays that are inputs to `inputs`.

    Raises IsDifferentiated.
    """
    kind = type(arg)
    if kind is Tensor:
        value = arg.value
        if value is None or (arg.node is not None and arg.node.requires_grad and is_recording()):
            raise IsDifferentiated
        inputs.append(value)
        return Aval(value.shape, value.dtype)
    if kind is float:
        inputs.append(np.asarray(arg))
        return float
    if isinstance(arg, list | tuple):
        return kind, *[taken_apart(item, inputs) for item in arg]
    if isinstance(arg, dict):
        return kind, *[(key, taken_apart(item, inputs)) for key, item in arg.items()]
    if isinstance(arg, np.ndarray):
        array = asarray(arg).value
        inputs.append(array)
        return Aval(array.shape, array.dtype)
    if isinstance(arg, np.floating):
        inputs.append(np.asarray(float(arg)))
        return kind
    if isinstance(arg, Lifted) or (isinstance(arg, Tensor) and not is_cell(arg)):
        raise IsDifferentiated
    if isinstance(arg, Tensor) or arg.__hash__ is None:
        return Same(arg)
    return kind, arg


def put_together(arg: Any, tensor: Callable[[Aval], Tensor], number: Callable[[Any], Tensor]) -> Any:
    """The argument with its inputs, in the order of `taken_apart`, replaced.

    Arrays and tensors become `tensor(aval)`, floats `number(dtype)`, where the dtype is what the float has alone.
    """

    def rebuilt(arg: Any) -> Any:
        if type(arg) is Tensor or isinstance(arg, np.ndarray):
            known = asarray(arg)
            return tensor(Aval(known.shape, known.dtype))
        if isinstance(arg, np.floating):
            return number(arg.dtype)
        if isinstance(arg, float):
            return number(DEFAULT_FLOAT)
        if isinstance(arg, tuple) and hasattr(arg, "_fields"):
            return type(arg)(*map(rebuilt, arg))
        if isinstance(arg, list | tuple):
            return type(arg)(map(rebuilt, arg))
        if isinstance(arg, dict):
            same = copy(arg)
            same.update({key: rebuilt(item) for key, item in arg.items()})
            return same
        return arg

    return rebuilt(arg)


LONGEST_WORD = 40
ABSENT = "absent"
"""The signature of an argument that is not given, for `difference`."""


def difference(name: str, was: Any, now: Any) -> str:
    """In which argument two signatures differ first, and how; "" if they do not."""
    if was == now:
        return ""
    if is_branch(was) and is_branch(now) and was[0] is now[0] and len(was) == len(now):
        for place, (before, after) in enumerate(zip(was[1:], now[1:], strict=True)):
            if was[0] in (list, tuple) or not issubclass(was[0], dict):
                found = difference(f"{name}[{place}]", before, after)
            elif before[0] == after[0]:
                found = difference(f"{name}[{before[0]!r}]", before[1], after[1])
            else:
                continue
            if found:
                return found
    before, after = _words(was), _words(now)
    if before == after and after.startswith("a "):
        after = f"another {after[2:]}"
    return f"{name} was {before}, is {after}"


def is_branch(signature: Any) -> bool:
    """Whether a signature is one of a list, a tuple or a dict."""
    return (
        type(signature) is tuple
        and bool(signature)
        and isinstance(signature[0], type)
        and issubclass(signature[0], list | tuple | dict)
    )


def _words(signature: Any) -> str:
    """An argument's signature for people."""
    if isinstance(signature, Aval | Same | str):
        return str(signature)
    if isinstance(signature, type):
        return f"a {signature.__name__}"
    kind, *rest = signature
    if not is_branch(signature):
        text = repr(rest[0])
        is_long = len(text) > LONGEST_WORD or kind.__hash__ is object.__hash__
        return f"a {kind.__name__}" if is_long else text
    if issubclass(kind, dict):
        return "{" + ", ".join(f"{key!r}: {_words(item)}" for key, item in rest) + "}"
    return f"{kind.__name__} of {len(rest)}"
