"""Criterions: losses, which compare an output with its target."""

from __future__ import annotations

from typing import Any, Self

from .. import ops
from ..autodiff import grad
from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor, asarray, no_grad
from .arguments import check_settings

REDUCTIONS = ("mean", "sum", "none")


class Criterion:
    """A loss as an object with settings. Subclass it and write `forward(output, target)`.

    `criterion(output, target)` is the loss; `criterion.backward(output, target)` its gradient for the output.

    >>> class Distance(gg.nn.Criterion):
    ...     def forward(self, output, target):
    ...         return gg.sum(gg.abs(output - target))
    >>> Distance()(gg.tensor([1.0, 5.0]), gg.tensor([0.0, 7.0]))
    tensor(3.)
    >>> Distance().backward(gg.tensor([1.0, 5.0]), gg.tensor([0.0, 7.0]))
    tensor([ 1., -1.])
    """

    def __new__(cls, *settings: Any, **named: Any) -> Self:  # noqa: D102
        check_settings(cls, settings, named, inputs=2, instead=f"nn.{cls.__name__}()(output, target)")
        return super().__new__(cls)

    def forward(self, output: Any, target: Any) -> Tensor:
        """The loss."""
        raise ArgumentError(f"{type(self).__name__} has no method forward(self, output, target)")

    def __call__(self, output: Any, target: Any) -> Tensor:
        """Run `forward`."""
        return self.forward(output, target)

    def backward(self, output: Any, target: Any) -> Tensor:
        """The gradient of the loss for the output; of the sum of the losses, if they are not reduced."""
        with no_grad():
            gradient: Tensor = grad(lambda x: ops.sum(self.forward(x, target)))(asarray(output))
        return gradient

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({settings})"


def require_reduction(reduction: str) -> str:
    """`reduction` itself, or an ArgumentError unless it is "mean", "sum" or "none".

    >>> require_reduction("sum")
    'sum'
    """
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"reduction must be 'mean', 'sum' or 'none'; got {reduction!r}")
    return reduction


def reduce_losses(name: str, losses: Tensor, reduction: str) -> Tensor:
    """The mean or the sum of the losses, or the losses as they are. Raises ShapeError for the mean of none.

    >>> reduce_losses("MSELoss", gg.tensor([1.0, 2.0]), "mean")
    tensor(1.5)
    """
    if require_reduction(reduction) == "none":
        return losses
    if reduction == "sum":
        return ops.sum(losses)
    require_samples(name, losses)
    return ops.mean(losses)


def require_samples(name: str, x: Tensor) -> None:
    """Raise a ShapeError in the name of a loss if x is empty."""
    if x.size == 0:
        raise ShapeError(
            f"{name} got an empty batch, of shape {x.shape}: there is no mean over nothing. "
            f"Leave such batches out, or use reduction='sum'."
        )


def as_target(name: str, output: Tensor, target: Any) -> Tensor:
    """The target in the dtype of the output, or a ShapeError if their shapes differ.

    >>> as_target("MSELoss", gg.ones(2), [1, 0])
    tensor([1., 0.])
    """
    given = asarray(target)
    if given.shape != output.shape:
        hint = ""
        if given.size == output.size:
            hint = f" Reshape one of them, for example target.reshape({output.shape})."
        elif given.dtype.kind in "iu" and given.shape == output.shape[:-1]:
            hint = " For class labels use CrossEntropyLoss."
        raise ShapeError(
            f"{name} needs output and target of the same shape; got output {output.shape} and target {given.shape}, "
            f"which are not compared element by element.{hint}"
        )
    return ops.astype(given, output.dtype) if output.dtype.kind == "f" else given


def as_factor(name: str, argument: str, factor: Any, output: Tensor) -> Tensor:
    """A weight that can be multiplied into losses of the output's shape, in its dtype; ShapeError if it cannot."""
    given = asarray(factor)
    fits = given.ndim <= output.ndim and all(
        size in (1, whole) for size, whole in zip(given.shape[::-1], output.shape[::-1], strict=False)
    )
    if not fits:
        raise ShapeError(
            f"{name} needs a {argument} that can be broadcast to the output {output.shape}; got {given.shape}"
        )
    return ops.astype(given, output.dtype)
