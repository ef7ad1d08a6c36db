"""Kernels: a graph cut into units of work, each one pass over memory.

A kernel is a set of elementwise ops on one shape, and sums or extrema of them over the same axes; products of matrices
and ops that only NumPy can run are units of their own. Rearrangements are no work: they are views of where a value
lies.

Assumes a simplified graph. Guarantees that every unit reads only what earlier units have written, because a node joins
a kernel only if everything else it reads comes before that kernel. Stops because it is one pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..expr import Call, Expr, Var
from ..graph import CONSTANT, Aval, Graph, Leaf, Node
from ..graph.loops import (
    Assembled,
    Folded,
    Gathered,
    Loops,
    Map,
    Product,
    Rearranged,
    Scattered,
    View,
    Within,
)
from .homes import Place as Place, contiguous as contiguous, homes, in_order
from .indexing import Reach, reach
from .llvm.alone import GENERATORS
from .llvm.contraction.problem import fits
from .llvm.scalars import supported
from .passes.products import split_products

if TYPE_CHECKING:
    from .again import Again

MANY = 64
"""How many maps a kernel has before unrelated ones no longer join."""

ENOUGH_FOLDS = 4
"""How many folds a kernel has before unrelated steps no longer join: LLVM cannot tell more results apart that gather in
memory at once, and uses no vectors."""

MOST = 256
"""How many maps a kernel has at most, because LLVM takes longer than linearly for long functions."""

OTHER_SHAPE = "it goes over another shape"
OTHER_AXES = "it folds other axes"
FULL = f"that kernel is full, with {MOST} ops"
UNFINISHED = "it needs a sum or an extremum that is known only when that kernel has ended"
BETWEEN = "it also reads what is computed after that kernel"
"""What can keep a node out of a kernel."""

NATIVE = {
    np.dtype(name)
    for name in (
        "float32",
        "float64",
        "bool",
        *(f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)),
    )
}


@dataclass(eq=False)
class Kernel:
    """Elementwise ops on one shape, and folds of their results over the same axes."""

    shape: tuple[int, ...]
    index: int
    """Its place among the units."""
    maps: list[Node] = field(default_factory=list)
    folds: list[Node] = field(default_factory=list)
    axes: tuple[int, ...] | None = None
    """What the folds go over; None without any."""

    members: set[Node] = field(default_factory=set)
    """The maps, whose values are there while the kernel runs."""


@dataclass(eq=False)
class Contraction:
    """One product of matrices."""

    node: Node


@dataclass(eq=False)
class Assembly:
    """Copies of values into parts of one result, of which the rest may be zeros."""

    node: Node
    parts: list[tuple[Node, View]]
    """Each value, and where in the result it goes."""
    fills: bool


@dataclass(eq=False)
class Alone:
    """One op with a code generator of its own, which `llvm/alone.py` names."""

    node: Node
    loops: Loops
    others: list[Node] = field(default_factory=list)
    """Further results of the same pass."""

    @property
    def nodes(self) -> list[Node]:
        """All its results."""
        return [self.node, *self.others]


@dataclass(eq=False)
class Fallback:
    """One op that only its NumPy forward can run."""

    node: Node


Unit = Kernel | Contraction | Assembly | Alone | Fallback


class Units:
    """The units of a graph in order, which nodes have memory of their own, and where every other value lies."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.loops: dict[Node, Loops | None] = {}
        self.descriptions: dict[Any, tuple[Loops | None, str]] = {}
        """The loops of equal ops on equal inputs, looked up once."""
        self.units: list[Unit] = []
        self.born: dict[Node, int] = {}
        """The unit after which a value is there; -1 for inputs and constants."""
        self.kernel_of: dict[Node, Kernel] = {}
        self.latest: dict[tuple[int, ...], Kernel] = {}
        """The last kernel of each shape: what else is to be done on that shape can be done in the same pass."""
        self.places: dict[Node, Place] = {}
        self.uneven: dict[Node, list[list[int]]] = {}
        """Sums of products whose matrices lie in different ways, which no unit can add up: see `units_of`."""
        self.passes: dict[Any, tuple[int, Alone]] = {}
        """Units of one op that others can join, by what they need to have in common."""
        self.obstacles: dict[Node, list[tuple[Kernel, str]]] = {}
        """For a node that could have joined a kernel that made one of its inputs: the kernel, and what kept it out."""
        self.by_numpy: dict[Node, str] = {}
        """For a node without machine code: why."""
        self.written: dict[Node, int] = {}
        """For each memory the first unit that writes to it; -1 for inputs and constants."""
        self.indexed: set[Node] = set()
        """Values of kernels that index arrays choose: they read their inputs from memory."""
        self.faults = Node(CONSTANT, (), (1,), np.dtype(np.int64), False, None, np.zeros(1, np.int64))
        """The memory in which code says that an index was out of range."""
        inputs = set(graph.inputs)
        self.constants = {
            node: node.value
            for node in graph.body
            if isinstance(node.op, Leaf) and node not in inputs and node.dtype.kind in "iu"
        }
        nodes = when_needed(graph)
        for node in nodes:
            if node not in inputs and not isinstance(node.op, Leaf):
                self.loops[node] = self._described(node)
        self.homes = homes(nodes, self.loops, graph.outputs)
        """Where the parts of a larger value lie in it."""
        for node in nodes:
            if node not in self.loops:
                self._settle(node, -1)
            else:
                self._add(node)
        self.stored = self._stored()
        self.again: list[Again] = []
        """The values that are computed again instead of kept."""

    def _settle(self, node: Node, unit: int) -> None:
        self.born[node] = unit
        self.places[node] = place = self.homes.get(node) or Place(node, 0, contiguous(node.shape))
        self.written[place.owner] = min(unit, self.written.get(place.owner, unit))

    def _described(self, node: Node) -> Loops | None:
        """The op as loops, if there is machine code for them."""
        avals = tuple(Aval(source.shape, source.dtype) for source in node.inputs)
        key = node.op, node.shape, node.dtype, avals
        if key not in self.descriptions:
            self.descriptions[key] = _description(node, avals)
        loops, why = self.descriptions[key]
        if why:
            self.by_numpy[node] = why
        return loops

    def _add(self, node: Node) -> None:
        loops = self.loops[node]
        if isinstance(loops, Gathered | Scattered | Within) and self._is_indexed(node, loops):
            return
        if isinstance(loops, Rearranged):
            (source,) = node.inputs
            place = self.places[source]
            view = loops.view(source.shape, (place.offset, place.strides))
            if view is not None:
                self.places[node] = Place(place.owner, *view)
                self.born[node] = self.born[source]
                return
            loops = in_order(source)
        if isinstance(loops, Assembled) and all(source.dtype == node.dtype for source in node.inputs):
            self._assemble(node, loops)
        elif isinstance(loops, Map):
            kernel = self._kernel_for(node, node.shape, None)
            kernel.maps.append(node)
            kernel.members.add(node)
            self._join(node, kernel)
        elif isinstance(loops, Folded) and loops.axes and 0 not in node.inputs[0].shape:
            kernel = self._kernel_for(node, node.inputs[0].shape, loops.axes)
            kernel.folds.append(node)
            kernel.axes = loops.axes
            self._join(node, kernel)
        else:
            unit = self._by_itself(node, loops)
            if not isinstance(unit, Alone) or not self._joined(unit):
                self._settle(node, len(self.units))
                self.units.append(unit)

    def reach(self, node: Node) -> Reach:
        """The places that the index arrays of a node choose: of its first input, or of its result."""
        loops = self.loops[node]
        if isinstance(loops, Gathered):
            source, *indices = node.inputs
        else:
            assert isinstance(loops, Scattered)
            source, indices = node, list(node.inputs[1 + loops.onto :])
        place = self.places.get(source) or Place(source, 0, contiguous(source.shape))
        view = place.offset, place.strides
        return reach(loops.chosen, source.shape, view, indices, self.places, self.constants)

    def is_plain(self, node: Node) -> bool:
        """Whether the elements of a value lie one after the other."""
        steps = zip(self.places[node].strides, contiguous(node.shape), node.shape, strict=True)
        return all(own == step for own, step, size in steps if size > 1)

    def is_checked(self, node: Node) -> bool:
        """Whether an index can turn out to be out of range when a node is computed."""
        loops = self.loops.get(node)
        if isinstance(loops, Gathered | Scattered):
            return self.reach(node).checked
        return isinstance(loops, Within)

    def _is_indexed(self, node: Node, loops: Gathered | Scattered | Within) -> bool:
        """Make what index arrays choose a view, or a value of a kernel. False if it can only be a unit by itself."""
        if any(0 in source.shape for source in node.inputs):
            return False
        place = self.places[node.inputs[0]]
        if isinstance(loops, Gathered):
            found = self.reach(node)
            if found.is_known:
                self.places[node] = Place(place.owner, found.offset, found.strides)
                self.born[node] = self.born[node.inputs[0]]
                return True
        elif isinstance(loops, Scattered):
            found, values = self.reach(node), node.inputs[loops.onto]
            order = found.order_of_marks(loops, node.shape)
            if order is None or values.dtype != node.dtype:
                return False
            if found.is_known and not loops.onto and values.shape == found.shape:
                self.places[node] = Place(place.owner, place.offset, tuple(place.strides[at] for at in order))
                self.born[node] = self.born[values]
                return True
        self.indexed.add(node)
        kernel = self._kernel_for(node, node.shape, None)
        kernel.maps.append(node)
        kernel.members.add(node)
        self._join(node, kernel)
        return True

    def _joined(self, unit: Alone) -> bool:
        """Whether a pass over the same inputs makes this result too; if not, others may join this one."""
        company = GENERATORS[type(unit.loops)].company(unit)
        if company is None:
            return False
        place, earlier = self.passes.setdefault(company, (len(self.units), unit))
        if earlier is unit:
            return False
        earlier.others.append(unit.node)
        self._settle(unit.node, place)
        return True

    def _alike(self, node: Node) -> list[list[int]]:
        """The numbers of the pairs of a sum of products, together where their matrices lie with the same strides."""
        groups: dict[Any, list[int]] = {}
        for number in range(len(node.inputs) // 2):
            pair = node.inputs[2 * number : 2 * number + 2]
            groups.setdefault(tuple(self.places[source].strides for source in pair), []).append(number)
        return list(groups.values())

    def _by_itself(self, node: Node, loops: Loops | None) -> Unit:
        if isinstance(loops, Product):
            if loops.pairs > 1 and len(groups := self._alike(node)) > 1:
                self.uneven[node] = groups
            return Contraction(node) if fits(node) else Fallback(node)
        generator = GENERATORS.get(type(loops))
        if loops is not None and generator is not None:
            unit = Alone(node, loops)
            if generator.fits(unit):
                return unit
        self.by_numpy.setdefault(node, "there is no machine code for these shapes and dtypes")
        return Fallback(node)

    def _assemble(self, node: Node, loops: Assembled) -> None:
        """Copy the parts that do not lie where they belong. If all do, the value is there with the last of them."""
        self._settle(node, len(self.units))
        whole = self.places[node]
        parts = []
        for source, part in zip(node.inputs, loops.parts, strict=True):
            view = part.view(node.shape, (whole.offset, whole.strides))
            assert view is not None  # parts are slices
            if 0 not in source.shape and not self._lies(source, Place(whole.owner, *view)):
                parts.append((source, view))
        if parts or loops.fills:
            self.units.append(Assembly(node, parts, loops.fills))
        else:
            self.born[node] = max(self.born[source] for source in node.inputs)

    def _lies(self, node: Node, place: Place) -> bool:
        """Whether a value lies at this place."""
        own = self.places[node]
        steps = zip(own.strides, place.strides, node.shape, strict=True)
        return (own.owner, own.offset) == (place.owner, place.offset) and all(
            a == b for a, b, size in steps if size > 1
        )

    def _join(self, node: Node, kernel: Kernel) -> None:
        self.kernel_of[node] = kernel
        self._settle(node, kernel.index)

    def _kernel_for(self, node: Node, shape: tuple[int, ...], axes: tuple[int, ...] | None) -> Kernel:
        """The latest kernel that made an input and can take the node, or a new one."""
        candidates = {self.kernel_of[source] for source in node.inputs if source in self.kernel_of}
        neighbour = self.latest.get(shape)
        if neighbour is not None and len(neighbour.maps) < MANY and len(neighbour.folds) < ENOUGH_FOLDS:
            candidates.add(neighbour)
        for kernel in sorted(candidates, key=lambda kernel: kernel.index, reverse=True):
            obstacle = self._obstacle(node, kernel, shape, axes)
            if obstacle is None:
                return kernel
            self.obstacles.setdefault(node, []).append((kernel, obstacle))
        kernel = Kernel(shape, len(self.units))
        self.latest[shape] = kernel
        self.units.append(kernel)
        return kernel

    def _obstacle(
        self, node: Node, kernel: Kernel, shape: tuple[int, ...], axes: tuple[int, ...] | None
    ) -> str | None:
        """Why a node cannot be computed in the pass of a kernel; None if it can."""
        if kernel.shape != shape:
            return OTHER_SHAPE
        if axes and kernel.axes not in (None, axes):
            return OTHER_AXES
        if len(kernel.maps) >= MOST:
            return FULL
        for source in node.inputs:
            is_there = source in kernel.members and node not in self.indexed
            if self.born[source] >= kernel.index and not is_there:
                return UNFINISHED if self.kernel_of.get(source) is kernel else BETWEEN
        return None

    def _stored(self) -> set[Node]:
        """The nodes whose values somebody reads from memory."""
        stored = {self.places[node].owner for node in self.graph.outputs}
        for node in self.graph.body:
            kernel = self.kernel_of.get(node)
            for source in node.inputs:
                if kernel is None or source not in kernel.members:
                    stored.add(self.places[source].owner)
        folds = (node for node in self.kernel_of if isinstance(self.loops[node], Folded))
        return stored.union(self.places[node].owner for node in folds)


def units_of(graph: Graph) -> Units:
    """The units of a graph, in which sums of products are cut where the matrices do not lie alike.

    What is cheap to compute again is not kept in memory (`again.py`).
    """
    from .again import compute_again

    units = Units(graph)
    while units.uneven:
        graph = split_products(graph, units.uneven)
        units = Units(graph)
    units.again = compute_again(units)
    return units


def _description(node: Node, avals: tuple[Aval, ...]) -> tuple[Loops | None, str]:
    """The op as loops, or why there is no machine code for it."""
    dtypes = {node.dtype, *(aval.dtype for aval in avals)}
    native = dtypes <= NATIVE and 0 not in node.shape
    loops = node.op.loops(*avals) if native else None
    if loops is None:
        return None, _why_not_native(node, dtypes)
    if isinstance(loops, Map) and not has_machine_code(loops, avals):
        return None, f"an instruction of its formula has no machine code for {loops.dtype}"
    return loops, ""


def _why_not_native(node: Node, dtypes: set[np.dtype[Any]]) -> str:
    strange = sorted(dtype.name for dtype in dtypes - NATIVE)
    if strange:
        return f"there is no machine code for {' and '.join(strange)}"
    return "it has no elements" if 0 in node.shape else "only NumPy can run this op"


def when_needed(graph: Graph) -> list[Node]:
    """The nodes in an order in which each comes right before the first that reads it.

    Of several inputs that which has the longest way behind it comes first. Work on one shape comes together then, and
    values do not wait long in memory: the decay of an optimizer's averages stands beside their update, not at the
    beginning of the step.
    """
    height: dict[Node, int] = {}
    for node in graph.body:
        height[node] = 1 + max((height.get(source, 0) for source in node.inputs), default=0)
    ordered: dict[Node, None] = dict.fromkeys(graph.inputs)
    for output in graph.outputs:
        waiting = [output]
        while waiting:
            node = waiting[-1]
            missing = (
                [source for source in node.inputs if source not in ordered] if node not in ordered else []
            )
            if missing:
                waiting += sorted(missing, key=height.__getitem__)
                continue
            waiting.pop()
            ordered[node] = None
    return list(ordered)


def has_machine_code(loops: Map, inputs: tuple[Aval, ...]) -> bool:
    """Whether every instruction of the formula can be generated for numbers of these dtypes."""
    kinds: dict[Expr, str] = {
        Var(name): "bool" if given.dtype.kind == "b" else loops.dtype.name
        for name, given in zip(loops.names, inputs, strict=True)
    }
    waiting = [loops.formula]
    while waiting:
        expr = waiting[-1]
        if expr in kinds:
            waiting.pop()
        elif not isinstance(expr, Call):
            kinds[expr] = "bool" if isinstance(getattr(expr, "value", None), bool) else loops.dtype.name
        elif missing := [operand for operand in expr.operands if operand not in kinds]:
            waiting += missing
        else:
            choices = expr.operands[1:] if expr.instruction.name == "where" else expr.operands
            kind = "bool" if {kinds[operand] for operand in choices} == {"bool"} else loops.dtype.name
            if not supported(expr.instruction, kind):
                return False
            kinds[expr] = "bool" if expr.instruction.gives_bool else kind
    return True
