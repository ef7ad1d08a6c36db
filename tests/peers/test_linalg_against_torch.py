"""gg.linalg against PyTorch in double precision, real and complex: values and gradients.

Both libraries take the gradient of a real loss L with respect to z = x + iy as dL/dx + i dL/dy, so complex gradients
are compared as they are. Functions of eigen- and singular vectors are such that signs and phases do not matter.
"""

import numpy as np
import pytest

import glassgrad as gg

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the comparison with it is optional")

RNG = np.random.default_rng(23)
OURS, THEIRS = gg.linalg, torch.linalg


def matrices(*shape):
    return 0.3 * RNG.normal(size=shape) + np.eye(*shape[-2:]) * np.arange(1.0, shape[-1] + 1)


def draws(*shape):
    """The same kind of matrices, real and complex."""
    x = matrices(*shape)
    return {"real": x, "complex": x + 0.3j * RNG.normal(size=shape)}


SQUARE, SEVERAL, TALL, WIDE, RIGHT = (
    draws(3, 3),
    draws(2, 3, 3),
    draws(5, 3),
    draws(2, 4),
    draws(2, 3, 2),
)
DEFINITE = {kind: a @ a.swapaxes(-1, -2).conj() for kind, a in SEVERAL.items()}


def size(x):
    return abs(x) ** 2


def as_read(a):
    """What our Cholesky factor reads of a; PyTorch's gradient is only right along Hermitian changes."""
    return (a + a.mH) / 2


def rebuilt(u, s, vh):
    return (u * s[..., None, :] ** 2) @ vh


CASES = {
    "solve": (OURS.solve, THEIRS.solve, SEVERAL, RIGHT),
    "solve a vector": (
        lambda a, b: OURS.solve(a, b[:, 0]),
        lambda a, b: THEIRS.solve(a, b[:, 0]),
        SQUARE,
        draws(3, 1),
    ),
    "inv": (OURS.inv, THEIRS.inv, SEVERAL),
    "det": (OURS.det, THEIRS.det, SEVERAL),
    "sign": (lambda a: OURS.slogdet(a)[0], lambda a: THEIRS.slogdet(a)[0], SEVERAL),
    "logabsdet": (lambda a: OURS.slogdet(a)[1], lambda a: THEIRS.slogdet(a)[1], SEVERAL),
    "cholesky": (OURS.cholesky, lambda a: THEIRS.cholesky(as_read(a)), DEFINITE),
    "upper cholesky": (
        lambda a: OURS.cholesky(a, upper=True),
        lambda a: THEIRS.cholesky(as_read(a), upper=True),
        DEFINITE,
    ),
    "Q": (lambda a: OURS.qr(a)[0], lambda a: THEIRS.qr(a)[0], TALL),
    "R": (lambda a: OURS.qr(a)[1], lambda a: THEIRS.qr(a)[1], TALL),
    "Q of wide": (lambda a: OURS.qr(a)[0], lambda a: THEIRS.qr(a)[0], WIDE),
    "R of wide": (lambda a: OURS.qr(a)[1], lambda a: THEIRS.qr(a)[1], WIDE),
    "eigvalsh": (OURS.eigvalsh, THEIRS.eigvalsh, DEFINITE),
    "eigh vectors": (lambda a: size(OURS.eigh(a)[1]), lambda a: size(THEIRS.eigh(a)[1]), DEFINITE),
    "eigvals": (OURS.eigvals, THEIRS.eigvals, SEVERAL),
    "eig vectors": (lambda a: size(OURS.eig(a)[1]), lambda a: size(THEIRS.eig(a)[1]), SEVERAL),
    "svdvals": (OURS.svdvals, THEIRS.svdvals, TALL),
    "svd": (
        lambda a: rebuilt(*OURS.svd(a, full_matrices=False)),
        lambda a: rebuilt(*THEIRS.svd(a, full_matrices=False)),
        TALL,
    ),
    "svd of wide": (
        lambda a: rebuilt(*OURS.svd(a, full_matrices=False)),
        lambda a: rebuilt(*THEIRS.svd(a, full_matrices=False)),
        WIDE,
    ),
    "svd vectors": (lambda a: size(OURS.svd(a)[2]), lambda a: size(THEIRS.svd(a)[2]), SEVERAL),
    "pinv": (OURS.pinv, THEIRS.pinv, TALL),
    "pinv of wide": (OURS.pinv, THEIRS.pinv, WIDE),
    "lstsq": (lambda a, b: OURS.lstsq(a, b)[0], lambda a, b: THEIRS.lstsq(a, b)[0], TALL, draws(5, 2)),
    "expm": (OURS.expm, THEIRS.matrix_exp, SEVERAL),
    "matrix power": (lambda a: OURS.matrix_power(a, 5), lambda a: THEIRS.matrix_power(a, 5), SEVERAL),
    "inverse power": (lambda a: OURS.matrix_power(a, -2), lambda a: THEIRS.matrix_power(a, -2), SEVERAL),
    "cross": (OURS.cross, THEIRS.cross, draws(2, 3), draws(1, 3)),
    "diagonal": (
        lambda a: OURS.diagonal(a, offset=1),
        lambda a: THEIRS.diagonal(a, offset=1),
        SEVERAL,
    ),
    "lower": (
        lambda a, b: OURS.triangular_solve(a, b),
        lambda a, b: THEIRS.solve_triangular(a, b, upper=False),
        SEVERAL,
        RIGHT,
    ),
    "upper, ones on the diagonal": (
        lambda a, b: OURS.triangular_solve(a, b, upper=True, unit_diagonal=True),
        lambda a, b: THEIRS.solve_triangular(a, b, upper=True, unitriangular=True),
        SEVERAL,
        RIGHT,
    ),
    **{
        f"vector norm {p}": (
            lambda a, p=p: OURS.vector_norm(a, axis=0, ord=p),
            lambda a, p=p: THEIRS.vector_norm(a, dim=0, ord=p),
            TALL,
        )
        for p in (2, 1, 3, 0.5, -1, np.inf, -np.inf)
    },
    **{
        f"matrix norm {p}": (
            lambda a, p=p: OURS.norm(a, p, (2, 0)),
            lambda a, p=p: THEIRS.norm(a, p, (2, 0)),
            SEVERAL,
        )
        for p in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    },
}


def both(ours, theirs, points):
    """Value and gradients of a real weighted sum of the result, computed by both."""
    mine = [gg.tensor(p, requires_grad=True) for p in points]
    other = [torch.tensor(p, requires_grad=True) for p in points]
    y, z = ours(*mine), theirs(*other)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, (2, *y.shape))
    if z.is_complex():
        gg.sum(gg.real(y) * weights[0] + gg.imag(y) * weights[1]).backward()
        (z.real * torch.tensor(weights[0]) + z.imag * torch.tensor(weights[1])).sum().backward()
    else:
        gg.sum(y * weights[0]).backward()
        (z * torch.tensor(weights[0])).sum().backward()
    found = [y.numpy(), *(x.grad.numpy() for x in mine)]
    return found, [
        z.detach().numpy(),
        *(np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in other),
    ]


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name, kind):
    ours, theirs, *inputs = CASES[name]
    points = [x[kind] for x in inputs]
    found, wanted = both(ours, theirs, points)
    for x, y in zip(found, wanted, strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        assert np.allclose(x, y, rtol=1e-10, atol=1e-11 * max(1, np.abs(y).max()))


def test_norms_at_zero():
    for p in (2, 1, 3, 0.5, np.inf):
        found, wanted = both(
            lambda x, p=p: OURS.vector_norm(x, ord=p),
            lambda x, p=p: THEIRS.vector_norm(x, ord=p),
            [np.zeros(3)],
        )
        assert np.array_equal(found[1], wanted[1])
