"""Convolution and its transpose against loops over every product, and what they refuse."""

import itertools

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, ShapeError
from glassgrad.ops import convolve

RNG = np.random.default_rng(3)

# shape of x, shape of weight, arguments, padding as pairs
CASES = {
    "plain": ((2, 3, 7), (4, 3, 3), {}, ((0, 0),)),
    "stride": ((2, 3, 8), (4, 3, 3), {"stride": 2}, ((0, 0),)),
    "two axes": ((2, 3, 6, 5), (4, 3, 3, 2), {"stride": (1, 2), "padding": (2, 1)}, ((2, 2), (1, 1))),
    "pairs": ((1, 2, 4, 4), (3, 2, 2, 3), {"padding": ((1, 0), (0, 2))}, ((1, 0), (0, 2))),
    "dilation": ((1, 2, 7, 6), (3, 2, 3, 2), {"dilation": (2, 3)}, ((0, 0), (0, 0))),
    "groups": ((2, 4, 5), (6, 2, 2), {"groups": 2}, ((0, 0),)),
    "one group per channel": ((2, 3, 5), (3, 1, 2), {"groups": 3, "padding": 1}, ((1, 1),)),
    "three axes": ((1, 2, 3, 4, 3), (2, 2, 2, 1, 2), {"stride": (1, 2, 1)}, ((0, 0),) * 3),
    "same": ((1, 2, 5, 4), (3, 2, 3, 2), {"padding": "same"}, ((1, 1), (0, 1))),
    "same with dilation": ((1, 2, 8), (3, 2, 4), {"padding": "same", "dilation": 2}, ((3, 3),)),
    "valid": ((1, 2, 5), (3, 2, 5), {"padding": "valid"}, ((0, 0),)),
}


def products(x_shape, weight_shape, arguments, pads, counts):
    """Every product of a convolution: where in the maps, where in the images, which weight."""
    axes = len(pads)
    groups = arguments.get("groups", 1)
    steps, gaps = (np.broadcast_to(arguments.get(name, 1), axes).tolist() for name in ("stride", "dilation"))
    features, channels = weight_shape[:2]
    for n, f, c in itertools.product(range(x_shape[0]), range(features), range(channels)):
        channel = f // (features // groups) * channels + c
        for i in np.ndindex(*counts):
            for k in np.ndindex(*weight_shape[2:]):
                place = tuple(i[a] * steps[a] - pads[a][0] + k[a] * gaps[a] for a in range(axes))
                if all(0 <= p < size for p, size in zip(place, x_shape[2:], strict=True)):
                    yield (n, f, *i), (n, channel, *place), (f, c, *k)


@pytest.mark.parametrize("case", CASES)
def test_convolution_is_the_sum_of_all_products(case):
    x_shape, weight_shape, arguments, pads = CASES[case]
    x, weight = RNG.normal(size=x_shape), RNG.normal(size=weight_shape)
    found = gg.convolution(gg.asarray(x), gg.asarray(weight), **arguments).numpy()
    expected = np.zeros_like(found)
    for to, source, by in products(x_shape, weight_shape, arguments, pads, found.shape[2:]):
        expected[to] += x[source] * weight[by]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    reach = [
        d * (k - 1) + 1
        for k, d in zip(
            weight_shape[2:], np.broadcast_to(arguments.get("dilation", 1), len(pads)), strict=True
        )
    ]
    steps = np.broadcast_to(arguments.get("stride", 1), len(pads))
    counts = tuple(
        int((n + a + b - r) // s + 1) for n, (a, b), r, s in zip(x_shape[2:], pads, reach, steps, strict=True)
    )
    assert found.shape == (x_shape[0], weight_shape[0], *counts)


@pytest.mark.parametrize("case", [name for name in CASES if not name.startswith("same")])
def test_convolution_transpose_is_the_sum_of_all_products_the_other_way(case):
    x_shape, weight_shape, arguments, pads = CASES[case]
    weight = RNG.normal(size=weight_shape)
    counts = gg.convolution(gg.ones(x_shape), gg.asarray(weight), **arguments).shape[2:]
    y = RNG.normal(size=(x_shape[0], weight_shape[0], *counts))
    smallest = gg.convolution_transpose(gg.asarray(y), gg.asarray(weight), **arguments).shape[2:]
    more = tuple(n - m for n, m in zip(x_shape[2:], smallest, strict=True))
    found = gg.convolution_transpose(
        gg.asarray(y), gg.asarray(weight), **arguments, output_padding=more
    ).numpy()
    expected = np.zeros(x_shape)
    for to, source, by in products(x_shape, weight_shape, arguments, pads, counts):
        expected[source] += y[to] * weight[by]
    assert found.shape == x_shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_an_edge_filter_by_hand():
    image = gg.asarray([[[[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]])
    edges = gg.asarray([[[[-1.0, 1.0]]]])
    assert gg.convolution(image, edges).tolist() == [[[[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]]]


def test_without_batch():
    x, weight = gg.asarray(RNG.normal(size=(3, 5, 4))), gg.asarray(RNG.normal(size=(2, 3, 2, 2)))
    alone = gg.convolution(x, weight)
    assert np.array_equal(alone.numpy(), gg.convolution(gg.expand_dims(x, 0), weight)[0].numpy())
    back = gg.convolution_transpose(alone, weight)
    assert np.array_equal(back.numpy(), gg.convolution_transpose(gg.expand_dims(alone, 0), weight)[0].numpy())


def test_blocks_of_samples_give_the_same_as_all_at_once(monkeypatch):
    x = gg.tensor(RNG.normal(size=(5, 2, 6)), requires_grad=True)
    weight = gg.tensor(RNG.normal(size=(4, 1, 3)), requires_grad=True)
    results = []
    for block in (2**21, 70, 1):
        monkeypatch.setattr(convolve, "_BLOCK", block)
        y = gg.convolution(x, weight, groups=2)
        gradients = gg.grad(
            lambda x, weight: (gg.convolution(x, weight, groups=2) ** 2).sum(), argnums=(0, 1)
        )(x, weight)
        results.append([y.numpy(), *(g.numpy() for g in gradients)])
    for found in results[1:]:
        for part, expected in zip(found, results[0], strict=True):
            np.testing.assert_allclose(part, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int32", "uint8", "complex64"])
def test_dtypes(dtype):
    x, weight = np.arange(8).reshape(1, 2, 4).astype(dtype), np.ones((1, 2, 2), dtype)
    found = gg.convolution(x, weight)
    assert found.dtype == np.dtype(dtype)
    assert found.tolist() == [[[0 + 1 + 4 + 5, 1 + 2 + 5 + 6, 2 + 3 + 6 + 7]]]


def test_gradients_of_complex_images_and_filters():
    """dL/dx + i dL/dy of a real loss, against differences in the real and the imaginary parts."""
    x = RNG.normal(size=(1, 2, 4)) + 1j * RNG.normal(size=(1, 2, 4))
    weight = RNG.normal(size=(2, 2, 3)) + 1j * RNG.normal(size=(2, 2, 3))

    def loss(x, weight):
        y = gg.convolution(x, weight, padding=1)
        z = gg.convolution_transpose(y, weight)
        return gg.sum(gg.real(z) ** 2) + gg.sum(gg.imag(y))

    found = gg.grad(loss, argnums=(0, 1))(gg.asarray(x), gg.asarray(weight))
    step = 1e-6
    for place, (point, gradient) in enumerate(zip((x, weight), found, strict=True)):
        for index in np.ndindex(*point.shape):
            slopes = []
            for direction in (step, 1j * step):
                both = []
                for sign in (1, -1):
                    moved = [x.copy(), weight.copy()]
                    moved[place][index] += sign * direction
                    both.append(float(loss(*map(gg.asarray, moved))))
                slopes.append((both[0] - both[1]) / (2 * step))
            assert abs(gradient.numpy()[index] - complex(*slopes)) < 1e-6


def test_vmap_over_filters_alone_makes_one_convolution():
    """A stack of filters becomes more features of one op, whatever the groups."""
    x, filters = gg.asarray(RNG.normal(size=(2, 4, 6))), gg.asarray(RNG.normal(size=(5, 6, 2, 3)))

    def together(x, filters):
        return gg.vmap(lambda weight: gg.convolution(x, weight, groups=2))(filters)

    found = together(x, filters)
    for i in range(5):
        expected = gg.convolution(x, filters[i], groups=2).numpy()
        np.testing.assert_allclose(found[i].numpy(), expected, rtol=1e-12, atol=1e-12)
    graph = gg.trace(together, x, filters)
    assert [node.op.name for node in graph.nodes_topologically_sorted()].count("convolution") == 1


def test_gradients_of_each_sample_alone():
    """vmap of grad: the filters are the same for all, the images are a stack, and so are the gradients."""
    images, weight = gg.asarray(RNG.normal(size=(5, 2, 2, 6))), gg.asarray(RNG.normal(size=(3, 2, 3)))

    def loss(weight, x):
        return gg.sum(gg.convolution(x, weight, stride=2) ** 3)

    found = gg.vmap(gg.grad(loss), in_axes=(None, 0))(weight, images)
    for i in range(5):
        expected = gg.grad(loss)(weight, images[i]).numpy()
        np.testing.assert_allclose(found[i].numpy(), expected, rtol=1e-11, atol=1e-12)


def test_hessian_of_a_quadratic_loss():
    """For L = |conv(x, w)|² / 2 with w as a row it is the product of the matrix of windows with its transpose."""
    x = RNG.normal(size=(2, 2, 6))
    found = gg.hessian(lambda w: gg.sum(gg.convolution(x, w) ** 2) / 2)(
        gg.asarray(RNG.normal(size=(1, 2, 3)))
    )
    columns = gg.unfold(x, 3).numpy()
    expected = np.einsum("nkl,nml->km", columns, columns)
    np.testing.assert_allclose(found.numpy().reshape(6, 6), expected, rtol=1e-11, atol=1e-12)


X, W = np.zeros((2, 3, 8, 8), np.float32), np.zeros((4, 3, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.convolution(X, np.zeros((4, 2, 3, 3), np.float32)),
            ShapeError,
            "convolution needs x of shape (batch, channels, *sizes) and weight of shape (features, channels, *kernel); "
            "got x float32[2, 3, 8, 8] and weight float32[4, 2, 3, 3].",
        ),
        (
            lambda: gg.convolution(X, W.swapaxes(0, 1)),
            ShapeError,
            "convolution needs x of shape (batch, channels, *sizes) and weight of shape (features, channels, *kernel); "
            "got x float32[2, 3, 8, 8] and weight float32[3, 4, 3, 3]. If weight is meant for the way back, use "
            "gg.convolution_transpose.",
        ),
        (
            lambda: gg.convolution(X.transpose(0, 2, 3, 1), W),
            ShapeError,
            "convolution needs x of shape (batch, channels, *sizes) and weight of shape (features, channels, *kernel); "
            "got x float32[2, 8, 8, 3] and weight float32[4, 3, 3, 3]. Channels come before the sizes: "
            "gg.moveaxis(x, -1, 1).",
        ),
        (
            lambda: gg.convolution(X, np.zeros((4, 1, 3, 3), np.float32), groups=3),
            ShapeError,
            "convolution needs x of shape (batch, channels, *sizes) and weight of shape (features, channels / 3 "
            "groups, *kernel), features a multiple of the groups; got x float32[2, 3, 8, 8] and weight "
            "float32[4, 1, 3, 3].",
        ),
        (
            lambda: gg.convolution(X, np.zeros((4, 3, 9, 3), np.float32)),
            ShapeError,
            "convolution: a window of 9 does not fit along axis -2 of shape (2, 3, 8, 8), which has 8 and with padding "
            "8. Use a smaller window or more padding.",
        ),
        (
            lambda: gg.convolution(X, W, dilation=(1, 5), padding=1),
            ShapeError,
            "convolution: a window of 11 (size 3, dilation 5) does not fit along axis -1 of shape (2, 3, 8, 8), which "
            "has 8 and with padding 10. Use a smaller window or more padding.",
        ),
        (
            lambda: gg.convolution(X[0, 0], W),
            ShapeError,
            "convolution needs weight of shape (features, channels / groups, *kernel) and x with as many axes, or one "
            "fewer without batch; got x float32[8, 8] and weight float32[4, 3, 3, 3].",
        ),
        (
            lambda: gg.convolution(X, W[..., :0]),
            ShapeError,
            "convolution needs a kernel of size 1 or more along each axis; got weight of shape (4, 3, 3, 0)",
        ),
        (
            lambda: gg.convolution(X, W, groups=0),
            ArgumentError,
            "convolution needs groups of 1 or more; got 0",
        ),
        (
            lambda: gg.convolution(X, W, stride=0),
            ArgumentError,
            "convolution needs stride of 1 or more; got 0",
        ),
        (
            lambda: gg.convolution(X, W, stride=1.5),
            ArgumentError,
            "convolution takes stride as an integer or one integer per axis; got 1.5",
        ),
        (
            lambda: gg.convolution(X, W, dilation=(1, 1, 1)),
            ArgumentError,
            "convolution needs dilation as one integer, or as one for each of the 2 axes; got (1, 1, 1)",
        ),
        (
            lambda: gg.convolution(X, W, padding=-1),
            ArgumentError,
            "convolution needs padding of 0 or more; got -1",
        ),
        (
            lambda: gg.convolution(X, W, padding="full"),
            ArgumentError,
            'convolution knows padding "same" and "valid", and integers; got \'full\'',
        ),
        (
            lambda: gg.convolution(X, W, padding="same", stride=2),
            ArgumentError,
            'convolution has padding "same" only for stride 1, where sizes can stay; got stride (2, 2)',
        ),
        (
            lambda: gg.convolution(X, W, padding=((1, 1),)),
            ArgumentError,
            "convolution needs one (before, after) pair for each of the 2 axes; got ((1, 1),)",
        ),
        (
            lambda: gg.convolution(X > 0, W > 0),
            DTypeError,
            "convolution needs an int, float or complex input; got x bool of shape (2, 3, 8, 8). "
            "gg.astype(x, gg.float32) converts.",
        ),
        (
            lambda: gg.convolution_transpose(X, W),
            ShapeError,
            "convolution_transpose needs x of shape (batch, features, *counts) and weight of shape (features, "
            "channels, *kernel); got x float32[2, 3, 8, 8] and weight float32[4, 3, 3, 3].",
        ),
        (
            lambda: gg.convolution_transpose(X, np.zeros((3, 1, 1, 1), np.float32), padding=4),
            ShapeError,
            "convolution_transpose of (8, 8) with a kernel of (1, 1) would leave sizes (0, 0). Use less padding.",
        ),
        (
            lambda: gg.convolution_transpose(X, W.swapaxes(0, 1), stride=2, output_padding=(1, 2)),
            ArgumentError,
            "convolution_transpose needs output_padding smaller than the stride; got (1, 2) with stride (2, 2)",
        ),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
