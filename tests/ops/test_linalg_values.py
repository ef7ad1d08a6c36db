"""Values of gg.linalg in float64 and complex128, against NumPy, SciPy, or what defines them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from mpmath import mp

import glassgrad as gg

RNG = np.random.default_rng(31)


def real_and_complex(*shape: int) -> list[np.ndarray]:
    x = RNG.normal(size=shape)
    return [x, x + 1j * RNG.normal(size=shape)]


SQUARE = [a + 3 * np.eye(3) for a in real_and_complex(2, 3, 3)]
TALL, WIDE = real_and_complex(2, 5, 3), real_and_complex(2, 3, 5)
RIGHT = real_and_complex(2, 3, 2)
VECTOR = real_and_complex(3)
DEFINITE = [a @ a.swapaxes(-1, -2).conj() for a in SQUARE]
SINGULAR = [a.T.conj() @ a for a in real_and_complex(2, 3)]
INTEGERS = RNG.integers(-3, 4, (2, 3, 3))
EVERY = [*SQUARE, *TALL, *WIDE]

Case = tuple[Callable[[], Any], Callable[[], Any]]
CASES: dict[str, list[Case]] = {}


def same(name: str, reference: Callable[..., Any], *inputs: Any, **options: Any) -> None:
    """`gg.linalg.name(*inputs, **options)` must agree with `reference` of the same arguments."""
    function = getattr(gg.linalg, name)
    CASES.setdefault(name, []).append(
        (lambda: function(*inputs, **options), lambda: reference(*inputs, **options))
    )


for i in (0, 1):
    same("solve", np.linalg.solve, SQUARE[i], RIGHT[i])
    same("solve", np.linalg.solve, SQUARE[i][0], VECTOR[i])
    same("solve", np.linalg.solve, SQUARE[0], RIGHT[i][1])
    same("solve", np.linalg.solve, SQUARE[1], RIGHT[i])
    same("inv", np.linalg.inv, SQUARE[i])
    same("det", np.linalg.det, SQUARE[i])
    same("slogdet", np.linalg.slogdet, SQUARE[i])
    same("slogdet", np.linalg.slogdet, np.zeros((3, 3), SQUARE[i].dtype))
    same("cholesky", np.linalg.cholesky, DEFINITE[i])
    same("cholesky", np.linalg.cholesky, DEFINITE[i], upper=True)
    same("eigh", np.linalg.eigh, DEFINITE[i])
    same("eigvalsh", np.linalg.eigvalsh, DEFINITE[i])
    same("eig", np.linalg.eig, SQUARE[i])
    same("eigvals", np.linalg.eigvals, SQUARE[i].astype(complex))
    same("expm", scipy.linalg.expm, SQUARE[i])
    same("expm", scipy.linalg.expm, 20 * SQUARE[i][0])
    same("expm", scipy.linalg.expm, np.array([SQUARE[i][0], 1e-3 * SQUARE[i][1], 0 * SQUARE[i][0]]))
    same("trace", lambda x, **options: np.trace(x, axis1=-2, axis2=-1, **options), TALL[i])
    same("cross", np.linalg.cross, VECTOR[i], RIGHT[i][0].T)
    same("cross", np.linalg.cross, RIGHT[i], RIGHT[1 - i], axis=-2)
    same("matmul", np.linalg.matmul, SQUARE[i], RIGHT[1 - i])
    same("outer", np.linalg.outer, VECTOR[i], VECTOR[1 - i])
    for n in (-3, -1, 0, 1, 2, 5, 8):
        same("matrix_power", np.linalg.matrix_power, SQUARE[i], n)
    for upper in (False, True):
        for transpose in (False, True):
            for unit in (False, True):
                same(
                    "triangular_solve",
                    lambda a, b, upper, transpose, unit_diagonal: scipy.linalg.solve_triangular(
                        a, b, trans=int(transpose), lower=not upper, unit_diagonal=unit_diagonal
                    ),
                    SQUARE[i][0],
                    RIGHT[i][0],
                    upper=upper,
                    transpose=transpose,
                    unit_diagonal=unit,
                )
    for ord in (2, 1, 3, 0.5, 0, -1, -2.5, np.inf, -np.inf):
        same("vector_norm", np.linalg.vector_norm, TALL[i], axis=1, ord=ord)
        same("vector_norm", np.linalg.vector_norm, np.array([3, 0, -4]) * VECTOR[i], ord=ord, keepdims=True)
        same("norm", np.linalg.norm, VECTOR[i], ord)
        same("norm", np.linalg.norm, TALL[i], ord, 2)
    for ord in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
        same("matrix_norm", np.linalg.matrix_norm, TALL[i], ord=ord)
        same("matrix_norm", np.linalg.matrix_norm, WIDE[i], ord=ord, keepdims=True)
        same("norm", np.linalg.norm, TALL[i][0], ord)
        same("norm", np.linalg.norm, TALL[i], ord, (0, 2))
        same("norm", np.linalg.norm, TALL[i], ord, (2, 0), keepdims=True)
        same("norm", np.linalg.norm, TALL[i], ord, (-1, 0))
    same("norm", np.linalg.norm, TALL[i])
    same("norm", np.linalg.norm, TALL[i], axis=(1, 2))
for x in EVERY:
    same("svdvals", np.linalg.svdvals, x)
    same("pinv", np.linalg.pinv, x)
    same("matrix_rank", np.linalg.matrix_rank, x)
    same("diagonal", np.linalg.diagonal, x)
    same("matrix_transpose", np.linalg.matrix_transpose, x)
for x in SINGULAR:
    same("pinv", np.linalg.pinv, x)
    same("matrix_rank", np.linalg.matrix_rank, x)
    same("det", np.linalg.det, 2 * np.eye(3, dtype=x.dtype)[[1, 0, 2]])
same("matrix_rank", np.linalg.matrix_rank, np.diag([1.0, 0.1, 0.01]), rtol=0.05)
same("matrix_rank", np.linalg.matrix_rank, SQUARE[0], rtol=np.array([0.0, 0.9]))
same("matrix_rank", np.linalg.matrix_rank, np.zeros((2, 3, 3)))
same("pinv", np.linalg.pinv, np.diag([1.0, 0.1, 0.01]), rtol=0.05)
same("pinv", np.linalg.pinv, SQUARE[0], rtol=np.array([0.0, 0.9]))
same("pinv", np.linalg.pinv, np.zeros((2, 3)))
same("matrix_power", np.linalg.matrix_power, INTEGERS, 3)
same("diagonal", np.linalg.diagonal, INTEGERS, offset=-1)
same("diagonal", np.linalg.diagonal, TALL[0], offset=2)
same("diagonal", np.linalg.diagonal, TALL[0], offset=9)
same("trace", np.linalg.trace, INTEGERS, offset=1)
same("trace", np.linalg.trace, np.ones((2, 2), np.int8), dtype=np.dtype("float64"))
same("cross", np.linalg.cross, INTEGERS, INTEGERS[1])
same("vector_norm", np.linalg.vector_norm, TALL[0], axis=(0, 2))
same("vector_norm", np.linalg.vector_norm, np.zeros((0, 3)), axis=0)
same("vector_norm", np.linalg.vector_norm, np.zeros((0, 3)), axis=0, ord=np.inf)
same("vector_norm", np.linalg.vector_norm, np.array([0.0, 2.0]), ord=-1)
same("vector_norm", np.linalg.vector_norm, np.array([np.inf, 2.0]))
same("vector_norm", np.linalg.vector_norm, np.array([np.nan, 2.0]))
same("tensordot", np.linalg.tensordot, TALL[0], WIDE[0], axes=((1, 2), (2, 1)))
same("vecdot", np.linalg.vecdot, TALL[0], TALL[0][1])


def parts(result: Any) -> tuple[Any, ...]:
    return tuple(result) if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize(
    ("ours", "reference"),
    [pytest.param(*case, id=f"{name}-{i}") for name, found in CASES.items() for i, case in enumerate(found)],
)
def test_value(ours, reference):
    with np.errstate(all="ignore"):
        wanted = parts(reference())
    found = parts(ours())
    assert len(found) == len(wanted)
    for x, y in zip(found, wanted, strict=True):
        y = np.asarray(y)
        assert (x.shape, x.dtype.kind) == (y.shape, y.dtype.kind)
        # conditions are below 50, and a sum has at most 30 terms
        largest = np.abs(y[np.isfinite(y)]).max(initial=1)
        assert np.allclose(x.numpy(), y, rtol=1e-11, atol=1e-12 * largest, equal_nan=True)


def test_every_public_function_has_a_value_test():
    defined_below = {"lstsq", "lu", "qr", "svd"}
    assert set(gg.linalg.__all__) == CASES.keys() | defined_below


def adjoint(x):
    return x.swapaxes(-1, -2).conj()


def assert_close(found, wanted):
    assert np.allclose(found, wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize("a", EVERY)
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr(a, mode):
    q, r = (x.numpy() for x in gg.linalg.qr(a, mode=mode))
    wanted = np.linalg.qr(a, mode)
    assert (q.shape, r.shape) == (wanted.Q.shape, wanted.R.shape)
    assert_close(q, wanted.Q)
    assert_close(r, wanted.R)


@pytest.mark.parametrize("a", [*(x[0] for x in EVERY), np.zeros((2, 3)), np.ones((3, 2)), np.ones((3, 3, 3))])
def test_lu(a):
    for found, wanted in zip(gg.linalg.lu(a), scipy.linalg.lu(a), strict=True):
        assert found.dtype == a.dtype
        assert_close(found.numpy(), wanted)


def test_stacks_of_lu_exchange_their_own_rows():
    for a in EVERY:
        permutation, lower, upper = (x.numpy() for x in gg.linalg.lu(a))
        assert_close(permutation @ lower @ upper, a)
        for x, matrix in zip(lower, a, strict=True):
            assert_close(x, scipy.linalg.lu(matrix)[1])


@pytest.mark.parametrize("a", EVERY)
@pytest.mark.parametrize("full", [False, True])
def test_svd(a, full):
    u, s, vh = (x.numpy() for x in gg.linalg.svd(a, full_matrices=full))
    wanted = np.linalg.svd(a, full_matrices=full)
    assert (u.shape, s.shape, vh.shape) == tuple(x.shape for x in wanted)
    assert s.dtype == np.float64
    assert_close(s, wanted.S)
    assert_close(adjoint(u) @ u, np.eye(u.shape[-1]))
    assert_close(vh @ adjoint(vh), np.eye(vh.shape[-2]))
    k = s.shape[-1]
    assert_close((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], a)


def test_results_have_the_names_of_the_standard():
    a = DEFINITE[0]
    assert gg.linalg.eigh(a)._fields == ("eigenvalues", "eigenvectors")
    assert gg.linalg.eig(a)._fields == ("eigenvalues", "eigenvectors")
    assert gg.linalg.qr(a)._fields == ("Q", "R")
    assert gg.linalg.svd(a)._fields == ("U", "S", "Vh")
    assert gg.linalg.slogdet(a)._fields == ("sign", "logabsdet")
    assert gg.linalg.lstsq(a, a)._fields == ("solution", "residuals", "rank", "singular_values")


@pytest.mark.parametrize("i", [0, 1])
def test_least_squares_of_a_tall_system(i):
    a, b = TALL[i][0], real_and_complex(5, 2)[i]
    found = gg.linalg.lstsq(a, b)
    solution, residuals, rank, s = np.linalg.lstsq(a, b)
    assert_close(found.solution.numpy(), solution)
    assert_close(found.residuals.numpy(), residuals)
    assert_close(found.singular_values.numpy(), s)
    assert found.rank.item() == rank == 3
    one = gg.linalg.lstsq(a, b[:, 0])
    assert_close(one.solution.numpy(), solution[:, 0])
    assert one.residuals.shape == ()
    assert_close(one.residuals.numpy(), residuals[0])


@pytest.mark.parametrize("a", [WIDE[0][0], SINGULAR[0], SINGULAR[1]])
def test_least_squares_gives_the_shortest_of_many_solutions(a):
    b = real_and_complex(3)[0]
    assert_close(gg.linalg.lstsq(a, b).solution.numpy(), np.linalg.lstsq(a, b)[0])


def test_stacks_of_least_squares_share_what_they_can():
    b = RNG.normal(size=(5, 2))
    found = gg.linalg.lstsq(TALL[0], b).solution.numpy()
    assert_close(found, [np.linalg.lstsq(a, b)[0] for a in TALL[0]])


def test_hermitian_matrices_are_read_as_the_mean_of_both_triangles():
    a = np.array([[2.0, 5.0], [-3.0, 4.0]])
    mean = np.array([[2.0, 1.0], [1.0, 4.0]])
    assert_close(gg.linalg.cholesky(a).numpy(), np.linalg.cholesky(mean))
    assert_close(gg.linalg.eigvalsh(a).numpy(), np.linalg.eigvalsh(mean))


def test_triangular_solve_reads_one_triangle():
    a = np.array([[2.0, np.nan], [1.0, 4.0]])
    assert gg.linalg.triangular_solve(a, np.array([2.0, 9.0])).tolist() == [1.0, 2.0]
    b = np.array([[np.nan, np.nan], [3.0, np.nan]])
    assert gg.linalg.triangular_solve(b, np.array([1.0, 5.0]), unit_diagonal=True).tolist() == [1.0, 2.0]


def test_triangular_solve_divides_by_a_zero_on_the_diagonal():
    assert gg.linalg.triangular_solve(np.diag([2.0, 0.0]), np.array([2.0, 1.0])).tolist() == [1.0, np.inf]


def test_expm_against_a_series_in_high_precision():
    a = np.array([[1.0, 2.0, -1.0], [0.5, -3.0, 4.0], [2.0, 0.25, 1.5]])
    for scale in (1e-8, 0.1, 1.0, 4.0):
        with mp.workdps(60):
            wanted = np.array(mp.expm(mp.matrix((scale * a).tolist())).tolist(), float)
        found = gg.linalg.expm(scale * a).numpy()
        assert np.abs(found - wanted).max() <= 1e-14 * np.abs(wanted).max()


def test_expm_of_a_rotation_is_the_rotation():
    angles = np.linspace(-30, 30, 7)
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    found = gg.linalg.expm(angles[:, None, None] * turn).numpy()
    wanted = [[[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]] for t in angles]
    assert np.allclose(found, wanted, rtol=0, atol=1e-14)


def test_expm_of_nan_is_nan():
    assert np.isnan(gg.linalg.expm(np.array([[np.nan, 0.0], [0.0, 1.0]])).numpy()).any()


def test_norms_neither_overflow_nor_underflow():
    big = np.array([3e200, 4e200])
    assert gg.linalg.vector_norm(big).item() == pytest.approx(5e200, rel=1e-15)
    assert gg.linalg.vector_norm(big / 1e250 / 1e120).item() == pytest.approx(5e-170, rel=1e-15)
    assert gg.linalg.vector_norm(big, ord=3).item() == pytest.approx(91 ** (1 / 3) * 1e200, rel=1e-15)
    assert gg.linalg.norm(np.full(4, 300.0, np.float16)).item() == 600.0


@pytest.mark.parametrize(
    "function",
    [
        *(gg.linalg.solve, gg.linalg.inv, gg.linalg.det, gg.linalg.slogdet, gg.linalg.cholesky, gg.linalg.qr),
        *(gg.linalg.svd, gg.linalg.eigh, gg.linalg.eig, gg.linalg.pinv, gg.linalg.expm, gg.linalg.lstsq),
    ],
)
@pytest.mark.parametrize(("dtype", "part"), [("float32", "float32"), ("complex64", "float32")])
def test_single_precision_stays_single(function, dtype, part):
    a = DEFINITE[0].astype(dtype)
    takes_two = function in (gg.linalg.solve, gg.linalg.lstsq)
    found = parts(function(a, a) if takes_two else function(a))
    assert {x.dtype for x in found} <= {
        np.dtype(dtype),
        np.dtype(part),
        np.dtype("complex64"),
        np.dtype("int64"),
    }


def test_empty_stacks_and_empty_matrices():
    none, empty = np.zeros((0, 3, 3)), np.zeros((2, 0, 0))
    assert gg.linalg.det(empty).tolist() == [1.0, 1.0]
    assert gg.linalg.inv(none).shape == (0, 3, 3)
    assert gg.linalg.expm(empty).shape == (2, 0, 0)
    assert [x.shape for x in gg.linalg.svd(np.zeros((2, 0, 3)))] == [(2, 0, 0), (2, 0), (2, 3, 3)]
    assert [x.shape for x in gg.linalg.qr(np.zeros((0, 3)))] == [(0, 0), (0, 3)]
    assert [x.shape for x in gg.linalg.eig(empty)] == [(2, 0), (2, 0, 0)]
    assert gg.linalg.matrix_rank(empty).tolist() == [0, 0]
    assert gg.linalg.lstsq(np.zeros((3, 0)), np.zeros(3)).solution.shape == (0,)
