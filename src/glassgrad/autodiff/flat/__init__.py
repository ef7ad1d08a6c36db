"""Flat code: forward and backward as straight-line Python that runs with NumPy alone."""

from .code import flat_code

__all__ = ["flat_code"]
