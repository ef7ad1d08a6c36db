"""Ops as loops: what a code generator needs to know of an op, without knowing the op.

`Op.loops` answers with one of these descriptions, or None for an op that only its `forward` can run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .static import static

if TYPE_CHECKING:
    from ..expr import Expr

Strides = tuple[int, ...]
"""How many elements lie between neighbours along each axis."""

View = tuple[int, Strides]
"""Where the first element lies, in elements, and the strides."""


@static
class Map:
    """The same formula at every place of the result, the inputs broadcast."""

    formula: Expr
    names: tuple[str, ...]
    """The inputs' names in the formula."""
    dtype: np.dtype[Any]
    """What the inputs that are no booleans are converted to first."""


@static
class Rearranged:
    """The input's own elements, seen with other strides: `view(shape, (offset, strides))`, None if that cannot be."""

    view: Callable[[tuple[int, ...], View], View | None]


@static
class Folded:
    """The elements along some axes combined by an instruction: "add", "maximum", "minimum" or "multiply"."""

    instruction: str
    axes: tuple[int, ...]


@static
class Product:
    """The matrix product over the last two axes, leading axes broadcast.

    With several pairs of inputs (x1, y1, x2, y2, ...), all x matrices of one shape and all y, the sum of the products.
    """

    pairs: int = 1


@static
class Assembled:
    """The inputs side by side: for each the part of the result that it fills; `fills`, whether the rest is zeros."""

    parts: tuple[Rearranged, ...]
    fills: bool


@static
class Drawn:
    """Numbers in [0, 1) from a Philox stream: the input is uint64 [seed, offset], `domain` the last counter word.

    A float32 is the upper 24 bits of half a word of the stream, the lower half first, a float64 the upper 53 of a word.
    """

    domain: int


@static
class Windowed:
    """Windows along the last axes, of which window i begins at i * stride - padding; what lies outside never counts.

    What becomes of each window: "maximum" and "add" of its elements, the "place" of the first largest, counted in
    row-major order, or "take", the element at the place that a second input says, 0 if it is outside. And back from
    windows to elements: "spread" adds a value to all elements of its window, "put" to the one at the place that a
    second input says.
    """

    kind: str
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    """How far windows reach out before each axis."""
    dilation: tuple[int, ...]

    @property
    def goes_back(self) -> bool:
        """Whether it leads from windows to elements."""
        return self.kind in ("spread", "put")


@static
class Convolved:
    """Images, filters and maps of a convolution, one made from the other two.

    `kind` says which: "maps" from images and filters, "images" from maps and filters, "filters" from images and maps.
    Window i begins at i * stride - padding, and filters are as in `Convolution`.
    """

    kind: str
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    """How far windows reach out before each axis."""
    dilation: tuple[int, ...]
    groups: int


@static
class Running:
    """At every position along an axis what the elements up to it give, one after the other.

    "add" and "multiply" them; "recurrence", of inputs a and b: a[i] times what came before, plus b[i]; "largest" and
    "smallest": the position of the first such element.
    """

    kind: str
    axis: int


@static
class Chosen:
    """Which elements of a tensor index arrays, integers that may count from the end, choose."""

    view: Rearranged
    """The tensor as slices and numbers among the arrays leave it."""
    shape: tuple[int, ...]
    """The shape of that view."""
    axes: tuple[int, ...]
    """For each index array the axis of that view which it replaces."""
    at: int
    """Where in the result the axes of the index arrays, broadcast, begin; the view's other axes stand around them."""


@static
class Gathered:
    """The elements of the first input that the other inputs, index arrays, choose."""

    chosen: Chosen


@static
class Scattered:
    """Values put where index arrays choose, one after the other in C order. Inputs: values, then the index arrays.

    instruction: how a value and what stands there are combined: "add", "multiply", "maximum", "minimum", or "set".
    onto: whether there is an input before the others that the values are put into; if not, it is zeros.
    """

    chosen: Chosen
    instruction: str
    onto: bool


@static
class Weighed:
    """Weighted sums along an axis: element i is made of entries starts[i] to starts[i + 1] - 1 of two tables.

    One table says which element of the input, the other by how much it is multiplied.
    """

    axis: int
    starts: tuple[int, ...]
    sources: tuple[int, ...]
    weights: tuple[float, ...]


@static
class Sought:
    """The position along an axis of the first element that is the extremum: "maximum" or "minimum"."""

    instruction: str
    axis: int


@static
class Within:
    """The input's own integers, each in [0, size) or equal to `also`; if not, the call raises what `forward` raises."""

    size: int
    also: int | None


Loops = (
    Map
    | Rearranged
    | Folded
    | Product
    | Assembled
    | Drawn
    | Gathered
    | Scattered
    | Within
    | Sought
    | Windowed
    | Weighed
    | Convolved
    | Running
)


def seen_as(function: Callable[[Any], Any]) -> Rearranged:
    """What `function` of NumPy makes of strides; it must return a view, or raise ValueError where it would copy.

    NumPy answers on an array whose memory is never touched. So `function` must not return a NumPy scalar, which
    would be read there: `x[1, 2, ...]` is an array without axes.
    """

    known: dict[Any, View | None] = {}

    def begun_at_zero(shape: tuple[int, ...], strides: Strides) -> View | None:
        base = np.zeros(1, np.int8)
        hollow = np.lib.stride_tricks.as_strided(base, shape, strides)
        try:
            found = function(hollow)
        except ValueError:
            return None
        start = found.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        return start, found.strides

    def view(shape: tuple[int, ...], given: View) -> View | None:
        offset, strides = given
        if (shape, strides) not in known:
            known[shape, strides] = begun_at_zero(shape, strides)
        found = known[shape, strides]
        return None if found is None else (offset + found[0], found[1])

    return Rearranged(view)
