"""Optimizers: steps worked out by hand, groups, saving, and what they say when they are misused."""

import json
import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn, optim


def with_gradient(value, gradient):
    """A parameter whose gradient is given."""
    p = nn.Parameter(np.array(value, np.float64))
    p.grad = gg.tensor(np.array(gradient, np.float64))
    return p


# --- by hand ----------------------------------------------------------------------------------------------------


def test_gradient_descent():
    p = with_gradient([1.0, 2.0], [0.5, -1.0])
    optim.SGD([p], lr=0.1).step()
    np.testing.assert_allclose(p.numpy(), [0.95, 2.1], rtol=1e-15)


def test_momentum_and_dampening():
    p = with_gradient([0.0], [1.0])
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5, dampening=0.25)
    # the buffer starts as the gradient, undamped: 1; then 0.5 * 1 + 0.75 * 1 = 1.25; then 0.5 * 1.25 + 0.75 = 1.375
    for position in (-1.0, -2.25, -3.625):
        optimizer.step()
        assert p.item() == position


def test_nesterov_looks_ahead():
    p = with_gradient([0.0], [1.0])
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5, nesterov=True)
    # buffer 1, 1.5; steps 1 + 0.5 * 1 and 1 + 0.5 * 1.5
    for position in (-1.5, -3.25):
        optimizer.step()
        assert p.item() == position


def test_weight_decay_pulls_to_zero():
    p = with_gradient([8.0], [0.0])
    optim.SGD([p], lr=0.5, weight_decay=0.25).step()
    assert p.item() == 7.0


def test_adam():
    p = with_gradient([1.0], [2.0])
    optimizer = optim.Adam([p], lr=0.1, betas=(0.5, 0.75), eps=1.0)
    m = v = 0.0
    expected = 1.0
    for t, g in ((1, 2.0), (2, -1.0), (3, 4.0)):
        p.grad = gg.tensor(np.array([g]))
        optimizer.step()
        m, v = 0.5 * m + 0.5 * g, 0.75 * v + 0.25 * g * g
        expected -= 0.1 * (m / (1 - 0.5**t)) / (math.sqrt(v / (1 - 0.75**t)) + 1.0)
        assert p.item() == pytest.approx(expected, rel=1e-14)


def test_adam_of_complex_parameters_follows_the_direction_of_the_gradient():
    p, g = nn.Parameter(np.array([1 + 2j, 0.5j])), np.array([3 + 4j, -0.1j])
    optimizer, m, v, expected = optim.Adam([p], lr=0.1, betas=(0.5, 0.75)), 0.0, 0.0, p.numpy()
    for t in (1, 2, 3):
        p.grad = gg.tensor(g * t)
        optimizer.step()
        m, v = 0.5 * m + 0.5 * g * t, 0.75 * v + 0.25 * np.abs(g * t) ** 2
        expected = expected - 0.1 * (m / (1 - 0.5**t)) / (np.sqrt(v / (1 - 0.75**t)) + 1e-8)
        np.testing.assert_allclose(p.numpy(), expected, rtol=1e-14)
    assert (p.dtype, optimizer.state[p]["exp_avg_sq"].dtype) == (gg.complex128, gg.float64)
    other = optim.Adam([nn.Parameter(p.numpy())], lr=0.1, betas=(0.5, 0.75))
    other.load_state_dict(optimizer.state_dict())
    (q,) = other.parameters()
    for each in (p, q):
        each.grad = gg.tensor(g)
    optimizer.step()
    other.step()
    np.testing.assert_array_equal(q.numpy(), p.numpy())


def test_adam_of_real_numbers_is_adam_of_complex_ones_on_the_real_line():
    for kind in (optim.Adam, optim.AdamW):
        found = []
        for dtype in (np.float64, np.complex128):
            p = nn.Parameter(np.array([1.0, -2.0], dtype))
            optimizer = kind([p], lr=0.1, weight_decay=0.1)
            for step in range(5):
                p.grad = gg.tensor(np.array([0.5 + step, -1.5], dtype))
                optimizer.step()
            found.append(p.numpy())
        np.testing.assert_allclose(found[1], found[0], rtol=1e-14)


def test_adamw_decays_beside_the_gradient():
    p = with_gradient([8.0, -1.0], [0.0, 3.0])
    optim.AdamW([p], lr=0.5, weight_decay=0.25).step()
    # the decay takes lr * weight_decay = 1/8 away; the first step of Adam is lr against the sign of the gradient
    np.testing.assert_allclose(p.numpy(), [7.0, -0.875 - 0.5], rtol=1e-8)


def test_adamw_says_its_own_name():
    with pytest.raises(gg.ArgumentError, match=r"AdamW needs a number weight_decay >= 0; got -1"):
        optim.AdamW([nn.Parameter([1.0])], weight_decay=-1)
    with pytest.raises(gg.ArgumentError, match=r"AdamW needs two betas in \[0, 1\); got \(0.9, 1\)"):
        optim.AdamW([nn.Parameter([1.0])], betas=(0.9, 1))


def test_a_quadratic_is_minimised():
    target = np.array([3.0, -2.0], np.float32)
    for make in (lambda p: optim.SGD(p, lr=0.1, momentum=0.5), lambda p: optim.Adam(p, lr=0.1)):
        p = nn.Parameter([0.0, 0.0])
        optimizer = make([p])
        for _ in range(300):
            optimizer.zero_grad()
            ((p - target) * (p - target)).sum().backward()
            optimizer.step()
        np.testing.assert_allclose(p.numpy(), target, atol=1e-3)


# --- what a step leaves alone -------------------------------------------------------------------------------------


def test_a_parameter_without_gradient_stays():
    p, q = with_gradient([1.0], [1.0]), nn.Parameter([5.0])
    optim.SGD([p, q], lr=1.0, weight_decay=0.5).step()
    assert q.tolist() == [5.0]


def test_a_step_is_not_recorded_even_from_recorded_gradients():
    p = nn.Parameter([2.0])
    (p * p * p).sum().backward(create_graph=True)
    for optimizer in (optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.1), optim.Adam([p])):
        optimizer.step()
        assert p.is_leaf
        assert all(buffer.node is None for buffer in optimizer.state[p].values())


def test_the_gradient_stays_until_zero_grad():
    p = with_gradient([1.0], [3.0])
    optimizer = optim.SGD([p], lr=0.1)
    optimizer.step()
    assert p.grad.tolist() == [3.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_dtypes_stay():
    for dtype in (np.float32, np.float64):
        p = nn.Parameter(np.ones(2, dtype))
        p.grad = gg.tensor(np.ones(2, dtype))
        optimizer = optim.Adam([p], weight_decay=0.1)
        optimizer.step()
        assert p.dtype == optimizer.state[p]["exp_avg"].dtype == dtype


# --- groups -------------------------------------------------------------------------------------------------------


def test_groups_have_settings_of_their_own():
    p, q = with_gradient([1.0], [1.0]), with_gradient([1.0], [1.0])
    optimizer = optim.SGD([{"params": [p]}, {"params": q, "lr": 0.5}], lr=0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.5]
    optimizer.param_groups[0]["lr"] = 0.125
    optimizer.step()
    assert (p.item(), q.item()) == (0.875, 0.5)
    r = with_gradient([1.0], [1.0])
    optimizer.add_param_group({"params": [r], "lr": 1.0})
    optimizer.step()
    assert r.item() == 0.0


def test_parameters_may_come_as_any_iterable():
    layer = nn.Linear(2, 1)
    optimizer = optim.SGD(layer.parameters())
    assert optimizer.parameters() == [layer.weight, layer.bias]
    assert optimizer.param_groups[0]["lr"] == 0.001


def test_representation():
    optimizer = optim.Adam(
        [{"params": nn.Linear(2, 1).parameters()}, {"params": [nn.Parameter([1.0])], "lr": 0.5}]
    )
    assert repr(optimizer) == (
        "Adam(\n"
        "  2 parameters: lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0\n"
        "  1 parameters: lr=0.5, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0\n"
        ")"
    )


def test_missing_parameters():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    assert optim.missing_parameters(model, optim.SGD(model.parameters())) == []
    head = optim.SGD(model[1].parameters())
    assert optim.missing_parameters(model, head) == ["0.weight", "0.bias"]
    model[0].requires_grad_(False)
    assert optim.missing_parameters(model, head) == []


# --- saving and loading ---------------------------------------------------------------------------------------------


def train(model, optimizer, steps):
    for step in range(steps):
        optimizer.zero_grad()
        y = model(gg.tensor([[1.0, -0.5 * step]]))
        (y * y).sum().backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda p: optim.SGD(p, lr=0.01), []),
        (lambda p: optim.SGD(p, lr=0.01, momentum=0.9), ["0.momentum_buffer", "1.momentum_buffer"]),
        (
            lambda p: optim.Adam(p, lr=0.01),
            ["0.step", "0.exp_avg", "0.exp_avg_sq", "1.step", "1.exp_avg", "1.exp_avg_sq"],
        ),
    ],
    ids=["sgd", "momentum", "adam"],
)
def test_training_goes_on_bit_for_bit_from_a_saved_state(make, names):
    first, second = nn.Linear(2, 1), nn.Linear(2, 1)
    optimizer = make(first.parameters())
    train(first, optimizer, 5)
    state = optimizer.state_dict()
    assert list(state["state"]) == names
    assert all(type(array) is np.ndarray for array in state["state"].values())
    groups = json.loads(json.dumps(state["param_groups"]))
    assert groups[0]["params"] == [0, 1]
    second.load_state_dict(first.state_dict())
    train(first, optimizer, 5)  # must not change the saved state
    again = make(second.parameters())
    again.load_state_dict({"state": state["state"], "param_groups": groups})
    train(second, again, 5)
    assert second.weight.tolist() == first.weight.tolist()
    assert second.bias.tolist() == first.bias.tolist()


def test_loading_restores_settings():
    p = nn.Parameter([1.0])
    optimizer = optim.SGD([p], lr=0.1)
    state = optim.SGD([nn.Parameter([1.0])], lr=0.7, momentum=0.3).state_dict()
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.7
    assert optimizer.param_groups[0]["momentum"] == 0.3
    assert optimizer.param_groups[0]["params"] == [p]


def saved(kind=optim.Adam, shapes=((2,), (3,))):
    parameters = [nn.Parameter(np.zeros(shape)) for shape in shapes]
    optimizer = kind(parameters)
    for p in parameters:
        p.grad = gg.ones(p.shape, dtype="float64")
    optimizer.step()
    return optimizer.state_dict()


def without(state, name):
    return {**state, "state": {key: array for key, array in state["state"].items() if key != name}}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"state": {}}, 'Adam loads a dict with "state" and "param_groups"; got {\'state\': {}} (dict)'),
        (
            saved(optim.SGD),
            "the saved optimizer had the settings dampening, lr, momentum, nesterov, weight_decay; Adam has betas, "
            "eps, lr, weight_decay. Make the same optimizer as then.",
        ),
        (
            saved(shapes=((2,),)),
            "the saved Adam had 1 parameters; this one has 2. Make it with the parameters of the same model, in "
            "the same groups.",
        ),
        (
            saved(shapes=((3,), (3,))),
            "the saved state '0.exp_avg' is float64 of shape (3,); parameter 0 is float64 of shape (2,). "
            "Make the optimizer with the parameters of the same model, in the same order.",
        ),
        (
            {**saved(), "state": {"7.exp_avg": np.zeros(2)}},
            "the saved state '7.exp_avg' belongs to none of the 2 parameters",
        ),
        (
            without(saved(), "1.exp_avg"),
            "the saved state of a parameter has exp_avg_sq, step; Adam keeps step, exp_avg, exp_avg_sq. "
            "Make the same optimizer as then.",
        ),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(state, message):
    optimizer = optim.Adam([nn.Parameter(np.zeros(2)), nn.Parameter(np.zeros(3))], lr=0.5)
    with pytest.raises(gg.CheckpointError) as caught:
        optimizer.load_state_dict(state)
    assert caught.value.message == message
    assert (optimizer.state, optimizer.param_groups[0]["lr"]) == ({}, 0.5)


# --- mistakes -------------------------------------------------------------------------------------------------------


def twice():
    p = nn.Parameter([1.0, 2.0])
    return optim.SGD([p, nn.Parameter([1.0]), p])


def used_generator():
    parameters = nn.Linear(1, 1).parameters()
    list(parameters)
    return optim.SGD(parameters)


def twice_in_groups():
    p = nn.Parameter([1.0, 2.0])
    return optim.SGD([{"params": [p]}, {"params": [p]}])


EMPTY = (
    "SGD got no parameters: pass model.parameters(), of a model that has some. "
    "A generator such as model.parameters() is empty once it has been used."
)
TWICE = ", of shape (2,), twice: it would be changed twice in each step. List it once."


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optim.SGD([]), EMPTY),
        (lambda: optim.SGD(nn.ReLU().parameters()), EMPTY),
        (used_generator, EMPTY),
        (
            lambda: optim.SGD(nn.Linear(1, 1)),
            "SGD takes parameters, not the model itself: pass model.parameters()",
        ),
        (
            lambda: optim.Adam([nn.Parameter([1.0]), gg.tensor([1.0], requires_grad=True)]),
            "Adam changes nn.Parameter objects; number 1 is tensor([1.], requires_grad=True) (Tensor). "
            "A module keeps its own in module.parameters(); nn.Parameter(x) makes one.",
        ),
        (
            lambda: optim.SGD(nn.Linear(1, 1).state_dict()),
            "SGD takes a list of parameters, such as model.parameters(); got {'weight': array(",
        ),
        (
            lambda: optim.SGD(3.0),
            "SGD takes a list of parameters, such as model.parameters(); got 3.0 (float)",
        ),
        (twice, "SGD got the parameter number 2" + TWICE),
        (twice_in_groups, "SGD got the parameter number 0" + TWICE),
        (
            lambda: optim.SGD([{"parameters": []}]),
            "SGD takes parameters, or dicts with \"params\" in them; got {'parameters': []} (dict)",
        ),
        (
            lambda: optim.SGD([{"params": [nn.Parameter([1.0])], "learning_rate": 1.0}]),
            "SGD has no setting 'learning_rate'; it has lr, momentum, dampening, weight_decay, nesterov",
        ),
        (lambda: optim.SGD([nn.Parameter([1.0])], lr=-0.1), "SGD needs a number lr >= 0; got -0.1"),
        (lambda: optim.SGD([nn.Parameter([1.0])], lr="0.1"), "SGD needs a number lr >= 0; got '0.1'"),
        (lambda: optim.SGD([nn.Parameter([1.0])], lr=float("nan")), "SGD needs a number lr >= 0; got nan"),
        (lambda: optim.SGD([nn.Parameter([1.0])], momentum=-1), "SGD needs a number momentum >= 0; got -1"),
        (
            lambda: optim.SGD([nn.Parameter([1.0])], weight_decay=-1.0),
            "SGD needs a number weight_decay >= 0; got -1.0",
        ),
        (
            lambda: optim.SGD([nn.Parameter([1.0])], nesterov=True),
            "SGD needs momentum > 0 and dampening = 0 for nesterov; got momentum=0.0, dampening=0.0",
        ),
        (
            lambda: optim.SGD([nn.Parameter([1.0])], momentum=0.9, dampening=0.1, nesterov=True),
            "SGD needs momentum > 0 and dampening = 0 for nesterov; got momentum=0.9, dampening=0.1",
        ),
        (
            lambda: optim.SGD([{"params": [nn.Parameter([1.0])], "lr": -3.0}]),
            "SGD needs a number lr >= 0; got -3.0",
        ),
        (lambda: optim.Adam([nn.Parameter([1.0])], lr=-0.1), "Adam needs a number lr >= 0; got -0.1"),
        (lambda: optim.Adam([nn.Parameter([1.0])], eps=-1.0), "Adam needs a number eps >= 0; got -1.0"),
        (
            lambda: optim.Adam([nn.Parameter([1.0])], betas=(0.9, 1.0)),
            "Adam needs two betas in [0, 1); got (0.9, 1.0)",
        ),
        (lambda: optim.Adam([nn.Parameter([1.0])], betas=0.9), "Adam needs two betas in [0, 1); got 0.9"),
    ],
)
def test_mistakes_are_answered(call, message):
    with pytest.raises(gg.ArgumentError) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_a_step_without_gradients_says_what_to_call():
    optimizer = optim.Adam(nn.Linear(2, 1).parameters())
    with pytest.raises(gg.GraphError) as caught:
        optimizer.step()
    assert caught.value.message == (
        "Adam.step() found no gradient on any of its 2 parameters: call loss.backward() first, and zero_grad() before "
        "backward() or after step()"
    )
