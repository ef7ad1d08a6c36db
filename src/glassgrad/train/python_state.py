"""The Python values that a step reads and may change: attributes of objects, names around functions, random numbers.

A compiled step has them built in, and what it would do to them happens once, while it is traced. So `fit` looks here
whether they are still what they were, and puts back what tracing changed.
"""

from __future__ import annotations

import inspect
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from functools import partial
from itertools import starmap
from operator import is_
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..tensor import Tensor, tree

OURS = __name__.partition(".")[0] + "."
COMPARED = (bool, int, float, complex, str, bytes, type(None), np.generic, tuple)
"""Kinds of values that are the same if they are equal; others are the same only if they are the same object."""

OF_MODULES = "_random_state"
"""An attribute that every call of a module sets, and on which no step depends."""

LOOKED_AFTER = (OF_MODULES, "param_groups", "state", "defaults")
"""Attributes of modules and optimizers whose contents programs read at each call, or check themselves."""

TOP = 2
"""How deep to look into what the step itself calls, and into modules."""

Found = dict[Any, Any]


class Values:
    """What one thing holds, as it is now."""

    def __init__(self, name: str, read: Callable[[], Found], write: Callable[[Found], None]) -> None:
        self.name = name
        self.read = read
        self.write = write
        self.before = read()

    def change(self) -> str:
        """Which value is another one now, by its name; "" if none is."""
        before, now = self.before, self.read()
        if len(before) == len(now) and all(map(is_, before.values(), now.values())):
            return ""
        for key in {**before, **now}:
            name = key if isinstance(key, str) else ""  # parameters are keys too, and cannot be compared
            if name != OF_MODULES and not (key in before and key in now and _same(before[key], now[key])):
                return f"{self.name}.{name}" if name else self.name
        self.before = now  # equal, and the next time the same objects
        return ""


class PythonState:
    """What Python holds for `things`: modules, optimizers, functions and other objects that a step calls.

    Attributes, lists, dicts and sets among them, objects among these, and what functions outside glassgrad read by
    name. What lies deeper is not seen.

    >>> model = gg.nn.Sequential(gg.nn.Dropout(0.5))
    >>> state = PythonState([model])
    >>> model[0].p = 0.25
    >>> state.change()
    'Dropout.p'
    >>> state.put_back()
    >>> model[0].p
    0.5
    """

    def __init__(self, things: Iterable[Any]) -> None:
        self._kept: list[Values] = []
        self._random: list[Values] = [
            Values("random", lambda: {"": random.getstate()}, lambda kept: random.setstate(kept[""])),
            _numpy_random(),
        ]
        self._seen: set[int] = set()
        for thing in things:
            self._add(type(thing).__name__, thing, TOP)

    def change(self) -> str:
        """The name of the first value that is not what it was when this was made; "" if there is none."""
        return next(filter(None, (values.change() for values in self._kept)), "")

    def draws(self) -> str:
        """The name of the first source of random numbers, other than `gg.random`, from which some were taken."""
        return next((values.name for values in self._random if values.change()), "")

    def put_back(self) -> None:
        """Give everything the value it had."""
        for values in [*self._kept, *self._random]:
            if values.change():
                values.write(values.before)

    # --- finding --------------------------------------------------------------------------------------------

    def _add(self, name: str, value: Any, depth: int) -> None:
        """depth: how many objects deep to look. Modules are looked into wherever they are, our other objects not."""
        if isinstance(value, str | Tensor | type | ModuleType | np.ndarray) or id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, FunctionType | MethodType):
            self._add_function(value)
        elif isinstance(value, list | deque):
            self._keep(name, lambda: dict(enumerate(value)), lambda kept: _refill(value, kept.values()))
            for place, item in enumerate(value):
                self._add(f"{name}[{place}]", item, depth)
        elif isinstance(value, set):
            self._keep(name, lambda: {(x,): x for x in value}, lambda kept: _refill(value, kept.values()))
        elif isinstance(value, dict):
            self._keep(name, value.copy, lambda kept: _refill(value, kept))
            for key, item in value.items():
                self._add(f"{name}[{key!r}]", item, depth)
        elif isinstance(value, partial):
            for part in (value.func, list(value.args), value.keywords):
                self._add(name, part, depth)
        elif isinstance(value, random.Random):
            self._random.append(
                Values(name, lambda: {"": value.getstate()}, lambda kept: value.setstate(kept[""]))
            )
        elif isinstance(value, np.random.Generator):
            self._random.append(_generator(name, value.bit_generator))
        elif tree.is_module(value):
            self._add_object(value, TOP)
        elif hasattr(value, "__dict__") and (depth == TOP or (depth > 0 and not _is_ours(type(value)))):
            self._add_object(value, depth)

    def _add_object(self, thing: Any, depth: int) -> None:
        name, attributes = type(thing).__name__, vars(thing)
        self._keep(name, attributes.copy, lambda kept: _refill(attributes, kept))
        for key, value in attributes.items():
            if key not in LOOKED_AFTER:
                self._add(f"{name}.{key}", value, depth - 1)
        for kind in type(thing).__mro__:
            if not _is_ours(kind):
                for function in vars(kind).values():
                    self._add_function(function)

    def _add_function(self, function: Any) -> None:
        if isinstance(function, MethodType):
            self._add(type(function.__self__).__name__, function.__self__, TOP)
        function = inspect.unwrap(function)
        if not isinstance(function, FunctionType) or _is_ours(function):
            return
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._keep(name, _reader(cell), _writer(cell))
            self._add(name, _reader(cell)().get(""), 1)
        there = function.__globals__
        names = [name for name in _names(function) if name in there]
        self._keep(function.__module__, lambda: {n: there[n] for n in names if n in there}, there.update)
        for name in names:
            self._add(name, there[name], 1)

    def _keep(self, name: str, read: Callable[[], Found], write: Callable[[Found], None]) -> None:
        self._kept.append(Values(name, read, write))


def _is_ours(thing: Any) -> bool:
    """Whether a class or function is part of glassgrad, Python or NumPy, which keep nothing from call to call."""
    module = f"{thing.__module__}."
    return module.startswith((OURS, "builtins.", "numpy."))


def _same(before: Any, now: Any) -> bool:
    if before is now:
        return True
    if type(before) is not type(now) or not isinstance(before, COMPARED):
        return False
    if isinstance(before, tuple):
        return len(before) == len(now) and all(starmap(_same, zip(before, now, strict=True)))
    return bool(before == now)


def _names(function: FunctionType) -> Iterator[str]:
    """The global names in a function's code and in the functions written inside it."""
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        yield from code.co_names
        waiting += [constant for constant in code.co_consts if inspect.iscode(constant)]


def _refill(container: Any, kept: Iterable[Any]) -> None:
    container.clear()
    add = container.update if isinstance(container, MutableMapping | set) else container.extend
    add(kept)


def _reader(cell: CellType) -> Callable[[], Found]:
    def read() -> Found:
        try:
            return {"": cell.cell_contents}
        except ValueError:  # the name has no value yet
            return {}

    return read


def _writer(cell: CellType) -> Callable[[Found], None]:
    def write(kept: Found) -> None:
        if kept:
            cell.cell_contents = kept[""]

    return write


def _numpy_random() -> Values:
    def read() -> Found:
        kind, keys, *rest = np.random.get_state()
        return {"": (kind, np.asarray(keys).tobytes(), *rest)}

    def write(kept: Found) -> None:
        kind, keys, *rest = kept[""]
        np.random.set_state((kind, np.frombuffer(keys, np.uint32), *rest))

    return Values("numpy.random", read, write)


def _generator(name: str, bits: Any) -> Values:
    before = bits.state

    def write(kept: Found) -> None:
        bits.state = before

    return Values(name, lambda: {"": repr(bits.state)}, write)
