"""`checkpoint`: a part of a computation whose values are computed again on the way back, instead of being stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from operator import attrgetter
from typing import Any

from .. import random
from ..graph import Node
from ..ops.shape import identity
from ..tensor import Tensor, is_recording, recording, tree, variable
from .called import name_of, require_function
from .member import live_stacks, running_where
from .modules import in_place, standing, standing_again
from .packed import Call, call_as_one_node
from .reverse import pull_back, seeds_of
from .through import on_plain_parts, plain_parts


def checkpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, of which reverse mode keeps only the inputs: the rest is computed again when gradients are wanted.

    Memory for what happens inside is needed one checkpointed function at a time; the forward work is done twice.
    Arguments and results may be nested dicts, lists and tuples of tensors, and other values. Tensors that the
    function reads from outside, such as parameters, get their gradients as usual. Random numbers are drawn again as
    they were. The function runs twice, so it must not change anything else.

    Source: Griewank, "Achieving logarithmic growth of temporal and spatial complexity in reverse automatic
    differentiation" (1992); Chen et al. (2016).

    >>> import glassgrad as gg
    >>> gg.grad(gg.checkpoint(lambda x: gg.sin(gg.sin(x))))(0.0)
    tensor(1.)
    """
    require_function("checkpoint", function)

    @wraps(function)
    def checkpointed(*args: Any) -> Any:
        if not is_recording():
            return function(*args)
        return _Segment(function, args).result()

    return checkpointed


class _Segment:
    """One call of a checkpointed function, seen from beneath: as a function of the plain tensors in its arguments."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.function = function
        self.args = args
        self.leaves, _ = tree.flatten(args)
        self.inputs = [
            part
            for leaf in self.leaves
            if isinstance(leaf, Tensor)
            for part in plain_parts(leaf)
            if _carries(part)
        ]
        self.random_state = random.get_state()
        self.stacks = live_stacks()
        self.standing = standing()

    def run(self, inputs: Sequence[Tensor]) -> tuple[list[Any], tree.Rebuild]:
        """The function's results, with these in place of the plain tensors in its arguments."""
        remaining = iter(inputs)

        def replaced(part: Tensor) -> Tensor:
            return next(remaining) if _carries(part) else part

        arguments = [
            on_plain_parts(leaf, replaced) if isinstance(leaf, Tensor) else leaf for leaf in self.leaves
        ]
        with (
            recording(True),
            running_where(self.stacks),
            standing_again(self.standing),
            in_place(self.args, arguments) as given,
        ):
            return tree.flatten(self.function(*given))

    def result(self) -> Any:
        """What the function returns, as results of one node."""
        if any(x.value is None for x in self.inputs):  # a trace sees the function as it is
            return self.function(*self.args)
        fresh = [variable(x) for x in self.inputs]
        outputs, rebuild = self.run(fresh)
        parts = _parts(outputs)
        self.outside = read_from_outside(parts, fresh)
        plain = [Tensor(part.value) for part in parts]
        if parts and (self.outside or any(x.requires_grad for x in self.inputs)):
            op = Call(name_of(self.function), self.again, self.pull, plain)
            plain = call_as_one_node(op, self.inputs, self.outside, plain)
        found = iter(plain)

        def joined(part: Tensor) -> Tensor:
            return next(found) if _carries(part) else Tensor(part.value)

        return rebuild(
            [on_plain_parts(output, joined) if isinstance(output, Tensor) else output for output in outputs]
        )

    def again(self, inputs: list[Tensor]) -> list[Tensor]:
        """The outputs that carry gradients, computed from the inputs."""
        return _parts(self.run(inputs[: len(self.inputs)])[0])

    def pull(self, upstream: list[Tensor], inputs: list[Tensor]) -> list[Tensor | None]:
        """The gradients of the inputs: the function runs again, on a tape of its own."""
        record = any(x.requires_grad for x in inputs)
        with recording(True):
            fresh = [identity(x) if x.requires_grad else variable(x) for x in inputs[: len(self.inputs)]]
        now = random.get_state()
        random.set_state(self.random_state)
        try:
            outputs = self.again(fresh)
        finally:
            random.set_state(now)
        seeds = seeds_of(zip(outputs, upstream, strict=True))
        nodes = [x.as_node() for x in fresh] + self.outside
        gradients = pull_back(seeds, nodes, record=record)
        return [gradients.get(node) for node in nodes]


def _carries(part: Tensor) -> bool:
    return part.dtype.kind in "fc"


def _parts(outputs: Sequence[Any]) -> list[Tensor]:
    """The plain tensors in the results that can carry gradients."""
    return [
        part
        for output in outputs
        if isinstance(output, Tensor)
        for part in plain_parts(output)
        if _carries(part)
    ]


def read_from_outside(outputs: Sequence[Tensor], fresh: Sequence[Tensor]) -> list[Node]:
    """The nodes with gradients, older than the variables of this run, that it depends on."""
    ours = {x.as_node() for x in fresh}
    before = min((node.serial for node in ours), default=0)
    found: list[Node] = []
    waiting = [output.as_node() for output in outputs if output.requires_grad]
    seen = {*waiting, *ours}
    while waiting:
        node = waiting.pop()
        if node.serial < before and node not in ours:
            found.append(node)
            continue
        new = [source for source in node.inputs if source.requires_grad and source not in seen]
        seen.update(new)
        waiting += new
    return sorted(found, key=attrgetter("serial"))
