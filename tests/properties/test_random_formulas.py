"""For any formula of the scalar language: its program, its derivative and its simplification agree with Python."""

import cmath
import math

import numpy as np
from hypothesis import assume, given, strategies as st

from glassgrad.expr import Const, Var, derive, program, scalar as s, simplify

NAMES = ("x", "y")
# how Python itself computes each instruction; the smooth ones first, whose derivative the complex step can judge
UNARY = {
    s.NEGATIVE: lambda a: -a,
    s.SIN: math.sin,
    s.COS: math.cos,
    s.TANH: math.tanh,
    s.ATAN: math.atan,
    s.EXP: math.exp,
    s.SINH: math.sinh,
    s.COSH: math.cosh,
    s.EXPM1: math.expm1,
}
BINARY = {
    s.ADD: lambda a, b: a + b,
    s.SUBTRACT: lambda a, b: a - b,
    s.MULTIPLY: lambda a, b: a * b,
    s.DIVIDE: lambda a, b: a / b,
}
PIECEWISE = {
    s.MAXIMUM: max,
    s.MINIMUM: min,
}

leaves = st.one_of(
    st.sampled_from([Var(name) for name in NAMES]),
    st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5]).map(Const),
)


def grown(instructions_of_two):
    def grow(parts):
        one = st.tuples(st.sampled_from(list(UNARY)), parts).map(lambda found: s.build(*found))
        two = st.tuples(st.sampled_from(list(instructions_of_two)), parts, parts).map(
            lambda found: s.build(*found)
        )
        return st.one_of(one, two)

    return st.recursive(leaves, grow, max_leaves=8)


smooth_formulas = grown(BINARY)
formulas = grown(BINARY | PIECEWISE)
points = st.tuples(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))


REAL = UNARY | BINARY | PIECEWISE
COMPLEX = BINARY | {
    s.NEGATIVE: lambda a: -a,
    s.SIN: cmath.sin,
    s.COS: cmath.cos,
    s.TANH: cmath.tanh,
    s.ATAN: cmath.atan,
    s.EXP: cmath.exp,
    s.SINH: cmath.sinh,
    s.COSH: cmath.cosh,
    s.EXPM1: lambda a: cmath.exp(a) - 1,
}


def by_python(formula, at, meaning=REAL):
    """The value by Python's own numbers, or None where a part is not defined or too large or too near a pole."""
    if isinstance(formula, Var):
        return at[NAMES.index(formula.name)]
    if isinstance(formula, Const):
        return formula.value
    operands = [by_python(operand, at, meaning) for operand in formula.operands]
    if None in operands or (formula.instruction is s.DIVIDE and abs(operands[1]) < 1e-3):
        return None
    try:
        value = meaning[formula.instruction](*operands)
    except OverflowError:
        return None
    return value if abs(value) < 1e4 else None


def by_program(formula, at):
    with np.errstate(all="ignore"):
        return float(program(formula, NAMES)(*map(np.float64, at)))


@given(formulas, points)
def test_a_program_computes_what_python_does(formula, at):
    wanted = by_python(formula, at)
    assume(wanted is not None)
    assert math.isclose(by_program(formula, at), wanted, rel_tol=1e-9, abs_tol=1e-9)


@given(formulas, points)
def test_simplification_keeps_the_value(formula, at):
    wanted = by_python(formula, at)
    assume(wanted is not None)
    assert math.isclose(by_program(simplify(formula), at), wanted, rel_tol=1e-9, abs_tol=1e-9)


@given(formulas)
def test_simplification_is_finished_after_one_pass(formula):
    once = simplify(formula)
    assert simplify(once) == once


@given(smooth_formulas, points, st.sampled_from(NAMES))
def test_a_derivative_is_that_of_the_complex_step(formula, at, name):
    """Im f(x + ih) / h by Python's complex numbers: no difference is taken, so it is exact beside a pole, too."""
    assume(by_python(formula, at) is not None)
    step = 1e-20
    moved = tuple(complex(v, step) if n == name else complex(v) for n, v in zip(NAMES, at, strict=True))
    found = by_python(formula, moved, COMPLEX)
    assume(found is not None)
    wanted = found.imag / step
    assume(abs(wanted) < 1e4)
    assert math.isclose(by_program(derive(formula, name), at), wanted, rel_tol=1e-6, abs_tol=1e-6)


@given(smooth_formulas, smooth_formulas, points)
def test_derivation_is_linear(first, second, at):
    found = by_program(derive(first + 2.0 * second, "x"), at)
    wanted = by_program(derive(first, "x"), at) + 2.0 * by_program(derive(second, "x"), at)
    assume(math.isfinite(wanted) and abs(wanted) < 1e6)
    assert math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)
