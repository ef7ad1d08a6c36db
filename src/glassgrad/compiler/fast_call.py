"""Calling a program again: a Python function, written for its signature, in front of its entrance.

The general way to call a compiled function takes the arguments apart, looks for a program, fills its table and wraps
what comes out. What of this is the same for every call of one program is done once, here: the source of a function
that compares what there is to compare, calls the program's entrance (`runtime/entrance.py`), and puts the results
together.

Guarantees that a call either does what the general way would do, or nothing; it returns MISSED then. What counts as the
same arguments is decided in `arguments.py` alone: the checks are written from the signature that it gives.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..graph import Aval, caller
from .arguments import Same, is_branch
from .trace import STATE, Result, Traced

MISSED = object()
"""What a fast call returns if it has done nothing."""

FastCall = Callable[[tuple[Any, ...], dict[str, Any]], Any]

LONG = 1e5
"""Nanoseconds from which on other threads of Python run while a program runs; they wait for shorter ones."""

CUT = "computed by a compiled function (compile the whole step, with backward() inside)"
"""Why there is no graph behind a result."""

_FILE = str(Path(__file__).parent / "<fast call>")


def missed(args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The fast call where there is none."""
    return MISSED


def fast_call(signature: Any, traced: Traced, requires_grad: list[bool], program: Any) -> FastCall:
    """A function of `args` and `options`; its source is its docstring.

    signature: of (args, options). requires_grad: of the traced cells, as the program needs it.
    """
    if getattr(program, "plan", None) is None:  # without machine code
        return missed
    from .runtime.entrance import entrance
    from .runtime.entrance_python import entrance_in_python
    from .runtime.entrance_words import AS_ARRAY, AS_TENSOR

    writer = _Writer()
    if not writer.takes_apart(signature):
        return missed
    writer.reads(traced)
    releases = program.plan.uses_team or program.plan.nanoseconds > LONG
    holds_state = bool(traced.draws or (releases and traced.assigned))
    results = [result for result in traced.results if isinstance(result, Result)]
    uses = [AS_ARRAY if result.is_number else AS_TENSOR for result in results]
    enter: Any = entrance(
        program,
        writer.numbers,
        [(cell, wanted) for (_, cell), wanted in zip(traced.cells, requires_grad, strict=True)],
        uses,
        [cell for cell, _ in traced.assigned],
        STATE.held,
        caller_holds_state=holds_state,
        releases=releases,
    )
    lock = STATE if holds_state else program.lock if releases else None
    if enter is None:
        user_code = any(step.op.runs_user_code for step in program.plan.by_numpy)  # which may wait for STATE
        if traced.cells or traced.assigned or traced.draws or user_code:
            return missed
        enter, lock = entrance_in_python(program, uses), None
    writer.enters(enter, lock, traced.draws)
    writer.returns(traced)
    return writer.function()


class _Writer:
    """The lines of the function, and the things that they name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.things: dict[str, Any] = {"MISSED": MISSED, "CUT": CUT, "caller": caller}
        self.given: list[str] = []
        """What goes into the program, in order."""
        self.numbers: set[int] = set()
        """Which of them are floats."""

    def function(self) -> FastCall:
        """What has been written."""
        source = "\n    ".join(["def call(args, options):", *self.lines])
        exec(compile(source, _FILE, "exec"), self.things)
        call: FastCall = self.things["call"]
        call.__doc__ = source
        return call

    def _named(self, thing: Any) -> str:
        name = f"thing{len(self.things)}"
        self.things[name] = thing
        return name

    def _miss_if(self, condition: str) -> None:
        self.lines.append(f"if {condition}: return MISSED")

    def takes_apart(self, signature: Any) -> bool:
        """Write checks that a call has this signature, and names for its inputs; False if that cannot be."""
        _, args, options = signature
        return self._sequence("args", args) and self._dict("options", options)

    def _argument(self, name: str, signature: Any) -> bool:
        if isinstance(signature, Aval):
            self.given.append(name)
        elif signature is float:
            self.numbers.add(len(self.given))
            self.given.append(name)
        elif isinstance(signature, Same):
            self._miss_if(f"{name} is not {self._named(signature.thing)}")
        elif not isinstance(signature, tuple):
            return False
        elif not is_branch(signature):
            kind, value = signature
            # in tuples, because they are equal where things are identical, as they are in a signature
            self._miss_if(f"type({name}) is not {self._named(kind)} or ({name},) != {self._named((value,))}")
        else:
            self._miss_if(f"type({name}) is not {self._named(signature[0])}")
            part = self._dict if issubclass(signature[0], dict) else self._sequence
            return part(name, signature)
        return True

    def _sequence(self, name: str, signature: Any) -> bool:
        _, *items = signature
        self._miss_if(f"len({name}) != {len(items)}")
        names = [f"{name}_{place}" for place in range(len(items))]
        if names:
            self.lines.append(f"{', '.join(names)}, = {name}")
        return all(map(self._argument, names, items))

    def _dict(self, name: str, signature: Any) -> bool:
        _, *items = signature
        if not items:
            self._miss_if(name)
            return True
        keys = self._named([key for key, _ in items])
        self._miss_if(f"[*{name}] != {keys}")
        names = [f"{name}_{place}" for place in range(len(items))]
        self.lines.append(f"{', '.join(names)}, = {name}.values()")
        return all(map(self._argument, names, (item for _, item in items)))

    def reads(self, traced: Traced) -> None:
        """Write what else the program depends on and reads."""
        for look, answer in traced.looks:
            self._miss_if(f"{self._named(look)}() != {self._named(answer)}")
        for node, read in traced.reads:
            if node.shape == () and node.dtype == np.float64:
                self.numbers.add(len(self.given))
            self.given.append(f"{self._named(read)}()")

    def enters(self, enter: Any, lock: Any, draws: list[tuple[Any, int]]) -> None:
        """Write the call of the program, while `lock` is held."""
        if lock is not None:
            self.lines.append(f"with {self._named(lock)}:")
        start = len(self.lines)
        self.lines.append(f"found = {self._named(enter)}({', '.join(self.given)})")
        self._miss_if("found is None")
        for generator, blocks in draws:
            self.lines.append(f"{self._named(generator)}.skip({blocks})")
        if lock is not None:
            self.lines[start:] = ["    " + line for line in self.lines[start:]]

    def returns(self, traced: Traced) -> None:
        """Write how the results become what the function returns."""
        names = [f"result_{place}" for place in range(len(traced.results))]
        found = [
            name for name, result in zip(names, traced.results, strict=True) if isinstance(result, Result)
        ]
        if found:
            self.lines.append(f"{', '.join(found)}, = found")
        cut = []
        for place, (name, result) in enumerate(zip(names, traced.results, strict=True)):
            if not isinstance(result, Result):
                names[place] = self._named(result)
            elif result.is_number:
                self.lines.append(f"{name} = float({name})")
            elif result.is_differentiable:
                cut.append(f"{name}.cut")
        if cut:
            # three frames: `caller`, the fast call, and `Compiled.__call__`
            self.lines.append(" = ".join([*cut, "CUT, caller(3)"]))
        leaves = [_Leaf(name) for name in names]
        try:
            whole = self._expression(traced.rebuild(leaves))
        except Exception:  # a container of the user's own, which may want other leaves
            whole = f"{self._named(traced.rebuild)}([{', '.join(names)}])"
        self.lines.append(f"return {whole}")

    def _expression(self, tree: Any) -> str:
        """The source of a tree of leaves. Raises TypeError for one that source cannot be written for."""
        if type(tree) is _Leaf:
            return tree.name
        if type(tree) is dict:
            items = [f"{self._named(key)}: {self._expression(item)}" for key, item in tree.items()]
            return "{" + ", ".join(items) + "}"
        parts = ", ".join(map(self._expression, tree))
        if type(tree) is list:
            return f"[{parts}]"
        if type(tree) is tuple:
            return f"({parts}{',' if len(tree) == 1 else ''})"
        if hasattr(tree, "_fields"):
            return f"{self._named(type(tree))}({parts})"
        raise TypeError


class _Leaf:
    """Stands for a result by its name in the source."""

    def __init__(self, name: str) -> None:
        self.name = name
