"""Fingerprints of code: equal fingerprints, equal machine code, in every process on every machine.

What `Code.key` says is all that the code depends on, within one process. Here it is written down in bytes that mean the
same in the next process, so that a program's machine code is found again without generating its text.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from ...expr import Call, Const, Expr, Var
from ...expr.scalar import parts
from ...imported import IMPORTED
from .engine import cpu

SOURCES = ("compiler", "expr", "graph", "ops", "tensor")
"""The folders of glassgrad that decide what a program becomes: what is traced is known by its graph."""

_formulas: WeakKeyDictionary[Expr, bytes] = WeakKeyDictionary()


class NoFingerprintError(Exception):
    """A part of a key has no meaning outside this process."""


@lru_cache(maxsize=1)
def generator() -> bytes:
    """A fingerprint of everything that code depends on beside its key: this compiler's source, LLVM, the processor.

    Raises NoFingerprintError where the source cannot be read, or has changed since it was imported.
    """
    found = hashlib.sha256()
    package = Path(__file__).resolve().parents[2]
    files = sorted(path for name in SOURCES for path in (package / name).rglob("*.py"))
    if not files:
        raise NoFingerprintError("the source of glassgrad is not on disk")
    for path in files:
        try:
            source = path.read_bytes()
            changed = path.stat().st_mtime
        except OSError as error:
            raise NoFingerprintError(str(error)) from error
        if changed > IMPORTED:
            raise NoFingerprintError(f"{path.name} is not what has been imported")
        found.update(f"{path.relative_to(package).as_posix()} {len(source)}\n".encode() + source)
    versions = (llvmlite.__version__, *llvm.llvm_version_info, np.__version__, *cpu())
    found.update("\n".join(map(str, versions)).encode())
    return found.digest()


def fingerprint(key: Any) -> str:
    """The name under which the machine code of `key` can be kept.

    Raises NoFingerprintError if the key holds something that is not the same in another process.

    >>> from glassgrad.expr import Var
    >>> x = Var("x")
    >>> fingerprint((1, "a", x * 2)) == fingerprint((1, "a", x * 2))
    True
    >>> len({fingerprint(key) for key in (1, 1.0, True, "1", (1,), (1, ()), x * 2, x * 2.0)})
    8
    """
    return hashlib.sha256(generator() + written(key)).hexdigest()


def written(key: Any) -> bytes:
    """A key in bytes that mean the same in every process: different keys, different bytes."""
    found: list[bytes] = []
    _write(key, found.append)
    return b"".join(found)


def _write(key: Any, out: Callable[[bytes], None]) -> None:
    """Every value as its kind, its length and its content, so that no two values are written alike."""
    if isinstance(key, tuple | list):
        out(b"(%d " % len(key))
        for part in key:
            _write(part, out)
        return
    if key is None or key is ... or isinstance(key, int | float | str | bytes):
        text = repr(key)
    elif isinstance(key, np.dtype):
        text = key.str
    elif isinstance(key, np.generic):
        text = f"{key.dtype.str}{key.tobytes().hex()}"
    elif isinstance(key, Expr):
        text = _formula(key).hex()
    elif type(key).__module__ == "llvmlite.ir.types":  # which takes longer to import than all this
        text = str(key)
    elif isinstance(key, type):
        text = f"{key.__module__}.{key.__qualname__}"
    else:
        _write((type(key), *_fields(key)), out)
        return
    kind = type(key).__name__
    out(f"{kind} {len(text)} {text}".encode())


def _fields(value: Any) -> list[Any]:
    """The fields of a value that is nothing but them."""
    if isinstance(value, slice):
        return [value.start, value.stop, value.step]
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    names = getattr(value, "__match_args__", None)
    if names is None:
        raise NoFingerprintError(f"{type(value).__name__} has no fingerprint")
    return [getattr(value, name) for name in names]


def _formula(expr: Expr) -> bytes:
    """A digest of a formula's structure, made once."""
    found = _formulas.get(expr)
    if found is None:
        written = hashlib.sha256()
        place: dict[Expr, int] = {}
        for part in parts(expr):
            if isinstance(part, Call):
                line = f"{part.instruction.name} {[place[operand] for operand in part.operands]}"
            elif isinstance(part, Const):
                line = f"{type(part.value).__name__} {part.value!r}"
            else:
                assert isinstance(part, Var)
                line = f"var {part.name!r}"
            place[part] = len(place)
            written.update(line.encode() + b"\n")
        found = _formulas[expr] = written.digest()
    return found
