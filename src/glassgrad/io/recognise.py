"""What a file is, judged by its first bytes, when it is not the safetensors file that was expected."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

PICKLE_CURE = (
    "Open it with the program that wrote it, if you trust where it comes from, and save its arrays there "
    "with safetensors."
)
NUMPY_CURE = (
    "Read it with numpy.load(path, allow_pickle=False) and write its arrays with glassgrad.io.save_arrays."
)
OTHER_CURE = "Check that the path is the right one."

HEAD_SIZE = 512  # enough for every signature below and to tell text from numbers


@dataclass(frozen=True)
class Kind:
    """A kind of file: its description, with an article, and what someone who has one can do."""

    description: str
    cure: str


PICKLE = Kind("a Python pickle (as in older .pt, .pkl or .joblib files)", PICKLE_CURE)
ZIP = Kind("a zip archive", OTHER_CURE)
TORCH_ZIP = Kind("a PyTorch .pt or .pth file (a zip archive around a pickle)", PICKLE_CURE)
NUMPY_ZIP = Kind("a NumPy .npz archive", NUMPY_CURE)
DAMAGED_ZIP = Kind("a damaged zip archive (.npz files and PyTorch's .pt files are zip archives)", OTHER_CURE)
ZEROS = Kind(
    "a file of zero bytes, which a crash of the machine can leave behind", "Use an earlier copy of the file."
)
TEXT = Kind("a text file", OTHER_CURE)

SIGNATURES = {
    b"\x93NUMPY": Kind("a NumPy .npy file", NUMPY_CURE),
    b"\x89HDF\r\n\x1a\n": Kind("an HDF5 file (as in Keras' .h5 files)", OTHER_CURE),
    b"GGUF": Kind("a GGUF file", OTHER_CURE),
    b"\x1f\x8b": Kind("a gzip archive", "Unpack it first with gunzip."),
    b"\x89PNG\r\n\x1a\n": Kind("a PNG image", OTHER_CURE),
    b"version https://git-lfs": Kind(
        "a Git LFS pointer, which stands for a file that was not downloaded", "Run: git lfs pull"
    ),
    b"<!DOCTYPE": Kind("a web page", "Download the file again, from the link to its raw content."),
    b"<html": Kind("a web page", "Download the file again, from the link to its raw content."),
}


def recognise(path: Path) -> Kind | None:
    """Return the kind of the file `path`, or None when its first bytes tell nothing. Nothing is unpickled.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "weights")
    ...     _ = file.write_bytes(b"\\x80\\x04\\x95\\x00")
    ...     recognise(file).description
    'a Python pickle (as in older .pt, .pkl or .joblib files)'
    """
    with path.open("rb") as file:
        head = file.read(HEAD_SIZE)
    if head.startswith(b"PK\x03\x04"):
        return _recognise_zip(path)
    if len(head) >= 2 and head[0] == 0x80 and 2 <= head[1] <= 5:  # the PROTO opcode and a protocol number
        return PICKLE
    for signature, kind in SIGNATURES.items():
        if head.startswith(signature):
            return kind
    if not head.strip(b"\0"):
        return ZEROS
    return TEXT if _is_text(head) else None


def _recognise_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return DAMAGED_ZIP
    if any(Path(name).name == "data.pkl" for name in names):
        return TORCH_ZIP
    if names and all(name.endswith(".npy") for name in names):
        return NUMPY_ZIP
    return ZIP


def _is_text(head: bytes) -> bool:
    if len(head) < 4:  # too few to tell from the start of a number
        return False
    control = set(range(32)) - set(b"\t\n\r\f")
    return not control.intersection(head) and b"\x7f" not in head
