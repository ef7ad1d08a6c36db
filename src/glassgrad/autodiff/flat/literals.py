"""Values as Python source: numbers, shapes, dtypes, slices and small arrays, as syntax trees."""

from __future__ import annotations

import ast
import math
from typing import Any

import numpy as np

from ...errors import GraphError

LARGEST_ARRAY = 10_000
"""Elements up to which an array is written into the source."""


def name(identifier: str) -> ast.Name:
    """A variable."""
    return ast.Name(identifier, ast.Load())


def attribute(path: str) -> ast.expr:
    """A dotted name such as `np.linalg.solve`."""
    first, *rest = path.split(".")
    tree: ast.expr = name(first)
    for part in rest:
        tree = ast.Attribute(tree, part, ast.Load())
    return tree


def call(function: ast.expr | str, *arguments: ast.expr, **options: ast.expr) -> ast.Call:
    """`function(*arguments, **options)`."""
    target = attribute(function) if isinstance(function, str) else function
    return ast.Call(target, list(arguments), [ast.keyword(key, value) for key, value in options.items()])


def number(value: Any) -> ast.expr:
    """A Python number; infinity and NaN as NumPy calls them."""
    if isinstance(value, complex):
        return ast.Constant(value)
    if isinstance(value, float) and not math.isfinite(value):
        special = attribute("np.nan" if math.isnan(value) else "np.inf")
        return ast.UnaryOp(ast.USub(), special) if value < 0 else special
    if not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def shortest(value: Any) -> Any:
    """The Python number with the fewest digits that becomes this NumPy number again."""
    return float(str(value)) if value.dtype.kind == "f" else value.item()


def dtype(kind: Any) -> ast.expr:
    """A dtype as `np.float32`."""
    found = np.dtype(kind)
    return attribute(f"np.{'bool' if found.kind == 'b' else found.name}")


def literal(value: Any) -> ast.expr:
    """Any static parameter of an op. Raises TypeError for what cannot be written."""
    if isinstance(value, np.ndarray):
        return array(value)
    if isinstance(value, np.generic):
        return call(dtype(value.dtype), number(shortest(value)))
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return dtype(value)
    if isinstance(value, type) and value in (bool, int, float, complex):
        return name(value.__name__)
    if value is None or value is Ellipsis or isinstance(value, str):
        return ast.Constant(value)
    if isinstance(value, bool | int | float | complex):
        return number(value)
    if isinstance(value, tuple):
        return ast.Tuple([literal(part) for part in value], ast.Load())
    if isinstance(value, list):
        return ast.List([literal(part) for part in value], ast.Load())
    if isinstance(value, slice):
        return call("slice", literal(value.start), literal(value.stop), literal(value.step))
    raise TypeError(f"{value!r} cannot be written as source")


def array(value: Any) -> ast.expr:
    """A small array, number by number."""
    if value.size > LARGEST_ARRAY:
        raise GraphError(
            f"flat_code writes captured arrays into the source, up to {LARGEST_ARRAY} elements; the function uses "
            f"{value.dtype}{list(value.shape)} beside its arguments. Make it an argument: flat_code(f, x, array)."
        )
    if not value.size or (not value.any() and value.dtype.kind != "b"):
        return call("np.zeros", literal(value.shape), dtype(value.dtype))
    counted = _counted(value)
    if counted is not None:
        return counted
    return call("np.array", _nested(value), dtype(value.dtype))


def _counted(value: Any) -> ast.expr | None:
    """Whole numbers in equal steps along one axis, as `np.arange`; None for any other array."""
    flat = value.ravel()
    if value.size < 3 or value.dtype != np.int64 or max(value.shape) != value.size or flat[0] == flat[1]:
        return None
    start, step = int(flat[0]), int(flat[1] - flat[0])
    stop = start + step * value.size
    if not np.array_equal(flat, np.arange(start, stop, step)):
        return None
    ends = (stop,) if (start, step) == (0, 1) else (start, stop) if step == 1 else (start, stop, step)
    counted = call("np.arange", *map(literal, ends))
    if value.ndim == 1:
        return counted
    return call(ast.Attribute(counted, "reshape", ast.Load()), literal(value.shape))


def _nested(value: Any) -> ast.expr:
    if not value.ndim:
        return number(shortest(value[()]))
    return ast.List([_nested(part) for part in value], ast.Load())


def index(key: Any, write: Any = literal) -> ast.expr:
    """What stands between the brackets of `x[key]`."""
    if isinstance(key, slice):
        step = None if key.step == 1 else key.step
        ends = (None if end is None else write(end) for end in (key.start, key.stop, step))
        return ast.Slice(*ends)
    if isinstance(key, tuple) and len(key) == 1:
        return index(key[0], write)
    if isinstance(key, tuple):
        return ast.Tuple([index(part, write) for part in key], ast.Load())
    return write(key)  # type: ignore[no-any-return]
