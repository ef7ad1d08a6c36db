"""The one door through which ops are applied: run forward, and record a node if a recorded tensor is involved."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np
from numpy import ndarray

from ..errors import ArgumentError, GlassgradError
from ..graph import OUT, Aval, Node, Op, caller, quiet
from .lifted import Lifted, apply_lifted
from .operands import as_operands, literal_beside
from .tensor import Tensor

_recording = contextvars.ContextVar("glassgrad_recording", default=True)


def apply(op: Op, *inputs: Any) -> Tensor:
    """The result of `op` on `inputs` (tensors; other arguments become constants).

    A node is recorded if an input is recorded and recording is not off. Every operation passes here, so each line
    was weighed: see `benchmarks/overhead.py`.
    """
    arrays = []
    sources: list[Any] = []
    tracked = missing = False
    wanted, bit = 0, 1  # the inputs that require a gradient, as a set of bits
    for tensor in inputs:
        if type(tensor) is not Tensor:
            if not isinstance(tensor, Tensor):
                return apply(op, *as_operands(inputs))
            if isinstance(tensor, Lifted):
                return apply_lifted(op, as_operands(inputs))
        value = tensor.value
        if value is None:
            return _apply_abstract(op, inputs)
        arrays.append(value)
        source = tensor.node
        if source is None:
            source = tensor._constant
            if source is None:
                missing = True
        else:
            tracked = True
            if source.requires_grad:
                wanted += bit
        sources.append(source)
        bit += bit
    try:
        value = op.forward(*arrays) if op.runs_user_code else quiet.run(op.forward, *arrays)
    except (ValueError, TypeError, IndexError, AttributeError, np.linalg.LinAlgError) as problem:
        _explain(op, inputs, problem)
    if type(value) is not ndarray:
        value = np.asarray(value)
    if not tracked or not _recording.get():
        return _unrecorded(value, inputs)
    if missing:
        sources = [tensor.as_node() for tensor in inputs]
    if not op.differentiable:
        wanted = 0
    node = Node(op, tuple(sources), value.shape, value.dtype, wanted != 0, caller())
    if wanted and op.saves:
        for place in op.saves_for[wanted]:
            if place == OUT:
                node.value = value
            else:
                sources[place].value = arrays[place]
    return Tensor(value, node)


def apply_to_two(op: Op, x1: Any, x2: Any) -> Tensor:
    """`apply(op, x1, x2)`, unrolled for two plain tensors: it saves 0.7 µs of 3, where arithmetic spends its time.

    Whatever is not the common case is left to `apply`.
    """
    if type(x2) is float and type(x1) is Tensor:
        x2 = literal_beside(x1, x2)
    elif type(x1) is float and type(x2) is Tensor:
        x1 = literal_beside(x2, x1)
    if type(x1) is not Tensor or type(x2) is not Tensor:
        return apply(op, x1, x2)
    array1, array2, node1, node2 = x1.value, x2.value, x1.node, x2.node
    if array1 is None or array2 is None or not _recording.get():
        return apply(op, x1, x2)
    try:
        value = quiet.run(op.forward, array1, array2)
    except (ValueError, TypeError, AttributeError):
        return apply(op, x1, x2)
    if type(value) is not ndarray:
        value = np.asarray(value)
    if node1 is None:
        if node2 is None:
            return Tensor(value) if x1.cut is x2.cut is None else _unrecorded(value, (x1, x2))
        node1 = x1.as_node()
    elif node2 is None:
        node2 = x2.as_node()
    wanted = node1.requires_grad + 2 * node2.requires_grad
    node = Node(op, (node1, node2), value.shape, value.dtype, wanted != 0, caller())
    if wanted and op.saves:
        for place in op.saves_for[wanted]:
            if place == OUT:
                node.value = value
            elif place:
                node2.value = array2
            else:
                node1.value = array1
    return Tensor(value, node)


def _unrecorded(value: Any, inputs: tuple[Tensor, ...]) -> Tensor:
    """The result as a tensor without node, which remembers where a graph was cut off, for messages."""
    result = Tensor(value)
    for tensor in inputs:
        if tensor.cut is not None:
            result.cut = tensor.cut
        elif tensor.node is not None and tensor.node.requires_grad:
            result.cut = ("computed under gg.no_grad()", caller())
    return result


def _apply_abstract(op: Op, inputs: tuple[Tensor, ...]) -> Tensor:
    """The node of a result of which only shape and dtype are known."""
    for tensor in inputs:
        if type(tensor) is not Tensor:
            inputs = tuple(as_operands(inputs))
            if any(isinstance(tensor, Lifted) for tensor in inputs):
                return apply_lifted(op, inputs)
            break
    sources = tuple([tensor.node or tensor.as_node() for tensor in inputs])
    avals = [Aval(source.shape, source.dtype) for source in sources]
    try:
        shape, dtype = _shape(op, avals)
    except GlassgradError as problem:
        _explain(op, inputs, problem)
    requires_grad = False
    if op.differentiable and _recording.get():
        for source in sources:
            if source.requires_grad:
                requires_grad = True
    return Tensor(None, Node(op, sources, shape, dtype, requires_grad, caller()))


def _shape(op: Op, avals: Sequence[Aval]) -> Aval:
    if not op.runs_user_code:
        try:
            return _known_shape(op, *avals)
        except TypeError:  # a user's own op that cannot be hashed
            pass
    return op.shape(*avals)


@lru_cache(maxsize=4096)
def _known_shape(op: Op, *avals: Aval) -> Aval:
    """`op.shape`, asked once for equal inputs: in an unrolled recurrence most ops are like others."""
    return op.shape(*avals)


def _explain(op: Op, inputs: tuple[Tensor, ...], problem: Exception) -> NoReturn:
    """Raise the op's own error for these inputs; if its shape rule finds none, one around NumPy's words."""
    if op.runs_user_code:
        raise problem
    try:
        if isinstance(problem, GlassgradError):
            raise problem
        op.shape(*(Aval(tensor.shape, tensor.dtype) for tensor in inputs))
    except GlassgradError as error:
        raise error from None
    raise ArgumentError(f"{op.name} of {op.describe_inputs(inputs)} is impossible: {problem}") from None


def is_recording() -> bool:
    """Whether operations are recorded here."""
    return _recording.get()


@contextmanager
def recording(enabled: bool) -> Iterator[None]:
    """Record operations, or not, inside a `with` block."""
    token = _recording.set(enabled)
    try:
        yield
    finally:
        _recording.reset(token)


def no_grad() -> Any:
    """Do not record operations inside `with gg.no_grad():` (or in a function it decorates).

    >>> import glassgrad as gg
    >>> x = gg.tensor(1.0, requires_grad=True)
    >>> with gg.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """
    return recording(False)
