"""The scalar language: what each instruction computes, how formulas are written, and what they refuse."""

import copy
import gc
import math
import pickle
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from glassgrad.expr import (
    Const,
    Var,
    derive,
    evaluated_wider,
    gives_bool,
    program,
    rename,
    scalar as s,
    simplify,
    variables,
)

X, Y, C = Var("x"), Var("y"), Var("c")

# instruction -> operands, the value by Python's own arithmetic, and the text
INSTRUCTIONS = {
    s.ADD: ((2.0, 3.0), 5.0, "x + y"),
    s.SUBTRACT: ((2.0, 3.0), -1.0, "x - y"),
    s.MULTIPLY: ((2.0, 3.0), 6.0, "x * y"),
    s.DIVIDE: ((2.0, 4.0), 0.5, "x / y"),
    s.NEGATIVE: ((2.0,), -2.0, "-x"),
    s.POWER: ((2.0, 3.0), 8.0, "x ** y"),
    s.REMAINDER: ((-5.0, 3.0), 1.0, "x % y"),
    s.MAXIMUM: ((2.0, 3.0), 3.0, "max(x, y)"),
    s.MINIMUM: ((2.0, 3.0), 2.0, "min(x, y)"),
    s.ABS: ((-2.0,), 2.0, "abs(x)"),
    s.SIGN: ((-2.0,), -1.0, "sign(x)"),
    s.FLOOR: ((-1.5,), -2.0, "floor(x)"),
    s.CEIL: ((-1.5,), -1.0, "ceil(x)"),
    s.ROUND: ((2.5,), 2.0, "round(x)"),
    s.TRUNC: ((-1.5,), -1.0, "trunc(x)"),
    s.SQRT: ((9.0,), 3.0, "sqrt(x)"),
    s.EXP: ((1.5,), math.exp(1.5), "exp(x)"),
    s.EXPM1: ((1e-9,), math.expm1(1e-9), "expm1(x)"),
    s.LOG: ((1.5,), math.log(1.5), "log(x)"),
    s.LOG1P: ((1e-9,), math.log1p(1e-9), "log1p(x)"),
    s.SIN: ((1.5,), math.sin(1.5), "sin(x)"),
    s.COS: ((1.5,), math.cos(1.5), "cos(x)"),
    s.TAN: ((1.5,), math.tan(1.5), "tan(x)"),
    s.ASIN: ((0.5,), math.asin(0.5), "asin(x)"),
    s.ACOS: ((0.5,), math.acos(0.5), "acos(x)"),
    s.ATAN: ((0.5,), math.atan(0.5), "atan(x)"),
    s.ATAN2: ((1.0, -1.0), math.atan2(1.0, -1.0), "atan2(x, y)"),
    s.SINH: ((0.5,), math.sinh(0.5), "sinh(x)"),
    s.COSH: ((0.5,), math.cosh(0.5), "cosh(x)"),
    s.TANH: ((0.5,), math.tanh(0.5), "tanh(x)"),
    s.LOG2: ((8.0,), 3.0, "log2(x)"),
    s.LOG10: ((1000.0,), 3.0, "log10(x)"),
    s.ASINH: ((0.5,), math.asinh(0.5), "asinh(x)"),
    s.ACOSH: ((1.5,), math.acosh(1.5), "acosh(x)"),
    s.ATANH: ((0.5,), math.atanh(0.5), "atanh(x)"),
    s.ERF: ((0.5,), math.erf(0.5), "erf(x)"),
    s.ERFC: ((2.5,), math.erfc(2.5), "erfc(x)"),
    s.ERFINV: ((math.erf(0.5),), 0.5, "erfinv(x)"),
    s.LGAMMA: ((0.3,), math.lgamma(0.3), "lgamma(x)"),
    s.DIGAMMA: ((1.0,), -0.5772156649015329, "digamma(x)"),
    s.POLYGAMMA: ((1, 1.0), math.pi**2 / 6, "polygamma(x, y)"),
    s.EQUAL: ((2.0, 2.0), True, "x == y"),
    s.NOT_EQUAL: ((2.0, 2.0), False, "x != y"),
    s.GREATER: ((3.0, 2.0), True, "x > y"),
    s.GREATER_EQUAL: ((2.0, 2.0), True, "x >= y"),
    s.AND: ((True, False), False, "x and y"),
    s.OR: ((True, False), True, "x or y"),
    s.NOT: ((True,), False, "not x"),
    s.WHERE: ((True, 2.0, 3.0), 2.0, "where(x, y, c)"),
    s.FLOOR_DIVIDE: ((-5.0, 3.0), -2.0, "x // y"),
    s.HYPOT: ((3.0, 4.0), 5.0, "hypot(x, y)"),
    s.COPYSIGN: ((3.0, -0.0), -3.0, "copysign(x, y)"),
    s.NEXTAFTER: ((1.0, 2.0), math.nextafter(1.0, 2.0), "nextafter(x, y)"),
    s.SIGNBIT: ((-0.0,), True, "signbit(x)"),
    s.BIT_AND: ((6, 3), 2, "x & y"),
    s.BIT_OR: ((6, 3), 7, "x | y"),
    s.BIT_XOR: ((6, 3), 5, "x ^ y"),
    s.BIT_INVERT: ((6,), -7, "~x"),
    s.LEFT_SHIFT: ((6, 3), 48, "x << y"),
    s.RIGHT_SHIFT: ((6, 1), 3, "x >> y"),
}


def test_the_table_covers_the_language():
    assert set(INSTRUCTIONS) == set(s.INSTRUCTIONS)


@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=repr)
def test_value_and_text(instruction):
    operands, value, text = INSTRUCTIONS[instruction]
    names = ["x", "y", "c"][: instruction.arity]
    formula = s.build(instruction, *map(Var, names))
    assert str(formula) == text
    found = program(formula, names)(*map(np.asarray, operands))
    assert found == pytest.approx(value, rel=1e-15)
    assert gives_bool(formula) is isinstance(value, bool)


def test_pythons_operators_build_formulas():
    built = {
        "x + y": X + Y,
        "2 + x": 2 + X,
        "x - y": X - Y,
        "2 - x": 2 - X,
        "x * y": X * Y,
        "2 * x": 2 * X,
        "x / y": X / Y,
        "2 / x": 2 / X,
        "x ** 3": X**3,
        "-x": -X,
        "x > y": X > Y,
        "x >= y": X >= Y,
        "y > x": X < Y,
        "y >= x": X <= Y,
    }
    assert {text: str(formula) for text, formula in built.items()} == {text: text for text in built}


def test_functions_build_formulas():
    one = {
        "exp": s.exp,
        "expm1": s.expm1,
        "log": s.log,
        "log1p": s.log1p,
        "sin": s.sin,
        "cos": s.cos,
        "sinh": s.sinh,
        "cosh": s.cosh,
        "tanh": s.tanh,
        "sqrt": s.sqrt,
        "sign": s.sign,
        "abs": s.absolute,
    }
    assert {name: str(function(X)) for name, function in one.items()} == {name: f"{name}(x)" for name in one}
    assert str(s.maximum(X, 0.5)) == "max(x, 0.5)"
    assert str(s.minimum(X, Y)) == "min(x, y)"
    assert str(s.equal(X, Y)) == "x == y"
    assert str(s.both(X > 0, Y > 0)) == "(x > 0) and (y > 0)"
    assert str(s.where(X > 0, X, 0)) == "where(x > 0, x, 0)"


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ((X + Y) * X, "(x + y) * x"),
        (X + Y * X, "x + (y * x)"),
        (-(X + Y), "-(x + y)"),
        (-X * Y, "(-x) * y"),
        (s.build(s.NEGATIVE, -X), "-(-x)"),
        (s.exp(-X), "exp(-x)"),
        (s.maximum(X + Y, -X), "max(x + y, -x)"),
        (s.build(s.NOT, X > Y), "not (x > y)"),
        (s.both(s.build(s.NOT, C), X > Y), "(not c) and (x > y)"),
        ((X**2) ** Y, "(x ** 2) ** y"),
        (1.0 / (1.0 + s.exp(-X)), "1 / (1 + exp(-x))"),
    ],
)
def test_text_has_the_parentheses_that_meaning_needs(formula, text):
    assert str(formula) == text


def test_the_same_formula_is_the_same_object():
    assert s.sin(X + 1.0) is s.sin(X + 1.0)
    assert X + Y is not Y + X
    assert Const(np.float32(0.5)) is Const(0.5)
    assert copy.deepcopy(X + 1.0) is pickle.loads(pickle.dumps(X + 1.0)) is X + 1.0


def test_constants_that_are_equal_but_not_the_same_are_told_apart():
    constants = [Const(value) for value in (0, 0.0, -0.0, False, math.nan)]
    assert len(set(constants)) == 5
    assert Const(math.nan) is constants[-1]
    assert program(X * Const(2), ["x"])(np.array(3)).dtype == np.int64


def test_formulas_that_nobody_holds_are_forgotten():
    gc.collect()
    before = len(s._formulas)
    formula = s.sin(Var("only here") * 7.125)
    assert len(s._formulas) == before + 4
    del formula
    gc.collect()
    assert len(s._formulas) == before


def test_formulas_made_in_several_threads_are_the_same():
    def build(_):
        formula = Var("of threads")
        for i in range(200):
            formula = s.exp(formula * float(i))
        return formula

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(build, range(8)))) == 1


def test_formulas_may_be_thousands_deep():
    formula = X
    for i in range(5000):
        formula = s.sin(formula) * 0.5 + (Y if i == 4000 else 1.0)
    assert variables(formula) == {"x", "y"}
    assert str(formula).endswith("* 0.5) + 1")
    renamed = rename(formula, {"y": "z"})
    assert variables(renamed) == {"x", "z"}
    assert simplify(renamed) is renamed
    value = program(formula, ["x", "y"])(0.3, 1.0)
    assert value == pytest.approx(math.sin(value) * 0.5 + 1.0, rel=1e-12)
    assert program(derive(formula, "y"), ["x", "y"])(0.3, 1.0) == pytest.approx(0.0, abs=1e-100)


def test_variables_and_renaming():
    formula = s.where(X > 0, X * Y, 2.0)
    assert variables(formula) == {"x", "y"}
    assert variables(Const(1.0)) == frozenset()
    renamed = rename(formula, {"x": "a"})
    assert str(renamed) == "where(a > 0, a * y, 2)"
    assert variables(renamed) == {"a", "y"}


def test_names_can_be_exchanged():
    assert str(rename(X - Y, {"x": "y", "y": "x"})) == "y - x"


def test_wrong_number_of_operands():
    with pytest.raises(TypeError, match=r"^add takes 2 operands, got 1$"):
        s.build(s.ADD, X)


def test_a_program_of_one_instruction_is_the_ufunc_itself():
    assert program(X + Y, ["x", "y"]) is np.add
    assert program(Y + X, ["x", "y"]) is not np.add
    assert program(Y - X, ["x", "y"])(1.0, 5.0) == 4.0


def test_a_program_of_a_variable_or_a_constant():
    array = np.array([1.0, 2.0])
    assert program(X, ["x"])(array) is array
    assert program(Const(2.5), ["x"])(array) == 2.5


def test_a_program_computes_a_shared_subformula_once():
    calls = []

    def counted(x):
        calls.append(x)
        return x * 2.0

    twice = s.Instruction("twice", 1, counted, "twice({0})")
    shared = s.build(twice, X)
    assert program(shared * shared + shared, ["x"])(3.0) == 42.0
    assert calls == [3.0]


def test_a_program_gives_memory_back():
    """A chain of steps never needs more than two of its results at a time."""
    alive = []

    def counted(x):
        result = x + 1.0
        alive.append(weakref.ref(result))
        assert sum(reference() is not None for reference in alive) <= 2
        return result

    step = s.Instruction("step", 1, counted, "step({0})")
    formula = X
    for _ in range(10):
        formula = s.build(step, formula)
    assert program(formula, ["x"])(np.zeros(3)).tolist() == [10.0] * 3


def test_a_program_broadcasts_and_keeps_float32():
    formula = 2.0 * X + Y / 3.0
    x, y = np.ones((2, 1), np.float32), np.ones(3, np.float32)
    found = program(formula, ["x", "y"])(x, y)
    assert found.shape == (2, 3)
    assert found.dtype == np.float32


def test_a_program_names_an_input_it_does_not_have():
    with pytest.raises(NameError, match=r"^the formula reads 'y', which is not one of its inputs$"):
        program(X + Y, ["x"])


@pytest.mark.parametrize(("dtype", "wide"), [("float16", "float32"), ("float32", "float64")])
def test_a_formula_computed_wider_is_rounded_once(dtype, wide):
    """In one piece and block by block, broadcast and strided; float64 stays as it is."""
    evaluate = program(X * Y + X / Y, ["x", "y"])
    wider = evaluated_wider(evaluate)
    rng = np.random.default_rng(3)
    for shape in ((3, 5), (130, 95), (0, 4)):
        x, y = rng.uniform(1, 2, shape).astype(dtype), rng.uniform(1, 2, shape[1]).astype(dtype)
        for first, second in ((x, y), (x.T[::-1], x.T), (x, x[:, ::-1]), (y[:, None], x.T)):
            found = wider(first, second)
            assert found.dtype == dtype
            assert np.array_equal(found, evaluate(first.astype(wide), second.astype(wide)).astype(dtype))
    double = np.array([1.5, 2.5])
    assert wider(double, double).tolist() == evaluate(double, double).tolist()
