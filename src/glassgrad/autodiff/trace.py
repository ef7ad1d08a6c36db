"""`trace`: a function as a graph, recorded without values."""

from __future__ import annotations

import inspect
import itertools
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import ArgumentError
from ..graph import INPUT, Graph, Node, caller, copy_graph
from ..tensor import Tensor, asarray, recording, tree
from ..tensor.dtype import DEFAULT_FLOAT, DType, as_dtype
from .called import name_of, require_tensors


@dataclass(frozen=True, init=False)
class Spec:
    """What `trace` needs to know of an argument: its shape and its dtype.

    shape: one size or several. dtype: float32 by default. Raises ArgumentError for what is no shape, DTypeError for
    what is no dtype.

    >>> gg.Spec((64, 3), "float64")
    Spec(shape=(64, 3), dtype=float64)
    """

    shape: tuple[int, ...]
    dtype: DType

    def __init__(self, shape: Any = (), dtype: Any = DEFAULT_FLOAT) -> None:
        try:
            sizes = tuple(map(operator.index, shape if isinstance(shape, tuple | list) else (shape,)))
        except TypeError:
            raise ArgumentError(
                f"Spec takes a shape: an integer or a tuple of integers; got {shape!r}"
            ) from None
        if any(size < 0 for size in sizes):
            raise ArgumentError(f"Spec takes sizes of 0 or more; got {sizes}")
        object.__setattr__(self, "shape", sizes)
        object.__setattr__(self, "dtype", as_dtype(dtype))

    def __repr__(self) -> str:
        return f"Spec(shape={self.shape}, dtype={self.dtype})"


def trace(function: Callable[..., Any], *arguments: Any) -> Graph:
    """The graph of `function`, recorded by running it once on tensors that have a shape and a dtype, but no value.

    arguments: for each argument of `function` an example (a tensor, an array or a number, of which only shape and
    dtype are looked at) or a `gg.Spec`, or nested dicts, lists and tuples of these. Their leaves become the inputs of
    the graph, named after the parameters of `function`; the leaves of what it returns become the outputs. A module
    stays as it is. Python's loops are unrolled.

    Tensors that `function` uses beside its arguments (parameters too) become leaves that keep the value they have
    now. So do random numbers: a traced graph gives the same ones each time.

    Raises GraphError where `function` asks for a value: an `if` on a tensor, `float(x)`, `x.numpy()`. ArgumentError if
    it returns something other than tensors.

    >>> graph = gg.trace(lambda x, w: gg.tanh(x @ w).sum(), gg.Spec((2, 3)), gg.Spec(3))
    >>> graph.forward([[1, 0, 0], [0, 1, 0]], [1, 2, 3]).shape
    ()
    >>> [g.shape for g in graph.backward()]
    [(2, 3), (3,)]
    """
    outputs, inputs = run_abstractly(function, arguments)
    return copy_graph([output.as_node() for output in outputs], [x.as_node() for x in inputs])


def run_abstractly(
    function: Callable[..., Any], arguments: tuple[Any, ...], name: str = "trace"
) -> tuple[list[Tensor], list[Tensor]]:
    """The outputs of `function` (flattened) on inputs without value, and these inputs."""
    if not callable(function):
        raise ArgumentError(f"{name} takes a function and its arguments; got {function!r}")
    require_call(name, function, len(arguments))
    inputs: list[Tensor] = []
    given = []
    for label, argument in zip(_labels(function), arguments, strict=False):
        if tree.is_module(argument):
            given.append(argument)
            continue
        leaves, rebuild = tree.flatten(argument)
        labels = list(leaf_names(label, argument))
        found = [_abstract(leaf, path) for leaf, path in zip(leaves, labels, strict=True)]
        inputs += found
        given.append(rebuild(found))
    with recording(True):
        result = function(*given)
    outputs, _ = tree.flatten(result)
    require_tensors(name, function, outputs)
    return outputs, inputs


def _abstract(example: Any, name: str) -> Tensor:
    """A tensor of the example's shape and dtype, without value, as an input of the graph."""
    known = example if isinstance(example, Spec | Tensor) else asarray(example)
    node = Node(INPUT, (), known.shape, known.dtype, known.dtype.kind in "fc", caller())
    node.name = name
    return Tensor(None, node)


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    """How the function is called, or the `forward` of a module; None where Python does not know."""
    try:
        return inspect.signature(getattr(function, "forward", function))
    except (TypeError, ValueError):
        return None


def require_call(name: str, function: Callable[..., Any], count: int) -> None:
    """Raise an ArgumentError unless `function` can be called with `count` arguments."""
    signature = _signature(function)
    try:
        if signature is not None:
            signature.bind(*[None] * count)
    except TypeError:
        raise ArgumentError(
            f"{name} got {count} argument{'s' * (count != 1)} for {name_of(function)}"
            f"{signature}: pass one example or gg.Spec for each parameter"
        ) from None


def argument_names(function: Callable[..., Any]) -> list[str]:
    """The names of the parameters that have no default and are passed by position."""
    signature = _signature(function)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = signature.parameters.values() if signature else ()
    return [p.name for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty]


def _labels(function: Callable[..., Any]) -> Iterator[str]:
    """Names for arguments: the parameters'; `args[0]`, `args[1]` ... for `*args`; `x0`, `x1` ... where unknown."""
    signature = _signature(function)
    for parameter in signature.parameters.values() if signature else ():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            yield parameter.name
        elif parameter.kind == parameter.VAR_POSITIONAL:
            yield from (f"{parameter.name}[{place}]" for place in itertools.count())
    yield from (f"x{place}" for place in itertools.count())


def leaf_names(path: str, tree_: Any) -> Iterator[str]:
    """A name for each leaf, in the order of `tree.flatten`: `w`, `w[0]`, `w['bias']`."""
    if isinstance(tree_, dict):
        for key in sorted(tree_, key=repr):
            yield from leaf_names(f"{path}[{key!r}]", tree_[key])
    elif isinstance(tree_, tuple) and hasattr(tree_, "_fields"):
        for field, value in zip(tree_._fields, tree_, strict=True):
            yield from leaf_names(f"{path}.{field}", value)
    elif isinstance(tree_, list | tuple):
        for position, value in enumerate(tree_):
            yield from leaf_names(f"{path}[{position}]", value)
    elif tree.is_module(tree_):
        for key, value in sorted(dict(tree_.named_parameters()).items(), key=lambda item: repr(item[0])):
            yield from leaf_names(f"{path}.{key}", value)
    else:
        yield path
