"""The symbolic mode, checked by numbers against the ops themselves, and by the tables of the literature."""

import sys

import pytest
import sympy as sp

import glassgrad as gg

x, y, z = sp.symbols("x y z")


def logistic_map(x, n):
    for _ in range(n - 1):
        x = 4 * x * (1 - x)
    return x


# --- the lectures ------------------------------------------------------------------------------------------------


def test_the_lecture_function():
    assert gg.symbolic.expression(lambda x, y: x * y + gg.sin(x), "x", "y") == x * y + sp.sin(x)
    assert gg.symbolic.grad(lambda x, y: x * y + gg.sin(x), "x", "y") == (y + sp.cos(x), x)


def test_sigmoid_has_the_form_of_the_textbook():
    assert gg.symbolic.expression(gg.sigmoid, "x") == 1 / (1 + sp.exp(-x))
    assert gg.symbolic.expression(gg.softplus, "x") == sp.log(1 + sp.exp(x))
    assert gg.symbolic.expression(gg.relu, "x") == sp.Max(0, x)


def test_halves_are_rounded_to_even():
    form = gg.symbolic.expression(gg.round, "x")
    halves = [sp.Rational(k, 2) for k in range(-7, 8)]
    assert [int(form.subs(x, half)) for half in halves] == [round(k / 2) for k in range(-7, 8)]


# Baydin, Pearlmutter, Radul, Siskind, "Automatic differentiation in machine learning: a survey" (2018), table 1
LOGISTIC = {
    1: (x, sp.Integer(1)),
    2: (4 * x * (1 - x), 4 - 8 * x),
    3: (16 * x * (1 - x) * (1 - 2 * x) ** 2, 16 * (1 - 10 * x + 24 * x**2 - 16 * x**3)),
    4: (
        64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2) ** 2,
        128 * x * (1 - x) * (-8 + 16 * x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2)
        + 64 * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2) ** 2
        - 64 * x * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2) ** 2
        - 256 * x * (1 - x) * (1 - 2 * x) * (1 - 8 * x + 8 * x**2) ** 2,
    ),
}


@pytest.mark.parametrize("n", LOGISTIC)
def test_the_logistic_map_of_the_survey(n):
    value, slope = LOGISTIC[n]
    assert sp.expand(gg.symbolic.expression(lambda x: logistic_map(x, n), "x") - value) == 0
    found = gg.symbolic.grad(lambda x: logistic_map(x, n), "x")
    assert sp.expand(found - slope) == 0
    at = gg.grad(lambda x: logistic_map(x, n))(gg.tensor(0.3, gg.float64)).item()
    assert float(found.subs(x, sp.Rational(3, 10))) == pytest.approx(at, rel=1e-13)


# --- what variables may be ---------------------------------------------------------------------------------------


def test_symbols_keep_their_assumptions_and_names():
    angle = sp.Symbol("theta", positive=True)
    found = gg.symbolic.expression(lambda x: gg.sqrt(x * x), angle)
    assert found.free_symbols == {angle}
    assert gg.symbolic.grad(lambda t: t * t, angle) == 2 * angle


def test_without_names_the_parameters_give_them():
    assert gg.symbolic.grad(lambda x, y, scale=3: scale * x / y) == (3 / y, -3 * x / y**2)


def test_arrays_of_symbols():
    a, b, c, d = sp.symbols("a b c d")
    matrix = [["a", "b"], ["c", "d"]]
    product = gg.symbolic.expression(lambda m, v: m @ v, matrix, ["x", "y"])
    assert product == sp.Array([a * x + b * y, c * x + d * y])
    trace = gg.symbolic.grad(lambda m: gg.sum(m.T * m[::-1] * 2.5), matrix)
    expected = sp.Rational(5, 2) * (a * c + c * d + b * a + d * b)
    assert trace == sp.Array([[sp.diff(expected, symbol) for symbol in row] for row in ((a, b), (c, d))])


def test_softmax_is_shifted_but_its_gradient_is_the_textbooks():
    first = gg.symbolic.grad(lambda v: gg.softmax(v)[0], ["x", "y"])
    p = sp.exp(x) / (sp.exp(x) + sp.exp(y))
    values = {x: 0.3, y: -1.2}
    expected = [p * (1 - p), -p * sp.exp(y) / (sp.exp(x) + sp.exp(y))]
    assert [float(f.subs(values)) for f in first] == pytest.approx([float(e.subs(values)) for e in expected])


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x, y: gg.where(x > y, x * y, 0.0), sp.Piecewise((x * y, x > y), (0, True))),
        (lambda x, y: (x > 0) * y, y * sp.Piecewise((1, x > 0), (0, True))),
        (lambda x, y: gg.maximum(x, gg.minimum(y, 1)), sp.Max(x, sp.Min(1, y))),
        (lambda x, y: gg.stack([x, y, x]).max(), sp.Max(x, y)),
        (lambda x, y: gg.prod(gg.concat([gg.stack([x, y]), gg.asarray([0.125, 2.0])])), x * y / 4),
        (lambda x, y: gg.stack([x, y]).at[0].set(y).sum(), 2 * y),
        (lambda x, y: gg.logical_and(x > 0, y == 1), sp.And(x > 0, sp.Eq(y, 1))),
        (lambda x, y: x * gg.inf, sp.oo * x),
    ],
)
def test_expressions(function, expected):
    found = gg.symbolic.expression(function, "x", "y")
    assert found == expected or sp.simplify(found - expected) == 0


def test_held_values_are_constants_for_derivatives():
    def f(x):
        return gg.stop_gradient(x * x) * x + gg.floor(x) * x + gg.sign(x) + gg.abs(gg.log(x))

    assert gg.symbolic.expression(f, "x") == x**3 + x * sp.floor(x) + sp.sign(x) + sp.Abs(sp.log(x))
    assert sp.expand(gg.symbolic.grad(f, "x")) == x**2 + sp.floor(x) + sp.sign(sp.log(x)) / x


def test_several_outputs():
    assert gg.symbolic.expression(lambda x: {"b": x + 1, "a": x * x}, "x") == (x**2, x + 1)


# --- swell -------------------------------------------------------------------------------------------------------


def test_swell_of_the_logistic_map():
    found = gg.symbolic.swell(logistic_map, "x", n=[1, 2, 3, 4, 5, 6, 30])
    assert [row.label for row in found.rows] == ["1", "2", "3", "4", "5", "6", "30"]
    # l(n) = 4 l(n-1) (1 - l(n-1)): three operations and l(n-1) twice
    assert [row.function for row in found.rows] == [3 * (2 ** (int(row.label) - 1) - 1) for row in found.rows]
    # product rule: (4 l') (1 - l) + (4 l) (-l'), so two derivatives, two values and 7 operations; less for n = 2
    by_rules = [0, 5]
    while len(by_rules) < 30:
        by_rules.append(2 * by_rules[-1] + 2 * 3 * (2 ** (len(by_rules) - 1) - 1) + 7)
    assert [row.by_rules for row in found.rows] == [by_rules[int(row.label) - 1] for row in found.rows]
    # three operations per step forward and five backward
    assert [row.graph for row in found.rows] == [8 * (int(row.label) - 1) for row in found.rows]
    forms = [sp.expand(gg.symbolic.grad(lambda x, n=n: logistic_map(x, n), "x")) for n in range(1, 7)]
    assert [row.expanded for row in found.rows] == [*map(sp.count_ops, forms), None]
    assert [row.simplified for row in found.rows[:4]] == [0, 2, 8, 20]
    assert found.rows[-1].by_sympy is None


def test_swell_prints_a_table():
    table = str(gg.symbolic.swell(logistic_map, n=[1, 3, 40]))
    lines = table.splitlines()
    assert lines[0] == "logistic_map: size in operations"
    assert lines[1].split("  ")[-1] == "AD graph"
    assert len({len(line) for line in lines[1:]}) == 1
    assert [line.split() for line in lines[2:]] == [
        ["1", "0", "0", "0", "0", "0", "0"],
        ["3", "9", "23", "21", "8", "8", "16"],
        ["40", "1.6e+12", "6.4e+13", "–", "–", "–", "312"],
    ]


def test_swell_of_one_function_of_two_variables():
    (row,) = gg.symbolic.swell(lambda x, y: x * y + gg.sin(x), "x", "y").rows
    # y + cos(x) and x, by the rules
    assert (row.label, row.function, row.by_rules, row.by_sympy) == ("", 3, 2, 2)
    # backwards: the upstream gradient times y, x and cos x, which is itself one operation, and a sum
    assert row.graph == 3 + 5


def test_swell_as_a_picture(tmp_path):
    gg.symbolic.swell(logistic_map, n=[1, 2, 3]).plot(tmp_path / "swell.png")
    assert (tmp_path / "swell.png").read_bytes()[1:4] == b"PNG"


# --- mistakes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.symbolic.grad(lambda v: v * 2, ["a", "b"]),
            gg.GraphError,
            "symbolic.grad needs a function that returns a single number; <lambda> returned shape (2,). "
            "gg.symbolic.expression gives the elements, which SymPy differentiates one by one.",
        ),
        (
            lambda: gg.symbolic.expression(lambda x: x, 3),
            gg.ArgumentError,
            "symbolic.expression takes a name or a SymPy symbol for each argument, or a list of them for an array; "
            "got 3",
        ),
        (
            lambda: gg.symbolic.expression(lambda x: x, ["a", ["b", "c"]]),
            gg.ArgumentError,
            "symbolic.expression needs lists of equal length as an array of variables; got ['a', ['b', 'c']]",
        ),
        (
            lambda: gg.symbolic.expression(lambda: gg.tensor(1.0)),
            gg.ArgumentError,
            "symbolic.expression needs variables: pass a name for each argument, such as 'x'",
        ),
        (
            lambda: gg.symbolic.expression(lambda x: x, "x", "y"),
            gg.ArgumentError,
            "trace got 2 arguments for <lambda>(x): pass one example or gg.Spec for each parameter",
        ),
    ],
)
def test_mistakes(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.message == message


@pytest.mark.parametrize(
    "function",
    [lambda m: gg.linalg.cholesky(m)[0, 0], lambda m: gg.argmax(m), lambda m: gg.astype(m, gg.int64)[0, 0]],
)
def test_an_op_without_form_is_named(function):
    with pytest.raises(gg.GraphError) as caught:
        gg.symbolic.expression(function, [["a", "b"], ["b", "c"]])
    assert caught.value.message.split(" ")[0] in ("cholesky", "argmax", "astype")
    assert " (at test_symbolic.py:" in caught.value.message
    assert caught.value.message.endswith(
        "has no symbolic form: gg.symbolic writes scalar functions, and sums, products, matrix products and "
        "rearrangements of small arrays of symbols. gg.grad, gg.jvp and gg.numerical.grad differentiate it."
    )


def test_swell_refuses_arrays():
    with pytest.raises(
        gg.GraphError, match=r"symbolic.swell counts operations on numbers; reshape at test_symbolic"
    ):
        gg.symbolic.swell(lambda x: gg.sum(gg.expand_dims(x) * 2), "x")


def test_without_sympy_the_cure_is_named(monkeypatch):
    from glassgrad.autodiff.symbolic import forms as sympy_forms

    monkeypatch.setitem(sys.modules, "sympy", None)
    sympy_forms.require_sympy.cache_clear()
    try:
        with pytest.raises(gg.GlassgradError) as caught:
            gg.symbolic.grad(lambda x: x, "x")
    finally:
        monkeypatch.undo()
        sympy_forms.require_sympy.cache_clear()
    assert caught.value.message == "symbolic mathematics needs SymPy: pip install 'glassgrad[symbolic]'"
