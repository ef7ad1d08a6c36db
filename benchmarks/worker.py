"""One side of one workload, in a process of its own that times steps when it is told to.

    python worker.py SIDE WORKLOAD THREADS

It answers each line of JSON on its standard input with one on its standard output. `{"steps": n}` runs one step that
does not count, so that the caches are its own again, and n steps that do.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

FIRST_STEPS = 3
"""A compiled step may come in several programs, such as before and after an optimizer has a state."""

SIDES: dict[str, tuple[str, str, dict[str, bool]]] = {
    "glassgrad": ("glassgrad", "with_glassgrad", {"compiled": True}),
    "glassgrad eager": ("glassgrad", "with_glassgrad", {"compiled": False}),
    "PyTorch eager": ("torch", "with_pytorch", {"compiled": False}),
    "torch.compile": ("torch", "with_pytorch", {"compiled": True}),
    "JAX jit": ("jax", "with_jax", {}),
}
"""name -> its package, the module with its workloads, and how to ask for a workload."""


def main() -> None:
    side, name, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a compiler prints is no answer

    def answer(found: dict[str, Any]) -> None:
        answers.write(json.dumps(found) + "\n")
        answers.flush()

    try:
        restrict(threads)
        step = _begin(side, name, threads, answer)
        for line in sys.stdin:
            answer(_timed(step, json.loads(line)["steps"]))
    except Exception as error:
        message = " ".join(str(error).split())
        answer({"error": f"{type(error).__name__}: {message}"[:300]})


def restrict(threads: int) -> None:
    """Leave this process as many processors as it may have threads: not every library takes a number."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def _begin(side: str, name: str, threads: int, answer: Callable[[dict[str, Any]], None]) -> Callable[[], Any]:
    package, module, options = SIDES[side]
    sys.path.insert(0, str(Path(__file__).parent))
    start = time.perf_counter()
    version = getattr(import_module(package), "__version__", "unknown")
    import_s = time.perf_counter() - start
    workloads = import_module(f"workloads.{module}")
    if package == "torch":
        options = {**options, "threads": threads}
    before = peak_megabytes()
    workload = workloads.prepare(name, **options)
    first_s = [_timed_once(workload.step) for _ in range(FIRST_STEPS)]
    can_measure = _forget_peak()
    workload.step()
    answer(
        {
            "version": version,
            "import_s": import_s,
            "first_s": first_s[0],
            "first_steps_s": sum(first_s),
            "loss": float(workload.step()),
            "parameters": workload.parameters,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "process_mb": peak_megabytes() if can_measure else None,
            "step_mb": peak_megabytes() - before if can_measure else None,
        }
    )
    return workload.step


def _timed_once(step: Callable[[], Any]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def _timed(step: Callable[[], Any], steps: int) -> dict[str, Any]:
    step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return {"seconds": (time.perf_counter() - start) / steps}


def peak_megabytes() -> float:
    """The most memory this process has had since `_forget_peak`, or since its start."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _forget_peak() -> bool:
    """Let the peak start from what is in use now; False where the system cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
