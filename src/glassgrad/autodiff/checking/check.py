"""Checking a gradient: automatic derivatives against differences of values, element by element."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import ArgumentError
from ...graph import notice
from .check_report import GradcheckReport, GradcheckRow

if TYPE_CHECKING:
    from .check_one import Check
    from .subject import Number

MODES = ("reverse", "forward")


def gradcheck(
    function: Callable[..., Any],
    *inputs: Any,
    modes: Sequence[str] = MODES,
    order: int = 1,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> GradcheckReport:
    """Compare the derivatives of `function` at `inputs`, in each of the `modes`, with differences of its values.

    function: maps tensors, or nested dicts, lists and tuples of them, to tensors; a fixed random weighting makes one
        number of them. Integers are held constant. Everything is computed in float64.
    inputs: its arguments. For a module the gradient of every parameter is checked; the module is passed on if the
        function takes that many arguments, so this works: `gradcheck(lambda: loss(model(x), y), model)`. While the
        function runs, the module holds float64 stand-ins for its parameters and buffers; its own never change. Every
        call draws the same random numbers then, so dropout may be on.
    order: with 2, the gradient's own derivatives along a random direction are compared too: forward over reverse and
        reverse over reverse (forward over forward if "forward" is the only mode). And so on.
    tolerance: the largest relative error. Of an argument with more than 256 elements, or a parameter with more than
        32, 16 elements are looked at, drawn with `seed`, and 2 random directions through all of them; a direction
        that disagrees is halved until the element is found.

    The checker tells apart a wrong derivative, a kink, and a function that differences cannot decide about, because
    it is ill-conditioned (differences with several steps disagree) or computed in float32. Differences are complex
    steps where every op allows complex numbers and is analytic, else central ones extrapolated by Ridders' method. A
    kink whose automatic slope is one of the one-sided slopes or lies between them is reported and is no error; what
    cannot be decided is reported with a warning. The report's `table()` shows everything.

    Complex inputs: the gradient of L at x + iy is dL/dx + i dL/dy.

    Raises GradientMismatch naming the mode, the argument, the index and both values.

    >>> import glassgrad as gg
    >>> print(gradcheck(lambda x: x * gg.sin(x), gg.tensor([1.0, 2.0])))
    2 entries agree to order 1; largest relative error ... at argument 0, index (...,)
    """
    from .check_one import Check  # here, so that `import glassgrad` stays fast
    from .subject import Number, Slope, Subject

    _require_options(modes, order, tolerance)
    subject = Subject(function, inputs)
    if subject.modules:
        subject.require_parameters_inside()
    number = Number(subject, seed)
    rows: list[GradcheckRow] = []
    check: Check | None = None
    for level in range(1, order + 1):
        if level > 1:
            number = Slope(number, "reverse" if "reverse" in modes else "forward")
        _require_repeatable(number)
        check = Check(number, modes, tolerance, seed, lower=check)
        rows += check.rows()
    report = GradcheckReport(tuple(rows), order)
    if report.undecided:
        count = len(report.undecided)
        more = f" (and {count - 1} more: see the report's table())" if count > 1 else ""
        notice(f"gradcheck cannot decide: {report.undecided[0].text}{more}")
    return report


def _require_options(modes: Sequence[str], order: int, tolerance: float) -> None:
    listed = [modes] if isinstance(modes, str) else modes
    unknown = [mode for mode in listed if mode not in MODES]
    if unknown or not listed or isinstance(modes, str):
        raise ArgumentError(
            f"gradcheck takes the modes 'reverse' and 'forward', one or both, as a tuple; got {modes!r}"
        )
    if not isinstance(order, int) or order < 1:
        raise ArgumentError(f"gradcheck compares derivatives to an order of 1, 2 or more; got {order}")
    if not 0 < tolerance < 1:
        raise ArgumentError(f"the tolerance is a relative error between 0 and 1; got {tolerance}")


def _require_repeatable(number: Number) -> None:
    from .subject import value_of

    once, again = (value_of(number, number.points) for _ in range(2))
    if not math.isfinite(once):
        what = "function" if number.order == 1 else "gradient"
        raise ArgumentError(
            f"gradcheck needs a function whose value and gradient are finite at the inputs; the {what} gave {once}. "
            f"Is a logarithm, a root or a quotient at the edge of its domain?"
        )
    if once != again:
        raise ArgumentError(
            f"gradcheck needs a function that gives the same result every time; it gave {once:.9g} and then "
            f"{again:.9g}. Is Dropout in training mode? Call model.eval(), or draw random numbers outside."
        )
