"""Winograd's algorithms as matrices of fractions: m outputs of a filter of r taps by m + r - 1 products.

Correlation y[k] = sum over a of g[a] d[k + a] is the transpose of a product of two polynomials, and that product is
known from its values at as many points as it has coefficients. So y = A^T [(G g) * (B^T d)]: G and A evaluate
polynomials at the points, B is the inverse of the matrix that evaluates a product of them. In two dimensions the
matrices are applied along both axes. (Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray, Fast
Algorithms for Convolutional Neural Networks, 2016; how points bear on rounding: Barabasz, Anderson, Soodhalter and
Gregg, Error Analysis and Improving the Accuracy of Winograd Convolution, 2018.)

An axis is cut into tiles of m outputs and, where that does not divide it, of m - 1, so that none is computed in vain.
The smaller tile's points are among those of the larger: one transform of the filters serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

Matrix = tuple[tuple[Fraction, ...], ...]

POINTS: tuple[Fraction | None, ...] = (
    Fraction(0),
    None,
    Fraction(1),
    Fraction(-1),
    Fraction(1, 2),
    Fraction(-2),
    Fraction(-1, 2),
    Fraction(2),
)
"""Where polynomials are evaluated, None for infinity, in the order in which they are taken. Of six points, 1/2 and -2
as the last give four fifths of the error along each axis that 2 and -2 give; of eight, none were found better.
"""

MOST = {3: 7, 5: 8}
"""How many products a tile of a filter of so many taps may take: more of them round worse."""


@dataclass(frozen=True)
class Algorithm:
    """The matrices of one axis of one size of tile."""

    images: Matrix
    """B^T, products by products: from the window of the images that a tile sees."""
    filters: Matrix
    """G, products by taps."""
    outputs: Matrix
    """A^T, outputs by products."""


@lru_cache
def algorithm(outputs: int, taps: int, products: int) -> Algorithm:
    """The algorithm of a tile beside others of up to `products` products, with whose filters it goes.

    G is divided by what would else be denominators in B, so that floats hold B and A exactly.
    """
    own, all_of_them = POINTS[: outputs + taps - 1], POINTS[:products]
    inverse = inverted([evaluation(point, len(own)) for point in own])
    scales = [_scale(point, all_of_them) for point in own]
    return Algorithm(
        tuple(
            tuple(row * scale for row in column)
            for column, scale in zip(zip(*inverse, strict=True), scales, strict=True)
        ),
        tuple(
            tuple(power / _scale(point, all_of_them) for power in evaluation(point, taps))
            for point in all_of_them
        ),
        transposed_matrix([evaluation(point, outputs) for point in own]),
    )


def evaluation(point: Fraction | None, size: int) -> tuple[Fraction, ...]:
    """By what to multiply `size` coefficients, lowest first, for the polynomial's value; at infinity, for its lead."""
    if point is None:
        return (Fraction(0),) * (size - 1) + (Fraction(1),)
    return tuple(point**power for power in range(size))


def _scale(point: Fraction | None, points: Sequence[Fraction | None]) -> Fraction:
    """The product of the distances from all other points."""
    product = Fraction(1)
    for other in points:
        if point is not None and other is not None and other != point:
            product *= point - other
    return product


def inverted(matrix: Sequence[Sequence[Fraction]]) -> Matrix:
    """The inverse of a regular matrix, exactly."""
    size = len(matrix)
    rows = [
        [*row, *(Fraction(int(place == other)) for other in range(size))] for place, row in enumerate(matrix)
    ]
    for place in range(size):
        pivot = next(number for number in range(place, size) if rows[number][place])
        rows[place], rows[pivot] = rows[pivot], rows[place]
        rows[place] = [value / rows[place][place] for value in rows[place]]
        for number in range(size):
            if number != place and (factor := rows[number][place]):
                pairs = zip(rows[number], rows[place], strict=True)
                rows[number] = [value - factor * other for value, other in pairs]
    return tuple(tuple(row[size:]) for row in rows)


def transposed_matrix(matrix: Sequence[Sequence[Fraction]]) -> Matrix:
    """Rows as columns."""
    return tuple(zip(*matrix, strict=True))


# --- an axis in tiles -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tiles:
    """The tiles of one size: they stand side by side, the first at an output, each with so many."""

    first: int
    """The number of the first tile."""
    count: int
    start: int
    """The first tile's first output."""
    outputs: int

    def window(self, taps: int) -> int:
        """How many elements of the images a tile sees, and how many products it needs."""
        return self.outputs + taps - 1


@dataclass(frozen=True)
class Cut:
    """An axis of outputs in as few tiles as possible, the larger ones first."""

    outputs: int
    taps: int

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return -(-self.outputs // (MOST[self.taps] - self.taps + 1))

    @property
    def sizes(self) -> tuple[Tiles, ...]:
        """The larger tiles, and the smaller ones if there are any."""
        small, larger = divmod(self.outputs, self.count)
        if larger == 0:
            return (Tiles(0, self.count, 0, small),)
        return (
            Tiles(0, larger, 0, small + 1),
            Tiles(larger, self.count - larger, larger * (small + 1), small),
        )

    @property
    def products(self) -> int:
        """How many points the larger tiles need."""
        return self.sizes[0].window(self.taps)

    @property
    def larger(self) -> int:
        """How many larger tiles there are; of those of one size, none."""
        return self.sizes[0].count if len(self.sizes) == 2 else 0

    @property
    def smallest(self) -> int:
        """How many outputs a smaller tile has."""
        return self.sizes[-1].outputs

    def algorithm(self, tiles: Tiles) -> Algorithm:
        """The matrices of tiles of one size."""
        return algorithm(tiles.outputs, self.taps, self.products)

    @property
    def parts(self) -> tuple[tuple[range, int], ...]:
        """The points that as many of the first tiles have in common: all tiles the first, only the larger the last."""
        if len(self.sizes) == 1:
            return ((range(self.products), self.count),)
        large, small = self.sizes
        shared = small.window(self.taps)
        return ((range(shared), self.count), (range(shared, self.products), large.count))
