"""`compile(f, check=True)`: every call is made twice, as a program and as it is, and the results are compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from inspect import getclosurevars
from typing import Any

import numpy as np

from ..errors import CompiledMismatch
from ..tensor import Tensor, tree
from ..tensor.staging import staging
from .compiled import Compiled
from .outside import Cells, cells, put_back, run_as_program
from .trace import STATE

ALLOWED = {2: 1e-2, 4: 1e-5, 8: 1e-12}
"""The largest difference by the bytes of a float, relative to the largest absolute value of the array."""


@dataclass(frozen=True)
class Difference:
    """How far one array of the program is from that of eager execution."""

    name: str
    relative: float
    """The largest difference, divided by the largest absolute value; infinite where only one of the two is finite."""
    allowed: float
    index: tuple[int, ...] = ()
    """Where it is."""
    compiled: Any = None
    eager: Any = None

    @property
    def excess(self) -> float:
        """The difference in units of what is allowed."""
        return self.relative / self.allowed if self.allowed else self.relative

    def __str__(self) -> str:
        return f"{self.relative:.1e} in {self.name} (allowed: {self.allowed:.0e})"


class Checked(Compiled):
    """A compiled function that compares each call with eager execution; what `gg.compile(f, check=True)` returns.

    The function runs twice, on the same parameters, buffers, optimizer state and random numbers, and what a call leaves
    behind is that of one call, made by the program. Python's side effects (print, append to a list) happen twice.
    `calls` counts the calls compared, `largest` is the largest `Difference` so far. A call that runs as it is, such
    as one that makes a buffer from what it computes, has nothing to be compared with.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self.calls = 0
        self.largest: Difference | None = None
        self.made: Cells = {}
        """What cells begin with that the program of this call has made."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """What the program returns. Raises CompiledMismatch if it is not what the function returns as it is."""
        if staging() is not None:
            return self.function(*args, **options)
        with STATE:
            before = cells()
            program, found = run_as_program(self, args, options)
            if program is None:
                return found
            before.update((cell, begun) for cell, begun in self.made.items() if cell not in before)
            self.made.clear()
            after = cells()
            wanted, wanted_cells = self._as_it_is(args, options, before, after, program.traced.draws)
            differences = list(_differences(found, wanted))
            names = _names(self.function)
            for cell, (value, _) in after.items():
                other = wanted_cells[cell][0]
                if value is not before[cell][0] or other is not before[cell][0]:
                    differences.append(_difference(_name(cell, names), value, other))
        self.calls += 1
        worst = max(differences, key=lambda difference: difference.excess, default=None)
        if worst is not None:
            self.largest = max(worst, self.largest or worst, key=lambda difference: difference.excess)
            if worst.relative > worst.allowed:
                raise CompiledMismatch(_message(self, worst, differences))
        return found

    def _remember(self, key: Any, program: Any) -> None:
        self.made.update((cell, (value, None)) for cell, value in program.traced.made)
        super()._remember(key, program)

    def _as_it_is(
        self, args: Any, options: Any, before: Cells, after: Cells, draws: Any
    ) -> tuple[Any, Cells]:
        """What the function returns and leaves behind by itself; what the program left behind is put back."""
        states = [generator.get_state() for generator, _ in draws]
        try:
            put_back(before)
            for generator, blocks in draws:
                generator.skip(-blocks)
            found = self.function(*args, **options)
            return found, cells()
        finally:
            put_back(after)
            for (generator, _), state in zip(draws, states, strict=True):
                generator.set_state(state)

    def __repr__(self) -> str:
        largest = f", the largest difference is {self.largest}" if self.largest else ""
        calls = "1 call" if self.calls == 1 else f"{self.calls} calls"
        return f"<compiled function, {calls} compared with eager execution{largest}>"


def _differences(found: Any, wanted: Any, name: str = "the result") -> Any:
    """The differences of two trees, leaf by leaf."""
    branches, others = tree.children(found), tree.children(wanted)
    if branches is None or others is None or branches.keys() != others.keys():
        a, b = (np.asarray(x.value if isinstance(x, Tensor) else x) for x in (found, wanted))
        yield _difference(name, a, b)
        return
    for key, branch in branches.items():
        yield from _differences(branch, others[key], f"{name}[{key!r}]")


def _difference(name: str, a: Any, b: Any) -> Difference:
    """
    >>> print(_difference("x", np.float32([1.0, 4.0]), np.float32([1.0, 3.0])))
    3.3e-01 in x (allowed: 1e-05)
    """
    is_float = b.dtype.kind in "fc"
    allowed = ALLOWED[b.dtype.itemsize // (2 if b.dtype.kind == "c" else 1)] if is_float else 0.0
    if a.shape != b.shape or a.dtype != b.dtype:
        return Difference(
            name, math.inf, allowed, (), f"{a.dtype}{list(a.shape)}", f"{b.dtype}{list(b.shape)}"
        )
    same = (a == b) | ((a != a) & (b != b))
    if same.all():
        return Difference(name, 0.0, allowed)
    if not is_float:
        apart = np.where(same, 0.0, np.inf)
    else:
        with np.errstate(all="ignore"):
            scale = np.abs(b[np.isfinite(b)]).max(initial=0.0)
            apart = np.abs(a.astype(np.result_type(b, np.float64)) - b) / scale
        apart = np.where(same, 0.0, np.where(np.isfinite(apart), apart, np.inf))
    index = np.unravel_index(int(np.argmax(apart)), apart.shape)
    return Difference(name, float(apart[index]), allowed, tuple(map(int, index)), a[index], b[index])


def _names(function: Callable[..., Any]) -> dict[int, str]:
    """What the modules and optimizers that a function uses call their parameters, buffers and states."""
    names: dict[int, str] = {}
    try:
        known = getclosurevars(function)
    except (TypeError, ValueError):
        return names
    around = {**known.globals, **known.nonlocals}
    receiver = getattr(function, "__self__", None)
    if receiver is not None:
        around["self"] = receiver
    for name, value in around.items():
        if isinstance(value, Tensor):
            names.setdefault(id(value), name)
        for listed in ("named_parameters", "named_buffers"):
            if hasattr(value, listed):
                names.update({id(cell): f"{name}.{path}" for path, cell in getattr(value, listed)()})
    for name, value in around.items():
        if hasattr(value, "param_groups") and isinstance(getattr(value, "state", None), dict):
            for parameter, state in value.state.items():
                of = names.get(id(parameter), "a parameter")
                names.update({id(cell): f"{name}'s {kept} of {of}" for kept, cell in state.items()})
    return names


def _name(cell: Tensor, names: dict[int, str]) -> str:
    own = cell.node.name if cell.node is not None else None
    return names.get(id(cell)) or own or f"a {type(cell).__name__} {cell.dtype}{list(cell.shape)}"


def _message(checked: Checked, worst: Difference, differences: list[Difference]) -> str:
    name = getattr(checked.function, "__name__", None) or type(checked.function).__name__
    others = sum(d.relative > d.allowed for d in differences) - 1
    also = f" (and {others} other array{'s' if others > 1 else ''} differ)" if others else ""
    at = f" at index {worst.index}" if worst.index else ""
    how_much = (
        f"by {worst.relative:.1e} of the largest absolute value of the array, where {worst.allowed:.0e} is allowed"
        if math.isfinite(worst.relative)
        else "by more than rounding"
    )
    return (
        f"compile(check=True): {name} compiled and as it is differ in {worst.name} {how_much}{also}:{at} the program "
        f"has {worst.compiled}, eager execution has {worst.eager}. If the function does the same at every call (no "
        f"counter, time, or random numbers from elsewhere than gg.random), this is an error in glassgrad: please "
        f"report it, with the text of step.explain()"
    )
