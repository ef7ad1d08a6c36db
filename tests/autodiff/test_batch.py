"""`vmap` against a Python loop, nested in every order with the derivatives; its axes and its mistakes."""

import itertools

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, GraphError, ShapeError

RNG = np.random.default_rng(5)


def test_rows_and_columns():
    x = RNG.normal(size=(2, 3))
    np.testing.assert_array_equal(gg.vmap(gg.sum)(x).numpy(), x.sum(1))
    np.testing.assert_array_equal(gg.vmap(gg.sum, in_axes=1)(x).numpy(), x.sum(0))
    np.testing.assert_array_equal(gg.vmap(lambda r: r * 2, in_axes=1, out_axes=1)(x).numpy(), x * 2)
    np.testing.assert_array_equal(gg.vmap(lambda r: r * 2, in_axes=1, out_axes=-1)(x).numpy(), x * 2)


def test_shared_arguments_and_trees():
    p = {"w": RNG.normal(size=(4, 3)), "b": RNG.normal(size=4)}
    x = RNG.normal(size=(5, 3))
    found = gg.vmap(lambda p, x: (p["w"] @ x + p["b"], p["b"]), in_axes=(None, 0), out_axes=(0, None))(p, x)
    np.testing.assert_allclose(found[0].numpy(), x @ p["w"].T + p["b"], rtol=1e-12)
    assert found[1].shape == (4,)
    mixed = gg.vmap(lambda p, x: p["b"] * x[0], in_axes=({"w": None, "b": 0}, 0))(
        {"w": 0.0, "b": np.arange(5.0)}, x
    )
    np.testing.assert_allclose(mixed.numpy(), np.arange(5.0) * x[:, 0])


def test_a_result_that_does_not_depend_on_the_member_is_repeated():
    assert gg.vmap(lambda x: gg.asarray([1.0, 2.0]))(np.zeros(3)).shape == (3, 2)


def test_no_members():
    assert gg.vmap(lambda x: gg.tanh(x @ x))(np.zeros((0, 2, 2))).shape == (0, 2, 2)


def network(w, x):
    return gg.sum(gg.tanh(w @ x) ** 2)


def test_gradients_per_example_are_not_added_up():
    w, x = RNG.normal(size=(2, 3)), RNG.normal(size=(4, 3))
    per_example = gg.vmap(gg.grad(network), in_axes=(None, 0))(w, x).numpy()
    for i in range(4):
        np.testing.assert_allclose(per_example[i], gg.grad(network)(w, x[i]).numpy(), rtol=1e-12)


def one_by_one(function):
    """The definition of vmap, for one or two stacked arguments."""

    def looped(*stacks):
        return gg.stack([function(*(s[i] for s in stacks)) for i in range(stacks[0].shape[0])])

    return looped


def scalar(x):
    return gg.sum(gg.sin(x) * x[::-1]) * gg.max(x) + gg.sum(gg.exp(x[:2]))


MODES = {
    "grad": lambda f: lambda x: gg.sum(gg.grad(f)(x) ** 2),
    "jvp": lambda f: lambda x: gg.jvp(f, (x,), (gg.cos(x),))[1],
    "jvp of a constant direction": lambda f: lambda x: gg.jvp(f, (x,), (gg.ones_like(x),))[1],
    "vmap": lambda f: lambda x: gg.sum(gg.vmap(f)(gg.stack([x, x * 2]))),
    "vmap of a shift": lambda f: lambda x: gg.sum(gg.vmap(lambda s: f(x + s))(np.array([0.1, 0.2]))),
}


def by_differences(function, x, direction):
    step = 1e-4
    left, right = (function(gg.asarray(x + s * direction)).item() for s in (-step, step))
    near_left, near_right = (function(gg.asarray(x + s * direction)).item() for s in (-step / 2, step / 2))
    return (4 * (near_right - near_left) / step - (right - left) / (2 * step)) / 3


@pytest.mark.parametrize("names", list(itertools.product(MODES, repeat=2)), ids=" of ".join)
def test_modes_nest_in_any_order(names):
    """An outer and an inner mode on the same function, and reverse and forward around both, against differences."""
    function = scalar
    for name in reversed(names):
        function = MODES[name](function)
    x, direction = np.array([0.3, -0.4, 1.1]), np.array([0.5, -1.0, 0.25])
    expected = by_differences(function, x, direction)
    gradient = gg.grad(function)(x).numpy()
    assert gradient @ direction == pytest.approx(expected, rel=1e-6)
    assert gg.jvp(function, (x,), (direction,))[1].item() == pytest.approx(expected, rel=1e-6)
    stack = np.stack([x, x[::-1], x * 0.5])
    np.testing.assert_allclose(
        gg.vmap(gg.grad(function))(stack).numpy(),
        one_by_one(gg.grad(function))(gg.asarray(stack)).numpy(),
        rtol=1e-9,
    )


def test_third_derivatives_by_every_order_of_modes():
    """x⁵ has the third derivative 60 x²."""

    def forward(f):
        return lambda x: gg.jvp(f, (x,), (gg.ones_like(x),))[1]

    def stacked(f):
        return lambda x: gg.vmap(f)(gg.reshape(x, (1,)))[0]

    for modes in itertools.product([gg.grad, forward], repeat=3):
        for place in range(4):
            function = lambda x: x**5  # noqa: E731
            for depth, mode in enumerate(modes):
                function = mode(stacked(function) if depth == place else function)
            assert function(np.array(2.0)).item() == pytest.approx(240.0, rel=1e-12), (modes, place)


def test_pullback_made_inside_and_used_inside():
    def f(x, g):
        _, pullback = gg.vjp(lambda y: y * x, x)
        return pullback(g)[0]

    x, g = RNG.normal(size=3), RNG.normal(size=3)
    np.testing.assert_allclose(gg.vmap(f)(x, g).numpy(), x * g, rtol=1e-15)


def test_branch_on_a_member_names_the_line_and_the_alternatives():
    with pytest.raises(GraphError) as caught:
        gg.vmap(lambda x: x if x > 0 else -x)(np.array([1.0, -1.0]))
    for word in ("gg.where", "gg.cond", "gg.while_loop", "test_batch.py:"):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.vmap(gg.add)(np.zeros(2), np.zeros(3)),
            ShapeError,
            "vmap of add needs stacks with equally many members; input 0 has 2, input 1 has 3 (along in_axes). "
            "in_axes=None passes an argument on as it is.",
        ),
        (
            lambda: gg.vmap(gg.sin)(1.0),
            ArgumentError,
            "vmap of sin: the members of input 0 should lie along axis 0, but it has shape (). "
            "in_axes=None passes an argument on as it is.",
        ),
        (
            lambda: gg.vmap(gg.add, in_axes=(0,))(np.zeros(2), 1.0),
            ArgumentError,
            "in_axes must be an int, None, or nested as the values it speaks of; got (0,) for a tuple of 2. "
            "One entry per argument: vmap(f, in_axes=(0, None)).",
        ),
        (
            lambda: gg.vmap(gg.sin, in_axes=None)(np.zeros(2)),
            ArgumentError,
            "vmap needs at least one argument to map over: every entry of in_axes is None",
        ),
        (
            lambda: gg.vmap(gg.sin, out_axes=None)(np.zeros(2)),
            ArgumentError,
            "out_axes=None is for a result that is the same for every member; this one differs. "
            "Give the axis along which the members shall lie.",
        ),
        (
            lambda: gg.vmap(gg.sin, out_axes=2)(np.zeros(2)),
            ArgumentError,
            "out_axes=2 is impossible for a result with 0 axes: the members can lie along axis -1 to 0",
        ),
    ],
)
def test_mistakes(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.message == message
