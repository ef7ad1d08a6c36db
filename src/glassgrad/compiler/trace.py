"""Tracing a step: a function run once on tensors without value, together with all that it reads and changes outside.

Assumes that the function does the same for every call with arguments of one signature. What it reads from outside
(parameters, buffers, a learning rate, the place in a stream of random numbers) becomes an input of the graph; what it
assigns becomes an output. Python's own side effects happen while tracing, once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

import numpy as np

from ..graph import INPUT, Aval, Node, caller, notice
from ..tensor import Lifted, Tensor, recording, tree
from ..tensor.literal import Literal
from ..tensor.staging import STATE as STATE, Staging, all_cells, is_cell, staged
from .arguments import put_together


class StateDepends(Exception):  # noqa: N818 - no error: the caller runs the function as it is
    """The function makes a parameter or a buffer from what it computes: only the next call can be traced."""


class ReachesOutside(Exception):  # noqa: N818 - no error: the caller runs the function as it is
    """The function reads a tensor from outside that is being differentiated or is a member of a stack."""


@dataclass(frozen=True)
class Result:
    """A tensor that the function returns."""

    node: Node
    is_number: bool
    """Whether the function would return a Python float."""
    is_differentiable: bool
    """Whether gradients could flow back from it to a parameter, if the function ran as it is."""


@dataclass
class Traced:
    """What a function does, as a graph, and where its inputs come from and its outputs go."""

    arguments: list[Node]
    """The inputs that stand for the leaves of the arguments."""
    reads: list[tuple[Node, Callable[[], Any]]]
    """Inputs asked anew at each call, and how."""
    cells: list[tuple[Node, Tensor]]
    """Inputs that are the values of parameters and buffers, which go on requiring a gradient or not."""
    results: list[Any]
    """The leaves of what the function returns: `Result`s, and values that are no tensors."""
    rebuild: tree.Rebuild
    assigned: list[tuple[Tensor, Node]]
    """Cells that the function changes, and what they hold afterwards."""
    draws: list[tuple[Any, int]]
    """Generators of random numbers, and by how many blocks each call moves them on."""
    looks: list[tuple[Callable[[], Any], Any]]
    """Questions whose answers the graph depends on, with the answers."""
    made: list[tuple[Tensor, Any]]
    """Cells that the traced call makes, and the values that they begin with; forgotten before the program runs."""


@dataclass
class _Trace(Staging):
    reads: list[tuple[Node, Callable[[], Any]]] = field(default_factory=list)
    draws: dict[int, tuple[Any, int]] = field(default_factory=dict)
    looks: dict[Callable[[], Any], Any] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    born: int = field(default_factory=lambda: Node(INPUT, (), (), np.dtype(bool), False, None).serial)
    """Nodes with a smaller serial number were made before."""
    assigned: dict[int, tuple[Tensor, Node]] = field(default_factory=dict)
    aliases: dict[Node, Node] = field(default_factory=dict)
    cells: list[tuple[Node, Tensor]] = field(default_factory=list)
    """The leaves that stand for cells, those made in the call among them."""
    made: list[tuple[Any, ...]] = field(default_factory=list)
    """Cells made in the call, each with what it holds outside the trace."""

    def assign(self, cell: Tensor, value: Tensor) -> None:
        if isinstance(value, Lifted):
            raise ReachesOutside
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

    def drawn(self, generator: Any) -> int:
        return self.draws.get(id(generator), (generator, 0))[1]

    def rewind(self, generator: Any, blocks: int) -> None:
        self.draws[id(generator)] = (generator, blocks)

    def depends_on(self, look: Callable[[], Any]) -> None:
        if look not in self.looks:
            self.looks[look] = look()

    def forgets_gradient(self, tensor: Tensor) -> None:
        self.forgotten.add(id(tensor))

    def leaves_gradient(self, tensor: Tensor) -> None:
        if tensor.node is None or tensor.node.serial < self.born:
            raise ReachesOutside

    def notice_what_stays(self, cells: list[Tensor]) -> None:
        """Warn if backward() would add to the gradients of the call before, which the program does not keep."""
        kept = [cell for cell in cells if cell._grad is not None and id(cell) not in self.forgotten]
        if kept:
            notice(
                f"compile: backward() in the compiled function makes the gradients of {len(kept)} parameters, and they "
                f"end with the call: .grad stays as it was, and the next call does not add to them. Call "
                f"optimizer.zero_grad() in the compiled function, and optimizer.step() too."
            )

    def resolved(self, node: Node) -> Node:
        """What a cell holds where it is read again after it was assigned."""
        while node in self.aliases:
            node = self.aliases[node]
        return node

    def state_is_born(self, cell: Tensor) -> None:
        self.made.append((cell, *_kept(cell)))
        self.cells.append((_without_value(cell), cell))

    def state_depends(self, what: str) -> None:
        raise StateDepends(what)


def _input(like: Any, requires_grad: bool) -> Node:
    return Node(INPUT, (), tuple(like.shape), like.dtype, requires_grad, caller())


def _stand_in(cell: Tensor, node: Node) -> None:
    """Let a cell be a tensor without value, at this node."""
    cell.value = None
    cell.node = node
    cell._constant = None
    if node.requires_grad:
        node.owner = cell


def _kept(cell: Tensor) -> tuple[Any, ...]:
    """What a cell holds outside the trace."""
    return cell.value, cell.node, cell._constant, cell._grad


def _without_value(cell: Tensor) -> Node:
    """Take a cell's value for the time of the trace; the leaf that it is."""
    leaf = _input(cell, cell.requires_grad)
    leaf.name = None if cell.node is None else cell.node.name
    _stand_in(cell, leaf)
    cell._grad = None
    return leaf


@contextmanager
def _cells_without_value(cells: list[Tensor], trace: _Trace) -> Any:
    kept = [(cell, *_kept(cell)) for cell in cells]
    try:
        trace.cells += [(_without_value(cell), cell) for cell in cells]
        yield
    finally:
        for cell, value, node, constant, grad in (*kept, *trace.made):
            cell.value, cell.node, cell._constant, cell._grad = value, node, constant, grad


def trace_step(function: Callable[..., Any], args: Any, options: Any) -> Traced:
    """Run `function(*args, **options)` with inputs in the place of tensors, arrays and floats.

    Hold `STATE`. Raises StateDepends if the call makes a parameter or a buffer from what it computes, ReachesOutside if
    it takes part in a computation around it.
    """
    trace = _Trace()
    arguments: list[Node] = []

    def tensor(known: Aval) -> Tensor:
        arguments.append(_input(known, False))
        return Tensor(None, arguments[-1])

    def number(alone: Any) -> Tensor:
        arguments.append(_input(Aval((), np.dtype(np.float64)), False))
        return Literal(arguments[-1], alone)

    given, given_options = put_together((args, options), tensor, number)
    cells = all_cells()
    with _cells_without_value(cells, trace), staged(trace), recording(True):
        outputs, rebuild = tree.flatten(function(*given, **given_options))
        results = [_result(output) for output in outputs]
        trace.notice_what_stays(cells)
    wanted = [result.node for result in results if isinstance(result, Result)]
    wanted += [node for _, node in trace.assigned.values()]
    copies = _copied(wanted, trace)
    reached = [(copies[node], cell) for node, cell in trace.cells if node in copies]
    return Traced(
        [copies.get(node) or _input(node, False) for node in arguments],
        [(copies[node], read) for node, read in trace.reads if node in copies],
        reached,
        [replace(r, node=copies[trace.resolved(r.node)]) if isinstance(r, Result) else r for r in results],
        rebuild,
        [(cell, copies[trace.resolved(node)]) for cell, node in trace.assigned.values()],
        [(generator, blocks) for generator, blocks in trace.draws.values() if blocks],
        list(trace.looks.items()),
        [(cell, value) for cell, value, *_ in trace.made],
    )


def _result(output: Any) -> Any:
    if not isinstance(output, Tensor) or is_cell(output):
        return output
    if isinstance(output, Lifted):
        raise ReachesOutside
    node = output.as_node()
    return Result(node, isinstance(output, Literal), node.requires_grad and node.freed is None)


def _copied(outputs: list[Node], trace: _Trace) -> dict[Node, Node]:
    """Copies of the graph behind `outputs`, with what was assigned to a cell in the place of the cell read again.

    Equal functions give copies in equal order. Raises ReachesOutside if the graph goes on behind what was made before
    the trace.
    """
    held = {leaf: trace.resolved(leaf) for leaf in trace.aliases}
    found = {held.get(node, node) for node in outputs}
    waiting = list(found)
    while waiting:
        node = waiting.pop()
        if node.serial < trace.born and node.requires_grad:
            raise ReachesOutside
        for source in node.inputs:
            source = held.get(source, source)
            if source not in found:
                found.add(source)
                waiting.append(source)
    copies: dict[Node, Node] = {}

    def copy(node: Node, sources: tuple[Node, ...]) -> Node:
        copies[node] = made = Node(node.op, sources, node.shape, node.dtype, False, node.origin, node.value)
        made.name = node.name
        return made

    for node in sorted(found, key=attrgetter("serial")):
        if (
            node.inputs
        ):  # what has none follows where it is first read: many constants are older than the trace
            sources = [held.get(source, source) for source in node.inputs]
            copy(node, tuple([copies[s] if s.inputs or s in copies else copy(s, ()) for s in sources]))
    for node in outputs:
        node = held.get(node, node)
        if node not in copies:
            copy(node, ())
    return copies
