"""Classes whose instances are values of a few static fields, without the import time of dataclasses.

`dataclass` writes and compiles source for every class, 0.3 ms each, and there is a class for every op. Here the methods
are written once and read the names of the fields.
"""

from __future__ import annotations

from typing import Any, TypeVar, dataclass_transform

Kind = TypeVar("Kind")
SomeValue = TypeVar("SomeValue")


@dataclass_transform(frozen_default=True)
def static(cls: type[Kind]) -> type[Kind]:
    """Make the annotated attributes of `cls`, after those of its bases, fields that are given once and compared by.

    >>> @static
    ... class Pair:
    ...     left: int
    ...     right: int = 2
    >>> Pair(1), Pair(1) == Pair(1, right=2), len({Pair(1), Pair(1, 2)})
    (Pair(left=1, right=2), True, 1)
    """
    own = [name for name, kind in vars(cls).get("__annotations__", {}).items() if "ClassVar" not in str(kind)]
    earlier = getattr(cls, "__match_args__", ())
    setattr(cls, "__match_args__", (*earlier, *(name for name in own if name not in earlier)))  # noqa: B010 - mypy
    for method in (_init, _eq, _hash, _repr, _setattr):
        setattr(cls, f"_{method.__name__}__", method)
    return cls


def replaced(value: SomeValue, **changes: Any) -> SomeValue:
    """A value of the same class with some fields changed."""
    names: tuple[str, ...] = value.__match_args__  # type: ignore[attr-defined]
    return type(value)(**{name: getattr(value, name) for name in names} | changes)


def _init(self: Any, *given: Any, **named: Any) -> None:
    names = self.__match_args__
    fields = self.__dict__
    fields.update(zip(names, given, strict=False))
    for name in names[len(given) :]:
        if name in named:
            fields[name] = named.pop(name)
        elif hasattr(type(self), name):
            fields[name] = getattr(type(self), name)
        else:
            raise TypeError(f"{type(self).__name__} needs {', '.join(names)}; {name} is missing")
    if named or len(given) > len(names):
        raise TypeError(f"{type(self).__name__} takes {', '.join(names)}; got {(*given, *named)}")


def _values(self: Any) -> tuple[Any, ...]:
    fields = self.__dict__
    return tuple([fields[name] for name in self.__match_args__])


def _eq(self: Any, other: object) -> bool:
    return self is other or (type(other) is type(self) and _values(self) == _values(other))


def _hash(self: Any) -> int:
    return hash((type(self), _values(self)))


def _repr(self: Any) -> str:
    fields = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self.__match_args__)
    return f"{type(self).__name__}({fields})"


def _setattr(self: Any, name: str, value: Any) -> None:
    raise AttributeError(f"a {type(self).__name__} never changes; it has no {name} to set")
