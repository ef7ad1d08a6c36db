"""Derivatives that the user writes: `custom_vjp` and `custom_jvp`. Either rule serves every mode.

A rule for one direction gives the other by transposition: both are linear maps, and reverse mode transposes those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import update_wrapper
from typing import Any

import numpy as np

from ..errors import ArgumentError, GraphError, ShapeError
from ..ops.create import zeros_like
from ..ops.reduce import sum
from ..tensor import Tensor, asarray, is_recording, level_of, recording, tree, variable
from .batch import vmap
from .called import name_of, require_function, require_tensors
from .checkpoint import read_from_outside
from .dual import Dual
from .gradient import vjp
from .levels import join, split
from .member import Member, as_whole_stacks, member_of
from .packed import Call, call_as_one_node

Tensors = list[Tensor]
PullBack = Callable[[Tensors], Sequence[Tensor | None]]


class Rule:
    """A function of tensors with a derivative of its own, for one structure of arguments."""

    name: str

    def value(self, inputs: Tensors) -> Tensors:
        """The outputs."""
        raise NotImplementedError

    def begin(self, inputs: Tensors) -> tuple[Tensors, PullBack]:
        """The outputs, and from upstream gradients to the inputs' gradients."""
        raise NotImplementedError

    def push(self, inputs: Tensors, tangents: Tensors) -> Tensors:
        """The outputs' tangents."""
        raise NotImplementedError

    def __call__(self, inputs: Tensors) -> Tensors:
        """The outputs, at the level of the highest input."""
        highest = max(inputs, key=level_of, default=None)
        if isinstance(highest, Dual):
            return self._on_duals(inputs, highest.level)
        if isinstance(highest, Member):
            with as_whole_stacks(highest.level):
                return self._on_members(inputs, highest.level, highest.stack.shape[0])
        return self._on_plain(inputs)

    def _on_duals(self, inputs: Tensors, level: int) -> Tensors:
        primals, tangents = zip(*(split(x, level) for x in inputs), strict=True)
        filled = [zeros_like(x) if t is None else t for x, t in zip(primals, tangents, strict=True)]
        slopes = self.push(list(primals), filled)
        return [join(y, dy, level) for y, dy in zip(self(list(primals)), slopes, strict=True)]

    def _on_members(self, inputs: Tensors, level: int, size: int) -> Tensors:
        stacked = tuple(isinstance(x, Member) and x.level == level for x in inputs)
        stacks = [x.stack if isinstance(x, Member) and x.level == level else x for x in inputs]
        return [member_of(found, level) for found in Mapped(self, stacked, level, size)(stacks)]

    def _on_plain(self, inputs: Tensors) -> Tensors:
        if not is_recording() or not any(x.requires_grad for x in inputs):
            with recording(False):
                return self.value(inputs)
        fresh = [variable(x) if x.dtype.kind in "fc" else x for x in inputs]
        with recording(True):
            outputs, pull_here = self.begin(fresh)
        self._require_closed(outputs, fresh)

        def pull(upstream: Tensors, given: Tensors) -> Sequence[Tensor | None]:
            if any(x.requires_grad for x in given):
                return self.begin(given)[1](upstream)
            with recording(False):  # what was left for pull_here hangs on variables of its own
                return pull_here(upstream)

        op = Call(self.name, self.value, pull, outputs)
        return call_as_one_node(op, inputs, (), outputs)

    def _require_closed(self, outputs: Tensors, fresh: Tensors) -> None:
        outside = read_from_outside(outputs, [x for x in fresh if x.requires_grad])
        if outside or any(map(level_of, outputs)):
            what = f"{outside[0].op.name} at {outside[0].place}" if outside else "a tensor"
            raise GraphError(
                f"{self.name} has a derivative of its own, for its arguments; but it reads {what} from outside, whose "
                f"gradient would be lost. Pass it as an argument."
            )


class Mapped(Rule):
    """A rule applied to stacks, member by member at once."""

    def __init__(self, rule: Rule, stacked: tuple[bool, ...], level: int, size: int) -> None:
        self.rule = rule
        self.name = rule.name
        self.stacked = stacked
        self.axes = [0 if is_stack else None for is_stack in stacked]
        self.level = level
        self.size = size

    def value(self, inputs: Tensors) -> Tensors:
        return self._over(self.rule.value, (self.axes,), inputs)  # type: ignore[no-any-return]

    def _over(self, function: Callable[..., Any], axes: Any, *lists: Tensors) -> Any:
        return vmap(function, in_axes=axes)(*lists)

    def begin(self, inputs: Tensors) -> tuple[Tensors, PullBack]:
        outputs = self._over(lambda given: self.rule.begin(given)[0], (self.axes,), inputs)

        def pull(upstream: Tensors) -> Tensors:
            def of_one(given: Tensors, g: Tensors) -> Tensors:
                found = self.rule.begin(given)[1](g)
                return [zeros_like(x) if part is None else part for part, x in zip(found, given, strict=True)]

            parts = self._over(of_one, (self.axes, 0), inputs, upstream)
            return [
                part if is_stack else sum(part, axis=0)
                for part, is_stack in zip(parts, self.stacked, strict=True)
            ]

        return outputs, pull

    def push(self, inputs: Tensors, tangents: Tensors) -> Tensors:
        return self._over(self.rule.push, (self.axes, self.axes), inputs, tangents)  # type: ignore[no-any-return]


class _Arguments:
    """The arguments of one call: which leaves are tensors, and how to put others in their place."""

    def __init__(self, args: tuple[Any, ...]) -> None:
        parts = [tree.flatten(arg) for arg in args]
        self.leaves = [[_as_input(leaf) for leaf in leaves] for leaves, _ in parts]
        self.rebuilds = [rebuild for _, rebuild in parts]

    @property
    def inputs(self) -> Tensors:
        """The tensors among the leaves."""
        return [leaf for leaves in self.leaves for leaf in leaves if isinstance(leaf, Tensor)]

    def replaced(self, tensors: Sequence[Any], others: bool = True) -> tuple[Any, ...]:
        """The arguments with other tensors; leaves that are no tensors stay, or are None."""
        remaining = iter(tensors)
        return tuple(
            rebuild(
                [next(remaining) if isinstance(leaf, Tensor) else leaf if others else None for leaf in leaves]
            )
            for leaves, rebuild in zip(self.leaves, self.rebuilds, strict=True)
        )

    def gradients(self, found: Any, name: str) -> list[Tensor | None]:
        """What a user's backward returned, as one gradient per tensor."""
        if not isinstance(found, tuple) or len(found) != len(self.leaves):
            got = f"a tuple of {len(found)}" if isinstance(found, tuple) else type(found).__name__
            raise ArgumentError(
                f"the backward of {name} must return a tuple with one gradient (or None) for each of the "
                f"{len(self.leaves)} arguments; it returned {got}"
            )
        gradients: list[Tensor | None] = []
        for place, (part, leaves) in enumerate(zip(found, self.leaves, strict=True)):
            given = [None] * len(leaves) if part is None else tree.flatten(part)[0]
            if len(given) != len(leaves):
                raise ArgumentError(
                    f"the backward of {name} must return the gradient of argument {place} with its structure, "
                    f"{len(leaves)} tensors; it returned {len(given)}"
                )
            gradients += [
                None
                if g is None
                else _fitting(g, x, f"the backward of {name}", f"gradient of argument {place}")
                for g, x in zip(given, leaves, strict=True)
                if isinstance(x, Tensor)
            ]
        return gradients


def _as_input(leaf: Any) -> Any:
    """Arrays and floats as tensors; integers, strings and the like stay what they are."""
    return asarray(leaf) if isinstance(leaf, float | complex | np.ndarray | np.floating) else leaf


def _fitting(part: Any, x: Tensor, who: str, what: str) -> Tensor:
    found = asarray(part)
    if found.shape != x.shape:
        raise ShapeError(f"{who} must return the {what} in shape {x.shape}; it returned shape {found.shape}")
    return found


class _Custom:
    """A function whose derivative the user writes."""

    kind: str
    define: str

    def __init__(self, function: Callable[..., Any]) -> None:
        require_function(self.kind, function)
        self.function = function
        self.defined = False
        update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """The function's value, recorded as one node."""
        if not self.defined:
            raise GraphError(
                f"{name_of(self.function)} is a gg.{self.kind} without a rule: give it one with {self.define}"
            )
        rule = self.rule(_Arguments(args))
        outputs = rule(rule.arguments.inputs)
        return rule.rebuild(outputs)

    def rule(self, arguments: _Arguments) -> _UserRule:
        """The rule for these arguments."""
        raise NotImplementedError


class _UserRule(Rule):
    """A rule with the arguments of the call, and the structure of the result once it is known."""

    rebuild: tree.Rebuild

    def __init__(self, custom: Any, arguments: _Arguments) -> None:
        self.custom = custom
        self.arguments = arguments
        self.name = name_of(custom.function)

    def value(self, inputs: Tensors) -> Tensors:
        return self.outputs_of(self.custom.function(*self.arguments.replaced(inputs)))

    def outputs_of(self, result: Any) -> Tensors:
        """The result's tensors; remembers their structure."""
        outputs, self.rebuild = tree.flatten(result)
        require_tensors(f"gg.{self.custom.kind}", self.custom.function, outputs)
        return outputs


class custom_vjp(_Custom):  # noqa: N801 - used as a decorator
    """A function with a backward of its own.

    `f.defvjp(forward, backward)`: `forward(*args)` returns `(f(*args), residuals)`; `backward(residuals, upstream)`
    returns a tuple with one gradient for each argument, None for one that has none. Written in glassgrad's functions
    they can be differentiated again. Forward mode and `vmap` follow from the same rule. What the function reads from
    outside gets no gradient, so that is refused: pass it as an argument.

    Raises ArgumentError for a wrong number of gradients, ShapeError for one of the wrong shape.

    >>> import glassgrad as gg
    >>> @gg.custom_vjp
    ... def clipped(x):
    ...     return gg.clip(x, -1.0, 1.0)
    >>> clipped.defvjp(lambda x: (clipped(x), None), lambda residuals, upstream: (upstream,))
    >>> gg.grad(clipped)(5.0)
    tensor(1.)
    """

    kind = "custom_vjp"
    define = "f.defvjp(forward, backward)"

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self.in_forward: ContextVar[bool] = ContextVar("glassgrad_custom_vjp_in_forward", default=False)

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Use these two functions for the derivative."""
        require_function("defvjp", forward)
        require_function("defvjp", backward)
        self.forward, self.backward, self.defined = forward, backward, True

    def rule(self, arguments: _Arguments) -> _UserRule:
        return _VjpRule(self, arguments)


class _VjpRule(_UserRule):
    def begin(self, inputs: Tensors) -> tuple[Tensors, PullBack]:
        args = self.arguments.replaced(inputs)
        if self.custom.in_forward.get():
            # forward often calls the function itself; that call needs its value now, and its backward only later
            return self.value(inputs), lambda g: self.begin(inputs)[1](g)
        token = self.custom.in_forward.set(True)
        try:
            found = self.custom.forward(*args)
        finally:
            self.custom.in_forward.reset(token)
        if not (isinstance(found, tuple) and len(found) == 2):
            raise ArgumentError(
                f"the forward of {self.name} must return a pair (result, residuals); it returned "
                f"{type(found).__name__}"
            )
        outputs = self.outputs_of(found[0])
        residuals = found[1]

        def pull(upstream: Tensors) -> list[Tensor | None]:
            return self.arguments.gradients(
                self.custom.backward(residuals, self.rebuild(upstream)), self.name
            )

        return outputs, pull

    def push(self, inputs: Tensors, tangents: Tensors) -> Tensors:
        with recording(True):
            outputs, pull = self.begin(inputs)

        def back(*upstream: Tensor) -> Tensors:
            found = pull(list(upstream))
            return [zeros_like(x) if part is None else part for part, x in zip(found, inputs, strict=True)]

        return list(vjp(back, *map(zeros_like, outputs))[1](tangents))


class custom_jvp(_Custom):  # noqa: N801 - used as a decorator
    """A function with a forward derivative of its own.

    `f.defjvp(rule)`: `rule(primals, tangents)` gets two tuples with one entry per argument and returns
    `(f(*primals), tangent of the result)`, linear in the tangents. An argument that is no tensor has the tangent None.
    Reverse mode, by transposing the rule, and `vmap` follow.

    Raises ShapeError if the tangent does not have the shape of the result.

    >>> import glassgrad as gg
    >>> @gg.custom_jvp
    ... def cube(x):
    ...     return x * x * x
    >>> cube.defjvp(lambda primals, tangents: (cube(*primals), 3 * primals[0] ** 2 * tangents[0]))
    >>> gg.grad(cube)(2.0)
    tensor(12.)
    """

    kind = "custom_jvp"
    define = "f.defjvp(rule)"

    def defjvp(self, rule: Callable[..., Any]) -> None:
        """Use this function for the derivative."""
        require_function("defjvp", rule)
        self.user_rule, self.defined = rule, True

    def rule(self, arguments: _Arguments) -> _UserRule:
        return _JvpRule(self, arguments)


class _JvpRule(_UserRule):
    def begin(self, inputs: Tensors) -> tuple[Tensors, PullBack]:
        def pull(upstream: Tensors) -> list[Tensor | None]:
            moving = [x.dtype.kind in "fc" for x in inputs]
            zeros = [zeros_like(x) for x, moves in zip(inputs, moving, strict=True) if moves]

            def pushed(*tangents: Tensor) -> Tensors:
                given = iter(tangents)
                return self.push(
                    inputs,
                    [
                        next(given) if moves else zeros_like(x)
                        for x, moves in zip(inputs, moving, strict=True)
                    ],
                )

            found = iter(vjp(pushed, *zeros)[1](upstream))
            return [next(found) if moves else None for moves in moving]

        return self.value(inputs), pull

    def push(self, inputs: Tensors, tangents: Tensors) -> Tensors:
        found = self.custom.user_rule(
            self.arguments.replaced(inputs), self.arguments.replaced(tangents, others=False)
        )
        if not (isinstance(found, tuple) and len(found) == 2):
            raise ArgumentError(
                f"the rule of {self.name} must return a pair (result, tangent); it returned {type(found).__name__}"
            )
        outputs, slopes = (tree.flatten(part)[0] for part in found)
        if len(outputs) != len(slopes):
            raise ArgumentError(
                f"the rule of {self.name} must return a tangent for each of the {len(outputs)} results; "
                f"it returned {len(slopes)}"
            )
        return [
            _fitting(slope, output, f"the rule of {self.name}", "tangent of the result")
            for slope, output in zip(slopes, outputs, strict=True)
        ]
