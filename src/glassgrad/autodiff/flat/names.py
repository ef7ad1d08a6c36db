"""The names that the user's code gives to the tensors that a traced function computes."""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType
from typing import Any

from ...graph import Node
from ...graph.notice import PACKAGE
from ...tensor import Tensor

Names = dict[Node, str]


@contextmanager
def names_given_to_tensors(preferred: CodeType | None) -> Iterator[Names]:
    """Within the block: node -> the name under which the user's code first stored it.

    A name given in the code `preferred` counts more than one given elsewhere. A node knows the call that made it, but
    a call such as gg.softmax makes many; so the calls themselves are watched, with Python's hook for profilers: when
    one returns to the user's code, the next instruction there says where the result is stored. While a profiler runs,
    there are no names.
    """
    names: Names = {}
    if sys.getprofile() is not None:
        yield names
        return
    in_preferred: set[Node] = set()

    def watch(frame: Any, event: str, result: Any) -> None:
        caller = frame.f_back
        if event != "return" or caller is None or caller.f_code.co_filename.startswith(PACKAGE):
            return
        results = result if isinstance(result, tuple) else (result,)
        if not any(isinstance(x, Tensor) for x in results):
            return
        stored = stored_after(caller.f_code, caller.f_lasti)
        for tensor, name in (
            zip(results, stored if len(stored) == len(results) else (), strict=True) if stored else ()
        ):
            if isinstance(tensor, Tensor) and tensor.node is not None:
                better = caller.f_code is preferred and tensor.node not in in_preferred
                if better or tensor.node not in names:
                    names[tensor.node] = name
                if better:
                    in_preferred.add(tensor.node)

    sys.setprofile(watch)
    try:
        yield names
    finally:
        sys.setprofile(None)


@lru_cache(maxsize=4096)
def stored_after(code: CodeType, instruction: int) -> tuple[str, ...]:
    """The names under which the result of the instruction at this offset is stored; () if it is not.

    >>> def f(x):
    ...     y = g(x)
    ...     return y
    >>> call = next(i for i in dis.get_instructions(f) if i.opname == "CALL")
    >>> stored_after(f.__code__, call.offset)
    ('y',)
    """
    following = [i for i in dis.get_instructions(code) if i.offset > instruction]
    following = [i for i in following if i.opname not in ("COPY", "NOP", "EXTENDED_ARG")]
    count = 1
    if following and following[0].opname == "UNPACK_SEQUENCE":
        count = int(following[0].arg or 0)
        following = following[1:]
    found: list[str] = []
    for store in following:
        names = _stored(store)
        if len(found) >= count or not names:
            break
        found += names
    return tuple(found[:count]) if len(found) >= count else ()


def _stored(instruction: dis.Instruction) -> tuple[str, ...]:
    """The names that an instruction stores: newer Pythons fuse a store with the store or the load behind it."""
    if not instruction.opname.startswith("STORE_") or instruction.opname in ("STORE_SUBSCR", "STORE_SLICE"):
        return ()
    if not isinstance(instruction.argval, tuple):
        return (str(instruction.argval),)
    return tuple(map(str, instruction.argval[: instruction.opname.count("STORE_FAST")]))
