"""Methods that tensors and graphs get from above: operators, reductions and differentiation, bound by hand."""

from __future__ import annotations

from typing import Any

from .autodiff import reverse
from .errors import ArgumentError, DTypeError, GraphError
from .graph import Graph
from .ops import arithmetic, at, bitwise, compare, contract, index, reduce, rounding, shape, signs
from .ops.data_types import API_VERSIONS
from .tensor import Tensor, asarray, dlpack
from .tensor.habits import instead_of


def _reflected(function: Any) -> Any:
    return lambda x, other: function(other, x)


def _reshape(x: Tensor, *sizes: Any) -> Tensor:
    """`x.reshape(2, 3)` or `x.reshape((2, 3))`."""
    return shape.reshape(x, sizes[0] if len(sizes) == 1 else sizes)


def _round(x: Tensor, ndigits: int | None = None) -> Tensor:
    """Python's round(x) and round(x, ndigits)."""
    return rounding.round(x, ndigits or 0)


def _array_namespace(x: Tensor, *, api_version: str | None = None) -> Any:
    """What libraries that speak the Python array API ask for: the module with its functions, glassgrad itself."""
    import glassgrad

    if api_version not in (None, *API_VERSIONS):
        raise ArgumentError(
            f"glassgrad follows the array API standard of {API_VERSIONS[-1]}, which contains the earlier ones; "
            f"got api_version={api_version!r}"
        )
    return glassgrad


UFUNCS = {
    "true_divide": "divide",
    "power": "pow",
    "absolute": "abs",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "conjugate": "conj",
    "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "right_shift": "bitwise_right_shift",
}
"""NumPy's names of functions that have another name here."""


def _array_ufunc(x: Tensor, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Tensor:
    """What NumPy calls for `np.exp(tensor)` and `array + tensor`: the function of the same name here, if any."""
    import glassgrad

    name = UFUNCS.get(ufunc.__name__, ufunc.__name__)
    function = getattr(glassgrad, name, None)
    if options.get("out") is not None:
        raise DTypeError(
            "a NumPy array cannot take in a tensor in place: write a = a + x for a tensor, a += x.numpy() for an array"
        )
    if method != "__call__" or options or function is None:
        numpy_name = f"np.{ufunc.__name__}"
        raise DTypeError(
            f"{numpy_name} does not work on tensors: use gg.{name}, or x.numpy() outside the graph"
            if function
            else f"{numpy_name} does not work on tensors, and glassgrad has no such function: outside the graph, "
            f"{numpy_name}(x.numpy()) does"
        )
    return function(*inputs)  # type: ignore[no-any-return]


def _array_function(x: Tensor, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """What NumPy calls for `np.sum(tensor)` and the like: fine on plain values, refused where it would cut a graph."""
    return function(*_plain(args, function), **_plain(kwargs, function))


def _plain(value: Any, function: Any) -> Any:
    """Arguments with the tensors in them replaced by NumPy arrays."""
    if isinstance(value, Tensor):
        if value.requires_grad:
            instead = instead_of(function.__name__)
            raise GraphError(
                f"np.{function.__name__} would cut this tensor, which requires a gradient, off its graph: "
                f"write {instead + ', or ' if instead else ''}x.numpy() if no gradient is meant to flow"
            )
        return value.numpy()
    if isinstance(value, dict):
        return {key: _plain(item, function) for key, item in value.items()}
    return type(value)(_plain(item, function) for item in value) if isinstance(value, list | tuple) else value


BINARY = {
    "add": arithmetic.add,
    "sub": arithmetic.subtract,
    "mul": arithmetic.multiply,
    "truediv": arithmetic.divide,
    "pow": arithmetic.pow,
    "floordiv": arithmetic.floor_divide,
    "mod": arithmetic.remainder,
    "matmul": contract.matmul,
    "and": bitwise.bitwise_and,
    "or": bitwise.bitwise_or,
    "xor": bitwise.bitwise_xor,
    "lshift": bitwise.bitwise_left_shift,
    "rshift": bitwise.bitwise_right_shift,
}
for _name, _function in BINARY.items():
    setattr(Tensor, f"__{_name}__", _function)
    setattr(Tensor, f"__r{_name}__", _reflected(_function))

METHODS = {
    "__neg__": arithmetic.negative,
    "__pos__": arithmetic.positive,
    "__abs__": signs.abs,
    "__invert__": bitwise.bitwise_invert,
    "__round__": _round,
    "__eq__": compare.equal,
    "__ne__": compare.not_equal,
    "__lt__": compare.less,
    "__le__": compare.less_equal,
    "__gt__": compare.greater,
    "__ge__": compare.greater_equal,
    "__getitem__": index.getitem,
    "__array_namespace__": _array_namespace,
    "__dlpack__": dlpack.to_dlpack,
    "__dlpack_device__": dlpack.dlpack_device,
    "to_device": dlpack.to_device,
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
    "sum": reduce.sum,
    "mean": reduce.mean,
    "max": reduce.max,
    "min": reduce.min,
    "argmax": reduce.argmax,
    "reshape": _reshape,
    "astype": shape.astype,
    "backward": reverse.backward,
    "at": property(at.At),
    "mT": property(lambda x: shape.matrix_transpose(x)),
    "T": property(lambda x: shape.permute_dims(x, range(x.ndim)[::-1])),
}
for _name, _method in METHODS.items():
    setattr(Tensor, _name, _method)

Graph.backward = reverse.graph_backward
Graph._wrap_outputs = lambda graph: (
    asarray(graph.outputs[0].value)
    if len(graph.outputs) == 1
    else tuple(asarray(n.value) for n in graph.outputs)
)
