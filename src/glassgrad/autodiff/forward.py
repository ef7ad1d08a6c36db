"""Forward mode: `jvp` and `hvp`. Tangents travel with the values, in the order of the program; nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ops.create import zeros_like
from ..tensor import Tensor, asarray, new_level, tree
from .called import require_function, require_tensors
from .dual import Dual
from .gradient import grad
from .levels import split
from .modules import in_place


def jvp(function: Callable[..., Any], inputs: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """`function(*inputs)` and its derivative in the direction `tangents` (Jacobian · vector), in one run.

    `inputs` and `tangents` are sequences of equal structure, one entry per argument: float tensors, or nested dicts,
    lists and tuples of them. The tangents of an `nn.Module` are a dict by parameter name. A tangent has its input's
    shape and dtype. The result and its derivative have the
    structure that the function returns. Python may branch and loop on the values. Memory does not grow with the
    length of the computation. Cost: at most about three times that of the function.

    Raises ShapeError and DTypeError for a tangent that does not fit its input.
    Source: Wengert, "A simple automatic derivative evaluation program" (1964).

    >>> import glassgrad as gg
    >>> gg.jvp(lambda x, y: x * y, (3.0, 5.0), (1.0, 0.0))
    (tensor(15.), tensor(5.))
    """
    require_function("jvp", function)
    for given, what in ((inputs, "inputs"), (tangents, "tangents")):
        if not isinstance(given, tuple | list):
            raise ArgumentError(
                f"jvp takes the {what} as a tuple, one entry per argument of the function; "
                f"got {type(given).__name__}. For one argument: gg.jvp(f, (x,), (t,))."
            )
    points, rebuild = tree.flatten(tuple(inputs))
    directions, structure = tree.flatten(tuple(tangents))
    places = list(range(len(points)))
    if len(directions) != len(points) or structure(places) != rebuild(places):
        raise ArgumentError(
            f"jvp needs tangents nested as the inputs: {len(points)} tensors as {rebuild(places)}; "
            f"got {len(directions)} as {structure(list(range(len(directions))))}"
        )
    level = new_level()
    duals = [_dual(x, t, level, i) for i, (x, t) in enumerate(zip(points, directions, strict=True))]
    with in_place(tuple(inputs), duals) as given:
        outputs, rebuild_result = tree.flatten(function(*given))
    require_tensors("jvp", function, outputs)
    parts = [split(output, level) for output in outputs]
    return (
        rebuild_result([primal for primal, _ in parts]),
        rebuild_result([zeros_like(p) if t is None else t for p, t in parts]),
    )


def _dual(point: Any, direction: Any, level: int, place: int) -> Tensor:
    x = asarray(point)
    if x.dtype.kind not in "fc":
        raise DTypeError(
            f"jvp moves its inputs, so they must be floats; input {place} has dtype {x.dtype}. Write 1.0 instead of "
            f"1, or pass what stays fixed through the function's closure: lambda x: f(x, n)."
        )
    t = (
        direction
        if isinstance(direction, Tensor)
        else asarray(direction, None if _typed(direction) else x.dtype)
    )
    if t.shape != x.shape:
        raise ShapeError(
            f"a tangent has the shape of its input: input {place} has shape {x.shape}, its tangent {t.shape}"
        )
    if t.dtype != x.dtype:
        raise DTypeError(
            f"a tangent has the dtype of its input: input {place} is {x.dtype}, its tangent {t.dtype}. "
            f"gg.astype(tangent, gg.{x.dtype}) converts."
        )
    return Dual(x, t, level)


def _typed(direction: Any) -> bool:
    return hasattr(direction, "dtype")


def hvp(function: Callable[..., Any], x: Any, v: Any) -> Any:
    """The Hessian of `function` at `x` times `v`, forward over reverse, without forming the Hessian.

    `function` takes `x` (a tensor, a tree of tensors or a module) and returns a single number; `v` and the result
    have x's structure, which for a module is a dict by parameter name. Cost: a small multiple of the gradient's,
    whatever the number of elements.
    Source: Pearlmutter, "Fast exact multiplication by the Hessian" (1994).

    >>> import glassgrad as gg
    >>> gg.hvp(lambda x: gg.sum(x * x * x), gg.asarray([1.0, 2.0]), gg.asarray([1.0, 0.0]))
    tensor([6., 0.])
    """
    require_function("hvp", function)
    return jvp(grad(function), (x,), (v,))[1]
