"""Convolution, its transpose, unfold and fold against PyTorch in float64: values and gradients."""

import numpy as np
import pytest

import glassgrad as gg

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the comparison with it is optional")
F = torch.nn.functional

CASES = {
    "plain": ((2, 3, 7, 8), (4, 3, 3, 2), {}),
    "one axis": ((2, 4, 9), (4, 1, 3), {"stride": 2, "padding": 1, "groups": 4}),
    "everything": (
        (2, 4, 9, 8),
        (6, 2, 3, 2),
        {"stride": (2, 3), "padding": (1, 2), "dilation": (2, 1), "groups": 2},
    ),
    "three axes": ((2, 4, 5, 6, 7), (4, 2, 3, 2, 2), {"stride": 2, "padding": 1, "groups": 2}),
    "same": ((2, 3, 7, 8), (4, 3, 3, 2), {"padding": "same", "dilation": (1, 2)}),
    "valid": ((2, 3, 7), (4, 3, 7), {"padding": "valid"}),
    "without batch": ((3, 7, 8), (4, 3, 3, 2), {}),
    "no samples": ((0, 3, 7), (4, 3, 3), {}),
}
TRANSPOSED = {
    "plain": ((2, 3, 7, 8), (3, 4, 3, 2), {}),
    "one axis": ((2, 4, 5), (4, 1, 3), {"stride": 3, "padding": 1, "groups": 4, "output_padding": 2}),
    "everything": (
        (2, 4, 5, 4),
        (4, 3, 3, 2),
        {
            "stride": (2, 3),
            "padding": (1, 0),
            "output_padding": (1, 2),
            "dilation": (2, 1),
            "groups": 2,
        },
    ),
    "three axes": ((1, 2, 3, 2, 3), (2, 2, 2, 3, 2), {"stride": 2, "padding": (0, 1, 0)}),
    "without batch": ((3, 7), (3, 4, 3), {}),
}


def assert_same(ours, theirs, *points):
    """Values, and gradients of a weighted sum."""
    mine = [gg.tensor(p, requires_grad=True) for p in points]
    other = [torch.tensor(p, requires_grad=True) for p in points]
    y, z = ours(*mine), theirs(*other)
    assert y.shape == tuple(z.shape)
    g = np.random.default_rng(0).normal(size=y.shape)
    y.backward(g)
    z.backward(torch.tensor(g))
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-11, atol=1e-12)
    for x, t in zip(mine, other, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.filterwarnings("ignore:every gradient of this backward")
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("case", CASES)
def test_convolution(case):
    x_shape, weight_shape, arguments = CASES[case]
    rng = np.random.default_rng(1)
    theirs = getattr(F, f"conv{len(weight_shape) - 2}d")
    assert_same(
        lambda x, w: gg.convolution(x, w, **arguments),
        lambda x, w: theirs(x, w, **arguments),
        rng.normal(size=x_shape),
        rng.normal(size=weight_shape),
    )


@pytest.mark.parametrize("case", TRANSPOSED)
def test_convolution_transpose(case):
    x_shape, weight_shape, arguments = TRANSPOSED[case]
    rng = np.random.default_rng(2)
    theirs = getattr(F, f"conv_transpose{len(weight_shape) - 2}d")
    assert_same(
        lambda x, w: gg.convolution_transpose(x, w, **arguments),
        lambda x, w: theirs(x, w, **arguments),
        rng.normal(size=x_shape),
        rng.normal(size=weight_shape),
    )


ARGUMENTS = {"dilation": (1, 2), "padding": (1, 2), "stride": (2, 1)}


def test_unfold_and_fold():
    rng = np.random.default_rng(3)
    assert_same(
        lambda x: gg.unfold(x, (2, 3), **ARGUMENTS),
        lambda x: F.unfold(x, (2, 3), **ARGUMENTS),
        rng.normal(size=(2, 3, 5, 6)),
    )
    columns = F.unfold(torch.zeros(2, 3, 5, 6), (2, 3), **ARGUMENTS).shape
    assert_same(
        lambda x: gg.fold(x, (5, 6), (2, 3), **ARGUMENTS),
        lambda x: F.fold(x, (5, 6), (2, 3), **ARGUMENTS),
        rng.normal(size=tuple(columns)),
    )
