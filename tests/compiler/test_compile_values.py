"""A compiled function gives what the function gives: formulas, shapes, dtypes, views, products, layers."""

import itertools
from typing import Any

import numpy as np
import pytest
from compared import assert_same

import glassgrad as gg
from glassgrad.nn import functional

DTYPES = (np.float32, np.float64)


@pytest.fixture(params=DTYPES, ids=lambda dtype: dtype.__name__)
def draw(request: Any, rng: np.random.Generator) -> Any:
    """A function from sizes to a tensor of normal numbers."""
    return lambda *shape: gg.asarray(rng.normal(size=shape).astype(request.param))


FORMULAS = {
    "polynomial": lambda x: 3.0 * x**3 - x * x + 2.0,
    "quotient": lambda x: (x + 1.0) / (x * x + 0.5),
    "exponentials": lambda x: gg.exp(-x) * gg.log(gg.abs(x) + 0.1) + gg.log1p(gg.exp(x)),
    "trigonometric": lambda x: gg.sin(x) * gg.cos(2.0 * x) + gg.atan(x) - gg.tan(x * 0.1),
    "hyperbolic": lambda x: gg.tanh(x) + gg.sinh(x * 0.3) / gg.cosh(x),
    "roots": lambda x: gg.sqrt(gg.abs(x)) + 1.0 / gg.sqrt(x * x + 1.0),
    "rounding": lambda x: gg.floor(x) + gg.ceil(x * 2.0) - gg.trunc(x) + gg.round(x * 3.0) + gg.sign(x),
    "choices": lambda x: gg.where(x > 0.0, x, 0.1 * x) + gg.maximum(x, 0.5) - gg.minimum(x, -0.5),
    "logic": lambda x: (x > 0.0) & (x < 1.0) | ~(x >= -1.0),
    "comparisons": lambda x: (x == x, x != x, x <= 0.3, x >= 0.3),
    "clip and remainder": lambda x: gg.clip(x, -0.5, 0.5) + x % 0.7 - x // 0.3,
    "special": lambda x: gg.erf(x) + gg.lgamma(gg.abs(x) + 1.0),
    "activations": lambda x: functional.relu(x) + functional.elu(x) + gg.sigmoid(x) + functional.softplus(x),
    "nothing at all": lambda x: x,
    "a constant": lambda x: gg.ones(3),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name: str, draw: Any) -> None:
    for shape in ((), (1,), (7,), (3, 5), (2, 0, 3), (2, 3, 4, 2)):
        assert_same(FORMULAS[name], draw(*shape), calls=1)


PAIRS = [
    ((), (3,)),
    ((3, 1), (1, 4)),
    ((2, 3, 4), (4,)),
    ((2, 3, 4), (3, 1)),
    ((1, 1), (5, 6)),
    ((0, 3), (1, 3)),
    ((2, 1, 4), (1, 3, 1)),
]


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_broadcasting(left: Any, right: Any, draw: Any) -> None:
    def function(x: Any, y: Any) -> Any:
        def loss(x: Any, y: Any) -> Any:
            return gg.sum(gg.tanh(x * y + x) - y)

        return x * y + gg.exp(x) - y, gg.grad(loss, argnums=(0, 1))(x, y)

    assert_same(function, draw(*left), draw(*right), calls=1)


SHAPE = (2, 3, 4)
AXES = [axes for count in range(4) for axes in itertools.combinations(range(3), count)]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", AXES, ids=str)
def test_reductions(axes: Any, keepdims: bool, draw: Any) -> None:
    def function(x: Any) -> Any:
        options = {"axis": axes, "keepdims": keepdims}
        y = x * 2.0 + 1.0
        found = [reduction(y, **options) for reduction in (gg.sum, gg.max, gg.min, gg.prod, gg.mean)]
        return [
            *found,
            gg.any(y > 2.0, **options),
            gg.all(y > -2.0, **options),
            gg.sum(y * y, **options) - 1.0,
        ]

    assert_same(function, draw(*SHAPE), calls=1)


@pytest.mark.parametrize("shape", [(1000,), (3, 700), (700, 3), (1, 5), (5, 1), (4, 5, 6, 3)], ids=str)
def test_reductions_of_other_shapes(shape: Any, draw: Any) -> None:
    def function(x: Any) -> Any:
        found = []
        for axis in (None, 0, -1):
            found += [
                gg.sum(x, axis=axis),
                gg.max(x, axis=axis),
                gg.std(x, axis=axis),
                gg.argmax(x, axis=axis),
            ]
        return found, x - gg.mean(x, axis=-1, keepdims=True)

    assert_same(function, draw(*shape), calls=1)


def test_reductions_of_nothing(draw: Any) -> None:
    assert_same(lambda x: (gg.sum(x, axis=0), gg.prod(x, axis=0), gg.sum(x, axis=1), gg.sum(x)), draw(0, 3))


VIEWS = {
    "transposed": lambda x: x.T,
    "permuted": lambda x: gg.permute_dims(x, (1, 2, 0)),
    "every other": lambda x: x[::2, :, 1::2],
    "backwards": lambda x: x[::-1, :, ::-2],
    "flipped": lambda x: gg.flip(x, axis=1),
    "one element": lambda x: x[1, 2, 3],
    "negative index": lambda x: x[-1, ..., -2],
    "new axes": lambda x: x[None, :, None, 1],
    "reshaped": lambda x: x.reshape(6, -1),
    "transposed, then reshaped": lambda x: x.T.reshape(4, 6),
    "a slice, reshaped": lambda x: x[:, 1:].reshape(-1),
    "broadcast": lambda x: gg.broadcast_to(x[:, :1], (5, 2, 3, 4)),
    "broadcast, then transposed": lambda x: gg.broadcast_to(x, (2, 2, 3, 4)).T,
    "squeezed": lambda x: gg.squeeze(x[:1], axis=0),
    "views of views": lambda x: x[::-1].T[1:, ::-1, 0][::2],
    "nothing of it": lambda x: x[:, 3:],
}


@pytest.mark.parametrize("computed", [False, True], ids=["of an argument", "of a computed value"])
@pytest.mark.parametrize("name", VIEWS)
def test_views(name: str, computed: bool, draw: Any) -> None:
    def function(x: Any) -> Any:
        y = x * 3.0 if computed else x
        view = VIEWS[name](y)
        return view, view + 1.0, gg.sum(view), gg.grad(lambda x: gg.sum(gg.sin(VIEWS[name](x))))(x)

    assert_same(function, draw(*SHAPE))


def test_views_at_one_place_that_are_broadcast_differently(draw: Any) -> None:
    def function(x: Any) -> Any:
        a = gg.exp(x)
        return (
            x + x[:1],
            x[:, :1] * x,
            a[:1] - a,
            gg.permute_dims(a[:, :1], (1, 0, 2)) + a[:, :1],
            gg.sum(x[:1] * x),
        )

    assert_same(function, draw(2, 3, 2))
    assert_same(function, draw(3, 3, 3))


def test_joining(draw: Any) -> None:
    def function(x: Any, y: Any) -> Any:
        joined = gg.concat([x, y.T, x * y.T], axis=1)
        return joined, gg.stack([x, y.T]), gg.tile(x, (2, 1)), gg.repeat(x, 2), gg.roll(joined, 2, axis=1)

    assert_same(function, draw(2, 3), draw(3, 2))


def test_mixed_dtypes(rng: np.random.Generator) -> None:
    ints = {
        name: gg.asarray(rng.integers(0, 7, (3, 4)).astype(name))
        for name in ("int8", "int32", "int64", "uint8")
    }
    x32, x64 = gg.asarray(rng.normal(size=(3, 4)).astype(np.float32)), gg.asarray(rng.normal(size=4))

    def function(ints: Any, x32: Any, x64: Any) -> Any:
        mask = ints["int64"] > 3
        return [
            ints["int8"] + ints["int32"],
            ints["int64"] * 2 - ints["uint8"],
            ints["int64"] // 2,
            ints["int32"] % 3,
            ints["int64"] / 2,
            x32 * ints["int8"],
            x32 * x64,
            gg.where(mask, x32, x64),
            gg.where(mask, ints["int8"], 1),
            mask * x32,
            gg.sum(mask),
            gg.sum(ints["int8"]),
            gg.sum(ints["uint8"], axis=0),
            gg.max(ints["int32"], axis=1),
            gg.max(ints["uint8"]),
            gg.astype(x32 * 10.0, gg.int32),
            gg.astype(ints["uint8"], gg.float64),
            gg.astype(x32, gg.bool),
            gg.astype(mask, gg.float32),
            ints["uint8"] > 3,
            ints["uint8"] - 5,
            ints["int64"] & 3,
            ~mask ^ (x32 > 0),
        ]

    assert_same(function, ints, x32, x64)


def test_products_of_matrices(draw: Any) -> None:
    shapes = [
        ((3, 4), (4, 5)),
        ((2, 3, 4), (4, 5)),
        ((2, 1, 3, 4), (6, 4, 2)),
        ((4,), (4,)),
        ((3, 4), (4,)),
        ((4,), (4, 3)),
        ((1, 4), (4, 1)),
        ((3, 0), (0, 2)),
        ((0, 3), (3, 2)),
        ((3, 1), (1, 3)),
    ]
    for left, right in shapes:
        assert_same(lambda a, b: (a @ b, (a * 2.0) @ (b + 1.0) - 1.0), draw(*left), draw(*right), calls=1)


LAYOUTS = {
    "transposed": lambda a, b: a.T @ b.T,
    "one transposed": lambda a, b: (a + 1.0) @ (b * 2.0).T.T,
    "steps": lambda a, b: a[:, ::2].T @ b.T[:, ::2],
    "backwards": lambda a, b: a[::-1].T @ b.T[:, ::-1],
    "with itself": lambda a, b: a.T @ a,
    "batch transposed": lambda a, b: gg.broadcast_to(a, (2, 4, 4)) @ gg.stack([b, b])[:, :1].mT,
    "columns of broadcast": lambda a, b: gg.broadcast_to(a[:, :1], (4, 4)) @ b,
    "einsum": lambda a, b: gg.einsum("ij,kj->ik", a, b),
    "part of a product": lambda a, b: (a @ b)[1:3, ::2] + 1.0,
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_matrices(name: str, draw: Any) -> None:
    def function(a: Any, b: Any) -> Any:
        return LAYOUTS[name](a, b), gg.grad(lambda a, b: gg.sum(LAYOUTS[name](a, b) ** 2), argnums=(0, 1))(
            a, b
        )

    assert_same(function, draw(4, 4), draw(4, 4))


def test_softmax_and_losses(draw: Any) -> None:
    labels = gg.asarray([0, 2, 1])

    def function(x: Any) -> Any:
        def loss(x: Any) -> Any:
            return functional.cross_entropy(x, labels) + gg.sum(functional.softmax(x, dim=1) ** 2)

        return (
            functional.softmax(x, dim=0),
            functional.log_softmax(x, dim=1),
            gg.logsumexp(x, axis=1),
            gg.value_and_grad(loss)(x),
        )

    assert_same(function, draw(3, 4))
    assert_same(function, draw(3, 4) * 1000.0)


def test_gather_and_scatter(draw: Any, rng: np.random.Generator) -> None:
    places = gg.asarray(rng.integers(0, 5, (4, 3)))

    def function(x: Any, places: Any) -> Any:
        chosen = x[places]
        return (
            chosen,
            gg.take(x, places[:, 0], axis=0),
            x.at[places[:, 1]].add(chosen[:, 0] * 2.0),
            x.at[0].set(1.0),
            gg.take_along_axis(x, gg.argsort(x, axis=1)[:, :2], axis=1),
            gg.grad(lambda x: gg.sum(gg.tanh(x[places])))(x),
            gg.sort(x, axis=0),
            gg.argsort(x, axis=1),
            gg.cumulative_sum(x, axis=0),
        )

    assert_same(function, draw(5, 5), places)


def test_convolution_and_pooling(draw: Any) -> None:
    def function(x: Any, w: Any) -> Any:
        def loss(x: Any, w: Any) -> Any:
            return gg.sum(functional.max_pool2d(functional.relu(functional.conv2d(x, w, padding=1)), 2) ** 2)

        return (
            functional.conv2d(x, w),
            functional.avg_pool2d(x, 2),
            gg.value_and_grad(loss, argnums=(0, 1))(x, w),
        )

    assert_same(function, draw(2, 3, 6, 6), draw(4, 3, 3, 3))


def test_dtypes_without_machine_code(rng: np.random.Generator) -> None:
    z = gg.asarray(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)))
    h = gg.asarray(rng.normal(size=(3, 3)).astype(np.float16))
    u = gg.asarray(rng.integers(0, 9, 5).astype(np.uint64))

    def function(z: Any, h: Any, u: Any) -> Any:
        return (
            z * z.T + gg.conj(z),
            gg.sum(gg.abs(z), axis=0),
            gg.real(z)[:, ::2] + 1.0,
            z @ z,
            h * 2.0 + h.T,
            gg.astype(h, gg.float32) @ gg.astype(h.T, gg.float32),
            u + 1,
            gg.astype(u, gg.float64) * 0.5,
            gg.fft.fft(z),
        )

    assert_same(function, z, h, u)


def test_linear_algebra(draw: Any) -> None:
    def function(a: Any, b: Any) -> Any:
        s = a @ a.T + 3.0 * gg.eye(4, dtype=a.dtype)
        return gg.linalg.solve(s, b), gg.linalg.cholesky(s), gg.linalg.inv(s), gg.linalg.det(s)

    compiled = assert_same(function, draw(4, 4), draw(4))
    assert compiled.graph


class Flat(gg.Function):
    """The same elements in a row, seen where they lie."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.reshape(-1)

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:
        return upstream.reshape(6, 6)


def test_a_view_of_memory_that_is_used_again(draw: Any) -> None:
    """What an op that only NumPy runs returns may lie where a later value is written."""

    def function(x: Any) -> Any:
        flat = Flat.apply(gg.exp(x) @ x)
        later = gg.sin(gg.cos(x + gg.sum(flat)) @ x) @ gg.sin(x)
        return flat, flat + 1.0, later, gg.linalg.diagonal(gg.sin(x) + 1.0)

    compiled = assert_same(function, draw(6, 6))
    found = compiled(draw(6, 6))
    kept = [array.numpy().copy() for array in found]
    compiled(draw(6, 6))
    for array, before in zip(found, kept, strict=True):
        np.testing.assert_array_equal(array.numpy(), before)


def test_special_numbers() -> None:
    tiny = np.finfo(np.float64).smallest_subnormal
    x = gg.asarray(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -tiny, 1e308, 1e-308]))

    def function(x: Any) -> Any:
        return (
            x * 2.0,
            x / 2.0,
            gg.maximum(x, 1.0),
            gg.minimum(1.0, x),
            gg.max(x),
            gg.min(x[1:]),
            gg.sum(x),
            gg.sum(x[3:]),
            gg.where(gg.isnan(x), 0.0, x),
            functional.relu(x),
            gg.tanh(x),
            gg.exp(x),
            x == x,
            1.0 / x,
            gg.sign(x),
            x * 0.0,
        )

    compiled = assert_same(function, x)
    narrow = gg.asarray(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 3e38], np.float32))
    assert_same(function, narrow)
    found = compiled(x)
    assert np.isnan(found[0].numpy()[0])
    assert np.isnan(found[9].numpy()[0])
    assert found[1].numpy()[7] == 5e307
    assert np.signbit(found[0].numpy()[4])
    assert found[0].numpy()[5] == 2 * tiny


class Cube(gg.Function):
    """x³, with a backward of its own."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:
        (x,) = ctx.saved_tensors
        return upstream * 30.0 * x * x


def test_a_function_of_the_users_own(draw: Any) -> None:
    def function(x: Any) -> Any:
        return Cube.apply(x * 2.0) + 1.0, gg.grad(lambda x: gg.sum(Cube.apply(x)))(x)

    assert_same(function, draw(3))
