"""The families of ops: what follows by mathematics from an op's kind is written here, once.

| family        | an op writes                        | and gets                                               |
|---------------|-------------------------------------|--------------------------------------------------------|
| `Elementwise` | `value` and `partials` as formulas  | shape, forward, broadcasting, vjp, jvp, every order    |
| `Linear`      | `shape`, `forward`, `transpose`     | vjp (the transpose), jvp (the op itself), every order  |
| `Bilinear`    | `shape`, `forward`, two transposes  | vjp, jvp by the product rule, every order              |
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property, reduce
from operator import add, itemgetter
from typing import Any, ClassVar

import numpy as np

from ..errors import DTypeError
from ..expr import (
    Const,
    Expr,
    Operand,
    Var,
    derive,
    evaluated_wider,
    gives_bool,
    program,
    rename,
    simplify,
    variables,
)
from ..graph import OUT, Aval, Op, broadcast_shapes
from ..graph.loops import Map
from ..graph.static import static
from ..tensor import Tensor, apply, apply_to_two
from ..tensor.dtype import DEFAULT_FLOAT, DType, bool_, promote
from .stacks import aligned

SCALER = "scaler: multiplies the upstream gradient by the local slope"
BLOCKER = "blocker: piecewise constant, so no gradient passes"

Partials = tuple[Operand | None, ...]

KINDS = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}


def kinds_in_words(kinds: str) -> str:
    """Dtype kinds for a message: `"iuf"` gives "an int, uint or float"."""
    names = [KINDS[kind] for kind in kinds if kind != "u" or "i" not in kinds]
    listed = ", ".join(names[:-1]) + " or " + names[-1] if len(names) > 1 else names[0]
    return f"{'an' if listed[0] in 'aeiou' else 'a'} {listed}"


def require_kind(op: Op, kinds: str, *inputs: Any) -> None:
    """Raise a `DTypeError` naming the first input whose dtype is not of these kinds."""
    for position, given in enumerate(inputs):
        if given.dtype.kind not in kinds:
            name = f"{op.argument_names[position]} " if len(inputs) > 1 else ""
            cure = " gg.astype(x, gg.float32) converts."
            if kinds == "b":
                cure = " Compare first, for example x > 0."
            elif kinds == "biu":
                cure = (
                    " For logic compare first, for example x > 0; for bits gg.astype(x, gg.int64) converts."
                )
            elif "f" not in kinds:
                cure = " gg.astype(x, gg.int64) converts."
            elif given.dtype.kind == "c":
                cure = ""  # astype refuses to lose an imaginary part
            raise DTypeError(
                f"{op.name} needs {kinds_in_words(kinds)} input; got {name}{given.dtype} of shape "
                f"{tuple(given.shape)}.{cure}"
            )


class Elementwise(Op):
    """The same formula at every position, inputs broadcast against each other.

    Write `value` and `partials` over scalar formulas (`glassgrad.expr`). `partials(out, *x)` may read the result, and
    gives one formula per input, or None where no gradient flows (a condition). `kinds` lists the NumPy dtype kinds
    the inputs may have. Inputs of different dtypes are promoted; gradients come back in each input's own dtype.
    """

    kinds: ClassVar[str] = "fc"
    pattern: ClassVar[str] = SCALER
    promotes_to_float: ClassVar[bool] = False
    """Whether integer inputs are turned into floats first (true division)."""
    rounds_once: ClassVar[bool] = False
    """Whether float16 and float32 are computed in a wider dtype and rounded once, so that a formula whose roundings
    would add up to more than 2 ULP does not."""

    def value(self, *x: Any) -> Operand:
        """The formula of the result."""
        raise NotImplementedError

    def partials(self, out: Any, *x: Any) -> Partials:
        """For each input the formula of the derivative of the result with respect to it."""
        raise NotImplementedError

    @cached_property
    def argument_names(self) -> tuple[str, ...]:
        """The inputs' names: the parameters of `value`."""
        return tuple(inspect.signature(self.value).parameters)

    @cached_property
    def expression(self) -> Expr:
        """`value` over variables with the names of the inputs."""
        return as_expr(self.value(*map(Var, self.argument_names)))

    @cached_property
    def partial_expressions(self) -> tuple[Expr | None, ...]:
        """`partials`, simplified, over the same variables and `out`."""
        found = self.partials(Var("out"), *map(Var, self.argument_names))
        return tuple(None if partial is None else simplify(as_expr(partial)) for partial in found)

    @cached_property
    def formula(self) -> str:
        """The formula as text."""
        return str(self.expression)

    @cached_property
    def saves(self) -> tuple[tuple[int, ...], ...]:
        """What each gradient formula reads, found by looking at it."""
        places = {name: position for position, name in enumerate(self.argument_names)} | {"out": OUT}
        found = tuple(
            () if partial is None else tuple(sorted(places[name] for name in variables(partial)))
            for partial in self.partial_expressions
        )
        return found if any(found) else ()

    def result_dtype(self, *dtypes: DType) -> DType:
        """The dtype of the result for inputs of these dtypes."""
        if gives_bool(self.expression):
            return bool_
        joint = promote(set(dtypes))
        return DEFAULT_FLOAT if self.promotes_to_float and joint.kind not in "fc" else joint

    def shape(self, *inputs: Aval) -> Aval:
        """Broadcast shape, promoted dtype."""
        require_kind(self, self.kinds, *inputs)
        return Aval(broadcast_shapes(self, inputs), self.result_dtype(*(given.dtype for given in inputs)))

    @cached_property
    def forward(self) -> Callable[..., Any]:
        """The formula on NumPy arrays, as a function made once per op: every elementwise operation runs it."""
        evaluate = program(self.expression, self.argument_names)
        if self.rounds_once:
            evaluate = evaluated_wider(evaluate)
        kinds = self.kinds_as_they_are

        def of_one(x: Any) -> Any:
            return evaluate(x) if x.dtype.kind in kinds else evaluate(*self.converted((x,)))

        def of_two(x1: Any, x2: Any) -> Any:
            dtype = x1.dtype
            if dtype is x2.dtype and dtype.kind in kinds:
                return evaluate(x1, x2)
            return evaluate(*self.converted((x1, x2)))

        def of_any(*arrays: Any) -> Any:
            dtype = arrays[0].dtype
            if dtype.kind not in kinds or any(array.dtype is not dtype for array in arrays):
                arrays = self.converted(arrays)
            return evaluate(*arrays)

        inputs = len(self.argument_names)
        return of_one if inputs == 1 else of_two if inputs == 2 else of_any

    @property
    def kinds_as_they_are(self) -> str:
        """The dtype kinds that need no conversion if all inputs have the same dtype."""
        return "fc" if self.promotes_to_float else self.kinds

    def converted(self, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        """The inputs, checked, with numbers cast to their common dtype; booleans stay, as conditions."""
        require_kind(self, self.kinds, *arrays)
        joint = promote({array.dtype for array in arrays})
        if self.promotes_to_float and joint.kind not in "fc":
            return tuple(array.astype(DEFAULT_FLOAT) for array in arrays)
        return tuple(array if array.dtype == bool_ else array.astype(joint, copy=False) for array in arrays)

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, *inputs: Tensor
    ) -> tuple[Tensor | None, ...]:
        """Upstream times local gradient, conjugated if complex, summed back to each input's shape."""
        known = (g, out, *inputs)
        parts: list[Tensor | None] = []
        value = g.value
        kind = g.dtype.kind if value is None else value.dtype.kind
        pullbacks = self._conjugate_pullbacks if kind == "c" else self._pullbacks
        for wanted, pullback, x in zip(needed, pullbacks, inputs):  # noqa: B905 - the hot loop of reverse mode
            if wanted and pullback is not None:
                parts.append(unbroadcast(pullback(known), x))
            else:
                parts.append(None)
        return tuple(parts)

    @cached_property
    def _pullbacks(self) -> tuple[Pullback | None, ...]:
        """For each input: from (g, out, *inputs) to the upstream gradient times the local one."""
        names = ("g", "out", *self.argument_names)
        return tuple(
            None
            if partial is None or partial == Const(0.0)
            else _pullback(f"{self.name}_vjp", simplify(Var("g") * partial), names)
            for partial in self.partial_expressions
        )

    @cached_property
    def _conjugate_pullbacks(self) -> tuple[Pullback | None, ...]:
        """The same for complex numbers: with the conjugate of the local gradient. See docs/complex.md."""
        return tuple(
            pullback
            if pullback is None or partial is None or not variables(partial)
            else _with_conjugate_slope(pullback)
            for pullback, partial in zip(self._pullbacks, self.partial_expressions, strict=True)
        )

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, *inputs: Tensor) -> Tensor | None:
        """The sum of local gradients times tangents, as one formula; None where nothing moves."""
        push = self._pushes[tuple(tangent is not None for tangent in tangents)]
        if push is None:
            return None
        total = push((*tangents, out, *inputs))  # type: ignore[arg-type]  # it reads those that move
        return total if total.shape == out.shape else _broadcast_to(total, out.shape)

    @cached_property
    def _pushes(self) -> _Pushes:
        """By which inputs move: from (*tangents, out, *inputs) to the output's tangent."""
        return _Pushes(self)

    def loops(self, *inputs: Aval) -> Map:
        """The formula at every place."""
        joint = promote({given.dtype for given in inputs})
        if self.promotes_to_float and joint.kind not in "fc":
            joint = DEFAULT_FLOAT
        return Map(self.expression, self.argument_names, joint)

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        """The same formula: a stack is one more axis to broadcast along."""
        return apply(self, *aligned(batched, inputs))


Pullback = Callable[[tuple[Tensor, ...]], Tensor]


class _Pushes(dict[tuple[bool, ...], Pullback | None]):
    """The forward derivative of an elementwise op for every set of inputs that move, made when first needed."""

    def __init__(self, op: Elementwise) -> None:
        super().__init__()
        self.op = op

    def __missing__(self, moving: tuple[bool, ...]) -> Pullback | None:
        names = self.op.argument_names
        d = "d"
        while any(f"{d}{name}" in names for name in names):  # an op that is itself the tangent of another
            d += "d"
        terms = [
            Var(f"{d}{name}") * partial
            for name, partial, moves in zip(names, self.op.partial_expressions, moving, strict=True)
            if moves and partial is not None and partial != Const(0.0)
        ]
        tangents = tuple(f"{d}{name}" for name in names)
        self[moving] = (
            _pullback(f"{self.op.name}_jvp", simplify(reduce(add, terms)), (*tangents, "out", *names))
            if terms
            else None
        )
        return self[moving]


def as_expr(formula: Operand) -> Expr:
    """A formula, or a plain number as one."""
    return formula if isinstance(formula, Expr) else Const(formula)


def _pullback(name: str, formula: Expr, names: tuple[str, ...]) -> Pullback:
    """The formula as a function of tensors called `names`. One that is a mere name is that tensor, and no op at all."""
    if isinstance(formula, Var):
        return itemgetter(names.index(formula.name))
    read = tuple(sorted(variables(formula)))
    fresh = _fresh_names(read)
    op = Formula(name, rename(formula, fresh), tuple(fresh.values()))
    places = tuple(names.index(variable) for variable in read)
    if len(places) == 2:
        first, second = places
        return lambda known: apply_to_two(op, known[first], known[second])
    return lambda known: apply(op, *[known[place] for place in places])


def _with_conjugate_slope(pullback: Pullback) -> Pullback:
    """From g times slope to g times the slope's conjugate, which is the conjugate of (conjugate of g) times slope."""

    def conjugated(known: tuple[Tensor, ...]) -> Tensor:
        from .complex_numbers import conj

        return conj(pullback((conj(known[0]), *known[1:])))

    return conjugated


def _fresh_names(names: tuple[str, ...]) -> dict[str, str]:
    """New names for the upstream gradient `g` and the result `out` of the op that a formula was derived from,
    because the formula, as an op itself, has an upstream gradient and a result of its own."""
    fresh: dict[str, str] = {}
    for name in names:
        new = {"g": "u", "out": "y"}.get(name, name)
        while new in fresh.values() or (new != name and new in names):
            new += "'"
        fresh[name] = new
    return fresh


@static
class Formula(Elementwise):
    """A formula as an op: what the derivative rules of elementwise ops are made of. It differentiates itself."""

    label: str
    body: Expr
    names: tuple[str, ...]

    kinds: ClassVar[str] = "biufc"
    pattern: ClassVar[str] = SCALER

    @property
    def name(self) -> str:
        """The name of the op it was derived from, and how."""
        return self.label

    @cached_property
    def argument_names(self) -> tuple[str, ...]:
        """The variables that the formula reads."""
        return self.names

    @property
    def parameters(self) -> tuple[str, ...]:
        """None: the formula says it all."""
        return ()

    @cached_property
    def expression(self) -> Expr:
        """The formula."""
        return self.body

    @cached_property
    def partial_expressions(self) -> tuple[Expr | None, ...]:
        """Its symbolic derivatives."""
        found = (derive(self.body, name) for name in self.names)
        return tuple(partial if variables(partial) or partial != as_expr(0.0) else None for partial in found)


def unbroadcast(g: Tensor, x: Tensor) -> Tensor:
    """The gradient `g` of a broadcast `x`, summed over the copies and in `x`'s dtype."""
    # this runs for every gradient in reverse mode, and looking behind the tensors saves four property calls
    has: Any = g.node or g if g.value is None else g.value
    wants: Any = x.node or x if x.value is None else x.value
    if has.shape != wants.shape:
        from .reduce import sum
        from .shape import reshape

        lead = g.ndim - x.ndim
        copied = tuple(i for i in range(g.ndim) if i < lead or (x.shape[i - lead] == 1 and g.shape[i] != 1))
        g = reshape(sum(g, axis=copied), x.shape) if copied else _broadcast_to(g, x.shape)
    if has.dtype is not wants.dtype and has.dtype != wants.dtype:
        g = to_dtype_of(x, g)
    return g


def to_dtype_of(x: Tensor, g: Tensor) -> Tensor:
    """The gradient g in x's dtype. A real number can follow the real part only of a complex gradient."""
    from .complex_numbers import real
    from .shape import astype

    return astype(g if x.dtype.kind == "c" else real(g), x.dtype)


def _broadcast_to(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    from .shape import broadcast_to

    return broadcast_to(x, shape)


def _zeros_like(x: Tensor) -> Tensor:
    return Tensor(np.zeros(x.shape, x.dtype))


class Linear(Op):
    """Linear in its first `linear_inputs` inputs taken together (all of them if None); the rest are indices.

    Write `shape`, `forward` and `transpose(g, *inputs)`, which gives one tensor per linear input; with indices also
    `saves`, so that `transpose` can read them.
    """

    linear_inputs: ClassVar[int | None] = 1

    def transpose(self, g: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The transposed linear map applied to `g`: one tensor per linear input."""
        raise NotImplementedError

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, *inputs: Tensor
    ) -> tuple[Tensor | None, ...]:
        """The transpose."""
        gradients = self.transpose(g, *inputs)
        return (*gradients, *(None,) * (len(inputs) - len(gradients)))

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, *inputs: Tensor) -> Tensor | None:
        """The op itself on the tangents; indices stay."""
        count = len(inputs) if self.linear_inputs is None else self.linear_inputs
        moving = [
            _zeros_like(x) if t is None else t for t, x in zip(tangents[:count], inputs[:count], strict=True)
        ]
        return apply(self, *moving, *inputs[count:])


class Bilinear(Op):
    """Linear in each of two inputs separately. Write `shape`, `forward`, `transpose_left`, `transpose_right`."""

    saves = ((1,), (0,))

    def transpose_left(self, g: Tensor, left: Tensor, right: Tensor) -> Tensor:
        """The gradient of the left input; may not read `left`'s values."""
        raise NotImplementedError

    def transpose_right(self, g: Tensor, left: Tensor, right: Tensor) -> Tensor:
        """The gradient of the right input; may not read `right`'s values."""
        raise NotImplementedError

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, *inputs: Tensor
    ) -> tuple[Tensor | None, ...]:
        """Each transpose where it is needed."""
        left = self.transpose_left(g, *inputs) if needed[0] else None
        right = self.transpose_right(g, *inputs) if needed[1] else None
        return left, right

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, *inputs: Tensor) -> Tensor | None:
        """The product rule."""
        (x, y), (dx, dy) = inputs, tangents
        left = None if dx is None else apply(self, dx, y)
        right = None if dy is None else apply(self, x, dy)
        return right if left is None else left if right is None else left + right
