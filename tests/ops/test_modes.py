"""Every differentiable op in every mode: reverse, forward, one over the other, and `vmap` of each.

Along random directions, so that a row costs a few runs only; the witness are differences of values in float64,
extrapolated by Ridders' method. The second order is checked where the row says that the second derivative exists.
"""

from functools import cached_property, lru_cache

import numpy as np
import pytest
from row import Row
from table import ROWS

import glassgrad as gg
from glassgrad.autodiff.checking.slopes import Line
from glassgrad.tensor import Tensor, apply, no_grad

EPSILON = float(np.finfo(np.float64).eps)
TOLERANCE = 1e-7
ROUNDING = 1e-12
"""What rounding of numbers of about 1 may add."""
MEMBERS = 2
NOT_SHUFFLED = {
    "Clip-inside,_below,_above": "the bounds would cross",
    "IndexMultiply-zeros": "two zeros would meet at a position, where its second derivative is documented to be lost",
}
DIFFERENTIABLE = [row for row in ROWS if row.differentiable]
TWICE = [row for row in DIFFERENTIABLE if row.twice]


class Case:
    """A row as a function of its varied inputs, with other points, directions and weights for each member of a stack."""

    def __init__(self, row: Row) -> None:
        rng = np.random.default_rng(sum(map(ord, str(row))))
        self.row = row
        points = [row.inputs[i] for i in row.varied]
        out = apply(row.op, *map(Tensor, row.inputs))
        shuffled = [rng.permutation(x.ravel()).reshape(x.shape) for x in points]
        may_be = row.members_may_be_shuffled and not row.fixed and str(row) not in NOT_SHUFFLED
        second = shuffled if may_be else points
        self.members = [points, second]
        self.weights, self.u, self.v = [], [], []
        for _ in range(MEMBERS):
            w = rng.uniform(0.5, 1.5, out.shape)
            self.weights.append(w + 1j * rng.uniform(0.5, 1.5, out.shape) if out.dtype.kind == "c" else w)
            self.u.append([np.asarray(rng.uniform(-1, 1, x.shape)) for x in points])
            self.v.append([np.asarray(rng.uniform(-1, 1, x.shape)) for x in points])

    # --- the function and its derivatives, on tensors; written once, for one member -----------------------------

    def number(self, w, *xs):
        """The op's result, weighted and added up."""
        inputs = [Tensor(x) for x in self.row.inputs]
        for position, x in zip(self.row.varied, xs, strict=True):
            inputs[position] = x
        y = apply(self.row.op, *inputs)
        return gg.sum(gg.real(gg.conj(w) * y) if y.dtype.kind == "c" else w * y)

    def gradient(self, w, xs):
        return gg.grad(self.number, argnums=tuple(range(1, 1 + len(xs))))(w, *xs)

    def reverse(self, w, xs, u, v):
        return dot(self.gradient(w, xs), u)

    def forward(self, w, xs, u, v):
        return gg.jvp(lambda *xs: self.number(w, *xs), xs, u)[1]

    def forward_over_reverse(self, w, xs, u, v):
        return dot(gg.jvp(lambda *xs: self.gradient(w, xs), xs, v)[1], u)

    def reverse_over_reverse(self, w, xs, u, v):
        def slope(*xs):
            return dot(self.gradient(w, xs), u)

        return dot(gg.grad(slope, argnums=tuple(range(len(xs))))(*xs), v)

    # --- the witnesses ------------------------------------------------------------------------------------------

    @cached_property
    def first(self):
        """The slope along u and the size of its terms, for each member."""
        return [
            self.witness(m, self.u[m], lambda xs, m=m: self.number(Tensor(self.weights[m]), *xs))
            for m in range(MEMBERS)
        ]

    @cached_property
    def second(self):
        """The slope along v of the slope along u."""
        return [
            self.witness(
                m,
                self.v[m],
                lambda xs, m=m: self.reverse(Tensor(self.weights[m]), xs, tensors(self.u[m]), None),
            )
            for m in range(MEMBERS)
        ]

    def witness(self, member, direction, function):
        points = self.members[member]

        def along(t):
            moved = tuple(Tensor(np.asarray(x + t * d)) for x, d in zip(points, direction, strict=True))
            with no_grad():
                return function(moved).item()

        size = max([1.0, *(float(np.abs(x).max(initial=0.0)) for x in points)])
        magnitude = abs(along(0.0))
        line = Line(along, along(0.0), 0.0, size, magnitude, EPSILON)
        found = line.quick.central
        if not found.error <= 0.01 * TOLERANCE * max(abs(found.value), magnitude):
            found = line.finding.slope
        gradients = self.gradient(Tensor(self.weights[member]), tensors(points))
        terms = sum(float(np.abs(g.numpy() * d).sum()) for g, d in zip(gradients, direction, strict=True))
        return found.value, max(abs(found.value), magnitude, terms)


def tensors(arrays):
    return tuple(map(Tensor, arrays))


def dot(left, right):
    total = gg.asarray(0.0, dtype=gg.float64)
    for a, b in zip(left, right, strict=True):
        total = total + gg.sum(a * b)
    return total


case_of = lru_cache(maxsize=None)(lambda place: Case(ROWS[place]))


def case(row):
    return case_of(next(i for i, other in enumerate(ROWS) if other is row))


def agrees(found, witness):
    value, scale = witness
    assert abs(float(found) - value) <= TOLERANCE * scale + ROUNDING, (
        f"{float(found)} and {value}, of terms {scale}"
    )


def alone(row, mode):
    c = case(row)
    return getattr(c, mode)(
        Tensor(c.weights[0]), tensors(c.members[0]), tensors(c.u[0]), tensors(c.v[0])
    ).numpy()


def stacked(row, mode):
    c = case(row)

    def stack(lists):
        return tuple(Tensor(np.stack(arrays)) for arrays in zip(*lists, strict=True))

    return gg.vmap(getattr(c, mode))(
        Tensor(np.stack(c.weights)), stack(c.members), stack(c.u), stack(c.v)
    ).numpy()


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_first_order(row, mode):
    agrees(alone(row, mode), case(row).first[0])


@pytest.mark.parametrize("mode", ["forward_over_reverse", "reverse_over_reverse"])
@pytest.mark.parametrize("row", TWICE, ids=str)
def test_second_order(row, mode):
    agrees(alone(row, mode), case(row).second[0])


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=str)
def test_vmap_of_first_order(row, mode):
    for found, witness in zip(stacked(row, mode), case(row).first, strict=True):
        agrees(found, witness)


@pytest.mark.parametrize("mode", ["forward_over_reverse", "reverse_over_reverse"])
@pytest.mark.parametrize("row", TWICE, ids=str)
def test_vmap_of_second_order(row, mode):
    for found, witness in zip(stacked(row, mode), case(row).second, strict=True):
        agrees(found, witness)


def test_the_rows_that_are_not_shuffled_exist():
    assert set(NOT_SHUFFLED) <= set(map(str, TWICE))
