"""`compile`: a function, such as a whole training step, traced once for each signature and run as one program."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Graph, Node, notice
from ..tensor import Lifted, Tensor, asarray, is_recording, tree
from ..tensor.staging import staging
from .passes import simplify
from .runtime import program_for
from .trace import StateIsBorn, Traced, trace_step

MANY_RECOMPILES = 8


class Compiled:
    """A function that runs as a compiled program; what `gg.compile` returns.

    `graph` is the graph of the last program that ran.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise ArgumentError(f"compile takes a function; got {type(function).__name__}")
        self.function = function
        self.programs: dict[Any, list[_Specialised]] = {}
        self.last: _Specialised | None = None
        self.signatures: list[Any] = []
        update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """What the function returns."""
        if staging() is not None:
            return self.function(*args)
        key = tuple(map(_signature, args))
        for program in self.programs.get(key, ()):
            if program.is_still_good():
                self.last = program
                return program(args)
        leaves, rebuild = tree.flatten(args)
        leaves = [_as_input(leaf) for leaf in leaves]
        if any(isinstance(leaf, Lifted) or _is_differentiated(leaf) for leaf in leaves):
            return self.function(*args)
        try:
            program = _Specialised(trace_step(self.function, leaves, rebuild))
        except StateIsBorn:
            return self.function(*args)
        self._remember(key, program)
        return program(args)

    def _remember(self, key: Any, program: _Specialised) -> None:
        self.programs.setdefault(key, []).append(program)
        self.last = program
        self.signatures.append(key)
        count = len(self.signatures)
        if count > 1:
            notice(
                f"compile: {_name(self.function)} is compiled again (program {count}): {self._what_changed(key)}"
            )

    def _what_changed(self, key: Any) -> str:
        before = self.signatures[-2]
        for place, (was, now) in enumerate(zip(before, key, strict=False)):
            if was != now:
                return f"argument {place} was {_words(was)}, is {_words(now)}"
        return "the same arguments, but a setting that it reads has changed"

    @property
    def graph(self) -> Graph:
        """The graph of the last program that ran."""
        if self.last is None:
            raise ArgumentError("a compiled function has a graph once it has been called")
        return self.last.graph


def compile(function: Callable[..., Any]) -> Compiled:
    """`function` as a program: traced at its first call with arguments of a signature, simplified, and run as a whole.

    Tensors, arrays and Python floats among the arguments are inputs; every other argument is a constant, and another
    value of it gives another program. Parameters, buffers, optimizers and random numbers are read and changed as
    usual; gradients that `backward()` makes inside stay inside, so `.grad` is left as it was. What Python does beside
    (print, append to a list) happens while tracing only. Branching on a tensor raises a GraphError that names the
    line.

    >>> import glassgrad as gg
    >>> step = gg.compile(gg.value_and_grad(lambda x: gg.sum(x * x)))
    >>> step(gg.asarray([1.0, 2.0]))
    (tensor(5.), tensor([2., 4.]))
    """
    return Compiled(function)


class _Specialised:
    """A program for arguments of one signature."""

    def __init__(self, traced: Traced) -> None:
        self.traced = traced
        outputs = [result for result in traced.results if isinstance(result, Node)]
        self.results = len(outputs)
        outputs += [node for _, node in traced.assigned]
        inputs = [*traced.arguments, *(node for node, _ in traced.reads), *(node for node, _ in traced.cells)]
        self.graph = simplify(Graph(inputs, outputs))
        self.program = program_for(self.graph)

    def is_still_good(self) -> bool:
        """Whether everything the trace depended on is as it was."""
        return all(look() == answer for look, answer in self.traced.looks)

    def __call__(self, args: tuple[Any, ...]) -> Any:
        traced = self.traced
        arrays = [leaf.value for leaf in map(_as_input, tree.flatten(args)[0]) if isinstance(leaf, Tensor)]
        arrays += [np.asarray(read()) for _, read in traced.reads]
        arrays += [cell.value for _, cell in traced.cells]
        found = self.program(arrays)
        for (cell, _), array in zip(traced.assigned, found[self.results :], strict=True):
            cell._replace(array)
        for generator, blocks in traced.draws:
            generator.skip(blocks)
        remaining = iter(found)
        return traced.rebuild(
            [Tensor(next(remaining)) if isinstance(result, Node) else result for result in traced.results]
        )


def _as_input(leaf: Any) -> Any:
    return asarray(leaf) if isinstance(leaf, float | np.ndarray | np.floating) else leaf


def _is_differentiated(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.requires_grad and is_recording()


def _signature(arg: Any) -> Any:
    """All that the program depends on in an argument."""
    if isinstance(arg, Tensor | np.ndarray):
        return arg.shape, arg.dtype
    if isinstance(arg, float):
        return float
    if isinstance(arg, list | tuple):
        return type(arg), *map(_signature, arg)
    if isinstance(arg, dict):
        return dict, *((key, _signature(arg[key])) for key in arg)
    return (type(arg), arg) if arg.__hash__ else (type(arg), id(arg))


def _words(signature: Any) -> str:
    if isinstance(signature, tuple) and len(signature) == 2 and isinstance(signature[1], np.dtype):
        return f"{signature[1]}{list(signature[0])}"
    return repr(signature)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", "the function")
