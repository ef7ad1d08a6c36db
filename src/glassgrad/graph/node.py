"""A node: one application of an op, and the place in the user's code where it was written."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import weakref
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .op import Op

Origin = tuple[CodeType, int]
"""Where something was built: a code object and an instruction in it. Cheap to take; `describe` reads the line."""

_PACKAGE = str(Path(__file__).resolve().parent.parent) + os.sep


class _Internal(dict[str, bool]):
    """Whether a file belongs to glassgrad, remembered per file name, because every recorded op asks.

    So does Python's contextlib: it stands between our `with` statements and our context managers.
    """

    def __missing__(self, filename: str) -> bool:
        self[filename] = filename.startswith(_PACKAGE) or filename == contextlib.__file__
        return self[filename]


_internal = _Internal()
_next_serial = itertools.count().__next__


def caller(depth: int = 2) -> Origin:
    """The innermost place outside glassgrad that led here; the first `depth` frames are known to be inside."""
    frame: Any = sys._getframe(depth)
    while _internal[(code := frame.f_code).co_filename] and frame.f_back is not None:
        frame = frame.f_back
    return code, frame.f_lasti


def describe(origin: Origin | None) -> str:
    """`file:line` of an origin, for people."""
    if origin is None:
        return "an unknown place"
    code, instruction = origin
    lines = list(code.co_positions())
    line = lines[instruction // 2][0] if instruction // 2 < len(lines) else code.co_firstlineno
    return f"{Path(code.co_filename).name}:{line}"


class Node:
    """One application of an op to other nodes. A leaf (an input or a constant) has no inputs.

    `op`, `inputs`, `shape`, `dtype`, `requires_grad` and `origin` never change. `value` holds the result only while
    something needs it (a derivative, or a `Graph` that has been run); `grad` is filled by `Graph.backward`.
    `serial` grows with every node made, so sorting by it is a topological order.
    """

    __slots__ = (
        "__weakref__",
        "_code",
        "_instruction",
        "_owner",
        "dtype",
        "freed",
        "grad",
        "inputs",
        "name",
        "op",
        "requires_grad",
        "serial",
        "shape",
        "value",
    )

    def __init__(
        self,
        op: Op,
        inputs: tuple[Node, ...],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        requires_grad: bool,
        origin: Origin | None,
        value: Any = None,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.shape = shape
        self.dtype = dtype
        self.requires_grad = requires_grad
        # kept apart, because a tuple would be one more object for the garbage collector to visit in deep graphs
        self._code: CodeType | None
        self._code, self._instruction = origin or (None, 0)
        self.value = value
        self.grad: Any = None
        self.name: str | None = None
        self.freed: Origin | None = None
        self.serial = _next_serial()
        self._owner: weakref.ref[Any] | None = None

    @property
    def origin(self) -> Origin | None:
        """Where in the user's code the op was applied."""
        return None if self._code is None else (self._code, self._instruction)

    @property
    def owner(self) -> Any:
        """The tensor whose `.grad` collects this node's gradient, or None when nobody can read it any more."""
        return None if self._owner is None else self._owner()

    @owner.setter
    def owner(self, tensor: Any) -> None:
        self._owner = weakref.ref(tensor)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def place(self) -> str:
        """`file:line` of the user's code that made this node."""
        return describe(self.origin)

    def __repr__(self) -> str:
        label = f" {self.name!r}" if self.name else ""
        return f"<Node {self.op.name}{label} {self.dtype}{list(self.shape)} from {self.place}>"
