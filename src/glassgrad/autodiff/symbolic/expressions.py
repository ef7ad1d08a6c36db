"""The symbolic mode: a traced function as a SymPy expression, and its derivatives. Public as `gg.symbolic`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, GlassgradError, GraphError
from ...graph import Graph, Leaf, Node
from ...ops.families import Bilinear, Elementwise, Linear
from ...ops.reduce import Max, Min, Prod
from ...ops.shape import Astype, StopGradient
from ...tensor.dtype import float64
from ..trace import Spec, argument_names, trace
from .forms import as_number, form_of, no_form, number, require_sympy

__all__ = ["expression", "grad"]


def expression(function: Callable[..., Any], *variables: Any) -> Any:
    """What `function` computes, as a SymPy expression of the variables.

    variables: for each argument a name or a SymPy symbol; for an argument with axes a list of them (nested for
    several axes). Without any, the names of the function's parameters. Loops are unrolled, and `gg.where` becomes
    `Piecewise`. Numbers are exact where they are short fractions. The result is an expression for a single number,
    else a `sympy.Array`.

    Raises GraphError for an op without symbolic form and for a branch on a value, GlassgradError without SymPy.

    >>> gg.symbolic.expression(lambda x, y: x * y + gg.sin(x), "x", "y")
    x*y + sin(x)
    >>> gg.symbolic.expression(lambda v: gg.sum(v * v), ["a", "b"])
    a**2 + b**2
    """
    return _Symbolic("expression", function, variables).result()


def grad(function: Callable[..., Any], *variables: Any) -> Any:
    """The derivatives of `function`, which returns a single number, as SymPy expressions.

    One variable gives one derivative, several give a tuple, a list of variables a `sympy.Array`; see `expression` for
    `variables` and errors. SymPy's rules derive them, so they are independent of glassgrad's. Differences are at kinks
    only: there max and min give `Heaviside`, whose value at 0 is 1/2. Floor and sign have derivative 0.

    >>> gg.symbolic.grad(lambda x, y: x * y + gg.sin(x), "x", "y")
    (y + cos(x), x)
    """
    found = _Symbolic("grad", function, variables).derivatives()
    return found[0] if len(found) == 1 else tuple(found)


class _Symbolic:
    """A traced function on SymPy symbols."""

    def __init__(self, name: str, function: Callable[..., Any], variables: Sequence[Any]) -> None:
        require_sympy()
        names = variables or tuple(argument_names(function))
        if not names:
            raise ArgumentError(
                f"symbolic.{name} needs variables: pass a name for each argument, such as 'x'"
            )
        self.name, self.function = name, getattr(function, "__name__", "the function")
        self.given = [_symbols(variable, name) for variable in names]
        self.own = [_with_real_symbols(symbols) for symbols in self.given]
        self.frozen: dict[Any, Any] = {}
        graph = trace(function, *(Spec(symbols.shape, float64) for symbols in self.given))
        self.outputs = self._run(graph)

    def result(self) -> Any:
        """The output; a tuple if there are several."""
        found = [_as_expression(self._named(_each(as_number_or_truth, output))) for output in self.outputs]
        return found[0] if len(found) == 1 else tuple(found)

    def derivatives(self) -> list[Any]:
        """The derivative of the only output by each argument."""
        if len(self.outputs) != 1 or self.outputs[0].size != 1:
            shapes = " and ".join(str(output.shape) for output in self.outputs)
            raise GraphError(
                f"symbolic.grad needs a function that returns a single number; {self.function} returned shape "
                f"{shapes}. gg.symbolic.expression gives the elements, which SymPy differentiates one by one."
            )
        value = as_number(self.outputs[0].item())
        return [
            _as_expression(self._named(_each(lambda symbol: derivative(value, symbol), symbols)))
            for symbols in self.own
        ]

    def _run(self, graph: Graph) -> list[Any]:
        """The outputs as arrays of SymPy expressions."""
        known: dict[Node, Any] = dict(zip(graph.inputs, self.own, strict=True))
        for node in graph.body:
            if node not in known:
                constant = isinstance(node.op, Leaf)
                known[node] = (
                    _each(number, node.value)
                    if constant
                    else self._apply(node, [known[x] for x in node.inputs])
                )
        return [known[output] for output in graph.outputs]

    def _apply(self, node: Node, inputs: list[Any]) -> Any:
        """One op on arrays of expressions."""
        op = node.op
        if isinstance(op, Elementwise):
            return _elementwise(op, inputs)
        if isinstance(op, StopGradient):
            return _each(self._freeze, inputs[0])
        if isinstance(op, Astype):
            return _each(as_number, inputs[0]) if op.dtype.kind in "fc" else self._refuse(node)
        if isinstance(op, Max | Min):
            return _extremum(op, inputs[0])
        if isinstance(op, Linear | Bilinear | Prod):
            try:
                return np.asarray(op.forward(*(_each(as_number, x) for x in inputs)), dtype=object)
            except (TypeError, ValueError, AttributeError, GlassgradError):
                self._refuse(node)
        return self._refuse(node)

    def _refuse(self, node: Node) -> Any:
        raise no_form(f"{node.op.name} (at {node.place})")

    def _freeze(self, form: Any) -> Any:
        """A constant in the place of an expression that no derivative passes."""
        held = require_sympy().Dummy("held", real=True)
        self.frozen[held] = form
        return held

    def _named(self, forms: Any) -> Any:
        """Expressions with what was frozen put back, and in the user's symbols."""
        names = dict(
            pair
            for own, given in zip(self.own, self.given, strict=True)
            for pair in zip(own.ravel(), given.ravel(), strict=True)
        )

        def renamed(form: Any) -> Any:
            for held in reversed(self.frozen):
                form = form.xreplace({held: self.frozen[held]})
            return form.xreplace(names)

        return _each(renamed, forms)


def derivative(form: Any, symbol: Any) -> Any:
    """The derivative of an expression, with that of floor, ceiling and sign 0, and that of |u| sign(u) u'."""
    sp = require_sympy()
    flat: dict[Any, Any] = {}

    def hold(part: Any) -> Any:
        held = sp.Dummy("flat", real=True)
        flat[held] = part
        return held

    form = form.replace(sp.Abs, lambda u: u * hold(sp.sign(u)))
    form = form.replace(lambda part: isinstance(part, sp.floor | sp.ceiling | sp.sign), hold)
    found = sp.diff(form, symbol)
    for held in reversed(flat):
        found = found.xreplace({held: flat[held]})
    return found


def as_number_or_truth(form: Any) -> Any:
    """An expression as it is, a NumPy or Python number as SymPy's."""
    return require_sympy().sympify(form)


def _symbols(variable: Any, name: str) -> Any:
    """A name, a symbol, or nested lists of these, as an array of symbols."""
    sp = require_sympy()
    if isinstance(variable, list | tuple | np.ndarray):
        parts = [_symbols(part, name) for part in variable]
        if not parts or any(part.shape != parts[0].shape for part in parts):
            raise ArgumentError(
                f"symbolic.{name} needs lists of equal length as an array of variables; got {variable}"
            )
        return np.stack(parts)
    symbol = variable if isinstance(variable, sp.Symbol) else None
    if isinstance(variable, str) and variable.isidentifier():
        symbol = sp.Symbol(variable)
    if symbol is None:
        raise ArgumentError(
            f"symbolic.{name} takes a name or a SymPy symbol for each argument, or a list of them for an array; "
            f"got {variable!r}"
        )
    return np.array(symbol, dtype=object)


def _with_real_symbols(symbols: Any) -> Any:
    """Real symbols of the same names: SymPy knows more about them."""
    sp = require_sympy()
    return _each(lambda symbol: sp.Dummy(symbol.name, real=True), symbols)


def _each(function: Callable[[Any], Any], forms: Any) -> Any:
    """An array of expressions with `function` of each."""
    array = np.asarray(forms)
    result = np.empty(array.shape, dtype=object)
    for place in np.ndindex(array.shape):
        result[place] = function(array.item(place))
    return result


def _elementwise(op: Elementwise, inputs: list[Any]) -> Any:
    """The op's formula at each position, the inputs broadcast."""
    spread = np.broadcast_arrays(*inputs)
    result = np.empty(spread[0].shape, dtype=object)
    for place in np.ndindex(result.shape):
        result[place] = form_of(op, [x[place] for x in spread])
    return result


def _extremum(op: Max | Min, x: Any) -> Any:
    """The largest or smallest of the elements along the op's axes."""
    sp = require_sympy()
    choose = sp.Max if isinstance(op, Max) else sp.Min
    kept = [axis for axis in range(x.ndim) if axis not in op.axes]
    rows = x.transpose(*kept, *op.axes).reshape(*(x.shape[axis] for axis in kept), -1)
    result = np.empty(rows.shape[:-1], dtype=object)
    for place in np.ndindex(result.shape):
        result[place] = choose(*map(as_number, rows[place]))
    return np.expand_dims(result, op.axes) if op.keepdims else result


def _as_expression(forms: Any) -> Any:
    """A single expression, or a SymPy array of them."""
    array = np.asarray(forms, dtype=object)
    return array.item() if not array.ndim else require_sympy().Array(array.tolist())
