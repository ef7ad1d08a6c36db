"""Products of matrices as calls to OpenBLAS, from within generated code."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..kernels import Contraction, Place, Units, contiguous
from ..runtime import blas
from .code import POINTER, Code, Share
from .nest import INDEX, Axis, nest
from .types import in_memory

ENUM = ir.IntType(32)
INT = ir.IntType(blas.INTEGER_BITS)
ROUTINES = {"float32": "cblas_sgemm", "float64": "cblas_dgemm"}
ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112


def _layout(place: Place, rows: int, columns: int) -> tuple[int, int] | None:
    """How BLAS sees a matrix: as it lies or transposed, and how far apart its rows are; None if it cannot."""
    by_row, by_column = place.strides[-2:]
    if (by_column == 1 or columns == 1) and (by_row >= max(columns, 1) or rows == 1):
        return PLAIN, max(by_row if rows > 1 else columns, 1)
    if (by_row == 1 or rows == 1) and (by_column >= max(rows, 1) or columns == 1):
        return TRANSPOSED, max(by_column if columns > 1 else rows, 1)
    return None


class ContractionCall(Code):
    """One product, ready to be called; `fits` says whether BLAS can do it."""

    def __init__(self, unit: Contraction, units: Units) -> None:
        node = unit.node
        self.node = node
        self.left, self.right = (units.places[source] for source in node.inputs)
        (*_, self.m, self.k), (*_, self.n) = (source.shape for source in node.inputs)
        self.layouts = _layout(self.left, self.m, self.k), _layout(self.right, self.k, self.n)
        self.routine = ROUTINES.get(node.dtype.name, "")
        self.one_dtype = {source.dtype for source in node.inputs} == {node.dtype}
        self.owners = list(dict.fromkeys((self.left.owner, self.right.owner, node)))
        self.batch = node.shape[:-2]
        self.steps = [
            self._batch_steps(place, source.shape)
            for place, source in zip((self.left, self.right), node.inputs, strict=True)
        ]
        self.steps.append(contiguous(node.shape)[:-2])
        self._merge_rows()

    @property
    def fits(self) -> bool:
        """Whether BLAS can do it."""
        return (
            None not in self.layouts
            and self.one_dtype
            and self.k > 0
            and self.routine != ""
            and blas.address(self.routine) is not None
        )

    def _merge_rows(self) -> None:
        """A stack of matrices that lie one below the other, times one matrix, is one tall matrix times it."""
        layout = self.layouts[0]
        while self.batch and layout is not None and layout[0] == PLAIN:
            left, right, _ = (steps[-1] for steps in self.steps)
            if right != 0 or left != self.m * layout[1]:
                return
            self.m *= self.batch[-1]
            self.batch = self.batch[:-1]
            self.steps = [steps[:-1] for steps in self.steps]

    def _batch_steps(self, place: Place, shape: tuple[int, ...]) -> tuple[int, ...]:
        lead = len(self.batch) - (len(shape) - 2)
        return tuple(
            0 if axis < lead or shape[axis - lead] != size else place.strides[axis - lead]
            for axis, size in enumerate(self.batch)
        )

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        places = self.left.offset, self.right.offset, self.layouts, self.m, self.n, self.k, self.batch
        return "contraction", self.routine, places, tuple(self.steps), self.owners.index(self.right.owner)

    def write(self, phase: int, share: Share) -> None:
        """Write the calls, one for each product of the batch."""
        builder, pointers = share.builder, share.pointers
        kind = in_memory(self.node.dtype)
        signature = ir.FunctionType(
            ir.VoidType(),
            [ENUM, ENUM, ENUM, INT, INT, INT, kind, POINTER, INT, POINTER, INT, kind, POINTER, INT],
        )
        routine = builder.module.globals.get(self.routine) or ir.Function(
            builder.module, signature, self.routine
        )
        left_layout, right_layout = self.layouts
        assert left_layout is not None
        assert right_layout is not None
        (trans_left, by_left), (trans_right, by_right) = left_layout, right_layout

        def product(offsets: list[Any]) -> None:
            left, right, out = (
                builder.gep(pointers[owner], [offset], source_etype=kind)
                for owner, offset in zip((self.left.owner, self.right.owner, self.node), offsets, strict=True)
            )
            arguments = [
                *map(ENUM, (ROW_MAJOR, trans_left, trans_right)),
                *map(INT, (self.m, self.n, self.k)),
                ir.Constant(kind, 1.0),
                left,
                INT(by_left),
                right,
                INT(by_right),
                ir.Constant(kind, 0.0),
                out,
                INT(max(self.n, 1)),
            ]
            builder.call(routine, arguments)

        axes = [
            Axis(size, False, tuple(steps[axis] for steps in self.steps))
            for axis, size in enumerate(self.batch)
        ]
        nest(builder, axes, [INDEX(self.left.offset), INDEX(self.right.offset), INDEX(0)], product)
