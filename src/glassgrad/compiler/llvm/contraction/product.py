"""Products of matrices, and stacks and sums of them, as problems."""

from __future__ import annotations

from ....graph.loops import Strides
from ...kernels import Contraction, Place, Units
from .problem import Index, Problem
from .tiled import Operand, TiledCode


class ProductCode(TiledCode):
    """The sum of one or several products of matrices."""

    def __init__(self, unit: Contraction, units: Units) -> None:
        node = unit.node
        places = [units.places[source] for source in node.inputs]
        operands = [Operand(place.owner, place.offset) for place in places]
        left, right, *_ = node.inputs
        steps = operand = None
        if len(places) % 2:
            steps, operand = _steps(places.pop(), node.inputs[-1].shape, node.shape), operands.pop()
        shapes = left.shape, right.shape, node.shape
        whole = units.places[node]
        problem = matrices(places[0], places[1], whole, steps, *shapes)
        pairs = list(zip(operands[::2], operands[1::2], strict=True))
        super().__init__(node, problem, pairs, added=operand, out=Operand(whole.owner, whole.offset))


def matrices(
    left: Place,
    right: Place,
    out: Place,
    added: Strides | None,
    left_shape: tuple[int, ...],
    right_shape: tuple[int, ...],
    out_shape: tuple[int, ...],
) -> Problem:
    """The product over the last two axes, the leading ones broadcast. Where operands begin is not part of it.

    added: how far what is added moves along the axes of the result.
    """
    more = added or (0,) * len(out_shape)
    *_, rows, summed = left_shape
    columns = right_shape[-1]
    by_left, by_right = _steps(left, left_shape, out_shape), _steps(right, right_shape, out_shape)
    batch = tuple(
        Index(
            size,
            by_left[axis],
            by_right[axis],
            out.strides[axis],
            more[axis],
        )
        for axis, size in enumerate(out_shape[:-2])
    )
    # a stack of left matrices times one right matrix is one tall matrix times it, and the other way round
    tall = tuple(index for index in batch if index.right == 0)
    wide = tuple(index for index in batch if index.right and index.left == 0)
    return Problem(
        tuple(index for index in batch if index.left and index.right),
        (*tall, Index(rows, left.strides[-2], 0, out.strides[-2], more[-2])),
        (*wide, Index(columns, 0, right.strides[-1], out.strides[-1], more[-1])),
        (Index(summed, left.strides[-1], right.strides[-2], 0),),
    )


def _steps(place: Place, shape: tuple[int, ...], out_shape: tuple[int, ...]) -> Strides:
    """How far an operand moves along each axis of the result, to which it is broadcast."""
    lead = len(out_shape) - len(shape)
    return tuple(
        0 if axis < lead or shape[axis - lead] != size else place.strides[axis - lead]
        for axis, size in enumerate(out_shape)
    )
