"""Sums of vectors with constant factors: a matrix of fractions times a column of vectors, in few instructions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from llvmlite import ir

from .transforms import Matrix, transposed_matrix

FLOAT = ir.FloatType()


@lru_cache(maxsize=256)
def everywhere(vector: ir.VectorType, number: float) -> ir.Constant:
    """A number in all lanes; made once, because writing it takes as long as writing ten instructions."""
    return ir.Constant(vector, [number] * vector.count)


class Combiner:
    """Writes sums of vectors with constant factors."""

    def __init__(self, builder: ir.IRBuilder, lanes: int) -> None:
        self.builder = builder
        self.vector = ir.VectorType(FLOAT, lanes)
        self.lanes = lanes
        name = f"llvm.fmuladd.v{lanes}f32"
        signature = ir.FunctionType(self.vector, [self.vector] * 3)
        self.multiply_add = builder.module.globals.get(name) or ir.Function(builder.module, signature, name)

    def __call__(self, matrix: Matrix, values: Sequence[Any]) -> list[Any]:
        """The matrix times a column of vectors."""
        matrix, values = self._paired(matrix, list(values))
        return [self._sum(row, values) for row in matrix]

    def _paired(self, matrix: Matrix, values: list[Any]) -> tuple[Matrix, list[Any]]:
        """Two columns that agree but for signs become those of a sum and a difference, which have fewer entries."""
        columns = [list(column) for column in zip(*matrix, strict=True)]
        for first in range(len(columns)):
            for second in range(first + 1, len(columns)):
                one, other = columns[first], columns[second]
                pairs = list(zip(one, other, strict=True))
                same = sum(1 for a, b in pairs if a == b != 0)
                opposite = sum(1 for a, b in pairs if a == -b != 0)
                if any(abs(a) != abs(b) for a, b in pairs) or not same or not opposite or same + opposite < 3:
                    continue
                total = self.builder.fadd(values[first], values[second])
                difference = self.builder.fsub(values[first], values[second])
                values[first], values[second] = total, difference
                columns[first] = [a if a == b else a * 0 for a, b in pairs]
                columns[second] = [a if a == -b else a * 0 for a, b in pairs]
        return transposed_matrix([tuple(column) for column in columns]), values

    def _sum(self, row: Sequence[Any], values: Sequence[Any]) -> Any:
        builder = self.builder
        terms = sorted(
            ((factor, value) for factor, value in zip(row, values, strict=True) if factor),
            key=lambda term: (abs(term[0]) != 1, term[0] < 0),
        )
        total = None
        for factor, value in terms:
            if total is None:
                total = value if factor == 1 else builder.fmul(value, self._constant(factor))
            elif abs(factor) == 1:
                total = (builder.fadd if factor == 1 else builder.fsub)(total, value)
            else:
                total = builder.call(self.multiply_add, [value, self._constant(factor), total])
        return total if total is not None else self._constant(0)

    def _constant(self, factor: Any) -> Any:
        return everywhere(self.vector, float(factor))
