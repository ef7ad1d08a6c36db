"""When the steps of `fit`, `evaluate` and `predict` become compiled programs, and when they go on as they are.

A program takes time to make, so a step runs as it is until batches of its shape have come so often that this has cost
about as much as the program will: then the time is never more than twice the least possible. The rule knows shapes
only, no clock and no cache, so that the same training takes the same steps in the same way each time, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..errors import GlassgradError
from ..graph import Node, notice
from ..tensor import Tensor, tree
from ..tensor.staging import staging
from .python_state import PythonState

STEPS_OF_SMALL = 160
"""So many eager steps of a network with small layers lose what a program costs; measured, benchmarks/NOTES.md."""

LARGE = 10_000
"""Elements in a value whose computing takes as long as the Python around it: larger ones repay sooner."""

FORWARD_ONLY = 3
"""A step has three times the work of its forward pass."""

BATCHES_OF_PREDICT = 16
"""What a forward pass alone waits for, when no training has shown how large its values are."""

MANY_SHAPES = 32
MOST_SHAPES = 1000
"""From the first number on, shapes are reported to be many; beyond the second, they are no longer counted."""

MOST_CHANGES = 8
"""So often may something that is built into a program change and another program be made."""

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, np.ndarray)


class Waiting:
    """How often batches of each shape have come, and how often they have to before they get a program.

    seen: from the shapes and dtypes of a batch to [so often, needed]. elements: how many a value of the step has per
    row, on average; 0 as long as nobody knows. changes: how often a value built into the programs was another one.
    """

    def __init__(self) -> None:
        self.seen: dict[Any, list[int]] = {}
        self.elements = 0.0
        self.changes = 0

    def state_dict(self) -> dict[str, Any]:
        """Return all of it, for a checkpoint."""
        seen = {key: list(counts) for key, counts in self.seen.items()}
        return {"seen": seen, "elements": self.elements, "changes": self.changes}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self.seen = {key: list(counts) for key, counts in state["seen"].items()}
        self.elements, self.changes = state["elements"], state["changes"]


class Programs:
    """A function of batches that runs as it is at first, and as compiled programs where these can do the same.

    function: takes tensors; returns tensors, numbers and texts, nested in lists, tuples and dicts. name: of what runs
    it, for notices. reads: the objects whose Python values it depends on. needed: how many batches of a shape, with
    this many rows, come before they get a program. eager: whether no batch gets a program.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        reads: Iterable[Any],
        needed: Callable[[int], int],
        waiting: Waiting | None = None,
        *,
        eager: bool = False,
    ) -> None:
        from ..compiler.trace import STATE  # not above, because the compiler is loaded when first used

        self.function = function
        self.name = name
        self.reads = list(reads)
        self.needed = needed
        self.waiting = waiting or Waiting()
        self.is_off = eager
        self.lock = STATE
        self._state: PythonState | None = None
        self._compiled: Any = None
        self._many_reported = False

    def __call__(self, *batch: Tensor) -> Any:
        """What the function returns. Waits while another thread traces, because parameters have no value then."""
        if not self.is_off and self._is_due(batch):
            try:
                return self._run_compiled(batch)
            except Exception as error:
                self._turn_off(error)
        with self.lock:
            return self.function(*batch)

    def _is_due(self, batch: tuple[Tensor, ...]) -> bool:
        key = tuple([(tensor.shape, tensor.dtype.str) for tensor in batch])
        seen = self.waiting.seen
        counts = seen.get(key)
        if counts is None:
            self._report_many(len(seen) + 1, batch)
            if len(seen) < MOST_SHAPES:
                seen[key] = [1, 0]
            return False
        if counts[1] == 0:  # what the first of its shape has shown is known now
            counts[1] = self.needed(len(batch[0]))
        if counts[0] >= counts[1]:
            return True
        counts[0] += 1
        return False

    def _run_compiled(self, batch: tuple[Tensor, ...]) -> Any:
        changed = self._state.change() if self._state is not None else ""
        if changed:
            self.waiting.changes += 1
            if self.waiting.changes > MOST_CHANGES:
                raise _NotTheSame(
                    f"{changed} is another value again and again, and is built into each program"
                )
        if changed or self._state is None:
            self._state = PythonState(self.reads)
            self._compiled = _quiet_program(self._traced)
        made = self._compiled.compilations
        result = self._compiled(*batch)
        if self._compiled.compilations > made > MOST_CHANGES + len(self.waiting.seen):
            self._turn_off(_NotTheSame("settings that are built into each program change all the time"))
        return result

    def _traced(self, *batch: Tensor) -> Any:
        """The function while it is traced. Raises what lets it go on as it is."""
        assert self._state is not None
        result = self.function(*batch)
        if staging() is None:  # the call made a parameter or a state, and was run
            return result
        changed = self._state.change() or self._state.draws()
        if changed:
            raise _NotTheSame(f"every call changes {changed}, which a program would do once")
        for leaf in tree.flatten(result)[0]:
            if not isinstance(leaf, (Tensor, *PLAIN)):
                raise _NotTheSame(f"the model returns a {type(leaf).__name__}")
        return result

    def _turn_off(self, error: Exception) -> None:
        if self._state is not None:
            self._state.put_back()
        self.is_off = True
        self._compiled = self._state = None
        notice(
            f"{self.name} goes on without compiling, since {_reason(error)}. With eager=True it does not try."
        )

    def _report_many(self, shapes: int, batch: tuple[Tensor, ...]) -> None:
        if shapes > MANY_SHAPES and not self._many_reported:
            self._many_reported = True
            last = ", ".join(f"{tensor.dtype}{list(tensor.shape)}" for tensor in batch)
            notice(
                f"{self.name}: batches have come in {shapes} shapes, the last {last}. A shape is compiled by itself, "
                f"when it has come often; the others run as they are. For full speed give batches few shapes, by "
                f"padding them."
            )


class _NotTheSame(Exception):  # noqa: N818 - no error: the function goes on as it is
    """A program would not do what the function does."""


def needed_for(elements: float) -> int:
    """How many steps come before one is compiled, if a value in it has so many elements on average.

    >>> needed_for(500), needed_for(42_000), needed_for(1e7)
    (152, 30, 1)
    """
    return max(1, int(STEPS_OF_SMALL / (1 + elements / LARGE)))


def needed_to_predict(rows: int) -> int:
    """How many batches come before their forward pass is compiled, if nothing is known of the model."""
    return BATCHES_OF_PREDICT


def mean_elements(result: Tensor) -> float:
    """How many elements the values have from which `result` was computed, on average; 1 if none was recorded."""
    waiting = [] if result.node is None else [result.node]
    found: set[Node] = set(waiting)
    elements = 0
    while waiting:
        node = waiting.pop()
        elements += int(np.prod(node.shape, dtype=np.int64))
        fresh = [source for source in node.inputs if source not in found]
        found.update(fresh)
        waiting += dict.fromkeys(fresh)
    return elements / len(found) if found else 1.0


def _quiet_program(function: Callable[..., Any]) -> Any:
    from ..compiler.compiled import Compiled

    class Quiet(Compiled):
        """Reports no recompiling, which `Programs` causes itself."""

        def _notice_recompile(self, key: Any) -> None:
            pass

    return Quiet(function)


def _reason(error: Exception) -> str:
    if isinstance(error, _NotTheSame):
        return str(error)
    text = " ".join(str(error).split()).rstrip(".")
    return text if isinstance(error, GlassgradError) else f"{type(error).__name__}: {text[:200]}"
