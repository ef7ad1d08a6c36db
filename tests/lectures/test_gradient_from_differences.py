"""Checking an analytic gradient as the lectures do: one weight after the other, forward differences with h = 1e-4."""

import numpy as np
import pytest

import glassgrad as gg

H = 1e-4
# nine weights and the loss at them, as on the slide; the slide's gradient has one decimal
W = np.array([0.34, -1.11, 0.78, 0.12, 0.55, 2.81, -3.1, -1.5, 0.33])
LOSS = 1.25347
SLOPES = np.array([-2.5, 0.6, 0.0, 0.2, 0.7, -0.5, 1.1, 1.3, -2.1])

X = np.array([[1.2, -0.7, 1.0], [-0.4, 2.1, 1.0], [0.9, 0.3, 1.0], [-1.6, -0.8, 1.0], [0.2, 1.1, 1.0]])
LABELS = np.array([0, 1, 2, 1, 0])
ROWS = np.arange(len(X))
REGULARISATION = 0.1


def forward_differences(loss, weights, h):
    """The procedure of the slide, in plain NumPy: (loss(W + h) - loss(W)) / h for each weight."""
    gradient = np.zeros(weights.shape)
    for index in np.ndindex(weights.shape):
        moved = weights.copy()
        moved[index] += h
        gradient[index] = (loss(moved) - loss(weights)) / h
    return gradient


def svm_in_numpy(w):
    """Multiclass hinge loss with margin 1, averaged over the rows, plus an L2 penalty."""
    scores = X @ w
    margins = np.maximum(0, scores - scores[ROWS, LABELS][:, None] + 1)
    margins[ROWS, LABELS] = 0
    return margins.sum() / len(X) + REGULARISATION * (w * w).sum()


def svm_gradient(w):
    """By hand: every violated margin pushes its class's scores up by 1 and the right class's down by 1."""
    scores = X @ w
    violated = (scores - scores[ROWS, LABELS][:, None] + 1 > 0).astype(float)
    violated[ROWS, LABELS] = 0
    violated[ROWS, LABELS] = -violated.sum(axis=1)
    return X.T @ violated / len(X) + 2 * REGULARISATION * w


def softmax_in_numpy(w):
    scores = X @ w
    return np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[ROWS, LABELS]) + REGULARISATION * (w * w).sum()


def softmax_gradient(w):
    """By hand: probabilities minus the one-hot labels, through the scores."""
    scores = X @ w
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    probabilities[ROWS, LABELS] -= 1
    return X.T @ probabilities / len(X) + 2 * REGULARISATION * w


def svm(w):
    scores = gg.matmul(X, w)
    correct = gg.take_along_axis(scores, LABELS[:, None], axis=1)
    is_other_class = 1.0 - np.eye(3)[LABELS]
    margins = gg.maximum(0.0, scores - correct + 1.0) * is_other_class
    return gg.sum(margins) / len(X) + REGULARISATION * gg.sum(w * w)


def softmax(w):
    scores = gg.matmul(X, w)
    correct = gg.take_along_axis(scores, LABELS[:, None], axis=1)
    return gg.mean(gg.logsumexp(scores, axis=1, keepdims=True) - correct) + REGULARISATION * gg.sum(w * w)


def test_the_arithmetic_of_the_slide():
    """A loss with the slide's value and slopes: 1.25322 after the first step of h, 1.25353 after the second."""

    def loss(w):
        return LOSS + gg.sum(SLOPES * (w - W))

    def at(i):
        return loss(gg.asarray(W + H * (np.arange(9) == i))).item()

    assert [round(at(i), 5) for i in (0, 1, 2)] == [1.25322, 1.25353, 1.25347]
    assert (at(0) - LOSS) / H == pytest.approx(-2.5, rel=1e-9)
    numerical = gg.numerical.grad(loss, W, scheme="forward", step=H)
    np.testing.assert_allclose(
        numerical, SLOPES, atol=1e-10
    )  # a straight line: only rounding, eps / h = 2e-12
    np.testing.assert_allclose(gg.grad(loss)(W).numpy(), SLOPES, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("loss", "in_numpy", "by_hand"),
    [(svm, svm_in_numpy, svm_gradient), (softmax, softmax_in_numpy, softmax_gradient)],
    ids=["svm", "softmax"],
)
def test_the_analytic_gradient_is_the_one_worked_out_by_hand(loss, in_numpy, by_hand):
    w = W.reshape(3, 3)
    value, gradient = gg.value_and_grad(loss)(w)
    assert value.item() == pytest.approx(in_numpy(w), rel=1e-14)
    np.testing.assert_allclose(gradient.numpy(), by_hand(w), rtol=1e-13, atol=1e-15)


def test_svm_differences_are_off_by_the_penalty_alone():
    """The hinge is straight between its corners, so only the penalty bends: ((w+h)^2 - w^2) / h = 2w + h."""
    w = W.reshape(3, 3)
    analytic = gg.grad(svm)(w).numpy()
    numerical = forward_differences(svm_in_numpy, w, H)
    np.testing.assert_allclose(numerical - analytic, np.full((3, 3), REGULARISATION * H), rtol=0, atol=1e-10)


def test_softmax_differences_are_off_by_at_most_a_multiple_of_h():
    """The error is h/2 times a second derivative: at most the mean of x^2/4 over the rows, plus the penalty's."""
    w = W.reshape(3, 3)
    error = forward_differences(softmax_in_numpy, w, H) - gg.grad(softmax)(w).numpy()
    bound = H / 2 * (np.mean(X * X, axis=0) / 4 + 2 * REGULARISATION)[:, None]
    assert np.all(error > 0)  # the loss is convex, so the chord is steeper than the tangent
    assert np.all(error <= bound + 1e-10)


@pytest.mark.parametrize(("loss", "in_numpy"), [(svm, svm_in_numpy), (softmax, softmax_in_numpy)])
def test_numerical_grad_runs_the_same_procedure(loss, in_numpy):
    """With weights below 1 in size, where its relative step is h itself."""
    w = W.reshape(3, 3) / 4
    np.testing.assert_allclose(
        gg.numerical.grad(loss, w, scheme="forward", step=H), forward_differences(in_numpy, w, H), atol=1e-10
    )


def test_gradcheck_accepts_both_losses():
    w = W.reshape(3, 3)
    assert gg.gradcheck(svm, w).compared == 9
    assert gg.gradcheck(softmax, w, order=2).compared == 18
