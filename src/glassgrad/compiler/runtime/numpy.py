"""A graph as a list of NumPy calls: what runs where nothing faster can, and the reference for what is faster."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph import Graph, Leaf, quiet


class Program:
    """The nodes of a graph in order, each with the places of its inputs, and the values that die with it."""

    def __init__(self, graph: Graph) -> None:
        places = {node: place for place, node in enumerate(graph.inputs)}
        self.constants = []
        steps = []
        for node in graph.body:
            if node in places:
                continue
            places[node] = len(places)
            if isinstance(node.op, Leaf):
                self.constants.append((places[node], node.value))
            else:
                steps.append(node)
        last = {source: node for node in steps for source in node.inputs}
        kept = {*graph.outputs, *graph.inputs}
        self.steps = [
            (
                node.op.forward,
                tuple(places[source] for source in node.inputs),
                places[node],
                tuple(
                    places[source]
                    for source in dict.fromkeys(node.inputs)
                    if last[source] is node and source not in kept and not isinstance(source.op, Leaf)
                ),
            )
            for node in steps
        ]
        self.outputs = [places[node] for node in graph.outputs]
        self.given = {*range(len(graph.inputs)), *(place for place, _ in self.constants)}
        self.size = len(places)
        self.runs_user_code = any(node.op.runs_user_code for node in steps)

    def __call__(self, inputs: list[Any]) -> list[Any]:
        """The outputs for these inputs."""
        return self._run(inputs) if self.runs_user_code else quiet.run(self._run, inputs)

    def _run(self, inputs: list[Any]) -> list[Any]:
        values: list[Any] = [*inputs, *[None] * (self.size - len(inputs))]
        for place, constant in self.constants:
            values[place] = constant
        for forward, sources, place, dead in self.steps:
            values[place] = np.asarray(forward(*[values[source] for source in sources]))
            for source in dead:
                values[source] = None
        # a caller may write to its arrays, and a cell may take an output as its value
        found = [values[place] for place in self.outputs]
        return [
            array.copy() if place in self.given or array.base is not None else array
            for place, array in zip(self.outputs, found, strict=True)
        ]
