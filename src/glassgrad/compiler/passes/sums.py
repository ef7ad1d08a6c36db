"""Sums of more than two terms: which additions of a graph make one sum, and sums put together in another way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import reduce

from ...expr import Call, Var
from ...expr.scalar import ADD
from ...graph import Graph, Node
from ...graph.loops import Map
from .rewrite import loops_of, on_inputs, rewritten

Regrouped = Callable[[Node, Sequence[Node], set[Node]], list[Node] | None]
"""From an addition, the terms of its sum, and those of them that others read too, to fewer terms; None where there is
nothing to gain."""


def regrouped(graph: Graph, rule: Regrouped) -> Graph:
    """The graph with the terms of every sum replaced by what `rule` says; the additions' own op adds them up."""
    readers = Counter(source for node in graph.body for source in node.inputs)
    readers.update(graph.outputs)
    additions = {node for node in graph.body if is_addition(node)}
    inner, done = _inner(additions, readers), dict[Node, Node]()

    def terms_of(node: Node) -> list[Node]:
        terms: list[Node] = []
        waiting = [*reversed(node.inputs)]
        while waiting:
            term = waiting.pop()
            if term in inner:
                waiting += reversed(term.inputs)
            else:
                terms.append(term)
        return terms

    def replaced(node: Node, inputs: tuple[Node, ...]) -> Node:
        if node in additions and node not in inner:
            before = terms_of(node)
            shared = {done[term] for term in before if term in done and readers[term] > 1}
            terms = rule(node, [done.get(term, term) for term in before], shared)
            if terms is not None:
                return reduce(lambda total, term: on_inputs(node, (total, term)), terms)
        return node if inputs == node.inputs else on_inputs(node, inputs)

    def remembered(node: Node, inputs: tuple[Node, ...]) -> Node:
        done[node] = replaced(node, inputs)
        return done[node]

    return rewritten(graph, remembered)


def is_addition(node: Node) -> bool:
    """Whether the node adds two floats of its own shape and dtype."""
    if len(node.inputs) != 2 or node.dtype.kind != "f":
        return False
    if any(source.shape != node.shape or source.dtype != node.dtype for source in node.inputs):
        return False
    loops = loops_of(node)
    return (
        isinstance(loops, Map)
        and loops.formula.__class__ is Call
        and loops.formula.instruction is ADD
        and loops.formula.operands == tuple(map(Var, loops.names))
    )


def _inner(additions: set[Node], readers: Counter[Node]) -> set[Node]:
    """The additions that only one other addition reads: their terms are terms of its sum."""
    return {
        source for node in additions for source in node.inputs if source in additions and readers[source] == 1
    }
