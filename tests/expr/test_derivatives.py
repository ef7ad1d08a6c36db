"""Symbolic derivatives of formulas, against rules worked out by hand and against differences."""

import math

import numpy as np
import pytest

from glassgrad.expr import Const, Var, derive, program, scalar as s, simplify, variables

X, Y = Var("x"), Var("y")

# smooth instructions at a point where each is differentiable by every operand
POINTS = {
    s.ADD: (1.3, 0.7),
    s.SUBTRACT: (1.3, 0.7),
    s.MULTIPLY: (1.3, 0.7),
    s.DIVIDE: (1.3, 0.7),
    s.NEGATIVE: (1.3,),
    s.POWER: (1.3, 0.7),
    s.REMAINDER: (5.3, -2.0),
    s.MAXIMUM: (1.3, 0.7),
    s.MINIMUM: (1.3, 0.7),
    s.ABS: (-1.3,),
    s.SIGN: (1.3,),
    s.FLOOR: (1.3,),
    s.CEIL: (1.3,),
    s.ROUND: (1.3,),
    s.TRUNC: (1.3,),
    s.SQRT: (1.3,),
    s.EXP: (1.3,),
    s.EXPM1: (1.3,),
    s.LOG: (1.3,),
    s.LOG1P: (1.3,),
    s.SIN: (1.3,),
    s.COS: (1.3,),
    s.TAN: (0.7,),
    s.ASIN: (0.7,),
    s.ACOS: (0.7,),
    s.ATAN: (1.3,),
    s.ATAN2: (1.3, 0.7),
    s.SINH: (1.3,),
    s.COSH: (1.3,),
    s.TANH: (1.3,),
    s.LOG2: (1.3,),
    s.LOG10: (1.3,),
    s.ASINH: (1.3,),
    s.ACOSH: (1.3,),
    s.ATANH: (0.7,),
    s.ERF: (0.7,),
    s.ERFC: (0.7,),
    s.ERFINV: (0.7,),
    s.LGAMMA: (1.3,),
    s.DIGAMMA: (-1.3,),
    s.FLOOR_DIVIDE: (5.3, -2.0),
    s.HYPOT: (1.3, -0.7),
    s.COPYSIGN: (1.3, -0.7),
    s.NEXTAFTER: (1.3, 2.0),
}


def central(formula, names, at, place, step=1e-3):
    """Two central differences combined so that their error is of order step**4."""
    evaluate = program(formula, names)

    def difference(h):
        plus, minus = list(at), list(at)
        plus[place] += h
        minus[place] -= h
        return (evaluate(*plus) - evaluate(*minus)) / (2 * h)

    return (4 * difference(step / 2) - difference(step)) / 3


@pytest.mark.parametrize("instruction", POINTS, ids=repr)
def test_every_instruction_against_differences(instruction):
    at = POINTS[instruction]
    names = ["x", "y"][: len(at)]
    formula = s.build(instruction, *map(Var, names))
    for place, name in enumerate(names):
        derived = program(derive(formula, name), names)(*at)
        assert derived == pytest.approx(central(formula, names, at, place), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("instruction", [i for i in s.INSTRUCTIONS if i.gives_bool], ids=repr)
def test_truth_values_have_derivative_0(instruction):
    formula = s.where(s.build(instruction, *[X > 0.0] * instruction.arity), 2.0, 3.0)
    assert derive(formula, "x") == Const(0.0)


def test_where_takes_the_derivative_of_the_chosen_branch():
    formula = derive(s.where(X > 1.0, X * X, 3.0 * X), "x")
    assert program(formula, ["x"])(5.0) == 10.0
    assert program(formula, ["x"])(0.5) == 3.0


@pytest.mark.parametrize(
    ("formula", "at", "wanted"),
    [
        (s.maximum(X, 1.0), 1.0, 0.5),
        (s.minimum(X, 1.0), 1.0, 0.5),
        (s.absolute(X), 0.0, 0.0),
        (s.sign(X), 0.0, 0.0),
        (X ** Const(0.0), 0.0, 0.0),
        (X ** Const(2.0), 0.0, 0.0),
        (X ** Const(1.0), 0.0, 1.0),
        (Const(0.0) ** X, 2.0, 0.0),
        (Const(0.0) ** X, 0.0, 0.0),
    ],
)
def test_at_a_kink_the_documented_value(formula, at, wanted):
    with np.errstate(all="ignore"):
        assert program(derive(formula, "x"), ["x"])(np.float64(at)) == wanted


@pytest.mark.parametrize(
    ("formula", "by_hand"),
    [
        (X * X * X, lambda x: 3 * x * x),
        (s.exp(-X * X), lambda x: -2 * x * math.exp(-x * x)),
        (s.sin(X) * s.cos(X), lambda x: math.cos(2 * x)),
        (s.log(s.cosh(X)), math.tanh),
        (1.0 / (1.0 + s.exp(-X)), lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2),
        (s.sqrt(1.0 + X * X), lambda x: x / math.sqrt(1 + x * x)),
        (X**X, lambda x: x**x * (math.log(x) + 1)),
    ],
)
def test_chain_and_product_rule(formula, by_hand):
    for at in (0.3, 1.7):
        assert program(derive(formula, "x"), ["x"])(at) == pytest.approx(by_hand(at), rel=1e-14)


def test_higher_orders():
    formula = s.sin(X)
    values = []
    for _ in range(5):
        values.append(program(formula, ["x"])(0.5))
        formula = derive(formula, "x")
    assert values == pytest.approx(
        [math.sin(0.5), math.cos(0.5), -math.sin(0.5), -math.cos(0.5), math.sin(0.5)]
    )


def test_derivative_by_a_variable_that_does_not_occur():
    assert derive(X * X, "y") == Const(0.0)
    assert derive(Const(3.0), "x") == Const(0.0)


def test_text_of_a_derivative_is_readable():
    assert str(derive(X * s.sin(X), "x")) == "sin(x) + (x * cos(x))"
    assert str(derive(s.exp(-X), "x")) == "-exp(-x)"
    assert str(derive(X * Y, "x")) == "y"


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (Const(0.0) + X, "x"),
        (X + 0.0, "x"),
        (X - 0.0, "x"),
        (Const(0.0) - X, "-x"),
        (Const(1.0) * X, "x"),
        (X * 1.0, "x"),
        (X * 0.0, "0"),
        (Const(0.0) * X, "0"),
        (X * -1.0, "-x"),
        (Const(-1.0) * X, "-x"),
        (s.build(s.NEGATIVE, -X), "x"),
        (-Const(2.0), "-2"),
        (-Const(0.0), "0"),
        (Const(0.0) / X, "0"),
        (X / 1.0, "x"),
        (s.where(X > 0.0, Y, Y), "y"),
        (Y * s.where(X > 0.0, 1.0, 0.0), "where(x > 0, y, 0)"),
        (s.where(X > 0.0, 1.0, 0.0) * Y, "where(x > 0, y, 0)"),
        (
            Y * s.where(X > 0.0, 1.0, s.where(X > -1.0, 0.5, 0.0)),
            "where(x > 0, y, where(x > -1, y * 0.5, 0))",
        ),
        (s.sin(Const(0.0) + X * 1.0), "sin(x)"),
        (X, "x"),
        (X + Y, "x + y"),
        (X / Y, "x / y"),
    ],
)
def test_simplification(formula, text):
    assert str(simplify(formula)) == text


def test_an_infinite_factor_does_not_meet_the_0_of_a_branch_that_is_not_taken():
    """1/x at 0 is infinite; times the 0 of `where(x > 0, 1, 0)` it would be NaN, on either side."""
    for product in ((1.0 / X) * s.where(X > 0.0, 1.0, 0.0), s.where(X > 0.0, 1.0, 0.0) * (1.0 / X)):
        with np.errstate(all="ignore"):
            assert program(simplify(product), ["x"])(np.float64(0.0)) == 0.0


def test_simplification_keeps_the_variables_that_matter():
    assert variables(simplify(X * 1.0 + Y * 0.0)) == {"x"}
