"""Modules: functions with parameters, built from other modules."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from .. import random
from ..errors import ArgumentError, GlassgradError, GraphError
from ..graph import notice
from ..ops.shape import identity
from ..tensor import Tensor, asarray, no_grad, recording, variable
from ..tensor.habits import OF_DEVICES, ON_THE_CPU
from ..tensor.staging import staging
from .arguments import check_settings
from .parameter import Buffer, Cell, Parameter
from .state import IncompatibleKeys, load_state

AnyCell = TypeVar("AnyCell", bound=Cell)


class Module:
    """A layer or a model. Subclass it, keep parameters and other modules in attributes, and write `forward`.

    Parameters, buffers and modules are found by looking through the attributes, and through the lists, tuples and
    dicts among them. Their names are the path to them: `"hidden.weight"`, `"layers.0.weight"`.

    Every module also speaks the protocol of the lectures: `forward(x)`, `backward(x, grad_output)`,
    `zero_grad_parameters()`, `update_parameters(learning_rate)`.

    >>> class Scale(gg.nn.Module):
    ...     def __init__(self, factor):
    ...         self.factor = gg.nn.Parameter(factor)
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> scale = Scale(3.0)
    >>> scale(gg.tensor([1.0, 2.0]))
    tensor([3., 6.], requires_grad=True)
    >>> scale.backward(gg.tensor([1.0, 2.0]), gg.tensor([1.0, 1.0]))
    tensor([3., 3.])
    >>> scale.factor.grad
    tensor(3.)
    """

    _random_state: Mapping[str, int] | None = None

    _standing_in: Mapping[int, type[Cell]] = MappingProxyType({})
    """By their identity, the tensors in the place of cells inside `with_parameters`, and the kinds of these cells."""

    @property
    def training(self) -> bool:
        """Whether layers that treat training differently, such as Dropout, do so; `train()` and `eval()` set it."""
        trace = staging()
        if trace is not None:
            trace.depends_on(self._is_training)
        return self._is_training()

    @training.setter
    def training(self, mode: bool) -> None:
        vars(self)["training"] = mode

    def _is_training(self) -> bool:
        return bool(vars(self).get("training", True))

    def __new__(cls, *settings: Any, **named: Any) -> Self:  # noqa: D102
        check_settings(cls, settings, named, inputs=1, instead=f"nn.{cls.__name__}(...)(x)")
        return super().__new__(cls)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "forward" in vars(cls):
            cls.forward = _watched(cls.forward)  # type: ignore[method-assign]

    def forward(self, *inputs: Any) -> Any:
        """The output for these inputs; every subclass writes its own."""
        close = get_close_matches("forward", [name for name in dir(self) if name != "forward"], n=1)
        hint = f". Is {close[0]}() meant to be it?" if close else ""
        raise GraphError(f"{type(self).__name__} cannot be called: it has no method forward(self, x){hint}")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Run `forward`."""
        return self.forward(*inputs, **options)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(vars(self).get(name), Cell) and not isinstance(value, Cell | None):
            kind = type(vars(self)[name]).__name__
            raise ArgumentError(
                f"{type(self).__name__}.{name} is a {kind}, and a {type(value).__name__} in its place would be no "
                f"part of the model. To change its value: {name}.assign(x); to replace it: nn.{kind}(x)."
            )
        super().__setattr__(name, value)

    if not TYPE_CHECKING:  # mypy would take it that a module has every attribute

        def __getattr__(self, name: str) -> NoReturn:
            cure = f": {ON_THE_CPU}" if name in OF_DEVICES else ""
            raise AttributeError(f"{type(self).__name__} has no {name!r}{cure}", name=name, obj=self)

    # --- what it consists of --------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly in this one, with their names."""
        return ((name, part) for name, part in _parts(self) if isinstance(part, Module))

    def children(self) -> Iterator[Module]:
        """The modules directly in this one."""
        return (child for _, child in self.named_children())

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module, named "", and every module inside, each once and before the modules inside it."""
        found: set[int] = set()
        for name, module in _all_modules(self):
            if id(module) not in found:
                found.add(id(module))
                yield name, module

    def modules(self) -> Iterator[Module]:
        """This module and every module inside, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its name, each once, a module's own before those of the modules inside it."""
        return _once(all_cells(self, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        """Every parameter, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Every buffer with its name, each once."""
        return _once(all_cells(self, Buffer))

    def buffers(self) -> Iterator[Buffer]:
        """Every buffer, each once."""
        return (buffer for _, buffer in self.named_buffers())

    def num_parameters(self) -> int:
        """How many numbers the parameters hold together.

        >>> gg.nn.Linear(3, 2).num_parameters()
        8
        """
        return sum(parameter.size for parameter in self.parameters())

    @contextmanager
    def with_parameters(self, replacements: Mapping[str, Any]) -> Iterator[Self]:
        """Inside the `with` block the module computes with these tensors in place of parameters and buffers, by name.

        The parameters and buffers themselves are untouched, and are back in their places afterwards, also after an
        error. `nn.functional_call` is this around one call. Raises ArgumentError for a name that is none, or for two
        tensors in the place of one that has two names.

        >>> layer = gg.nn.Linear(1, 1)
        >>> with layer.with_parameters({"weight": [[2.0]], "bias": [5.0]}):
        ...     layer([[10.0]])
        tensor([[25.]])
        """
        stand_ins = _stand_ins(self, replacements)
        before: list[tuple[dict[str, Any], dict[str, Any]]] = []
        try:
            for owner in list(self.modules()) if stand_ins else ():
                attributes = vars(owner)
                kinds = dict(owner._standing_in)
                changed = {
                    name: exchanged
                    for name, value in attributes.items()
                    if (exchanged := _exchanged(value, stand_ins, kinds)) is not value
                }
                if changed:
                    changed["_standing_in"] = kinds
                    before.append((attributes, {name: attributes.get(name) for name in changed}))
                    attributes |= changed
            yield self
        finally:
            for attributes, values in reversed(before):
                attributes |= values
                if attributes["_standing_in"] is None:
                    del attributes["_standing_in"]

    # --- saving and loading ---------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Parameters and buffers by name, as read-only arrays that later training does not change.

        A tensor that has two names is listed under both. `gg.io.save_arrays` writes the result to a file.
        """
        return {name: cell.numpy() for name, cell in all_cells(self, Cell)}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Replace parameters and buffers by the arrays of the same names in `state_dict`.

        state_dict: NumPy arrays, tensors, or anything NumPy can read, such as PyTorch's tensors. Floats are rounded
            to the dtype here. With `strict=False` names that only one side has are left out.
        Returns the names that were missing and unexpected, as PyTorch does. Raises CheckpointError with everything
        that does not fit; nothing is changed then.
        """
        return load_state(type(self).__name__, list(all_cells(self, Cell)), state_dict, strict)

    # --- modes ----------------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and in every module inside. Returns the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set `training` to False here and in every module inside. Returns the module."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze every parameter with False, thaw it with True. Returns the module."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` on every module inside, then on this one. Returns the module."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    # --- the protocol of the lectures -----------------------------------------------------------------------

    def backward(self, x: Any, grad_output: Any) -> Tensor:
        """The gradient of the loss for x, from `grad_output`, its gradient for `self.forward(x)`.

        Adds the parameters' gradients to their `.grad`. It runs `forward` again: with the random numbers of the last
        time, and without changing buffers twice. The gradient for an integer x is zero.
        Raises ShapeError if `grad_output` has another shape than the output.
        """
        x = asarray(x)
        is_float = x.dtype.kind in "fc"
        leaf = variable(x) if is_float else x
        now, kept = random.get_state(), [(buffer, buffer.value) for buffer in self.buffers()]
        random.set_state(self._random_state or now)
        try:
            with recording(True):
                output = self.forward(leaf)
        finally:
            random.set_state(now)
            for buffer, array in kept:
                buffer._replace(array)
        if not isinstance(output, Tensor):
            raise GraphError(
                f"backward needs a forward that returns a tensor; {type(self).__name__} returned a "
                f"{type(output).__name__}"
            )
        if output.requires_grad:
            output.backward(grad_output)
        if is_float and leaf.grad is not None:
            return leaf.grad
        return asarray(np.zeros(x.shape, x.dtype if is_float else np.float32))

    def zero_grad_parameters(self) -> None:
        """Forget the gradients of all parameters; the lectures' name for `zero_grad`."""
        self.zero_grad()

    def update_parameters(self, learning_rate: float) -> None:
        """One step of gradient descent: every parameter p becomes p - learning_rate * p.grad.

        Raises GraphError if no parameter has a gradient.
        """
        learned = [(p, p.grad) for p in self.parameters() if p.grad is not None]
        if not learned:
            raise GraphError(
                f"update_parameters found no gradient in {type(self).__name__}: call backward(x, grad_output) first"
            )
        with no_grad():
            for parameter, gradient in learned:
                parameter.assign(parameter - learning_rate * gradient)

    # --- for people -----------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What the representation shows in parentheses; layers write their settings here."""
        return ""

    def __repr__(self) -> str:
        lines = [
            f"  ({name}): {repr(child).replace(chr(10), chr(10) + '  ')}"
            for name, child in self.named_children()
        ]
        head = f"{type(self).__name__}({self.extra_repr()}"
        return (
            "\n".join([head, *lines, f")  # {self.num_parameters():,} parameters"]) if lines else head + ")"
        )


def _parts(module: Module) -> Iterator[tuple[str, Module | Tensor]]:
    """The modules and tensors directly in a module, with their names."""
    for name, value in vars(module).items():
        yield from _parts_of(name, value)


def _parts_of(name: str, value: Any) -> Iterator[tuple[str, Module | Tensor]]:
    if isinstance(value, Module | Tensor):
        yield name, value
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _parts_of(f"{name}.{position}", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _parts_of(f"{name}.{key}", item)


def _all_modules(
    module: Module, name: str = "", above: frozenset[int] = frozenset()
) -> Iterator[tuple[str, Module]]:
    """The module and all inside by every name they have; a module inside itself is not entered again."""
    yield name, module
    above = above | {id(module)}
    for own_name, child in module.named_children():
        if id(child) not in above:
            yield from _all_modules(child, f"{name}.{own_name}" if name else own_name, above)


def all_cells(module: Module, kind: type[AnyCell]) -> Iterator[tuple[str, AnyCell]]:
    """The cells of a kind by every name they have, a module's own before those of the modules inside it."""
    for name, owner in _all_modules(module):
        for own_name, part in _parts(owner):
            full_name = f"{name}.{own_name}" if name else own_name
            if isinstance(part, kind):
                yield full_name, part
            elif (stood_for := owner._standing_in.get(id(part))) is not None:
                if issubclass(stood_for, kind):
                    yield full_name, cast(AnyCell, part)
            elif kind is Parameter and _is_loose_variable(part):
                notice(
                    f"the tensor {full_name!r} of a {type(module).__name__} requires a gradient but is no "
                    f"nn.Parameter, so parameters() leaves it out and it is not learnt: write nn.Parameter(...)"
                )


def _is_loose_variable(part: Module | Tensor) -> bool:
    return isinstance(part, Tensor) and not isinstance(part, Cell) and part.requires_grad and part.is_leaf


def _stand_ins(module: Module, replacements: Mapping[str, Any]) -> dict[int, Tensor]:
    """What stands in for each cell, by its identity; no tensor for two cells, because one may be varied alone."""
    cells = dict(all_cells(module, Cell))
    unknown = [name for name in replacements if name not in cells]
    if unknown:
        close = get_close_matches(str(unknown[0]), list(cells), n=1)
        hint = f" Is {close[0]!r} meant?" if close else f" It has {', '.join(map(repr, cells)) or 'none'}."
        raise ArgumentError(f"{type(module).__name__} has no parameter or buffer {unknown[0]!r}.{hint}")
    found: dict[int, Tensor] = {}
    for name, value in replacements.items():
        new, cell = asarray(value), cells[name]
        if found.get(id(cell), new) is not new:
            raise ArgumentError(
                f"{name!r} is another name of a parameter of this {type(module).__name__} for which a different tensor "
                f"was given: give it once"
            )
        found[id(cell)] = new
    taken: set[int] = set()
    for place, new in found.items():
        found[place] = identity(new) if id(new) in taken and id(new) != place else new
        taken.add(id(new))
    return {place: new for place, new in found.items() if id(new) != place}


def _exchanged(value: Any, stand_ins: Mapping[int, Tensor], kinds: dict[int, type[Cell]]) -> Any:
    """An attribute of a module with stand-ins for its cells; the same object if it holds none. Fills `kinds`."""
    if isinstance(value, Tensor):
        new = stand_ins.get(id(value), value)
        if new is not value:
            kinds[id(new)] = type(value) if isinstance(value, Cell) else kinds[id(value)]
        return new
    if isinstance(value, list | tuple):
        items = [_exchanged(item, stand_ins, kinds) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        parts = {key: _exchanged(item, stand_ins, kinds) for key, item in value.items()}
        return value if all(parts[key] is value[key] for key in value) else parts
    return value


def _once(named: Iterator[tuple[str, AnyCell]]) -> Iterator[tuple[str, AnyCell]]:
    """Only the first name of each cell."""
    found: set[int] = set()
    for name, cell in named:
        if id(cell) not in found:
            found.add(id(cell))
            yield name, cell


def _watched(forward: Callable[..., Any]) -> Callable[..., Any]:
    """`forward`, remembering where its random numbers began, and naming the module in errors that pass through."""

    @functools.wraps(forward)
    def run(self: Module, *inputs: Any, **options: Any) -> Any:
        random_state = random.get_state()
        try:
            output = forward(self, *inputs, **options)
        except GlassgradError as error:
            _add_to_path(error, self)
            raise
        # last, so that it holds for the outermost of nested calls; past __setattr__, which costs 1 µs
        vars(self)["_random_state"] = random_state
        return output

    return run


def _add_to_path(error: GlassgradError, module: Module) -> None:
    """Say in an error that it came through `module`. The path ends in the class of the outermost module so far."""
    inner = error.module
    if inner is module:
        return
    name = next((name for name, part in module.named_modules() if part is inner), None)
    if name is not None:
        is_innermost = len(error.module_path) == 1
        error.module_path[-1] = f"{name} ({type(inner).__name__})" if is_innermost else name
    error.module_path.append(type(module).__name__)
    error.module = module
