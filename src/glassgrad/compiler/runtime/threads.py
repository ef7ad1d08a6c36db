"""How many threads compiled programs run on: what the machine grants, the environment says, or the program asks for."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ...errors import ArgumentError

VARIABLE = "GLASSGRAD_NUM_THREADS"

MOST = 1024

_number = 0
"""0 until somebody asks."""

when_changed: list[Callable[[], None]] = []
"""Called after the number has changed."""


def get_num_threads() -> int:
    """The number of threads that compiled programs may use.

    At first `GLASSGRAD_NUM_THREADS` where that is set, else the number of physical cores this process may run on, and
    no more than the CPU limit of its container. Raises ArgumentError if the variable is no such number.

    >>> gg.get_num_threads() >= 1
    True
    """
    global _number
    if not _number:
        _number = _from_environment(os.environ.get(VARIABLE, "")) or _granted()
    return _number


def set_num_threads(n: int) -> None:
    """Let compiled programs use `n` threads, 1 to 1024, from their next call on; results have the same bits with any.

    What runs op by op is not meant: NumPy's products have threads of their own (`OPENBLAS_NUM_THREADS`). Raises
    ArgumentError.

    >>> before = gg.get_num_threads()
    >>> gg.set_num_threads(1)
    >>> gg.get_num_threads()
    1
    >>> gg.set_num_threads(before)
    """
    global _number
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise ArgumentError(
            f"set_num_threads takes a whole number from 1 to {MOST}; got {n!r} of type {type(n).__name__}"
        )
    if not 1 <= int(n) <= MOST:
        raise ArgumentError(f"set_num_threads takes a whole number from 1 to {MOST}; got {int(n)}")
    _number = int(n)
    for tell in when_changed:
        tell()


def _from_environment(text: str) -> int:
    """The number in the variable; 0 if it is empty."""
    word = text.strip()
    if not word:
        return 0
    if not (word.isascii() and word.isdigit() and len(word) <= 9 and 1 <= int(word) <= MOST):
        raise ArgumentError(
            f"the environment variable {VARIABLE} takes a whole number from 1 to {MOST}; got {text!r}: "
            f"set it to the number of threads that compiled programs may use, or unset it"
        )
    return int(word)


# --- what the machine grants ----------------------------------------------------------------------------------------


def _granted() -> int:
    processors = _processors()
    number = cores(processors) or len(processors)
    limit = container_limit()
    return max(1, min(number, MOST, MOST if limit is None else math.ceil(limit)))


def _processors() -> set[int]:
    """The processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def cores(processors: Iterable[int], root: Path = Path("/sys/devices/system/cpu")) -> int | None:
    """How many physical cores these processors are, None where the system does not say: two processors of one core
    share what computes."""
    found = set()
    for processor in processors:
        try:
            found.add(
                (root / f"cpu{processor}/topology/thread_siblings_list").read_text(encoding="ascii").strip()
            )
        except (OSError, ValueError):
            return None
    return len(found)


def container_limit(
    root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> float | None:
    """How many processors' time the control groups grant, the least along the way up; None without a limit."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    limits = []
    for line in lines:
        _, controllers, path = line.split(":", 2) if line.count(":") >= 2 else ("", "-", "")
        if controllers == "":
            limits += [_limit_of_version_2(folder) for folder in _upwards(root, path)]
        elif "cpu" in controllers.split(","):
            bases = dict.fromkeys((root / controllers, root / "cpu"))
            limits += [_limit_of_version_1(folder) for base in bases for folder in _upwards(base, path)]
    return min((limit for limit in limits if limit is not None), default=None)


def _upwards(root: Path, path: str) -> list[Path]:
    """The folder of a group and of every group around it; inside a container only the outermost may be there."""
    folder = root / path.strip("/")
    return [folder, *(parent for parent in folder.parents if parent.is_relative_to(root))]


def _limit_of_version_2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _limit_of_version_1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period = int((folder / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
