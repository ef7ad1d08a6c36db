"""What tests of the compiler run in: every program that is compiled shows that its key says all, so that equal
fingerprints have equal LLVM IR."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from glassgrad.compiler import fast_call
from glassgrad.compiler.llvm.fingerprint import fingerprint
from glassgrad.compiler.runtime import loading, segments

_texts: dict[str, str] = {}


@pytest.fixture(autouse=True)
def keys_say_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong entry of the disk's cache would be the wrong code."""

    def checked(key: Any, texts: Callable[[], Iterable[str]], symbols: Mapping[str, int]) -> Any:
        written = list(texts())
        content = hashlib.sha256("".join(written).encode()).hexdigest()
        assert _texts.setdefault(fingerprint(key), content) == content
        return loading.machine_code(key, lambda: written, symbols)

    monkeypatch.setattr(segments, "machine_code", checked)


@pytest.fixture(params=["short", "long"])
def short_and_long(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs count as short, and hold the interpreter's lock, or as long."""
    monkeypatch.setattr(fast_call, "LONG", 1e9 if request.param == "short" else 0.0)
