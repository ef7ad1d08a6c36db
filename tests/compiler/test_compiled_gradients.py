"""Gradients of functions of the arguments, compiled: alone, nested, mapped."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.compiler import compile


def f(x, y):
    return gg.sin(x) * y * y


def test_value_and_gradients():
    value, (dx, dy) = compile(gg.value_and_grad(f, argnums=(0, 1)))(gg.asarray(1.0), gg.asarray(2.0))
    found = [float(value), float(dx), float(dy)]
    np.testing.assert_allclose(found, [4 * np.sin(1), 4 * np.cos(1), 4 * np.sin(1)], rtol=1e-6)


def test_a_gradient_of_a_gradient():
    second = compile(gg.grad(gg.grad(lambda x: x**3)))
    assert float(second(gg.asarray(2.0))) == pytest.approx(12.0)


def test_a_gradient_mapped_over_a_batch():
    found = compile(gg.vmap(gg.grad(gg.sin)))(gg.asarray([0.0, 1.0]))
    np.testing.assert_allclose(found.numpy(), np.cos([0.0, 1.0]), rtol=1e-6)


def test_no_gradient_for_integers():
    with pytest.raises(
        gg.DTypeError, match="only floating-point tensors can require a gradient; got dtype int64"
    ):
        compile(gg.grad(lambda n: n * 1.0))(gg.asarray(2))
