"""`flat_code`: the forward and the backward pass of a function as straight-line Python that needs NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ArgumentError, GraphError
from ...graph import quiet
from .writer import Writer


class FlatCode(str):
    """Source text: a string that shows itself as it is, saves itself and runs itself."""

    function_name: str

    def __repr__(self) -> str:
        return str(self)

    def save(self, path: str | Path) -> None:
        """Write the source to a file, which can be imported where only NumPy is."""
        Path(path).write_text(str(self) + "\n", encoding="utf-8")

    @property
    def function(self) -> Callable[..., Any]:
        """The function that the source defines."""
        scope: dict[str, Any] = {}
        exec(compile(self, f"<{self.function_name}>", "exec"), scope)
        return scope[self.function_name]  # type: ignore[no-any-return]


def flat_code(function: Callable[..., Any], *examples: Any, name: str = "forward_backward") -> FlatCode:
    """The value and the gradients of `function` as readable straight-line Python, like the backward pass by hand.

    examples: one per argument, as for `gg.trace`: tensors, arrays, numbers or `gg.Spec`, or nested dicts, lists and
    tuples of these, which become one argument per leaf. Python numbers are taken in double precision. `function`
    returns one tensor; unless it is a single number, the source has one argument more, its upstream gradient.

    The source defines `name(arguments)`, which returns the value and a tuple with one gradient per float argument, for
    arguments of the shapes and dtypes of the examples. Variables keep the names they have in `function`; loops are
    unrolled. Parameters and other tensors with `requires_grad=True` that `function` uses become arguments, too;
    other tensors, random numbers among them, are written as the numbers they are now.

    Raises GraphError for an op that runs user code (`gg.Function`) or whose NumPy code depends on values, and for
    captured arrays too large to write.

    >>> def neuron(w, x, b):
    ...     s = w * x + b
    ...     return gg.tanh(s)
    >>> print(gg.flat_code(neuron, 2.0, -1.0, 0.5))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def forward_backward(w, x, b):
        # forward
        t0 = w * x
        s = t0 + b
        out = np.tanh(s)
        # backward
        grad_out = 1.0
        grad_s = grad_out * (1 - out * out)
        grad_t0 = grad_s
        grad_w = grad_t0 * x
        grad_x = grad_t0 * w
        grad_b = grad_s
        return out, (grad_w, grad_x, grad_b)
    """
    if not name.isidentifier():
        raise ArgumentError(f"flat_code needs the name of a function as `name`; got {name!r}")
    writer = Writer(function, examples, name)
    code = FlatCode(writer.source())
    code.function_name = name
    _check(code, *writer.expected())
    return code


def _check(code: FlatCode, arguments: list[Any], expected: list[Any]) -> None:
    """Run the source on the examples: it must give the numbers that the graph gave."""
    value, gradients = quiet.run(code.function, *arguments)
    for got, wanted in zip([value, *gradients], expected, strict=True):
        tolerance = min(0.1, 1e5 * float(np.finfo(np.asarray(got).dtype).eps))
        reference = np.zeros_like(got) if wanted is None else wanted
        if not np.allclose(got, reference, rtol=tolerance, atol=tolerance, equal_nan=True):
            raise GraphError(
                "flat_code wrote source that gives other numbers than the function. That is a mistake in glassgrad; "
                "please report it, with the function."
            )
