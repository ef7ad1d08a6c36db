"""How the time of a compiled step grows with batch, width and depth, and the time to compile with the number of nodes.

    python benchmarks/growth.py --json growth.json

The exponent is the slope between the last two sizes on double-logarithmic axes: 1 is proportional. It should be at
most 1 for batch, depth and nodes, and at most 2 for width, whose matrices grow with its square.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import glassgrad as gg
from glassgrad import nn

BATCH, WIDTH, DEPTH = 32, 64, 2


def network_step(batch: int = BATCH, width: int = WIDTH, depth: int = DEPTH) -> Callable[[], Any]:
    """A compiled training step of a network whose layers have all the same width."""
    gg.random.seed(0)
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), nn.Tanh()]
    model = nn.Sequential(*layers)
    optimizer = gg.optim.SGD(model.parameters(), lr=1e-3)
    x = gg.random.normal((batch, width))

    @gg.compile
    def step(x: Any) -> gg.Tensor:
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return lambda: step(x)


def chain(nodes: int) -> Callable[[], Any]:
    """A compiled chain of so many ops on a small tensor."""

    @gg.compile
    def run(x: Any) -> gg.Tensor:
        for count in range(nodes // 2):
            x = x * 0.999 + (1e-3 if count % 2 else 2e-3)
        return x

    x = gg.ones((4, 4))
    return lambda: run(x)


def mixed(nodes: int) -> Callable[[], Any]:
    """A compiled chain of so many ops, every fourth a product of matrices, which kernels cannot take in."""
    w = gg.eye(4) * 0.9

    @gg.compile
    def run(x: Any) -> gg.Tensor:
        for _ in range(nodes // 4):
            x = gg.tanh(x @ w) * 0.5 + 0.1
        return x

    x = gg.ones((4, 4))
    return lambda: run(x)


def measured(make: Callable[[], Callable[[], Any]], seconds: float) -> tuple[float, float]:
    """Seconds of the first call, and the smallest of later ones."""
    step = make()
    start = time.perf_counter()
    step()
    first = time.perf_counter() - start
    times: list[float] = []
    while len(times) < 3 or (sum(times) < seconds and len(times) < 1000):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return first, min(times)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=0.5, help="how long to repeat each step (0.5)")
    parser.add_argument("--json", type=Path, help="write what was measured")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, to see that it runs")
    options = parser.parse_args()
    smoke = options.smoke
    os.environ["GLASSGRAD_CACHE_DIR"] = ""  # the first call shall be that of a program nobody has made before
    if smoke:
        options.seconds = 0.0
    sweeps: dict[str, tuple[list[int], Callable[[int], Callable[[], Any]]]] = {
        "batch": ([8, 16] if smoke else [64, 256, 1024, 4096], lambda n: network_step(batch=n)),
        "width": ([8, 16] if smoke else [64, 128, 256, 512], lambda n: network_step(width=n)),
        "depth": ([1, 2] if smoke else [4, 16, 64, 256], lambda n: network_step(depth=n)),
        "nodes": ([10, 20] if smoke else [1_000, 10_000, 100_000], chain),
        "mixed nodes": ([12, 24] if smoke else [1_000, 10_000, 100_000], mixed),
    }
    found: dict[str, list[dict[str, float]]] = {}
    table = Table(title="Growth of a compiled step")
    for column in ("what", "size", "first call, s", "a step, ms", "exponent of first call", "of a step"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for what, (sizes, make) in sweeps.items():
        found[what] = []
        for size in sizes:
            first, step = measured(lambda make=make, size=size: make(size), options.seconds)
            found[what].append({"size": size, "first_s": first, "step_ms": 1e3 * step})
            table.add_row(
                what,
                f"{size:,}",
                f"{first:.3f}",
                f"{1e3 * step:.3f}",
                *exponents(found[what]),
                end_section=size == sizes[-1],
            )
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def exponents(rows: list[dict[str, float]]) -> list[str]:
    """How first call and step grew from the last but one size to the last."""
    if len(rows) < 2:
        return ["", ""]
    before, after = rows[-2:]
    growth = math.log(after["size"] / before["size"])
    return [f"{math.log(after[value] / before[value]) / growth:.2f}" for value in ("first_s", "step_ms")]


if __name__ == "__main__":
    main()
