"""Windows along one axis, forth and back, as runs of positions at which the same elements are combined.

At position q of a run, output q * outer + r is made of the inputs q * inner + shift, one for each tap (number, shift)
of r. From elements to windows an output is a window (`outer` is 1, `inner` the stride), and taps are its places. From
windows back to elements `outer` is the stride, `inner` is 1, and the taps of an element are the windows it lies in:
every element is written once, and nothing is cleared first. Taps outside the input are left out, which is why
positions near an edge are runs of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Tap = tuple[int, int]
"""A place in the window along this axis, and how far from q * inner the input lies."""

Taps = tuple[Tap, ...]

CodeForTaps = Literal["written", "loops", "loops apart"]
"""Each tap written out; or loops over them, maybe with code of its own for positions where all are inside."""


@dataclass(frozen=True)
class Progression:
    """Taps at equal distances, for a loop over them; `whole`, whether all are inside at every position of the run."""

    first: Tap
    step: Tap
    count: int
    whole: bool


@dataclass(frozen=True)
class Run:
    """Positions from `begin` up to but not including `end`, and for each of their outputs the taps; None for none."""

    begin: int
    end: int
    taps: tuple[Taps | Progression | None, ...]


@dataclass(frozen=True)
class Sliding:
    """All positions along one axis that has `inputs` elements to read."""

    inner: int
    outer: int
    inputs: int
    runs: tuple[Run, ...]

    @property
    def count(self) -> int:
        """How many positions there are."""
        return self.runs[-1].end

    @property
    def written(self) -> int:
        """How many taps code has that names each of them, a loop or an output without taps counting as one."""
        there = (taps for run in self.runs for taps in run.taps if taps is not None)
        return sum(1 if isinstance(taps, Progression) else max(1, len(taps)) for taps in there)


def to_windows(
    size: int,
    count: int,
    kernel: int,
    stride: int,
    padding: int,
    dilation: int,
    code: CodeForTaps = "written",
) -> Sliding:
    """`count` windows of elements.

    >>> to_windows(5, 3, 3, 2, 1, 1).runs[0]
    Run(begin=0, end=1, taps=(((1, 0), (2, 1)),))
    """
    taps = tuple((k, k * dilation - padding) for k in range(kernel))
    return Sliding(stride, 1, size, _runs(code, count, stride, 1, (taps,), size, count))


def to_elements(
    size: int,
    count: int,
    kernel: int,
    stride: int,
    padding: int,
    dilation: int,
    code: CodeForTaps = "written",
) -> Sliding:
    """`size` elements from `count` windows.

    >>> to_elements(4, 2, 2, 2, 0, 1).runs
    (Run(begin=0, end=2, taps=(((0, 0),), ((1, 0),))),)
    """
    taps = tuple(
        tuple(
            (k, (r + padding - k * dilation) // stride)
            for k in range(kernel)
            if (r + padding - k * dilation) % stride == 0
        )
        for r in range(min(stride, size))
    )
    return Sliding(1, stride, count, _runs(code, -(-size // stride), 1, stride, taps, count, size))


def _runs(
    code: CodeForTaps,
    count: int,
    inner: int,
    outer: int,
    taps: tuple[Taps, ...],
    inputs: int,
    outputs: int,
) -> tuple[Run, ...]:
    if code == "written":
        return _written(count, inner, outer, taps, inputs, outputs)
    return _looped(count, inner, outer, taps, inputs, outputs, code == "loops apart")


def _written(
    count: int, inner: int, outer: int, taps: tuple[Taps, ...], inputs: int, outputs: int
) -> tuple[Run, ...]:
    """A run for each set of taps that are inside."""
    cuts = {-(-(outputs - r) // outer) for r in range(len(taps))}
    for _, shift in {tap for each in taps for tap in each}:
        cuts |= {-(shift // inner), -(-(inputs - shift) // inner)}

    def there(q: int, r: int) -> Taps | None:
        if q * outer + r >= outputs:
            return None
        return tuple((k, shift) for k, shift in taps[r] if 0 <= q * inner + shift < inputs)

    return tuple(
        Run(begin, end, tuple(there(begin, r) for r in range(len(taps))))
        for begin, end in _between(cuts, count)
    )


def _looped(
    count: int, inner: int, outer: int, taps: tuple[Taps, ...], inputs: int, outputs: int, apart: bool
) -> tuple[Run, ...]:
    """Runs where which taps are inside is found out at each position; `apart` from them those where all are."""
    shifts = [shift for each in taps for _, shift in each] or [0]
    first, last = -(min(shifts) // inner), -(-(inputs - max(shifts)) // inner)
    cuts = {-(-(outputs - r) // outer) for r in range(len(taps))}
    if apart and first < last:
        cuts |= {first, last}

    def there(begin: int, end: int, r: int) -> Taps | Progression | None:
        if begin * outer + r >= outputs:
            return None
        if not taps[r]:
            return ()
        (k, shift), *others = taps[r]
        step = (others[0][0] - k, others[0][1] - shift) if others else (1, 1)
        return Progression((k, shift), step, len(taps[r]), first <= begin and end <= last)

    return tuple(
        Run(begin, end, tuple(there(begin, end, r) for r in range(len(taps))))
        for begin, end in _between(cuts, count)
    )


def _between(cuts: set[int], count: int) -> Iterator[tuple[int, int]]:
    return pairwise(sorted({0, count, *(cut for cut in cuts if 0 < cut < count)}))


def blocks(size: int, most: int) -> Iterator[tuple[int, int, int]]:
    """Vectors that cover `size` places: how many, of how many places each, and where the first begins.

    The last one may overlap the one before, since computing a result twice takes no longer than many short vectors.

    >>> list(blocks(20, 16)), list(blocks(27, 16)), list(blocks(6, 16))
    ([(1, 16, 0), (1, 4, 16)], [(1, 16, 0), (1, 16, 11)], [(1, 4, 0), (1, 2, 4)])
    """
    width = min(most, 1 << (size.bit_length() - 1))
    full, rest = divmod(size, width)
    yield full, width, 0
    if rest:
        last = 1 << (rest - 1).bit_length()
        yield 1, last, size - last
