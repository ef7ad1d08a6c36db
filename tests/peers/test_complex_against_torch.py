"""Gradients of real losses of complex numbers against PyTorch, which has the same convention (docs/complex.md)."""

import numpy as np
import pytest

import glassgrad as gg

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the comparison with it is optional")

RNG = np.random.default_rng(3)
Z = RNG.normal(size=(2, 3)) + 1j * RNG.normal(size=(2, 3))
W = RNG.normal(size=3) + 1j * RNG.normal(size=3)
R = RNG.uniform(0.5, 1.5, 3)
MASK = np.array([True, False, True])

# name -> our loss, theirs, the variables
CASES = {
    "squared modulus": (
        lambda z: gg.sum(gg.real(z * gg.conj(z))),
        lambda z: (z * z.conj()).real.sum(),
        Z,
    ),
    "modulus of a product": (lambda z, w: gg.sum(gg.abs(z * w)), lambda z, w: (z * w).abs().sum(), Z, W),
    "quotient": (lambda z, w: gg.sum(gg.imag(z / (w + z))), lambda z, w: (z / (w + z)).imag.sum(), Z, W),
    "power": (lambda z, w: gg.sum(gg.real(z**w)), lambda z, w: (z**w).real.sum(), Z, W),
    "integer power": (lambda z: gg.sum(gg.imag(z**3)), lambda z: (z**3).imag.sum(), Z),
    "exponential": (lambda z: gg.sum(gg.abs(gg.exp(z))), lambda z: torch.exp(z).abs().sum(), Z),
    "logarithm": (lambda z: gg.sum(gg.abs(gg.log(z))), lambda z: torch.log(z).abs().sum(), Z),
    "square root": (lambda z: gg.sum(gg.imag(gg.sqrt(z))), lambda z: torch.sqrt(z).imag.sum(), Z),
    "trigonometric": (
        lambda z: gg.sum(gg.real(gg.sin(z) * gg.cosh(z) - gg.tan(z))),
        lambda z: (torch.sin(z) * torch.cosh(z) - torch.tan(z)).real.sum(),
        Z,
    ),
    "hyperbolic tangent": (
        lambda z: gg.sum(gg.abs(gg.tanh(z)) ** 2),
        lambda z: (torch.tanh(z).abs() ** 2).sum(),
        Z,
    ),
    "angle": (lambda z: gg.sum(gg.angle(z) * R), lambda z: (z.angle() * torch.tensor(R)).sum(), Z),
    "sign": (
        lambda z, w: gg.sum(gg.real(gg.sign(z) * w)),
        lambda z, w: (torch.sgn(z) * w).real.sum(),
        Z,
        W,
    ),
    "reciprocal": (
        lambda z: gg.sum(gg.real(gg.reciprocal(z))),
        lambda z: torch.reciprocal(z).real.sum(),
        Z,
    ),
    "real variable beside complex ones": (
        lambda r, z: gg.sum(gg.abs(r * z + r / z)),
        lambda r, z: (r * z + r / z).abs().sum(),
        R,
        Z,
    ),
    "number made of its parts": (
        lambda x, y: gg.sum(gg.abs(gg.exp(gg.complex(x, y)) + 1j)),
        lambda x, y: (torch.exp(torch.complex(x, y)) + 1j).abs().sum(),
        R,
        W.imag,
    ),
    "modulus with a zero": (lambda z: gg.sum(gg.abs(z)), lambda z: z.abs().sum(), np.array([0j, 1 - 1j])),
    "sign with a zero": (
        lambda z: gg.sum(gg.real(gg.sign(z) * (2 - 1j))),
        lambda z: (torch.sgn(z) * (2 - 1j)).real.sum(),
        np.array([0j, 1 - 1j]),
    ),
    "chosen": (
        lambda z, w: gg.sum(gg.abs(gg.where(gg.asarray(MASK), z, gg.conj(w)))),
        lambda z, w: torch.where(torch.tensor(MASK), z, w.conj()).abs().sum(),
        Z,
        W,
    ),
    "rearranged": (
        lambda z: gg.sum(gg.abs(gg.sum(gg.flip(z.T, axis=0) * 1j, axis=0))),
        lambda z: (z.T.flip(0) * 1j).sum(0).abs().sum(),
        Z,
    ),
}


def run(name):
    ours, theirs, *points = CASES[name]
    mine = [gg.tensor(p, requires_grad=True) for p in points]
    other = [torch.tensor(p, requires_grad=True) for p in points]
    return ours, theirs, mine, other


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name):
    ours, theirs, mine, other = run(name)
    y, t = ours(*mine), theirs(*other)
    assert y.item() == pytest.approx(t.item(), rel=1e-12)
    y.backward()
    t.backward()
    for x, z in zip(mine, other, strict=True):
        assert str(x.grad.dtype) == str(z.grad.dtype).removeprefix("torch.")
        np.testing.assert_allclose(x.grad.numpy(), z.grad.resolve_conj().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in CASES if "zero" not in name])
def test_gradient_of_the_gradient(name):
    ours, theirs, mine, other = run(name)
    weight = np.random.default_rng(0).normal(size=mine[0].shape)
    ours(*mine).backward(create_graph=True)
    (slope,) = torch.autograd.grad(theirs(*other), other[0], create_graph=True)
    found = gg.grad(lambda z: gg.sum(gg.real(gg.grad(ours)(z, *mine[1:])) * weight))(mine[0])
    (wanted,) = torch.autograd.grad((slope.real * torch.tensor(weight)).sum(), other[0])
    np.testing.assert_allclose(found.numpy(), wanted.resolve_conj().numpy(), rtol=1e-9, atol=1e-10)
