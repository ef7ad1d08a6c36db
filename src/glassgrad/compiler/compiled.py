"""`compile`: a function, such as a whole training step, traced once for each signature and run as one program."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, update_wrapper
from inspect import signature
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Graph, caller, notice
from ..tensor import Tensor
from ..tensor.staging import staging
from .arguments import ABSENT, IsDifferentiated, difference, taken_apart
from .fast_call import CUT, MISSED, FastCall, fast_call, missed
from .runtime import program_for
from .runtime.heap import give_back
from .trace import STATE, ReachesOutside, Result, StateDepends, Traced, trace_step
from .uncollected import uncollected

if TYPE_CHECKING:
    from .look.cost import Cost
    from .look.explain import Explanation
    from .look.llvm import LLVMText
    from .look.profile import Profile
    from .look.units import UnitList
    from .runtime.planning import Planning

MANY_RECOMPILES = 8
"""From this program on recompiling is no longer reported."""

MANY_PROGRAMS = 64
"""When one more is made, the oldest is forgotten."""


class Compiled:
    """A function that runs as a compiled program; what `gg.compile` returns.

    `graph` is the graph of the last program that ran. Safe to call from several threads; a call that changes
    parameters, buffers or the state of random numbers waits for others that do.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise ArgumentError(f"compile takes a function; got {type(function).__name__}")
        self.function = function
        self.programs: dict[Any, list[_Specialised]] = {}
        self.last: _Specialised | None = None
        self.again: FastCall = missed
        """The last program by a shorter way, for arguments like the last."""
        self.last_key: Any = None
        self.compilations = 0
        update_wrapper(self, function)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> str:
        """Copied and pickled as functions are: a copy is the same object, and another process finds it by its name."""
        name: str = getattr(self, "__qualname__", type(self).__name__)
        return name

    def __call__(self, *args: Any, **options: Any) -> Any:
        """What the function returns."""
        found = self.again(args, options)
        return self._call(args, options) if found is MISSED else found

    def _call(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """The general way."""
        if staging() is not None:
            return self.function(*args, **options)
        inputs: list[Any] = []
        try:
            key = taken_apart((args, options), inputs)
        except IsDifferentiated:
            return self.function(*args, **options)
        found = self._entered(key, args, options)
        if found is MISSED and self._is_made(key, args, options):
            found = self._entered(key, args, options)
        if found is not MISSED:
            return found
        with STATE:
            program = self._good(key)
            if program is not None:
                self.last, self.again = program, program.again
                if program.changes_state:
                    return program(inputs)
                inputs += program.state()
        if program is None:
            return self.function(*args, **options)
        return program.run(inputs)

    def _entered(self, key: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """What the program of these arguments returns that can be called the fast way; MISSED if none can."""
        for known in self.programs.get(key, ()):
            found = known.again(args, options)
            if found is not MISSED:
                self.last, self.again = known, known.again
                return found
        return MISSED

    def _good(self, key: Any) -> _Specialised | None:
        """The program of a signature for everything outside as it is now. Hold STATE."""
        return next((program for program in self.programs.get(key, ()) if program.is_still_good()), None)

    def _is_made(self, key: Any, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
        """Make a program where there is none for this call; False if there is one, or can be none."""
        with STATE:
            if self._good(key) is not None:
                return False
            try:
                with uncollected():
                    program = _Specialised(key, trace_step(self.function, args, options))
            except (StateDepends, ReachesOutside):
                return False
            self._remember(key, program)
        return True

    def _remember(self, key: Any, program: _Specialised) -> None:
        program.traced.made.clear()  # who else holds what a cell begins with keeps it from being written over
        if self.compilations >= MANY_PROGRAMS:
            oldest = next(iter(self.programs))
            del self.programs[oldest]
        self.programs.setdefault(key, []).append(program)
        self.compilations += 1
        if 1 < self.compilations <= MANY_RECOMPILES:
            self._notice_recompile(key)
        self.last_key = key

    def _notice_recompile(self, key: Any) -> None:
        what = (
            self._what_changed(key) or "the arguments are the same, but a setting that it reads has changed"
        )
        text = f"compile: {_name(self.function)} is compiled again (program {self.compilations}): {what}"
        if self.compilations == MANY_RECOMPILES:
            text += (
                f". This is the {MANY_RECOMPILES}th program, and each takes time to make: give this argument few "
                f"different shapes (pad it), or few different values (a tensor or a float is an input of the program). "
                f"Further ones are not reported."
            )
        notice(text)

    def _what_changed(self, key: Any) -> str:
        (_, was, were), (_, now, are) = self.last_key, key
        names = _parameter_names(self.function)
        for place, (before, after) in enumerate(zip(was[1:], now[1:], strict=False)):
            found = difference(names[place] if place < len(names) else f"argument {place}", before, after)
            if found:
                return found
        if len(was) != len(now):
            return f"it had {len(was) - 1} arguments, now {len(now) - 1}"
        before, after = dict(were[1:]), dict(are[1:])
        changes = (
            difference(name, before.get(name, ABSENT), after.get(name, ABSENT))
            for name in sorted(before.keys() | after.keys())
        )
        return next(filter(None, changes), "")

    def cost(self) -> Cost:
        """Floating-point operations and bytes of the last program that ran, unit by unit and in all."""
        planning = self._planning("cost")
        from .look.cost import cost

        return cost(planning)

    @property
    def kernels(self) -> UnitList:
        """The units of the last program that ran, in order: what each does, the lines that made it, its work."""
        planning = self._planning("kernels")
        from .look.units import unit_reports

        return unit_reports(planning)

    @property
    def llvm(self) -> LLVMText:
        """The LLVM IR of the last program that ran as it is generated; `.optimised` and `.assembly` go further."""
        planning = self._planning("llvm")
        from .look.llvm import llvm_text

        return llvm_text(planning)

    def explain(self) -> Explanation:
        """Why the last program that ran is as it is: passes, units, what was not joined, what NumPy runs, memory."""
        planning = self._planning("explain")
        from .look.explain import explanation

        assert self.last is not None
        return explanation(_name(self.function), self.last.as_traced, planning)

    def profile(self, *args: Any, calls: int = 10, **options: Any) -> Profile:
        """How long each unit takes for these arguments, beside the machine's peak; print it to read.

        Makes a variant of the program that reads a clock after each unit, which all threads begin and end together,
        and real calls, for the time in all. Parameters, buffers, gradients and random states are put back afterwards.
        Times are the shortest of `calls`. Raises ArgumentError before the first call.
        """
        if self.last is not None:
            self._last_as_machine_code("profile")
        from .look.profile import profile

        return profile(self, args, options, calls)

    def _planning(self, what: str) -> Planning:
        return self._last_as_machine_code(what).planning

    def _last_as_machine_code(self, what: str) -> _Specialised:
        """The last program that ran. Ask before what looks at it is imported: without llvmlite that cannot be."""
        if self.last is None or not self.last.is_machine_code:
            raise ArgumentError(
                f"{what} is about the last program that ran as machine code: call the compiled function first, where "
                f"llvmlite is installed. A call that makes a parameter or a buffer from what it computes runs as it is"
            )
        return self.last

    @property
    def memory(self) -> Any:
        """What the last program that ran needs of memory: `peak`, `lower_bound`, what is `held`; print it to read."""
        return self._planning("memory").memory

    @property
    def graph(self) -> Graph:
        """The graph of the last program that ran."""
        if self.last is None:
            raise ArgumentError("a compiled function has a graph once it has been called")
        return self.last.graph


def compile(function: Callable[..., Any], *, check: bool = False) -> Compiled:
    """`function` as a program: traced at its first call with arguments of a signature, simplified, and run as a whole.

    Tensors, arrays and Python floats among the arguments are inputs; every other argument is a constant, and another
    value of it gives another program. Parameters, buffers, optimizers and random numbers are read and changed as
    usual; gradients that `backward()` makes inside stay inside, so `.grad` is left as it was. What Python does beside
    (print, append to a list) happens while tracing only. Branching on a tensor raises a GraphError that names the
    line.

    >>> import glassgrad as gg
    >>> step = gg.compile(gg.value_and_grad(lambda x: gg.sum(x * x)))
    >>> step(gg.asarray([1.0, 2.0]))
    (tensor(5.), tensor([2., 4.]))

    With `check`, every call also runs the function as it is, on the same state, and raises CompiledMismatch if the two
    differ by more than rounding: by 1e-5 of an array's largest value in float32, by 1e-12 in float64.

    >>> checked = gg.compile(lambda x: gg.tanh(x) * 2, check=True)
    >>> checked(gg.asarray([0.0, 1.0])).shape, checked.calls, checked.largest.relative < 1e-6
    ((2,), 1, True)

    What it has become can be looked at: `step.explain()` says what is computed together and why not more,
    `step.profile(*args)` times every unit, `step.cost()` counts operations and bytes, `step.kernels` lists the units
    with the lines that made them, `step.llvm` is their code, `step.memory` what they need, `step.graph` what they
    compute.

    >>> step.cost().flops, [unit.kind for unit in step.kernels]
    (10, ['kernel'])

    Programs are kept on disk, so that the next process need only trace: in `GLASSGRAD_CACHE_DIR`, by default a folder
    among the user's caches; the empty string turns that off.
    """
    if not check:
        return Compiled(function)
    from .check import Checked

    return Checked(function)


class _Specialised:
    """A program for arguments of one signature."""

    def __init__(self, signature: Any, traced: Traced) -> None:
        self.traced = traced
        self.requires_grad = [cell.requires_grad for _, cell in traced.cells]
        outputs = [result.node for result in traced.results if isinstance(result, Result)]
        self.results = len(outputs)
        outputs += [node for _, node in traced.assigned]
        inputs = [*traced.arguments, *(node for node, _ in traced.reads), *(node for node, _ in traced.cells)]
        self.as_traced = Graph(inputs, outputs)
        before = {
            id(cell): len(inputs) - len(traced.cells) + place for place, (_, cell) in enumerate(traced.cells)
        }
        self.updates = [
            (place, before[id(cell)])
            for place, (cell, _) in enumerate(traced.assigned, self.results)
            if id(cell) in before
        ]
        """The outputs that are next values of inputs, and these inputs."""
        self.program = program_for(self.as_traced, self.updates)
        # user code may call compiled functions, which wait for STATE: it must be held before the program's own lock
        self.changes_state = bool(
            traced.assigned or traced.draws or any(node.op.runs_user_code for node in self.as_traced.body)
        )
        self.again = fast_call(signature, traced, self.requires_grad, self.program)
        give_back()

    @property
    def is_machine_code(self) -> bool:
        """Whether it is not run by NumPy."""
        return hasattr(self.program, "plan")

    @cached_property
    def graph(self) -> Graph:
        """The graph after the passes, which a program out of the disk's cache has not seen."""
        from .passes import simplify

        return simplify(self.as_traced)

    @cached_property
    def planning(self) -> Planning:
        """How the program is planned, to look at: made again, since running needs the plan alone."""
        from .runtime.planning import Planning

        return Planning(self.graph, self.updates)

    def is_still_good(self) -> bool:
        """Whether everything the trace depended on is as it was."""
        return self.requires_grad == [cell.requires_grad for _, cell in self.traced.cells] and all(
            look() == answer for look, answer in self.traced.looks
        )

    def state(self) -> list[Any]:
        """The inputs that are no arguments. Hold STATE."""
        traced = self.traced
        reads = [np.asarray(read(), node.dtype) for node, read in traced.reads]
        return reads + [cell.value for _, cell in traced.cells]

    def __call__(self, inputs: list[Any]) -> Any:
        """Run, and change the state. Hold STATE."""
        traced = self.traced
        found = self.program(inputs + self.state())
        for (cell, _), array in zip(traced.assigned, found[self.results :], strict=True):
            cell._replace(array)
        for generator, blocks in traced.draws:
            generator.skip(blocks)
        return self._wrapped(found)

    def run(self, inputs: list[Any]) -> Any:
        """Run a program that changes no state, on arguments and state."""
        return self._wrapped(self.program(inputs))

    def _wrapped(self, found: list[Any]) -> Any:
        remaining = iter(found)
        return self.traced.rebuild(
            [
                _tensor(result, next(remaining)) if isinstance(result, Result) else result
                for result in self.traced.results
            ]
        )


def _tensor(result: Result, array: Any) -> Any:
    if result.is_number:
        return float(array)
    tensor = Tensor(array)
    if result.is_differentiable:
        tensor.cut = (CUT, caller())
    return tensor


def _parameter_names(function: Callable[..., Any]) -> list[str]:
    try:
        return list(signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", None) or type(function).__name__
