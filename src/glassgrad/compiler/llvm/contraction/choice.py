"""Which code runs a convolution: that which takes less time by its own account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..alone import AloneCode
from .convolution import ConvolutionCode
from .winograd import WinogradCode

if TYPE_CHECKING:
    from ...kernels import Alone, Units

CANDIDATES: list[tuple[type[AloneCode], float]] = [(ConvolutionCode, 1.0), (WinogradCode, 1.2)]
"""Codes, each with how many times faster than it says the others must be. Winograd's algorithms take memory, and round
worse where sums are short: for less than a sixth of the time it is not worth while."""


class ChosenConvolution(AloneCode):
    """Stands for the code of a convolution until its shapes are known."""

    @classmethod
    def fits(cls, unit: Alone) -> bool:
        """Whether there is code of any kind."""
        return any(code.fits(unit) for code, _ in CANDIDATES)

    def __new__(cls, unit: Alone, units: Units) -> Any:  # another class's object
        """The fastest code."""
        codes = [(code(unit, units), factor) for code, factor in CANDIDATES if code.fits(unit)]
        best, _ = min(codes, key=lambda pair: pair[1] * sum(phase.nanoseconds for phase in pair[0].phases))
        return best
