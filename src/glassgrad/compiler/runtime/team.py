"""A team of threads that run compiled programs together: Python threads that enter machine code and stay there.

Every call of a program goes to the machine code of `llvm/team.py`. That calls back to Python only when there is no team
yet: at the first call, after a change of the number of threads, and after a fork. Whoever changes the team takes it
first, as a running program does.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
import time
from ctypes import CFUNCTYPE, c_int32, c_int64, c_size_t, c_void_p
from functools import lru_cache

from ..llvm.team import LOCK, SIGNAL, SLOT, team_code
from . import threads
from .loading import code_name, machine_code

OFFERED = tuple(f"glassgrad_{name}" for name in ("launch", "open", "gate", "help", "reach"))
"""What programs call."""

PTHREADS = (
    "pthread_mutex_lock",
    "pthread_mutex_unlock",
    "pthread_cond_wait",
    "pthread_cond_signal",
    "sched_yield",
)
PATIENCE = 1.0
"""Seconds that the end of the interpreter waits for a program in another thread."""


class Team:
    """The threads of this process, and the machine code that they run."""

    def __init__(self) -> None:
        library = ctypes.CDLL(None)
        self.initialise = library.pthread_mutex_init, library.pthread_cond_init
        symbols = {name: ctypes.cast(getattr(library, name), c_void_p).value or 0 for name in PTHREADS}
        text = team_code()
        self.code = machine_code(code_name(text), lambda: [text], symbols)
        self.take = CFUNCTYPE(c_int32)(self._address("take"))
        self.give = CFUNCTYPE(None)(self._address("give"))
        self.dismiss = CFUNCTYPE(None)(self._address("dismiss"))
        self.work = CFUNCTYPE(None, c_int64, c_int64)(self._address("work"))
        self.symbols = {name: self._address(name) for name in OFFERED}
        self.word, self.number = (self._variable(name) for name in ("word", "threads"))
        self.slots = self._variable("slots")
        self.workers: list[threading.Thread] = []
        self.memory: ctypes.Array[ctypes.c_char] | None = None
        self._gather = CFUNCTYPE(None)(self.gather)
        self._variable("start").value = ctypes.cast(self._gather, c_void_p).value or 0

    def _address(self, name: str) -> int:
        return int(self.code.engine.get_function_address(name))

    def _variable(self, name: str) -> c_size_t:
        return c_size_t.from_address(self.code.engine.get_global_value_address(name))

    def gather(self) -> None:
        """Start the workers. Machine code calls this, and holds the team."""
        number = threads.get_num_threads()
        self.memory = ctypes.create_string_buffer(number * SLOT + 64)
        start = -(-ctypes.addressof(self.memory) // 64) * 64
        self.slots.value = start
        for worker in range(1, number):
            for offset, initialise in zip((LOCK, SIGNAL), self.initialise, strict=True):
                initialise(c_void_p(start + worker * SLOT + offset), None)
        for worker in range(1, number):
            thread = threading.Thread(
                target=self.work, args=(worker, self.word.value), name=f"glassgrad {worker}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # the system or the end of the interpreter allows no more
                break
            self.workers.append(thread)
        self.number.value = len(self.workers) + 1

    def disband(self, patience: float | None = None) -> None:
        """End the workers; hold the team. The next program gathers new ones."""
        if self.workers:
            self.dismiss()
            for worker in self.workers:
                worker.join(patience)
        self.workers.clear()
        self.number.value = 0

    def hold(self, patience: float | None = None) -> bool:
        """Take the team as soon as no program runs on it; False if that takes longer than `patience` seconds."""
        end = None if patience is None else time.monotonic() + patience
        while not self.take():
            if end is not None and time.monotonic() > end:
                return False
            time.sleep(5e-5)
        return True

    def change(self) -> None:
        """Take notice of another number of threads."""
        self.hold()
        self.disband()
        self.give()

    def before_fork(self) -> None:
        """No other thread survives in the child, so none may be there."""
        self.hold()
        self.disband()

    def close(self) -> None:
        """End the workers for good: the machine code that they run is about to go. Programs run on one thread then."""
        if self.hold(PATIENCE):
            self.disband(PATIENCE)


def is_possible() -> bool:
    """Whether there can be a team: not on systems without POSIX threads, where programs run on one thread."""
    return os.name == "posix"


@lru_cache
def team() -> Team:
    """The team of this process."""
    made = Team()
    threads.when_changed.append(made.change)
    os.register_at_fork(before=made.before_fork, after_in_parent=made.give, after_in_child=made.give)
    atexit.register(made.close)
    return made
