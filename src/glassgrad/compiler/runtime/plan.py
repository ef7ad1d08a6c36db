"""A program as data: which memories there are, what is called in which order, what comes out. No addresses.

The places of the table: first the arrays that are others at each call (inputs, results, what NumPy computes), then
constants, the memory in which code says that an index was out of range, and the places in the one block for everything
else. Two more follow: the memory that units need beside, and the records.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import Aval, Op
from .jobs import Records

LARGEST = 1 << 20
"""Bytes of constants with which a plan is still worth keeping on disk."""

LENGTH = 8
"""Bytes of the number that says how long the head is."""

View = tuple[tuple[int, ...], np.dtype[Any], int, tuple[int, ...]]
"""How a value lies in an array: shape, dtype, offset and strides in bytes."""


@dataclass(frozen=True)
class Output:
    """Where a result or a new value of a parameter is found after a run."""

    aval: Aval
    slot: int
    offset: int
    """In bytes."""
    strides: tuple[int, ...] | None
    """In bytes; None if it is all of the array."""
    is_whole: bool
    """Whether the array may be given away as it is."""
    is_plain: bool
    """Whether its elements lie one after the other."""

    @property
    def view(self) -> View | None:
        """How it lies in the array; None if it is all of it."""
        return None if self.strides is None else (*self.aval, self.offset, self.strides)


@dataclass(frozen=True)
class NumPyStep:
    """An op that NumPy runs, the arrays that it reads and how, and the place of its result."""

    op: Op
    sources: Sequence[tuple[int, View | None]]
    slot: int


@dataclass(frozen=True)
class Plan:
    """What follows from a graph, apart from its machine code."""

    given: Sequence[Aval]
    """The inputs."""
    fresh: Sequence[Aval]
    """The arrays that each call makes: results, and what they are seen in."""
    constants: Sequence[Any]
    offsets: Any
    """Where values begin in the block."""
    block: int
    """Bytes for them, and bytes that units need beside."""
    beside: int
    in_place: Sequence[tuple[int, int]]
    """The outputs that are written over inputs, and these inputs: a run needs arrays that may be written to."""
    outputs: Sequence[Output]
    steps: Sequence[int | NumPyStep]
    """What is done in order: segments, by number, and what NumPy runs."""
    records: Records
    phases: Sequence[int]
    """How many functions each kernel has; the records count all of them, one kernel after the other."""
    uses_team: bool
    """Whether threads divide any of it."""
    nanoseconds: float
    """About how long a run takes on one thread."""
    code: str | None
    """The name of its machine code; None if that cannot be kept."""

    @property
    def known_first(self) -> int:
        """How many arrays are known before the run."""
        return len(self.given) + len(self.fresh)

    @property
    def by_numpy(self) -> list[NumPyStep]:
        """The steps that NumPy runs."""
        return [step for step in self.steps if isinstance(step, NumPyStep)]

    @property
    def size(self) -> int:
        """How many memories there are."""
        return self.known_first + len(self.by_numpy) + len(self.constants) + 1 + len(self.offsets)

    @property
    def can_be_kept(self) -> bool:
        """Whether it means something to other processes, and is not larger than making it anew is worth."""
        return (
            self.code is not None
            and not self.by_numpy
            and sum(array.nbytes for array in self.constants) <= LARGEST
        )

    def to_bytes(self) -> bytes:
        """A plan without NumPy steps: a head in JSON, then arrays, one after the other."""
        records = self.records
        arrays = [self.offsets, records.words, records.pointers, records.calls, *self.constants]
        head = {
            "given": list(map(_written, self.given)),
            "fresh": list(map(_written, self.fresh)),
            "block": self.block,
            "beside": self.beside,
            "in_place": list(self.in_place),
            "outputs": [
                (_written(o.aval), o.slot, o.offset, o.strides, o.is_whole, o.is_plain) for o in self.outputs
            ],
            "steps": list(self.steps),
            "phases": list(self.phases),
            "uses_team": self.uses_team,
            "nanoseconds": self.nanoseconds,
            "code": self.code,
            "arrays": [_written(Aval(array.shape, array.dtype)) for array in arrays],
        }
        text = json.dumps(head).encode()
        content = [np.asarray(array, order="C").tobytes() for array in arrays]
        return b"".join([len(text).to_bytes(LENGTH, "little"), text, *content])

    @staticmethod
    def from_bytes(data: bytes) -> Plan:
        """What `to_bytes` has written."""
        end = LENGTH + int.from_bytes(data[:LENGTH], "little")
        head = json.loads(data[LENGTH:end])
        arrays = []
        for shape, dtype in map(_read, head["arrays"]):
            count = int(np.prod(shape, dtype=np.int64))
            # copied, because what lies somewhere among bytes is not aligned
            arrays.append(np.frombuffer(data, dtype, count, end).reshape(shape).copy())
            end += count * dtype.itemsize
        offsets, words, pointers, calls, *constants = arrays
        return Plan(
            list(map(_read, head["given"])),
            list(map(_read, head["fresh"])),
            constants,
            offsets,
            head["block"],
            head["beside"],
            head["in_place"],
            [
                Output(_read(aval), slot, offset, None if strides is None else tuple(strides), *claims)
                for aval, slot, offset, strides, *claims in head["outputs"]
            ],
            head["steps"],
            Records(words, pointers, calls),
            head["phases"],
            head["uses_team"],
            head["nanoseconds"],
            head["code"],
        )


def _written(aval: Aval) -> list[Any]:
    return [aval.dtype.str, *aval.shape]


def _read(written: list[Any]) -> Aval:
    dtype, *shape = written
    return Aval(tuple(shape), np.dtype(dtype))
