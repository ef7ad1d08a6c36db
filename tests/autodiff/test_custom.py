"""`custom_vjp` and `custom_jvp`: one rule by the user, right in every mode; and `gg.Function` forward."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, GraphError, ShapeError


def with_vjp():
    """exp whose inside cannot be differentiated, so that only the rule can be right."""

    @gg.custom_vjp
    def exponential(x):
        return gg.stop_gradient(gg.exp(x))

    def forward(x):
        y = exponential(x)
        return y, y

    exponential.defvjp(forward, lambda y, g: (g * y,))
    return exponential


def with_jvp():
    @gg.custom_jvp
    def exponential(x):
        return gg.stop_gradient(gg.exp(x))

    def rule(primals, tangents):
        y = exponential(*primals)
        return y, y * tangents[0]

    exponential.defjvp(rule)
    return exponential


def with_function():
    class Exponential(gg.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return gg.exp(x)

        @staticmethod
        def backward(ctx, upstream):
            (x,) = ctx.saved_tensors
            return upstream * Exponential.apply(x)

    return lambda x: Exponential.apply(gg.asarray(x))


@pytest.mark.parametrize("make", [with_vjp, with_jvp, with_function])
def test_right_in_every_mode_and_order(make):
    exponential = make()
    x, one = np.array(0.5), np.array(1.0)
    function = exponential
    for _ in range(4):
        assert function(x).item() == pytest.approx(np.exp(0.5), rel=1e-12)
        assert gg.jvp(function, (x,), (one,))[1].item() == pytest.approx(np.exp(0.5), rel=1e-12)
        function = gg.grad(function)
    assert gg.hvp(exponential, x, one).item() == pytest.approx(np.exp(0.5), rel=1e-12)
    stack = np.array([0.5, -1.0])
    for mapped in (
        gg.vmap(exponential),
        gg.vmap(gg.grad(exponential)),
        gg.vmap(gg.grad(gg.grad(exponential))),
        gg.grad(lambda s: gg.sum(gg.vmap(exponential)(s))),
        lambda s: gg.jvp(gg.vmap(exponential), (s,), (gg.ones_like(s),))[1],
        gg.vmap(lambda x: gg.jvp(exponential, (x,), (gg.ones_like(x),))[1]),
    ):
        np.testing.assert_allclose(mapped(gg.asarray(stack)).numpy(), np.exp(stack), rtol=1e-12)


def test_the_rule_is_believed():
    """Clipping with a gradient that passes everywhere: no mode may look inside the function."""

    @gg.custom_vjp
    def clipped(x):
        return gg.clip(x, -1.0, 1.0)

    clipped.defvjp(lambda x: (clipped(x), None), lambda _, g: (g,))
    assert gg.grad(clipped)(5.0).item() == 1.0
    assert gg.jvp(clipped, (5.0,), (2.0,))[1].item() == 2.0


def test_shared_arguments_under_vmap_add_up():
    @gg.custom_vjp
    def product(w, x):
        return w * x

    product.defvjp(lambda w, x: (w * x, (w, x)), lambda r, g: (g * r[1], g * r[0]))
    x = np.array([1.0, 2.0, 4.0])
    gradient = gg.grad(lambda w: gg.sum(gg.vmap(product, in_axes=(None, 0))(w, x)))(np.array(3.0))
    assert gradient.item() == 7.0
    per_example = gg.vmap(gg.grad(product), in_axes=(None, 0))(np.array(3.0), x)
    assert per_example.tolist() == [1.0, 2.0, 4.0]


def test_trees_and_arguments_that_are_no_tensors():
    @gg.custom_vjp
    def scaled(p, power):
        return {"out": p["w"] ** power}

    scaled.defvjp(
        lambda p, power: ({"out": p["w"] ** power}, (p["w"], power)),
        lambda r, g: ({"w": g["out"] * r[1] * r[0] ** (r[1] - 1)}, None),
    )
    assert gg.grad(lambda w: scaled({"w": w}, 3)["out"])(2.0).item() == 12.0


def reads_from_outside():
    w = gg.tensor(2.0, requires_grad=True)
    f = gg.custom_vjp(lambda x: x * w)
    f.defvjp(lambda x: (x * w, None), lambda _, g: (g * w,))
    return gg.grad(f)(1.0)


def test_reading_from_outside_is_refused():
    with pytest.raises(
        GraphError, match=r"reads input at test_custom.py:\d+ from outside, whose gradient would be lost"
    ):
        reads_from_outside()


def vjp_that_returns(*gradients):
    f = gg.custom_vjp(lambda x, y: x * y)
    f.defvjp(lambda x, y: (x * y, None), lambda _, g: gradients if len(gradients) != 1 else gradients[0])
    return gg.grad(f)(gg.asarray(1.0), gg.asarray(2.0))


def jvp_that_returns(found):
    f = gg.custom_jvp(lambda x: x)
    f.defjvp(lambda primals, tangents: found)
    return gg.jvp(f, (gg.asarray(1.0),), (gg.asarray(1.0),))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: vjp_that_returns(gg.asarray(1.0)),
            ArgumentError,
            "the backward of <lambda> must return a tuple with one gradient (or None) for each of the 2 arguments; "
            "it returned Tensor",
        ),
        (
            lambda: vjp_that_returns(gg.asarray(1.0), None, None),
            ArgumentError,
            "the backward of <lambda> must return a tuple with one gradient (or None) for each of the 2 arguments; "
            "it returned a tuple of 3",
        ),
        (
            lambda: vjp_that_returns(gg.zeros(3), None),
            ShapeError,
            "the backward of <lambda> must return the gradient of argument 0 in shape (); it returned shape (3,)",
        ),
        (
            lambda: gg.custom_vjp(lambda x: x)(1.0),
            GraphError,
            "<lambda> is a gg.custom_vjp without a rule: give it one with f.defvjp(forward, backward)",
        ),
        (
            lambda: jvp_that_returns(gg.asarray(1.0)),
            ArgumentError,
            "the rule of <lambda> must return a pair (result, tangent); it returned Tensor",
        ),
        (
            lambda: jvp_that_returns((gg.asarray(1.0), gg.zeros(2))),
            ShapeError,
            "the rule of <lambda> must return the tangent of the result in shape (); it returned shape (2,)",
        ),
        (
            lambda: jvp_that_returns((gg.asarray(1.0), [])),
            ArgumentError,
            "the rule of <lambda> must return a tangent for each of the 1 results; it returned 0",
        ),
    ],
)
def test_mistakes(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.message == message
