"""The graph: the contract of an op, nodes, graphs and their evaluation. No mathematics lives here."""

from .evaluate import evaluate
from .graph import Graph, ancestors, copy_graph
from .node import Node, Origin, caller, describe
from .notice import notice
from .op import CONSTANT, INPUT, OUT, Aval, Constant, Input, Leaf, Op, broadcast_shapes, interned
from .quiet import quiet

__all__ = [
    "CONSTANT",
    "INPUT",
    "OUT",
    "Aval",
    "Constant",
    "Graph",
    "Input",
    "Leaf",
    "Node",
    "Op",
    "Origin",
    "ancestors",
    "broadcast_shapes",
    "caller",
    "copy_graph",
    "describe",
    "evaluate",
    "interned",
    "notice",
    "quiet",
]
