"""Containers: modules that hold other modules in order."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from ..errors import ArgumentError, GraphError
from .module import Module


class Container(Module):
    """Modules in order, named "0", "1" ... or by a dict. What `Sequential` and `ModuleList` share."""

    def append(self, module: Module) -> Self:
        """Add a module at the end. Returns the container."""
        number = len(self)
        while hasattr(self, str(number)):  # after slicing, names and positions may differ
            number += 1
        self._put(str(number), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end. Returns the container."""
        for module in modules:
            self.append(module)
        return self

    def _put(self, name: str, module: Any) -> None:
        kind = type(self).__name__
        if isinstance(module, type) and issubclass(module, Module):
            raise ArgumentError(
                f"{kind} takes modules; {name!r} is the class {module.__name__}: write {module.__name__}(...)"
            )
        if not isinstance(module, Module):
            raise ArgumentError(
                f"{kind} takes modules such as nn.Linear(3, 2) or nn.ReLU(); {name!r} is {_in_words(module)}"
            )
        setattr(self, name, module)

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Any]:
        return self.children()

    def __getitem__(self, index: int | slice) -> Any:
        named = list(self.named_children())
        if isinstance(index, slice):
            return self._with(dict(named[index]))
        return named[self._position(index)][1]

    def __setitem__(self, index: int, module: Module) -> None:
        name, _ = list(self.named_children())[self._position(index)]
        self._put(name, module)

    def _position(self, index: Any) -> int:
        kind, size = type(self).__name__, len(self)
        try:
            position = operator.index(index)
        except TypeError:
            raise ArgumentError(f"{kind} is indexed by a number or a slice; got {index!r}") from None
        if not -size <= position < size:
            raise ArgumentError(f"{kind} holds {size} modules; there is none at index {position}")
        return position

    def _with(self, named: Mapping[str, Module]) -> Container:
        raise NotImplementedError


class Sequential(Container):
    """Feeds each module's output to the next. Made of modules, or of one dict of modules by name.

    Slices hold the same modules under the same names. Raises ArgumentError for what is not a module.

    >>> model = gg.nn.Sequential(gg.nn.Linear(4, 3), gg.nn.ReLU(), gg.nn.Linear(3, 2))
    >>> model(gg.ones((5, 4))).shape
    (5, 2)
    >>> [name for name, _ in model[1:].named_parameters()]
    ['2.weight', '2.bias']
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self._put(name, module)
            return
        if len(modules) == 1 and isinstance(modules[0], list | tuple):
            raise ArgumentError("Sequential takes modules one by one: write Sequential(*layers)")
        self.extend(modules)

    def forward(self, x: Any) -> Any:
        """The output of the last module."""
        for module in self.children():
            x = module(x)
        return x

    def _with(self, named: Mapping[str, Module]) -> Sequential:
        return Sequential(named)


class ModuleList(Container):
    """A list of modules to loop over in a `forward` of your own. A plain list in an attribute does as well.

    >>> layers = gg.nn.ModuleList([gg.nn.Linear(2, 2), gg.nn.Tanh()])
    >>> len(layers)
    2
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

    def forward(self, *inputs: Any) -> Any:
        """A list has none: raises GraphError."""
        raise GraphError(
            "a list of modules cannot be called: loop over it in the forward of your own module, or use "
            "nn.Sequential(*layers)"
        )

    def _with(self, named: Mapping[str, Module]) -> ModuleList:
        return ModuleList(named.values())


def _in_words(value: Any) -> str:
    name = getattr(value, "__name__", None)
    return f"the function {name}" if callable(value) and name else f"{value!r} of type {type(value).__name__}"
