"""Whole matrices of derivatives: `jacobian` and `hessian`, every row or column in one run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..ops.shape import reshape
from ..tensor import Tensor, asarray, tree
from .batch import vmap
from .called import name_of, require_argnums, require_function, require_tensors
from .forward import jvp
from .gradient import grad, vjp
from .modules import in_place

MODES = ("auto", "forward", "reverse")


def jacobian(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    mode: str = "auto",
    *,
    structure: bool = False,
) -> Callable[..., Any]:
    """A function that returns the Jacobian: the derivative of every element of the result by every element of an input.

    For a tensor in and a tensor out it has the shape of the result followed by the shape of the input. If the result
    is a tree of tensors, it is that tree, and in it the tree of the argument `argnums` (a tuple of these for several;
    for a module a dict by parameter name).
    `mode` says how: "forward", one jvp per element of the input; "reverse", one vjp per element of the result;
    "auto", whichever are fewer. All of them run at once, as a stack.

    With `structure=True`, for one tensor in and one out, it is not formed: a `JacobianStructure` says whether it is
    diagonal, banded, block diagonal, of low rank, and so on, as the graph shows it, and gives its values by few jvps.

    Complex: forward mode gives the derivative of a holomorphic function. Raises DTypeError for integer inputs.

    >>> import glassgrad as gg
    >>> gg.jacobian(lambda x: x * x)(gg.asarray([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    require_function("jacobian", function)
    if mode not in MODES:
        raise ArgumentError(f'jacobian has the modes "auto", "forward" and "reverse"; got {mode!r}')
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def derivative(*args: Any) -> Any:
        require_argnums("jacobian", positions, len(args))
        chosen = tuple(args[position] for position in positions)
        flat, rebuild = tree.flatten(chosen)
        inputs = tuple(map(_float, flat))

        def of_inputs(*moving: Tensor) -> Any:
            given = list(args)
            with in_place(chosen, moving) as moved:
                for position, value in zip(positions, moved, strict=True):
                    given[position] = value
                return function(*given)

        if structure:
            of_inputs.__name__ = name_of(function)
            return _structure(of_inputs, inputs)
        rows = _forward(of_inputs, inputs) if mode == "forward" else _reverse(of_inputs, inputs, mode)
        found = [rebuild(row) for row in rows.parts]
        return rows.rebuild([row[0] for row in found] if isinstance(argnums, int) else found)

    return derivative


def _structure(function: Callable[..., Any], inputs: tuple[Tensor, ...]) -> Any:
    from .structure.structure import structure_of

    if len(inputs) != 1:
        raise ArgumentError(
            f"jacobian(..., structure=True) looks at one tensor; the arguments in argnums hold {len(inputs)}"
        )
    return structure_of(function, inputs[0])


def _float(leaf: Any) -> Tensor:
    x = asarray(leaf)
    if x.dtype.kind not in "fc":
        raise DTypeError(
            f"a Jacobian needs float inputs; got {x.dtype}. Write 1.0 instead of 1, or leave the argument out of "
            f"argnums."
        )
    return x


class _Rows:
    """For every output one Jacobian per input, and how to build the outputs' tree of them."""

    def __init__(self, parts: list[list[Tensor]], rebuild: tree.Rebuild) -> None:
        self.parts = parts
        self.rebuild = rebuild


def _forward(function: Callable[..., Any], inputs: tuple[Tensor, ...]) -> _Rows:
    columns: list[list[Tensor]] = []
    rebuild: tree.Rebuild | None = None
    for place, x in enumerate(inputs):

        def along(direction: Tensor, place: int = place) -> Any:
            def moved(one: Tensor) -> Any:
                return function(*inputs[:place], one, *inputs[place + 1 :])

            return jvp(moved, (inputs[place],), (direction,))[1]

        slopes, rebuild = tree.flatten(vmap(along, out_axes=-1)(_basis(x)))
        columns.append([reshape(slope, (*slope.shape[:-1], *x.shape)) for slope in slopes])
    assert rebuild is not None
    return _Rows([list(row) for row in zip(*columns, strict=True)], rebuild)


def _reverse(function: Callable[..., Any], inputs: tuple[Tensor, ...], mode: str) -> _Rows:
    result, pullback = vjp(function, *inputs)
    outputs, rebuild = tree.flatten(result)
    require_tensors("jacobian", function, outputs)
    is_complex = any(x.dtype.kind == "c" for x in (*outputs, *inputs))
    if mode == "auto" and (is_complex or sum(y.size for y in outputs) >= sum(x.size for x in inputs)):
        return _forward(function, inputs)
    if is_complex:
        raise DTypeError(
            'the Jacobian of a complex function is computed in forward mode: mode="forward" or "auto"'
        )
    zeros = [Tensor(np.zeros(y.shape, y.dtype)) for y in outputs]
    parts = []
    for place, y in enumerate(outputs):

        def of_element(direction: Tensor, place: int = place) -> Any:
            return pullback(rebuild([*zeros[:place], direction, *zeros[place + 1 :]]))

        found = vmap(of_element)(_basis(y))
        parts.append([reshape(part, (*y.shape, *x.shape)) for part, x in zip(found, inputs, strict=True)])
    return _Rows(parts, rebuild)


def _basis(x: Tensor) -> Tensor:
    """All unit vectors in the space of x, stacked."""
    size = math.prod(x.shape)
    return Tensor(np.eye(size, dtype=x.dtype).reshape(size, *x.shape))


def hessian(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the Hessian of a function whose result is a single number: the Jacobian of its gradient.

    For a tensor x it has the shape of x twice; for a tree, the tree of trees. Forward over reverse mode.
    For a large x see `hvp`, which multiplies by the Hessian without forming it.

    >>> import glassgrad as gg
    >>> gg.hessian(lambda x: x[0] * x[0] * x[1])(gg.asarray([3.0, 5.0]))
    tensor([[10.,  6.],
            [ 6.,  0.]])
    """
    require_function("hessian", function)
    return jacobian(grad(function, argnums), argnums, mode="forward")
