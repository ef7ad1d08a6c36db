"""The other end of a worker: starting it, asking it, ending it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

WORKER = Path(__file__).parent / "worker.py"


class SideError(Exception):
    """What a worker could not do, in its own words."""


class Side:
    """One framework with one workload, ready in a process of its own."""

    def __init__(self, side: str, workload: str, threads: int, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), side, workload, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )

    def begin(self, patience: float) -> dict[str, Any]:
        """What the first steps showed. Raises SideError if they fail or take longer than `patience` seconds."""
        too_late = threading.Timer(patience, self.process.kill)
        too_late.start()
        try:
            return self._answer()
        except SideError:
            if too_late.is_alive():
                raise
            raise SideError(f"given up after {patience:.0f} s") from None
        finally:
            too_late.cancel()

    def time(self, steps: int) -> float:
        """Seconds per step over so many steps."""
        assert self.process.stdin is not None
        try:
            print(json.dumps({"steps": steps}), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            raise SideError("the process has ended") from None
        return float(self._answer()["seconds"])

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SideError(f"the process has ended with exit code {self.process.wait()}")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise SideError(found["error"])
        return found

    def end(self) -> None:
        """Let the process end, and wait for it."""
        self.process.kill()
        self.process.communicate()
