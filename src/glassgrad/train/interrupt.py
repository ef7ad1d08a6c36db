"""Ctrl-C at a step's end: an interrupt waits until parameters and optimizer are of one moment again."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class InterruptAtStepEnd:
    """Inside the `with` block, Ctrl-C only sets `requested`; a second one raises KeyboardInterrupt at once.

    Signals reach the main thread alone, and another program's own handler is left in place: in both cases nothing is
    changed and Ctrl-C acts as before.

    >>> with InterruptAtStepEnd() as interrupt:
    ...     interrupt.requested
    False
    """

    def __init__(self) -> None:
        self.requested = False
        self._installed = False

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self.requested and error is None:  # it came after the last place that looks at `requested`
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            signal.default_int_handler(number, frame)
        self.requested = True
