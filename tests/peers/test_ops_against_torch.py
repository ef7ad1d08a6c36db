"""Ops against PyTorch in float64: values and gradients, above all where a convention decides (ties, kinks, zeros)."""

import numpy as np
import pytest

import glassgrad as gg

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the comparison with it is optional")

INF = np.inf
RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 4))
SQUARE = RNG.normal(size=(2, 3, 3)) + 3 * np.eye(3)
DEFINITE = SQUARE @ SQUARE.swapaxes(-1, -2)
PLACES = np.array([[0, 2, 2, 1], [1, 1, 0, 0], [2, 2, 2, 2]])
ROWS = np.array([0, 2, 0, 0])


def both(ours, theirs, *points):
    """Value and gradients of a weighted sum of the result, computed by both."""
    mine = [gg.tensor(np.asarray(p, np.float64), requires_grad=True) for p in points]
    other = [torch.tensor(np.asarray(p, np.float64), requires_grad=True) for p in points]
    y, z = ours(*mine), theirs(*other)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, y.shape)
    gg.sum(y * weights).backward()
    (z * torch.tensor(weights)).sum().backward()
    assert np.allclose(y.numpy(), z.detach().numpy(), rtol=1e-12, atol=1e-14, equal_nan=True)
    for x, t in zip(mine, other, strict=True):
        found = np.zeros(x.shape) if x.grad is None else x.grad.numpy()
        wanted = np.zeros(x.shape) if t.grad is None else t.grad.numpy()
        assert np.allclose(found, wanted, rtol=1e-10, atol=1e-13, equal_nan=True)


F = torch.nn.functional
CASES = {
    "maximum ties": (gg.maximum, torch.maximum, [1.0, 2.0, -INF, 3.0], [1.0, 1.0, -INF, 4.0]),
    "minimum ties": (gg.minimum, torch.minimum, [1.0, 2.0, INF, 3.0], [1.0, 1.0, INF, 4.0]),
    "max over ties": (lambda x: gg.max(x, axis=1), lambda x: x.amax(1), [[2.0, 2.0, 1.0], [0.0, 0.0, 0.0]]),
    "min over ties": (lambda x: gg.min(x, axis=0), lambda x: x.amin(0), [[2.0, 2.0, 1.0], [2.0, 0.0, 1.0]]),
    "max over several axes": (lambda x: gg.max(x), lambda x: x.amax((0, 1)), [[2.0, 2.0], [1.0, 2.0]]),
    "clip at the bounds": (
        lambda x: gg.clip(x, 0.0, 1.0),
        lambda x: x.clamp(0.0, 1.0),
        [-1.0, 0.0, 0.5, 1.0, 2.0],
    ),
    "clip from below": (lambda x: gg.clip(x, 0.0), lambda x: x.clamp(min=0.0), [-1.0, 0.0, 0.5]),
    "clip from above": (lambda x: gg.clip(x, max=0.0), lambda x: x.clamp(max=0.0), [-1.0, 0.0, 0.5]),
    "clip with bounds as variables": (
        gg.clip,
        torch.clamp,
        [-1.0, 0.3, 2.0],
        [0.0, 0.0, 0.0],
        [1.0, 1.0, 1.0],
    ),
    "clip with crossed bounds": (gg.clip, torch.clamp, [1.0, 3.0, 5.0], [4.0] * 3, [2.0] * 3),
    "relu": (gg.relu, F.relu, [0.0, -0.0, 1.0, -1.0]),
    "leaky relu": (lambda x: gg.leaky_relu(x, 0.2), lambda x: F.leaky_relu(x, 0.2), [0.0, 1.0, -1.0]),
    "elu": (lambda x: gg.elu(x, 1.5), lambda x: F.elu(x, 1.5), [0.0, 1.0, -1.0, -50.0]),
    "abs": (gg.abs, torch.abs, [0.0, 1.0, -1.0]),
    "sign": (gg.sign, torch.sign, [0.0, 1.0, -1.0]),
    "sqrt": (gg.sqrt, torch.sqrt, [0.0, 4.0, INF]),
    "sigmoid": (gg.sigmoid, torch.sigmoid, [0.0, 30.0, -30.0, 800.0, -800.0]),
    "softplus": (
        gg.softplus,
        lambda x: torch.logaddexp(x, torch.zeros_like(x)),
        [0.0, 20.0, -20.0, 800.0, -800.0],
    ),
    "logaddexp": (gg.logaddexp, torch.logaddexp, [0.0, 700.0, -INF, INF, 1.0], [0.0, -700.0, 1.0, 1.0, 1.0]),
    "power at 0": (gg.pow, torch.pow, [0.0, 0.0, 0.0, 2.0, -2.0], [0.0, 1.0, 2.0, 0.0, 3.0]),
    "power below 0": (gg.pow, torch.pow, [0.0, 0.0, INF], [-1.0, 0.5, 0.0]),
    "power of a number": (lambda x: x**3, lambda x: x**3, [0.0, -2.0]),
    "number to a power": (lambda x: 2.0**x, lambda x: 2.0**x, [0.0, -2.0, 3.0]),
    "remainder": (gg.remainder, torch.remainder, [5.3, -5.3, 5.3], [3.0, 3.0, -3.0]),
    "divide": (gg.divide, torch.divide, [1.0, -1.0, 0.0], [2.0, 0.0, 4.0]),
    "atan2": (gg.atan2, torch.atan2, [1.0, -1.0, 0.0], [-1.0, 0.0, -2.0]),
    "product": (gg.prod, torch.prod, [2.0, 3.0, 4.0]),
    "product with a zero": (gg.prod, torch.prod, [2.0, 0.0, 4.0]),
    "product with two zeros": (gg.prod, torch.prod, [0.0, 0.0, 4.0]),
    "product along an axis": (lambda x: gg.prod(x, axis=0), lambda x: x.prod(0), [[0.0, 2.0], [3.0, 0.0]]),
    "softmax": (lambda x: gg.softmax(x, axis=0), lambda x: x.softmax(0), X),
    "softmax with -inf": (gg.softmax, lambda x: x.softmax(-1), [-INF, 0.0, 1.0]),
    "log softmax with -inf": (
        lambda x: gg.log_softmax(x)[1:],
        lambda x: x.log_softmax(-1)[1:],
        [-INF, 0.0, 1.0],
    ),
    "log softmax": (lambda x: gg.log_softmax(x, axis=1), lambda x: x.log_softmax(1), 100 * X),
    "logsumexp": (lambda x: gg.logsumexp(x, axis=1), lambda x: x.logsumexp(1), 100 * X),
    "logsumexp with -inf": (gg.logsumexp, lambda x: x.logsumexp(0), [-INF, 0.0, 1.0]),
    "logsumexp of -inf only": (gg.logsumexp, lambda x: x.logsumexp(0), [-INF, -INF]),
    "logsumexp with inf": (gg.logsumexp, lambda x: x.logsumexp(0), [INF, 0.0]),
    "variance": (lambda x: gg.var(x, axis=1, correction=1), lambda x: x.var(1), X),
    "standard deviation": (lambda x: gg.std(x, axis=0), lambda x: x.std(0, correction=0), X),
    "cholesky": (gg.linalg.cholesky, torch.linalg.cholesky, DEFINITE),
    "cholesky upper": (
        lambda a: gg.linalg.cholesky(a, upper=True),
        lambda a: torch.linalg.cholesky(a, upper=True),
        DEFINITE[0],
    ),
    "solve": (gg.linalg.solve, torch.linalg.solve, SQUARE, RNG.normal(size=(2, 3, 2))),
    "solve a vector": (gg.linalg.solve, torch.linalg.solve, SQUARE[0], RNG.normal(size=3)),
    "solve with one matrix for all": (
        gg.linalg.solve,
        torch.linalg.solve,
        SQUARE[0],
        RNG.normal(size=(2, 3, 1)),
    ),
    "matmul": (gg.matmul, torch.matmul, RNG.normal(size=(2, 1, 3, 4)), RNG.normal(size=(5, 4, 2))),
    "matrix times vector": (gg.matmul, torch.matmul, X, RNG.normal(size=4)),
    "vector times matrices": (gg.matmul, torch.matmul, RNG.normal(size=3), RNG.normal(size=(2, 3, 2))),
    "rows with repeats": (lambda x: x[ROWS], lambda x: x[torch.tensor(ROWS)], X),
    "places with repeats": (
        lambda x: gg.take_along_axis(x, PLACES, axis=1),
        lambda x: x.gather(1, torch.tensor(PLACES)),
        X,
    ),
    "rows and columns": (
        lambda x: x[ROWS[:, None], PLACES[0]],
        lambda x: x[torch.tensor(ROWS)[:, None], torch.tensor(PLACES[0])],
        X,
    ),
    "mask": (lambda x: x[x > 0] * 2.0, lambda x: x[x > 0] * 2.0, X),
    "added at repeated places": (
        lambda x, y: x.at[ROWS].add(y),
        lambda x, y: x.index_add(0, torch.tensor(ROWS), y),
        X,
        RNG.normal(size=(4, 4)),
    ),
    "set": (
        lambda x, y: x.at[1:, ::2].set(y),
        lambda x, y: torch.slice_scatter(x, torch.slice_scatter(x[1:], y, 1, 0, 4, 2), 0, 1, 3),
        X,
        RNG.normal(size=(2, 2)),
    ),
    "where": (
        lambda x, y: gg.where(x > y, x, y * 2.0),
        lambda x, y: torch.where(x > y, x, y * 2.0),
        X,
        X.T.reshape(3, 4),
    ),
    "sort": (lambda x: gg.sort(x, axis=0), lambda x: x.sort(0).values, X),
    "sort downwards": (
        lambda x: gg.sort(x, descending=True),
        lambda x: x.sort(dim=-1, descending=True, stable=True).values,
        [[1.0, 2.0, 1.0, 2.0]],
    ),
    "running total": (
        lambda x: gg.sum(gg.tril(gg.broadcast_to(x, (4, 4))), axis=1),
        lambda x: x.cumsum(0),
        [1.0, -2.0, 3.0, 0.5],
    ),
    "running product": (
        lambda x: gg.stack([gg.prod(x[: k + 1]) for k in range(4)]),
        lambda x: x.cumprod(0),
        [2.0, 0.0, 3.0, 0.5],
    ),
    "pad, flip, permute": (
        lambda x: gg.permute_dims(gg.flip(gg.pad(x, [(1, 0), (0, 2)]), axis=1), (1, 0)),
        lambda x: F.pad(x, (0, 2, 1, 0)).flip(1).permute(1, 0),
        X,
    ),
    "triangles": (lambda x: gg.tril(x, k=1) + gg.triu(x, k=-1), lambda x: x.tril(1) + x.triu(-1), X),
}


@pytest.mark.filterwarnings("ignore:every gradient of this backward")  # of sign, which is 0 as it must be
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name):
    ours, theirs, *points = CASES[name]
    both(ours, theirs, *points)


@pytest.mark.parametrize(
    "name", ["tanh", "exp", "log", "sin", "sigmoid", "sqrt", "log1p", "expm1", "atan", "cosh"]
)
def test_third_derivatives(name):
    point = np.array([0.3, 0.7, 1.9])
    x = torch.tensor(point, requires_grad=True)
    wanted = getattr(torch, name)(x)
    for _ in range(3):
        (wanted,) = torch.autograd.grad(wanted.sum(), x, create_graph=True)

    def slope(function):
        return lambda x: gg.grad(lambda x: gg.sum(function(x)))(x)

    found = slope(slope(slope(getattr(gg, name))))(point)
    assert np.allclose(found.numpy(), wanted.detach().numpy(), rtol=1e-9)


def test_hessian_of_cross_entropy():
    """The second derivative of logsumexp, along a direction."""
    direction = RNG.normal(size=4)
    x = torch.tensor(X[0], requires_grad=True)
    (slope,) = torch.autograd.grad(x.logsumexp(0), x, create_graph=True)
    (wanted,) = torch.autograd.grad(slope @ torch.tensor(direction), x)
    found = gg.grad(lambda x: gg.sum(gg.grad(gg.logsumexp)(x) * direction))(X[0])
    assert np.allclose(found.numpy(), wanted.numpy(), rtol=1e-12)
