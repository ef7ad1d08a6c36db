"""Initialisation: the distributions, measured on large weights, and the gains of the papers."""

import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.nn import init

SHAPE = (120, 80, 3, 2)
FAN_IN, FAN_OUT = 80 * 6, 120 * 6
N = 120 * 80 * 6


@pytest.fixture
def weight():
    gg.random.seed(11)
    return nn.Parameter(np.zeros(SHAPE))


def has_moments(p, std, bound=None):
    """Whether mean and variance are those of a uniform (up to `bound`) or normal distribution, to 4 deviations."""
    w = p.numpy()
    kurtosis = 3.0 if bound is None else 9 / 5
    assert abs(w.mean()) < 4 * std / math.sqrt(N)
    assert abs(w.var() / std**2 - 1) < 4 * math.sqrt((kurtosis - 1) / N)
    if bound is not None:
        assert bound * (1 - 100 / N) < np.abs(w).max() <= bound


def test_uniform(weight):
    assert init.uniform_(weight, -0.5, 0.5) is weight
    has_moments(weight, 1 / math.sqrt(12), bound=0.5)
    init.uniform_(weight)
    assert 0.0 <= weight.numpy().min() < 0.01
    assert 0.99 < weight.numpy().max() < 1.0


def test_normal(weight):
    init.normal_(weight, mean=5.0, std=0.25)
    weight.assign(weight - 5.0)
    has_moments(weight, 0.25)


def test_xavier(weight):
    std = math.sqrt(2 / (FAN_IN + FAN_OUT))
    init.xavier_normal_(weight)
    has_moments(weight, std)
    init.xavier_uniform_(weight)
    has_moments(weight, std, bound=math.sqrt(6 / (FAN_IN + FAN_OUT)))
    init.xavier_uniform_(weight, gain=5 / 3)
    has_moments(weight, 5 / 3 * std, bound=5 / 3 * math.sqrt(6 / (FAN_IN + FAN_OUT)))


def test_kaiming(weight):
    init.kaiming_normal_(weight)
    has_moments(weight, math.sqrt(2 / FAN_IN))
    init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")
    has_moments(weight, math.sqrt(2 / FAN_OUT))
    init.kaiming_normal_(weight, a=2.0)
    has_moments(weight, math.sqrt(2 / (1 + 4) / FAN_IN))
    init.kaiming_uniform_(weight, nonlinearity="linear")
    has_moments(weight, 1 / math.sqrt(FAN_IN), bound=math.sqrt(3 / FAN_IN))


def test_kaiming_keeps_the_size_of_signals_through_many_relu_layers():
    gg.random.seed(0)
    x = gg.random.normal((64, 200))
    for _ in range(20):
        layer = nn.Linear(200, 200, bias=False)
        init.kaiming_normal_(layer.weight, nonlinearity="relu")
        x = gg.relu(layer(x)).detach()
    # E[x²] stays 1 on average; it would fall to 1e-6 under gain 1. 20 layers of 200 units: the logarithm deviates by
    # about sqrt(20 * 5/200) = 0.7
    assert math.exp(-3) < float(np.square(x.numpy()).mean()) < math.exp(3)


def test_the_default_of_linear_layers_is_pytorchs_kaiming_uniform():
    """kaiming_uniform_ with a = √5 is U(-1/√in, 1/√in)."""
    gg.random.seed(3)
    layer = nn.Linear(50, 20)
    gg.random.seed(3)
    by_init = init.kaiming_uniform_(nn.Parameter(gg.zeros((20, 50))), a=math.sqrt(5.0))
    np.testing.assert_allclose(layer.weight.numpy(), by_init.numpy(), rtol=1e-6)


def test_constants():
    p = nn.Parameter([1.0, 2.0])
    assert init.constant_(p, 3.0).tolist() == [3.0, 3.0]
    assert init.zeros_(p).tolist() == [0.0, 0.0]
    assert init.ones_(p).tolist() == [1.0, 1.0]
    assert p.requires_grad
    assert init.ones_(nn.Buffer([1, 2])).tolist() == [1, 1]


def test_gains():
    assert (
        init.calculate_gain("linear")
        == init.calculate_gain("sigmoid")
        == init.calculate_gain("conv2d")
        == 1.0
    )
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu") == pytest.approx(math.sqrt(2 / 1.0001))
    assert init.calculate_gain("leaky_relu", 1.0) == 1.0
    assert init.calculate_gain("selu") == 0.75


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: init.zeros_(gg.ones(2)),
            gg.ArgumentError,
            "constant_ changes a Parameter or a Buffer; got Tensor. Tensors never change.",
        ),
        (
            lambda: init.xavier_normal_(nn.Linear(2, 2)),
            gg.ArgumentError,
            "xavier_normal_ changes a Parameter or a Buffer; got Linear. Tensors never change.",
        ),
        (
            lambda: init.kaiming_uniform_(nn.Parameter([1.0])),
            gg.ShapeError,
            "kaiming_uniform_ needs a weight with at least 2 axes (out, in, ...); got shape (1,)",
        ),
        (
            lambda: init.kaiming_normal_(nn.Parameter([[1.0]]), mode="in"),
            gg.ArgumentError,
            "kaiming_normal_ needs mode='fan_in' or 'fan_out'; got 'in'",
        ),
        (
            lambda: init.kaiming_normal_(nn.Parameter([[1.0]]), nonlinearity="gelu"),
            gg.ArgumentError,
            "calculate_gain knows conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d, "
            "leaky_relu, linear, relu, selu, sigmoid, tanh; got 'gelu'",
        ),
        (
            lambda: init.normal_(nn.Parameter([1.0]), std=-1.0),
            gg.ArgumentError,
            "normal needs std >= 0; got -1.0",
        ),
    ],
)
def test_mistakes_are_answered(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.message == message
