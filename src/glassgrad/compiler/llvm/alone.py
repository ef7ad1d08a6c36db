"""Which code runs an op that is a unit by itself: a table from the description of its loops to a code generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...graph.loops import Convolved, Drawn, Running, Scattered, Sought, Weighed, Windowed
from .code import Code

if TYPE_CHECKING:
    from ..kernels import Alone, Units

GENERATORS: dict[type, type[AloneCode]] = {}


class AloneCode(Code):
    """The code of one op with loops of its own kind."""

    def __init__(self, unit: Alone, units: Units) -> None:
        raise NotImplementedError

    @classmethod
    def fits(cls, unit: Alone) -> bool:
        """Whether there is machine code for these shapes and dtypes; if not, NumPy runs the op."""
        return True

    @classmethod
    def company(cls, unit: Alone) -> Any:
        """What units must have in common, their inputs above all, to be one pass; None for no company."""
        return None


# the generators need the class above
from .contraction.choice import ChosenConvolution  # noqa: E402
from .philox import DrawFunction  # noqa: E402
from .pooling import WindowFunction  # noqa: E402
from .running import RunningFunction  # noqa: E402
from .scatter import ScatterFunction  # noqa: E402
from .seeking import SeekFunction  # noqa: E402
from .weighing import WeightFunction  # noqa: E402

GENERATORS[Drawn] = DrawFunction
GENERATORS[Scattered] = ScatterFunction
GENERATORS[Sought] = SeekFunction
GENERATORS[Windowed] = WindowFunction
GENERATORS[Running] = RunningFunction
GENERATORS[Weighed] = WeightFunction
GENERATORS[Convolved] = ChosenConvolution
