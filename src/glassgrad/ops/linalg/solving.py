"""Linear systems: solve, triangular_solve and the inverse."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...errors import ArgumentError
from ...graph import OUT, Aval, Op, interned
from ...graph.static import static
from ...tensor import Tensor, apply, asarray
from ...tensor.dtype import promote
from ..contract import matmul
from ..families import unbroadcast
from ..shape import expand_dims, matrix_transpose, squeeze
from ..sorting import tril, triu
from ..stacks import aligned
from .adjoint import adjoint
from .requirements import require_square, require_system


class Solve(Op):
    """The X with A X = B."""

    argument_names = ("a", "b")
    formula = "a @ out = b"
    saves = ((0, OUT), (0,))
    pattern = "solver: b gets aᴴ⁻¹ g, and a gets minus that times outᴴ"

    def shape(self, a: Aval, b: Aval) -> Aval:
        return Aval((*require_system(self, a, b), *b.shape[-2:]), promote({a.dtype, b.dtype}))

    def forward(self, a: Any, b: Any) -> Any:
        require_system(self, a, b)
        try:
            return np.linalg.solve(a, b)
        except np.linalg.LinAlgError:
            raise ArgumentError(
                "solve needs matrices that can be inverted; at least one is singular"
            ) from None

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor, b: Tensor
    ) -> tuple[Tensor | None, ...]:
        to_b = apply(self, adjoint(a), g)
        to_a = unbroadcast(-matmul(to_b, adjoint(out)), a) if needed[0] else None
        return to_a, unbroadcast(to_b, b)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor, b: Tensor) -> Tensor | None:
        change = change_of_right_side(tangents[0], tangents[1], out)
        return None if change is None else apply(self, a, change)

    def batch(self, batched: tuple[bool, ...], a: Tensor, b: Tensor) -> Tensor:
        return apply(self, *aligned(batched, (a, b)))


def change_of_right_side(da: Tensor | None, db: Tensor | None, out: Tensor) -> Tensor | None:
    """db - da X: the right-hand side that the tangent of a solution X solves the same system for."""
    moved = None if da is None else -matmul(da, out)
    return db if moved is None else moved if db is None else db + moved


_solve = Solve()


def solve(a: Any, b: Any, /) -> Tensor:
    """The x with a @ x = b. a: (..., n, n); b: (n,) or (..., n, m). Float and complex dtypes, from float32 on.

    Raises ShapeError, DTypeError, and ArgumentError for a singular matrix. Source: Giles (2008).

    >>> gg.linalg.solve(gg.asarray([[2.0, 0.0], [0.0, 4.0]]), gg.asarray([2.0, 2.0]))
    tensor([1. , 0.5])
    """
    return _as_columns(_solve, asarray(a), asarray(b))


def _as_columns(op: Op, a: Tensor, b: Tensor) -> Tensor:
    """The op with b as columns; a vector is one column."""
    return squeeze(apply(op, a, expand_dims(b, 1)), -1) if b.ndim == 1 else apply(op, a, b)


@static
class TriangularSolve(Op):
    """The X with A X = B, where only one triangle of A is read. An op of its own, because it costs half as much as
    `solve`, its error is smaller, and so is that of the derivatives of the factorisations, which are made of it."""

    upper: bool
    unit_diagonal: bool

    argument_names = ("a", "b")
    formula = "triangle(a) @ out = b"
    saves = ((0, OUT), (0,))
    pattern: ClassVar[str] = "solver: b gets aᴴ⁻¹ g, and a gets the triangle of minus that times outᴴ"

    def shape(self, a: Aval, b: Aval) -> Aval:
        return Aval((*require_system(self, a, b), *b.shape[-2:]), promote({a.dtype, b.dtype}))

    def forward(self, a: Any, b: Any) -> Any:
        leading = require_system(self, a, b)
        x = np.broadcast_to(b, (*leading, *b.shape[-2:])).astype(np.result_type(a.dtype, b.dtype))  # a copy
        size = a.shape[-1]
        for i in range(size - 1, -1, -1) if self.upper else range(size):
            known = slice(i + 1, size) if self.upper else slice(0, i)
            x[..., i, :] -= (a[..., i : i + 1, known] @ x[..., known, :])[..., 0, :]
            if not self.unit_diagonal:
                x[..., i, :] /= a[..., i, i, None]
        return x

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor, b: Tensor
    ) -> tuple[Tensor | None, ...]:
        to_b = apply(interned(TriangularSolve, not self.upper, self.unit_diagonal), adjoint(a), g)
        to_a = unbroadcast(self.triangle(-matmul(to_b, adjoint(out))), a) if needed[0] else None
        return to_a, unbroadcast(to_b, b)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor, b: Tensor) -> Tensor | None:
        da, db = tangents
        change = change_of_right_side(None if da is None else self.triangle(da), db, out)
        return None if change is None else apply(self, a, change)

    def triangle(self, x: Tensor) -> Tensor:
        """The elements that are read."""
        inside = int(self.unit_diagonal)
        return triu(x, k=inside) if self.upper else tril(x, k=-inside)

    def batch(self, batched: tuple[bool, ...], a: Tensor, b: Tensor) -> Tensor:
        return apply(self, *aligned(batched, (a, b)))


def triangular_solve(
    a: Any, b: Any, /, *, upper: bool = False, transpose: bool = False, unit_diagonal: bool = False
) -> Tensor:
    """The x with a @ x = b (or aᵀ @ x = b with `transpose`), reading one triangle of a, by substitution.

    a: (..., n, n), of which the lower triangle counts, or the upper one with `upper`; with `unit_diagonal` its
    diagonal is taken as ones and not read. b: (n,) or (..., n, m). Float and complex dtypes, from float32 on. What is
    not read gets the gradient 0. A zero on the diagonal gives infinity or NaN. Raises ShapeError, DTypeError.

    >>> gg.linalg.triangular_solve(gg.asarray([[2.0, 9.0], [1.0, 4.0]]), gg.asarray([2.0, 9.0]))
    tensor([1., 2.])
    """
    a = asarray(a)
    if transpose and a.ndim > 1:
        a, upper = matrix_transpose(a), not upper
    return _as_columns(interned(TriangularSolve, bool(upper), bool(unit_diagonal)), a, asarray(b))


def solve_lower(a: Tensor, b: Tensor) -> Tensor:
    """The X with L X = B, L the lower triangle of a."""
    return apply(interned(TriangularSolve, False, False), a, b)


def solve_upper(a: Tensor, b: Tensor) -> Tensor:
    """The X with R X = B, R the upper triangle of a."""
    return apply(interned(TriangularSolve, True, False), a, b)


class Inv(Op):
    """The inverse. An op of its own, because its derivative needs the result and no second factorisation."""

    argument_names = ("a",)
    formula = "a @ out = I"
    saves = ((OUT,),)
    pattern = "solver: a gets -outᴴ g outᴴ"

    def shape(self, a: Aval) -> Aval:
        require_square(self, a)
        return a

    def forward(self, a: Any) -> Any:
        require_square(self, a)
        try:
            return np.linalg.inv(a)
        except np.linalg.LinAlgError:
            raise ArgumentError("inv needs matrices that can be inverted; at least one is singular") from None

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor) -> tuple[Tensor]:
        turned = adjoint(out)
        return (-matmul(matmul(turned, g), turned),)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor) -> Tensor | None:
        (da,) = tangents
        return None if da is None else -matmul(matmul(out, da), out)

    def batch(self, batched: tuple[bool, ...], a: Tensor) -> Tensor:
        return apply(self, a)


_inv = Inv()


def inv(a: Any, /) -> Tensor:
    """The inverse of matrices. a: (..., n, n), float and complex dtypes, from float32 on.

    To solve a system, `solve` is faster and more accurate. Raises ShapeError, DTypeError, and ArgumentError for a
    singular matrix. Source: Giles (2008).

    >>> gg.linalg.inv(gg.asarray([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5 , 0.  ],
            [0.  , 0.25]])
    """
    return apply(_inv, asarray(a))
