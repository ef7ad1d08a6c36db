"""What is done with rows that an index array chooses from a table of fewer rows is done before they are chosen.

The layer after an embedding multiplies the same few rows again and again. For a table E, index array c, matrices W and
G, and a formula f that is the same for all rows:

    E[c] @ W               =  (E @ W)[c]
    f(E[c])                =  f(E)[c]
    E[c]ᵀ @ G              =  Eᵀ @ S         where S has the rows of G added up by c
    rows of G @ W by c     =  S @ W

and so for the transposes. Assumes nothing. Guarantees the same values to rounding, because sums are made in another
order; a number that is not finite spreads from E and W to the last two even if its row is not chosen. Stops because it
is one pass.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ...graph import Graph, Node
from ...graph.loops import Chosen, Gathered, Map, Product, Rearranged, Scattered
from ...ops.index import Index, IndexAdd
from ...ops.key import ARRAY, Key
from ..homes import contiguous
from .rewrite import loops_of, made, on_inputs, permuted, reshaped, rewritten

MOVED = 32
"""How many products cost as much as moving one element through memory."""

BY_ROW = Key((ARRAY,))


@dataclass(frozen=True)
class Rows:
    """The rows of a table that an index array chooses; `columns` is the axis along which each row lies."""

    table: Node
    chosen: Node
    columns: int


@dataclass(frozen=True)
class Step:
    """What a rearrangement does to all axes but that of the columns: they change places, or become others."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    order: tuple[int, ...] | None
    """The places that they had before; None for a reshape."""
    columns: int
    """The axis along which each row lies afterwards."""

    def done(self, rows: Node) -> Node:
        """The same done to a value for each row."""
        return reshaped(rows, self.after) if self.order is None else permuted(rows, self.order)

    def undone(self, rows: Node) -> Node:
        """From a value for each row afterwards to one for each row before."""
        if self.order is None:
            return reshaped(rows, self.before)
        return permuted(rows, tuple(map(self.order.index, range(len(self.order)))))


def compute_before_choosing(graph: Graph) -> Graph:
    """Products and formulas of chosen rows become those of the table, where that has fewer rows."""
    readers = Counter(source for node in graph.body for source in node.inputs)
    readers.update(graph.outputs)
    rows_of: dict[Node, Rows] = {}

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node:
        found = None
        if any(source in rows_of for source in inputs):
            found = _with_chosen_rows(node, inputs, rows_of)
        elif _has_indices(node) and _is_read_once(node.inputs[0], readers):
            found = _sums_of_product(node, inputs)
        if found is None:
            found = node if inputs == node.inputs else on_inputs(node, inputs)
        rows = _rows(found, rows_of)
        if rows is not None:
            rows_of[found] = rows
        return found

    return rewritten(graph, rule)


# --- chosen rows --------------------------------------------------------------------------------------------------


def _rows(node: Node, rows_of: dict[Node, Rows]) -> Rows | None:
    """The table and the index array behind a value, if its rows are chosen from one."""
    source = node.inputs[0] if node.inputs else node
    if source in rows_of and len(node.inputs) == 1:
        before = rows_of[source]
        step = _step(node, before.columns)
        return None if step is None else Rows(before.table, step.done(before.chosen), step.columns)
    if len(node.inputs) == 2 and _has_indices(node):
        loops = loops_of(node)
        if isinstance(loops, Gathered) and _is_by_row(loops.chosen, source.shape):
            return Rows(source, node.inputs[1], node.ndim - 1)
    return None


def _with_chosen_rows(node: Node, inputs: tuple[Node, ...], rows_of: dict[Node, Rows]) -> Node | None:
    loops = loops_of(node)
    if isinstance(loops, Map):
        return _formula(node, inputs, rows_of)
    if not isinstance(loops, Product) or not _is_tall(node):
        return None
    left, right = inputs
    if left in rows_of:
        rows = rows_of[left]
        if rows.columns == node.ndim - 1 and _pays(rows):
            return made(Index(BY_ROW), (made(node.op, (rows.table, right), node), rows.chosen), node)
        if (rows.columns, node.ndim) == (0, 2) and _pays(rows):
            return made(node.op, (permuted(rows.table, (1, 0)), _sums(right, rows)), node)
    if right in rows_of:
        rows = rows_of[right]
        if (rows.columns, node.ndim) == (1, 2) and _pays(rows):
            sums = _sums(permuted(left, (1, 0)), rows)
            return made(node.op, (permuted(sums, (1, 0)), rows.table), node)
    return None


def _formula(node: Node, inputs: tuple[Node, ...], rows_of: dict[Node, Rows]) -> Node | None:
    """A formula of chosen rows, and of what is the same for all of them."""
    wide = {source for source in inputs if math.prod(source.shape[:-1]) > 1}
    value = next(iter(wide), node)
    if len(wide) != 1 or value not in rows_of or value.shape != node.shape:
        return None
    rows = rows_of[value]
    if rows.columns != node.ndim - 1 or math.prod(rows.chosen.shape) < 2 * rows.table.shape[0]:
        return None
    sources = tuple(
        rows.table if source is value else reshaped(source, source.shape[-1:]) for source in inputs
    )
    return made(Index(BY_ROW), (made(node.op, sources, node), rows.chosen), node)


def _sums(values: Node, rows: Rows) -> Node:
    """The rows of a matrix, one for each that is chosen from a table, added up for each row of the table."""
    return made(IndexAdd(BY_ROW, (rows.table.shape[0], values.shape[1])), (values, rows.chosen), values)


def _pays(rows: Rows) -> bool:
    """Whether products with the table, instead of all chosen rows, make up for moving what comes of them."""
    count, (size, width) = math.prod(rows.chosen.shape), rows.table.shape
    return min(size, width) > 1 and (count - size) * width >= MOVED * count


# --- sums of products by index ------------------------------------------------------------------------------------


def _sums_of_product(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    """Rows of a product, added up where an index array says: the rows of its left operand are added up first."""
    loops = loops_of(node)
    if not isinstance(loops, Scattered) or len(inputs) != 2 or loops.instruction != "add" or loops.onto:
        return None
    product, chosen = inputs
    chain: list[Node] = []
    while isinstance(maker := loops_of(product), Rearranged):
        chain.append(product)
        (product,) = product.inputs
    if not _is_by_row(loops.chosen, node.shape) or not isinstance(maker, Product) or not _is_tall(product):
        return None
    steps: list[Step] = []
    columns = product.ndim - 1
    for value in reversed(chain):
        step = _step(value, columns)
        if step is None:
            return None
        steps.append(step)
        columns = step.columns
    if columns != inputs[0].ndim - 1:
        return None
    for step in reversed(steps):
        chosen = step.undone(chosen)
    count = math.prod(chosen.shape)
    rows = Rows(node, reshaped(chosen, (count,)), 1)
    left, right = product.inputs
    sums = _sums(reshaped(left, (count, left.shape[-1])), rows)
    return made(product.op, (sums, right), product) if _pays(rows) else None


# --- what they share ----------------------------------------------------------------------------------------------


def _step(node: Node, columns: int) -> Step | None:
    """What a node does to the rows of its input; None if it does more than to put them into another order or shape."""
    loops = loops_of(node)
    if not isinstance(loops, Rearranged):
        return None
    shape = node.inputs[0].shape
    before = shape[:columns] + shape[columns + 1 :]
    strides = contiguous(before)
    apart = max(1, math.prod(before))  # farther than any two rows
    view = loops.view(shape, (0, (*strides[:columns], apart, *strides[columns:])))
    if view is None or view[0]:
        return None
    width = shape[columns]
    places = [place for place, step in enumerate(view[1]) if (step, node.shape[place]) == (apart, width)]
    if len(places) != 1:
        return None
    (place,) = places
    after = node.shape[:place] + node.shape[place + 1 :]
    seen = view[1][:place] + view[1][place + 1 :]
    if math.prod(before) != math.prod(after):
        return None
    if all(a == b for a, b, size in zip(seen, contiguous(after), after, strict=True) if size > 1):
        return Step(before, after, None, place)
    old, new = (list(zip(*both, strict=True)) for both in ((before, strides), (after, seen)))
    if sorted(old) != sorted(new) or 1 in before:
        return None
    return Step(before, after, tuple(map(old.index, new)), place)


def _is_by_row(chosen: Chosen, shape: tuple[int, ...]) -> bool:
    """Whether whole rows of a matrix of this shape are chosen."""
    plain = contiguous(shape)
    return (
        len(shape) == 2
        and (chosen.axes, chosen.at, chosen.shape) == ((0,), 0, shape)
        and chosen.view.view(shape, (0, plain)) == (0, plain)
    )


def _is_tall(product: Node) -> bool:
    """Whether a product is one of a matrix, or a stack of them, times one matrix, all of one dtype of floats."""
    return (
        product.dtype.kind == "f"
        and len(product.inputs) == 2
        and product.inputs[1].ndim == 2
        and all(source.dtype == product.dtype for source in product.inputs)
    )


def _is_read_once(node: Node, readers: Mapping[Node, int]) -> bool:
    """Whether only one node reads a value, or what it is a rearrangement of."""
    while readers[node] == 1 and isinstance(loops_of(node), Rearranged):
        (node,) = node.inputs
    return readers[node] == 1


def _has_indices(node: Node) -> bool:
    return any(source.dtype.kind in "iu" for source in node.inputs[1:])
