"""Machine code by its name: out of the disk's cache where it is there, else generated and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..llvm.engine import MachineCode, object_codes
from ..llvm.fingerprint import NoFingerprintError, fingerprint
from .disk_cache import disk_cache
from .threads import get_num_threads

LENGTH = 8
"""Bytes of the number that says how long an object file is."""


def code_name(key: Any) -> str | None:
    """The name under which machine code is kept; None if it is not.

    key: all that the code depends on, beside the compiler itself.
    """
    if disk_cache() is None:
        return None
    try:
        return fingerprint(key)
    except NoFingerprintError:
        return None


def kept_code(name: str, symbols: Mapping[str, int]) -> MachineCode | None:
    """The machine code of this name, loaded; None if it is not there.

    symbols: the addresses of the functions that the code calls but does not define; they are no part of what is kept.
    """
    cache = disk_cache()
    kept = None if cache is None else cache.load(name)
    return None if kept is None else MachineCode(_apart(kept), symbols)


def machine_code(
    name: str | None, texts: Callable[[], Iterable[str]], symbols: Mapping[str, int]
) -> MachineCode:
    """The functions of the modules that `texts()` writes, loaded, and kept under their name if they have one."""
    code = None if name is None else kept_code(name, symbols)
    if code is None:
        codes = object_codes(texts(), get_num_threads())
        code = MachineCode(codes, symbols)
        cache = disk_cache()
        if cache is not None and name is not None:
            cache.store(name, _together(codes))
    return code


def _together(codes: Sequence[bytes]) -> bytes:
    """Object files in one: the number of bytes of each before it."""
    return b"".join(len(code).to_bytes(LENGTH, "little") + code for code in codes)


def _apart(together: bytes) -> list[bytes]:
    codes, place = [], 0
    while place < len(together):
        begin = place + LENGTH
        place = begin + int.from_bytes(together[place:begin], "little")
        codes.append(together[begin:place])
    return codes
