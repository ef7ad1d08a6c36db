"""Gradients with respect to complex numbers, by the convention of docs/complex.md.

For z = x + iy and a real loss L the gradient is dL/dx + i dL/dy. So under the inner product Re(conj(a) b) a `vjp` is
the transpose of its `jvp`, and `jvp` is the directional derivative. Both are put to every op that takes complex numbers.
"""

import doctest
from pathlib import Path

import numpy as np
import pytest
from row import Row
from table import ROWS

import glassgrad as gg
from glassgrad.errors import DTypeError, GraphError
from glassgrad.graph import Aval
from glassgrad.ops.complex_numbers import Complex, Conj, Part
from glassgrad.ops.families import Elementwise
from glassgrad.ops.linalg.eigen import Eigh
from glassgrad.ops.linalg.factoring import Qr
from glassgrad.ops.linalg.singular import Svd
from glassgrad.tensor import Tensor, apply

EPSILON = np.finfo(np.float64).eps
TAKES_MIXED_INPUTS = Elementwise | Part | Conj | Complex

CHOOSE_A_PHASE = Eigh | Svd | Qr
"""Vectors that are determined up to a factor of modulus 1, which LAPACK may choose otherwise at a point near by."""


def random(shape, dtype, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    return np.asarray(x + 1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else x)


def off_the_axis(x, seed):
    """A point of the complex plane near the real one, so that domains are kept; imaginary part not 0."""
    rng = np.random.default_rng(seed)
    return np.asarray(x + 1j * rng.uniform(0.1, 0.3, x.shape) * rng.choice([-1.0, 1.0], x.shape))


def lifted(row: Row, which) -> list[np.ndarray]:
    """The row's inputs, those floats that `which` says made complex."""
    return [off_the_axis(x, i) if x.dtype.kind == "f" and i in which else x for i, x in enumerate(row.inputs)]


def takes(row: Row, inputs) -> bool:
    try:
        row.op.shape(*(Aval(x.shape, x.dtype) for x in inputs))
    except DTypeError:
        return False
    return any(x.dtype.kind == "c" for x in inputs) or isinstance(row.op, Complex)


def cases():
    for row in ROWS:
        if (
            not row.op.differentiable or row.about == "ties"
        ):  # complex numbers that nearly tie are ordered by chance
            continue
        floats = [i for i, x in enumerate(row.inputs) if x.dtype.kind in "fc" and i not in row.fixed]
        some = {(), *((i,) for i in floats)} if isinstance(row.op, TAKES_MIXED_INPUTS) else set()
        for which in {tuple(floats)} | some:
            inputs = lifted(row, which)
            if takes(row, inputs):
                yield pytest.param(row.op, inputs, id=f"{row}-{''.join(x.dtype.kind for x in inputs)}")


CASES = sorted(cases(), key=lambda case: case.id)


def test_there_are_cases():
    ops = {type(case.values[0]).__name__ for case in CASES}
    assert ops >= {
        "Add",
        "Multiply",
        "Divide",
        "Power",
        "Where",
        "Exp",
        "Log",
        "Real",
        "Imag",
        "Conj",
        "Complex",
    }


def inner(a, b):
    return np.real(np.conj(a) * b)


def varied(inputs):
    return [i for i, x in enumerate(inputs) if x.dtype.kind in "fc"]


@pytest.mark.parametrize(("op", "inputs"), CASES)
def test_vjp_is_the_transpose_of_jvp_under_the_real_inner_product(op, inputs):
    tensors = tuple(map(Tensor, inputs))
    out = apply(op, *tensors)
    v = random(out.shape, out.dtype, 1)
    directions = {i: random(inputs[i].shape, inputs[i].dtype, 2 + i) for i in varied(inputs)}
    tangents = tuple(Tensor(directions[i]) if i in directions else None for i in range(len(inputs)))
    moved = op.jvp(tangents, out, *tensors)
    forward = np.zeros(0) if moved is None else inner(v, moved.numpy()).ravel()
    gradients = op.vjp(tuple(i in directions for i in range(len(inputs))), Tensor(v), out, *tensors)
    backward = [np.zeros(0)]
    for i, u in directions.items():
        if gradients[i] is not None:
            assert (gradients[i].shape, gradients[i].dtype) == (inputs[i].shape, inputs[i].dtype)
            backward.append(inner(gradients[i].numpy(), u).ravel())
    terms = np.concatenate([forward, *backward])
    bound = 400 * EPSILON * (np.abs(terms).sum() + np.abs(v).sum())
    assert abs(forward.sum() - sum(part.sum() for part in backward)) <= bound


@pytest.mark.parametrize(("op", "inputs"), [c for c in CASES if not isinstance(c.values[0], CHOOSE_A_PHASE)])
def test_jvp_is_the_derivative_along_the_tangent(op, inputs):
    """Two central differences, combined so that their error is of order h**4."""
    tensors = tuple(map(Tensor, inputs))
    out = apply(op, *tensors)
    directions = {i: random(inputs[i].shape, inputs[i].dtype, 2 + i) for i in varied(inputs)}
    moved = op.jvp(
        tuple(Tensor(directions[i]) if i in directions else None for i in range(len(inputs))), out, *tensors
    )

    def value(h):
        return apply(
            op, *(Tensor(x + h * directions[i] if i in directions else x) for i, x in enumerate(inputs))
        ).numpy()

    def difference(h):
        return (value(h) - value(-h)) / (2 * h)

    h = 1e-4
    wanted = (4 * difference(h / 2) - difference(h)) / 3
    found = np.zeros(out.shape) if moved is None else moved.numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-8)


# --- whole losses, against the definition -----------------------------------------------------------------------

Z = np.array([0.7 + 0.4j, -1.2 + 0.9j, 0.3 - 1.1j])
W = np.array([[0.5 - 0.2j], [1.5 + 0.3j]])
R = np.array([0.5, -2.0, 1.5])
C = gg.asarray(np.array([1 - 2j, 0.5j, 2.0]))

LOSSES = {
    "squared modulus": lambda z: gg.sum(gg.real(z * gg.conj(z))),
    "modulus": lambda z: gg.sum(gg.abs(z - (0.2 - 0.1j))),
    "angle": lambda z: gg.sum(gg.angle(z) * R),
    "sign": lambda z: gg.sum(gg.real(gg.sign(z) * C)),
    "real part of a polynomial": lambda z: gg.sum(gg.real(C * z**3 - 2j * z**2 + z)),
    "imaginary part of a quotient": lambda z: gg.sum(gg.imag((z + C) / (z * z + 3))),
    "powers": lambda z: gg.sum(gg.real(z ** (1.5 + 0.5j))),
    "number to a power": lambda z: gg.sum(gg.imag((0.5 + 1j) ** z)),
    "exponential, logarithm": lambda z: gg.sum(gg.abs(gg.exp(1j * z) + gg.log(z))),
    "trigonometric": lambda z: gg.sum(gg.real(gg.sin(z) * gg.cosh(z) / gg.tanh(z))),
    "square root of a reciprocal": lambda z: gg.sum(gg.imag(gg.sqrt(gg.reciprocal(z)))),
    "chosen": lambda z: gg.sum(gg.abs(gg.where(gg.asarray(R > 0), z * z, gg.conj(z) * C))),
    "real constants": lambda z: gg.sum(gg.real(R * z * z + z * R)),
    "broadcast": lambda z: gg.sum(gg.abs(gg.asarray(W) * z + z)),
    "rearranged": lambda z: gg.sum(gg.abs(gg.stack([z, gg.conj(z)])[:, ::-1] * C)),
    "parts put together": lambda z: gg.sum(gg.abs(gg.complex(gg.imag(z) ** 2, gg.real(z)) * C)),
    "another dtype": lambda z: gg.sum(gg.real(gg.astype(z, gg.complex128) * C)),
}


def by_definition(loss, z):
    dx, dy = gg.numerical.grad(lambda x, y: loss(gg.complex(x, y)), z.real, z.imag, scheme="richardson")
    return dx + 1j * dy


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_the_derivative_along_x_plus_i_times_that_along_y(name):
    found = gg.grad(LOSSES[name])(Z)
    assert found.dtype == gg.complex128
    np.testing.assert_allclose(found.numpy(), by_definition(LOSSES[name], Z), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_the_gradient(name):
    """Of the real number Σ Re(conj(c) dL/dz), which the first gradient is turned into."""

    def of_the_slope(z):
        return gg.sum(gg.real(gg.conj(C) * gg.grad(LOSSES[name])(z)) ** 2)

    found = gg.grad(of_the_slope)(Z).numpy()
    np.testing.assert_allclose(found, by_definition(of_the_slope, Z), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_along_minus_the_gradient_lowers_the_loss(name):
    """What an optimizer does with a gradient: the loss falls by the step times the squared length of the gradient."""
    loss = LOSSES[name]
    g, step = gg.grad(loss)(Z).numpy(), 1e-7
    fall = (loss(gg.asarray(Z)) - loss(gg.asarray(Z - step * g))).item()
    assert fall == pytest.approx(step * np.sum(np.abs(g) ** 2), rel=1e-4)


def test_real_variables_beside_complex_constants_get_real_gradients():
    x = gg.tensor(R, requires_grad=True)
    gg.real(gg.sum(x * C)).backward()
    assert x.grad.dtype == gg.float64
    assert x.grad.tolist() == [1.0, 0.0, 2.0]
    x = gg.tensor(R[0], requires_grad=True)
    gg.sum(gg.imag(C / x + gg.astype(x, gg.complex128) * 1j)).backward()
    assert x.grad.item() == pytest.approx(-(-2 + 0.5) / R[0] ** 2 + 3.0)


def test_gradients_keep_the_precision_of_their_variable():
    z = gg.tensor(np.array([1 + 2j], np.complex64), requires_grad=True)
    x = gg.tensor(np.array([2.0], np.float32), requires_grad=True)
    gg.sum(gg.abs(z * x * gg.asarray(np.array([1j])))).backward()
    assert (z.grad.dtype, x.grad.dtype) == (gg.complex64, gg.float32)


def test_at_zero_the_modulus_and_the_sign_have_gradient_0():
    z = gg.tensor([0j, 3 + 4j], requires_grad=True)
    gg.sum(gg.abs(z)).backward()
    np.testing.assert_allclose(z.grad.numpy(), [0.0, 0.6 + 0.8j], rtol=1e-6)
    z = gg.tensor([0j, 2j], requires_grad=True)
    gg.sum(gg.real(gg.sign(z))).backward()
    np.testing.assert_allclose(z.grad.numpy(), [0.0, 0.5], rtol=1e-6)


def test_infinite_gradients_stay_on_their_axis():
    """`1j * inf` is NaN + inf j by complex multiplication; a part's gradient is put together instead."""
    z = gg.tensor([1 + 2j], requires_grad=True)
    gg.sum(gg.imag(z)).backward(np.float32(np.inf))
    assert z.grad.tolist() == [complex(0.0, np.inf)]


def test_a_complex_number_is_no_loss():
    z = gg.tensor([1 + 2j], requires_grad=True)
    with pytest.raises(GraphError) as raised:
        gg.sum(z * z).backward()
    assert raised.value.message == (
        "backward() of a complex number needs an upstream gradient, because a loss is a real number: take gg.real(x) "
        "or gg.abs(x) of it first, or pass one, as docs/complex.md says"
    )
    gg.sum(z * z).backward(1.0)
    assert z.grad.tolist() == [2 - 4j]
    with pytest.raises(DTypeError, match="grad needs a function that returns a real float"):
        gg.grad(lambda z: gg.sum(z * z))(1j)


def test_the_example_in_the_documentation():
    page = Path(__file__).resolve().parents[2] / "docs" / "complex.md"
    found = doctest.testfile(str(page), module_relative=False, globs={"gg": gg})
    assert (found.failed, found.attempted) == (0, 3)
