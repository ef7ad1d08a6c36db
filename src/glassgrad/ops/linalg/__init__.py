"""Linear algebra, public as `gg.linalg`: the array API's extension, and and eig, eigvals, expm, lstsq, lu, norm,
triangular_solve."""

from ..contract import matmul as matmul, outer as outer, tensordot as tensordot, vecdot as vecdot
from ..shape import matrix_transpose as matrix_transpose
from .determinants import det as det, slogdet as slogdet
from .diagonals import diagonal as diagonal, trace as trace
from .eigen import eig as eig, eigh as eigh, eigvals as eigvals, eigvalsh as eigvalsh
from .elimination import lu as lu
from .factoring import cholesky as cholesky, qr as qr
from .least_squares import lstsq as lstsq, pinv as pinv
from .norms import matrix_norm as matrix_norm, norm as norm, vector_norm as vector_norm
from .powers import expm as expm, matrix_power as matrix_power
from .products import cross as cross
from .singular import matrix_rank as matrix_rank, svd as svd, svdvals as svdvals
from .solving import inv as inv, solve as solve, triangular_solve as triangular_solve

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "inv",
    "lstsq",
    "lu",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "triangular_solve",
    "vecdot",
    "vector_norm",
]
