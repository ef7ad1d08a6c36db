"""What tests of the compiler run in: every program that is compiled shows that its names say all, so that equal names
on disk are equal machine code and equal plans."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from glassgrad.compiler import fast_call
from glassgrad.compiler.runtime import loading, making, planning

_kept = making._kept
_texts: dict[str, str] = {}
_plans: dict[str, bytes] = {}


@pytest.fixture(autouse=True)
def names_say_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong entry of the disk's cache would be the wrong code. So each program is planned and written anew."""

    def checked(name: str | None, texts: Callable[[], Iterable[str]], symbols: Mapping[str, int]) -> Any:
        written = list(texts())
        content = hashlib.sha256("".join(written).encode()).hexdigest()
        assert name is None or _texts.setdefault(name, content) == content
        return loading.machine_code(name, lambda: written, symbols)

    def made(graph: Any, updates: Any, name: str | None) -> Any:
        plan, code = original(graph, updates, name)
        if name is not None and plan.can_be_kept:
            written = plan.to_bytes()
            assert _plans.setdefault(name, written) == written
        return plan, code

    original = making._made
    monkeypatch.setattr(planning, "machine_code", checked)
    monkeypatch.setattr(making, "_kept", lambda name: None)
    monkeypatch.setattr(making, "_made", made)


@pytest.fixture
def plans_from_disk(names_say_all: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is planned that is on disk."""
    monkeypatch.setattr(making, "_kept", _kept)


@pytest.fixture(params=["short", "long"])
def short_and_long(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs count as short, and hold the interpreter's lock, or as long."""
    monkeypatch.setattr(fast_call, "LONG", 1e18 if request.param == "short" else 0.0)
