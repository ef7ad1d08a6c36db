"""Expression swell: how much larger a derivative becomes when it is written out than when it is a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ...errors import ArgumentError, GlassgradError, GraphError
from ...expr import Call, Const, Expr, Var
from ...graph import Graph, Leaf, Node
from ...ops.families import Elementwise
from ...ops.shape import Identity
from ...tensor.dtype import float64
from ..gradient import value_and_grad
from ..trace import Spec, argument_names, trace
from .forms import require_sympy

LONGEST = 1200
"""Operations up to which a derivative is handed to SymPy; its time grows faster than the expression."""

HEADINGS = {
    "label": "",
    "function": "function",
    "by_rules": "derivative by the rules",
    "by_sympy": "derivative by SymPy",
    "expanded": "multiplied out",
    "simplified": "simplified",
    "graph": "AD graph",
}


@dataclass(frozen=True)
class Sizes:
    """Numbers of operations (+, -, ×, /, powers, functions); None where the expression is too long to write down."""

    label: str
    function: int
    """The function, written out."""
    by_rules: int
    """The derivative by the product and chain rules as they stand, written out."""
    by_sympy: int | None
    """The derivative as SymPy derives it from the written function."""
    expanded: int | None
    """That, multiplied out."""
    simplified: int | None
    """The shortest of that, multiplied out, and factored."""
    graph: int
    """The graph of the value and the derivative: forward and backward pass of reverse mode together."""


@dataclass(frozen=True)
class Swell:
    """What `swell` found. Print it for a table; `rows` holds the numbers; `plot` draws them."""

    name: str
    rows: tuple[Sizes, ...]

    def __str__(self) -> str:
        names = [field.name for field in fields(Sizes) if self.rows[0].label or field.name != "label"]
        head = [HEADINGS[name] for name in names]
        cells = [[_cell(getattr(row, name)) for name in names] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in [head, *cells]
        ]
        return "\n".join([f"{self.name}: size in operations", *lines])

    __repr__ = __str__

    def plot(self, path: str | Path) -> None:
        """Draw the sizes, on a logarithmic scale, as a picture at `path`. GlassgradError without matplotlib."""
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError as error:
            raise GlassgradError("pictures need matplotlib: pip install 'glassgrad[plot]'") from error
        figure = Figure(figsize=(7, 4.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        places = [int(row.label or 1) for row in self.rows]
        for name in list(HEADINGS)[1:]:
            sizes = [getattr(row, name) for row in self.rows]
            known = [(place, size) for place, size in zip(places, sizes, strict=True) if size is not None]
            if known:
                axes.plot(
                    *zip(*known, strict=True),
                    marker="o",
                    label=HEADINGS[name],
                    lw=3 if name == "graph" else 1.5,
                )
        axes.set_yscale("symlog", linthresh=1)
        axes.set_xticks(places, [row.label for row in self.rows])
        axes.set_xlabel("n")
        axes.set_ylabel("operations")
        axes.set_title(f"Expression swell: {self.name}")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        figure.savefig(Path(path), dpi=120)


def _cell(value: str | int | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return f"{value:,}" if value < 10**9 else f"{value:.1e}"


def swell(function: Callable[..., Any], *variables: str, n: Sequence[int] | None = None) -> Swell:
    """How large the derivative of `function` is as an expression, and how large as a graph. All count operations.

    function: from numbers to a number. variables: the names of its arguments, as it names them by default. With `n`,
    there is a row for each of these integers, which is passed as one argument more: `function(x, n)`.

    The expression is what one writes on paper, where a value that is used twice is written twice. The graph computes
    it once; it holds the function and its derivative.

    Raises GraphError for ops that work on arrays, GlassgradError without SymPy.

    >>> def logistic_map(x, n):
    ...     for _ in range(n - 1):
    ...         x = 4 * x * (1 - x)
    ...     return x
    >>> print(gg.symbolic.swell(logistic_map, "x", n=[1, 2, 4]))
    logistic_map: size in operations
       function  derivative by the rules  derivative by SymPy  multiplied out  simplified  AD graph
    1         0                        0                    0               0           0         0
    ...
    """
    require_sympy()
    name = getattr(function, "__name__", "the function")
    names = variables or tuple(argument_names(function))[: None if n is None else -1]
    if not names:
        raise ArgumentError("symbolic.swell needs variables: pass a name for each argument, such as 'x'")
    if n is None:
        return Swell(name, (_sizes("", function, names),))
    return Swell(name, tuple(_sizes(str(i), _with_last(function, i), names) for i in n))


def _with_last(function: Callable[..., Any], last: int) -> Callable[..., Any]:
    return lambda *args: function(*args, last)


def _sizes(label: str, function: Callable[..., Any], names: tuple[str, ...]) -> Sizes:
    specs = [Spec((), float64) for _ in names]
    written, by_rules = written_out(trace(function, *specs))
    both = trace(value_and_grad(function, argnums=tuple(range(len(names)))), *specs)
    by_sympy, expanded, simplified = _by_sympy(function, names) if by_rules <= LONGEST else (None, None, None)
    return Sizes(label, written, by_rules, by_sympy, expanded, simplified, operations(both))


def _by_sympy(function: Callable[..., Any], names: tuple[str, ...]) -> tuple[int, int, int]:
    """The sizes of the derivatives as SymPy derives, expands and shortens them."""
    sp = require_sympy()
    from .expressions import grad

    found = grad(function, *names)
    forms = found if isinstance(found, tuple) else (found,)
    multiplied = list(map(_multiplied_out, forms))
    derived, expanded, factored = (
        [int(sp.count_ops(form)) for form in version]
        for version in (forms, multiplied, map(sp.factor, multiplied))
    )
    return sum(derived), sum(expanded), sum(map(min, derived, expanded, factored))


def _multiplied_out(form: Any) -> Any:
    sp = require_sympy()
    symbols = sorted(form.free_symbols, key=str)
    # SymPy's polynomials are much faster than its expressions
    return sp.Poly(form, *symbols).as_expr() if symbols and form.is_polynomial(*symbols) else sp.expand(form)


def operations(graph: Graph) -> int:
    """How many operations a graph does for one number: the instructions of its formulas, one for any other op."""
    return sum(_instructions(node) for node in graph.body if not isinstance(node.op, Leaf | Identity))


def _instructions(node: Node) -> int:
    if not isinstance(node.op, Elementwise):
        return 1
    seen: set[Expr] = set()
    waiting = [node.op.expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Call) and part not in seen:
            seen.add(part)
            waiting += part.operands
    return len(seen)


def written_out(graph: Graph) -> tuple[int, int]:
    """The number of operations in the output of a graph of numbers, and in its derivatives by the rules, written out.

    Nothing is written: the sizes are added up along the graph, so they may be astronomical.
    """
    size: dict[Node, int] = {}
    # for each node the size of its derivative by each input it depends on; None where that is just 1
    slope: dict[Node, dict[Node, int | None]] = {}
    for node in graph.body:
        op = node.op
        if isinstance(op, Leaf):
            size[node], slope[node] = 0, {node: None} if node in graph.inputs else {}
            continue
        if isinstance(op, Identity):
            (source,) = node.inputs
            size[node], slope[node] = size[source], slope[source]
            continue
        if not isinstance(op, Elementwise) or node.shape:
            raise GraphError(
                f"symbolic.swell counts operations on numbers; {op.name} at {node.place} gives shape {node.shape}"
            )
        sizes = {name: size[source] for name, source in zip(op.argument_names, node.inputs, strict=True)}
        size[node] = sizes["out"] = _size(op.expression, sizes)
        slope[node] = _slopes(op, node, sizes, slope)
    (output,) = graph.outputs
    return size[output], sum(by or 0 for by in slope[output].values())


def _slopes(
    op: Elementwise, node: Node, sizes: dict[str, int], slope: dict[Node, dict[Node, int | None]]
) -> dict[Node, int | None]:
    """The chain rule: a sum over the op's inputs of partial derivative times derivative of the input."""
    terms: dict[Node, list[int | None]] = {}
    for source, partial in zip(node.inputs, op.partial_expressions, strict=True):
        if partial is None or partial == Const(0.0):
            continue
        for variable, inner in slope[source].items():
            if partial == Const(1.0):
                term = inner
            elif inner is None:
                term = _size(partial, sizes)
            else:
                term = _size(partial, sizes) + 1 + inner
            terms.setdefault(variable, []).append(term)
    return {
        variable: found[0] if len(found) == 1 else sum(term or 0 for term in found) + len(found) - 1
        for variable, found in terms.items()
    }


def _size(expr: Expr, sizes: dict[str, int]) -> int:
    """The number of operations in a formula with the expressions of its inputs written in their places."""
    if isinstance(expr, Var):
        return sizes[expr.name]
    return 1 + sum(_size(part, sizes) for part in expr.operands) if isinstance(expr, Call) else 0
