"""Modules among the arguments: inside the user's function they compute with other tensors in place of parameters.

A module is known here by what it can do: `named_parameters()`, and `with_parameters(mapping)`, inside which it computes
with the tensors of the mapping.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from ..errors import ArgumentError
from ..tensor import Tensor
from ..tensor.tree import is_module

Replacement = tuple[Any, Mapping[str, Any]]
"""A module, and the tensors by name that stand in for its parameters."""

_standing: ContextVar[tuple[Replacement, ...]] = ContextVar("glassgrad_replacements", default=())


@contextmanager
def computing_with(module: Any, replacements: Mapping[str, Any]) -> Iterator[None]:
    """Inside the `with` block `module` computes with these tensors in place of parameters and buffers, by name."""
    token = _standing.set((*_standing.get(), (module, replacements)))
    try:
        with module.with_parameters(replacements):
            yield
    finally:
        _standing.reset(token)


def standing() -> tuple[Replacement, ...]:
    """What stands in for parameters here, for `standing_again`."""
    return _standing.get()


@contextmanager
def standing_again(replacements: Sequence[Replacement]) -> Iterator[None]:
    """Inside the `with` block the tensors stand in that did where a function was first called."""
    with ExitStack() as stack:
        for module, mapping in replacements:
            stack.enter_context(computing_with(module, mapping))
        yield


@contextmanager
def in_place(args: tuple[Any, ...], leaves: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """`args` with other leaves, in the order of `tree.flatten`; a module stays, and computes with its leaves."""
    with ExitStack() as stack:
        remaining, seen = iter(leaves), set[int]()
        yield tuple(_filled(arg, remaining, stack, seen) for arg in args)


def _filled(tree: Any, leaves: Iterator[Any], stack: ExitStack, seen: set[int]) -> Any:
    """The tree with the next leaves. seen: the modules that were met, with those inside them."""
    if is_module(tree):
        names = sorted(dict(tree.named_parameters()), key=repr)
        replacements = {name: next(leaves) for name in names}
        inside = {id(module) for module in tree.modules()}
        if seen & inside:
            raise ArgumentError(
                f"one {type(tree).__name__}, or a module inside it, is in two places among the arguments, and can "
                f"compute with one set of parameters only: pass it once"
            )
        seen |= inside
        stack.enter_context(computing_with(tree, replacements))
        return tree
    if isinstance(tree, dict):
        parts = {key: _filled(tree[key], leaves, stack, seen) for key in sorted(tree, key=repr)}
        return {key: parts[key] for key in tree}
    if isinstance(tree, list | tuple):
        items = [_filled(item, leaves, stack, seen) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return next(leaves)


def parameters_in(tree: Any) -> list[Tensor]:
    """The parameters of the modules in a tree."""
    if is_module(tree):
        return [parameter for _, parameter in tree.named_parameters()]
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list | tuple) else ()
    return [parameter for child in children for parameter in parameters_in(child)]
