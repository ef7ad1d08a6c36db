"""Derivatives of order one to six of every smooth elementwise op, against mpmath's numerical derivatives, which are
taken with many more digits: of the formula of the value, and of the partial derivatives that the author wrote. And that they stay small."""

import accuracy
import mpmath
import numpy as np
import pytest
from accuracy import CASES

import glassgrad as gg
from glassgrad.expr import Var, derive, program, scalar as s
from glassgrad.graph import quiet

ORDERS = 6
KINKED = ("leaky_relu", "elu", "remainder")
SMOOTH = [case for case in CASES if case.name not in KINKED]
ONE = [case for case in SMOOTH if case.pairs is None]
TWO = [case for case in SMOOTH if case.pairs is not None]
AT_ZERO = {
    "exp",
    "expm1",
    "log1p",
    "sigmoid",
    "softplus",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
}
AT_ZERO |= {"cosh", "tanh", "asinh", "atanh", "erf", "erfc", "erfinv", "square"}
PLACES = {"acosh": (1.7,), "lgamma": (0.3, 2.0, 9.5, -2.3), "digamma": (0.3, 1.4616, 9.5, -2.3)}


def places(case):
    found = PLACES.get(case.name, (0.3, 0.6))
    return (*found, 0.0) if case.name in AT_ZERO else found


def derivatives_at(formula, variable, at):
    """The derivatives of order 1 to `ORDERS`."""
    values = []
    names = list(at)
    for _ in range(ORDERS):
        formula = derive(formula, variable)
        assert len(list(s.parts(formula))) < 1500
        values.append(float(quiet.run(program(formula, names), *map(np.float64, at.values()))))
    return values


def exact_derivatives(case, place, at):
    """The same by mpmath, which takes differences with so many digits that nothing is lost."""
    with mpmath.workdps(30):
        point = tuple(map(mpmath.mpf, at))
        orders = [tuple(order if i == place else 0 for i in range(len(at))) for order in range(1, ORDERS + 1)]
        exact = (
            mpmath.erfinv if case.name == "erfinv" else case.exact
        )  # the case's has a fixed number of digits
        return [float(mpmath.diff(exact, point, order)) for order in orders]


def whole_partial(op, position):
    """The written partial derivative as a formula of the inputs alone."""
    partial = op.partial_expressions[position]
    return s.rebuilt(partial, lambda part: op.expression if part is Var("out") else part)


def assert_close(found, wanted):
    scale = max(map(abs, wanted))
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-11 * scale)


def cases_and_places(cases, places):
    return [pytest.param(case, at, id=f"{case.name} {at}") for case in cases for at in places(case)]


@pytest.mark.parametrize(("case", "at"), cases_and_places(ONE, places))
def test_one_input(case, at):
    if case.name == "polygamma":
        assert_close(
            derivatives_at(case.op.expression, "x", {"x": at})[:2], exact_derivatives(case, 0, (at,))[:2]
        )
        return
    (name,) = case.op.argument_names
    wanted = exact_derivatives(case, 0, (at,))
    assert_close(derivatives_at(case.op.expression, name, {name: at}), wanted)
    partial = whole_partial(case.op, 0)
    first = float(quiet.run(program(partial, [name]), np.float64(at)))
    assert_close([first, *derivatives_at(partial, name, {name: at})[:-1]], wanted)


@pytest.mark.parametrize(("case", "at"), cases_and_places(TWO, lambda case: ((1.3, 0.7), (0.8, 0.8))))
def test_two_inputs(case, at):
    names = case.op.argument_names
    inputs = dict(zip(names, at, strict=True))
    for position, name in enumerate(names):
        wanted = exact_derivatives(case, position, at)
        assert_close(derivatives_at(case.op.expression, name, inputs), wanted)
        partial = whole_partial(case.op, position)
        first = float(quiet.run(program(partial, names), *map(np.float64, at)))
        assert_close([first, *derivatives_at(partial, name, inputs)[:-1]], wanted)


@pytest.mark.parametrize(
    "case", [case for case in TWO if case.name in ("logaddexp", "atan2", "hypot", "power")], ids=str
)
def test_mixed_derivatives(case):
    first, second = case.op.argument_names
    formula = case.op.expression
    for name in (first, second, first, second, first, second):
        formula = derive(formula, name)
    assert len(list(s.parts(formula))) < 3000
    found = float(program(formula, [first, second])(np.float64(1.3), np.float64(0.7)))
    with mpmath.workdps(30):
        wanted = float(mpmath.diff(case.exact, (mpmath.mpf(1.3), mpmath.mpf(0.7)), (3, 3)))
    assert found == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "erf", "lgamma", "digamma", "logit"])
def test_nested_gradients(name):
    """The same through the graph, to order 4."""
    case = accuracy.by_name()[name][0]
    function = getattr(gg, name)
    at = 0.5 if name not in ("sigmoid", "softplus") else 0.0
    wanted = exact_derivatives(case, 0, (at,))
    for order in range(4):
        function = gg.grad(function)
        assert function(gg.asarray(at, dtype="float64")).item() == pytest.approx(
            wanted[order], rel=1e-9, abs=1e-12
        )
