"""The linear layer of the lectures, 5 inputs to 4 outputs, by its own protocol: forward, backward, update."""

import numpy as np
import pytest

import glassgrad as gg

W = np.array(
    [
        [1.0, 2.0, 0.0, -1.0, 3.0],
        [0.0, -1.0, 1.0, 2.0, 0.0],
        [2.0, 0.0, -2.0, 1.0, 1.0],
        [-1.0, 1.0, 0.0, 0.0, 2.0],
    ]
)
B = np.array([0.5, -1.0, 0.0, 2.0])
X = np.array([1.0, -2.0, 3.0, 0.0, -1.0])
UPSTREAM = np.array([1.0, 0.0, -1.0, 2.0])

# y = Wx + b, row by row:  1 - 4 - 3 + 0.5 = -5.5,   2 + 3 - 1 = 4,   2 - 6 - 1 = -5,   -1 - 2 - 2 + 2 = -3
Y = [-5.5, 4.0, -5.0, -3.0]
# gradInput = W^T g:  row 0, minus row 2, plus twice row 3
GRAD_INPUT = [1.0 - 2.0 - 2.0, 2.0 + 2.0, 2.0, -1.0 - 1.0, 3.0 - 1.0 + 4.0]
# gradWeight[i, j] = g[i] x[j], gradBias = g
GRAD_WEIGHT = [
    [1.0, -2.0, 3.0, 0.0, -1.0],
    [0.0, 0.0, 0.0, 0.0, 0.0],
    [-1.0, 2.0, -3.0, 0.0, 1.0],
    [2.0, -4.0, 6.0, 0.0, -2.0],
]
GRAD_BIAS = [1.0, 0.0, -1.0, 2.0]


@pytest.fixture
def layer():
    layer = gg.nn.Linear(5, 4, dtype=gg.float64)
    layer.weight.assign(W)
    layer.bias.assign(B)
    return layer


def test_forward(layer):
    np.testing.assert_array_equal(layer.forward(X).numpy(), Y)


def test_backward_returns_the_input_gradient_and_keeps_the_parameter_gradients(layer):
    grad_input = layer.backward(X, UPSTREAM)
    np.testing.assert_array_equal(grad_input.numpy(), GRAD_INPUT)
    np.testing.assert_array_equal(layer.weight.grad.numpy(), GRAD_WEIGHT)
    np.testing.assert_array_equal(layer.bias.grad.numpy(), GRAD_BIAS)


def test_parameter_gradients_add_up_until_they_are_zeroed(layer):
    layer.backward(X, UPSTREAM)
    grad_input = layer.backward(X, UPSTREAM)
    np.testing.assert_array_equal(grad_input.numpy(), GRAD_INPUT)  # the input's does not add up
    np.testing.assert_array_equal(layer.weight.grad.numpy(), 2 * np.array(GRAD_WEIGHT))
    np.testing.assert_array_equal(layer.bias.grad.numpy(), 2 * np.array(GRAD_BIAS))
    layer.zero_grad_parameters()
    layer.backward(X, UPSTREAM)
    np.testing.assert_array_equal(layer.weight.grad.numpy(), GRAD_WEIGHT)
    np.testing.assert_array_equal(layer.bias.grad.numpy(), GRAD_BIAS)


def test_update_parameters_steps_against_the_gradient(layer):
    layer.backward(X, UPSTREAM)
    layer.update_parameters(0.5)
    np.testing.assert_array_equal(layer.weight.numpy(), W - 0.5 * np.array(GRAD_WEIGHT))
    np.testing.assert_array_equal(layer.bias.numpy(), B - 0.5 * np.array(GRAD_BIAS))
    # the output moves by -0.5 (g x^T x + g), and x^T x = 1 + 4 + 9 + 1 = 15
    np.testing.assert_array_equal(layer.forward(X).numpy(), np.array(Y) - 0.5 * 16 * UPSTREAM)


def test_a_batch_adds_up_the_rows(layer):
    """Two rows: x with upstream g, and 2x with upstream -g."""
    rows, upstream = np.stack([X, 2 * X]), np.stack([UPSTREAM, -UPSTREAM])
    np.testing.assert_array_equal(layer.forward(rows).numpy(), [Y, 2 * np.array(Y) - B])
    grad_input = layer.backward(rows, upstream)
    np.testing.assert_array_equal(grad_input.numpy(), [GRAD_INPUT, -np.array(GRAD_INPUT)])
    np.testing.assert_array_equal(layer.weight.grad.numpy(), -np.array(GRAD_WEIGHT))  # g x - g 2x
    np.testing.assert_array_equal(layer.bias.grad.numpy(), [0.0, 0.0, 0.0, 0.0])  # g - g


def test_layers_chain_by_handing_the_gradient_down(layer):
    """A linear layer and a ReLU, back to front as a container does it."""
    relu = gg.nn.ReLU()
    hidden = layer.forward(X)
    np.testing.assert_array_equal(relu.forward(hidden).numpy(), [0.0, 4.0, 0.0, 0.0])
    grad_hidden = relu.backward(hidden, [9.0, 2.0, 9.0, 9.0])
    np.testing.assert_array_equal(grad_hidden.numpy(), [0.0, 2.0, 0.0, 0.0])
    by_hand = layer.backward(X, grad_hidden)
    np.testing.assert_array_equal(by_hand.numpy(), 2 * W[1])
    layer.zero_grad_parameters()
    model = gg.nn.Sequential(layer, relu)
    np.testing.assert_array_equal(model.backward(X, [9.0, 2.0, 9.0, 9.0]).numpy(), 2 * W[1])
    np.testing.assert_array_equal(layer.bias.grad.numpy(), [0.0, 2.0, 0.0, 0.0])


def test_the_training_loop_of_the_lectures(layer):
    """One row, squared error: each step scales the error y - t by 1 - rate * 2/4 (x^T x + 1) = 1 - 8 rate.

    At rate 1/16 the error is halved, so the loss is divided by four, and every number is exact in binary.
    """
    criterion, target = gg.nn.MSELoss(), np.zeros(4)
    losses = []
    for _ in range(6):
        output = layer.forward(X)
        losses.append(criterion.forward(output, target).item())
        grad_output = criterion.backward(output, target)
        layer.zero_grad_parameters()
        layer.backward(X, grad_output)
        layer.update_parameters(1 / 16)
    start = (5.5**2 + 4**2 + 5**2 + 3**2) / 4
    assert losses == [start / 4**step for step in range(6)]
    np.testing.assert_array_equal(layer.forward(X).numpy(), np.array(Y) / 2**6)
