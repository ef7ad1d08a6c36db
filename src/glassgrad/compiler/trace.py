"""Tracing a step: a function run once on tensors without value, together with all that it reads and changes outside.

Assumes that the function does the same for every call with arguments of one signature. What it reads from outside
(parameters, buffers, a learning rate, the place in a stream of random numbers) becomes an input of the graph; what it
assigns becomes an output. Python's own side effects happen while tracing, once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np

from ..graph import INPUT, Node, caller
from ..tensor import Tensor, recording, tree
from ..tensor.staging import Staging, all_cells, staged


class StateIsBorn(Exception):  # noqa: N818 - no error: the caller runs the function as it is
    """The function makes a parameter or a buffer: this call cannot be traced, the next one can."""


@dataclass
class Traced:
    """What a function does, as a graph, and where its inputs come from and its outputs go."""

    arguments: list[Node]
    """The inputs that stand for the leaves of the arguments."""
    reads: list[tuple[Node, Callable[[], Any]]]
    """Inputs asked anew at each call, and how."""
    cells: list[tuple[Node, Tensor]]
    """Inputs that are the values of parameters and buffers."""
    results: list[Any]
    """The leaves of what the function returns: nodes, and values that are no tensors."""
    rebuild: tree.Rebuild
    assigned: list[tuple[Tensor, Node]]
    """Cells that the function changes, and what they hold afterwards."""
    draws: list[tuple[Any, int]]
    """Generators of random numbers, and by how many blocks each call moves them on."""
    looks: list[tuple[Callable[[], Any], Any]]
    """Questions whose answers the graph depends on, with the answers."""


@dataclass
class _Trace(Staging):
    reads: list[tuple[Node, Callable[[], Any]]] = field(default_factory=list)
    draws: dict[int, tuple[Any, int]] = field(default_factory=dict)
    looks: list[tuple[Callable[[], Any], Any]] = field(default_factory=list)
    assigned: dict[int, tuple[Tensor, Node]] = field(default_factory=dict)
    aliases: dict[Node, Node] = field(default_factory=dict)

    def assign(self, cell: Tensor, value: Tensor) -> None:
        node = value.as_node()
        self.assigned[id(cell)] = (cell, node)
        # a leaf again, as an assigned parameter is; `_copied` puts the value back in its place
        leaf = _input(cell, cell.requires_grad)
        self.aliases[leaf] = node
        _stand_in(cell, leaf)

    def read_at_each_call(self, read: Callable[[], Any], like: Any, name: str) -> Tensor:
        node = _input(np.asarray(like), False)
        node.name = name
        self.reads.append((node, read))
        return Tensor(None, node)

    def draw(self, generator: Any, blocks: int) -> int:
        _, ahead = self.draws.get(id(generator), (generator, 0))
        self.draws[id(generator)] = (generator, ahead + blocks)
        return ahead

    def depends_on(self, look: Callable[[], Any]) -> None:
        self.looks.append((look, look()))

    def state_is_born(self, what: str) -> None:
        raise StateIsBorn(what)


def _input(like: Any, requires_grad: bool) -> Node:
    return Node(INPUT, (), tuple(like.shape), like.dtype, requires_grad, caller())


def _stand_in(cell: Tensor, node: Node) -> None:
    """Let a cell be a tensor without value, at this node."""
    cell.value = None
    cell.node = node
    cell._constant = None
    if node.requires_grad:
        node.owner = cell


@contextmanager
def _cells_without_value(cells: list[Tensor]) -> Any:
    kept = [(cell, cell.value, cell.node, cell._constant, cell._grad) for cell in cells]
    try:
        for cell in cells:
            leaf = _input(cell, cell.requires_grad)
            leaf.name = None if cell.node is None else cell.node.name
            _stand_in(cell, leaf)
            cell._grad = None
        yield
    finally:
        for cell, value, node, constant, grad in kept:
            cell.value, cell.node, cell._constant, cell._grad = value, node, constant, grad


def trace_step(function: Callable[..., Any], leaves: list[Any], rebuild: tree.Rebuild) -> Traced:
    """Run `function` on its arguments, `rebuild(leaves)`, whose tensors are replaced by inputs.

    Raises StateIsBorn if the call makes a parameter or a buffer.
    """
    trace = _Trace()
    arguments: list[Node] = []
    given: list[Any] = []
    for leaf in leaves:
        if isinstance(leaf, Tensor):
            arguments.append(_input(leaf, leaf.requires_grad))
            given.append(Tensor(None, arguments[-1]))
        else:
            given.append(leaf)
    cells = all_cells()
    with _cells_without_value(cells), staged(trace), recording(True):
        nodes = [(cell.as_node(), cell) for cell in cells]
        result = function(*rebuild(given))
        outputs, rebuild_result = tree.flatten(result)
        results = [output.as_node() if isinstance(output, Tensor) else output for output in outputs]
    wanted = [result for result in results if isinstance(result, Node)]
    wanted += [node for _, node in trace.assigned.values()]
    copies = _copied(wanted, trace.aliases)
    return Traced(
        [copies(node) for node in arguments],
        [(copies(node), read) for node, read in trace.reads],
        [(copies(node), cell) for node, cell in nodes],
        [copies(result) if isinstance(result, Node) else result for result in results],
        rebuild_result,
        [(cell, copies(node)) for cell, node in trace.assigned.values()],
        list(trace.draws.values()),
        trace.looks,
    )


def _copied(outputs: list[Node], aliases: dict[Node, Node]) -> Callable[[Node], Node]:
    """The graph behind `outputs` once more, with what was assigned to a cell in the place of the cell read again."""
    copies: dict[Node, Node] = {}

    def resolved(node: Node) -> Node:
        while node in aliases:
            node = aliases[node]
        return node

    def copy_of(node: Node) -> Node:
        node = resolved(node)
        if node not in copies:
            sources = tuple(copies[resolved(source)] for source in node.inputs)
            copies[node] = Node(node.op, sources, node.shape, node.dtype, False, node.origin, node.value)
            copies[node].name = node.name
        return copies[node]

    found = {resolved(node) for node in outputs}
    waiting = list(found)
    while waiting:
        for source in map(resolved, waiting.pop().inputs):
            if source not in found:
                found.add(source)
                waiting.append(source)
    for node in sorted(found, key=attrgetter("serial")):
        copy_of(node)
    return copy_of
