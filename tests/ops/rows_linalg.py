"""Rows of linear algebra. Matrices keep singular and eigenvalues apart, so that vectors turn slowly."""

from collections.abc import Iterator

import numpy as np
from row import Array, Row, between

from glassgrad.ops.linalg import (
    determinants,
    diagonals,
    eigen,
    elimination,
    factoring,
    least_squares,
    powers,
    singular,
    solving,
)

wide = between(-1, 1)


def solvable(*leading: int) -> Array:
    return wide((*leading, 3, 3)) + 3 * np.eye(3)


def definite(*leading: int) -> Array:
    root = solvable(*leading)
    return root @ root.swapaxes(-1, -2)


def spread_out(rows: int, columns: int, *leading: int) -> Array:
    """Matrices with well separated singular values, and eigenvalues if they are square."""
    return 0.2 * wide((*leading, rows, columns)) + np.eye(rows, columns) * np.arange(1.0, columns + 1)


def rows() -> Iterator[Row]:
    yield from of_systems()
    yield from of_square_matrices()
    yield from of_decompositions()
    yield from of_diagonals()


def of_systems() -> Iterator[Row]:
    for op in (
        solving.Solve(),
        *(solving.TriangularSolve(upper, unit) for upper in (False, True) for unit in (False, True)),
    ):
        yield Row(op, (solvable(), wide((3, 2))), "plain", twice=True)
        yield Row(op, (solvable(2), wide((3, 1))), "broadcast", twice=True)
        yield Row(op, (solvable(), wide((2, 3, 1))), "one matrix for all")
        yield Row(op, (solvable().T, wide((3, 4))[:, ::-2]), "strided")
        yield Row(op, (wide((1, 1)) + 2, wide((1, 1))), "one by one")
        yield Row(op, (solvable(0), wide((0, 3, 1))), "no elements")
        yield Row(op, (np.zeros((0, 0)), wide((0, 2))), "no unknowns")


def of_square_matrices() -> Iterator[Row]:
    for op in (solving.Inv(), determinants.Det(), determinants.Cofactor(), determinants.Slogdet()):
        yield Row(op, (solvable(),), "plain", twice=True)
        yield Row(op, (solvable(2),), "several")
        yield Row(op, (solvable()[::-1].T,), "strided")
        yield Row(op, (wide((1, 1)) + 2,), "one by one", twice=True)
        yield Row(op, (np.zeros((0, 0)),), "no elements")
    low_rank = wide((3, 2)) @ wide((2, 3))
    yield Row(determinants.Det(), (low_rank,), "singular", twice=True)
    yield Row(determinants.Det(), (np.outer([1.0, 2.0, -1.0], [1.0, 0.5, 3.0]),), "rank 1", twice=True)
    yield Row(determinants.Det(), (np.eye(3),), "equal singular values", twice=True)
    yield Row(determinants.Cofactor(), (low_rank,), "singular")
    for about, x in (("plain", wide((3, 3))), ("large", 9 * wide((3, 3)))):
        yield Row(powers.Expm(), (x,), about, twice=about == "plain")
    yield Row(powers.Expm(), (wide((2, 2, 2)),), "several")
    yield Row(powers.Expm(), (wide((3, 3))[::-1].T,), "strided")
    yield Row(powers.Expm(), (np.zeros((2, 2)),), "zeros", twice=True)
    yield Row(powers.Expm(), (np.zeros((0, 0)),), "no elements")


def of_decompositions() -> Iterator[Row]:
    fixed = {"members_may_be_shuffled": False}
    for op in (factoring.Cholesky(), eigen.Eigh()):
        yield Row(op, (definite(),), "plain", twice=True, **fixed)
        yield Row(op, (definite(2),), "several", **fixed)
        yield Row(op, (definite()[::-1, ::-1],), "strided", **fixed)
        yield Row(op, (definite()[:1, :1],), "one by one", twice=True, **fixed)
        yield Row(op, (np.zeros((0, 0)),), "no elements", **fixed)
    # the diagonal is largest, so rows are not exchanged, and none competes for a pivot
    for about, x in (("plain", solvable()), ("several", solvable(2)), ("strided", solvable()[::-1, ::-1])):
        yield Row(elimination.Lu(), (x,), about, twice=about == "plain", **fixed)
        yield Row(elimination.LuPivots(), (x[..., ::-1, :],), about)
    yield Row(elimination.LuPivots(), (wide((2, 4, 2)),), "tall")
    yield Row(elimination.Lu(), (spread_out(5, 3),), "tall", twice=True, **fixed)
    yield Row(elimination.LuPivots(), (wide((2, 4)),), "wide")
    for op in (elimination.Lu(), elimination.LuPivots()):
        yield Row(op, (np.zeros((0, 0)),), "no elements")
        yield Row(op, (np.zeros((0, 2, 2)),), "none")
        yield Row(op, (wide((1, 1)),), "one by one")
    # complex, so its derivatives are compared in test_linalg_gradients
    yield Row(eigen.Eig(), (spread_out(3, 3),), "plain", fixed=(0,))
    yield Row(eigen.Eig(), (spread_out(3, 3, 2),), "several", fixed=(0,))
    yield Row(eigen.Eig(), (spread_out(3, 3).T,), "strided", fixed=(0,))
    yield Row(eigen.Eig(), (np.zeros((0, 0)),), "no elements", fixed=(0,))
    # with one column less than rows, what completes Q and U is determined up to its sign
    for kind in (factoring.Qr, singular.Svd):
        for choice in (False, True):
            yield Row(kind(choice), (spread_out(3, 3),), "square", twice=True)
            yield Row(kind(choice), (spread_out(4, 3),), "tall", twice=True)
            yield Row(kind(choice), (spread_out(3, 2, 2),), "several")
            yield Row(kind(choice), (spread_out(4, 3)[::-1],), "strided")
            yield Row(kind(choice), (np.zeros((0, 0)),), "no elements")
            yield Row(kind(choice), (np.zeros((0, 3, 2)),), "none")
    yield Row(factoring.Qr(False), (spread_out(6, 2),), "very tall", twice=True)
    yield Row(singular.Svd(False), (spread_out(2, 5),), "wide", twice=True)
    yield Row(singular.Svd(True), (spread_out(2, 3),), "wide", twice=True)
    default = np.full((1, 1), 1e-12)
    for about, x in (
        ("tall", spread_out(4, 2)),
        ("wide", spread_out(2, 3)),
        ("equal singular values", np.eye(3)),
        ("strided", spread_out(3, 4).T),
    ):
        yield Row(least_squares.Pinv(), (x, default), about, twice=True, fixed=(1,))
    yield Row(least_squares.Pinv(), (spread_out(3, 2, 2), np.full((2, 1, 1), 1e-9)), "several", fixed=(1,))
    yield Row(least_squares.Pinv(), (np.zeros((2, 0)), default), "no elements", fixed=(1,))


def of_diagonals() -> Iterator[Row]:
    x = wide((3, 4))
    for offset in (0, 1, -2, 7):
        yield Row(diagonals.Diagonal(offset), (x,), f"at {offset}", twice=offset == 1)
        yield Row(diagonals.Diagonal(offset), (wide((2, 4, 3)),), f"several at {offset}")
    yield Row(diagonals.Diagonal(0), (x.T[::-1],), "strided")
    yield Row(diagonals.Diagonal(0), (np.zeros((0, 3)),), "no elements")
    for offset, rows, columns in ((0, 3, 3), (1, 3, 4), (-1, 4, 3)):
        op = diagonals.FromDiagonal(offset, rows, columns)
        yield Row(op, (wide((3,)),), f"at {offset}", twice=True)
        yield Row(op, (wide((2, 6))[:, ::-2],), f"strided at {offset}")
    yield Row(diagonals.FromDiagonal(0, 0, 0), (np.zeros(0),), "no elements")
