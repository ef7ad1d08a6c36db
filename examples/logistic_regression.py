"""Logistic regression on real data: 569 tumours, 30 measurements each, benign or malignant.

You learn to train on one part of the data and to judge on another, to put features on one scale first, and to write the
loss in its stable form: softplus(score) - label * score never computes the logarithm of a vanishing probability.

Run it: python logistic_regression.py   (needs scikit-learn for the data: pip install 'glassgrad[data]')
"""

import argparse

import numpy as np
from sklearn.datasets import load_breast_cancer

import glassgrad as gg

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--steps", type=int, default=200, help="steps of gradient descent (default: %(default)s)")
steps = parser.parse_args().steps
if steps < 1:
    parser.error("--steps must be at least 1")

measurements, is_benign = load_breast_cancer(return_X_y=True)
train, test = gg.data.split(len(is_benign), test_fraction=0.25, seed=0, groups=[is_benign])
mean, deviation = measurements[train].mean(axis=0), measurements[train].std(axis=0)
features = (measurements - mean) / deviation  # the test rows get the scale of the training rows


def scores_of(parameters, rows):
    return gg.matmul(features[rows], parameters["w"]) + parameters["b"]


def loss_of(parameters):
    scores = scores_of(parameters, train)
    cross_entropy = gg.mean(gg.softplus(scores) - is_benign[train] * scores)
    return cross_entropy + 0.01 * gg.sum(gg.square(parameters["w"]))


def accuracy(parameters, rows):
    return np.mean((scores_of(parameters, rows).numpy() > 0) == is_benign[rows])


parameters = {"w": gg.zeros(30, dtype=gg.float64), "b": gg.zeros((), dtype=gg.float64)}
print(f"{len(train)} rows to learn from, {len(test)} to judge on\n")
print(f"{'step':>6}{'loss':>10}{'right, training':>18}{'right, test':>14}")
for step in range(steps + 1):
    loss, gradient = gg.value_and_grad(loss_of)(parameters)
    if step in (0, 1, 2, 5, 10, 20, 50, 100, steps):
        shares = accuracy(parameters, train), accuracy(parameters, test)
        print(f"{step:>6}{loss.item():>10.4f}{shares[0]:>18.1%}{shares[1]:>14.1%}")
    parameters = {name: value - 0.5 * gradient[name] for name, value in parameters.items()}

found = scores_of(parameters, test).numpy() > 0
print(f"\n{'on the test rows':<20}{'said malignant':>16}{'said benign':>13}")
for label, name in enumerate(("is malignant", "is benign")):
    of_this_class = found[is_benign[test] == label]
    print(f"{name:<20}{np.sum(~of_this_class):>16}{np.sum(of_this_class):>13}")
