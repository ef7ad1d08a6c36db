"""`grad`, `value_and_grad` and `vjp`: functions in, functions out, by reverse mode. They nest to any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, GraphError, ShapeError
from ..graph import Leaf, Node, ancestors
from ..ops.shape import identity
from ..tensor import Tensor, asarray, base_of, is_recording, recording, tree, variable
from .called import name_of, require_argnums, require_function, require_tensors, why_no_tensor
from .member import live_stacks
from .modules import in_place, parameters_in
from .reverse import Gradients, as_upstream, pull_back, seeds_of
from .through import Seeds, as_variable, on_plain_parts, plain_parts, pull_through


@dataclass
class Run:
    """One call of a user's function with variables of its own in place of some arguments."""

    result: Any
    leaves: list[Tensor]
    """The variables, in order."""
    rebuild: tree.Rebuild
    """From one gradient per variable to one tree per argument, as a list."""
    stacks: dict[int, int]
    """Level and size of the stacks whose members the variables are."""

    def pull_back(self, outputs: Sequence[Tensor], upstream: Sequence[Tensor]) -> list[Any]:
        """The gradients of `outputs` for the arguments, as trees; zeros where nothing depends on a variable."""
        seeds = list(zip(outputs, upstream, strict=True))
        return self.rebuild(pull_through(seeds, self._pull_back_plain, self.stacks))  # type: ignore[no-any-return]

    def _pull_back_plain(self, outputs: Seeds) -> list[Tensor]:
        seeds = seeds_of(outputs)
        targets = [leaf.as_node() for leaf in self.leaves]
        gradients = pull_back(seeds, targets, record=self.seen_from_outside(seeds))
        zeros = ((Tensor(np.zeros(n.shape, n.dtype))) for n in targets)
        return [gradients.get(n, zero) for n, zero in zip(targets, zeros, strict=True)]

    def for_the_outside(self, output: Tensor) -> Tensor:
        """An output without its history here, unless somebody else wants gradients through it."""
        parts = plain_parts(output)
        if self.seen_from_outside([part.node for part in parts if part.node is not None]):
            return output
        return on_plain_parts(output, _without_node)

    def seen_from_outside(self, outputs: Sequence[Node] | Gradients) -> bool:
        """Whether a tensor other than our own variables wants gradients of what happens here."""
        if not is_recording():
            return False
        ours = {leaf.as_node() for leaf in self.leaves}
        return any(
            bool(node.inputs) if node in ours else isinstance(node.op, Leaf) and node.requires_grad
            for node in ancestors(outputs, ours)
        )


def run_on_variables(
    function: Callable[..., Any], args: tuple[Any, ...], argnums: Sequence[int], name: str
) -> Run:
    """Call `function` with every tensor in the arguments `argnums` replaced by a fresh variable.

    A variable that stands for a tensor of an outer differentiation is linked to it, so that the outer one sees
    through; gradients of the inner one stop at the variable, so perturbations cannot be confused. A module computes
    with variables in the place of its parameters, which are not linked to these; a frozen parameter stays.
    """
    arguments = list(args)
    require_argnums(name, argnums, len(args))
    chosen = tuple(args[position] for position in argnums)
    found, rebuild = tree.flatten(chosen)
    parameters = {id(parameter) for parameter in parameters_in(chosen)}
    variables, leaves = [], []
    for source in map(asarray, found):
        is_parameter = id(source) in parameters
        variable, leaf = as_variable(source, _fresh_parameter if is_parameter else _fresh)
        variables.append(source if is_parameter and _is_frozen(source) else variable)
        leaves.append(leaf)
    with in_place(chosen, variables) as replaced, recording(True):
        for position, value in zip(argnums, replaced, strict=True):
            arguments[position] = value
        result = function(*arguments)
    return Run(result, leaves, lambda gradients: list(rebuild(gradients)), dict(live_stacks()))


def _without_node(x: Tensor) -> Tensor:
    return Tensor(x.value)


def _fresh(source: Tensor) -> Tensor:
    if source.requires_grad and is_recording():
        return identity(source)
    if source.value is None and source.dtype.kind in "fc":  # in a trace: a node of its own
        copy = identity(source).as_node()
        return Tensor(None, Node(copy.op, copy.inputs, copy.shape, copy.dtype, True, copy.origin))
    return variable(source)


def _fresh_parameter(source: Tensor) -> Tensor:
    """The same, but nobody outside wants gradients of a parameter itself: those are for `backward`."""
    return _fresh(source) if type(source) is Tensor else variable(source)


def _is_frozen(parameter: Tensor) -> bool:
    base = base_of(parameter)
    return type(base) is not Tensor and not base.requires_grad


def value_and_grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """A function that returns `(function(*args), gradient)`.

    `function` must return a single real number as a tensor, or with `has_aux` a pair of that and anything else.
    The gradient has the structure of argument `argnums` (a tensor or nested dicts, lists and tuples of tensors; for
    an `nn.Module` a dict of gradients by parameter name), or is a tuple of these if `argnums` is a sequence. A list of
    numbers is a list of variables; for one variable with several elements pass a tensor or an array.

    The gradient of a complex argument x + iy is dL/dx + i dL/dy, see docs/complex.md. Raises GraphError if the result
    is not a single number.

    >>> import glassgrad as gg
    >>> gg.value_and_grad(lambda x: x * x)(3.0)
    (tensor(9.), tensor(6.))
    """
    require_function("grad", function)
    positions = tuple(argnums) if isinstance(argnums, Sequence) else (argnums,)
    if not all(isinstance(position, int) for position in positions):
        raise ArgumentError(
            f"argnums says by number, from 0, which arguments to differentiate for; got {argnums!r}. "
            f"The function that grad returns takes the values: gg.grad(f)(x)."
        )

    def differentiated(*args: Any) -> tuple[Any, Any]:
        run = run_on_variables(function, args, positions, "grad")
        if has_aux and not (isinstance(run.result, tuple) and len(run.result) == 2):
            raise ArgumentError(
                f"with has_aux=True grad needs a function that returns a pair (number, anything); "
                f"{name_of(function)} returned {type(run.result).__name__}"
            )
        output = run.result[0] if has_aux else run.result
        output = _require_number(output, function)
        gradients = run.pull_back([output], [as_upstream(output, None)])
        value = run.for_the_outside(output)
        found = gradients[0] if isinstance(argnums, int) else tuple(gradients)
        return ((value, run.result[1]) if has_aux else value), found

    return differentiated


def grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the gradient of `function`; see `value_and_grad` for arguments and structure.

    With `has_aux` it returns `(gradient, aux)`. Nest it for higher orders. Of complex arguments: docs/complex.md.

    >>> import glassgrad as gg
    >>> gg.grad(gg.grad(lambda x: x * x * x))(2.0)
    tensor(12.)
    """
    both = value_and_grad(function, argnums, has_aux)

    def differentiated(*args: Any) -> Any:
        value, gradient = both(*args)
        return (gradient, value[1]) if has_aux else gradient

    return differentiated


def _require_number(output: Any, function: Callable[..., Any]) -> Tensor:
    name = name_of(function)
    if not isinstance(output, Tensor):
        raise ArgumentError(
            f"grad needs a function that returns a tensor; {name} returned {type(output).__name__}. "
            f"{why_no_tensor(output)}"
        )
    if output.size != 1:
        raise GraphError(
            f"grad needs a function that returns a single number; {name} returned shape {output.shape}. "
            f"Sum or average it, or use gg.vjp for the gradient weighted by an upstream tensor."
        )
    if output.dtype.kind != "f":
        raise DTypeError(f"grad needs a function that returns a real float; {name} returned {output.dtype}")
    return output


def vjp(function: Callable[..., Any], *inputs: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """`function(*inputs)` and its pullback, from an upstream gradient to one gradient per input (vector · Jacobian).

    The result and the upstream gradient may be nested dicts, lists and tuples of tensors of equal structure.
    The pullback may be called several times. Raises ShapeError if an upstream gradient does not fit.

    >>> import glassgrad as gg
    >>> y, pullback = gg.vjp(lambda x: x * x, gg.tensor([1.0, 2.0]))
    >>> pullback(gg.tensor([10.0, 1.0]))
    (tensor([20.,  4.]),)
    """
    require_function("vjp", function)
    run = run_on_variables(function, inputs, range(len(inputs)), "vjp")
    outputs, rebuild = tree.flatten(run.result)
    require_tensors("vjp", function, outputs)

    def pullback(upstream: Any) -> tuple[Any, ...]:
        given, structure = tree.flatten(upstream)
        if len(given) != len(outputs):
            raise ShapeError(
                f"the function returned {len(outputs)} tensors; the pullback got {len(given)} upstream gradients"
            )
        places = list(range(len(outputs)))
        if structure(places) != rebuild(places):
            raise ArgumentError(
                f"the upstream gradients must be nested as the tensors that the function returned, "
                f"{rebuild(places)}; got {structure(places)}"
            )
        seeds = [as_upstream(output, g) for output, g in zip(outputs, given, strict=True)]
        return tuple(run.pull_back(outputs, seeds))

    return rebuild(list(map(run.for_the_outside, outputs))), pullback
