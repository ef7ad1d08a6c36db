"""Complex numbers: their parts, conjugates and angles, and how they are made of two real numbers.

What a gradient with respect to a complex number is, docs/complex.md says. These ops are linear over the real numbers
but not over the complex ones, so they are not analytic; elementwise functions that are not either are composed of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError
from ..graph import Aval, broadcast_shapes
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import as_complex, as_real, promote
from .families import Linear, require_kind, unbroadcast
from .stacks import aligned

__all__ = ["angle", "complex", "conj", "imag", "real"]


class Part(Linear):
    """A part of complex numbers, as real numbers."""

    argument_names = ("x",)
    pattern = "router: the upstream gradient goes to one part of the input"
    is_analytic = False

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "c", x)
        return Aval(x.shape, as_real(x.dtype))

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        return apply(self, *inputs)


class Real(Part):
    """The real part."""

    formula = "out = re(x)"

    def forward(self, x: Any) -> Any:
        require_kind(self, "c", x)
        return x.real

    def transpose(self, g: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        return (complex(g, _zeros_like(g)),)


class Imag(Part):
    """The imaginary part."""

    formula = "out = im(x)"

    def forward(self, x: Any) -> Any:
        require_kind(self, "c", x)
        return x.imag

    def transpose(self, g: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        return (complex(_zeros_like(g), g),)


class Conj(Linear):
    """The complex conjugate."""

    argument_names = ("x",)
    formula = "out = re(x) - i im(x)"
    pattern = "inverter: passes the conjugate of the upstream gradient"
    is_analytic = False

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "c", x)
        return x

    def forward(self, x: Any) -> Any:
        require_kind(self, "c", x)
        return np.conjugate(x)

    def transpose(self, g: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        return (conj(g),)

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        return apply(self, *inputs)


class Complex(Linear):
    """A complex number from its real and its imaginary part."""

    argument_names = ("real", "imag")
    formula = "out = real + i imag"
    pattern = (
        "distributor: the real part of the upstream gradient to the one, its imaginary part to the other"
    )
    linear_inputs = None

    def shape(self, *inputs: Aval) -> Aval:
        require_kind(self, "biuf", *inputs)
        return Aval(broadcast_shapes(self, inputs), as_complex(promote({given.dtype for given in inputs})))

    def forward(self, real: Any, imag: Any) -> Any:
        require_kind(self, "biuf", real, imag)
        shape = np.broadcast_shapes(real.shape, imag.shape)
        out = np.empty(shape, as_complex(promote({real.dtype, imag.dtype})))
        out.real, out.imag = real, imag
        return out

    def transpose(self, g: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        return unbroadcast(real(g), inputs[0]), unbroadcast(imag(g), inputs[1])

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        return apply(self, *aligned(batched, inputs))


_real, _imag, _conj, _complex = Real(), Imag(), Conj(), Complex()


def real(x: Any, /) -> Tensor:
    """The real part, elementwise: float32 for complex64, float64 for complex128. Real numbers stay as they are.

    Raises DTypeError for booleans.

    >>> gg.real(gg.asarray([1 + 2j, 3j]))
    tensor([1., 0.])
    """
    x = _number("real", x)
    return apply(_real, x) if x.dtype.kind == "c" else x


def imag(x: Any, /) -> Tensor:
    """The imaginary part, elementwise: float32 for complex64, float64 for complex128. That of real numbers is 0.

    Raises DTypeError for booleans.

    >>> gg.imag(gg.asarray([1 + 2j, -1j]))
    tensor([ 2., -1.])
    """
    x = _number("imag", x)
    return apply(_imag, x) if x.dtype.kind == "c" else _zeros_like(x)


def conj(x: Any, /) -> Tensor:
    """The complex conjugate, x - iy for x + iy, elementwise. Real numbers stay as they are.

    Raises DTypeError for booleans.

    >>> gg.conj(gg.asarray([1 + 2j, 3.0])).tolist()
    [(1-2j), (3-0j)]
    """
    x = _number("conj", x)
    return apply(_conj, x) if x.dtype.kind == "c" else x


def complex(real: Any, imag: Any, /) -> Tensor:
    """real + i imag, elementwise with broadcasting: complex64, or complex128 if a part is float64.

    An op of its own because `real + 1j * imag` makes NaN of infinities and loses the sign of zeros.
    Raises DTypeError if a part is complex, ShapeError if the shapes do not broadcast.

    >>> gg.complex(gg.asarray([1.0, 2.0]), 0.5).tolist()
    [(1+0.5j), (2+0.5j)]
    """
    return apply(_complex, real, imag)


def angle(x: Any, /) -> Tensor:
    """The angle of x from the positive real axis, in radians in [-π, π], elementwise; 0 or π for real numbers.

    It jumps across the negative real axis. Raises DTypeError for booleans.

    >>> gg.angle(gg.asarray([1j, 2.0, -1.0]))
    tensor([1.5707964, 0.       , 3.1415927])
    """
    from .shape import astype
    from .trigonometric import atan2

    x = _number("angle", x)
    if x.dtype.kind in "iu":
        x = astype(x, np.float32)
    return atan2(imag(x), real(x))


def _number(name: str, x: Any) -> Tensor:
    """x as a tensor of numbers, or a DTypeError that names the function."""
    given = asarray(x)
    if given.dtype.kind == "b":
        raise DTypeError(
            f"{name} needs an int, float or complex input; got bool of shape {given.shape}. "
            f"gg.astype(x, gg.float32) converts."
        )
    return given


def _zeros_like(x: Tensor) -> Tensor:
    return Tensor(np.zeros(x.shape, x.dtype))
