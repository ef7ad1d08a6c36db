"""Parameters and buffers: the cells whose value can be replaced."""

import copy

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.nn import Buffer, Parameter


def test_a_parameter_is_a_leaf_that_requires_a_gradient():
    p = Parameter([1.0, 2.0])
    assert isinstance(p, gg.Tensor)
    assert (p.requires_grad, p.is_leaf, p.dtype, p.shape) == (True, True, gg.float32, (2,))
    assert p.grad is None


def test_a_parameter_holds_a_copy():
    data = np.array([1.0, 2.0])
    p = Parameter(data)
    data[0] = 99.0
    assert p.tolist() == [1.0, 2.0]
    assert p.dtype == gg.float64


def test_assign_replaces_the_value():
    p = Parameter([1.0, 2.0])
    assert p.assign(gg.tensor([3.0, 4.0])) is p
    assert p.tolist() == [3.0, 4.0]
    p.assign([5, 6])
    assert (p.tolist(), p.dtype) == ([5.0, 6.0], gg.float32)
    p.assign(np.array([7, 8], np.float32))
    assert p.tolist() == [7.0, 8.0]


def test_an_assigned_array_may_change_afterwards():
    p, array = Parameter([1.0, 2.0]), np.array([3.0, 4.0], np.float32)
    p.assign(array)
    array[:] = 0.0
    assert p.tolist() == [3.0, 4.0]
    shared = gg.asarray(array)
    p.assign(shared)
    array[:] = 9.0
    assert p.tolist() == [0.0, 0.0]


def test_values_read_before_assign_stay():
    p = Parameter([1.0])
    array, constant = p.numpy(), p.detach()
    p.assign([2.0])
    assert array.tolist() == constant.tolist() == [1.0]


def test_a_tape_recorded_before_assign_keeps_the_old_value_and_still_delivers():
    p = Parameter([3.0])
    loss = (p * p).sum()
    p.assign([100.0])
    loss.backward()
    assert p.grad.tolist() == [6.0]  # 2p at the value of then
    (p * p).sum().backward()
    assert p.grad.tolist() == [206.0]


def test_a_buffer_read_before_assign_keeps_the_old_value_in_the_tape():
    b, x = Buffer([2.0]), gg.tensor([1.0], requires_grad=True)
    loss = (b * x).sum()
    b.assign([50.0])
    second = (b * x).sum()
    loss.backward()
    assert x.grad.tolist() == [2.0]
    second.backward()
    assert x.grad.tolist() == [52.0]
    assert b.grad is None
    assert not b.requires_grad


def test_the_gradient_stays_over_assign():
    p = Parameter([3.0])
    (2.0 * p).sum().backward()
    p.assign([1.0])
    assert p.grad.tolist() == [2.0]


def test_assign_remembers_no_history():
    p = Parameter([3.0])
    p.assign(p * p)
    assert p.is_leaf
    (2.0 * p).sum().backward()
    assert p.grad.tolist() == [2.0]


def test_a_transposed_value_is_stored_in_order():
    p = Parameter(np.zeros((2, 3)))
    p.assign(np.arange(6.0).reshape(3, 2).T)
    assert p.value.flags.c_contiguous
    assert p.tolist() == [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]


def test_a_frozen_parameter_gets_no_gradient_until_it_is_thawed():
    p, q = Parameter([3.0], requires_grad=False), Parameter([1.0])
    (p * q).sum().backward()
    assert (p.grad, q.grad.tolist()) == (None, [3.0])
    p.assign([5.0])
    assert not p.requires_grad
    p.requires_grad = True
    (p * q).sum().backward()
    assert p.grad.tolist() == [1.0]
    p.requires_grad = False
    p.assign([4.0])
    y = p * 2.0
    assert not y.requires_grad
    assert y.tolist() == [8.0]


def test_the_name_and_the_place_stay_over_assign():
    p = Parameter([3.0])
    p.node.name = "w"
    place = p.node.place
    assert place.startswith("test_parameter.py:")
    p.assign([4.0])
    assert (p.node.name, p.node.place) == ("w", place)
    assert gg.graph_of(p * 2.0).inputs[0].name == "w"


def test_copies_are_independent():
    p = Parameter([3.0])
    p.grad = gg.tensor([1.0])
    for twin in (copy.deepcopy(p), copy.deepcopy([p])[0]):
        (twin * 2.0).sum().backward()
        assert twin.grad.tolist() == [2.0]
        twin.assign([7.0])
    assert (p.tolist(), p.grad.tolist()) == ([3.0], [1.0])
    b = Buffer([1])
    copy.deepcopy(b).assign([2])
    assert b.tolist() == [1]


def test_representation():
    assert repr(Parameter([1.0])) == "Parameter(tensor([1.], requires_grad=True))"
    assert repr(Buffer([[1], [2]])) == "Buffer(tensor([[1],\n               [2]]))"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Parameter([1, 2]),
            gg.DTypeError,
            "only floating-point tensors can require a gradient; got dtype int64.",
        ),
        (
            lambda: Parameter([1.0, 2.0]).assign([[1.0, 2.0]]),
            gg.ShapeError,
            "a Parameter keeps its shape, (2,); assign got a value of shape (1, 2)",
        ),
        (
            lambda: Buffer([1.0, 2.0]).assign(3.0),
            gg.ShapeError,
            "a Buffer keeps its shape, (2,); assign got a value of shape ()",
        ),
        (
            lambda: Parameter([1.0, 2.0]).assign(np.zeros(2)),
            gg.DTypeError,
            "a Parameter keeps its dtype, float32; assign got float64. gg.astype(value, gg.float32) converts.",
        ),
    ],
)
def test_mistakes_are_answered(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_a_failed_assign_changes_nothing():
    p = Parameter([1.0, 2.0])
    with pytest.raises(gg.ShapeError):
        p.assign([1.0])
    assert p.tolist() == [1.0, 2.0]


def test_in_place_operators_are_refused_because_they_would_do_nothing():
    p = Parameter([1.0])
    with pytest.raises(gg.ArgumentError) as caught:
        p -= 0.1
    assert caught.value.message == (
        "an operator such as -= would only give the name to a new tensor and leave this Parameter as it was. "
        "Write p.assign(p - step) to change it, or y = p - step for a new tensor."
    )
    with pytest.raises(gg.DTypeError) as caught:
        p[0] = 1.0
    assert caught.value.message == "a Parameter changes as a whole: write p.assign(p.at[index].set(value))"
