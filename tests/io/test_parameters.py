"""Parameter files: every array comes back bit for bit, and a file that is not one is named for what it is."""

from __future__ import annotations

import errno
import gzip
import json
import os
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as st_numpy

from glassgrad.errors import ArgumentError, CheckpointError, DTypeError
from glassgrad.io import parameters
from glassgrad.io.parameters import load_arrays, save_arrays

DTYPES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
]
TRUNCATED = "It was not written, copied or downloaded to its end: fetch it again, or use an earlier copy."
REFUSED = "glassgrad reads safetensors only, because opening a pickle can run code."
PICKLE_CURE = (
    "Open it with the program that wrote it, if you trust where it comes from, and save its arrays there "
    "with safetensors."
)
NUMPY_CURE = (
    "Read it with numpy.load(path, allow_pickle=False) and write its arrays with glassgrad.io.save_arrays."
)
CHECK_PATH = "Check that the path is the right one."


def little_endian_bytes(array: np.ndarray) -> bytes:
    return array.astype(array.dtype.newbyteorder("<")).tobytes(order="C")


def assert_same_bits(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype.newbyteorder("<")
    assert found.shape == expected.shape
    assert little_endian_bytes(found) == little_endian_bytes(expected)


def round_trip(folder: Path, array: np.ndarray) -> np.ndarray:
    save_arrays(folder / "file", {"array": array})
    arrays, _ = load_arrays(folder / "file")
    return arrays["array"]


@pytest.fixture
def good_file(tmp_path: Path) -> Path:
    path = tmp_path / "good.safetensors"
    path.write_bytes(safetensors.numpy.save({"weight": np.arange(100.0), "bias": np.zeros(3, np.float32)}))
    return path


def error_from(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_arrays(path)
    return str(caught.value)


def safetensors_bytes(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


# --- round trips


@given(
    array=st.sampled_from(DTYPES).flatmap(
        lambda dtype: st_numpy.arrays(
            st.sampled_from([np.dtype(dtype), np.dtype(dtype).newbyteorder(">")]),
            st_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        )
    ),
    name=st.text(st.characters(exclude_categories=["Cs"])).filter(lambda name: name != "__metadata__"),
    metadata=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    ),
    data=st.data(),
)
@settings(max_examples=200, deadline=None)
def test_any_array_any_layout_and_any_text_come_back(tmp_path_factory, array, name, metadata, data):
    view = array.transpose(data.draw(st.permutations(range(array.ndim))))
    if view.ndim:
        view = view[:: data.draw(st.sampled_from([1, -1, 2]))]
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    save_arrays(path, {name: view}, metadata)
    arrays, texts = load_arrays(path)
    assert list(arrays) == [name]
    assert_same_bits(arrays[name], view)
    assert texts == metadata


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 3)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_each_dtype_shape_and_byte_order(tmp_path: Path, dtype: str, shape: tuple[int, ...], order: str):
    size = int(np.prod(shape))
    array = np.arange(1, size + 1).reshape(shape).astype(np.dtype(dtype).newbyteorder(order))
    assert_same_bits(round_trip(tmp_path, array), array)


def test_the_extreme_numbers_come_back(tmp_path: Path):
    floats = np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308])
    assert_same_bits(round_trip(tmp_path, floats), floats)
    unsigned = np.array([0, 2**63, 2**64 - 1], np.uint64)
    assert round_trip(tmp_path, unsigned).tolist() == [0, 9223372036854775808, 18446744073709551615]
    signalling_nan = np.array([0x7FA00001, 0xFFC12345], np.uint32).view(np.float32)
    for array in (signalling_nan, signalling_nan.byteswap().view(">f4")):
        assert round_trip(tmp_path, array).view(np.uint32).tolist() == [0x7FA00001, 0xFFC12345]


@pytest.mark.parametrize(
    "view",
    [
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12.0)[::-3],
        np.broadcast_to(np.float32(7), (2, 3)),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.frombuffer(b"\0" + np.arange(3.0).tobytes(), np.float64, offset=1),
    ],
    ids=["transposed", "reversed", "broadcast", "column-major", "unaligned"],
)
def test_layouts_in_memory_come_back_as_the_same_values(tmp_path: Path, view: np.ndarray):
    loaded = round_trip(tmp_path, view)
    assert loaded.tolist() == view.tolist()
    assert loaded.dtype == view.dtype


def test_numpy_scalars_come_back_as_0d_arrays(tmp_path: Path):
    loaded = round_trip(tmp_path, np.float32(1.5))
    assert isinstance(loaded, np.ndarray)
    assert (loaded.shape, loaded.dtype, loaded.item()) == ((), np.dtype("float32"), 1.5)


def test_no_arrays_come_back_as_none(tmp_path: Path):
    save_arrays(tmp_path / "file", {})
    assert load_arrays(tmp_path / "file") == ({}, {})


def test_loaded_arrays_can_be_written_to_and_the_file_stays(tmp_path: Path):
    save_arrays(tmp_path / "file", {"weight": np.zeros((2, 2)), "bias": np.zeros(2)})
    before = (tmp_path / "file").read_bytes()
    arrays, _ = load_arrays(tmp_path / "file")
    for array in arrays.values():
        array += 1
    assert arrays["weight"].tolist() == [[1, 1], [1, 1]]
    assert (tmp_path / "file").read_bytes() == before


def test_the_safetensors_library_reads_our_files_and_we_read_its(tmp_path: Path):
    arrays = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "é": np.array(True)}
    save_arrays(tmp_path / "ours", arrays, {"b": '"quoted"', "a": "ünï"})
    theirs = safetensors.numpy.load_file(tmp_path / "ours")
    assert {name: array.tolist() for name, array in theirs.items()} == {
        "weight": [[0, 1, 2], [3, 4, 5]],
        "é": True,
    }
    with safetensors.safe_open(tmp_path / "ours", framework="numpy") as file:
        assert file.metadata() == {"a": "ünï", "b": '"quoted"'}
    safetensors.numpy.save_file(arrays, tmp_path / "theirs", {"key": "text"})
    loaded, metadata = load_arrays(tmp_path / "theirs")
    assert loaded["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert metadata == {"key": "text"}


def test_the_same_content_is_the_same_file(tmp_path: Path):
    arrays = {"weight": np.arange(6.0), "bias": np.arange(3, dtype=np.int8)}
    metadata = {key: key.upper() for key in "abcdefgh"}
    files = set()
    for _ in range(20):
        save_arrays(tmp_path / "file", arrays, metadata)
        files.add((tmp_path / "file").read_bytes())
        arrays, metadata = dict(reversed(arrays.items())), dict(reversed(metadata.items()))
    assert len(files) == 1
    (content,) = files
    assert int.from_bytes(content[:8], "little") % 8 == 0  # so that the arrays start aligned


# --- what cannot be saved


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([None, "x"], object), "object"),
        (np.array(["a"]), "<U1"),
        (np.array([b"a"]), "|S1"),
        (np.array([1j]), "complex128"),
        (np.array([1j], np.complex64), "complex64"),
        (np.zeros(1, np.longdouble), str(np.dtype(np.longdouble))),
        (np.array(["2020-01-01"], "M8[D]"), "datetime64[D]"),
        (np.zeros(1, [("x", "f4")]), "[('x', '<f4')]"),
    ],
)
def test_other_dtypes_are_refused(tmp_path: Path, array: np.ndarray, dtype: str):
    with pytest.raises(DTypeError) as caught:
        save_arrays(tmp_path / "file", {"layer.weight": array})
    assert str(caught.value) == (
        f"'layer.weight' has dtype {dtype}, which a parameter file cannot hold; expected one of bool, int8, "
        f"int16, int32, int64, uint8, uint16, uint32, uint64, float16, float32, float64. Convert it with "
        f"array.astype, or keep texts in the metadata."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arrays", "metadata", "message"),
    [
        ({"w": [1.0]}, None, "'w' is a list; expected a NumPy array. Use numpy.asarray."),
        ({1: np.zeros(1)}, None, "an array's name is 1, a int; expected a str."),
        (
            {"__metadata__": np.zeros(1)},
            None,
            "no array can be named '__metadata__': safetensors keeps its texts there. Rename it.",
        ),
        (
            {"\ud800": np.zeros(1)},
            None,
            "an array's name is '\\ud800', which cannot be written as UTF-8: surrogates not allowed.",
        ),
        ({}, {"a": "x", 2: "y"}, "a metadata key is 2, a int; expected a str."),
        ({}, {"epoch": 3}, "the metadata text for 'epoch' is 3, a int; expected a str."),
        (
            {},
            {"note": "\udfff"},
            "the metadata text for 'note' is '\\udfff', which cannot be written as UTF-8: surrogates not "
            "allowed.",
        ),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path: Path, arrays, metadata, message):
    with pytest.raises(ArgumentError) as caught:
        save_arrays(tmp_path / "file", arrays, metadata)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_more_text_than_readers_accept_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(parameters, "LARGEST_HEADER", 1000)
    with pytest.raises(ArgumentError) as caught:
        save_arrays(tmp_path / "file", {}, {"key": "x" * 1000})
    assert str(caught.value) == (
        "the names and metadata need 1,032 bytes; safetensors allows 1,000. Keep large values as arrays."
    )


def test_a_full_disk_leaves_the_old_file(good_file: Path, monkeypatch):
    before = good_file.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError) as caught:
        save_arrays(good_file, {"weight": np.ones(1)})
    assert str(caught.value) == (
        f"could not write the parameter file {good_file}: No space left on device (ENOSPC). The previous "
        f"file is unchanged. Free some space on this disk, or write to a folder on another one."
    )
    assert good_file.read_bytes() == before


# --- what cannot be loaded


def test_a_missing_file_a_folder_and_a_pipe(tmp_path: Path):
    assert error_from(tmp_path / "nothing") == f"there is no file {tmp_path / 'nothing'}. Check the path."
    assert error_from(tmp_path) == f"{tmp_path} is a folder. Give the name of a safetensors file in it."
    os.mkfifo(tmp_path / "pipe")
    assert error_from(tmp_path / "pipe") == (
        f"{tmp_path / 'pipe'} is a device or a pipe. Give the name of a safetensors file."
    )


def test_a_file_that_may_not_be_read(good_file: Path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(safetensors, "safe_open", refuse)
    assert error_from(good_file) == (
        f"could not read {good_file}: Permission denied. Check the file's permissions and the disk."
    )


def test_an_empty_file(tmp_path: Path):
    path = tmp_path / "empty"
    path.touch()
    assert error_from(path) == (
        f"{path} is empty (0 bytes): its writer was stopped before the first byte. Use an earlier copy."
    )


def test_a_truncated_file_at_every_length(good_file: Path):
    """The number of bytes found is always told, and the number expected as far as it can be known."""
    content = good_file.read_bytes()
    end_of_header = 8 + int.from_bytes(content[:8], "little")
    assert len(content) == end_of_header + 100 * 8 + 3 * 4
    for size in range(1, len(content)):
        good_file.write_bytes(content[:size])
        if size < 8:
            expected = "at least 8"
        elif size < end_of_header:
            expected = f"at least {end_of_header}"
        else:
            expected = str(len(content))
        assert error_from(good_file) == (
            f"{good_file} is truncated: expected {expected} bytes, found {size}. {TRUNCATED}"
        ), size


def test_a_file_with_something_added_at_its_end(good_file: Path):
    content = good_file.read_bytes()
    good_file.write_bytes(content + b"x")
    assert error_from(good_file) == (
        f"{good_file} is damaged: expected {len(content)} bytes, found {len(content) + 1}, so something was "
        f"added at its end. Use an earlier copy."
    )


@pytest.mark.parametrize(
    "content",
    [
        safetensors_bytes(b"{nothing"),
        safetensors_bytes(b"{" * 100_000),
        safetensors_bytes({"w": {"dtype": "F32", "shape": [1], "data_offsets": ["a", "b"]}}),
        safetensors_bytes({"w": {"dtype": "F32", "shape": [1]}}),
        safetensors_bytes({"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}, bytes(4)),
    ],
    ids=["no JSON", "deep JSON", "text for numbers", "no place", "shape and place disagree"],
)
def test_a_damaged_header_is_told_in_the_words_of_the_library(tmp_path: Path, content: bytes):
    path = tmp_path / "damaged"
    path.write_bytes(content)
    with pytest.raises(safetensors.SafetensorError) as caught:
        safetensors.safe_open(path, framework="numpy")
    assert error_from(path) == f"{path} is damaged: {caught.value}. Use an earlier copy."


def test_a_dtype_that_numpy_lacks(tmp_path: Path):
    path = tmp_path / "bfloat16"
    header = {"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
    path.write_bytes(safetensors_bytes(header, bytes(4)))
    assert error_from(path) == (
        f"{path}: array 'w' has dtype BF16; expected one of BOOL, I8, I16, I32, I64, U8, U16, U32, U64, F16, "
        f"F32, F64. Convert it (for example to F32) with the program that wrote the file."
    )


def pickled(protocol: int) -> bytes:
    return pickle.dumps({"weight": np.arange(100.0)}, protocol)


def zipped(folder: Path, *names: str) -> bytes:
    with zipfile.ZipFile(folder / "source.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return (folder / "source.zip").read_bytes()


def npz(folder: Path) -> bytes:
    np.savez(folder / "source.npz", weight=np.arange(3))
    return (folder / "source.npz").read_bytes()


def npy(folder: Path) -> bytes:
    np.save(folder / "source.npy", np.arange(3))
    return (folder / "source.npy").read_bytes()


PICKLE = "a Python pickle (as in older .pt, .pkl or .joblib files)"
FOREIGN = {
    "pickle 2": (lambda _: pickled(2), PICKLE, PICKLE_CURE),
    "pickle 4": (lambda _: pickled(4), PICKLE, PICKLE_CURE),
    "pickle 5": (lambda _: pickled(5), PICKLE, PICKLE_CURE),
    "torch zip": (
        lambda folder: zipped(folder, "model/data.pkl", "model/data/0"),
        "a PyTorch .pt or .pth file (a zip archive around a pickle)",
        PICKLE_CURE,
    ),
    "npz": (npz, "a NumPy .npz archive", NUMPY_CURE),
    "npy": (npy, "a NumPy .npy file", NUMPY_CURE),
    "zip": (lambda folder: zipped(folder, "notes.txt"), "a zip archive", CHECK_PATH),
    "damaged zip": (
        lambda folder: npz(folder)[:100],
        "a damaged zip archive (.npz files and PyTorch's .pt files are zip archives)",
        CHECK_PATH,
    ),
    "HDF5": (
        lambda _: b"\x89HDF\r\n\x1a\n" + bytes(50),
        "an HDF5 file (as in Keras' .h5 files)",
        CHECK_PATH,
    ),
    "GGUF": (lambda _: b"GGUF\x03" + bytes(50), "a GGUF file", CHECK_PATH),
    "gzip": (lambda _: gzip.compress(b"content" * 9), "a gzip archive", "Unpack it first with gunzip."),
    "PNG": (lambda _: b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image", CHECK_PATH),
    "Git LFS": (
        lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "a Git LFS pointer, which stands for a file that was not downloaded",
        "Run: git lfs pull",
    ),
    "HTML": (
        lambda _: b"<!DOCTYPE html><html><body>Not found</body></html>",
        "a web page",
        "Download the file again, from the link to its raw content.",
    ),
    "zeros": (
        lambda _: bytes(4096),
        "a file of zero bytes, which a crash of the machine can leave behind",
        "Use an earlier copy of the file.",
    ),
    "text": (lambda _: b"epoch,loss\n1,0.5\n", "a text file", CHECK_PATH),
    "short text": (lambda _: b"hello", "a text file", CHECK_PATH),
    "UTF-8 text": (lambda _: "épôque: 1 époque, perte 0,5".encode(), "a text file", CHECK_PATH),
    "JSON": (lambda _: b'{"w": 1, {"x": 2}}', "a text file", CHECK_PATH),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_named_for_what_it_is(tmp_path: Path, kind: str):
    make, description, cure = FOREIGN[kind]
    path = tmp_path / "foreign"
    path.write_bytes(make(tmp_path))
    assert error_from(path) == (
        f"{path} is not a safetensors file: it looks like {description}. {REFUSED} {cure}"
    )


def test_a_file_of_no_known_format(tmp_path: Path):
    path = tmp_path / "noise"
    path.write_bytes(bytes(range(200, 256)) + b"\x01\x02")
    assert error_from(path) == (
        f"{path} is not a safetensors file: its first bytes, c8 c9 ca cb cc cd ce cf, are of no format known "
        f"here. Check that the path is the right one."
    )


def test_no_pickle_is_ever_opened(tmp_path: Path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        (tmp_path / "bomb").write_bytes(pickle.dumps(Bomb(), protocol))
        assert "is not a safetensors file" in error_from(tmp_path / "bomb")
    with zipfile.ZipFile(tmp_path / "bomb", "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(Bomb()))
    assert "a PyTorch .pt or .pth file" in error_from(tmp_path / "bomb")
    assert not (tmp_path / "exploded").exists()


def test_a_header_whose_size_looks_like_a_pickle_is_read(tmp_path: Path):
    """640 is 80 02 in little-endian bytes, which is also how a pickle of protocol 2 opens."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).encode().ljust(640)
    path = tmp_path / "file"
    path.write_bytes(safetensors_bytes(header, b"\x07"))
    assert load_arrays(path)[0]["w"].tolist() == [7]
    path.write_bytes(safetensors_bytes(header))
    assert error_from(path) == f"{path} is truncated: expected 649 bytes, found 648. {TRUNCATED}"


@given(content=st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_content_gives_any_other_error(tmp_path_factory, content: bytes):
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes(content)
    with suppress(CheckpointError):
        load_arrays(path)


@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_no_changed_byte_gives_any_other_error(tmp_path_factory, place: int, value: int):
    content = bytearray(safetensors.numpy.save({"weight": np.arange(4.0), "bias": np.zeros(3, np.int8)}))
    content[place % len(content)] = value
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(content)
    with suppress(CheckpointError):
        load_arrays(path)
