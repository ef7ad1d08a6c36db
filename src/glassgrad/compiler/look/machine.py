"""What this machine can do at most: multiplications with additions per second, and bytes copied per second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_float, c_int64
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..llvm.contraction.tiled import this_processor
from ..llvm.engine import MachineCode, object_code
from ..runtime.threads import get_num_threads
from .table import Report, amount

CHAINS = 12
"""Vectors that are multiplied and added to independently, so that the processor need not wait for a result."""

STEPS = 20_000
COPIED = 16 << 20
"""Bytes that each thread copies: more than its share of the caches."""

ROUNDS = 5


@dataclass(frozen=True, repr=False)
class Machine(Report):
    """The most that was measured, with as many threads as compiled functions use."""

    threads: int
    flops: float
    """float32 operations per second; half as many in float64."""
    bandwidth: float
    """Bytes per second, read and written, of copying arrays that fit in no cache."""

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{threads}: {amount(self.flops, 'FLOP/s')}, {amount(self.bandwidth, 'B/s')}"


def measured_machine() -> Machine:
    """This machine, measured once per process for each number of threads; takes some 50 ms.

    >>> machine = measured_machine()
    >>> machine.flops > machine.bandwidth > 1e8
    True
    """
    return _measured(get_num_threads())


@lru_cache
def _measured(threads: int) -> Machine:
    loop, operations = _multiply_and_add()
    arrays = [np.ones((2, COPIED), np.uint8) for _ in range(threads)]
    flops = threads * operations / _fastest(threads, lambda _: loop(STEPS))
    copying = _fastest(threads, lambda place: np.copyto(arrays[place][0], arrays[place][1]))
    return Machine(threads, flops, threads * 2 * COPIED / copying)


def _fastest(threads: int, work: Callable[[int], Any]) -> float:
    """The shortest time in which all threads have done the work, all beginning together."""
    barrier = threading.Barrier(threads)
    spans: list[list[tuple[float, float]]] = [[] for _ in range(ROUNDS)]

    def run(place: int) -> None:
        for span in spans:
            barrier.wait()
            start = time.perf_counter()
            work(place)
            span.append((start, time.perf_counter()))

    others = [threading.Thread(target=run, args=(place,)) for place in range(1, threads)]
    for other in others:
        other.start()
    run(0)
    for other in others:
        other.join()
    return min(max(end for _, end in span) - min(start for start, _ in span) for span in spans)


def _multiply_and_add() -> tuple[Callable[[int], float], int]:
    """A function of a number of steps, and the operations in `STEPS` of them."""
    lanes = this_processor().vector_bytes // 4
    kind = f"<{lanes} x float>"
    chains = range(CHAINS)
    begin = "\n".join(f"  %b{i} = fadd {kind} {f'%b{i - 1}' if i else '%seed'}, %seed" for i in chains)
    start = "\n".join(f"  %x{i} = phi {kind} [%b{i}, %entry], [%y{i}, %loop]" for i in chains)
    step = "\n".join(
        f"  %y{i} = call {kind} @llvm.fma.v{lanes}f32({kind} %x{i}, {kind} %factor, {kind} %seed)"
        for i in chains
    )
    total = "\n".join(f"  %s{i} = fadd {kind} {f'%s{i - 1}' if i else '%seed'}, %y{i}" for i in chains)
    text = f"""
declare {kind} @llvm.fma.v{lanes}f32({kind}, {kind}, {kind})
define float @multiply_and_add(i64 %steps) {{
entry:
  %number = sitofp i64 %steps to float
  %tiny = fdiv float 1.0, %number
  %first = insertelement {kind} poison, float %tiny, i32 0
  %seed = shufflevector {kind} %first, {kind} poison, <{lanes} x i32> zeroinitializer
  %factor = fmul {kind} %seed, %seed
{begin}
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
{start}
{step}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %steps
  br i1 %more, label %loop, label %end
end:
{total}
  %result = extractelement {kind} %s{CHAINS - 1}, i32 0
  ret float %result
}}
"""
    code = MachineCode([object_code(text)], {})
    loop = CFUNCTYPE(c_float, c_int64)(code.engine.get_function_address("multiply_and_add"))
    loop.code = code  # type: ignore[attr-defined]  # which must live as long
    return loop, 2 * lanes * CHAINS * STEPS
