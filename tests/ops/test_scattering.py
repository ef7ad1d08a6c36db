"""Values put to positions, of which some occur several times: brute force, gradients with ties and zeros, stacks."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import DTypeError, ShapeError

RNG = np.random.default_rng(29)
X = RNG.normal(size=(3, 4))
ROWS = np.array([0, 2, 0, -1, 0])
VALUES = RNG.normal(size=(5, 4))
KEYS = [ROWS, (ROWS, ROWS), (slice(None), ROWS), (ROWS, None, 1), X > 0, (slice(None, None, -2), 1), 2, ...]


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize(
    ("name", "ufunc"), [("multiply", np.multiply), ("min", np.minimum), ("max", np.maximum), ("add", np.add)]
)
def test_values_are_those_of_ufunc_at(key, name, ufunc):
    values = RNG.normal(size=X[key].shape)
    wanted = X.copy()
    ufunc.at(wanted, key, values)
    found = getattr(gg.asarray(X).at[key], name)(values)
    assert np.array_equal(found.numpy(), wanted) or (
        name == "add" and np.allclose(found.numpy(), wanted, rtol=1e-14)
    )
    wanted = X.copy()
    ufunc.at(wanted, key, 0.25)
    assert np.allclose(getattr(gg.asarray(X).at[key], name)(0.25).numpy(), wanted, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64"])
def test_index_arrays_of_narrow_dtypes_in_large_tensors(dtype):
    places = np.array([127, 1, 127]), np.array([0, 1, 0])
    x = np.zeros((200, 2, 3))
    for count in (1, 2):
        key = tuple(array.astype(dtype) for array in places[:count])
        values = RNG.normal(size=x[key].shape)
        wanted = x.copy()
        np.add.at(wanted, places[:count], values)
        assert np.array_equal(gg.asarray(x).at[key].add(values).numpy(), wanted)
    assert gg.zeros(200).at[np.array([-128], np.int8)].add(1.0)[72].item() == 1.0


def test_dtype_is_that_of_x():
    x = gg.asarray([1, 2, 3])
    assert x.at[0].multiply(2.9).tolist() == [2, 2, 3]
    assert x.at[0].max(gg.asarray(5.5)).dtype == gg.int64
    assert gg.asarray([True, False]).at[:].multiply(True).tolist() == [True, False]


def test_the_last_of_several_values_stays_and_is_the_only_one_with_a_gradient():
    for places in (np.array([1, 0, 1]), np.array([[1, 0, 1]]).T):
        values = gg.tensor(np.array([10.0, 20.0, 30.0]).reshape(places.shape), requires_grad=True)
        out = gg.zeros(2).at[places].set(values)
        assert out.tolist() == [20.0, 30.0]
        gg.sum(out * gg.asarray([1.0, 2.0])).backward()
        assert values.grad.numpy().ravel().tolist() == [0.0, 1.0, 2.0]


def test_several_equal_largest_values_share_the_gradient():
    x = gg.tensor([1.0, 5.0], requires_grad=True)
    values = gg.tensor([5.0, 5.0, 3.0, 0.0], requires_grad=True)
    out = x.at[np.array([1, 1, 1, 0])].max(values)
    gg.sum(out * gg.asarray([1.0, 6.0])).backward()
    assert x.grad.tolist() == [1.0, 2.0]
    assert values.grad.tolist() == [2.0, 2.0, 0.0, 0.0]


def test_products_with_zeros_have_the_gradient_of_the_product_written_out():
    def written_out(x, v):
        return gg.stack([x[0] * v[0] * v[2] * v[3], x[1] * v[1], x[2]])

    def at_once(x, v):
        return gg.asarray(x).at[np.array([0, 1, 0, 0])].multiply(v)

    weights = gg.asarray([1.0, 2.0, 3.0], gg.float64)
    for x in ([2.0, 3.0, 4.0], [0.0, 0.0, 4.0]):
        for v in ([5.0, 6.0, 7.0, 8.0], [0.0, 0.0, 7.0, 8.0], [0.0, 6.0, 0.0, 8.0]):
            arrays = np.array(x), np.array(v)
            for place in (0, 1):
                found, wanted = (
                    gg.grad(lambda x, v, f=f: gg.sum(f(x, v) * weights), argnums=place)(*arrays).numpy()
                    for f in (at_once, written_out)
                )
                assert np.allclose(found, wanted, rtol=1e-14)


def test_complex_products():
    z, v = X[0] + 1j * X[1], X[2] + 0.5j
    weights = X[1] - 2j * X[2]

    def loss(z, v):
        return gg.real(gg.sum(gg.asarray(z).at[np.array([1, 1, 0, 2])].multiply(v) * weights))

    def written_out(z, v):
        return gg.real(gg.sum(gg.stack([z[0] * v[2], z[1] * v[0] * v[1], z[2] * v[3], z[3]]) * weights))

    for place in (0, 1):
        found, wanted = (gg.grad(f, argnums=place)(z, v).numpy() for f in (loss, written_out))
        assert np.allclose(found, wanted, rtol=1e-13)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scatter_along_an_axis(axis):
    places = RNG.integers(-3, 3, (3, 4))
    values = RNG.normal(size=places.shape)
    wanted, added = X.copy(), X.copy()
    for index in np.ndindex(places.shape):
        target = list(index)
        target[axis] = places[index]
        wanted[tuple(target)] = values[index]
        added[tuple(target)] += values[index]
    assert np.array_equal(gg.scatter(X, places, values, axis=axis).numpy(), wanted)
    assert np.allclose(gg.scatter_add(X, places, values, axis=axis).numpy(), added, rtol=1e-14)
    for function in (gg.scatter, gg.scatter_add):
        gg.gradcheck(lambda x, v, f=function: f(x, places, v, axis=axis), X, values)
        assert gg.gradcheck(lambda x, v, f=function: f(x, places[:1], v, axis=1), X, np.array(0.5))


def test_taking_along_an_axis_broadcasts():
    places = np.array([[1], [0], [3]])
    assert np.array_equal(gg.take_along_axis(X, places, axis=1).numpy(), np.take_along_axis(X, places, 1))
    row = np.array([[2, 0, 1, 1]])
    assert np.array_equal(gg.take_along_axis(X, row, axis=0).numpy(), np.take_along_axis(X, row, 0))
    assert np.array_equal(
        gg.take_along_axis(X[:1], places, axis=1).numpy(),
        np.take_along_axis(np.repeat(X[:1], 3, 0), places, 1),
    )


def test_functions_of_positions_on_stacks():
    places = RNG.integers(0, 3, (2, 5))
    values = RNG.normal(size=(2, 5, 4))
    for name in ("set", "add", "multiply", "min", "max"):
        found = gg.vmap(lambda p, v, name=name: getattr(gg.asarray(X).at[p], name)(v))(places, values)
        for i in range(2):
            wanted = getattr(gg.asarray(X).at[places[i]], name)(values[i]).numpy()
            assert np.allclose(found[i].numpy(), wanted, rtol=1e-14)
    hot = gg.vmap(lambda p: gg.one_hot(p, 3))(places).numpy()
    assert np.array_equal(hot, np.eye(3, dtype=np.float32)[places])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.ones(3).at[:2].multiply(gg.ones(3)),
            ShapeError,
            "broadcast_to cannot turn shape (3,) into (2,): only axes of size 1 can be repeated",
        ),
        (
            lambda: gg.asarray([1j]).at[0].max(1.0),
            DTypeError,
            "index_extremum needs a bool, int or float input; got x complex64 of shape (1,).",
        ),
        (
            lambda: gg.scatter(gg.ones((2, 3)), gg.asarray([0]), 1.0),
            ShapeError,
            "scatter needs indices with the 2 axes of x and, but for axis 1, the same sizes or 1; "
            "got indices of shape (1,) for x (2, 3)",
        ),
        (
            lambda: gg.scatter_add(gg.ones((2, 3)), gg.zeros((3, 1), dtype=gg.int64), 1.0, axis=1),
            ShapeError,
            "scatter_add needs indices with the 2 axes of x and, but for axis 1, the same sizes or 1; "
            "got indices of shape (3, 1) for x (2, 3)",
        ),
        (
            lambda: gg.scatter(gg.ones(2), gg.asarray([0.0]), 1.0),
            DTypeError,
            "scatter needs integer indices; got float32 of shape (1,)",
        ),
        (
            lambda: gg.scatter(gg.ones(2), gg.asarray([5]), 1.0),
            ShapeError,
            "index 5 is out of range on axis 0 of a tensor of shape (2,); allowed: -2 to 1",
        ),
        *(
            (
                lambda name=name, key=key: getattr(gg.ones((3, 2)).at[1, key], name)(1.0),
                ShapeError,
                "index -3 is out of range on axis 1 of a tensor of shape (3, 2); allowed: -2 to 1",
            )
            for name in ("set", "add", "multiply", "min", "max")
            for key in (-3, np.array([0, -3]))
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
