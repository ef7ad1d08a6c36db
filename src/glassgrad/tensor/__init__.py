"""Tensors: values with a node, their dtypes, and `apply`, which runs an op and records it."""

from . import dtype, tree
from .apply import apply, apply_to_two, is_recording, no_grad, recording
from .lifted import Lifted, apply_lifted, base_of, level_of, new_level, on_base
from .tensor import Tensor, asarray, tensor, variable

__all__ = [
    "Lifted",
    "Tensor",
    "apply",
    "apply_lifted",
    "apply_to_two",
    "asarray",
    "base_of",
    "dtype",
    "is_recording",
    "level_of",
    "new_level",
    "no_grad",
    "on_base",
    "recording",
    "tensor",
    "tree",
    "variable",
]
