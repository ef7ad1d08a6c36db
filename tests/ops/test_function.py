"""gg.Function: a user's own op, with the forward and the backward that the user wrote."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, GraphError, ShapeError


class Cube(gg.Function):
    pattern = "scaler: three times the square"

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * 3.0 * x * x


class ScaledSum(gg.Function):
    @staticmethod
    def forward(ctx, x, factor, y):
        ctx.factor = factor
        return x * factor + y

    @staticmethod
    def backward(ctx, upstream):
        return upstream * ctx.factor, None, upstream


class Halved(gg.Function):
    """A straight-through estimator: its backward is not the derivative of its forward, on purpose."""

    @staticmethod
    def forward(ctx, x):
        return gg.round(x)

    @staticmethod
    def backward(ctx, upstream):
        return upstream / 2.0


def test_value_and_gradients_of_every_order():
    f = Cube.apply
    assert f(gg.asarray(2.0)).item() == 8.0
    assert gg.grad(f)(2.0).item() == 12.0
    assert gg.grad(gg.grad(f))(2.0).item() == 12.0
    assert gg.grad(gg.grad(gg.grad(f)))(2.0).item() == 6.0
    assert gg.gradcheck(f, np.array([1.0, -2.0]), order=2).largest_error < 1e-9


def test_arguments_that_are_not_tensors_reach_forward_and_have_no_gradient():
    x, y = gg.tensor([1.0, 2.0], requires_grad=True), gg.tensor([5.0, 6.0], requires_grad=True)
    out = ScaledSum.apply(x, 10.0, y)
    assert out.tolist() == [15.0, 26.0]
    out.backward(gg.asarray([1.0, 2.0]))
    assert x.grad.tolist() == [10.0, 20.0]
    assert y.grad.tolist() == [1.0, 2.0]


def test_backward_may_be_anything():
    assert gg.grad(Halved.apply)(1.7).item() == 0.5


def test_a_tensor_without_gradient_is_a_constant():
    x = gg.tensor([1.0], requires_grad=True)
    y = gg.asarray([2.0])
    ScaledSum.apply(x, 3.0, y).backward()
    assert x.grad.tolist() == [3.0]
    assert y.grad is None


def test_it_is_one_node_with_the_users_name():
    x = gg.tensor(2.0, requires_grad=True, name="x")
    graph = gg.graph_of(Cube.apply(x))
    assert [node.op.name for node in graph.nodes_topologically_sorted()] == ["input", "Cube"]
    assert graph.nodes_topologically_sorted()[1].op.pattern == "scaler: three times the square"
    assert graph.backward()[0].item() == 12.0
    assert graph.forward(3.0).item() == 27.0
    assert graph.backward()[0].item() == 27.0


def test_what_forward_saved_belongs_to_its_own_run():
    """The graph runs the same op on other values in between; backward still uses the first ones."""
    x = gg.tensor(2.0, requires_grad=True)
    y = Cube.apply(x)
    gg.graph_of(y).forward(5.0)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 24.0


def test_forward_runs_once_unless_its_inputs_or_the_order_of_the_derivative_ask_for_more():
    runs = []

    class Counted(Cube):
        @staticmethod
        def forward(ctx, x):
            runs.append(x.item())
            return Cube.forward(ctx, x)

    x = gg.tensor(2.0, requires_grad=True)
    y = Counted.apply(x)
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    assert runs == [2.0]
    y.backward(create_graph=True)  # now what it saved must be connected to x
    assert runs == [2.0, 2.0]


def test_a_warning_of_the_users_own_numpy_code_reaches_the_user():
    class Logarithm(gg.Function):
        @staticmethod
        def forward(ctx, x):
            return gg.asarray(np.log(x.numpy()))

    with pytest.raises(RuntimeWarning, match="divide by zero"):
        Logarithm.apply(gg.asarray([0.0]))


class WrongCount(Cube):
    @staticmethod
    def backward(ctx, upstream):
        return upstream, upstream


class WrongShape(Cube):
    @staticmethod
    def backward(ctx, upstream):
        return gg.sum(upstream)


class NoTensor(Cube):
    @staticmethod
    def forward(ctx, x):
        return 1.0


class Unfinished(gg.Function):
    pass


class WithoutBackward(gg.Function):
    @staticmethod
    def forward(ctx, x):
        return x + 1.0


def through(function):
    gg.sum(function.apply(gg.tensor([1.0, 2.0], requires_grad=True))).backward()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Cube.apply(2.0),
            ArgumentError,
            "Cube.apply needs at least one tensor among its arguments; got none. gg.tensor(x) makes one.",
        ),
        (
            lambda: through(WrongCount),
            ArgumentError,
            "WrongCount.backward must return one gradient (or None) for each of the 1 arguments of forward; "
            "it returned 2",
        ),
        (
            lambda: through(WrongShape),
            ShapeError,
            "WrongShape.backward must return a gradient of shape (2,) for argument 0, the shape of the argument; "
            "it returned shape (). gg.broadcast_to repeats, gg.sum adds up.",
        ),
        (
            lambda: through(NoTensor),
            ArgumentError,
            "NoTensor.forward must return a tensor; it returned float. gg.asarray(result) makes one.",
        ),
        (
            lambda: through(Unfinished),
            GraphError,
            "a gg.Function needs a static method forward(ctx, *inputs)",
        ),
        (
            lambda: through(WithoutBackward),
            GraphError,
            "a gg.Function needs a static method backward(ctx, upstream)",
        ),
    ],
)
def test_mistakes(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message


def test_members_of_a_stack_run_one_by_one():
    """What a user's forward would do with one more axis is not known, so it sees each member as it expects."""
    seen = []

    class Halved(gg.Function):
        @staticmethod
        def forward(ctx, x, factor, y):
            seen.append((x.shape, y.shape))
            ctx.save_for_backward(x, y)
            ctx.factor = factor
            return x * y * factor

        @staticmethod
        def backward(ctx, upstream):
            x, y = ctx.saved_tensors
            return upstream * y * ctx.factor, None, upstream * x * ctx.factor

    x, y = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([7.0, 8.0])
    found = gg.vmap(lambda x, y: Halved.apply(x, 0.5, y), in_axes=(0, None))(x, y)
    assert np.array_equal(found.numpy(), x * y * 0.5)
    assert seen == [((2,), (2,))] * 3
    gradients = gg.vmap(gg.grad(lambda x: gg.sum(Halved.apply(x, 0.5, y) ** 2)))(x).numpy()
    assert np.allclose(gradients, x * y**2 / 2, rtol=1e-14)
