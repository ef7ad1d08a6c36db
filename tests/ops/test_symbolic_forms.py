"""The SymPy form of every elementwise op, checked by numbers against the op: its values and its derivatives."""

import numpy as np
import pytest
import sympy as sp
from table import ROWS

import glassgrad as gg
from glassgrad.autodiff.symbolic.expressions import derivative
from glassgrad.autodiff.symbolic.forms import form_of, forms
from glassgrad.expr import scalar as s
from glassgrad.ops.families import Elementwise
from glassgrad.tensor import apply

WITHOUT_FORM = {
    s.NEXTAFTER: "neighbouring floats are no real function",
    **dict.fromkeys(
        (s.BIT_AND, s.BIT_OR, s.BIT_XOR, s.BIT_INVERT, s.LEFT_SHIFT, s.RIGHT_SHIFT),
        "bits are no real function",
    ),
}


def instructions(expr):
    if isinstance(expr, s.Call):
        yield expr.instruction
        for operand in expr.operands:
            yield from instructions(operand)


LAYOUTS = (
    "no elements",
    "backwards",
    "every other",
    "strided",
    "outer",
    "one row for all",
    "inner axis of 1",
)
"""What rows say that differ from others in the layout of their inputs only: here numbers count."""


def has_form(row):
    return (
        isinstance(row.op, Elementwise)
        and row.about not in LAYOUTS
        and all(array.size and array.dtype.kind in "fb" for array in row.inputs)
        and not any(instruction in WITHOUT_FORM for instruction in instructions(row.op.expression))
    )


WITH_FORM = [row for row in ROWS if has_form(row)]


def elements(row, most=3):
    """Some positions of a row: the inputs there as Python numbers."""
    spread = np.broadcast_arrays(*row.inputs)
    return list(zip(*(array.ravel()[:most].tolist() for array in spread), strict=True))


def symbols_for(row):
    return [
        sp.Symbol(name) if array.dtype.kind == "b" else sp.Dummy(name, real=True)
        for name, array in zip(row.op.argument_names, row.inputs, strict=True)
    ]


def numeric(form, symbols, values):
    exact = {
        symbol: sp.sympify(value) if isinstance(value, bool) else sp.Float(value, 40)
        for symbol, value in zip(symbols, values, strict=True)
    }
    found = form.subs(exact)
    if found in (sp.true, sp.false):
        return bool(found)
    return complex(sp.N(found, 30))


def test_every_instruction_has_a_form_or_a_reason():
    assert set(forms()) | set(WITHOUT_FORM) == set(s.INSTRUCTIONS)
    assert not set(forms()) & set(WITHOUT_FORM)


@pytest.mark.parametrize("row", WITH_FORM, ids=str)
def test_the_form_has_the_values_of_the_op(row):
    symbols = symbols_for(row)
    form = sp.sympify(form_of(row.op, symbols))
    for values in elements(row):
        expected = np.asarray(row.op.forward(*map(np.asarray, values)))
        assert numeric(form, symbols, values) == pytest.approx(expected.item(), rel=1e-12, abs=1e-14)


# SymPy writes the derivative of x**y as y x**y / x, which is 0/0 at 0
HAS_DERIVATIVE = [row for row in WITH_FORM if row.differentiable and row.about != "base not positive"]


@pytest.mark.parametrize("row", HAS_DERIVATIVE, ids=str)
def test_the_derivative_of_the_form_is_the_partial_of_the_op(row):
    symbols = symbols_for(row)
    form = form_of(row.op, symbols)
    for values in elements(row, most=2):
        tensors = [gg.asarray(np.asarray(value)) for value in values]
        for place in row.varied:

            def op(moved, place=place, tensors=tensors):
                return apply(row.op, *tensors[:place], moved, *tensors[place + 1 :])

            expected = gg.grad(op)(tensors[place]).item()
            found = numeric(derivative(form, symbols[place]), symbols, values)
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-14)
