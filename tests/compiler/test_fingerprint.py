"""Fingerprints: the same in every process, and different where the code may be different."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad.compiler.llvm import fingerprint as module
from glassgrad.compiler.llvm.fingerprint import NoFingerprintError, fingerprint, generator
from glassgrad.expr import Var
from glassgrad.expr.scalar import exp
from glassgrad.graph.static import static

x, y = Var("x"), Var("y")


@static
class Pair:
    left: Any
    right: Any


@dataclass(frozen=True)
class Place:
    offset: int
    strides: tuple[int, ...]


def deep(times: int) -> Any:
    formula: Any = x
    for _ in range(times):
        formula = exp(formula * formula)
    return formula


DIFFERENT = [
    1,
    1.0,
    True,
    "1",
    b"1",
    None,
    np.float64(1.0),
    np.float32(1.0),
    np.dtype("float32"),
    np.dtype(">f4"),
    "<f4",
    ...,
    slice(1, 2),
    slice(1, 2, 1),
    slice(None, 2),
    float("nan"),
    -0.0,
    0.0,
    (),
    ((),),
    (1, 2),
    ((1, 2),),
    (1, (2,)),
    ("a", "b"),
    ("ab",),
    ("a 1 b",),
    x,
    y,
    x * 2,
    x * 2.0,
    2.0 * x,
    x * y,
    y * x,
    x * 0.0,
    x * -0.0,
    exp(x * y),
    exp(x) * y,
    deep(3000),
    deep(3001),
    Pair(1, 2),
    Pair(2, 1),
    Place(1, (2,)),
    Place(1, (3,)),
    Pair,
    Place,
]


def test_different_keys_have_different_fingerprints() -> None:
    assert len({fingerprint(key) for key in DIFFERENT}) == len(DIFFERENT)


def test_equal_keys_have_equal_fingerprints() -> None:
    assert fingerprint((x * 2.5, Place(1, (2,)))) == fingerprint((x * 2.5, Place(1, (2,))))


def test_another_process_finds_the_same() -> None:
    program = "from test_fingerprint import *; print(*map(fingerprint, DIFFERENT[6:-6]))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    paths = [str(Path(__file__).parent), str(Path(module.__file__).resolve().parents[3])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert found.stdout.split() == [fingerprint(key) for key in DIFFERENT[6:-6]]


@pytest.mark.parametrize("key", [object(), {1: 2}, {1}, len, (1, [object()])], ids=repr)
def test_what_means_nothing_elsewhere_has_none(key: Any) -> None:
    with pytest.raises(NoFingerprintError):
        fingerprint(key)


def test_another_processor_or_llvm_is_another_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {generator()}
    name, features = module.cpu()
    changes: list[tuple[Any, str, Any]] = [
        (module, "cpu", lambda: (name, features + ",+other")),
        (module, "cpu", lambda: ("other", features)),
        (module.llvmlite, "__version__", "0"),
        (module.llvm, "llvm_version_info", (0, 0, 0)),
        (module.np, "__version__", "0"),
        (module, "SOURCES", ("compiler", "expr")),
    ]
    for place, attribute, value in changes:
        with monkeypatch.context() as patch:
            patch.setattr(place, attribute, value)
            generator.cache_clear()
            found.add(generator())
    generator.cache_clear()
    assert len(found) == len(changes) + 1


def test_source_that_was_edited_after_it_was_imported_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs is the old source, and would be kept under the name of the new."""
    monkeypatch.setattr(module, "IMPORTED", Path(module.__file__).stat().st_mtime - 1.0)
    generator.cache_clear()
    with pytest.raises(NoFingerprintError, match=r"\.py is not what has been imported"):
        generator()
    monkeypatch.undo()
    generator.cache_clear()


def test_the_clock_is_looked_at_before_any_source_is_read() -> None:
    program = (
        "import glassgrad, sys; print(next(name for name in sys.modules if name.startswith('glassgrad')))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "glassgrad.imported"


def test_without_source_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SOURCES", ("nowhere",))
    generator.cache_clear()
    with pytest.raises(NoFingerprintError):
        generator()
    monkeypatch.undo()
    generator.cache_clear()
