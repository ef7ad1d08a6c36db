"""What a recorded operation costs beyond NumPy: microseconds per operation, and a chain of a million nodes.

Run `make bench`. Times are the smallest of several rounds, because on a shared machine everything else only adds.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
import timeit

import numpy as np

import glassgrad as gg


def smallest(function, number: int, rounds: int) -> float:
    """Microseconds per call."""
    return min(timeit.repeat(function, number=number, repeat=rounds)) / number * 1e6


def operations(number: int, rounds: int) -> None:
    array = np.ones((4, 4), np.float32)
    x, y = gg.tensor(array, requires_grad=True), gg.tensor(array, requires_grad=True)
    plain = gg.tensor(array)
    rows = {
        "numpy: add of two 4x4": lambda: np.add(array, array),
        "not recorded: add": lambda: plain + plain,
        "recorded: add": lambda: x + y,
        "recorded: multiply": lambda: x * y,
        "recorded: x * 2.0": lambda: x * 2.0,
        "recorded: tanh": lambda: gg.tanh(x),
        "recorded: matmul": lambda: x @ y,
        "tanh(x @ y).sum().backward()": lambda: gg.tanh(x @ y).sum().backward(),
    }
    for label, function in rows.items():
        print(f"{label:32} {smallest(function, number, rounds):7.2f} µs")


def chain(nodes: int) -> None:
    x = gg.tensor(0.5, requires_grad=True)
    start = time.perf_counter()
    y = x
    for _ in range(nodes):
        y = y * 0.999999
    middle = time.perf_counter()
    y.backward()
    end = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"chain of {nodes:,} nodes: forward {middle - start:.1f} s, backward {end - middle:.1f} s, peak {memory:.2f} GB"
    )


def import_time(rounds: int) -> None:
    """Whole processes, NumPy alone and glassgrad in turn."""
    times: dict[str, list[float]] = {"numpy": [], "glassgrad": []}
    for _ in range(rounds):
        for module, found in times.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
            found.append(time.perf_counter() - start)
    numpy, ours = (sorted(found)[rounds // 2] for found in times.values())
    print(f"import numpy {numpy:.3f} s, import glassgrad {ours:.3f} s (medians): {ours - numpy:+.3f} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, to see that it runs")
    smoke = parser.parse_args().smoke
    operations(number=100 if smoke else 50_000, rounds=2 if smoke else 9)
    chain(1_000 if smoke else 1_000_000)
    import_time(1 if smoke else 7)


if __name__ == "__main__":
    main()
