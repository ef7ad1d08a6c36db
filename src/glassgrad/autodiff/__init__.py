"""Differentiation: one mode per file."""

from . import numerical
from .batch import vmap
from .check import GradcheckReport, gradcheck
from .forward import hvp, jvp
from .gradient import grad, value_and_grad, vjp
from .jacobian import hessian, jacobian
from .view import graph_of

__all__ = [
    "GradcheckReport",
    "grad",
    "gradcheck",
    "graph_of",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "numerical",
    "value_and_grad",
    "vjp",
    "vmap",
]
