"""Machine code kept on disk between processes, in a folder that only its owner can change.

Loading machine code is running it. So an entry is read only if the folder and the file belong to the user who runs
this process and nobody else may write to them, and if its checksum is right: a file that was cut off, changed or
renamed is an entry that is not there. Entries are written under a temporary name and renamed, so several processes can
use one folder. Deleting it, or any file in it, is always safe. A disk that is full or read-only is no cache.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ...graph import notice

LIMIT = 256 << 20
"""Bytes that the folder may hold; the entries that were used longest ago go first."""

MAGIC = b"glassgrad machine code 1\n"
SUFFIX = ".code"
TEMPORARY = ".writing-"
ABANDONED = 3600.0
"""Seconds after which a temporary file belongs to a process that has ended."""

_refused: set[str] = set()


def folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where this user's machine code is kept: `GLASSGRAD_CACHE_DIR`, or a folder among the user's caches.

    None if `GLASSGRAD_CACHE_DIR` is the empty string, which turns the cache off, or where there is no home.

    >>> folder({"GLASSGRAD_CACHE_DIR": "/tmp/example"}).name
    'example'
    >>> folder({"GLASSGRAD_CACHE_DIR": ""}) is None
    True
    """
    chosen = environment.get("GLASSGRAD_CACHE_DIR")
    if chosen is not None:
        return Path(chosen).absolute() if chosen else None
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local", "glassgrad", "Cache")
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "glassgrad"
    given = Path(environment.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else home / ".cache") / "glassgrad"


def disk_cache() -> DiskCache | None:
    """The cache of this user; None if there is none."""
    path = folder()
    return None if path is None else DiskCache(path)


class DiskCache:
    """Entries by key, at most `limit` bytes of them.

    >>> import tempfile
    >>> cache = DiskCache(Path(tempfile.mkdtemp()))
    >>> cache.load("ab12")
    >>> cache.store("ab12", b"code")
    >>> cache.load("ab12")
    b'code'
    """

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self.path = path
        self.limit = limit

    def load(self, key: str) -> bytes | None:
        """What was stored under a key, or None. Marks the entry as used."""
        path = self.path / (key + SUFFIX)
        try:
            if not self._is_private():
                return None
            descriptor = os.open(
                path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
            )
            with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, so that what is checked is what is read
                if not _belongs_to_us(os.fstat(descriptor)):
                    return None
                content = file.read()
        except OSError:
            return None
        head = len(MAGIC) + hashlib.sha256().digest_size
        data = content[head:]
        if content[:head] != _head(key, data):
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return data

    def store(self, key: str, data: bytes) -> None:
        """Keep `data` under a key, and drop what was used longest ago where there is too much. Never raises OSError."""
        if len(data) > self.limit:
            return
        temporary = self.path / (TEMPORARY + secrets.token_hex(8))
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._is_private():
                return
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            with open(os.open(temporary, flags, 0o600), "wb") as file:  # noqa: PTH123 - private from the start
                file.write(_head(key, data) + data)
            temporary.replace(self.path / (key + SUFFIX))
            self._trim()
        except OSError:
            with suppress(OSError):
                temporary.unlink()

    def _is_private(self) -> bool:
        """Whether nobody else can have put code there; says once why it is not used."""
        if _belongs_to_us(self.path.stat()):
            return True
        if str(self.path) not in _refused:
            _refused.add(str(self.path))
            notice(
                f"compile: machine code is not kept in {self.path}, because the folder belongs to another user or "
                f"others may write to it, and loading code that they put there would run it. "
                f"`chmod go-w` it, or choose another folder with GLASSGRAD_CACHE_DIR (empty for none)."
            )
        return False

    def _trim(self) -> None:
        entries = []
        now = time.time()
        for path in self.path.iterdir():
            with suppress(OSError):  # another process may have dropped it
                if path.suffix == SUFFIX:
                    known = path.stat()
                    entries.append((known.st_mtime, known.st_size, path))
                elif path.name.startswith(TEMPORARY) and now - path.stat().st_mtime > ABANDONED:
                    path.unlink()
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.limit:
                return
            with suppress(OSError):
                path.unlink()
            total -= size


def _head(key: str, data: bytes) -> bytes:
    return MAGIC + hashlib.sha256(key.encode() + b"\0" + data).digest()


def _belongs_to_us(known: os.stat_result) -> bool:
    """Whether a file or folder is this user's, and nobody else may write to it."""
    if not hasattr(os, "geteuid"):  # Windows: a user's own folders are closed to others
        return True
    return known.st_uid == os.geteuid() and not known.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
