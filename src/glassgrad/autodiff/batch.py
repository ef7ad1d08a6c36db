"""Batch mode: `vmap` runs a function that is written for one example on a whole stack of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops.shape import broadcast_to, moveaxis
from ..tensor import Tensor, asarray, new_level, tree
from .called import name_of, require_function, require_tensors
from .levels import is_member, stack_of
from .member import member_of, running_on_stacks
from .modules import in_place

Axes = Any  # an int, None, or a nested structure of these


def vmap(function: Callable[..., Any], in_axes: Axes = 0, out_axes: Axes = 0) -> Callable[..., Any]:
    """A function that applies `function` to every member of stacks, all at once, and stacks the results.

    `in_axes` says along which axis the members of each argument lie: an int for all arguments, or a tuple with one
    entry per argument, where None means "the same for every member"; an entry may be nested as its argument is.
    `out_axes` says the same of the results. Inside, a tensor has the shape of one member; its value is unknown, so
    Python cannot branch on it. A random number that does not depend on an argument is the same for every member.
    `vmap`, `grad`, `jvp` and the others nest in any order.

    Raises ArgumentError for axes that do not match the arguments, ShapeError for stacks of different lengths.

    >>> import glassgrad as gg
    >>> rows = gg.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> gg.vmap(lambda row: gg.sum(row * row))(rows)
    tensor([ 5., 25.])
    >>> gg.vmap(gg.grad(lambda x: x * x * x))(gg.asarray([1.0, 2.0]))
    tensor([ 3., 12.])
    """
    require_function("vmap", function)

    @wraps(function)
    def mapped(*args: Any) -> Any:
        if not args:
            raise ArgumentError("vmap maps a function over its arguments; it was called with none")
        leaves, _ = tree.flatten(tuple(args))
        axes = _spread(in_axes, tuple(args), "in_axes")
        inputs = [
            asarray(leaf) if axis is not None or isinstance(leaf, np.ndarray) else leaf
            for leaf, axis in zip(leaves, axes, strict=True)
        ]
        size = _common_size(inputs, axes, function)
        level = new_level()
        members = [
            x if axis is None else member_of(moveaxis(x, axis, 0), level)
            for x, axis in zip(inputs, axes, strict=True)
        ]
        with running_on_stacks(level, size), in_place(args, members) as given:
            result = function(*given)
        outputs, rebuild_result = tree.flatten(result)
        require_tensors("vmap", function, outputs)
        places = _spread(out_axes, result, "out_axes")
        return rebuild_result(
            [_collected(output, place, level, size) for output, place in zip(outputs, places, strict=True)]
        )

    return mapped


def _collected(output: Tensor, axis: int | None, level: int, size: int) -> Tensor:
    """A result of the function, from all members, with the members along `axis`."""
    if axis is None:
        if is_member(output, level):
            raise ArgumentError(
                "out_axes=None is for a result that is the same for every member; this one differs. "
                "Give the axis along which the members shall lie."
            )
        return output
    if not -output.ndim - 1 <= axis <= output.ndim:
        raise ArgumentError(
            f"out_axes={axis} is impossible for a result with {output.ndim} axes: the members can lie along axis "
            f"{-output.ndim - 1} to {output.ndim}"
        )
    if not is_member(output, level):
        whole = broadcast_to(output, (size, *output.shape))
    else:
        whole = stack_of(output, level, size)
    return moveaxis(whole, 0, axis)


def _common_size(inputs: Sequence[Any], axes: Sequence[int | None], function: Callable[..., Any]) -> int:
    """How many members the stacks have."""
    sizes: dict[int, int] = {}
    for place, (x, axis) in enumerate(zip(inputs, axes, strict=True)):
        if axis is None:
            continue
        if not -x.ndim <= axis < x.ndim:
            raise ArgumentError(
                f"vmap of {name_of(function)}: the members of input {place} should lie along axis {axis}, but it has "
                f"shape {x.shape}. in_axes=None passes an argument on as it is."
            )
        sizes[place] = x.shape[axis]
    if not sizes:
        raise ArgumentError("vmap needs at least one argument to map over: every entry of in_axes is None")
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"input {place} has {size}" for place, size in sizes.items())
        raise ShapeError(
            f"vmap of {name_of(function)} needs stacks with equally many members; {listed} (along in_axes). "
            f"in_axes=None passes an argument on as it is."
        )
    return next(iter(sizes.values()))


def _spread(axes: Axes, values: Any, what: str) -> list[int | None]:
    """One axis for every leaf of `values`: an int or None counts for everything beneath it."""
    if axes is None or (isinstance(axes, int) and not isinstance(axes, bool)):
        return [axes] * len(tree.flatten(values)[0])
    children = tree.children(values)
    entries = tree.children(axes)
    if children is None or entries is None or set(children) != set(entries):
        raise ArgumentError(
            f"{what} must be an int, None, or nested as the values it speaks of; got {axes!r} for "
            f"{_outline(values)}. One entry per argument: vmap(f, in_axes=(0, None))."
        )
    return [axis for key, child in children.items() for axis in _spread(entries[key], child, what)]


def _outline(values: Any) -> str:
    kind = type(values).__name__
    return f"a {kind} of {len(values)}" if isinstance(values, tuple | list | dict) else f"a {kind}"
