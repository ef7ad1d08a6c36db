"""`cond`, `scan` and `while_loop`: the same as Python's own control flow, in every mode and to second order."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, GraphError, ShapeError

RNG = np.random.default_rng(9)


def test_cumulative_product_by_scan():
    last, all_of_them = gg.scan(lambda p, x: (p * x, p * x), 1.0, gg.asarray([1.0, 2.0, 3.0, 4.0]))
    assert last.item() == 24.0
    assert all_of_them.tolist() == [1.0, 2.0, 6.0, 24.0]


def test_scan_in_reverse_over_trees_and_without_y():
    def step(carry, x):
        return {"sum": carry["sum"] + x["a"] * x["b"]}, None

    xs = {"a": np.arange(3.0), "b": np.ones(3)}
    carry, nothing = gg.scan(step, {"sum": np.array(0.0)}, xs, reverse=True)
    assert (carry["sum"].item(), nothing) == (3.0, None)
    last, ys = gg.scan(lambda c, x: (x, c), np.array(-1.0), np.arange(3.0), reverse=True)
    assert (last.item(), ys.tolist()) == (0.0, [1.0, 2.0, -1.0])


def test_scan_by_length():
    last, ys = gg.scan(lambda c, _: (c * 2, None), 1.0, length=5)
    assert (last.item(), ys) == (32.0, None)


W, X, H0 = RNG.normal(size=(3, 3)) / 2, RNG.normal(size=(6, 3)), RNG.normal(size=3)


def recurrent(w, h, checkpoint=False):
    last, ys = gg.scan(lambda h, x: (gg.tanh(w @ h + x), gg.sum(h * x)), h, X, checkpoint=checkpoint)
    return gg.sum(last * last) + gg.sum(ys**2)


def recurrent_in_python(w, h):
    total = 0.0
    for x in X:
        total = total + gg.sum(h * x) ** 2
        h = gg.tanh(w @ h + x)
    return gg.sum(h * h) + total


@pytest.mark.parametrize("checkpoint", [False, True, 1, 4, 100])
def test_scan_is_the_loop_written_out_in_every_mode(checkpoint):
    def scanned(w, h):
        return recurrent(w, h, checkpoint)

    v = RNG.normal(size=H0.shape)
    for found, expected in [
        (scanned(W, H0), recurrent_in_python(gg.asarray(W), gg.asarray(H0))),
        (gg.grad(scanned)(W, H0), gg.grad(recurrent_in_python)(W, H0)),
        (gg.grad(scanned, 1)(W, H0), gg.grad(recurrent_in_python, 1)(W, H0)),
        (
            gg.jvp(lambda h: scanned(W, h), (H0,), (v,))[1],
            gg.jvp(lambda h: recurrent_in_python(gg.asarray(W), h), (H0,), (v,))[1],
        ),
        (gg.hessian(scanned, 1)(W, H0), gg.hessian(recurrent_in_python, 1)(W, H0)),
        (
            gg.vmap(gg.grad(scanned, 1), in_axes=(None, 0))(W, np.stack([H0, v])),
            gg.stack([gg.grad(recurrent_in_python, 1)(W, h) for h in (H0, v)]),
        ),
        (
            gg.vmap(gg.vmap(gg.grad(scanned), in_axes=(None, 0)), in_axes=(0, None))(
                np.stack([W, W.T]), np.stack([H0, v])
            )[1, 0],
            gg.grad(recurrent_in_python)(W.T, H0),
        ),
        (
            gg.grad(lambda h: gg.sum(gg.grad(scanned, 1)(W, h) ** 2))(H0),
            gg.grad(lambda h: gg.sum(gg.grad(recurrent_in_python, 1)(gg.asarray(W), h) ** 2))(H0),
        ),
    ]:
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-10)


def test_cond_runs_only_the_branch_that_is_meant():
    def never():
        raise AssertionError("this branch was not chosen")

    assert gg.cond(True, lambda: gg.asarray(1.0), never).item() == 1.0
    assert gg.cond(gg.asarray(False), never, lambda: gg.asarray(2.0)).item() == 2.0


def test_cond_in_every_mode():
    def f(x):
        return gg.cond(x > 1.0, lambda x: x**3, lambda x: gg.sin(x), x)

    for x, first, second in ((2.0, 12.0, 12.0), (0.5, np.cos(0.5), -np.sin(0.5))):
        x = np.array(x)
        assert gg.grad(f)(x).item() == pytest.approx(first)
        assert gg.jvp(f, (x,), (np.array(1.0),))[1].item() == pytest.approx(first)
        assert gg.hessian(f)(x).item() == pytest.approx(second)
    np.testing.assert_allclose(gg.vmap(gg.grad(f))(np.array([2.0, 0.5])).numpy(), [12.0, np.cos(0.5)])
    np.testing.assert_allclose(
        gg.grad(lambda x: gg.sum(gg.vmap(f)(x)))(np.array([2.0, 0.5])).numpy(), [12.0, np.cos(0.5)]
    )


def newton_square_root(a, max_steps=None):
    return gg.while_loop(
        lambda x: gg.abs(x * x - a) > 1e-13, lambda x: (x + a / x) / 2, gg.ones_like(a), max_steps=max_steps
    )


def test_while_loop_in_every_mode():
    a = np.array(7.0)
    assert newton_square_root(gg.asarray(a)).item() == pytest.approx(np.sqrt(7))
    slope = 0.5 / np.sqrt(7)
    assert gg.jvp(newton_square_root, (a,), (np.array(1.0),))[1].item() == pytest.approx(slope, rel=1e-9)
    assert gg.grad(lambda a: newton_square_root(a, 30))(a).item() == pytest.approx(slope, rel=1e-9)
    stack = np.array([7.0, 3.0, 100.0])
    np.testing.assert_allclose(gg.vmap(newton_square_root)(stack).numpy(), np.sqrt(stack))
    np.testing.assert_allclose(
        gg.vmap(gg.grad(lambda a: newton_square_root(a, 30)))(stack).numpy(), 0.5 / np.sqrt(stack), rtol=1e-6
    )


def test_while_loop_to_second_order():
    def f(x):
        return gg.while_loop(lambda s: s < 100.0, lambda s: s * s, x, max_steps=10)

    assert f(gg.asarray(3.0)).item() == 6561.0
    assert gg.grad(gg.grad(f))(np.array(3.0)).item() == pytest.approx(8 * 7 * 3**6)
    assert gg.hessian(f)(np.array(3.0)).item() == pytest.approx(8 * 7 * 3**6)


def test_control_flow_can_be_traced():
    def f(x):
        y = gg.cond(x > 0.0, lambda x: x * 2, lambda x: -x, x)
        return gg.while_loop(lambda s: s < 10.0, lambda s: s * 2, y, max_steps=8)

    graph = gg.trace(f, gg.Spec((), "float64"))
    for x in (1.5, -3.0, 20.0):
        assert graph.forward(x).item() == f(gg.asarray(np.array(x))).item()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.scan(lambda c, x: ({"h": c["h"], "n": 1}, None), {"h": gg.zeros(3)}, length=2),
            ShapeError,
            "scan carries a state of one structure, shape and dtype from step to step; <lambda> got "
            "{'h': float32[3]} and returned {'h': float32[3], 'n': int64[]}",
        ),
        (
            lambda: gg.while_loop(lambda c: c < 3, lambda c: c + 0.5, 1),
            ShapeError,
            "while_loop carries a state of one structure, shape and dtype from step to step; <lambda> got "
            "int64[] and returned float32[]",
        ),
        (
            lambda: gg.scan(lambda c, x: c, 0.0, length=2),
            ArgumentError,
            "scan needs a function that returns a pair (carry, y); <lambda> returned Tensor. "
            "Return (carry, None) if there is no y.",
        ),
        (
            lambda: gg.scan(lambda c, x: (c, None), 0.0),
            ShapeError,
            "scan needs xs with equal first axes, or a length, or both equal; got neither",
        ),
        (
            lambda: gg.scan(lambda c, x: (c, None), 0.0, (np.zeros(2), np.zeros(3))),
            ShapeError,
            "scan needs xs with equal first axes, or a length, or both equal; got first axes of [2, 3]",
        ),
        (
            lambda: gg.cond(gg.asarray([True]), gg.sin, gg.cos, 1.0),
            DTypeError,
            "cond decides by a single boolean; got bool of shape (1,). Compare first, for example x > 0; gg.any and "
            "gg.all make one boolean of many.",
        ),
        (
            lambda: gg.vmap(lambda x: gg.cond(x > 0, lambda x: x, lambda x: (x, x), x))(np.ones(2)),
            ShapeError,
            "cond needs two functions that return the same; <lambda> returned float64[], "
            "<lambda> returned (float64[], float64[])",
        ),
        (
            lambda: gg.grad(lambda x: gg.while_loop(lambda s: s < 9.0, lambda s: s * 2, x))(1.0),
            GraphError,
            "reverse mode through while_loop keeps every step, so it needs a stated bound: "
            "while_loop(..., max_steps=n). Forward mode (gg.jvp) needs none.",
        ),
        (
            lambda: gg.while_loop(lambda s: s < 9.0, lambda s: s, 1.0, max_steps=5),
            ArgumentError,
            "while_loop has not ended after max_steps=5: <lambda> still holds. "
            "Allow more steps, or look at why it does not end.",
        ),
    ],
)
def test_mistakes(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.message == message
