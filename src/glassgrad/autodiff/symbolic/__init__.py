"""The symbolic mode through SymPy: expressions, their derivatives, and how these swell. Public as `gg.symbolic`."""

from .expressions import expression, grad
from .swell import Swell, swell

__all__ = ["Swell", "expression", "grad", "swell"]
