"""The first learning rules, on the core alone: least squares, Rosenblatt's perceptron, logistic regression."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression

import glassgrad as gg


def test_gradient_descent_finds_the_least_squares_line():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.standard_normal((50, 2)), np.ones(50)])
    y = x @ [2.0, -3.0, 0.5] + 0.1 * rng.standard_normal(50)

    def loss(w):
        return gg.mean(gg.square(gg.matmul(x, w) - y))

    w = gg.asarray(np.zeros(3))
    np.testing.assert_allclose(
        gg.grad(loss)(w).numpy(), -2 * x.T @ y / 50, rtol=1e-13
    )  # 2 X^T (Xw - y) / n at w = 0
    for _ in range(500):
        w = w - 0.2 * gg.grad(loss)(w)
    np.testing.assert_allclose(w.numpy(), np.linalg.lstsq(x, y)[0], rtol=1e-12)


def separable_points():
    """Iris setosa (+1) against the other two species (-1), petals only, with a column of ones: a gap lies between."""
    petals, species = load_iris(return_X_y=True)
    x = np.column_stack([petals[:, 2:], np.ones(len(petals))])
    return x, np.where(species == 0, 1.0, -1.0)


def rosenblatt(x, y, mistake):
    """Run through the points until none is on the wrong side; `mistake` moves the weights. Returns both."""
    w, mistakes = np.zeros(x.shape[1]), 0
    for _ in range(1000):
        clean = True
        for point, side in zip(x, y, strict=True):
            if side * (w @ point) <= 0:
                w, mistakes, clean = mistake(w, point, side), mistakes + 1, False
        if clean:
            return w, mistakes
    raise AssertionError("1000 rounds were not enough")


def test_the_perceptron_rule_is_a_gradient_step():
    """Rosenblatt: w += y x on a mistake. As a step of size 1 down the gradient of -y (w . x), it is the same rule."""
    x, y = separable_points()

    def gradient_step(w, point, side):
        slope = gg.grad(lambda w: -side * gg.vecdot(w, point))(w)
        return w - slope.numpy()

    expected, expected_mistakes = rosenblatt(x, y, lambda w, point, side: w + side * point)
    found, mistakes = rosenblatt(x, y, gradient_step)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert mistakes == expected_mistakes > 0
    assert np.all(np.sign(x @ found) == y)

    # Novikoff (1962): at most (R / gap)^2 mistakes, for any unit vector u that separates with that gap
    u = np.array([-1.0, -1.0, 3.3])  # petal length + width = 3.3 lies between setosa and the rest
    gap = (y * (x @ u)).min() / np.linalg.norm(u)
    assert gap > 0
    assert mistakes <= (np.linalg.norm(x, axis=1).max() / gap) ** 2


def test_logistic_regression_finds_the_weights_of_scikit_learn():
    features, labels = load_breast_cancer(return_X_y=True)
    x = (features - features.mean(axis=0)) / features.std(axis=0)
    n, penalty = len(x), 0.1

    def loss(w, b):
        scores = gg.matmul(x, w) + b
        cross_entropy = gg.mean(gg.softplus(scores) - labels * scores)
        return cross_entropy + penalty / 2 * gg.sum(w * w)

    w, b = gg.asarray(np.zeros(30)), gg.asarray(np.zeros(()))
    dw, db = gg.grad(loss, argnums=(0, 1))(w, b)
    # by hand: (p - y) through the scores, and p = 1/2 everywhere at w = 0, b = 0
    np.testing.assert_allclose(dw.numpy(), x.T @ (0.5 - labels) / n, rtol=1e-12)
    assert db.item() == pytest.approx(np.mean(0.5 - labels), rel=1e-12)

    for _ in range(1000):
        dw, db = gg.grad(loss, argnums=(0, 1))(w, b)
        w, b = w - 0.5 * dw, b - 0.5 * db
    # scikit-learn minimises C * sum(loss) + |w|^2 / 2, which is n C times this loss if C = 1 / (n penalty)
    judge = LogisticRegression(C=1 / (n * penalty), solver="newton-cholesky", tol=1e-12).fit(x, labels)
    np.testing.assert_allclose(w.numpy(), judge.coef_[0], rtol=0, atol=1e-8)
    assert b.item() == pytest.approx(judge.intercept_[0], abs=1e-8)
