"""Pooling against PyTorch in float64: values and gradients, above all at ties, borders and with ceil_mode."""

import numpy as np
import pytest

import glassgrad as gg

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the comparison with it is optional")
F = torch.nn.functional

# shape, kernel_size, other arguments
CASES = {
    "plain": ((2, 3, 8, 6), 2, {}),
    "overlap": ((2, 3, 7, 6), (3, 2), {"stride": (1, 2)}),
    "padding": ((2, 3, 7, 6), 3, {"stride": 2, "padding": 1}),
    "ceil": ((2, 3, 6, 7), 3, {"stride": 2, "ceil_mode": True}),
    "ceil with padding": ((1, 2, 5, 8), (2, 3), {"stride": (2, 3), "padding": 1, "ceil_mode": True}),
    "one axis": ((2, 3, 9), 3, {"stride": 2, "padding": 1}),
    "three axes": ((1, 2, 5, 4, 6), (2, 1, 3), {"padding": (1, 0, 1), "ceil_mode": True}),
}


def assert_same(ours, theirs, x):
    mine, other = gg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(mine), theirs(other)
    assert y.shape == tuple(z.shape)
    g = np.random.default_rng(0).normal(size=y.shape)
    y.backward(g)
    z.backward(torch.tensor(g))
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("draw", ["different", "ties", "zeros"])
@pytest.mark.parametrize("case", CASES)
def test_max_pool(case, draw):
    shape, kernel_size, arguments = CASES[case]
    rng = np.random.default_rng(1)
    x = {
        "different": rng.normal(size=shape),
        "ties": rng.integers(0, 2, shape) * 1.0,
        "zeros": np.zeros(shape),
    }
    theirs = getattr(F, f"max_pool{len(shape) - 2}d")
    assert_same(
        lambda x: gg.max_pool(x, kernel_size, **arguments),
        lambda x: theirs(x, kernel_size, **arguments),
        x[draw],
    )


def test_max_pool_with_dilation():
    x = np.random.default_rng(2).normal(size=(2, 2, 9, 8))
    arguments = {"stride": 1, "padding": 1, "dilation": (2, 3)}
    assert_same(lambda x: gg.max_pool(x, 2, **arguments), lambda x: F.max_pool2d(x, 2, **arguments), x)


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_average_pool(case, count_include_pad):
    shape, kernel_size, arguments = CASES[case]
    theirs = getattr(F, f"avg_pool{len(shape) - 2}d")
    assert_same(
        lambda x: gg.average_pool(x, kernel_size, **arguments, count_include_pad=count_include_pad),
        lambda x: theirs(x, kernel_size, **arguments, count_include_pad=count_include_pad),
        np.random.default_rng(3).normal(size=shape),
    )


@pytest.mark.parametrize("p", [1, 2, 3.0, 4])
def test_lp_pool(p):
    x = np.random.default_rng(4).uniform(0.1, 2, (2, 3, 7, 6))
    if p > 1:  # PyTorch leaves out the absolute value, whose slope at 0 is 0
        x[0, 0, :3, :2] = 0
    assert_same(
        lambda x: gg.lp_pool(x, p, (3, 2), stride=2),
        lambda x: F.lp_pool2d(x, p, (3, 2), stride=2),
        x,
    )
