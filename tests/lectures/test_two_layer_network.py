"""The two-layer network in twenty lines: gradients written by hand in NumPy and gradients by reverse mode."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import glassgrad as gg

N, D_IN, H, D_OUT = 64, 1000, 100, 10


@pytest.fixture(autouse=True)
def one_blas_thread():
    """On a busy machine several BLAS threads wait for each other, and 2000 small steps take a minute, not seconds."""
    with threadpool_limits(1, user_api="blas"):
        yield


def problem():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((N, D_IN)), rng.standard_normal((N, D_OUT))
    w1, w2 = rng.standard_normal((D_IN, H)), rng.standard_normal((H, D_OUT))
    return x, y, w1, w2


def by_hand(x, y, w1, w2):
    """The loss and its gradients for w1 and w2."""
    h = 1 / (1 + np.exp(-(x @ w1)))
    y_pred = h @ w2
    loss = np.square(y_pred - y).sum()
    grad_y_pred = 2 * (y_pred - y)
    grad_w2 = h.T @ grad_y_pred
    grad_h = grad_y_pred @ w2.T
    grad_w1 = x.T @ (grad_h * h * (1 - h))
    return loss, (grad_w1, grad_w2)


def network(x, y):
    def loss(w1, w2):
        h = 1 / (1 + gg.exp(-(x @ w1)))
        return gg.sum(gg.square(h @ w2 - y))

    return loss


def train(step, w1, w2, learning_rate, steps):
    losses = []
    for _ in range(steps):
        loss, (grad_w1, grad_w2) = step(w1, w2)
        losses.append(float(loss))
        w1 = w1 - learning_rate * grad_w1
        w2 = w2 - learning_rate * grad_w2
    return np.array(losses), w1, w2


@pytest.mark.parametrize(("learning_rate", "steps"), [(1e-4, 2000), (1e-6, 300)])
def test_both_networks_have_the_same_loss_curve(learning_rate, steps):
    x, y, w1, w2 = problem()
    numpy_curve, *numpy_weights = train(lambda *w: by_hand(x, y, *w), w1, w2, learning_rate, steps)
    step = gg.value_and_grad(network(gg.asarray(x), gg.asarray(y)), argnums=(0, 1))
    curve, *weights = train(step, gg.asarray(w1), gg.asarray(w2), learning_rate, steps)
    np.testing.assert_allclose(curve, numpy_curve, rtol=1e-11)
    for found, expected in zip(weights, numpy_weights, strict=True):
        np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-11)


def test_the_network_learns():
    x, y, w1, w2 = problem()
    step = gg.value_and_grad(network(gg.asarray(x), gg.asarray(y)), argnums=(0, 1))
    curve, *_ = train(step, gg.asarray(w1), gg.asarray(w2), 1e-4, 200)
    # at the start y_pred is a sum over 100 h w2 with E[h^2] just under 1/2, so E[y_pred^2] is near 50, and 640 of them
    assert 25_000 < curve[0] < 40_000
    assert curve[-1] < 0.05 * curve[0]


def test_the_same_gradients_by_backward():
    x, y, w1, w2 = problem()
    expected_loss, expected = by_hand(x, y, w1, w2)
    weights = [gg.tensor(w, requires_grad=True) for w in (w1, w2)]
    loss = network(gg.asarray(x), gg.asarray(y))(*weights)
    loss.backward()
    assert loss.item() == pytest.approx(expected_loss, rel=1e-13)
    for weight, gradient in zip(weights, expected, strict=True):
        np.testing.assert_allclose(weight.grad.numpy(), gradient, rtol=0, atol=1e-12 * np.abs(gradient).max())
