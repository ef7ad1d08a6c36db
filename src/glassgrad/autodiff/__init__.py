"""Differentiation: one mode per file."""

from . import numerical
from .check import GradcheckReport, gradcheck
from .gradient import grad, value_and_grad, vjp
from .view import graph_of

__all__ = ["GradcheckReport", "grad", "gradcheck", "graph_of", "numerical", "value_and_grad", "vjp"]
