"""What differences say about a slope at one point: its value with a bound of the error, or that there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

from ..numerical import Estimate, ridders

LEVELS, RATIO = 6, 1.6
"""How many steps there are at a scale, and by what factor each is smaller than the last: no power of 2, because then
all of them may by accident be whole multiples of a rounding error."""
STEEP, JUMP = 1.1, 1.5
"""From what factor on a one-sided slope that grows from step to step is unbounded; at a jump the factor is `RATIO`."""
FIRST_STEP = 1e-2
"""Where the search for a good step starts, relative to the point."""
DECADES = 12
"""Over how many powers of ten steps are compared where the first one does not settle the matter."""
SURE = 4.0
"""How many error bounds two numbers may be apart before they are called different."""
CLEAR = 10.0
"""How many error bounds two one-sided slopes must be apart before that is called a kink."""

FEW = 3
"""At how many scales one-sided slopes must differ: at fewer it may be by accident."""

Kind = Literal["slope", "steps", "kink", "edge", "steep", "jump", "unclear"]


@dataclass(frozen=True)
class Finding:
    """What was found at a point, beyond doubt or not.

    "slope": a derivative, with a bound of its error. "steps": a slope over large steps, and none over small ones.
    "kink": two different one-sided slopes. "edge": the function is defined on one side only, with a one-sided slope.
    "steep": a slope that grows without bound towards the point. "jump": the function is not continuous.
    "unclear": it is defined on neither side.
    """

    kind: Kind
    slope: Estimate
    left: Estimate
    right: Estimate


NOTHING = Estimate(math.nan, math.inf)


class Line:
    """A function along a line through a point, `f(t)` with t = 0 at the point, looked at by differences.

    x: the coordinate that t is added to. size: of the coordinates, or 1 if they are smaller. magnitude: of the terms
    that are added up in f. epsilon: the relative rounding error that f is computed with.
    """

    def __init__(
        self,
        f: Callable[[float], float],
        at_point: float,
        x: float,
        size: float,
        magnitude: float,
        epsilon: float,
    ) -> None:
        self.f, self.at_point, self.x, self.size = f, at_point, x, size
        self.magnitude, self.epsilon = magnitude, epsilon
        self.evaluations = 0

    def value(self, t: float) -> float:
        """The function at t, counted."""
        self.evaluations += 1
        return self.f(t)

    @cached_property
    def quick(self) -> Scale:
        """The first step, made smaller until the function is defined on both sides."""
        step = FIRST_STEP * self.size
        scale = Scale(self, step)
        while not scale.is_finite and step > 1e-12 * self.size:
            step /= 10
            scale = Scale(self, step)
        return scale

    @cached_property
    def finding(self) -> Finding:
        """The result of looking at steps of every size."""
        steps = [self.size * 10.0**-decade for decade in range(DECADES)]
        if 0.0 < abs(self.x) < steps[-1]:
            steps += [abs(self.x) * 10.0**-decade for decade in range(1, 5)]
        return _weigh([Scale(self, step) for step in steps])


class Scale:
    """The values at steps from h to h/10 to both sides, and what follows from them."""

    def __init__(self, line: Line, step: float) -> None:
        self.line = line
        self.steps = [
            _exact(line.x, step / RATIO**level) for level in range(LEVELS)
        ]  # the steps that are really made
        self.above = [line.value(h) for h in self.steps]
        self.below = [line.value(-h) for h in self.steps]

    @property
    def is_finite(self) -> bool:
        """Whether the function is defined on both sides."""
        return all(map(math.isfinite, self.above + self.below))

    @property
    def rounding(self) -> float:
        """A bound of what rounding the result alone does to a difference with the smallest of the steps."""
        largest = max(map(abs, (self.line.magnitude, *self.above, *self.below)))
        return 4 * self.line.epsilon * largest / self.steps[-1]

    @property
    def resolution(self) -> float:
        """The rounding error of the function's value."""
        return self.line.epsilon * self.line.magnitude

    def _extrapolated(self, slopes: list[float], power: int) -> Estimate:
        if not all(map(math.isfinite, slopes)):
            return NOTHING
        found = ridders(slopes, power, RATIO)
        return Estimate(found.value, found.error + self.rounding)

    @cached_property
    def central(self) -> Estimate:
        """The slope by central differences."""
        pairs = zip(self.above, self.below, self.steps, strict=True)
        return self._extrapolated([(up - down) / (2 * h) for up, down, h in pairs], 2)

    @property
    def steepest_chord(self) -> float:
        """The largest absolute slope of the chords."""
        return max(map(abs, self.slopes_above + self.slopes_below))

    @property
    def slopes_above(self) -> list[float]:
        """The slopes of the chords to the right."""
        return [(up - self.line.at_point) / h for up, h in zip(self.above, self.steps, strict=True)]

    @property
    def slopes_below(self) -> list[float]:
        """The slopes of the chords from the left."""
        return [(self.line.at_point - down) / h for down, h in zip(self.below, self.steps, strict=True)]

    @cached_property
    def right(self) -> Estimate:
        """The slope to the right."""
        return self._extrapolated(self.slopes_above, 1)

    @cached_property
    def left(self) -> Estimate:
        """The slope from the left."""
        return self._extrapolated(self.slopes_below, 1)

    @property
    def is_kinked(self) -> bool:
        """Whether the one-sided slopes clearly differ."""
        doubt = CLEAR * (self.right.error + self.left.error)
        return abs(self.right.value - self.left.value) > doubt + 1e-5 * abs(self.right.value)

    @property
    def is_steep(self) -> bool:
        """Whether a one-sided slope grows steadily as the step shrinks, like h^(-1/2), or h^(-1) at a jump."""
        return self.growth > STEEP

    @property
    def jumps(self) -> bool:
        """Whether it grows as at a jump."""
        return self.growth > JUMP

    @cached_property
    def growth(self) -> float:
        """By what factor a one-sided slope grows with each smaller step, at least."""
        return max(_growth(self.slopes_above), _growth(self.slopes_below))

    @property
    def is_flat(self) -> bool:
        """Whether the function is the same at every step."""
        return len({self.line.at_point, *self.above, *self.below}) == 1

    @property
    def is_coarse(self) -> bool:
        """Whether the function takes so few values that the steps are near its resolution."""
        return not self.is_flat and len({self.line.at_point, *self.above, *self.below}) <= 4

    def looks_bent(self, slope: float) -> bool:
        """Whether the one-sided differences approach each other more slowly than those of a smooth function."""
        bends = [
            (up - 2 * self.line.at_point + down) / h
            for up, down, h in zip(self.above, self.below, self.steps, strict=True)
        ]
        jump = (RATIO * bends[-1] - bends[-2]) / (RATIO - 1)
        return abs(jump) > 1e-4 * abs(slope) + 4 * self.rounding


def _exact(x: float, step: float) -> float:
    """A step near `step` by which x really moves to a neighbouring floating-point number."""
    return (x + step) - x or step


def _growth(slopes: list[float]) -> float:
    if not all(math.isfinite(slope) and slope for slope in slopes):
        return 0.0
    return min(after / before for before, after in pairwise(slopes))


def _weigh(scales: list[Scale]) -> Finding:
    """The verdict of several scales, from large steps to small ones."""
    defined = [s for s in scales if s.is_finite]
    steep = [s for s in scales if s.is_steep]
    kinked = [s for s in defined if s.is_kinked]
    regular = [s for s in defined if not (s.is_kinked or s.is_coarse or s.is_steep)]
    nearest = min((s.steps[-1] for s in kinked), default=math.inf) if len(kinked) > 1 else math.inf
    rough = [s for s in regular if not s.is_flat and not nearest / 100 < s.steps[-1] < nearest]
    smooth = [s for s in regular if not (s.is_flat and any(_disagree(s.central, r.central) for r in rough))]
    best = min(smooth, key=_relative_error, default=None)
    if len(steep) > len(scales) // 2 and (best is None or _relative_error(best) > 1e-3):
        return Finding("jump" if steep[-1].jumps else "steep", NOTHING, steep[-1].left, steep[-1].right)
    if len(kinked) >= FEW:
        sharp = min(kinked, key=lambda s: s.right.error + s.left.error)
        jump = abs(sharp.right.value - sharp.left.value)
        if best is None or best.central.error > 1e-2 * jump:
            return Finding("kink", NOTHING, sharp.left, sharp.right)
    if best is None:
        return _at_the_edge(scales)
    flat = [
        s for s in regular if s not in smooth and s.steps[-1] * abs(best.central.value) > 1e3 * s.resolution
    ]
    kind: Kind = "steps" if flat else "slope"
    return Finding(kind, _doubted(best.central, smooth), best.left, best.right)


def _relative_error(scale: Scale) -> float:
    """The error of the central slope relative to what slopes are like: bounded functions have small slopes far out."""
    found = scale.central
    usual = abs(found.value) + scale.line.magnitude / scale.line.size
    return found.error / usual if usual else found.error


def _disagree(one: Estimate, other: Estimate) -> bool:
    return abs(one.value - other.value) > SURE * (one.error + other.error)


def _doubted(best: Estimate, smooth: list[Scale]) -> Estimate:
    """An estimate with its error bound widened to what estimates at other steps, nearly as good, say."""
    error = best.error
    smallest = min(map(_relative_error, smooth))
    for scale in smooth:
        other = scale.central
        if _relative_error(scale) <= 1e3 * smallest and _disagree(other, best):
            error = max(error, abs(other.value - best.value))
    return Estimate(best.value, error)


def _at_the_edge(scales: list[Scale]) -> Finding:
    """The verdict where the function is defined on one side only, or on none."""
    right = min((s.right for s in scales), key=lambda estimate: estimate.error)
    left = min((s.left for s in scales), key=lambda estimate: estimate.error)
    if math.isinf(right.error) == math.isinf(left.error):
        return Finding("unclear", NOTHING, left, right)
    return Finding("edge", right if math.isinf(left.error) else left, left, right)
