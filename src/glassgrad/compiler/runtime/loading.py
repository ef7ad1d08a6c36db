"""Machine code by its key: out of the disk's cache where it is there, else generated and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..llvm.engine import MachineCode, object_code
from ..llvm.fingerprint import NoFingerprintError, fingerprint
from .disk_cache import DiskCache, folder


def machine_code(key: Any, text: Callable[[], str], symbols: Mapping[str, int]) -> MachineCode:
    """The functions of the module that `text()` writes, loaded.

    key: all that the text depends on, beside the compiler itself. symbols: the addresses of the functions that the
    code calls but does not define; they are no part of what is kept.
    """
    path = folder()
    try:
        name = None if path is None else fingerprint(key)
    except NoFingerprintError:
        name = None
    if path is None or name is None:
        return MachineCode(object_code(text()), symbols)
    cache = DiskCache(path)
    code = cache.load(name)
    if code is None:
        code = object_code(text())
        cache.store(name, code)
    return MachineCode(code, symbols)
