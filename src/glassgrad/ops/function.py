"""A user's own op: forward and backward written in Python, recorded in the graph like any other."""

from __future__ import annotations

from typing import Any, ClassVar

from ..errors import ArgumentError, GraphError, ShapeError
from ..graph import INPUT, Aval, Node, Op, caller
from ..tensor import Tensor, apply, asarray, no_grad
from .stacks import one_by_one

__all__ = ["Function"]


class Context:
    """What `forward` leaves for `backward`: saved tensors, and any attribute set on it."""

    _saved: tuple[Tensor, ...] | None = None

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Keep tensors for `backward`, which finds them in `saved_tensors`."""
        self._saved = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """What `forward` saved. Raises GraphError if it saved nothing."""
        if self._saved is None:
            raise GraphError(
                "backward reads ctx.saved_tensors, but forward saved none: call ctx.save_for_backward(x) in forward"
            )
        return self._saved


class Function:
    """An op of your own: subclass it, write `forward` and `backward`, and call `YourOp.apply(*inputs)`.

    `forward(ctx, *inputs)` gets tensors and other arguments, and returns a tensor. `backward(ctx, upstream)` returns
    the gradient for each argument of `forward`, None where there is none. Write `backward` in glassgrad's functions and
    it can be differentiated again. `pattern` may say in words what it does to the gradient.

    Raises ArgumentError for a wrong number of gradients, ShapeError for a gradient of the wrong shape.

    >>> import glassgrad as gg
    >>> class Cube(gg.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, upstream):
    ...         (x,) = ctx.saved_tensors
    ...         return upstream * 3 * x * x
    >>> gg.grad(Cube.apply)(2.0)
    tensor(12.)
    """

    pattern: ClassVar[str] = "user-defined"

    def __init__(self, *inputs: Any) -> None:
        name = type(self).__name__
        raise ArgumentError(f"{name} is applied, not made or called: write {name}.apply(x)")

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in ("forward", "backward"):
            if name in vars(cls) and not isinstance(vars(cls)[name], staticmethod):
                raise ArgumentError(
                    f"{cls.__name__}.{name} must be a static method, without self: write @staticmethod above it"
                )

    @staticmethod
    def forward(ctx: Context, *inputs: Any) -> Tensor:
        """The value."""
        raise GraphError("a gg.Function needs a static method forward(ctx, *inputs)")

    @staticmethod
    def backward(ctx: Context, upstream: Tensor) -> Any:
        """The gradient for each argument of `forward`, given the gradient of the loss for its result."""
        raise GraphError("a gg.Function needs a static method backward(ctx, upstream)")

    @classmethod
    def apply(cls, *inputs: Any) -> Tensor:
        """Run `forward` on `inputs` and record it as one node."""
        places = tuple(i for i, value in enumerate(inputs) if isinstance(value, Tensor))
        if not places:
            raise ArgumentError(
                f"{cls.__name__}.apply needs at least one tensor among its arguments; got none. gg.tensor(x) makes one."
            )
        return apply(Applied(cls, inputs, places), *(inputs[i] for i in places))


class Applied(Op):
    """One application of a `Function`, with those of its arguments that are not tensors."""

    runs_user_code = True

    def __init__(self, function: type[Function], arguments: tuple[Any, ...], places: tuple[int, ...]) -> None:
        self.function = function
        self.arguments = tuple(None if i in places else value for i, value in enumerate(arguments))
        self.places = places
        self.context = Context()
        self.context_is_of: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """The user's class name."""
        return self.function.__name__

    @property
    def pattern(self) -> str:
        """What the user says of it."""
        return self.function.pattern

    @property
    def saves(self) -> tuple[tuple[int, ...], ...]:
        """All inputs, from which `forward` can be run again."""
        return (tuple(range(len(self.places))),) * len(self.places)

    def shape(self, *inputs: Aval) -> Aval:
        """What `forward` makes of tensors without value: it must be written in glassgrad's functions."""
        unknown = (Tensor(None, Node(INPUT, (), x.shape, x.dtype, False, caller())) for x in inputs)
        with no_grad():
            result = self._run(tuple(unknown))
        return Aval(result.shape, result.dtype)

    def forward(self, *arrays: Any) -> Any:
        with no_grad():
            result = self._run(tuple(map(Tensor, arrays)))
        self.context_is_of = arrays
        return result.numpy()

    def _run(self, tensors: tuple[Tensor, ...]) -> Tensor:
        arguments = list(self.arguments)
        for place, tensor in zip(self.places, tensors, strict=True):
            arguments[place] = tensor
        self.context = Context()
        result = self.function.forward(self.context, *arguments)
        if not isinstance(result, Tensor):
            raise ArgumentError(
                f"{self.name}.forward must return a tensor; it returned {type(result).__name__}. "
                + ("Is `return` missing?" if result is None else "gg.asarray(result) makes one.")
            )
        return result

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, *inputs: Tensor
    ) -> tuple[Tensor | None, ...]:
        recorded = any(x.requires_grad for x in inputs)
        arrays = tuple(x.value for x in inputs)
        if (
            recorded
            or any(a is not b for a, b in zip(arrays, self.context_is_of, strict=False))
            or not self.context_is_of
        ):
            # what forward saved belongs to other inputs, or must be connected to these for a second derivative
            self._run(inputs)
            self.context_is_of = () if recorded else arrays
        found = self.function.backward(self.context, g)
        gradients = found if isinstance(found, tuple) else (found,)
        if len(gradients) != len(self.arguments):
            raise ArgumentError(
                f"{self.name}.backward must return one gradient (or None) for each of the {len(self.arguments)} "
                f"arguments of forward; it returned {len(gradients)}"
            )
        if all(gradients[place] is None for place in self.places):
            raise ArgumentError(
                f"{self.name}.backward returned no gradient for any tensor: is `return` missing? "
                f"gg.stop_gradient is the op that lets no gradient pass."
            )
        return tuple(
            self._checked(gradients[place], x, place) for place, x in zip(self.places, inputs, strict=True)
        )

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        """One member after the other: what a user's `forward` does with one more axis is not known."""
        return one_by_one(self, batched, inputs)

    def _checked(self, gradient: Any, x: Tensor, place: int) -> Tensor | None:
        if gradient is None:
            return None
        found = asarray(gradient)
        if found.shape != x.shape:
            raise ShapeError(
                f"{self.name}.backward must return a gradient of shape {x.shape} for argument {place}, the shape of "
                f"the argument; it returned shape {found.shape}. gg.broadcast_to repeats, gg.sum adds up."
            )
        return found
