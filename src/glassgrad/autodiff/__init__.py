"""Differentiation: one mode per file."""

from . import numerical
from .batch import vmap
from .checking.check import gradcheck
from .checking.check_report import GradcheckReport
from .checkpoint import checkpoint
from .control import cond, scan, while_loop
from .custom import custom_jvp, custom_vjp
from .forward import hvp, jvp
from .gradient import grad, value_and_grad, vjp
from .jacobian import hessian, jacobian
from .view import graph_of

__all__ = [
    "GradcheckReport",
    "checkpoint",
    "cond",
    "custom_jvp",
    "custom_vjp",
    "grad",
    "gradcheck",
    "graph_of",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "numerical",
    "scan",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
