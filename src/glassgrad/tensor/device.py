"""Devices: there is one, the CPU, under the name that the array API's `device=` arguments take."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError

CPU = "cpu"


def as_device(device: Any) -> str:
    """The device that is meant: None, the default, or "cpu".

    >>> as_device(None)
    'cpu'
    """
    if device is None or (isinstance(device, str) and device == CPU):
        return CPU
    raise ArgumentError(
        f"glassgrad computes on the CPU: device may be None or 'cpu'; got {device!r}. Leave it out, or pass x.device."
    )
