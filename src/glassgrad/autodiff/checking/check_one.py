"""One order of derivative checked: for every variable and element a numerical slope, and a verdict on each mode's."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import GradientMismatch, GraphError
from ...graph import ancestors
from ...tensor import Tensor, recording, variable
from .. import numerical
from ..forward import jvp
from ..gradient import grad
from ..numerical import Estimate
from .check_report import GradcheckRow, Note
from .slopes import SURE, Finding, Line
from .subject import Continued, Number, Variable, magnitude_of, random_direction, value_of

MOST_ELEMENTS, MOST_OF_A_PARAMETER = 256, 32
"""A variable with more elements is checked at some of them, drawn at random, and along random directions."""
SAMPLED, DIRECTIONS = 16, 2
EPSILON = float(np.finfo(np.float64).eps)
ROUNDING = 1e3 * EPSILON
"""What rounding may do to an automatic derivative, relative to the largest ones."""
FINEST = 1e-9
"""The smallest relative error that is asked for along a direction through many elements."""
CERTAIN = 5 * SURE
"""How many error bounds a derivative must be off before it is called wrong although differences are unreliable."""
ILL_CONDITIONED = (
    "The function is ill-conditioned here: differences with several steps disagree. Is something large subtracted "
    "from something nearly equal?"
)
CONSTANT_ON_STEPS = (
    "It is constant over small steps and has a slope over large ones: rounded, or ill-conditioned."
)

Array = np.ndarray[Any, Any]


class Probe:
    """One direction in one variable: an element's, or a random one through all of them."""

    def __init__(self, check: Check, place: int, direction: Array) -> None:
        self.check, self.place, self.direction = check, place, direction
        moving = np.flatnonzero(direction)
        element = moving.size == 1
        shape = direction.shape
        # one wrong element of many must be felt
        self.tolerance = max(check.tolerance / max(1, moving.size), min(check.tolerance, FINEST))
        self.index = tuple(int(i) for i in np.unravel_index(moving[0], shape)) if element else None
        point = check.points[place]
        alone = element and direction.dtype.kind == "f"
        x = float(point[self.index]) if alone and self.index is not None else 0.0
        size = float(np.abs(point[direction != 0]).max(initial=0.0))
        self.line = Line(
            self._value, check.at_point, x, max(1.0, size), check.magnitude, check.precision.epsilon
        )

    def _value(self, t: float) -> float:
        points = list(self.check.points)
        points[self.place] = np.asarray(points[self.place] + t * self.direction)
        return value_of(self.check.number, points)

    @property
    def words(self) -> str:
        """Where this is, for messages."""
        given = self.check.variables[self.place]
        if self.index is None:
            return f"{given.name}, along a random direction"
        part = ", imaginary part" if self.direction[self.index].imag else ""
        return given.place(self.index) + part

    @cached_property
    def complex_slope(self) -> float:
        """The slope by a complex step."""
        self.line.evaluations += 1
        step = numerical.STEPS["complex"]
        points = list(self.check.points)
        points[self.place] = np.asarray(points[self.place] + 1j * step * self.direction)
        return float(np.imag(numerical.call(self.check.continued, points)) / step)

    def halves(self) -> Iterator[Probe]:
        """Two directions whose sum this is."""
        moving = np.flatnonzero(self.direction)
        for part in np.array_split(moving, 2):
            direction = np.zeros_like(self.direction)
            direction.flat[part] = self.direction.flat[part]
            yield Probe(self.check, self.place, direction)


class Check:
    """One order of derivative, in every mode, for every variable."""

    def __init__(
        self, number: Number, modes: Sequence[str], tolerance: float, seed: int, lower: Check | None = None
    ) -> None:
        self.number, self.modes, self.tolerance = number, modes, tolerance
        self.continued = Continued(number.subject, number.seed)
        self.variables = number.subject.variables
        self.points = number.points
        self.at_point = value_of(number, self.points)
        # a gradient that is computed through terms much larger than itself has the rounding errors of these
        self.steepest = 0.0 if lower is None else lower.scale(0.0)
        self.magnitude = max(abs(self.at_point), magnitude_of(number, self.points), self.steepest)
        self.rng = np.random.default_rng(seed + 10)
        self.precision = _Precision(number)
        self.extent = max(1.0, *(float(np.abs(point).max(initial=0.0)) for point in self.points))
        self.gradients = self._reverse(self.points) if "reverse" in modes else None
        if self.gradients is not None:
            finite = [g[np.isfinite(g)] for g in self.gradients]
            self.steepest = max(self.steepest, *(float(np.abs(g).max(initial=0.0)) for g in finite))
        self.evaluations_of_trial = 0
        self.steps_are_complex = number.order == 1 and self._complex_steps_work()

    def rows(self) -> Iterator[GradcheckRow]:
        """A row of the report for each variable and mode."""
        for place, given in enumerate(self.variables):
            probes = [Probe(self, place, direction) for direction in self._directions(given)]
            errors: dict[str, list[float]] = {mode: [] for mode in self.modes}
            notes: dict[str, list[Note]] = {mode: [] for mode in self.modes}
            for probe in probes:
                for mode in self.modes:
                    error, note = self._judged(mode, probe)
                    errors[mode].append(error)
                    notes[mode] += [] if note is None else [note]
            spent = self.evaluations_of_trial + sum(probe.line.evaluations for probe in probes)
            self.evaluations_of_trial = 0
            for mode in self.modes:
                worst = int(np.argmax(errors[mode])) if probes else None
                yield GradcheckRow(
                    mode,
                    self.number.order,
                    given.name,
                    given.name if worst is None else probes[worst].words,
                    None if worst is None else probes[worst].index,
                    0.0 if worst is None else errors[mode][worst],
                    len(probes),
                    "complex step" if self.steps_are_complex else "Richardson",
                    spent,
                    tuple(notes[mode]),
                )

    def _directions(self, given: Variable) -> Iterator[Array]:
        """Unit directions for the elements; for a big variable random ones, and some elements."""
        indices = list(np.ndindex(given.point.shape))
        if len(indices) > (MOST_OF_A_PARAMETER if given.is_parameter else MOST_ELEMENTS):
            for _ in range(DIRECTIONS):
                yield random_direction(given.point, self.rng)
            chosen = self.rng.choice(len(indices), SAMPLED, replace=False)
            indices = [indices[i] for i in sorted(chosen)]
        for index in indices:
            for unit in (1.0, 1j) if given.point.dtype.kind == "c" else (1.0,):
                direction = np.zeros_like(given.point)
                direction[index] = unit
                yield direction

    # --- both sides ---------------------------------------------------------------------------------------------

    def _reverse(self, points: list[Array]) -> list[Array]:
        variables = [Tensor(point) for point in points]
        found = grad(self.number, argnums=tuple(range(len(variables))))(*variables)
        return [g.numpy() for g in found]

    def _automatic(self, mode: str, probe: Probe, points: list[Array] | None = None) -> float:
        if mode == "reverse":
            assert self.gradients is not None
            moving = probe.direction != 0
            g = (self._reverse(points) if points else self.gradients)[probe.place][moving]
            return float(np.sum((np.conj(g) * probe.direction[moving]).real))
        still = [Tensor(np.zeros_like(point)) for point in self.points]
        still[probe.place] = Tensor(probe.direction)
        return float(jvp(self.number, [Tensor(point) for point in points or self.points], still)[1].item())

    def _complex_steps_work(self) -> bool:
        """Whether a complex step along a random direction runs, through analytic ops, and agrees with Richardson."""
        if any(point.dtype.kind == "c" for point in self.points) or self.number.is_complex:
            return False
        try:
            return self._complex_steps_agree()
        except Exception:  # from a function that was not written for complex numbers: anything
            return False

    def _complex_steps_agree(self) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # an imaginary part is thrown away
            numerical.require_analytic(self.continued, self.points)
            for place, point in enumerate(self.points):
                probe = Probe(self, place, random_direction(point, self.rng))
                wanted, scale = probe.line.quick.central, self.scale(probe.complex_slope)
                self.evaluations_of_trial += probe.line.evaluations
                off = abs(probe.complex_slope - wanted.value)
                if wanted.error > self.tolerance * scale or off > SURE * wanted.error + ROUNDING * scale:
                    return False
        return True

    def scale(self, slope: float) -> float:
        """What an error is compared with where the slope itself is about 0."""
        return max(abs(slope), self.steepest, self.magnitude / self.extent)

    # --- the verdict --------------------------------------------------------------------------------------------

    def _judged(self, mode: str, probe: Probe) -> tuple[float, Note | None]:
        """The error of a mode's slope, with a note where there is something to say; raises for a wrong one."""
        found = self._automatic(mode, probe)
        if self.steps_are_complex:
            exact = Estimate(probe.complex_slope, 0.0)
            if self._agrees(probe, found, exact):
                return self._error(found, exact.value), None
        quick = probe.line.quick
        settled = quick.central.error <= probe.tolerance * self.scale(quick.central.value)
        if (
            settled
            and self._agrees(probe, found, quick.central)
            and not quick.looks_bent(quick.central.value)
        ):
            return self._error(found, quick.central.value), None
        return self._examined(mode, probe, found)

    def _agrees(self, probe: Probe, found: float, slope: Estimate) -> bool:
        allowed = probe.tolerance * max(abs(found), abs(slope.value)) + SURE * slope.error
        return abs(found - slope.value) <= allowed + ROUNDING * self.scale(slope.value)

    def _error(self, found: float, wanted: float) -> float:
        scale = self.scale(wanted)
        return abs(found - wanted) / scale if scale else 0.0

    def _examined(self, mode: str, probe: Probe, found: float) -> tuple[float, Note | None]:
        """The verdict where the first step does not give a clear answer."""
        finding = probe.line.finding
        slope = finding.slope
        if finding.kind in ("slope", "steps"):
            usual = max(self.scale(slope.value), probe.line.quick.steepest_chord)
            known = slope.error <= probe.tolerance * usual
            if known and self._agrees(probe, found, slope):
                return self._error(found, slope.value), None
            if finding.kind == "steps" and found == 0.0:
                return 0.0, Note("undecided", self._doubt(probe, found, slope))
            if known or not abs(found - slope.value) <= CERTAIN * slope.error:
                if abs(found - slope.value) <= CERTAIN * self._trembling(mode, probe, found):
                    return 0.0, None
                return self._wrong(mode, probe, found, slope.value)
            return 0.0, Note("undecided", self._doubt(probe, found, slope))
        if finding.kind == "unclear":
            return 0.0, Note("undecided", f"{probe.words}: the function is not defined to either side of it")
        return 0.0, self._at_a_kink(mode, probe, found, finding)

    def _trembling(self, mode: str, probe: Probe, found: float) -> float:
        """How much an automatic slope moves with the inputs' last digits: rounding errors inside move it so, too."""
        rng = np.random.default_rng(0)
        moved = []
        for _ in range(4):
            signs = [rng.choice([-4, 4], point.shape) for point in self.points]
            points = [np.asarray(x + x * s * EPSILON) for x, s in zip(self.points, signs, strict=True)]
            moved.append(abs(self._automatic(mode, probe, points) - found))
        return max(moved)

    def _wrong(self, mode: str, probe: Probe, found: float, wanted: float) -> tuple[float, Note | None]:
        """Raise the error; first for the element at fault, if this is a direction through many."""
        if probe.index is None:
            notes = [self._judged(mode, half)[1] for half in probe.halves()]
            if any(notes):  # the slopes of kinks do not add up
                return 0.0, next(note for note in notes if note is not None)
        relative = abs(found - wanted) / abs(wanted) if wanted else math.inf
        raise GradientMismatch(
            f"{self._derivative(probe)}: automatic {found:.9g} ({mode} mode), numerical {wanted:.9g}, relative error "
            f"{relative:.1e} > {probe.tolerance:.0e}. {_how_they_differ(mode, found, wanted)}"
        )

    def _derivative(self, probe: Probe) -> str:
        return f"derivative {self.number.order} with respect to {probe.words}"

    def _doubt(self, probe: Probe, found: float, slope: Estimate) -> str:
        because = self.precision.because or ILL_CONDITIONED
        if probe.line.finding.kind == "steps":
            because = CONSTANT_ON_STEPS
        return (
            f"{self._derivative(probe)}: automatic {found:.9g}, numerical {slope.value:.9g} with an "
            f"error of up to {slope.error:.1e}. {because}"
        )

    def _at_a_kink(self, mode: str, probe: Probe, found: float, finding: Finding) -> Note:
        left, right = finding.left, finding.right
        if finding.kind in ("steep", "jump"):
            where = (
                "the slope grows without bound here"
                if finding.kind == "steep"
                else "the function jumps here, so it has no slope"
            )
            fits = not math.isnan(found)
            relation = "" if fits else "; no number fits"
        elif finding.kind == "edge":
            side, slope = ("left", left) if math.isinf(right.error) else ("right", right)
            where = f"the function is defined to the {side} only, with slope {slope.value:.9g}"
            fits = self._agrees(probe, found, slope)
            relation = ", which it equals" if fits else ", which it is not"
        else:
            where = f"slope {left.value:.9g} from the left, {right.value:.9g} to the right (not differentiable here)"
            fits, relation = self._relation(probe, found, left, right)
        text = f"{self._derivative(probe)}: {where}; automatic {found:.9g}{relation}"
        if not fits:
            raise GradientMismatch(
                f"{text} ({mode} mode). A slope at a kink is one of the two or lies between them."
            )
        return Note("kink", text)

    def _relation(self, probe: Probe, found: float, left: Estimate, right: Estimate) -> tuple[bool, str]:
        """Whether a slope fits between two others, and how it lies."""
        for name, side in (("left", left), ("right", right)):
            if self._agrees(probe, found, side):
                return True, f" is the {name} one"
        between = min(left.value, right.value) < found < max(left.value, right.value)
        return between, " lies between them" if between else " lies outside"


class _Precision:
    """With what relative rounding error a function computes for float64 inputs."""

    def __init__(self, number: Number) -> None:
        self.epsilon, self.because = EPSILON, ""
        inputs = [variable(Tensor(point)) for point in number.points]
        try:
            with recording(True):
                terms = number.terms(*inputs)
        except GraphError:  # a function without reverse mode, such as a loop without bound, shows no graph
            return
        moved = {x.node for x in inputs}
        for node in ancestors([term.node for term in terms if term.node is not None]):
            if moved.isdisjoint(node.inputs):
                continue
            moved.add(node)
            epsilon = float(np.finfo(node.dtype).eps) if node.dtype.kind in "fc" else 0.0
            if epsilon > self.epsilon:
                self.epsilon = epsilon
                self.because = (
                    f"The precision is too low: {node.op.name} at {node.place} computes in {node.dtype}, although the "
                    f"inputs are float64. Compute in the inputs' dtype, or pass a tolerance such as 1e-2."
                )


def _how_they_differ(mode: str, automatic: float, numerical: float) -> str:
    """What an error of this kind most often comes from."""
    rule = "backward" if mode == "reverse" else "jvp"
    if math.isnan(automatic):
        return "A NaN most often is 0 times an infinite slope, such as that of sqrt at 0, perhaps of another element."
    if automatic == 0.0:
        what = "gradient" if mode == "reverse" else "tangent"
        return f"No {what} arrived: does the value leave the graph, through .numpy() or .item()?"
    if math.isclose(automatic, -numerical, rel_tol=1e-4):
        return f"The sign is wrong: look at the {rule} of your Function."
    return f"Look at the {rule} of your Function."
