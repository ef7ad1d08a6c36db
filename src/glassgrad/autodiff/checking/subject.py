"""What the gradient checker looks at: a function as a function of float64 tensors, whatever its arguments are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import random
from ...errors import ArgumentError
from ...graph import ancestors
from ...ops.complex_numbers import imag, real
from ...ops.reduce import sum
from ...ops.shape import astype
from ...tensor import Lifted, Tensor, asarray, no_grad, recording, tree
from ...tensor.tree import is_module
from ..called import require_function, require_tensors
from ..forward import jvp
from ..gradient import grad
from ..trace import leaf_names

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Variable:
    """One of the tensors that the gradient is checked for, in float64 or complex128."""

    name: str
    point: Array
    is_parameter: bool

    def place(self, index: tuple[int, ...]) -> str:
        """An element, in words."""
        if not self.is_parameter:
            return f"{self.name}, index {index}"
        return f"{self.name}[{', '.join(map(str, index))}]" if index else self.name


class Subject:
    """A function and its inputs, and how to call it with other values of the float inputs."""

    def __init__(self, function: Callable[..., Any], inputs: tuple[Any, ...]) -> None:
        require_function("gradcheck", function)
        self.function = function
        self.variables: list[Variable] = []
        self.modules = [given for given in inputs if is_module(given)]
        self.cells: list[Any] = []
        """For each variable the parameter that it stands for, or None."""
        self.rebuilds = [self._taken_apart(place, given) for place, given in enumerate(inputs)]
        self.passes_modules = _accepts(function, len(inputs))
        if not self.variables:
            raise ArgumentError(
                "gradcheck needs at least one floating-point input; got none. Write 1.0 instead of 1."
            )

    def _taken_apart(self, place: int, given: Any) -> Callable[[Iterator[Tensor]], Any]:
        """Note the float leaves of an argument; returns how to build the argument from other tensors."""
        if is_module(given):
            for name, cell in given.named_parameters():
                if cell.requires_grad and not any(cell is known for known in self.cells):
                    self._add(name, asarray(cell), True, cell)
            return lambda _: given
        leaves, rebuild = ([given], lambda leaves: leaves[0]) if _is_array(given) else tree.flatten(given)
        names = [f"argument {place}"] if _is_array(given) else leaf_names(f"argument {place}", given)
        fixed: list[Any] = []
        for leaf, name in zip(leaves, names, strict=True):
            x = asarray(leaf)
            moves = x.dtype.kind in "fc"
            if moves and not hasattr(leaf, "dtype"):  # Python's 0.1 is a double
                x = asarray(leaf, np.complex128 if x.dtype.kind == "c" else np.float64)
            if moves:
                self._add(name, x, False, None)
            fixed.append(None if moves else x)
        return lambda new: rebuild([next(new) if x is None else x for x in fixed])

    def _add(self, name: str, x: Tensor, is_parameter: bool, cell: Any) -> None:
        wide = np.complex128 if x.dtype.kind == "c" else np.float64
        self.variables.append(Variable(name, x.numpy().astype(wide), is_parameter))
        self.cells.append(cell)

    @property
    def points(self) -> list[Array]:
        """The variables' values."""
        return [variable.point for variable in self.variables]

    def __call__(self, *values: Tensor) -> list[Tensor]:
        """The tensors that the function returns when the variables have these values."""
        free = iter([x for x, cell in zip(values, self.cells, strict=True) if cell is None])
        args = [rebuild(free) for rebuild in self.rebuilds]
        if not self.passes_modules:
            args = [arg for arg in args if not is_module(arg)]
        stand_ins = {
            id(cell): _stand_in(cell, x)
            for x, cell in zip(values, self.cells, strict=True)
            if cell is not None
        }
        # recording as in training, because a module may look whether it is
        same_numbers = _same_random_numbers(bool(self.modules))
        with _standing_in(self.modules, stand_ins), same_numbers, recording(True):
            result = self.function(*args)
        outputs, _ = tree.flatten(result)
        require_tensors("gradcheck", self.function, outputs)
        return outputs

    def require_parameters_inside(self) -> None:
        """Raise an ArgumentError if the function reaches a parameter other than through the module."""
        with recording(True):
            outputs = self(*map(Tensor, self.points))
        seen = set(ancestors([y.node for y in outputs if y.node is not None]))
        for variable, cell in zip(self.variables, self.cells, strict=True):
            if cell is not None and cell.node in seen:
                raise ArgumentError(
                    f"gradcheck puts other values in the place of the module's parameters, but the function reads "
                    f"{variable.name} past the module: use model.parameters() inside the function, not outside"
                )


def _is_array(given: Any) -> bool:
    """Whether an argument is one array: a tensor, an array, a number, or lists of Python numbers."""
    if isinstance(given, list | tuple):
        return all(_is_array(item) and not isinstance(item, Tensor | np.ndarray) for item in given)
    return not (isinstance(given, dict) or is_module(given))


def _accepts(function: Callable[..., Any], count: int) -> bool:
    """Whether the function takes all the inputs, modules too; else it is called without the modules."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:
        pass
    return True


# --- other values in the place of a module's parameters -----------------------------------------------------------


def _stand_in(cell: Any, x: Tensor) -> Any:
    """A tensor that a module takes for its parameter."""
    kind: type = type(cell)
    if isinstance(x, Lifted):
        kind = type(
            type(x).__name__, (type(x), type(cell)), {"__slots__": (), "requires_grad": Tensor.requires_grad}
        )
    twin: Any = object.__new__(kind)
    for base in type(x).__mro__:
        for slot in vars(base).get("__slots__", ()):
            if slot != "__weakref__":
                setattr(twin, slot, getattr(x, slot))
    return twin


@contextmanager
def _standing_in(modules: Sequence[Any], stand_ins: dict[int, Any]) -> Iterator[None]:
    """Inside, the modules have stand-ins for parameters, and copies of their buffers; after it, their own again."""
    kept: list[tuple[Any, dict[str, Any]]] = []
    try:
        for module in modules:
            for buffer in module.buffers():
                stand_ins.setdefault(id(buffer), _copy_of(buffer))
            for part in module.modules():
                kept.append((part, dict(vars(part))))
                vars(part).update({name: _replaced(value, stand_ins) for name, value in kept[-1][1].items()})
        yield
    finally:
        for part, attributes in reversed(kept):
            vars(part).clear()
            vars(part).update(attributes)


def _copy_of(buffer: Any) -> Any:
    x = asarray(buffer).numpy()
    return _stand_in(buffer, Tensor(x.astype(np.float64) if x.dtype.kind == "f" else x))


def _replaced(value: Any, stand_ins: dict[int, Any]) -> Any:
    if isinstance(value, Tensor):
        return stand_ins.get(id(value), value)
    if isinstance(value, dict):
        return {key: _replaced(item, stand_ins) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_replaced(item, stand_ins) for item in value)
    return value


@contextmanager
def _same_random_numbers(wanted: bool) -> Iterator[None]:
    """Every call draws the same random numbers, as dropout does; afterwards the stream is where it was."""
    state = random.get_state()
    try:
        yield
    finally:
        if wanted:
            random.set_state(state)


# --- one number -----------------------------------------------------------------------------------------------------


class Number:
    """One real number of all that the function returns: a sum with fixed random weights between 0.5 and 1.5."""

    def __init__(self, subject: Subject, seed: int) -> None:
        self.subject = subject
        self.points = subject.points
        self.order = 1
        self.seed = seed

    @property
    def is_complex(self) -> bool:
        """Whether the function returns complex numbers."""
        with no_grad():
            return any(y.dtype.kind == "c" for y in self.subject(*map(Tensor, self.points)))

    def terms(self, *values: Tensor) -> list[Tensor]:
        """What is added up."""
        rng = np.random.default_rng(self.seed)
        found = []
        for y in self.subject(*values):
            weigh = y.size != 1 or y.dtype.kind == "c"
            weights = rng.uniform(0.5, 1.5, (2, *y.shape)) if weigh else np.ones((2, *y.shape))
            if y.dtype.kind == "c":
                found += [real(y) * asarray(weights[0]), imag(y) * asarray(weights[1])]
            elif y.dtype.kind == "f":
                found.append(y * asarray(weights[0]) if weigh else y)
            else:
                found.append(astype(y, np.float64) * asarray(weights[0]))
        return found

    def __call__(self, *values: Tensor) -> Tensor:
        """The number."""
        return added(self.terms(*values))


class Continued(Number):
    """The same number as a function of complex variables, not taken apart into real and imaginary parts."""

    def terms(self, *values: Tensor) -> list[Tensor]:
        """What is added up."""
        rng = np.random.default_rng(self.seed)
        return [
            y * asarray(rng.uniform(0.5, 1.5, (2, *y.shape))[0]) if y.size != 1 else y
            for y in self.subject(*values)
        ]


class Slope(Number):
    """The derivative of a number along a fixed random direction, as a number: one order higher."""

    def __init__(self, number: Number, mode: str) -> None:
        super().__init__(number.subject, number.seed + 1)
        self.mode = mode
        self.inner = number
        self.order = number.order + 1
        rng = np.random.default_rng(self.seed)
        self.directions = [Tensor(random_direction(v.point, rng)) for v in self.subject.variables]

    def terms(self, *values: Tensor) -> list[Tensor]:
        """The gradient's entries times those of the direction."""
        if self.mode == "forward":
            return [jvp(self.inner, values, self.directions)[1]]
        gradients = grad(self.inner, argnums=tuple(range(len(values))))(*values)
        found = []
        for g, u in zip(gradients, self.directions, strict=True):
            complex_ = g.dtype.kind == "c"
            found += [real(g) * real(u), imag(g) * imag(u)] if complex_ else [g * u]
        return found


def random_direction(like: Array, rng: np.random.Generator) -> Array:
    """Random numbers between 0.5 and 1.5, in the shape and dtype of an array."""
    found = rng.uniform(0.5, 1.5, like.shape)
    return np.asarray(found + 1j * rng.uniform(0.5, 1.5, like.shape) if like.dtype.kind == "c" else found)


def added(terms: Sequence[Tensor]) -> Tensor:
    """The sum of all elements of all terms."""
    total = sum(terms[0])
    for term in terms[1:]:
        total = total + sum(term)
    return total


def value_of(number: Number, points: Sequence[Array]) -> float:
    """The number at NumPy points, without recording."""
    with no_grad():
        return float(number(*map(Tensor, points)).item())


def magnitude_of(number: Number, points: Sequence[Array]) -> float:
    """The sum of the absolute values of what is added up."""
    with no_grad():
        return float(np.sum([np.abs(term.numpy()).sum() for term in number.terms(*map(Tensor, points))]))
