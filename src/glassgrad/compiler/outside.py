"""What lives outside a compiled function and is changed by it: kept, and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..tensor import Tensor
from ..tensor.staging import all_cells
from .fast_call import MISSED

if TYPE_CHECKING:
    from .compiled import Compiled

Cells = dict[Tensor, tuple[Any, Any]]
"""Parameters and buffers, with their values and gradients."""


def cells() -> Cells:
    """Every living parameter and buffer as it is now."""
    return {cell: (cell.value, cell._grad) for cell in all_cells()}


def put_back(kept: Cells) -> None:
    """Give every cell its value and gradient again."""
    for cell, (value, gradient) in kept.items():
        if cell.value is not value:
            cell._replace(value)
        cell._grad = gradient


def run_as_program(compiled: Compiled, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any]:
    """The program that ran for these arguments, None if the function ran as it is; and what came out. Hold STATE."""
    found = compiled.again(args, options)
    if found is not MISSED:
        return compiled.last, found
    last, compiled.last = compiled.last, None
    try:
        found = compiled._call(args, options)
        return compiled.last, found
    finally:
        compiled.last = compiled.last or last
