"""Gradients of gg.linalg where the table of rows does not reach: complex matrices, functions that do not depend on
the choice of a basis, functions composed of several ops, and matrices at which something coincides or vanishes."""

import itertools
from contextlib import suppress

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError
from glassgrad.ops.linalg.determinants import Cofactor, Det, Slogdet
from glassgrad.ops.linalg.diagonals import Diagonal, FromDiagonal
from glassgrad.ops.linalg.eigen import Eig, Eigh
from glassgrad.ops.linalg.elimination import Lu
from glassgrad.ops.linalg.factoring import Cholesky, Qr
from glassgrad.ops.linalg.least_squares import Pinv
from glassgrad.ops.linalg.powers import Expm
from glassgrad.ops.linalg.singular import Svd
from glassgrad.ops.linalg.solving import Inv, Solve, TriangularSolve
from glassgrad.tensor import Tensor, apply

linalg = gg.linalg
RNG = np.random.default_rng(17)
EPSILON = np.finfo(np.float64).eps
COLUMNS = RNG.normal(size=(3, 2))
WEIGHTS = np.array([1.0, -0.7, 0.4])


def small(*shape, seed=17):
    """Numbers between 0.1 and 0.4, some of them negative: none near 0, where norms have a kink."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 0.4, shape) * rng.choice([-1.0, 1.0], shape)


def spread_out(*shape):
    """A matrix whose eigenvalues, singular values and columns are well apart."""
    return small(*shape) + np.eye(*shape[-2:]) * np.arange(1.0, shape[-1] + 1)


def adjoint(x):
    return gg.conj(gg.matrix_transpose(x))


def as_real(x):
    """Real and imaginary part side by side."""
    return gg.stack([gg.real(x), gg.imag(x)]) if x.dtype.kind == "c" else x


def together(*parts):
    return gg.concat([gg.reshape(as_real(part), (-1,)) for part in parts])


def size(x):
    return gg.real(x * gg.conj(x)) if x.dtype.kind == "c" else x * x


def rebuilt(u, s, vh):
    """A function of singular vectors that does not depend on their common phase."""
    return (u * gg.asarray(WEIGHTS[: s.shape[-1]])) @ vh


def of_svd(a):
    u, s, vh = linalg.svd(a, full_matrices=False)
    return together(s, rebuilt(u, s, vh), size(u), size(vh))


def of_full_svd(a):
    u, s, vh = linalg.svd(a)
    k = s.shape[-1]
    u0, v0 = u[..., k:], adjoint(vh[..., k:, :])
    return together(rebuilt(u[..., :k], s, vh[..., :k, :]), u0 @ adjoint(u0), v0 @ adjoint(v0))


def of_complete_qr(a):
    q, r = linalg.qr(a, mode="complete")
    q0 = q[..., a.shape[-1] :]
    return together(q[..., : a.shape[-1]], q0 @ adjoint(q0), r)


def of_eigh(a):
    w, v = linalg.eigh(a)
    return together(w, size(v), (v * gg.asarray(WEIGHTS)) @ adjoint(v))


def of_eig(a):
    w, v = linalg.eig(a)
    return together(w, size(v))


SQUARE = {
    "solve": lambda a: linalg.solve(a, COLUMNS),
    "solve by itself": lambda a: linalg.solve(a, a @ a + a),
    "inv": linalg.inv,
    "det": linalg.det,
    "slogdet": lambda a: together(*linalg.slogdet(a)),
    "cholesky": lambda a: linalg.cholesky(a + 2.0 * np.eye(3)),
    "cholesky of a product": lambda a: linalg.cholesky(a @ adjoint(a)),
    "cholesky, upper": lambda a: linalg.cholesky(a @ adjoint(a) + a, upper=True),
    "eigh": of_eigh,
    "eigvalsh": linalg.eigvalsh,
    "eig": of_eig,
    "eigvals": linalg.eigvals,
    "expm": lambda a: linalg.expm(a / 3),
    "expm of a product": lambda a: linalg.expm(a @ a / 5),
    "square": lambda a: linalg.matrix_power(a, 2),
    "seventh power": lambda a: linalg.matrix_power(a / 3, 7),
    "inverse cube": lambda a: linalg.matrix_power(a, -3),
    "trace": linalg.trace,
    **{
        f"triangular solve {upper}, {transpose}, {unit}": lambda a, u=upper, t=transpose, d=unit: (
            linalg.triangular_solve(a, COLUMNS, upper=u, transpose=t, unit_diagonal=d)
        )
        for upper, transpose, unit in itertools.product((False, True), repeat=3)
    },
}
ANY_SHAPE = {
    "qr": lambda a: together(*linalg.qr(a)),
    "complete qr": of_complete_qr,
    "lu": lambda a: together(*linalg.lu(a)[1:]),
    "svd": of_svd,
    "full svd": of_full_svd,
    "svdvals": linalg.svdvals,
    "pinv": linalg.pinv,
    "lstsq": lambda a: together(*linalg.lstsq(a, np.arange(1.0, a.shape[-2] + 1))[:2]),
    "diagonal": lambda a: linalg.diagonal(a, offset=-1),
    **{
        f"matrix norm {ord}": lambda a, p=ord: linalg.matrix_norm(a, ord=p)
        for ord in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    },
    **{
        f"vector norm {ord}": lambda a, p=ord: linalg.vector_norm(a, axis=-2, ord=p)
        for ord in (2, 1, 3, 0.5, 4.5, -1, -2, np.inf, -np.inf)
    },
}
CASES = [
    *(pytest.param(f, (3, 3), id=name) for name, f in (SQUARE | ANY_SHAPE).items()),
    *(pytest.param(f, (4, 2), id=f"{name}, tall") for name, f in ANY_SHAPE.items()),
    *(pytest.param(f, (2, 4), id=f"{name}, wide") for name, f in ANY_SHAPE.items()),
    *(pytest.param(f, (2, 3, 3), id=f"{name}, several") for name, f in SQUARE.items()),
]


@pytest.mark.parametrize(("function", "shape"), CASES)
def test_real_gradients_agree_with_differences(function, shape):
    x = spread_out(*shape)
    report = gg.gradcheck(lambda x: as_real(function(x)), x, order=1 if len(shape) > 2 else 2)
    assert report.largest_error < 1e-6


@pytest.mark.parametrize(("function", "shape"), CASES)
def test_complex_gradients_agree_with_differences(function, shape):
    x, y = spread_out(*shape), small(*shape, seed=18)
    order = 2 if shape == (3, 3) else 1
    report = gg.gradcheck(lambda x, y: as_real(function(gg.complex(x, y))), x, y, order=order)
    assert report.largest_error < 1e-6


def test_real_matrices_with_complex_right_sides_get_real_gradients():
    a, x, y = spread_out(3, 3), RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2))
    for solve in (linalg.solve, linalg.triangular_solve):
        gg.gradcheck(lambda a, x, y, solve=solve: as_real(solve(a, gg.complex(x, y))), a, x, y, order=2)
        gg.gradcheck(lambda a, x, solve=solve: as_real(solve(gg.complex(a, a * a), x)), a, x, order=2)


# --- forward mode of complex matrices -------------------------------------------------------------------------

RULES = [
    *(
        Solve(),
        TriangularSolve(False, False),
        TriangularSolve(True, True),
        Inv(),
        Det(),
        Cofactor(),
        Slogdet(),
    ),
    *(Cholesky(), Qr(False), Qr(True), Eigh(), Eig(), Svd(False), Svd(True), Pinv(), Expm()),
    *(Diagonal(1), FromDiagonal(-1, 4, 3), Lu()),
]


def complex_like(shape):
    return np.asarray(RNG.normal(size=shape) + 1j * RNG.normal(size=shape))


def inputs_of(op, shape):
    a = spread_out(*shape) + 0.2j * RNG.normal(size=shape)
    if isinstance(op, Cholesky | Eigh):
        a = a @ a.conj().T
    if isinstance(op, FromDiagonal):
        a = complex_like((2, 3))
    if isinstance(op, Pinv):
        return a, np.full((1, 1), 1e-12)
    return (a, complex_like((3, 2))) if isinstance(op, Solve | TriangularSolve) else (a,)


RECTANGULAR = [*((op, shape) for op in RULES if isinstance(op, Svd | Pinv) for shape in ((4, 2), (2, 4)))]
RECTANGULAR += [(Qr(False), (4, 2)), (Qr(True), (4, 2)), (Lu(), (4, 2))]


@pytest.mark.parametrize(
    ("op", "shape"),
    [*((op, (3, 3)) for op in RULES), *RECTANGULAR],
    ids=lambda value: value.name if hasattr(value, "name") else str(value),
)
def test_complex_vjp_is_the_adjoint_of_jvp(op, shape):
    """Re <v, J u> == Re <J* v, u>, to rounding error, so that either rule vouches for the other."""
    inputs = tuple(map(Tensor, inputs_of(op, shape)))
    out = apply(op, *inputs)
    directions = [complex_like(x.shape) if x.dtype.kind == "c" else None for x in inputs]
    moved = op.jvp(tuple(None if u is None else Tensor(u) for u in directions), out, *inputs)
    # only what the result can do counts: real parts have no imaginary one
    v = Tensor(complex_like(out.shape))
    if hasattr(op, "unpack"):
        v = op.pack(op.unpack(v, inputs[0]), out)
    gradients = op.vjp((True,) * len(inputs), v, out, *inputs)
    forward = (v.numpy().conj() * moved.numpy()).real.sum()
    backward = sum(
        (g.numpy().conj() * u).real.sum() for g, u in zip(gradients, directions, strict=True) if u is not None
    )
    assert forward == pytest.approx(backward, rel=0, abs=1e4 * EPSILON)


def along(op, a, direction):
    """The tangent of an op by central differences of its forward rule, extrapolated."""

    def slope(h):
        return (op.forward(a + h * direction) - op.forward(a - h * direction)) / (2 * h)

    return (4 * slope(5e-4) - slope(1e-3)) / 3


@pytest.mark.parametrize(
    "op", [Inv(), Det(), Slogdet(), Cholesky(), Qr(False), Expm(), Lu()], ids=lambda op: op.name
)
def test_complex_tangents_agree_with_differences(op):
    (a,) = inputs_of(op, (3, 3))
    u = complex_like(a.shape)
    found = op.jvp((Tensor(u),), apply(op, Tensor(a)), Tensor(a)).numpy()
    assert np.allclose(found, along(op, a, u), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["solve", "inv", "det", "expm", "seventh power", "U"])
def test_the_complex_step_agrees_with_gradients_of_analytic_functions(name):
    function = (SQUARE | {"U": lambda a: linalg.lu(a).U})[name]
    x = spread_out(3, 3)
    found = gg.numerical.grad(lambda x: gg.sum(function(x)), x, scheme="complex")
    assert np.allclose(found, gradient(lambda x: gg.sum(function(x)), x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["cholesky", "qr", "svdvals", "eigvalsh", "eigvals", "pinv", "slogdet"])
def test_the_complex_step_is_refused_where_conjugates_are_taken(name):
    function = (SQUARE | ANY_SHAPE)[name]
    with pytest.raises(DTypeError, match="scheme='complex' needs an analytic function"):
        gg.numerical.grad(lambda x: gg.sum(as_real(function(x))), spread_out(3, 3), scheme="complex")


# --- where something coincides or vanishes ----------------------------------------------------------------------


def gradient(function, x):
    return gg.grad(function)(gg.asarray(x)).numpy()


def minors(a):
    """The cofactors, each the determinant of a smaller matrix."""
    n = len(a)
    found = np.zeros_like(a)
    for i, j in np.ndindex(n, n):
        rest = np.delete(np.delete(a, i, 0), j, 1)
        found[i, j] = (-1) ** (i + j) * np.linalg.det(rest)
    return found


SINGULAR = {
    "of rank 3": RNG.normal(size=(4, 3)) @ RNG.normal(size=(3, 4)),
    "of rank 2": RNG.normal(size=(4, 2)) @ RNG.normal(size=(2, 4)),
    "of zeros": np.zeros((4, 4)),
    "with a row of zeros": np.diag([1.0, 0.0, 2.0, 3.0]) + np.eye(4, k=1) * [0, 1, 1, 1],
    "not singular": RNG.normal(size=(4, 4)),
    "reflection": np.eye(4)[[1, 0, 2, 3]],
}


@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR)
def test_the_gradient_of_det_is_the_matrix_of_cofactors(a):
    assert np.allclose(gradient(linalg.det, a), minors(a), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR)
def test_the_second_derivative_of_det_is_right_for_singular_matrices(a):
    gg.gradcheck(lambda a: linalg.det(a) + gg.sum(a * a), a, order=2)  # of rank 2, det alone has slope 0


@pytest.mark.parametrize("diagonal", [[1.0, 2.0, 3.0], [1.0, 2.0, 0.0], [1.0, 1.0, 1.0]])
def test_the_third_derivative_of_det_needs_distinct_singular_values(diagonal):
    """det(a + t b) is a polynomial in t, and its leading coefficient is det(b)."""
    b = small(3, 3)

    def function(t):
        return linalg.det(t * gg.asarray(b) + np.diag(diagonal))

    found = gg.grad(gg.grad(gg.grad(function)))(gg.asarray(np.float64(0.0))).item()
    wanted = 6 * np.linalg.det(b) if len(set(diagonal)) == 3 else np.nan
    assert found == pytest.approx(wanted, rel=1e-12, nan_ok=True)


def test_det_of_a_complex_singular_matrix():
    a = complex_like((3, 1)) @ complex_like((1, 3)) + complex_like((3, 1)) @ complex_like((1, 3))
    gg.gradcheck(lambda x, y: as_real(linalg.det(gg.complex(x, y))), a.real, a.imag, order=2)


def test_slogdet_of_a_singular_matrix_has_no_gradient():
    singular = gg.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    sign, logarithm = linalg.slogdet(singular)
    assert (sign.item(), logarithm.item()) == (0.0, -np.inf)
    with pytest.raises(
        ArgumentError, match="inv needs matrices that can be inverted; at least one is singular"
    ):
        logarithm.backward()


def test_symmetric_functions_of_equal_eigenvalues_have_their_gradient():
    a = 2.0 * np.eye(3)
    assert np.allclose(gradient(lambda a: gg.sum(gg.log(linalg.eigvalsh(a))), a), np.eye(3) / 2)
    assert np.allclose(gradient(lambda a: gg.sum(linalg.eigvalsh(a) ** 3), a), 12 * np.eye(3))
    hessian_times_i = gradient(lambda a: gg.sum(gg.grad(lambda a: gg.sum(linalg.eigvalsh(a)))(a)), a)
    assert np.array_equal(hessian_times_i, np.zeros((3, 3)))


def test_single_eigenvectors_of_equal_eigenvalues_have_no_finite_gradient():
    found = gradient(lambda a: gg.sum(linalg.eigh(a).eigenvectors * np.arange(9.0).reshape(3, 3)), np.eye(3))
    assert not np.isfinite(found).all()


def test_eigenvectors_apart_from_equal_ones_keep_their_gradient():
    """The projector on the third eigenvector, beside two that share an eigenvalue."""
    a = np.diag([1.0, 1.0, 3.0])

    def function(a):
        v = linalg.eigh(a).eigenvectors[:, 2:]
        return gg.sum((v @ v.T) * np.arange(9.0).reshape(3, 3))

    # dP = (P E (I - P) + (I - P) E P) / 2 for an eigenvalue that is 2 above the others
    wanted = np.zeros((3, 3))
    wanted[:2, 2] = wanted[2, :2] = (np.array([2.0, 5.0]) + np.array([6.0, 7.0])) / 4
    assert np.allclose(gradient(function, a), wanted, atol=1e-15)


def test_singular_values_keep_their_gradient_where_they_coincide_or_vanish():
    assert np.allclose(gradient(lambda a: linalg.norm(a, "nuc"), np.eye(3)), np.eye(3))
    a = np.outer([3.0, 4.0, 0.0], [1.0, 0.0])
    found = gradient(lambda a: gg.sum(linalg.svdvals(a) ** 2), a)
    assert np.allclose(found, 2 * a, atol=1e-14)
    assert np.isfinite(gradient(lambda a: linalg.norm(a, "nuc"), np.zeros((3, 2)))).all()


def test_equal_largest_singular_values_share_the_gradient_of_the_norm():
    found = gradient(lambda a: linalg.norm(a, 2), np.eye(2))
    assert np.allclose(found, np.eye(2) / 2)


def test_single_singular_vectors_of_equal_values_have_no_finite_gradient():
    found = gradient(lambda a: gg.sum(linalg.svd(a).U * np.arange(9.0).reshape(3, 3)), np.eye(3))
    assert not np.isfinite(found).all()


def test_qr_of_dependent_columns_has_no_gradient():
    a = gg.tensor([[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]], requires_grad=True)
    gg.sum(linalg.qr(a).Q).backward()
    assert not np.isfinite(a.grad.numpy()).all()


def test_a_defective_matrix_has_no_gradient_of_eigenvalues():
    a = gg.tensor([[1.0, 1.0], [0.0, 1.0]], requires_grad=True)
    with suppress(ArgumentError):  # if rounding makes the eigenvectors exactly dependent
        gg.sum(size(linalg.eigvals(a)) * np.array([1.0, 2.0])).backward()
    assert a.grad is None or not (np.abs(a.grad.numpy()) < 1e6).all()


@pytest.mark.parametrize("ord", [2, 1, 3, 1.5, 0.5, 0, -1, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_norms_of_zero_have_gradient_zero(ord, dtype):
    x = gg.tensor(np.zeros(3, dtype), requires_grad=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glassgrad.autodiff.reverse.notice", lambda text: None)  # for ord 0, which is a blocker
        if ord == 0:
            assert not linalg.vector_norm(x, ord=ord).requires_grad
            return
        linalg.vector_norm(x, ord=ord).backward()
    assert np.array_equal(x.grad.numpy(), np.zeros(3))


@pytest.mark.parametrize("ord", [2, 1, 3, 1.5, 0.5])
def test_elements_that_are_zero_get_gradient_zero(ord):
    x = np.array([3.0, 0.0, -4.0])
    found = gradient(lambda x: linalg.vector_norm(x, ord=ord), x)
    norm = (3.0**ord + 4.0**ord) ** (1 / ord)
    wanted = np.sign(x) * (np.where(x == 0, 1.0, np.abs(x)) / norm) ** (ord - 1)
    assert np.allclose(found, wanted, atol=1e-15)


def test_the_gradient_of_a_norm_does_not_overflow():
    assert np.allclose(gradient(linalg.vector_norm, np.array([3e200, 4e200])), [0.6, 0.8])
    assert np.allclose(gradient(linalg.vector_norm, np.array([3e-200, 4e-200])), [0.6, 0.8])


def test_pinv_has_its_gradient_as_long_as_the_rank_stays():
    left, right = RNG.normal(size=(4, 2)), RNG.normal(size=(2, 3))
    gg.gradcheck(lambda b, c: linalg.pinv(b @ c, rtol=1e-6), left, right, order=2)
    gg.gradcheck(lambda b, c: linalg.lstsq(b @ c, WEIGHTS[[0, 1, 2, 0]], rtol=1e-6).solution, left, right)


def test_gradients_of_hermitian_readings_are_hermitian():
    a = spread_out(3, 3)
    a = a @ a.T
    for function in (linalg.cholesky, linalg.eigvalsh, lambda a: size(linalg.eigh(a).eigenvectors)):
        found = gradient(lambda a, function=function: gg.sum(function(a) * WEIGHTS), a)
        assert np.array_equal(found, found.T)


def test_matrix_rank_has_no_gradient():
    assert not linalg.matrix_rank(gg.tensor(np.eye(2), requires_grad=True)).requires_grad


def test_expm_has_every_derivative():
    """The n-th derivative of exp(t a) along t is aⁿ exp(t a)."""
    a = gg.asarray(RNG.normal(size=(2, 2)))

    def function(t):
        return gg.sum(linalg.expm(t * a) * np.array([[1.0, 2.0], [-1.0, 0.5]]))

    for order in range(1, 4):
        function = gg.grad(function)
        wanted = np.linalg.matrix_power(a.numpy(), order) @ linalg.expm(0.5 * a).numpy()
        wanted = (wanted * np.array([[1.0, 2.0], [-1.0, 0.5]])).sum()
        assert function(gg.asarray(np.float64(0.5))).item() == pytest.approx(wanted, rel=1e-11)
