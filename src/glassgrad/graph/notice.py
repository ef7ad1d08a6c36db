"""Warnings that point at the user's line."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

PACKAGE = str(Path(__file__).resolve().parent.parent) + os.sep


def notice(message: str) -> None:
    """Warn in the name of the innermost line outside glassgrad that led here; Python shows it once per line."""
    depth, frame = 1, sys._getframe(0)
    while frame.f_code.co_filename.startswith(PACKAGE) and frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=depth)
