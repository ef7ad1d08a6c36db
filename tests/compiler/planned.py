"""A graph that is planned and run as it is: without passes, and without the disk's cache of plans."""

from typing import Any

from glassgrad.compiler.runtime.planning import Planning
from glassgrad.compiler.runtime.program import Program
from glassgrad.graph import Graph


class Planned(Planning):
    """How a graph is planned, and its program, which a call runs."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.program = Program(self.plan, self.machine_code(), graph)

    def __call__(self, inputs: list[Any]) -> list[Any]:
        return self.program(inputs)
