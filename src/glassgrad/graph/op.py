"""The contract of an op: every rule that a mode of computation may ask of it, in one class."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from ..errors import GraphError, ShapeError

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor
    from .loops import Loops

OUT = -1
"""In `Op.saves`: the op's own output rather than one of its inputs."""


class Aval(NamedTuple):
    """What is known of a value before it is computed: its shape and its dtype."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


class _SavesFor(dict[int, tuple[int, ...]]):
    """`Op.saves` joined over the inputs that require a gradient; worked out once for each set of them."""

    def __init__(self, saves: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        self.saves = saves

    def __missing__(self, wanted: int) -> tuple[int, ...]:
        places = {place for i, places in enumerate(self.saves) if wanted >> i & 1 for place in places}
        self[wanted] = tuple(sorted(places))
        return self[wanted]


class Op:
    """A primitive of the graph. Its static parameters are fields (`graph.static`); arrays never live in an op.

    A subclass is a family (see `glassgrad.ops.families`) or writes the rules itself:

    * `shape(*avals)`: the result's shape and dtype; raises `ShapeError` or `DTypeError`.
    * `forward(*arrays)`: the NumPy value. It is the reference for every other way of running the op.
    * `vjp(needed, g, out, *inputs)`: upstream gradient -> one downstream gradient per input, `None` for "none".
    * `jvp(tangents, out, *inputs)`: one tangent per input (`None` is zero) -> the output's tangent.
    * `batch(batched, *inputs)`: the op on a stack of inputs. Those that are `batched` have one axis more, the first;
      the result has it too.
    * `loops(*avals)`: what it does to elements, for code generators; None if only `forward` can run it.

    Rules for derivatives and stacks are written in glassgrad's own ops, so that they can be differentiated again.
    Those for derivatives may read the values of those inputs (and of `OUT`) that `saves` lists; of the others they
    see shape and dtype only.
    """

    pattern: ClassVar[str] = ""
    """What the op does to the gradient that flows back through it, in the words of the lectures."""
    formula: str = ""
    """The value in mathematical notation."""
    argument_names: tuple[str, ...] = ()
    """Names of the inputs, for messages."""
    differentiable: ClassVar[bool] = True
    no_gradient_because: ClassVar[str] = ""
    """For an op without derivative: why."""

    is_analytic: ClassVar[bool] = True
    """Whether the result is a complex differentiable function of complex inputs (see docs/complex.md)."""
    passes_on: ClassVar[bool] = False
    """Whether the value is the input's own, and only derivatives tell the two apart."""

    runs_user_code: ClassVar[bool] = False
    """Whether `forward` calls a user's Python function rather than NumPy alone."""

    @property
    def name(self) -> str:
        """The op's name in the graph: the class name in snake case."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    saves: tuple[tuple[int, ...], ...] = ()
    """For each input: which inputs (by position) and whether the output (`OUT`) its gradient reads; () for none."""

    @cached_property
    def saves_for(self) -> dict[int, tuple[int, ...]]:
        """What to save, by which inputs require a gradient (bit i of the key stands for input i)."""
        return _SavesFor(self.saves)

    def shape(self, *inputs: Aval) -> Aval:
        """The result's shape and dtype, or an error that says what does not fit."""
        raise NotImplementedError

    def forward(self, *arrays: Any) -> Any:
        """The value, computed by NumPy."""
        raise NotImplementedError

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, *inputs: Tensor
    ) -> tuple[Tensor | None, ...]:
        """Downstream gradients from the upstream gradient `g`; may skip inputs that are not `needed`."""
        raise GraphError(f"{self.name} has no derivative: {self.no_gradient_because}")

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, *inputs: Tensor) -> Tensor | None:
        """The output's tangent from the inputs' tangents."""
        raise GraphError(f"{self.name} has no derivative: {self.no_gradient_because}")

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        """The op on a stack of inputs. An op without a rule is applied to one member after the other instead."""
        raise NotImplementedError

    def loops(self, *inputs: Aval) -> Loops | None:
        """The op as loops over the elements, for code generators; None if only `forward` can run it."""
        return None

    @property
    def parameters(self) -> tuple[str, ...]:
        """The static parameters as text, such as `axes=(0,)`."""
        names: tuple[str, ...] = getattr(type(self), "__match_args__", ())
        return tuple(f"{name}={getattr(self, name)}" for name in names)

    def describe_inputs(self, inputs: tuple[Any, ...]) -> str:
        """The inputs' names, dtypes and shapes, for messages: `a float32[2, 3] and b float32[4, 5]`."""
        names = self.argument_names or tuple(f"input {i}" for i in range(len(inputs)))
        parts = [
            f"{name} {value.dtype}{list(value.shape)}" for name, value in zip(names, inputs, strict=False)
        ]
        return " and ".join(parts)


SomeOp = TypeVar("SomeOp", bound=Op)


@lru_cache(maxsize=4096)
def interned(kind: Callable[..., SomeOp], *parameters: Any) -> SomeOp:
    """The op of this kind with these static parameters, made once: it is a value, and keeps what it worked out."""
    return kind(*parameters)


class Leaf(Op):
    """A node without inputs: a value that the user supplied."""

    pattern = "accumulates: gradients that arrive here add up"

    def forward(self, *arrays: Any) -> Any:
        """A leaf's value is given, never computed."""
        raise GraphError("a leaf has no formula; its value must be supplied")


class Input(Leaf):
    """A leaf that gradients are wanted for: a variable or a parameter."""


class Constant(Leaf):
    """A leaf that no gradient flows to: data or a literal number."""


INPUT, CONSTANT = Input(), Constant()


def broadcast_shapes(op: Op, inputs: tuple[Aval, ...]) -> tuple[int, ...]:
    """The common shape of `inputs` by NumPy's broadcasting rule, or a `ShapeError` that names the axis."""
    ndim = max((a.ndim for a in inputs), default=0)
    result: list[int] = []
    for axis in range(-ndim, 0):
        sizes = [a.shape[axis] for a in inputs if a.ndim >= -axis]
        wide = {size for size in sizes if size != 1}
        if len(wide) > 1:
            raise ShapeError(
                f"{op.name} cannot broadcast {op.describe_inputs(inputs)}: counted from the right, axis {axis} has "
                f"sizes {' and '.join(map(str, sizes))}. Sizes must be equal or 1; "
                f"gg.reshape or gg.expand_dims can add an axis of size 1."
            )
        result.append(wide.pop() if wide else 1)
    return tuple(result)
