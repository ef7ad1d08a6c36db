"""Differentiation: one mode per file."""

from . import numerical
from .check import GradcheckReport, gradcheck
from .gradient import grad, value_and_grad, vjp

__all__ = ["GradcheckReport", "grad", "gradcheck", "numerical", "value_and_grad", "vjp"]
