"""Which code runs a convolution: that which takes less time by its own account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..alone import AloneCode
from ..code import Share
from .convolution import ConvolutionCode
from .winograd import WinogradCode

if TYPE_CHECKING:
    from ...kernels import Alone, Units

CANDIDATES: list[tuple[type[AloneCode], float]] = [(ConvolutionCode, 1.0), (WinogradCode, 1.2)]
"""Codes, each with how many times faster than it says the others must be. Winograd's algorithms take memory, and round
worse where sums are short: for less than a sixth of the time it is not worth while."""


class ChosenConvolution(AloneCode):
    """The code of a convolution, of whichever kind."""

    @classmethod
    def fits(cls, unit: Alone) -> bool:
        """Whether there is code of any kind."""
        return any(code.fits(unit) for code, _ in CANDIDATES)

    def __init__(self, unit: Alone, units: Units) -> None:
        codes = [(code(unit, units), factor) for code, factor in CANDIDATES if code.fits(unit)]
        self.code, _ = min(
            codes, key=lambda pair: pair[1] * sum(phase.nanoseconds for phase in pair[0].phases)
        )
        self.owners, self.offsets = self.code.owners, self.code.offsets
        self.scratch, self.phases = self.code.scratch, self.code.phases

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        return self.code.key

    def write(self, phase: int, share: Share) -> None:
        """Write the instructions for a share of a phase."""
        self.code.write(phase, share)
