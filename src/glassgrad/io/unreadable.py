"""Why a file cannot be read as safetensors: empty, foreign, truncated or damaged."""

from __future__ import annotations

import json
from pathlib import Path

from glassgrad.io.recognise import recognise

LENGTH_SIZE = 8  # bytes at the start of a safetensors file, which hold the size of its header
LARGEST_HEADER = 100_000_000  # bytes; the safetensors readers refuse more


def explain(path: Path, reason: str) -> str:
    """Return the message for `path`, which the safetensors reader refused with `reason`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "model.safetensors")
    ...     _ = file.write_bytes((640).to_bytes(8, "little") + b"{")
    ...     print(explain(file, "invalid header length").removeprefix(folder)[1:])
    model.safetensors is truncated: expected at least 648 bytes, found 9. It was not written, copied or
    downloaded to its end: fetch it again, or use an earlier copy.
    """
    size = path.stat().st_size
    if size == 0:
        return (
            f"{path} is empty (0 bytes): its writer was stopped before the first byte. Use an earlier copy."
        )
    with path.open("rb") as file:
        head = file.read(LENGTH_SIZE + 1)
        header_size = int.from_bytes(head[:LENGTH_SIZE], "little")
        if _is_foreign(path, head, header_size):
            return _explain_foreign(path, head)
        if size < LENGTH_SIZE:
            return _explain_truncated(path, f"at least {LENGTH_SIZE}", size)
        file.seek(LENGTH_SIZE)
        header = file.read(header_size)
    end_of_header = LENGTH_SIZE + header_size
    if size < end_of_header:
        return _explain_truncated(path, f"at least {end_of_header:,}", size)
    size_of_arrays = _size_of_arrays(header)
    if size_of_arrays is None or size == end_of_header + size_of_arrays:
        return f"{path} is damaged: {reason}. Use an earlier copy."
    expected = end_of_header + size_of_arrays
    if size < expected:
        return _explain_truncated(path, f"{expected:,}", size)
    return (
        f"{path} is damaged: expected {expected:,} bytes, found {size:,}, so something was added at its end. "
        f"Use an earlier copy."
    )


def _is_foreign(path: Path, head: bytes, header_size: int) -> bool:
    """Whether the file opens as another format does. A header's size can look like a pickle: '{' decides."""
    if len(head) < LENGTH_SIZE:
        return recognise(path) is not None
    return header_size > LARGEST_HEADER or head[LENGTH_SIZE:] not in (b"{", b"")


def _explain_foreign(path: Path, head: bytes) -> str:
    kind = recognise(path)
    if kind is None:
        return (
            f"{path} is not a safetensors file: its first bytes, {head[:LENGTH_SIZE].hex(' ')}, are of no "
            f"format known here. Check that the path is the right one."
        )
    return (
        f"{path} is not a safetensors file: it looks like {kind.description}. glassgrad reads safetensors "
        f"only, because opening a pickle can run code. {kind.cure}"
    )


def _explain_truncated(path: Path, expected: str, size: int) -> str:
    return (
        f"{path} is truncated: expected {expected} bytes, found {size:,}. It was not written, copied or "
        f"downloaded to its end: fetch it again, or use an earlier copy."
    )


def _size_of_arrays(header: bytes) -> int | None:
    """How many bytes of arrays the header announces, or None when it cannot be understood."""
    try:
        entries = json.loads(header)
        ends = [entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"]
        return int(max(ends, default=0))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError):
        return None
