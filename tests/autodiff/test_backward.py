"""`backward` and `.grad`: accumulation, what is freed and kept, and why there may be nothing to go back through."""

import inspect

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import GraphError, ShapeError


def line():
    return inspect.currentframe().f_back.f_lineno


def test_gradients_add_up_at_a_branch():
    x = gg.tensor(3.0, requires_grad=True)
    (x * x + x * 5.0 + x).backward()
    assert x.grad.item() == 6.0 + 5.0 + 1.0


def test_gradients_add_up_over_calls():
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    for _ in range(3):
        gg.sum(x * x).backward()
    assert x.grad.tolist() == [6.0, 12.0]
    x.grad = None
    gg.sum(x).backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_deep_ladder_of_branches():
    """Each rung doubles: 2**30 paths, which must not be walked one by one."""
    x = gg.tensor(1.0, dtype="float64", requires_grad=True)
    y = x
    for _ in range(30):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**30


def test_upstream():
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    (x * x).backward([10.0, 1.0])
    assert x.grad.tolist() == [20.0, 4.0]
    (x * x).backward(np.array([1, 0]))
    assert x.grad.tolist() == [22.0, 4.0]
    (x * x).backward(upstream=gg.ones(2, dtype="float64"))
    assert x.grad.dtype == gg.float32
    y = gg.tensor(1.0, dtype="float64", requires_grad=True)
    (y * 1.0).backward(0.1)
    assert y.grad.item() == 0.1  # with all its digits


def test_a_leaf_is_its_own_graph():
    x = gg.tensor(2.0, requires_grad=True)
    x.backward()
    x.backward()
    assert x.grad.item() == 2.0


def test_only_variables_collect_gradients():
    x, constant = gg.tensor(2.0, requires_grad=True), gg.asarray(3.0)
    (x * constant).backward()
    assert constant.grad is None


def test_retain_grad_keeps_the_gradient_of_an_intermediate_result():
    x = gg.tensor(2.0, requires_grad=True)
    square = (x * x).retain_grad()
    (square * 3.0).backward()
    assert (square.grad.item(), x.grad.item()) == (3.0, 12.0)
    x.retain_grad()  # a leaf does so anyway
    (x * x).backward()
    assert x.grad.item() == 16.0


def test_retain_graph():
    x = gg.tensor(2.0, requires_grad=True)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8.0


def test_create_graph():
    x = gg.tensor(2.0, requires_grad=True)
    (x * x * x).backward(create_graph=True)
    first, x.grad = x.grad, None
    first.backward()
    assert (first.item(), x.grad.item()) == (12.0, 12.0)


def test_gradient_penalty_by_create_graph():
    """loss = f + |df/dx|² with f = w x²: df/dx = 2 w x, so dloss/dw = x² + 8 w x²."""
    x = gg.tensor(3.0, dtype="float64", requires_grad=True)
    w = gg.tensor(0.5, dtype="float64", requires_grad=True)
    f = w * x * x
    f.backward(create_graph=True)
    slope, w.grad = x.grad, None
    (f + slope * slope).backward()
    assert w.grad.item() == pytest.approx(9.0 + 8 * 0.5 * 9.0, rel=1e-15)


def test_a_mask_shared_by_two_losses_survives_the_first_backward():
    """The mask has no gradient, so the second backward does not pass through it and cannot see that it was freed."""
    x = gg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    mask = x > 1.5
    first, second = gg.sum(gg.where(mask, x, 0.0)), gg.sum(gg.where(mask, x * 2.0, 0.0))
    first.backward()
    second.backward()
    assert x.grad.tolist() == [0.0, 3.0, 3.0]


def test_positions_and_stopped_values_shared_by_two_losses():
    x = gg.tensor([3.0, 1.0, 2.0], requires_grad=True)
    order, scale = gg.argsort(x), gg.stop_gradient(x * 1.0)
    weights = gg.asarray([1.0, 10.0, 100.0])
    losses = [
        gg.sum(gg.take_along_axis(x, order) * weights),
        gg.sum(gg.take_along_axis(x * 2.0, order) * weights),
    ]
    losses += [gg.sum(x * scale), gg.sum(x * scale)]
    for loss in losses:
        loss.backward()
    assert x.grad.tolist() == [3 * 100 + 2 * 3, 3 * 1 + 2 * 1, 3 * 10 + 2 * 2]


def test_a_graph_made_later_from_a_freed_result_still_works_where_it_does_not_pass_it():
    x = gg.tensor(2.0, requires_grad=True)
    square = x * x
    (square * 3.0).backward()
    (gg.stop_gradient(square) * x).backward()
    assert x.grad.item() == 12.0 + 4.0


def refused(call):
    with pytest.raises(GraphError) as raised:
        call()
    return raised.value.message


def test_not_a_number():
    assert refused(lambda: (gg.tensor([1.0, 2.0], requires_grad=True) * 2.0).backward()) == (
        "backward() of a tensor of shape (2,) needs an upstream gradient of that shape. Reduce it to a single number "
        "first (for example loss.mean()), or pass one: backward(upstream)."
    )


def test_upstream_of_another_shape():
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ShapeError) as raised:
        (x * 2.0).backward(gg.ones(3))
    assert raised.value.message == (
        "the upstream gradient must have the shape of the result, (2,); got (3,). "
        "It is the gradient of the loss with respect to this result."
    )


def test_freed():
    x = gg.tensor(2.0, requires_grad=True)
    square = x * x
    first, second = square * 2.0, square * 3.0
    first.backward()
    freed = f"test_backward.py:{line() - 1}"
    expected = (
        f"the graph behind this result was freed by the backward() at {freed}. "
        "Run the forward computation again, or pass retain_graph=True to that backward()."
    )
    assert refused(first.backward) == expected
    assert refused(second.backward) == expected
    assert refused(lambda: (square + 1.0).backward()) == expected
    assert x.grad.item() == 8.0  # and the failed attempts added nothing


NOTHING = "backward() has nothing to go back through: "


def test_detached():
    x = gg.tensor(2.0, requires_grad=True)
    cut = x.detach()
    where = f"test_backward.py:{line() - 1}"
    assert refused(lambda: (cut * 3.0 + 1.0).backward()) == (
        f"{NOTHING}a tensor this result depends on was detached by .detach() at {where}. "
        "Remove that, or keep it out of the path from the parameters to the loss."
    )


def test_under_no_grad():
    x = gg.tensor(2.0, requires_grad=True)
    with gg.no_grad():
        y = x * 3.0
        where = f"test_backward.py:{line() - 1}"
        y = y + 1.0
    assert refused(lambda: gg.sum(y).backward()) == (
        f"{NOTHING}a tensor this result depends on was computed under gg.no_grad() at {where}. "
        "Remove that, or keep it out of the path from the parameters to the loss."
    )


def test_never_required():
    assert refused(lambda: gg.sum(gg.ones(3) * 2.0).backward()) == (
        f"{NOTHING}no tensor in this computation required a gradient. Make the variables with gg.tensor(..., "
        "requires_grad=True) or nn.Parameter; and compute with gg's functions, because what goes through .item(), "
        "float(), .numpy() or math leaves the graph."
    )
    x = gg.tensor([1.0], requires_grad=True)
    assert refused(gg.asarray(x.numpy()).backward).startswith(
        f"{NOTHING}no tensor in this computation required"
    )


@pytest.mark.parametrize(
    ("stop", "name", "reason"),
    [
        (gg.argmax, "argmax", "its result is a position, an integer"),
        (gg.argsort, "argsort", "its result is a permutation, of integers"),
        (lambda x: x > 0.0, "greater", "its result is true or false"),
        (gg.all, "all", "its result is true or false"),
        (lambda x: x.astype("int64"), "astype", "integers and booleans carry no gradient"),
        (gg.stop_gradient, "stop_gradient", "it is there to stop the gradient"),
    ],
)
def test_through_an_op_without_derivative(stop, name, reason):
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    stopped = stop(x)
    where = stopped.node.place
    assert where.startswith("test_backward.py:")
    assert refused(lambda: gg.sum(gg.astype(stopped, gg.float32) * 2.0).backward()) == (
        f"{NOTHING}no gradient passes {name} at {where}, because {reason}. "
        "Keep it out of the path from the parameters to the loss."
    )


def test_an_error_in_the_middle_leaves_grad_as_it_was():
    class Broken(gg.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2.0

        @staticmethod
        def backward(ctx, upstream):
            raise ZeroDivisionError

    x = gg.tensor(1.0, requires_grad=True)
    y = gg.tensor(1.0, requires_grad=True)
    with pytest.raises(ZeroDivisionError):
        (Broken.apply(x) + y * 3.0).backward()
    assert x.grad is None
    assert y.grad is None
