"""The errors glassgrad raises on purpose: each says what was expected, what came, where, and what to do."""

from __future__ import annotations

import sys
from typing import ClassVar

NAMES_ITS_OWN_PLACE = ("data", "io", "train", "cli")
"""The folders whose messages name a file, a row, an epoch or an argument, so that the user's line adds nothing."""


class GlassgradError(Exception):
    """Base of every error glassgrad raises on purpose.

    `place` is the user's `file:line`, "" where the message names another place. `module_path` is filled in by
    `nn.Module` on the way out, innermost name first, so that an error deep in a model says which layer it came from.

    >>> issubclass(ShapeError, GlassgradError) and issubclass(ShapeError, ValueError)
    True
    """

    ends_in_line: ClassVar[bool] = True
    """Whether the message ends in the user's line."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        raised_in = str(sys._getframe(1).f_globals.get("__name__"))
        elsewhere = raised_in.startswith(tuple(f"{__package__}.{folder}" for folder in NAMES_ITS_OWN_PLACE))
        self.place = _line() if self.ends_in_line and not elsewhere else ""
        self.module_path: list[str] = []
        self.module: object = None  # the outermost module so far, whose name only the next one knows

    def __str__(self) -> str:
        layer = f"in {'.'.join(reversed(self.module_path))}: " if self.module_path else ""
        place = f" (at {self.place})" if self.place else ""
        return f"{layer}{self.message}{place}"


def _line() -> str:
    from .graph.node import caller, describe  # not above, because the graph raises errors itself

    return describe(caller())


class ShapeError(GlassgradError, ValueError):
    """Shapes do not fit the operation."""


class DTypeError(GlassgradError, TypeError):
    """A dtype does not fit the operation."""


class ArgumentError(GlassgradError, ValueError):
    """An argument has a value the function cannot use."""


class GraphError(GlassgradError, RuntimeError):
    """The graph cannot do what was asked: not recorded, detached, freed, or not differentiable."""


class ExchangeError(GlassgradError, BufferError):
    """An array cannot be handed from one library to another without a copy: its kind, place or gradient forbids it."""


class GradientMismatch(GlassgradError, AssertionError):  # noqa: N818 - the public name that DESIGN fixes
    """A gradient disagrees with finite differences; names the argument, the index and both values."""


class CompiledMismatch(GlassgradError, AssertionError):  # noqa: N818 - named like GradientMismatch
    """A compiled function gives another result than the function itself; names the array, the index and both values."""


class NotFiniteError(GlassgradError, ArithmeticError):
    """A NaN or an infinity appeared where training cannot go on."""

    ends_in_line = False


class DataError(GlassgradError, ValueError):
    """A data set or a data file cannot be used; names the file and the line."""

    ends_in_line = False


class CheckpointError(GlassgradError, OSError):
    """A saved file is truncated, foreign, unreadable or does not fit the model."""

    ends_in_line = False
