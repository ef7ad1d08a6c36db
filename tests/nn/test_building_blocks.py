"""Layers: shapes, values worked out by hand, and what they say when they are misused."""

import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn


def test_linear_by_hand():
    layer = nn.Linear(2, 3)
    layer.weight.assign([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    layer.bias.assign([0.5, 0.0, -0.5])
    assert layer(gg.tensor([[1.0, 10.0]])).tolist() == [[21.5, 43.0, 64.5]]
    assert layer(gg.tensor([1.0, 10.0])).tolist() == [21.5, 43.0, 64.5]
    assert layer(gg.ones((4, 5, 2))).shape == (4, 5, 3)
    assert layer(gg.ones((0, 2))).shape == (0, 3)
    assert layer([[1, 10]]).tolist() == [[21.5, 43.0, 64.5]]
    assert nn.Linear(2, 3, bias=False).bias is None


def test_linear_starts_uniform_within_one_over_the_root_of_the_inputs():
    gg.random.seed(0)
    layer = nn.Linear(100, 200)
    assert (layer.weight.shape, layer.bias.shape) == ((200, 100), (200,))
    w, n = layer.weight.numpy(), 20_000
    assert np.abs(w).max() <= 0.1
    assert np.abs(layer.bias.numpy()).max() <= 0.1
    # U(-0.1, 0.1) has mean 0 and variance 0.01/3; their estimates deviate by 0.1/sqrt(3n) and 0.01/3*sqrt(0.8/n)
    assert abs(w.mean()) < 4 * 0.1 / math.sqrt(3 * n)
    assert abs(w.var() - 0.01 / 3) < 4 * 0.01 / 3 * math.sqrt(0.8 / n)
    assert layer.weight.tolist() != nn.Linear(100, 200).weight.tolist()
    gg.random.seed(0)
    assert layer.weight.tolist() == nn.Linear(100, 200).weight.tolist()


def test_linear_in_float64():
    layer = nn.Linear(2, 1, dtype=gg.float64)
    assert layer.weight.dtype == layer.bias.dtype == gg.float64
    assert layer(gg.ones((1, 2), dtype="float64")).dtype == gg.float64


def test_activations_by_hand():
    x = gg.tensor([-2.0, 0.0, 3.0])
    assert nn.ReLU()(x).tolist() == [0.0, 0.0, 3.0]
    assert nn.LeakyReLU(0.5)(x).tolist() == [-1.0, 0.0, 3.0]
    np.testing.assert_allclose(nn.LeakyReLU()(x).numpy(), [-0.02, 0.0, 3.0], rtol=1e-6)
    np.testing.assert_allclose(nn.ELU(2.0)(x).numpy(), [2 * math.expm1(-2), 0.0, 3.0], rtol=1e-6)
    np.testing.assert_allclose(
        nn.Sigmoid()(x).numpy(), [1 / (1 + math.exp(2)), 0.5, 1 / (1 + math.exp(-3))], rtol=1e-6
    )
    np.testing.assert_allclose(nn.Tanh()(x).numpy(), np.tanh([-2.0, 0.0, 3.0]), rtol=1e-6)
    np.testing.assert_allclose(nn.Softplus()(x).numpy(), np.log1p(np.exp([-2.0, 0.0, 3.0])), rtol=1e-6)
    np.testing.assert_allclose(nn.Softplus(2.0)(x).numpy(), np.log1p(np.exp([-4.0, 0.0, 6.0])) / 2, rtol=1e-6)
    weights = np.exp([-2.0, 0.0, 3.0])
    np.testing.assert_allclose(nn.Softmax(0)(x).numpy(), weights / weights.sum(), rtol=1e-6)
    np.testing.assert_allclose(nn.LogSoftmax(0)(x).numpy(), np.log(weights / weights.sum()), rtol=1e-6)
    table = gg.tensor([[1.0, 2.0], [3.0, 5.0]])
    np.testing.assert_allclose(nn.Softmax(dim=0)(table).numpy().sum(0), [1.0, 1.0], rtol=1e-6)
    assert nn.Identity()(table) is table


@pytest.mark.parametrize(
    ("layer", "slope"),
    [(nn.ReLU(), 0.0), (nn.LeakyReLU(0.1), 0.1), (nn.ELU(0.5), 0.5)],
    ids=["relu", "leaky", "elu"],
)
def test_at_the_kink_the_negative_side_counts(layer, slope):
    assert layer.backward(gg.tensor([0.0]), [1.0]).item() == pytest.approx(slope)


def test_gradients_of_activations():
    for layer in (
        nn.LeakyReLU(0.1),
        nn.ELU(0.7),
        nn.Sigmoid(),
        nn.Tanh(),
        nn.Softplus(3.0),
        nn.Softmax(1),
        nn.LogSoftmax(0),
    ):
        gg.gradcheck(layer, gg.tensor([[-1.5, 0.3], [2.0, -0.1]]))


def test_flatten():
    assert nn.Flatten()(gg.ones((32, 8, 8))).shape == (32, 64)
    assert nn.Flatten()(gg.ones((32, 8))).shape == (32, 8)
    assert nn.Flatten()(gg.ones((0, 8, 8))).shape == (0, 64)
    assert nn.Flatten(0)(gg.ones((2, 3))).shape == (6,)
    assert nn.Flatten(2)(gg.ones((2, 3, 4, 5))).shape == (2, 3, 20)
    assert nn.Flatten(-2)(gg.ones((2, 3, 4, 5))).shape == (2, 3, 20)


def test_dropout_in_training():
    gg.random.seed(1)
    n = 100_000
    y = nn.Dropout(0.2)(gg.ones(n)).numpy()
    assert set(y.tolist()) == {0.0, 1.25}
    assert abs((y == 0).mean() - 0.2) < 4 * math.sqrt(0.2 * 0.8 / n)


def test_dropout_passes_the_gradient_where_it_passed_the_value():
    x = gg.tensor(np.arange(1.0, 101.0), requires_grad=True)
    y = nn.Dropout(0.5)(x)
    y.sum().backward()
    assert x.grad.tolist() == [2.0 if value else 0.0 for value in y.tolist()]
    assert (y.numpy() == np.arange(1.0, 101.0) * x.grad.numpy()).all()


def test_dropout_is_the_identity_in_evaluation_and_for_p_0():
    x, before = gg.ones(3), gg.random.get_state()
    assert nn.Dropout(0.5).eval()(x) is x
    assert nn.Dropout(0.0)(x) is x
    assert nn.functional.dropout(x, 0.5, training=False) is x
    assert gg.random.get_state() == before


def test_dropout_draws_anew_each_time_and_the_same_from_the_same_seed():
    layer, x = nn.Dropout(0.5), gg.ones(100)
    gg.random.seed(3)
    first, second = layer(x).tolist(), layer(x).tolist()
    assert first != second
    gg.random.seed(3)
    assert layer(x).tolist() == first


# --- containers -----------------------------------------------------------------------------------------------


def test_sequential_runs_its_modules_in_order():
    model = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    model[0].weight.assign([[2.0]])
    model[0].bias.assign([-3.0])
    assert model(gg.tensor([[5.0], [1.0]])).tolist() == [[7.0], [0.0]]
    assert nn.Sequential()(gg.ones(2)).tolist() == [1.0, 1.0]


def test_sequential_is_a_sequence():
    layers = [nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1)]
    model = nn.Sequential(*layers)
    assert len(model) == 3
    assert list(model) == layers
    assert model[1] is layers[1]
    assert model[-1] is layers[2]
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    tanh = nn.Tanh()
    model[1] = tanh
    assert list(model) == [layers[0], tanh, layers[2]]
    assert model.append(nn.Sigmoid()) is model
    assert [name for name, _ in model.named_children()] == ["0", "1", "2", "3"]


def test_slices_share_modules_and_keep_names():
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
    tail = model[1:]
    assert type(tail) is nn.Sequential
    assert list(tail) == [model[1], model[2]]
    assert list(tail.state_dict()) == ["2.weight", "2.bias"]
    tail.append(nn.Tanh())
    assert [name for name, _ in tail.named_children()] == ["1", "2", "3"]
    assert len(model) == 3
    assert list(model[::-1]) == list(model)[::-1]


def test_sequential_of_named_modules():
    model = nn.Sequential({"hidden": nn.Linear(1, 2), "act": nn.ReLU()})
    assert list(model.state_dict()) == ["hidden.weight", "hidden.bias"]
    assert model.hidden is model[0]
    model.append(nn.Linear(2, 1))
    assert "2.weight" in model.state_dict()


def test_module_list():
    layers = nn.ModuleList([nn.Linear(1, 1), nn.ReLU()])
    layers.extend([nn.Tanh(), nn.Linear(1, 1, bias=False)])
    assert len(layers) == 4
    assert list(layers.state_dict()) == ["0.weight", "0.bias", "3.weight"]
    assert type(layers[1:3]) is nn.ModuleList
    assert list(layers[1:3]) == list(layers)[1:3]
    assert list(layers[3:].state_dict()) == ["0.weight"]  # a list counts from 0


def test_representations_show_the_settings():
    layers = [
        nn.ReLU(),
        nn.LeakyReLU(0.1),
        nn.ELU(2.0),
        nn.Sigmoid(),
        nn.Tanh(),
        nn.Softplus(3.0),
        nn.Softmax(dim=1),
        nn.LogSoftmax(dim=-1),
        nn.Identity(),
        nn.Flatten(2),
        nn.Dropout(0.2),
        nn.Linear(2, 3, bias=False),
    ]
    assert ", ".join(map(repr, layers)) == (
        "ReLU(), LeakyReLU(negative_slope=0.1), ELU(alpha=2.0), Sigmoid(), Tanh(), Softplus(beta=3.0), Softmax(dim=1), "
        "LogSoftmax(dim=-1), Identity(), Flatten(start_dim=2), Dropout(p=0.2), "
        "Linear(in_features=2, out_features=3, bias=False)"
    )


# --- mistakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: nn.Linear(64, 3)(gg.ones((32, 10))),
            gg.ShapeError,
            "in Linear: Linear expects 64 input features on the last axis; got input of shape (32, 10) "
            "(at test_building_blocks.py:",
        ),
        (
            lambda: nn.Linear(64, 3)(gg.ones((32, 8, 8))),
            gg.ShapeError,
            "in Linear: Linear expects 64 input features on the last axis; got input of shape (32, 8, 8). "
            "Put nn.Flatten() in front (at",
        ),
        (
            lambda: nn.Linear(1, 3)(gg.tensor(1.0)),
            gg.ShapeError,
            "in Linear: Linear expects 1 input features on the last axis; got input of shape ()",
        ),
        (
            lambda: nn.Linear(784 / 2, 3),
            gg.ArgumentError,
            "Linear needs a whole number as in_features; got 392.0. Write 392, or // instead of / if it is computed.",
        ),
        (
            lambda: nn.Linear(3, "4"),
            gg.ArgumentError,
            "Linear needs a whole number as out_features; got '4'.",
        ),
        (lambda: nn.Linear(0, 4), gg.ArgumentError, "Linear needs in_features >= 1; got 0"),
        (
            lambda: nn.Flatten()(gg.ones(5)),
            gg.ShapeError,
            "in Flatten: Flatten(start_dim=1) keeps the axes before 1 and merges the others; got input of shape (5,). "
            "A single sample needs a batch axis: gg.expand_dims(x, 0).",
        ),
        (
            lambda: nn.Dropout(1.0),
            gg.ArgumentError,
            "Dropout needs a probability of dropping 0 <= p < 1; got 1.0",
        ),
        (
            lambda: nn.Dropout(-0.1),
            gg.ArgumentError,
            "Dropout needs a probability of dropping 0 <= p < 1; got -0.1",
        ),
        (
            lambda: nn.Dropout("p"),
            gg.ArgumentError,
            "Dropout needs a probability of dropping 0 <= p < 1; got 'p'",
        ),
        (
            lambda: nn.functional.dropout(gg.ones(2), 7),
            gg.ArgumentError,
            "Dropout needs a probability of dropping 0 <= p < 1; got 7",
        ),
        (
            lambda: nn.Dropout()(gg.tensor([1, 2])),
            gg.DTypeError,
            "in Dropout: Dropout needs a float input; got int64 of shape (2,). gg.astype(x, gg.float32) converts.",
        ),
        (
            lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU),
            gg.ArgumentError,
            "Sequential takes modules; '1' is the class ReLU: write ReLU(...)",
        ),
        (
            lambda: nn.Sequential(nn.Linear(2, 2), gg.relu),
            gg.ArgumentError,
            "Sequential takes modules such as nn.Linear(3, 2) or nn.ReLU(); '1' is the function relu",
        ),
        (
            lambda: nn.ModuleList([3]),
            gg.ArgumentError,
            "ModuleList takes modules such as nn.Linear(3, 2) or nn.ReLU(); '0' is 3 of type int",
        ),
        (
            lambda: nn.Sequential([nn.Linear(2, 2)]),
            gg.ArgumentError,
            "Sequential takes modules one by one: write Sequential(*layers)",
        ),
        (
            lambda: nn.Sequential(nn.ReLU())[1],
            gg.ArgumentError,
            "Sequential holds 1 modules; there is none at index 1",
        ),
        (
            lambda: nn.Sequential(nn.ReLU())["a"],
            gg.ArgumentError,
            "Sequential is indexed by a number or a slice; got 'a'",
        ),
        (
            lambda: nn.ModuleList()(gg.ones(2)),
            gg.GraphError,
            "in ModuleList: a list of modules cannot be called: loop over it in the forward of your own "
            "module, or use nn.Sequential(*layers)",
        ),
    ],
)
def test_mistakes_are_answered(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)
