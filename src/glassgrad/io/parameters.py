"""Parameter files: named NumPy arrays in a safetensors file, which cannot run code.

The format: https://github.com/huggingface/safetensors#format. Eight bytes with the size of the header, the
header (JSON: name, dtype, shape and place of each array, and texts), then the arrays' bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glassgrad.errors import ArgumentError, CheckpointError, DTypeError
from glassgrad.io.atomic import write_bytes
from glassgrad.io.unreadable import LARGEST_HEADER, LENGTH_SIZE, explain

Arrays = dict[str, npt.NDArray[np.generic]]

# The dtypes that NumPy and safetensors share, by the name safetensors gives them.
DTYPES = {
    "BOOL": "bool",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}


def save_arrays(
    path: str | os.PathLike[str],
    arrays: Mapping[str, npt.NDArray[np.generic]],
    metadata: Mapping[str, str] | None = None,
    what: str = "parameter file",
) -> None:
    """Write `arrays` by name into the safetensors file `path`, atomically.

    arrays: any shape and memory layout; dtype bool, int8 to int64, uint8 to uint64, float16 to float64. Every
        bit is kept; the byte order becomes little-endian, which is the format's.
    metadata: texts to keep with the arrays.
    The same arrays and metadata give the same bytes.
    Raises DTypeError for another dtype, ArgumentError for a name or text that the format cannot hold, and
    CheckpointError when the file cannot be written (the previous file is then unchanged).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_arrays(Path(folder, "model.safetensors"), {"weight": np.eye(2)}, {"task": "digits"})
    ...     load_arrays(Path(folder, "model.safetensors"))
    ({'weight': array([[1., 0.], [0., 1.]])}, {'task': 'digits'})
    """
    from safetensors.numpy import save

    if not isinstance(arrays, Mapping):
        raise ArgumentError(
            f"save_arrays takes a path and a dict of arrays by name, such as model.state_dict(); got "
            f"{type(path).__name__} and {type(arrays).__name__}."
        )
    plain = {_text(name, "an array's name"): _as_stored(name, array) for name, array in arrays.items()}
    if "__metadata__" in plain:
        raise ArgumentError(
            "no array can be named '__metadata__': safetensors keeps its texts there. Rename it."
        )
    texts = {
        _text(key, "a metadata key"): _text(text, f"the metadata text for {key!r}")
        for key, text in (metadata or {}).items()
    }
    data = save(plain)
    start = LENGTH_SIZE + int.from_bytes(data[:LENGTH_SIZE], "little")
    header = _header_bytes(texts, json.loads(data[LENGTH_SIZE:start]))
    write_bytes(
        path, len(header).to_bytes(LENGTH_SIZE, "little"), header, memoryview(data)[start:], what=what
    )


def load_arrays(path: str | os.PathLike[str]) -> tuple[Arrays, dict[str, str]]:
    """Read the safetensors file `path`: the arrays by name, writable and the caller's own, and its texts.

    Raises CheckpointError when there is no such file, or it is empty, truncated, damaged, of another format,
    or holds a dtype that NumPy lacks; each is told apart.

    >>> load_arrays("nowhere.safetensors")
    Traceback (most recent call last):
    ...
    glassgrad.errors.CheckpointError: there is no file nowhere.safetensors. Check the path.
    """
    from safetensors import SafetensorError, safe_open

    file_path = Path(path)
    try:
        _require_regular_file(file_path)
        with safe_open(file_path, framework="numpy") as file:
            names = list(file.keys())
            for name in names:
                _require_known_dtype(file_path, name, file.get_slice(name).get_dtype())
            arrays = {name: file.get_tensor(name) for name in names}
            return arrays, dict(file.metadata() or {})
    except SafetensorError as error:
        raise CheckpointError(explain(file_path, str(error))) from error
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(
            f"could not read {path}: {error.strerror or error}. Check the file's permissions and the disk."
        ) from error


def _as_stored(name: str, array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Return `array` as the format stores it: contiguous, little-endian."""
    if not isinstance(array, np.ndarray | np.generic):  # NumPy turns 0-d results into scalars
        raise ArgumentError(
            f"{name!r} is a {type(array).__name__}; expected a NumPy array. Use "
            # a tensor is known by its method, because `io` knows nothing of tensors
            + (".numpy(), or model.state_dict()." if hasattr(array, "numpy") else "numpy.asarray.")
        )
    stored = np.asarray(array)
    if stored.dtype.name not in DTYPES.values():
        raise DTypeError(
            f"{name!r} has dtype {stored.dtype}, which a parameter file cannot hold; expected one of "
            f"{', '.join(DTYPES.values())}. Convert it with array.astype, or keep texts in the metadata."
        )
    return stored.astype(stored.dtype.newbyteorder("<"), order="C", copy=False)


def _text(value: str, role: str) -> str:
    if not isinstance(value, str):
        raise ArgumentError(f"{role} is {value!r}, a {type(value).__name__}; expected a str.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ArgumentError(
            f"{role} is {value!r}, which cannot be written as UTF-8: {error.reason}."
        ) from error
    return value


def _header_bytes(metadata: dict[str, str], entries: dict[str, object]) -> bytes:
    # The library writes metadata in an order that changes from call to call; ours is sorted, so that the same
    # model is the same file.
    content = {"__metadata__": dict(sorted(metadata.items())), **entries} if metadata else entries
    header = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    header += b" " * (-len(header) % LENGTH_SIZE)  # the arrays start aligned, as the format asks of writers
    if len(header) > LARGEST_HEADER:
        raise ArgumentError(
            f"the names and metadata need {len(header):,} bytes; safetensors allows {LARGEST_HEADER:,}. "
            f"Keep large values as arrays."
        )
    return header


def _require_regular_file(path: Path) -> None:
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder. Give the name of a safetensors file in it.")
    if not path.exists():
        raise CheckpointError(f"there is no file {path}. Check the path.")
    if not path.is_file():
        raise CheckpointError(f"{path} is a device or a pipe. Give the name of a safetensors file.")


def _require_known_dtype(path: Path, name: str, dtype: str) -> None:
    if dtype not in DTYPES:
        raise CheckpointError(
            f"{path}: array {name!r} has dtype {dtype}; expected one of {', '.join(DTYPES)}. "
            f"Convert it (for example to F32) with the program that wrote the file."
        )
