"""Activation layers: the elementwise functions and softmaxes as modules."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional
from .module import Module


class ReLU(Module):
    """max(x, 0), elementwise. The derivative at 0 is 0.

    >>> gg.nn.ReLU()(gg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, x: Any) -> Tensor:
        """max(x, 0)."""
        return functional.relu(x)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope * x, elementwise.

    >>> gg.nn.LeakyReLU(0.5)(gg.tensor([-1.0, 2.0]))
    tensor([-0.5,  2. ])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Tensor:
        """x where x > 0, else negative_slope * x."""
        return functional.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """x where x > 0, else alpha * (exp(x) - 1), elementwise.

    >>> gg.nn.ELU()(gg.tensor([-1000.0, 2.0]))
    tensor([-1.,  2.])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Tensor:
        """x where x > 0, else alpha * (exp(x) - 1)."""
        return functional.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """The factor."""
        return f"alpha={self.alpha}"


class Sigmoid(Module):
    """1 / (1 + exp(-x)), elementwise.

    >>> gg.nn.Sigmoid()(gg.tensor([0.0]))
    tensor([0.5])
    """

    def forward(self, x: Any) -> Tensor:
        """1 / (1 + exp(-x))."""
        return functional.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent, elementwise.

    >>> gg.nn.Tanh()(gg.tensor([0.0]))
    tensor([0.])
    """

    def forward(self, x: Any) -> Tensor:
        """tanh(x)."""
        return functional.tanh(x)


class Softplus(Module):
    """ln(1 + exp(beta x)) / beta, elementwise: a smooth ReLU. It cannot overflow, so PyTorch's threshold is not needed.

    >>> gg.nn.Softplus()(gg.tensor([1000.0]))
    tensor([1000.])
    """

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def forward(self, x: Any) -> Tensor:
        """ln(1 + exp(beta x)) / beta."""
        return functional.softplus(x, self.beta)

    def extra_repr(self) -> str:
        """The sharpness."""
        return f"beta={self.beta}"


class GELU(Module):
    """x Φ(x), elementwise, with Φ the normal distribution's cumulative function: a ReLU with a soft corner.

    approximate: "none" for Φ itself, "tanh" for ½ (1 + tanh(√(2/π) (x + 0.044715 x³))) in its place, at most 0.0005
    away. Real float dtypes. Raises ArgumentError for another approximation.

    Source: Hendrycks, Gimpel, "Gaussian error linear units (GELUs)" (2016).

    >>> gg.nn.GELU()(gg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.15865526,  0.        ,  0.8413447 ])
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = functional.require_approximation(approximate)

    def forward(self, x: Any) -> Tensor:
        """x Φ(x)."""
        return functional.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """The approximation."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x sigmoid(x), elementwise, also known as swish. Real float dtypes.

    Sources: Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning" (2018); Ramachandran, Zoph, Le, "Searching for activation functions" (2017).

    >>> gg.nn.SiLU()(gg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.26894143,  0.        ,  0.7310586 ])
    """

    def forward(self, x: Any) -> Tensor:
        """x sigmoid(x)."""
        return functional.silu(x)


class Softmax(Module):
    """exp(x) / sum exp(x) along the axis `dim`: positive, sums to 1.

    >>> gg.nn.Softmax(dim=1)(gg.tensor([[0.0, 0.0]]))
    tensor([[0.5, 0.5]])
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Tensor:
        """exp(x) / sum exp(x)."""
        return functional.softmax(x, self.dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """ln softmax(x) along the axis `dim`, without forming the softmax.

    >>> gg.nn.LogSoftmax(dim=1)(gg.tensor([[0.0, -1000.0]]))
    tensor([[    0., -1000.]])
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Tensor:
        """ln softmax(x)."""
        return functional.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"
