"""What gg.linalg refuses, and in which words."""

import sys

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, ShapeError

linalg = gg.linalg
SQUARE = np.eye(3)
NAN = np.full((2, 2), np.nan)

OF_SQUARE_MATRICES = ("cholesky", "det", "eig", "eigh", "expm", "inv", "slogdet")
OF_MATRICES = ("lu", "pinv", "qr", "svd")
SAME_OP = {"eigvals": "eig", "eigvalsh": "eigh", "svdvals": "svd", "matrix_rank": "svd"}


def refused(call, error):
    with pytest.raises(error) as raised:
        call()
    return raised.value.message


@pytest.mark.parametrize("name", [*OF_SQUARE_MATRICES, *OF_MATRICES, *SAME_OP])
def test_numbers_must_be_floats_of_32_bits_or_more(name):
    function, op = getattr(linalg, name), SAME_OP.get(name, name)
    assert refused(lambda: function(np.eye(2, dtype=int)), DTypeError) == (
        f"{op} needs a float or complex input; got int64 of shape (2, 2). gg.astype(x, gg.float32) converts."
    )
    assert refused(lambda: function(np.eye(2, dtype=np.float16)), DTypeError) == (
        f"{op} needs float32 or more, because LAPACK has no half precision; got float16 of shape (2, 2). "
        f"gg.astype(x, gg.float32) converts."
    )


@pytest.mark.parametrize("name", [*OF_SQUARE_MATRICES, "eigvals", "eigvalsh"])
@pytest.mark.parametrize("shape", [(3,), (), (2, 3), (4, 3, 2)])
def test_square_matrices(name, shape):
    op = SAME_OP.get(name, name)
    assert refused(lambda: getattr(linalg, name)(np.ones(shape)), ShapeError) == (
        f"{op} needs square matrices on the last two axes; got shape {shape}"
    )


@pytest.mark.parametrize("name", [*OF_MATRICES, "svdvals", "matrix_rank", "diagonal", "trace", "matrix_norm"])
@pytest.mark.parametrize("shape", [(3,), ()])
def test_matrices(name, shape):
    op = {"trace": "diagonal"}.get(name, SAME_OP.get(name, name))
    assert refused(lambda: getattr(linalg, name)(np.ones(shape)), ShapeError) == (
        f"{op} needs matrices on the last two axes; got shape {shape}"
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: linalg.triangular_solve(SQUARE, np.ones((2, 2))),
            ShapeError,
            "triangular_solve needs a.shape[-1] == b.shape[-2]; got a float64[3, 3] and b float64[2, 2]",
        ),
        (
            lambda: linalg.triangular_solve(np.ones((2, 3, 3)), np.ones((4, 3, 1))),
            ShapeError,
            "triangular_solve cannot broadcast the leading axes of a float64[2, 3, 3] and b float64[4, 3, 1]",
        ),
        (
            lambda: linalg.triangular_solve(np.ones(3), np.ones(3), transpose=True),
            ShapeError,
            "triangular_solve needs square matrices on the last two axes; got shape (3,)",
        ),
        (
            lambda: linalg.solve(SQUARE.astype(np.float32), np.ones(3, np.float16)),
            DTypeError,
            "solve needs float32 or more, because LAPACK has no half precision; got float16 of shape (3, 1). "
            "gg.astype(x, gg.float32) converts.",
        ),
        (
            lambda: linalg.inv(np.ones((2, 2))),
            ArgumentError,
            "inv needs matrices that can be inverted; at least one is singular",
        ),
        (
            lambda: linalg.matrix_power(np.ones((2, 2)), -1),
            ArgumentError,
            "inv needs matrices that can be inverted; at least one is singular",
        ),
        (
            lambda: linalg.svd(NAN),
            ArgumentError,
            "svd did not converge; does the matrix hold NaN or infinity?",
        ),
        (
            lambda: linalg.pinv(NAN),
            ArgumentError,
            "pinv did not converge; does the matrix hold NaN or infinity?",
        ),
        (
            lambda: linalg.eig(NAN),
            ArgumentError,
            "eig did not converge; does the matrix hold NaN or infinity?",
        ),
        (
            lambda: linalg.qr(SQUARE, mode="full"),
            ArgumentError,
            "qr knows the modes 'reduced' and 'complete'; got 'full'",
        ),
        (
            lambda: linalg.pinv(SQUARE, rtol=1j),
            DTypeError,
            "pinv needs a real number as rtol; got complex64 of shape ()",
        ),
        (
            lambda: linalg.pinv(SQUARE, rtol=np.zeros(2)),
            ShapeError,
            "pinv needs one rtol, or one for each matrix: shape (); got (2,)",
        ),
        (
            lambda: linalg.pinv(np.ones((3, 2, 2)), rtol=np.zeros(2)),
            ShapeError,
            "pinv needs one rtol, or one for each matrix: shape (3,); got (2,)",
        ),
        (
            lambda: linalg.lstsq(np.ones((3, 2)), np.ones(2)),
            ShapeError,
            "lstsq needs matrices a with as many rows as b; got a float64[3, 2] and b float64[2]",
        ),
        (
            lambda: linalg.lstsq(np.ones((3, 2)), np.ones(())),
            ShapeError,
            "lstsq needs matrices a with as many rows as b; got a float64[3, 2] and b float64[]",
        ),
        (
            lambda: linalg.matrix_power(np.ones((2, 3)), 2),
            ShapeError,
            "matrix_power needs square matrices on the last two axes; got shape (2, 3)",
        ),
        (
            lambda: linalg.matrix_power(SQUARE, 0.5),
            ArgumentError,
            "matrix_power needs an integer exponent; got 0.5",
        ),
        (
            lambda: linalg.matrix_power(np.eye(2, dtype=int), -1),
            DTypeError,
            "inv needs a float or complex input; got int64 of shape (2, 2). gg.astype(x, gg.float32) converts.",
        ),
        (
            lambda: linalg.diagonal(SQUARE, offset=1.0),
            ArgumentError,
            "diagonal needs an integer offset; got 1.0",
        ),
        (
            lambda: linalg.cross(np.ones(2), np.ones(3)),
            ShapeError,
            "cross needs vectors of 3 elements along axis -1; got shapes (2,) and (3,)",
        ),
        (
            lambda: linalg.cross(np.ones(3), np.ones((3, 3)), axis=0),
            ShapeError,
            "cross needs vectors of 3 elements along axis 0; got shapes (3,) and (3, 3)",
        ),
        (
            lambda: linalg.vector_norm(np.ones(3, int)),
            DTypeError,
            "vector_norm needs a float or complex input; got int64 of shape (3,). "
            "gg.astype(x, gg.float32) converts.",
        ),
        (
            lambda: linalg.vector_norm(np.ones(3), ord="fro"),
            ArgumentError,
            "vector_norm needs a number as ord; got 'fro'",
        ),
        (
            lambda: linalg.vector_norm(np.ones(3), ord=np.nan),
            ArgumentError,
            "vector_norm needs a number as ord; got nan",
        ),
        (
            lambda: linalg.vector_norm(np.ones((0, 3)), axis=0, ord=-np.inf),
            ShapeError,
            "vector_norm of no elements with ord=-inf is undefined: got shape (0, 3)",
        ),
        (
            lambda: linalg.vector_norm(np.ones(3), axis=1),
            ShapeError,
            "vector_norm got axis 1 for a tensor with 1 axes; allowed: -1 to 0",
        ),
        (
            lambda: linalg.matrix_norm(SQUARE, ord=3),
            ArgumentError,
            "matrix_norm knows ord 'fro', 'nuc', 1, -1, 2, -2, inf and -inf; got 3",
        ),
        (
            lambda: linalg.norm(np.ones((2, 2, 2)), 2),
            ShapeError,
            "norm with ord=2 needs 1 axis or 2, or to be told which: pass axis; got shape (2, 2, 2)",
        ),
        (
            lambda: linalg.norm(np.ones((2, 2, 2)), axis=(0, 1, 2)),
            ShapeError,
            "norm works along one axis or two; got (0, 1, 2)",
        ),
        (
            lambda: linalg.norm(SQUARE, axis=(0, -2)),
            ShapeError,
            "norm got the same axis twice: (0, -2)",
        ),
    ],
)
def test_refused_arguments(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message


def test_the_line_is_the_users():
    line = sys._getframe().f_lineno + 2
    with pytest.raises(ShapeError) as raised:
        linalg.qr(np.ones(3))
    assert str(raised.value).endswith(f"(at test_linalg_errors.py:{line})")
