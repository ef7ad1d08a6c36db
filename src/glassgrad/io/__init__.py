"""Files that are safe to open and whole at every moment: parameters, checkpoints, atomic writes."""

from __future__ import annotations

from glassgrad.io.atomic import write_bytes, write_text
from glassgrad.io.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from glassgrad.io.parameters import load_arrays, save_arrays

__all__ = [
    "Checkpoint",
    "load_arrays",
    "load_checkpoint",
    "save_arrays",
    "save_checkpoint",
    "write_bytes",
    "write_text",
]
