"""What glassgrad runs on: the versions of its parts, and the processor, cores and memory it may use."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = {  # by the name on PyPI: what has it installed
    "numpy": "glassgrad",
    "safetensors": "glassgrad",
    "rich": "glassgrad",
    "typer": "glassgrad",
    "scikit-learn": "glassgrad[data]",
    "matplotlib": "glassgrad[plot]",
    "sympy": "glassgrad[symbolic]",
}
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
CGROUP = Path("/sys/fs/cgroup")


def system_info() -> dict[str, Any]:
    """Return what `glassgrad info` shows, as values that JSON can hold; None for what this system does not tell.

    >>> sorted(system_info())
    ['blas', 'cores', 'cores_allowed', 'cpu', 'cpu_features', 'folder', 'glassgrad', 'memory_bytes', 'packages',
    'python', 'system', 'thread_variables']
    """
    from . import __version__

    config = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    features = config.get("SIMD Extensions", {})
    return {
        "glassgrad": __version__,
        "folder": str(Path(__file__).parent),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "cpu": _cpu_model(),
        "cpu_features": [*features.get("baseline", []), *features.get("found", [])],
        "cores": os.cpu_count(),
        "cores_allowed": _cores_allowed(),
        "memory_bytes": _memory_allowed(),
        "thread_variables": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str | None:
    for line in _lines(Path("/proc/cpuinfo")):
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine() or None


def _cores_allowed() -> float | None:
    """How many cores this process may keep busy: limited by its affinity and by its container."""
    cores: float | None = os.cpu_count()
    if hasattr(os, "sched_getaffinity"):
        cores = float(len(os.sched_getaffinity(0)))
    quota = _cgroup("cpu.max", "cpu/cpu.cfs_quota_us")
    period = _cgroup("cpu.max", "cpu/cpu.cfs_period_us")
    if cores is not None and quota and period and quota[0].isdecimal() and period[-1].isdecimal():
        cores = min(cores, int(quota[0]) / int(period[-1]))
    return cores


def _memory_allowed() -> int | None:
    """How much memory this process may use: the machine's, or its container's."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None
    limit = _cgroup("memory.max", "memory/memory.limit_in_bytes")
    return min(total, int(limit[0])) if limit and limit[0].isdecimal() else total


def _cgroup(version2: str, version1: str) -> list[str]:
    """The words in a file of the control group that this process is in; none outside of Linux."""
    group = next((line[3:] for line in _lines(Path("/proc/self/cgroup")) if line.startswith("0::")), "/")
    for file in (CGROUP / group.strip("/") / version2, CGROUP / version2, CGROUP / version1):
        lines = _lines(file)
        if lines:
            return lines[0].split()
    return []


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
