"""Trees of tensors: nested dicts, lists, tuples and modules taken apart into leaves and put together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rebuild = Callable[[list[Any]], Any]


def is_module(value: Any) -> bool:
    """Whether a value is a module: it is known by what it can do."""
    return hasattr(value, "named_parameters")


def flatten(tree: Any, where: str = "argument") -> tuple[list[Any], Rebuild]:
    """The leaves of a tree in order, and a function that builds the same tree from other leaves.

    The leaves of a dict are taken in the sorted order of its keys, so that equal dicts give equal leaves. A module
    stands for a dict of its parameters by name: its leaves are the parameters, and it is rebuilt as such a dict.

    >>> leaves, rebuild = flatten({"b": [1.0, 2.0], "a": 3.0})
    >>> leaves, rebuild([10, 20, 30])
    ([3.0, 1.0, 2.0], {'b': [20, 30], 'a': 10})
    """
    if is_module(tree):
        return flatten(dict(tree.named_parameters()), where)
    if isinstance(tree, dict):
        keys = sorted(tree, key=repr)
        places = {key: place for place, key in enumerate(keys)}
        return _branch([tree[key] for key in keys], where, lambda parts: {k: parts[places[k]] for k in tree})
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return _branch(list(tree), where, lambda parts: type(tree)(*parts))
    if isinstance(tree, list | tuple):
        return _branch(list(tree), where, type(tree))
    return [tree], lambda leaves: leaves[0]


def _branch(children: list[Any], where: str, join: Callable[[list[Any]], Any]) -> tuple[list[Any], Rebuild]:
    parts = [flatten(child, where) for child in children]
    leaves = [leaf for found, _ in parts for leaf in found]

    def rebuild(new: list[Any]) -> Any:
        built, start = [], 0
        for found, inner in parts:
            built.append(inner(new[start : start + len(found)]))
            start += len(found)
        return join(built)

    return leaves, rebuild


def children(tree: Any) -> dict[Any, Any] | None:
    """The branches of a tree by key or position, in the order of `flatten`; None for a leaf."""
    if is_module(tree):
        return children(dict(tree.named_parameters()))
    if isinstance(tree, dict):
        return {key: tree[key] for key in sorted(tree, key=repr)}
    return dict(enumerate(tree)) if isinstance(tree, list | tuple) else None
