"""gg.gradcheck on modules and on whole training losses."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.errors import ArgumentError, GradientMismatch

RNG = np.random.default_rng(0)
X = gg.tensor(RNG.normal(size=(6, 3)), gg.float32)
LABELS = gg.tensor(RNG.integers(0, 4, 6))


class Doubled(gg.Function):
    """2 w, with an error of a thousandth in the gradient of the element [3, 2]."""

    @staticmethod
    def forward(ctx, w):
        return w * 2.0

    @staticmethod
    def backward(ctx, upstream):
        factor = np.full(upstream.shape, 2.0)
        factor[3, 2] *= 1.001
        return upstream * gg.asarray(factor)


class Broken(nn.Module):
    def __init__(self, width):
        self.layer1 = nn.Linear(3, width)
        self.others = [nn.Linear(width, 2)]

    def forward(self, x):
        return self.others[0](gg.tanh(x @ Doubled.apply(self.layer1.weight).T + self.layer1.bias))


def model():
    gg.random.seed(1)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4))


def state(module):
    return {name: (array.dtype, array.tobytes()) for name, array in module.state_dict().items()}


def test_a_training_loss():
    network, loss = model(), nn.CrossEntropyLoss()
    before, cells = state(network), [id(p) for p in network.parameters()]
    report = gg.gradcheck(lambda: loss(network(X), LABELS), network, order=2)
    assert [row.variable for row in report.rows[:8:2]] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert report.compared == 2 * (15 + 5 + 20 + 4)
    assert report.largest_error < 1e-9
    assert state(network) == before
    assert [id(p) for p in network.parameters()] == cells
    assert all(p.grad is None for p in network.parameters())


def test_the_module_is_passed_on_if_the_function_takes_it():
    network = model()
    report = gg.gradcheck(lambda m, x: gg.sum(m(x) ** 2), network, X)
    assert [row.variable for row in report.rows[::2]] == [
        "0.weight",
        "0.bias",
        "2.weight",
        "2.bias",
        "argument 1",
    ]


def test_a_wrong_element_is_named_as_in_the_module():
    for width in (4, 40):  # few elements: each is looked at; many: a direction finds it
        broken = Broken(width)
        before = state(broken)
        with pytest.raises(
            GradientMismatch, match=r"^derivative 1 with respect to layer1\.weight\[3, 2\]: automatic"
        ):
            gg.gradcheck(lambda m=broken: gg.sum(m(X) ** 2), broken)
        assert state(broken) == before


def test_scalar_parameters_have_no_index():
    class Scale(nn.Module):
        def __init__(self):
            self.factor = nn.Parameter(3.0)

        def forward(self, x):
            return gg.stop_gradient(self.factor) * x

    with pytest.raises(GradientMismatch, match=r"^derivative 1 with respect to factor: automatic 0"):
        gg.gradcheck(lambda m: m(2.0), Scale())


def test_everything_is_as_before_after_an_error():
    network = model()
    before = state(network)
    calls = []

    def fails_later():
        calls.append(1)
        if len(calls) > 20:
            raise RuntimeError("out of patience")
        return gg.sum(network(X))

    with pytest.raises(RuntimeError, match="out of patience"):
        gg.gradcheck(fails_later, network, modes=("reverse",))
    assert state(network) == before
    assert all(isinstance(p, nn.Parameter) and p.dtype == gg.float32 for p in network.parameters())


def test_weight_decay_counts():
    network = model()

    def decayed():
        penalty = sum(
            gg.sum(gg.stop_gradient(p) * p) for p in network.parameters()
        )  # half of the true gradient
        return gg.sum(network(X)) + penalty

    with pytest.raises(GradientMismatch, match=r"0\.weight\[0, 0\]"):
        gg.gradcheck(decayed, network)


def test_dropout_and_buffers():
    """The same elements are dropped each time, and a running mean does not run."""

    class Counting(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(3, 2)
            self.drop = nn.Dropout(0.5)
            self.mean = nn.Buffer(gg.zeros(2))

        def forward(self, x):
            y = self.drop(self.inner(x))
            self.mean.assign(0.9 * self.mean.detach() + 0.1 * gg.mean(y, axis=0).detach())
            return gg.sum(y * y)

    network = Counting()
    before, random_state = state(network), gg.random.get_state()
    assert gg.gradcheck(lambda: network(X), network, modes=("reverse",)).largest_error < 1e-9
    assert state(network) == before
    assert gg.random.get_state() == random_state


def test_frozen_and_shared_parameters():
    network = model()
    network[0].weight.requires_grad = False
    network[2].weight = nn.Parameter(network[0].weight.numpy().T[:, [0, 1, 2, 3, 4]][[0, 1, 2, 0]])
    report = gg.gradcheck(lambda: gg.sum(network(X)), network)
    assert [row.variable for row in report.rows[::2]] == ["0.bias", "2.weight", "2.bias"]
    twice = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    twice = nn.Sequential(twice[0], nn.Tanh(), twice[0])
    assert gg.gradcheck(lambda: gg.sum(twice(X)), twice).compared == 12


def test_a_parameter_that_is_reached_past_the_module():
    network = model()
    weight = network[0].weight
    with pytest.raises(ArgumentError) as raised:
        gg.gradcheck(lambda: gg.sum(network(X)) + gg.sum(weight), network)
    assert raised.value.message == (
        "gradcheck puts other values in the place of the module's parameters, but the function reads 0.weight past the "
        "module: use model.parameters() inside the function, not outside"
    )
