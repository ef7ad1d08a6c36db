"""Control flow that every mode can follow: `cond`, `scan` and `while_loop`.

On known values they are Python's own `if` and loops, so every derivative follows the path that was taken. Where a
condition is not known, in `vmap` and `trace`, both ways are computed and the values chosen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, GraphError, ShapeError
from ..ops.compare import logical_and, where
from ..ops.joining import stack
from ..tensor import Tensor, asarray, is_recording, tree
from .called import name_of, require_function
from .checkpoint import checkpoint as recomputed
from .through import plain_parts


def cond(
    pred: Any, true_function: Callable[..., Any], false_function: Callable[..., Any], *operands: Any
) -> Any:
    """`true_function(*operands)` if `pred`, else `false_function(*operands)`.

    pred: a single boolean. Both functions must return the same structure, shapes and dtypes. If `pred` is known, only
    the chosen one runs, and only it gets gradients. If not (inside `vmap` and `trace`), both run and the results are
    chosen element by element: neither may have a NaN gradient where the other is meant.

    Raises DTypeError for a `pred` that is not boolean, ShapeError if the two results differ in shape or structure.

    >>> import glassgrad as gg
    >>> gg.grad(lambda x: gg.cond(x > 0, lambda x: x * x, lambda x: -x, x))(3.0)
    tensor(6.)
    """
    require_function("cond", true_function)
    require_function("cond", false_function)
    chosen = _truth(pred, "cond")
    if _is_known(chosen):
        return true_function(*operands) if bool(chosen) else false_function(*operands)
    yes, rebuild = _tensors(true_function(*operands))
    no, rebuild_no = _tensors(false_function(*operands))
    if _outline(yes, rebuild) != _outline(no, rebuild_no):
        raise ShapeError(
            f"cond needs two functions that return the same; {name_of(true_function)} returned "
            f"{_outline(yes, rebuild)}, {name_of(false_function)} returned {_outline(no, rebuild_no)}"
        )
    return rebuild([where(chosen, a, b) for a, b in zip(yes, no, strict=True)])


def scan(
    function: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    *,
    length: int | None = None,
    reverse: bool = False,
    checkpoint: bool | int = False,
) -> tuple[Any, Any]:
    """A loop that carries a state along the first axis of `xs` and stacks what each step gives.

    `function(carry, x)` returns `(carry, y)`. The carry keeps its structure, shapes and dtypes from step to step. `xs`
    is a tensor or a tree of tensors with equal first axes, or None with `length` given. Returns the last carry and
    the y of all steps, stacked along a new first axis (None where y is None). `reverse` runs from the last x to the
    first.

    `checkpoint=n` keeps the carry every n steps only and computes the steps between again on the way back;
    `checkpoint=True` takes n = √length, so that memory grows with √length and the forward work at most doubles.

    Raises ShapeError if the carry changes its structure, shape or dtype, or if the first axes of `xs` differ.
    Source for the √n schedule: Chen et al., "Training deep nets with sublinear memory cost" (2016).

    >>> import glassgrad as gg
    >>> total, sums = gg.scan(lambda s, x: (s + x, s + x), 0.0, gg.asarray([1.0, 2.0, 3.0]))
    >>> total, sums
    (tensor(6.), tensor([1., 3., 6.]))
    """
    require_function("scan", function)
    inputs, rebuild_xs = tree.flatten(xs)
    inputs = [leaf if leaf is None else asarray(leaf) for leaf in inputs]
    count = _length(inputs, length)
    start, rebuild = _tensors(init)
    carry = rebuild(start)

    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        result = function(carry, x)
        if not (isinstance(result, tuple) and len(result) == 2):
            raise ArgumentError(
                f"scan needs a function that returns a pair (carry, y); {name_of(function)} returned "
                f"{type(result).__name__}. Return (carry, None) if there is no y."
            )
        return _same_carry("scan", function, carry, result[0]), result[1]

    def steps(carry: Any, pieces: list[Any], places: list[int]) -> tuple[Any, list[Any]]:
        """Several steps, on inputs that begin at the first of `places`."""
        ys = []
        first = min(places, default=0)
        for place in places:
            x = rebuild_xs([piece if piece is None else piece[place - first] for piece in pieces])
            carry, y = step(carry, x)
            ys.append(y)
        return carry, ys

    order = list(range(count))[::-1] if reverse else list(range(count))
    size = _segment(checkpoint, count)
    ys: list[Any] = []
    for begin in range(0, count, size):
        places = order[begin : begin + size]
        pieces = [x if x is None or size == count else x[min(places) : max(places) + 1] for x in inputs]
        if checkpoint:
            carry, found = recomputed(lambda c, p, places=places: steps(c, p, places))(carry, pieces)
        else:
            carry, found = steps(carry, pieces, places)
        ys += found
    return carry, _stacked(ys[::-1] if reverse else ys)


def _length(inputs: list[Any], length: int | None) -> int:
    if any(x is not None and x.ndim == 0 for x in inputs):
        raise ShapeError("scan runs along the first axis of xs; got a tensor without axes")
    sizes = {x.shape[0] for x in inputs if x is not None} | ({length} if length is not None else set())
    if len(sizes) != 1:
        found = f"first axes of {sorted(sizes)}" if sizes else "neither"
        raise ShapeError(f"scan needs xs with equal first axes, or a length, or both equal; got {found}")
    return int(sizes.pop())


def _segment(checkpoint: bool | int, count: int) -> int:
    """How many steps there are between two carries that are kept."""
    if checkpoint is True:
        return max(1, math.isqrt(count))
    if checkpoint is False:
        return max(1, count)
    if checkpoint < 1:
        raise ArgumentError(f"checkpoint is True, False or a number of steps, 1 or more; got {checkpoint}")
    return checkpoint


def _stacked(ys: list[Any]) -> Any:
    """The results of the steps as one tree of stacks."""
    if not ys:
        return None
    first, rebuild = tree.flatten(ys[0])
    columns = zip(*(tree.flatten(y)[0] for y in ys), strict=True)
    return rebuild(
        [None if one is None else stack(list(column)) for one, column in zip(first, columns, strict=True)]
    )


def while_loop(
    condition: Callable[[Any], Any],
    body: Callable[[Any], Any],
    init: Any,
    *,
    max_steps: int | None = None,
) -> Any:
    """`body` applied again and again, from `init`, for as long as `condition` of the state holds.

    The state keeps its structure, shapes and dtypes. Forward mode needs nothing more. Reverse mode keeps every step,
    and `trace` writes every step out, so both need a stated bound, `max_steps`; a loop that has not ended by then is
    an error where values are known, and stops there where they are not. In `vmap` the loop runs until the last
    member has ended; those that ended earlier keep their state.

    Raises GraphError for gradients without `max_steps`, ArgumentError if the bound is reached, ShapeError if the state
    changes its structure, shape or dtype.

    >>> import glassgrad as gg
    >>> gg.while_loop(lambda x: x < 100.0, lambda x: x * x, 3.0)
    tensor(6561.)
    """
    require_function("while_loop", condition)
    require_function("while_loop", body)
    start, rebuild = _tensors(init)
    state = rebuild(start)
    active = _truth(condition(state), "while_loop")
    taken = 0
    while (on := _any(active)) is not False:
        if taken == max_steps:
            if on is None:
                break
            raise ArgumentError(
                f"while_loop has not ended after max_steps={max_steps}: {name_of(condition)} still holds. "
                f"Allow more steps, or look at why it does not end."
            )
        if on is None and max_steps is None:
            raise GraphError(
                "while_loop without max_steps cannot be traced: how often it runs is not known. State a bound, "
                "while_loop(..., max_steps=n)."
            )
        new = _same_carry("while_loop", body, state, body(state))
        if max_steps is None and is_recording() and _wants_gradient(new):
            raise GraphError(
                "reverse mode through while_loop keeps every step, so it needs a stated bound: "
                "while_loop(..., max_steps=n). Forward mode (gg.jvp) needs none."
            )
        if _is_known(active):
            state = new
            active = _truth(condition(state), "while_loop")
        else:
            pairs = zip(tree.flatten(new)[0], tree.flatten(state)[0], strict=True)
            state = rebuild([where(active, later, earlier) for later, earlier in pairs])
            active = logical_and(active, _truth(condition(state), "while_loop"))
        taken += 1
    return state


def _any(active: Tensor) -> bool | None:
    """Whether the condition holds for any member; None if that is not known."""
    values = [part.value for part in plain_parts(active)]
    return None if any(value is None for value in values) else any(bool(np.any(value)) for value in values)


def _wants_gradient(state: Any) -> bool:
    return any(part.requires_grad for leaf in tree.flatten(state)[0] for part in plain_parts(leaf))


def _is_known(x: Tensor) -> bool:
    return x.value is not None


def _truth(value: Any, name: str) -> Tensor:
    truth = asarray(value)
    if truth.dtype.kind != "b" or truth.shape != ():
        raise DTypeError(
            f"{name} decides by a single boolean; got {truth.dtype} of shape {truth.shape}. Compare first, for "
            f"example x > 0; gg.any and gg.all make one boolean of many."
        )
    return truth


def _tensors(values: Any) -> tuple[list[Tensor], tree.Rebuild]:
    leaves, rebuild = tree.flatten(values)
    return [asarray(leaf) for leaf in leaves], rebuild


def _same_carry(name: str, function: Callable[..., Any], old: Any, new: Any) -> Any:
    """The new state, whose leaves must have the old one's structure, shapes and dtypes."""
    before, rebuild = _tensors(old)
    after, rebuild_after = _tensors(new)
    was, now = _outline(before, rebuild), _outline(after, rebuild_after)
    if was != now:
        raise ShapeError(
            f"{name} carries a state of one structure, shape and dtype from step to step; {name_of(function)} got "
            f"{was} and returned {now}"
        )
    return rebuild_after(after)


def _outline(leaves: list[Tensor], rebuild: tree.Rebuild) -> str:
    """A tree with the dtype and shape of every leaf, as text."""
    return str(rebuild([_Word(f"{leaf.dtype}{list(leaf.shape)}") for leaf in leaves]))


class _Word(str):
    """Text that is shown without quotes."""

    def __repr__(self) -> str:
        return str(self)
