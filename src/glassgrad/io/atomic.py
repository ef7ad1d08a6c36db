"""Atomic writing: a reader sees the old file or the new one, whole, whatever stops the writer.

The bytes go to a temporary file in the same folder, are forced to the disk, and the temporary file is then
renamed over the target, which POSIX makes a single step. A process killed half-way leaves the target as it
was, and beside it a hidden file `.glassgrad-*.tmp` that can be deleted.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from glassgrad.errors import CheckpointError

CURES = {
    errno.ENOSPC: "Free some space on this disk, or write to a folder on another one.",
    errno.EDQUOT: "Your disk quota is used up: delete some files, or write to another disk.",
    errno.EFBIG: "The file is larger than this system allows: write to another disk, or raise the limit.",
    errno.EACCES: "Write to a folder that you have permission to change.",
    errno.EPERM: "Write to a folder that you have permission to change.",
    errno.EROFS: "This disk is read-only: write to a folder on another one.",
    errno.ENOENT: "Create the folder first, or correct the path.",
    errno.ENOTDIR: "A part of the path is a file and not a folder: correct the path.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}
CANNOT_SYNC_A_FOLDER = {errno.EINVAL, errno.ENOTSUP}  # what network file systems answer that lack the call


def write_bytes(path: str | os.PathLike[str], *chunks: bytes | memoryview, what: str = "file") -> None:
    """Write `chunks`, one after the other, as the whole new content of the file `path`.

    path: the file; its folder must exist. A symbolic link is followed, and stays a link.
    what: what the file is ("checkpoint", "history"), for the error message.
    The permissions of a file that is replaced are kept.
    Raises CheckpointError when the file cannot be written: the old file is then intact.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(Path(folder, "note"), b"one ", b"two")
    ...     Path(folder, "note").read_bytes()
    b'one two'
    """
    target = Path(os.path.realpath(path))
    # Not made from the target's name: a name as long as the system allows has no room for a suffix.
    temporary = target.with_name(f".glassgrad-{secrets.token_hex(8)}.tmp")
    try:
        mode = _mode_of_replaceable(target, what, path)
        _write_and_sync(temporary, chunks)
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)
    except CheckpointError:
        raise
    except OSError as error:
        existed = os.access(target, os.F_OK)  # unlike Path.exists, never raises
        outcome = "The previous file is unchanged." if existed else "No file was left behind."
        raise CheckpointError(
            f"could not write the {what} {path}: {_reason(error)}. {outcome} {_cure(error)}"
        ) from error
    finally:
        with suppress(OSError):  # after a success it has become the target
            temporary.unlink()
    _sync_folder(target.parent, what, path)


def write_text(path: str | os.PathLike[str], text: str, what: str = "file") -> None:
    """Write `text` as UTF-8, with its line ends as they are, as the whole new content of the file `path`.

    Raises CheckpointError when the file cannot be written: the old file is then intact.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text(Path(folder, "note"), "σ = 1\\n")
    ...     Path(folder, "note").read_text(encoding="utf-8")
    'σ = 1\\n'
    """
    write_bytes(path, text.encode("utf-8"), what=what)


def _mode_of_replaceable(target: Path, what: str, path: str | os.PathLike[str]) -> int | None:
    """Return the permissions of the file that is about to be replaced, or None when there is none."""
    if not target.exists():
        return None
    mode = target.stat().st_mode
    if not stat.S_ISREG(mode):  # renaming over /dev/null would remove the device
        kind = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise CheckpointError(f"could not write the {what} {path}: that is {kind}. Give the name of a file.")
    return stat.S_IMODE(mode)


def _write_and_sync(temporary: Path, chunks: tuple[bytes | memoryview, ...]) -> None:
    with temporary.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())  # before the rename: else a power cut can keep the name and lose the bytes


def _sync_folder(folder: Path, what: str, path: str | os.PathLike[str]) -> None:
    """Force the renaming itself to the disk."""
    if os.name == "nt":  # Windows cannot open a folder
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in CANNOT_SYNC_A_FOLDER:
            return
        raise CheckpointError(
            f"the {what} {path} was written and is whole, but its folder could not be forced to the disk: "
            f"{_reason(error)}. A power cut could bring the previous file back. Check the disk."
        ) from error


def _reason(error: OSError) -> str:
    name = errno.errorcode.get(error.errno) if error.errno is not None else None
    return f"{error.strerror} ({name})" if name else str(error)


def _cure(error: OSError) -> str:
    fallback = "Check the disk and the path, then try again."
    return CURES.get(error.errno, fallback) if error.errno is not None else fallback
