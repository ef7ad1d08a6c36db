"""Staging: what happens outside a function while it is traced for `compile`.

A training step reads and changes more than its arguments: parameters, the state of an optimizer, random numbers,
settings. Each of these asks here whether a trace is running, and tells it what it would otherwise do at once. Outside
a trace there is nobody to tell, and nothing changes.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ctypes import c_size_t
from threading import RLock
from typing import Any

from .tensor import Tensor


class Staging:
    """A running trace."""

    def assign(self, cell: Tensor, value: Tensor) -> None:
        """`cell` shall hold `value` from here on."""
        raise NotImplementedError

    def read_at_each_call(self, read: Callable[[], Any], like: Any, name: str) -> Tensor:
        """A tensor without value, of the shape and dtype of `like`, that `read` gives at each call."""
        raise NotImplementedError

    def draw(self, generator: Any, blocks: int) -> int:
        """How far the stream of `generator` has been used up in this call, before it gives `blocks` more."""
        raise NotImplementedError

    def rewind(self, generator: Any, blocks: int) -> None:
        """Go on as if `generator` had given `blocks` in this call; it has given as many or more."""
        raise NotImplementedError

    def drawn(self, generator: Any) -> int:
        """How many blocks `generator` has given in this call."""
        raise NotImplementedError

    def depends_on(self, look: Callable[[], Any]) -> None:
        """The trace is good for as long as `look` returns what it returns now. Equal looks are asked once."""
        raise NotImplementedError

    def forgets_gradient(self, tensor: Tensor) -> None:
        """The gradient of `tensor` is set to None."""
        raise NotImplementedError

    def leaves_gradient(self, tensor: Tensor) -> None:
        """A gradient without value is added to a tensor from outside, where it would stay."""
        raise NotImplementedError

    def state_is_born(self, cell: Tensor) -> None:
        """`cell` has just been made, with a value that is known: it lives longer than the call."""
        raise NotImplementedError

    def state_depends(self, what: str) -> None:
        """A cell is to be made from a value that is not known: that must happen outside a trace."""
        raise NotImplementedError


_running: ContextVar[Staging | None] = ContextVar("glassgrad_staging", default=None)


def staging() -> Staging | None:
    """The running trace, if any."""
    return _running.get()


@contextmanager
def staged(trace: Staging | None) -> Iterator[None]:
    """Let `trace` hear what happens inside the `with` block."""
    token = _running.set(trace)
    try:
        yield
    finally:
        _running.reset(token)


class _State:
    """A lock that a thread may take several times, and a word in memory that says whether one has."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.held = c_size_t(0)

    def __enter__(self) -> None:
        self.lock.acquire()
        self.held.value += 1

    def __exit__(self, *problem: object) -> None:
        self.held.value -= 1
        self.lock.release()


STATE = _State()
"""Held while a trace runs, because cells have no value then, and while a program reads or changes cells, unless it does
so in one call of machine code (`compiler/runtime/entrance.py`), which asks whether it is held."""


_cells: dict[int, weakref.ref[Tensor]] = {}


def register_cell(cell: Tensor) -> None:
    """Remember a tensor whose value can be replaced, for as long as it lives."""
    key = id(cell)
    _cells[key] = weakref.ref(cell, lambda _: _cells.pop(key, None))


def is_cell(tensor: Tensor) -> bool:
    """Whether the value of a tensor can be replaced."""
    return id(tensor) in _cells


def all_cells() -> list[Tensor]:
    """Every living tensor whose value can be replaced."""
    return [cell for cell in (ref() for ref in list(_cells.values())) if cell is not None]
