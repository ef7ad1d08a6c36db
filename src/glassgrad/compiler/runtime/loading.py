"""Machine code by its key: out of the disk's cache where it is there, else generated and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..llvm.engine import MachineCode, object_codes
from ..llvm.fingerprint import NoFingerprintError, fingerprint
from .disk_cache import DiskCache, folder
from .threads import get_num_threads

LENGTH = 8
"""Bytes of the number that says how long an object file is."""


def machine_code(key: Any, texts: Callable[[], Iterable[str]], symbols: Mapping[str, int]) -> MachineCode:
    """The functions of the modules that `texts()` writes, loaded.

    key: all that the texts depend on, beside the compiler itself. symbols: the addresses of the functions that the
    code calls but does not define; they are no part of what is kept.
    """
    path = folder()
    try:
        name = None if path is None else fingerprint(key)
    except NoFingerprintError:
        name = None
    if path is None or name is None:
        return MachineCode(object_codes(texts(), get_num_threads()), symbols)
    cache = DiskCache(path)
    kept = cache.load(name)
    if kept is not None:
        return MachineCode(_apart(kept), symbols)
    codes = object_codes(texts(), get_num_threads())
    cache.store(name, _together(codes))
    return MachineCode(codes, symbols)


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
