"""What a kernel reads or writes, element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...graph import Node
from ...graph.loops import Strides


@dataclass(eq=False)
class Operand:
    """A place that a kernel reads or writes: which memory, from where on, with which strides along its axes.

    Without a memory there is nothing to read: the offset itself is the value, a number that counts.
    """

    owner: Node | None
    dtype: Any
    offset: int
    strides: Strides
