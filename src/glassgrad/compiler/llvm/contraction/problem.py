"""A sum of products as indices: where a step along each index leads in the left and right operand and in the result.

out[b, r, c] = sum over k of left[b, r, k] * right[b, k, c], where b, r, c and k may each stand for several indices; to
which added[b, r, c] may be added.
A product of matrices is one of these, a stack of them another, a convolution a third: a window of an image is a step of
the image for each index of the filter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

from ....graph import Node


@dataclass(frozen=True)
class Index:
    """One index: how many values it takes, and how far a step leads in each operand, in elements; 0 where it is not."""

    size: int
    left: int
    right: int
    out: int
    added: int = 0
    """In what is added to the sums."""

    @property
    def swapped(self) -> Index:
        """The same with the operands exchanged."""
        return replace(self, left=self.right, right=self.left)


Indices = tuple[Index, ...]


@dataclass(frozen=True)
class Problem:
    """What is multiplied and summed, whatever the memories are. Indices are ordered from the outermost."""

    batch: Indices
    rows: Indices
    columns: Indices
    summed: Indices

    @property
    def swapped(self) -> Problem:
        """The transposed problem: rows are columns."""
        exchanged = tuple(
            tuple(index.swapped for index in group)
            for group in (self.batch, self.columns, self.rows, self.summed)
        )
        return Problem(*exchanged)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """How many combinations of batch, rows, columns and summed indices there are."""
        return tuple(prod(i.size for i in g) for g in (self.batch, self.rows, self.columns, self.summed))  # type: ignore[return-value]

    @property
    def is_compact(self) -> bool:
        """Whether the elements of the result lie one after the other, in whichever order."""
        size = 1
        for index in sorted((*self.batch, *self.rows, *self.columns), key=lambda index: index.out):
            if index.size > 1 and index.out != size:
                return False
            size *= index.size
        return True

    @property
    def simplified(self) -> Problem:
        """The same with fewer indices: those of size 1 left out, neighbours merged, ordered by where they lead."""
        return replace(
            self,
            batch=_merged(self.batch, lambda index: index.out),
            rows=_merged(self.rows, lambda index: index.out),
            columns=_merged(self.columns, lambda index: index.out),
            summed=_merged(self.summed, lambda index: abs(index.right) + abs(index.left)),
        )


def _merged(indices: Sequence[Index], order: Callable[[Index], int]) -> Indices:
    merged: list[Index] = []
    for index in sorted((i for i in indices if i.size > 1), key=order, reverse=True):
        if merged:
            outer = merged[-1]
            if _steps(outer) == tuple(index.size * step for step in _steps(index)):
                merged[-1] = replace(index, size=outer.size * index.size)
                continue
        merged.append(index)
    return tuple(merged)


def _steps(index: Index) -> tuple[int, ...]:
    return index.left, index.right, index.out, index.added


def fits(node: Node) -> bool:
    """Whether a product can be generated: of floats of one dtype, with something to sum."""
    return (
        node.dtype.kind == "f"
        and node.dtype.itemsize in (4, 8)
        and {source.dtype for source in node.inputs} == {node.dtype}
        and node.inputs[0].shape[-1] > 0
    )
