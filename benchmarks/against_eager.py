"""Compiled against eager in one process: the nine workloads, and small functions of every kind at several sizes.

    python benchmarks/against_eager.py --json against_eager.json

Both run in turn, for about --seconds in each round; the times are the smallest of all calls, the ratio is eager /
compiled. A ratio below 1 means that compiling made something slower, which it never should.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))

from workloads import NAMES, with_glassgrad

import glassgrad as gg
from glassgrad.nn import functional

Call = Callable[[], Any]

VECTORS = (4, 1_000, 100_000, 4_000_000)
MATRICES = (4, 64, 512)
IMAGES = ((1, 3, 8), (8, 16, 32))
"""(rows, channels, height and width)"""

ELEMENTWISE = {
    "x + y": lambda x, y: x + y,
    "chain of 10": lambda x, y: (
        gg.tanh(x * y + 0.5) * gg.exp(-(x * x)) - gg.maximum(x, y) / (1.0 + gg.abs(y))
    ),
    "sigmoid": lambda x, y: gg.sigmoid(x),
    "comparison and where": lambda x, y: gg.where(x > y, x, y * 0.5),
    "sum": lambda x, y: gg.sum(x),
    "mean of squares": lambda x, y: gg.mean((x - y) ** 2),
    "largest": lambda x, y: gg.max(x),
    "place of the largest": lambda x, y: gg.argmax(x),
    "running sum": lambda x, y: gg.cumulative_sum(x),
    "sort": lambda x, y: gg.sort(x),
    "every other, turned round": lambda x, y: x[::-2] * 2.0,
    "joined": lambda x, y: gg.concat([x, y]),
    "fast Fourier transform": lambda x, y: gg.abs(gg.fft.rfft(x)),
    "gradient of a chain": gg.grad(lambda x, y: gg.sum(gg.tanh(x) * y + x * x), argnums=(0, 1)),
}
SQUARE = {
    "x @ y": lambda x, y: x @ y,
    "x @ y + bias, relu": lambda x, y: functional.relu(x @ y + x[0]),
    "transposed product": lambda x, y: x.T @ y,
    "sum of rows": lambda x, y: gg.sum(x, axis=1),
    "sum of columns": lambda x, y: gg.sum(x, axis=0),
    "softmax": lambda x, y: functional.softmax(x, 1),
    "layer norm": lambda x, y: functional.layer_norm(x, (x.shape[1],)),
    "transpose and add": lambda x, y: x.T + y,
    "rows by index": lambda x, y: x[INDEX[: x.shape[0]] % x.shape[0]],
    "sorted rows": lambda x, y: gg.sort(x, axis=1),
    "solve": lambda x, y: gg.linalg.solve(x + 100.0 * gg.eye(x.shape[0]), y),
    "singular values": lambda x, y: gg.linalg.svdvals(x),
    "gradient of x @ y": gg.grad(lambda x, y: gg.sum(gg.tanh(x @ y)), argnums=(0, 1)),
}
OF_IMAGES = {
    "convolution 3×3": lambda x, w: functional.conv2d(x, w, padding=1),
    "its gradients": gg.grad(lambda x, w: gg.sum(functional.conv2d(x, w, padding=1) ** 2), argnums=(0, 1)),
    "largest of 2×2": lambda x, w: functional.max_pool2d(x, 2),
    "mean of 2×2": lambda x, w: functional.avg_pool2d(x, 2),
    "gradient of largest": gg.grad(lambda x, w: gg.sum(functional.max_pool2d(x, 2) ** 2)),
}
INDEX = gg.asarray(np.random.default_rng(0).integers(0, 1 << 30, 4096))
SLOW_FROM = {"singular values": 512}
"""Sizes at which one call takes long, and shows only what LAPACK does."""


def cases(workloads: list[str], largest: int) -> Iterator[tuple[str, str, Call, Call]]:
    """What is compared: its name, its size, as it is, and compiled."""
    for name in workloads:
        eager, compiled = (with_glassgrad.prepare(name, compiled=compiled) for compiled in (False, True))
        yield f"workload {name}", "", eager.step, compiled.step
    rng = np.random.default_rng(0)

    def pair(*shapes: tuple[int, ...]) -> list[gg.Tensor]:
        return [gg.asarray(rng.normal(size=shape).astype(np.float32)) for shape in shapes]

    for n in VECTORS:
        if n <= largest:
            yield from _calls(ELEMENTWISE, f"{n:,}", pair((n,), (n,)), n)
    for n in MATRICES:
        if n * n <= largest:
            yield from _calls(SQUARE, f"{n} × {n}", pair((n, n), (n, n)), n)
    for rows, channels, side in IMAGES:
        if rows * channels * side * side <= largest:
            size = f"{rows} × {channels} × {side} × {side}"
            shapes = (rows, channels, side, side), (channels, channels, 3, 3)
            yield from _calls(OF_IMAGES, size, pair(*shapes), rows)


def _calls(
    functions: dict[str, Any], size: str, inputs: list[Any], n: int
) -> Iterator[tuple[str, str, Call, Call]]:
    for name, function in functions.items():
        if n < SLOW_FROM.get(name, n + 1):
            compiled = gg.compile(function)
            yield name, size, lambda f=function: f(*inputs), lambda f=compiled: f(*inputs)


def in_turn(eager: Call, compiled: Call, rounds: int, seconds: float) -> tuple[float, float, float]:
    """The smallest seconds of a call of each, and those that making the program took."""
    eager()
    start = time.perf_counter()
    for _ in range(3):  # states are born in the first, and programs may come before and after
        compiled()
    to_compile = time.perf_counter() - start
    smallest = [float("inf")] * 2
    for _ in range(rounds):
        for place, call in enumerate((eager, compiled)):
            end = time.perf_counter() + seconds
            while True:
                start = time.perf_counter()
                call()
                now = time.perf_counter()
                smallest[place] = min(smallest[place], now - start)
                if now >= end:
                    break
    return smallest[0], smallest[1], to_compile


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workloads", default=",".join(NAMES), help="by name, with commas; '' for none")
    parser.add_argument("--largest", type=int, default=max(VECTORS), help="elements of the largest input")
    parser.add_argument("--rounds", type=int, default=5, help="how often each has its turn (5)")
    parser.add_argument("--seconds", type=float, default=0.02, help="how long a turn takes (0.02)")
    parser.add_argument("--json", type=Path, help="write what was measured")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, to see that it runs")
    options = parser.parse_args()
    if options.smoke:
        options.workloads, options.largest, options.rounds, options.seconds = "hw0", 200, 1, 0.0
    workloads = [name for name in options.workloads.split(",") if name]
    if unknown := [name for name in workloads if name not in NAMES]:
        parser.error(f"no {', '.join(unknown)}; there are {', '.join(NAMES)}")
    os.environ["GLASSGRAD_CACHE_DIR"] = ""  # programs shall be made as if for the first time
    found = []
    with warnings.catch_warnings():
        # a step is compiled again when its optimizer has a state
        warnings.filterwarnings("ignore", ".* is compiled again")
        for name, size, eager, compiled in cases(workloads, options.largest):
            times = in_turn(eager, compiled, options.rounds, options.seconds)
            found.append(
                dict(zip(("eager_s", "compiled_s", "to_compile_s"), times, strict=True), what=name, size=size)
            )
    _print(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _print(found: list[dict[str, Any]]) -> None:
    table = Table(title="Compiled against eager", caption="milliseconds, smallest; ratio = eager / compiled")
    for column in ("what", "size", "eager", "compiled", "ratio", "to compile, s"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in found:
        ratio = row["eager_s"] / row["compiled_s"]
        table.add_row(
            row["what"],
            row["size"],
            f"{1e3 * row['eager_s']:.4g}",
            f"{1e3 * row['compiled_s']:.4g}",
            f"{ratio:.2f}",
            f"{row['to_compile_s']:.2f}",
            style="red" if ratio < 1 else None,
        )
    console = Console()
    console.print(table)
    slower = [row for row in found if row["eager_s"] < row["compiled_s"]]
    console.print(f"{len(slower)} of {len(found)} are slower compiled" + (":" if slower else "."))
    for row in sorted(slower, key=lambda row: row["eager_s"] / row["compiled_s"]):
        console.print(
            f"  {row['eager_s'] / row['compiled_s']:.2f}  {row['what']} {row['size']}", highlight=False
        )


if __name__ == "__main__":
    main()
