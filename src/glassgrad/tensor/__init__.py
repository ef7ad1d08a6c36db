"""Tensors: values with a node, their dtypes, and `apply`, which runs an op and records it."""

from . import dtype
from .apply import apply, apply_to_two, is_recording, no_grad, recording
from .tensor import Tensor, asarray, tensor, variable

__all__ = [
    "Tensor",
    "apply",
    "apply_to_two",
    "asarray",
    "dtype",
    "is_recording",
    "no_grad",
    "recording",
    "tensor",
    "variable",
]
