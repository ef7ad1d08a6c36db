"""What a tensor without a value answers when somebody asks for its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import GraphError

if TYPE_CHECKING:
    from .tensor import Tensor

TRUTH = "`if`, `while`, `and`, `or` and `not`"
NUMBER = "float(), int() and .item()"
ARRAY = ".numpy(), .tolist() and NumPy's functions"

_INSTEAD = {
    TRUTH: "gg.where(condition, a, b) chooses numbers, gg.cond(condition, f, g, *operands) what is computed, and "
    "gg.while_loop and gg.scan repeat.",
    NUMBER: "Compute with the tensor itself; gg.where, gg.cond, gg.scan and gg.while_loop choose and repeat by its "
    "value.",
    ARRAY: "Compute with the tensor itself and gg's functions; gg.where, gg.cond, gg.scan and gg.while_loop choose and "
    "repeat by its value.",
}


def no_value(x: Tensor, asked_by: str) -> GraphError:
    """The error for a tensor of which only shape and dtype are known, when TRUTH, NUMBER or ARRAY asks for more.

    The user's line is added by the error itself.
    """
    about = f"{x.dtype}{list(x.shape)}"
    if x.node is not None:
        about += f", {f'from {x.node.op.name} at {x.node.place}' if x.node.inputs else 'an argument'}"
    return GraphError(
        f"{asked_by} need the value of a tensor, which is not known here ({about}): inside gg.trace, gg.vmap and "
        f"gg.compile a tensor stands for any value of its shape and dtype. {_INSTEAD[asked_by]}"
    )
