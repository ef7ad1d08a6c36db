"""LSTM layers: one step by hand, sequences step by step, and what they say when misused."""

import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step_by_hand(cell, x, h, c):
    """The formulas of an LSTM, in NumPy."""
    w = {name: p.numpy() for name, p in cell.named_parameters()}
    gates = x @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"]
    i, f, g, o = np.split(gates, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def test_a_step_by_hand(rng):
    cell = nn.LSTMCell(3, 2, dtype=gg.float64)
    x, h, c = rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    for found, expected in zip(cell(x, (h, c)), step_by_hand(cell, x, h, c), strict=True):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    zeros = np.zeros((4, 2))
    for found, expected in zip(cell(x), step_by_hand(cell, x, zeros, zeros), strict=True):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_sequence_is_steps_of_a_cell(rng, batch_first):
    lstm, cell = nn.LSTM(3, 2, batch_first=batch_first, dtype=gg.float64), nn.LSTMCell(3, 2, dtype=gg.float64)
    cell.load_state_dict({name.removesuffix("_l0"): array for name, array in lstm.state_dict().items()})
    x, h, c = rng.normal(size=(5, 4, 3)), rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    output, (last_h, last_c) = lstm(np.moveaxis(x, 0, 1) if batch_first else x, (h[None], c[None]))
    for t, step in enumerate(x):
        h, c = (y.numpy() for y in cell(step, (h, c)))
        np.testing.assert_allclose((output[:, t] if batch_first else output[t]).numpy(), h, rtol=1e-12)
    np.testing.assert_allclose(last_h[0].numpy(), h, rtol=1e-12)
    np.testing.assert_allclose(last_c[0].numpy(), c, rtol=1e-12)


def test_the_second_direction_reads_from_the_end(rng):
    both, alone = nn.LSTM(3, 2, bidirectional=True, dtype=gg.float64), nn.LSTM(3, 2, dtype=gg.float64)
    x = rng.normal(size=(5, 4, 3))
    output, (h, c) = both(x)
    for place, (suffix, order) in enumerate((("", slice(None)), ("_reverse", slice(None, None, -1)))):
        state = both.state_dict()
        alone.load_state_dict({name: state[name + suffix] for name in alone.state_dict()})
        expected, (last_h, last_c) = alone(x[order])
        part = output[..., 2 * place : 2 * place + 2]
        np.testing.assert_allclose(part.numpy()[order], expected.numpy(), rtol=1e-12)
        np.testing.assert_array_equal(h[place].numpy(), last_h[0].numpy())
        np.testing.assert_array_equal(c[place].numpy(), last_c[0].numpy())


def test_dropout_acts_between_layers_in_training_only():
    gg.random.seed(0)
    lstm, x = nn.LSTM(3, 4, 2, dropout=0.5), gg.ones((6, 2, 3))
    first, second = (lstm(x)[0].numpy() for _ in range(2))
    assert (first != second).any()
    lstm.eval()
    first, second = (lstm(x)[0].numpy() for _ in range(2))
    assert (first == second).all()


def test_the_products_with_the_input_are_one_product():
    graph = gg.trace(
        lambda x, h: nn.LSTM(3, 2)(x, (h, h))[0], *(gg.Spec(s, gg.float32) for s in ((9, 4, 3), (1, 4, 2)))
    )
    shapes = [node.shape for node in graph.body if node.op.name == "matmul"]
    assert shapes.count((36, 8)) == 1
    assert shapes.count((4, 8)) == 9


def test_without_a_state_the_first_step_has_nothing_to_multiply():
    lstm, x = nn.LSTM(3, 2, bidirectional=True), gg.random.normal((9, 4, 3))
    graph = gg.trace(lambda x: lstm(x)[0], gg.Spec((9, 4, 3), gg.float32))
    assert [node.shape for node in graph.body if node.op.name == "matmul"].count((4, 8)) == 2 * 8
    zeros = gg.zeros((2, 4, 2))
    (found, last), (wanted, other) = lstm(x), lstm(x, (zeros, zeros))
    for a, b in zip((found, *last), (wanted, *other), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_weights_that_only_meet_zeros_have_a_gradient():
    lstm = nn.LSTM(3, 2)
    gg.sum(lstm(gg.ones((1, 4, 3)))[0]).backward()
    np.testing.assert_array_equal(lstm.weight_hh_l0.grad.numpy(), np.zeros((8, 2)))


def test_they_start_uniform_within_one_over_the_root_of_the_hidden_size():
    gg.random.seed(0)
    lstm = nn.LSTM(10, 100, 2)
    for p in lstm.parameters():
        assert np.abs(p.numpy()).max() <= 0.1
        # U(-0.1, 0.1) has variance 0.01/3; its estimate deviates by 0.01/3 √(0.8/n)
        assert abs(p.numpy().var() - 0.01 / 3) < 4 * 0.01 / 3 * math.sqrt(0.8 / p.size)


def test_representations():
    assert repr(nn.LSTMCell(3, 2, bias=False)) == "LSTMCell(3, 2, bias=False)"
    shown = "3, 2, num_layers=2, batch_first=True, dropout=0.5, bidirectional=True"
    lstm = nn.LSTM(3, 2, 2, batch_first=True, dropout=0.5, bidirectional=True)
    assert repr(lstm).startswith(f"LSTM({shown})")


def test_a_dropout_without_effect_is_told():
    with pytest.warns(
        UserWarning, match=r"LSTM\(dropout=0.5\) drops between layers, and with num_layers=1 there is"
    ):
        nn.LSTM(3, 2, dropout=0.5)


SEQUENCE = gg.ones((7, 4, 3))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: nn.LSTMCell(3, 2)(gg.ones((7, 4, 3))),
            gg.ShapeError,
            "in LSTMCell: LSTMCell expects input of shape (batch, 3) or (3,), one step of a sequence; got (7, 4, 3). "
            "nn.LSTM reads a whole sequence",
        ),
        (
            lambda: nn.LSTMCell(3, 2)(gg.ones((4, 3)), (gg.ones((1, 2)), gg.ones((4, 2)))),
            gg.ShapeError,
            "in LSTMCell: LSTMCell needs a state h of shape (4, 2) for this input; got (1, 2)",
        ),
        (
            lambda: nn.LSTMCell(3, 2)(gg.ones((4, 3)), gg.ones((4, 2))),
            gg.ArgumentError,
            "in LSTMCell: LSTMCell needs its state as a pair (h, c) of tensors; got Tensor",
        ),
        (
            lambda: nn.LSTM(3, 2)(SEQUENCE, (gg.ones((1, 4, 2)), gg.ones((1, 4, 3)))),
            gg.ShapeError,
            "in LSTM: LSTM needs a state c of shape (1, 4, 2) for this input; got (1, 4, 3)",
        ),
        (
            lambda: nn.LSTM(3, 2)(SEQUENCE, [gg.ones((1, 4, 2))]),
            gg.ArgumentError,
            "in LSTM: LSTM needs its state as a pair (h, c) of tensors; got list of 1",
        ),
        (
            lambda: nn.LSTM(5, 2)(SEQUENCE),
            gg.ShapeError,
            "in LSTM: LSTM expects input of shape (steps, batch, 5), or (steps, 5) without batch; got (7, 4, 3)",
        ),
        (
            lambda: nn.LSTM(3, 2, batch_first=True)(gg.ones((4, 0, 3))),
            gg.ShapeError,
            "in LSTM: LSTM expects input of shape (batch, steps, 3), or (steps, 3) without batch, with at least one "
            "step; got (4, 0, 3)",
        ),
        (lambda: nn.LSTM(3, 2, 0), gg.ArgumentError, "LSTM needs num_layers >= 1; got 0"),
        (lambda: nn.LSTMCell(3, 2.5), gg.ArgumentError, "LSTMCell needs a whole number as hidden_size; got 2.5."),
    ],
)  # fmt: skip
def test_mistakes(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).split(" (at ")[0] == message
