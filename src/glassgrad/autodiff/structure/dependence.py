"""Which elements of an input an element of a result can depend on, read off the recorded graph without any derivative.

Sets of input elements travel along the graph. An elementwise op unites the sets of its operands, a reduction those of
what it reduces; an op that only moves elements moves their sets, which it shows itself when it runs on numbered
elements. Of ops about which no more is known, every element depends on all elements of the inputs, but for the axes
in front that the op treats one by one by its own batch rule. What is found is never too small: an element that a
result does depend on is always there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from ...errors import GlassgradError
from ...expr import Const, Expr, program, variables
from ...graph import INPUT, Aval, Leaf, Node, Op, ancestors
from ...ops.contract import Matmul
from ...ops.convolve import Convolution
from ...ops.cumulative import CumulativeProd, CumulativeSum, LinearRecurrence
from ...ops.families import Elementwise, Linear
from ...ops.pool import MaxPool, SumPool
from ...ops.windows import windows_of
from ...tensor import Tensor
from .column_sets import EMPTY, RUNS_AT_ONCE, ColumnSets, Ints
from .moved import chosen_elements, destinations


@dataclass(frozen=True)
class Dependence:
    """For every element of a result, in row-major order, the number of its set of input elements."""

    rows: Ints
    sets: ColumnSets
    is_selection: bool
    """Whether elements were only moved on the way: every slope is then 1."""
    bottleneck: Node
    """The smallest value through which all influence of the input passes."""
    width: int
    """How many of the real numbers in the bottleneck depend on the input."""


def dependence(output: Node, leaf: Node) -> Dependence:
    """How the elements of `output` depend on those of `leaf`, which is above it in the graph."""
    sets = ColumnSets(math.prod(leaf.shape))
    known: dict[Node, Ints] = {leaf: np.arange(1, sets.n + 1).reshape(leaf.shape)} if sets.n else {}
    order = ancestors([output], {leaf})
    moving = {leaf}
    selections = {leaf}
    for node in order:
        if any(source in moving for source in node.inputs):
            moving.add(node)
    last_use = {source: node for node in order for source in node.inputs}
    cuts = _Cuts(order, leaf)
    for node in order:
        if node is leaf:
            continue
        if _may_carry(node) and any(x in known for x in node.inputs):
            rule = _Rule(node, [known.get(source) for source in node.inputs], sets, moving)
            found = rule.apply()
            if found.any():
                known[node] = found
                if rule.moved and all(source in selections for source in node.inputs if source in known):
                    selections.add(node)
            cuts.pass_by(node, known)
        for source in node.inputs:
            if last_use[source] is node and source is not output:
                known.pop(source, None)
    rows = known.get(output, np.zeros(output.shape, np.int64)).reshape(-1)
    bottleneck, width = cuts.smallest(leaf, sets.n, output, int(np.count_nonzero(rows)))
    return Dependence(rows, sets, output in selections, bottleneck, width)


def _may_carry(node: Node) -> bool:
    """Whether a slope can pass through a node: none does through an integer."""
    return node.op.differentiable and node.dtype.kind in "fc" and 0 not in node.shape


def _count(node: Node, sets: Ints) -> int:
    """How many real numbers in a node depend on the input."""
    return int(np.count_nonzero(sets)) * (2 if node.dtype.kind == "c" else 1)


class _Cuts:
    """Finds the nodes that no path around leads past, while the nodes are visited in order."""

    def __init__(self, order: Sequence[Node], leaf: Node) -> None:
        place = {node: i for i, node in enumerate(order)}
        self.place = place
        self.reach = {leaf: 0}
        self.furthest = 0
        self.uses: dict[Node, int] = {}
        for node in order:
            for source in node.inputs:
                self.uses[source] = place[node]
        self.furthest = self.uses.get(leaf, 0)
        self.found: list[tuple[int, Node]] = []

    def pass_by(self, node: Node, known: dict[Node, Ints]) -> None:
        """Note a node that may carry the influence of the input; it is a cut if no earlier value is used later."""
        if node not in known:
            return
        if self.furthest <= self.place[node]:
            self.found.append((_count(node, known[node]), node))
        self.furthest = max(self.furthest, self.uses.get(node, 0))

    def smallest(self, leaf: Node, size: int, output: Node, rows: int) -> tuple[Node, int]:
        """The cut with the fewest elements, the input and the output among them."""
        width, node = min([(size, leaf), *self.found, (rows, output)], key=lambda pair: pair[0])
        return node, width


class _Rule:
    """One node: the sets of its inputs' elements (None for an input that does not depend) to those of its own."""

    def __init__(self, node: Node, given: Sequence[Ints | None], sets: ColumnSets, moving: set[Node]) -> None:
        self.node = node
        self.op = node.op
        self.given = given
        self.sets = sets
        self.moving = moving
        self.moved = False
        """Whether the op turned out to do nothing but move elements."""

    def apply(self) -> Ints:
        """The sets of the node's elements."""
        op = self.op
        if isinstance(op, Elementwise):
            return self.elementwise(op)
        for kind, rule in _RULES.items():
            if isinstance(op, kind):
                return rule(self)
        if isinstance(op, Linear):
            found = self.linear(op)
            if found is not None:
                return found
        kept = _kept_axes(op, self.node)
        return self.joined([self.mixed(sets, kept) for sets in self.given if sets is not None])

    def joined(self, parts: Sequence[Ints]) -> Ints:
        """The union of several arrays of sets of the node's shape."""
        whole = [np.broadcast_to(part, self.node.shape) for part in parts]
        return reduce(self.sets.join, whole) if whole else np.zeros(self.node.shape, np.int64)

    def united(self, sets: Ints) -> Ints:
        """The union along the last axis."""
        count = math.prod(sets.shape[:-1])
        rows = np.repeat(np.arange(count), sets.shape[-1])
        return self.sets.unite(rows, sets.reshape(-1), count).reshape(sets.shape[:-1])

    def mixed(self, sets: Ints, kept: dict[int, int]) -> Ints:
        """Every element depends on all in its position along the axes `kept`: those of the input to the result's."""
        front = sorted(kept, key=lambda axis: kept[axis])
        others = [axis for axis in range(sets.ndim) if axis not in kept]
        sizes = tuple(sets.shape[axis] for axis in front)
        lines = self.united(sets.transpose(*front, *others).reshape(*sizes, -1))
        shape = [1] * self.node.ndim
        for axis, size in zip(front, sizes, strict=True):
            shape[kept[axis]] = size
        return np.broadcast_to(lines.reshape(shape), self.node.shape)

    # --- families -------------------------------------------------------------------------------------------------

    def elementwise(self, op: Elementwise) -> Ints:
        """Position by position, except where the slope is 0 whatever the input is."""
        parts = []
        for sets, partial in zip(self.given, op.partial_expressions, strict=True):
            if sets is None or partial is None or partial == Const(0.0):
                continue
            flat = self.flat_where(partial)
            parts.append(
                sets if flat is None else np.where(flat, EMPTY, np.broadcast_to(sets, self.node.shape))
            )
        return self.joined(parts)

    def flat_where(self, partial: Expr) -> Any:
        """Where a slope that only constants decide is 0; None if the input decides, or if it is nowhere."""
        sources = dict(zip(self.op.argument_names, self.node.inputs, strict=True))
        names = tuple(sorted(variables(partial)))
        if not names or not all(name in sources and self.is_constant(sources[name]) for name in names):
            return None
        values = [sources[name].value for name in names]
        with np.errstate(all="ignore"):
            flat = np.asarray(program(partial, names)(*values)) == 0
        return flat if flat.any() else None

    def is_constant(self, node: Node) -> bool:
        """Whether a node is a literal number or data."""
        return isinstance(node.op, Leaf) and not node.requires_grad and node.value is not None

    def linear(self, op: Linear) -> Ints | None:
        """For an op that moves elements, or adds up elements that it moves to one place; None for any other."""
        count = len(self.node.inputs) if op.linear_inputs is None else op.linear_inputs
        inputs, others = self.node.inputs[:count], self.node.inputs[count:]
        sets = [
            np.zeros(x.shape, np.int64) if found is None else found
            for x, found in zip(inputs, self.given, strict=False)
        ]
        if any(x in self.moving or x.value is None for x in others):
            return self.moved_by_unknown(op, sets, others)
        values = [x.value for x in others]
        flat = np.concatenate([part.reshape(-1) for part in sets])
        chosen = chosen_elements(op, inputs, values)
        if chosen is not None:
            # of a complex number one part may be all that moves
            self.moved = all(x.dtype.kind != "c" for x in (self.node, *self.node.inputs))
            return np.append(flat, EMPTY)[chosen]
        places = destinations(op, self.node, inputs, values)
        if places is None:
            return None
        there = places >= 0
        return self.sets.unite(places[there], flat[there], math.prod(self.node.shape)).reshape(
            self.node.shape
        )

    def moved_by_unknown(self, op: Linear, sets: list[Ints], others: Sequence[Node]) -> Ints | None:
        """For elements chosen by index arrays that depend on the input themselves: any index counts."""
        if len(sets) != 1:
            return None
        (inputs,) = (self.node.inputs[:1],)
        ends = []
        for index in (0, -1):
            values = [
                np.full(x.shape, index, x.dtype) if x in self.moving or x.value is None else x.value
                for x in others
            ]
            chosen = chosen_elements(op, inputs, values)
            if chosen is None or chosen.shape != self.node.shape or (chosen < 0).any():
                return None
            ends.append(np.unravel_index(chosen, sets[0].shape))
        mixing = [axis for axis, (a, b) in enumerate(zip(*ends, strict=True)) if (a != b).any()]
        source = sets[0]
        kept = {axis: axis for axis in range(source.ndim) if axis not in mixing}
        rule = _Rule(inputs[0], [source], self.sets, self.moving)
        return rule.mixed(source, kept)[ends[0]]

    # --- single ops -----------------------------------------------------------------------------------------------

    def matmul(self) -> Ints:
        """Row times column: the row of the first, the column of the second, but for constant zeros in the other."""
        batch = self.node.shape[:-2]
        parts = []
        for place, (sets, other) in enumerate(zip(self.given, self.node.inputs[::-1], strict=True)):
            if sets is None:
                continue
            lines = np.broadcast_to(sets, (*batch, *sets.shape[-2:]))
            mask = None
            if other.ndim == 2 and self.is_constant(other):
                mask = (other.value if place == 0 else other.value.T) != 0
            if place == 1:
                lines = lines.swapaxes(-1, -2)
            found = self.through_mask(lines, mask)
            parts.append(found if place == 0 else found.swapaxes(-1, -2))
        return self.joined(parts)

    def through_mask(self, lines: Ints, mask: Any) -> Ints:
        """(..., k) elements to (..., m) or (..., 1): element j of the result reads those where mask[k, j] holds."""
        count = math.prod(lines.shape[:-1])
        if mask is None or mask.all() or count * np.count_nonzero(mask) > RUNS_AT_ONCE:
            return self.united(lines)[..., None]
        k, j = np.nonzero(mask)
        rows = (np.arange(count)[:, None] * mask.shape[1] + j).reshape(-1)
        listed = lines.reshape(count, -1)[:, k].reshape(-1)
        found = self.sets.unite(rows, listed, count * mask.shape[1])
        return found.reshape(*lines.shape[:-1], mask.shape[1])

    def windows(self) -> Ints:
        """Each element reads its window."""
        (sets,) = self.given
        assert sets is not None
        grid = self.op.grid  # type: ignore[attr-defined]
        lead = sets.shape[: sets.ndim - grid.ndim]
        found = windows_of(sets, grid)
        counts = found.shape[found.ndim - grid.ndim :]
        lines = found.reshape(*lead, math.prod(grid.kernel), *counts)
        return self.united(np.moveaxis(lines, len(lead), -1))

    def convolution(self) -> Ints:
        """An element reads its window in all channels of its group, and the filter of its feature."""
        images, filters = self.given
        grid, groups = self.op.grid, self.op.groups  # type: ignore[attr-defined]
        parts = []
        if images is not None:
            n, channels = images.shape[:2]
            windows = windows_of(images, grid)
            counts = windows.shape[windows.ndim - grid.ndim :]
            lines = windows.reshape(n, groups, channels // groups * math.prod(grid.kernel), *counts)
            found = self.united(np.moveaxis(lines, 2, -1))
            parts.append(np.repeat(found, self.node.shape[1] // groups, axis=1))
        if filters is not None:
            parts.append(self.mixed(filters, {0: 1}))
        return self.joined(parts)

    def running(self) -> Ints:
        """Each element reads those up to it along the axis: unions over 1, 2, 4, 8 ... elements."""
        axis: int = self.op.axis  # type: ignore[attr-defined]
        found = np.moveaxis(self.joined([sets for sets in self.given if sets is not None]), axis, 0)
        step = 1
        while step < len(found):
            found = np.concatenate([found[:step], self.sets.join(found[step:], found[:-step])])
            step *= 2
        return np.moveaxis(found, 0, axis)


_RULES = {
    Matmul: _Rule.matmul,
    Convolution: _Rule.convolution,
    MaxPool: _Rule.windows,
    SumPool: _Rule.windows,
    CumulativeSum: _Rule.running,
    CumulativeProd: _Rule.running,
    LinearRecurrence: _Rule.running,
}


# --- ops of which only the axes are known ---------------------------------------------------------------------------


def _kept_axes(op: Op, node: Node) -> dict[int, int]:
    """Axes of the inputs, and of the result, along which an element depends only on those in the same position.

    An op with a field `axis` or `axes` mixes along these axes only. For other ops the batch rule says which axes in
    front are left alone.
    """
    first = node.inputs[0]
    same = all(source.shape == first.shape for source in node.inputs)
    axes = getattr(op, "axes", None)
    axis = getattr(op, "axis", None)
    mixing = axes if isinstance(axes, tuple) else (axis,) if isinstance(axis, int) else None
    if mixing is not None and same:
        others = [a for a in range(first.ndim) if a not in mixing]
        places = others if node.ndim == first.ndim else list(range(len(others)))
        if node.ndim in (first.ndim, len(others)) and all(
            node.shape[place] == first.shape[a] for a, place in zip(others, places, strict=True)
        ):
            return dict(zip(others, places, strict=True))
    count = _independent_axes(op, node)
    return {a: a for a in range(count)}


def _independent_axes(op: Op, node: Node) -> int:
    """How many axes in front the op treats one position after the other: it is its own batch rule there."""
    inputs = [Aval(source.shape, source.dtype) for source in node.inputs]
    out = node.shape
    count = 0
    while out and all(aval.shape and aval.shape[0] == out[0] for aval in inputs):
        members = [Aval(aval.shape[1:], aval.dtype) for aval in inputs]
        try:
            if op.shape(*members).shape != out[1:]:
                break
            stacks = [Tensor(None, Node(INPUT, (), a.shape, a.dtype, True, None)) for a in inputs]
            made = op.batch((True,) * len(stacks), *stacks).node
        except (GlassgradError, NotImplementedError, IndexError, ValueError, TypeError):
            break
        if made is None or made.op != op or made.inputs != tuple(x.node for x in stacks):
            break
        inputs, out, count = members, out[1:], count + 1
    return count
