"""Interpolation, Fourier transforms and einsum against PyTorch in float64: values and gradients."""

import numpy as np
import pytest

import glassgrad as gg

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the comparison with it is optional")
F = torch.nn.functional

INTERPOLATIONS = [
    ((2, 3, 5), {"size": 8, "mode": "nearest"}),
    ((2, 3, 5), {"size": 8, "mode": "linear"}),
    ((2, 3, 5), {"size": 3, "mode": "linear", "align_corners": True}),
    ((2, 3, 5, 4), {"size": (8, 3), "mode": "nearest"}),
    ((2, 3, 5, 4), {"scale_factor": (2.0, 0.75), "mode": "nearest"}),
    ((2, 3, 5, 4), {"size": (8, 3), "mode": "bilinear"}),
    ((2, 3, 5, 4), {"scale_factor": 1.7, "mode": "bilinear"}),
    ((2, 3, 5, 4), {"size": (9, 1), "mode": "bilinear", "align_corners": True}),
    ((2, 3, 5, 4), {"size": (8, 3), "mode": "bicubic"}),
    ((2, 3, 5, 4), {"scale_factor": (0.6, 2.5), "mode": "bicubic"}),
    ((2, 3, 5, 4), {"size": (8, 2), "mode": "bicubic", "align_corners": True}),
    ((1, 2, 3, 4, 5), {"size": (4, 4, 3), "mode": "trilinear"}),
    ((1, 2, 3, 4, 5), {"scale_factor": 2, "mode": "nearest"}),
]


def assert_same(ours, theirs, *points):
    mine = [gg.tensor(p, requires_grad=True) for p in points]
    other = [torch.tensor(p, requires_grad=True) for p in points]
    y, z = ours(*mine), theirs(*other)
    assert y.shape == tuple(z.shape)
    rng = np.random.default_rng(0)
    g = rng.normal(size=y.shape)
    if y.dtype.kind == "c":
        g = g + 1j * rng.normal(size=y.shape)
    y.backward(g)
    z.backward(torch.tensor(g))
    np.testing.assert_allclose(y.numpy(), z.detach().resolve_conj().numpy(), rtol=1e-11, atol=1e-12)
    for x, t in zip(mine, other, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.resolve_conj().numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("shape", "arguments"), INTERPOLATIONS, ids=str)
def test_interpolate(shape, arguments):
    assert_same(
        lambda x: gg.interpolate(x, **arguments),
        lambda x: F.interpolate(x, **arguments),
        np.random.default_rng(1).normal(size=shape),
    )


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("n", [None, 4, 7])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_fourier(name, n, norm):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(3, 5))
    if name not in ("rfft", "ihfft"):
        x = x + 1j * rng.normal(size=x.shape)
    assert_same(
        lambda x: getattr(gg.fft, name)(x, n=n, norm=norm),
        lambda x: getattr(torch.fft, name)(x, n=n, norm=norm),
        x,
    )


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_fourier_over_several_axes(name):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(3, 4, 5))
    if name != "rfftn":
        x = x + 1j * rng.normal(size=x.shape)
    assert_same(
        lambda x: getattr(gg.fft, name)(x, s=(4, 3), axes=(2, 0)),
        lambda x: getattr(torch.fft, name)(x, s=(4, 3), dim=(2, 0)),
        x,
    )


EINSUMS = {
    "ij,jk->ki": ((2, 3), (3, 4)),
    "bhqd,bhkd->bhqk": ((2, 3, 4, 5), (2, 3, 6, 5)),
    "ii->i": ((3, 3),),
    "...ij,...jk->...ik": ((2, 1, 3, 4), (5, 4, 2)),
    "ab,bc,cd->ad": ((2, 3), (3, 4), (4, 2)),
    "i,ij,j": ((3,), (3, 4), (4,)),
}


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("subscripts", EINSUMS)
def test_einsum(subscripts, is_complex):
    rng = np.random.default_rng(4)
    points = [
        rng.normal(size=shape) + (1j * rng.normal(size=shape) if is_complex else 0)
        for shape in EINSUMS[subscripts]
    ]
    assert_same(lambda *x: gg.einsum(subscripts, *x), lambda *x: torch.einsum(subscripts, *x), *points)
