"""The Python array API standard 2024.12: elementwise functions, creation and operators against the reference."""

import itertools
import math
import warnings

import numpy as np
import pytest

import glassgrad as gg
from array_api_standard import (
    CREATION,
    DTYPES,
    ELEMENTWISE,
)
from array_api_witness import OURS, THEIRS, name_of, signature, strict
from glassgrad.errors import ArgumentError, DTypeError, ExchangeError, ShapeError

REALS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -3.5, 1e3, math.inf, -math.inf, math.nan)
SAMPLES = {
    "b": [False, True, True, False],
    "i": [0, 1, -1, 7, -13, 100, -128, 127],
    "u": [0, 1, 2, 7, 13, 100, 255],
    "f": list(REALS),
    "c": [complex(x, y) for x, y in itertools.product((0.0, -0.0, 1.0, -2.5, 3.0), (0.5, -0.0, -2.0))],
}


def theirs(function, *inputs):
    """The reference's result, or None if it refuses these dtypes."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function(*inputs)
        except TypeError:
            return None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(set(ELEMENTWISE) - {"clip"}))
def test_elementwise_functions_agree_with_the_reference(name, dtype):
    function, reference = getattr(gg, name), getattr(strict, name)
    x = np.array(SAMPLES[OURS[dtype].kind], dtype)
    arrays = (x,) if len(signature(ELEMENTWISE[name]).parameters) == 1 else (x[:, None], x)
    if "shift" in name:
        arrays = arrays[0], np.array([0, 1, 3], dtype)
    if name == "pow" and OURS[dtype].kind == "i":
        arrays = arrays[0], np.array([0, 1, 3], dtype)
    wanted = theirs(reference, *(strict.asarray(a) for a in arrays))
    if wanted is None:
        return
    found = function(*(gg.asarray(a) for a in arrays))
    assert str(found.dtype) == name_of(wanted.dtype)
    if OURS[dtype].kind in "iu" and name in ("divide", "floor_divide", "remainder"):
        kept = np.broadcast_to(
            arrays[1] != 0, found.shape
        )  # NumPy has a value for n // 0; the standard has none
    else:
        kept = np.ones(found.shape, bool)
    a, b = found.numpy()[kept], np.asarray(wanted._array)[kept]
    epsilon = np.finfo(a.dtype).eps if a.dtype.kind in "fc" else 0
    np.testing.assert_allclose(a, b, rtol=8 * epsilon, atol=8 * epsilon)


@pytest.mark.parametrize("name", ["isfinite", "isinf", "isnan", "abs", "angle", "equal"])
def test_infinite_and_missing_parts_of_complex_numbers(name):
    values = [
        complex(x, y) for x, y in itertools.product((0.0, -0.0, 1.5, math.inf, -math.inf, math.nan), repeat=2)
    ]
    for dtype in ("complex64", "complex128"):
        x = np.array(values, dtype)
        wanted = {"angle": np.angle, "abs": np.abs, "equal": lambda x: x == x}.get(
            name, getattr(np, name, None)
        )(x)
        found = gg.equal(x, x) if name == "equal" else getattr(gg, name)(x)
        np.testing.assert_allclose(
            found.numpy(), wanted, rtol=2 * np.finfo(dtype).eps
        )  # 2 units in the last place


def test_signs_of_zeros_are_kept():
    x = np.array([0.0, -0.0])
    for function in (
        gg.abs,
        gg.trunc,
        gg.round,
        gg.positive,
        gg.negative,
        gg.sqrt,
        gg.expm1,
        gg.sin,
        gg.tanh,
    ):
        with np.errstate(all="ignore"):
            wanted = np.signbit({gg.abs: np.abs, gg.negative: np.negative}.get(function, np.positive)(x))
        assert np.array_equal(np.signbit(function(x).numpy()), wanted)


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("arange", (5,), {"dtype": "int32"}),
        ("arange", (5, 0, -2), {}),
        ("arange", (0, 5, -1), {}),
        ("arange", (0.0, 1.0, 0.3), {"dtype": "float64"}),
        ("linspace", (0, 10, 5), {"dtype": "float64", "endpoint": False}),
        ("linspace", (0, 10), {"num": 1, "dtype": "float64"}),
        ("linspace", (0.5, 10, 0), {"dtype": "float32"}),
        ("linspace", (1j, 2.0, 3), {"dtype": "complex128"}),
        ("eye", (2, 3), {"k": -1, "dtype": "int8"}),
        ("eye", (2,), {"k": 5, "dtype": "complex64"}),
        ("full", ((2, 1), 3), {}),
        ("full", ((), True), {}),
        ("zeros", (3,), {"dtype": "uint16"}),
        ("ones", ((2, 0),), {"dtype": "bool"}),
    ],
)
def test_creation_agrees_with_the_reference(name, arguments, options):
    assert name in CREATION
    made = getattr(gg, name)(*arguments, **options, device="cpu")
    if "dtype" in options:
        options = options | {"dtype": THEIRS[options["dtype"]]}
    wanted = getattr(strict, name)(*arguments, **options)
    assert (made.shape, str(made.dtype)) == (wanted.shape, name_of(wanted.dtype))
    np.testing.assert_allclose(made.numpy(), wanted._array, rtol=1e-15)


def test_default_dtypes_are_those_that_the_namespace_names():
    info = gg.__array_namespace_info__()
    defaults = info.default_dtypes()
    assert defaults == {
        "real floating": gg.float32,
        "complex floating": gg.complex64,
        "integral": gg.int64,
        "indexing": gg.int64,
    }
    for made in (
        gg.zeros(1),
        gg.ones(1),
        gg.empty(1),
        gg.eye(1),
        gg.linspace(0, 1, 2),
        gg.arange(0.5),
        gg.full(1, 0.5),
    ):
        assert made.dtype == defaults["real floating"]
    for made in (gg.linspace(0, 1j, 2), gg.full(1, 1j), gg.asarray([1j])):
        assert made.dtype == defaults["complex floating"]
    for made in (gg.arange(3), gg.full(1, 2), gg.asarray([1])):
        assert made.dtype == defaults["integral"]
    assert gg.argmax(gg.ones(2)).dtype == defaults["indexing"]


def test_meshgrid():
    x, y, z = np.array([1, 2, 3]), np.array([10, 20]), np.array([0])
    for indexing in ("xy", "ij"):
        for arrays in ((), (x,), (x, y), (x, y, z), (x, np.zeros(0, np.int64))):
            found = gg.meshgrid(*arrays, indexing=indexing)
            wanted = np.meshgrid(*arrays, indexing=indexing)
            assert [a.numpy().tolist() for a in found] == [a.tolist() for a in wanted]
            assert [a.shape for a in found] == [a.shape for a in wanted]
    v = gg.tensor([1.0, 2.0], requires_grad=True)
    a, b = gg.meshgrid(v, gg.asarray([1.0, 10.0, 100.0]))
    gg.sum(a * b).backward()
    assert v.grad.tolist() == [111.0, 111.0]


def test_dlpack_shares_memory_both_ways():
    source = np.arange(6.0).reshape(2, 3)
    x = gg.from_dlpack(source[:, ::-1])
    assert np.shares_memory(x.numpy(), source)
    assert x.tolist() == source[:, ::-1].tolist()
    there = np.from_dlpack(x)
    assert np.shares_memory(there, source)
    assert not there.flags.writeable
    assert not np.shares_memory(gg.from_dlpack(source, copy=True).numpy(), source)
    assert gg.from_dlpack(x) is x
    assert x.__dlpack_device__() == (1, 0) == source.__dlpack_device__()
    for dtype in (*DTYPES, "float16"):
        assert gg.from_dlpack(np.ones(2, dtype)).dtype == np.dtype(dtype)


def test_asarray_copies_as_it_is_told():
    array = np.ones(2, np.float32)
    assert np.shares_memory(gg.asarray(array, copy=False).numpy(), array)
    assert np.shares_memory(gg.asarray(memoryview(array), copy=False).numpy(), array)
    assert not np.shares_memory(gg.asarray(array, copy=True).numpy(), array)
    shared = gg.asarray(array)
    assert gg.asarray(shared) is shared
    assert not np.shares_memory(gg.asarray(shared, copy=True).numpy(), array)


def test_operators_of_integers():
    x, y = np.array([6, -5, 3]), np.array([3, 2, -1])
    a, b = gg.asarray(x), gg.asarray(y)
    assert (a & b).tolist() == (x & y).tolist()
    assert (a | b).tolist() == (x | y).tolist()
    assert (a ^ b).tolist() == (x ^ y).tolist()
    assert (~a).tolist() == (~x).tolist()
    assert (a << 2).tolist() == (x << 2).tolist()
    assert (a >> 1).tolist() == (x >> 1).tolist()
    assert (a // b).tolist() == (x // y).tolist()
    assert (7 // b).tolist() == (7 // y).tolist()
    assert (7 % b).tolist() == (7 % y).tolist()
    assert (1 << gg.asarray([3])).tolist() == [8]
    assert (64 >> gg.asarray([3])).tolist() == [8]
    assert (5 ^ a).tolist() == (x ^ 5).tolist()
    assert (x & b).tolist() == (np.bitwise_and(x, b)).tolist() == (x & y).tolist()
    assert np.left_shift(a, 1).tolist() == (x << 1).tolist()
    assert np.floor_divide(a, 2).tolist() == (x // 2).tolist()
    assert np.conjugate(gg.asarray([1j])).tolist() == [-1j]
    assert [10, 20, 30][gg.asarray(1)] == 20
    assert round(gg.asarray([2.567, -0.5])).tolist() == [3.0, -0.0]
    assert round(gg.asarray(np.array([2.567])), 2).tolist() == [2.57]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.zeros(2, device="cuda"),
            ArgumentError,
            "glassgrad computes on the CPU: device may be None or 'cpu'; got 'cuda'. Leave it out, or pass x.device.",
        ),
        (
            lambda: gg.ones(1).to_device("gpu"),
            ArgumentError,
            "glassgrad computes on the CPU: device may be None or 'cpu'; got 'gpu'. Leave it out, or pass x.device.",
        ),
        (
            lambda: gg.isdtype(gg.float32, "float"),
            ArgumentError,
            "isdtype knows the kinds 'bool', 'signed integer', 'unsigned integer', 'integral', 'real floating', "
            "'complex floating', 'numeric'; got 'float'",
        ),
        (
            lambda: gg.finfo(gg.int64),
            DTypeError,
            "finfo needs a float or complex dtype; got int64. gg.iinfo tells of integers.",
        ),
        (
            lambda: gg.iinfo(gg.float32),
            DTypeError,
            "iinfo needs an integer dtype; got float32. gg.finfo tells of floats.",
        ),
        (lambda: gg.result_type(), ArgumentError, "result_type needs at least one tensor or dtype; got none"),
        (
            lambda: gg.can_cast("number", gg.int8),
            DTypeError,
            "expected a dtype such as gg.float32 or 'int64'; got 'number'",
        ),
        (
            lambda: gg.astype(gg.ones(1), None),
            DTypeError,
            "expected a dtype such as gg.float32 or 'int64'; got None",
        ),
        (
            lambda: gg.ones(1).__array_namespace__(api_version="2031.12"),
            ArgumentError,
            "glassgrad follows the array API standard of 2024.12, which contains the earlier ones; "
            "got api_version='2031.12'",
        ),
        (
            lambda: gg.from_dlpack([1.0]),
            ArgumentError,
            "from_dlpack takes an array with a method __dlpack__; got list. gg.asarray takes the rest.",
        ),
        (
            lambda: np.from_dlpack(gg.tensor([1.0], requires_grad=True)),
            ExchangeError,
            "DLPack hands over values alone, so the gradient of this tensor would be lost: write x.detach() if none "
            "is meant to flow",
        ),
        (
            lambda: gg.asarray([1.0], copy=False),
            ArgumentError,
            "asarray(copy=False) cannot make a tensor of this list without a copy: only a NumPy array (or buffer) that "
            "has the tensor's dtype already shares its memory",
        ),
        (
            lambda: float(gg.asarray(1j)),
            DTypeError,
            "float() of a complex number would lose its imaginary part: gg.real(x), gg.imag(x) and gg.abs(x) are "
            "real, complex(x) is the number",
        ),
        (lambda: int(gg.asarray(math.inf)), DTypeError, "int() needs a finite number; got inf"),
        (
            lambda: gg.ones(2) << 1,
            DTypeError,
            "bitwise_left_shift needs an int input; got x1 float32 of shape (2,). gg.astype(x, gg.int64) converts.",
        ),
        (
            lambda: gg.asarray([1]) ^ gg.ones(1),
            DTypeError,
            "bitwise_xor needs a bool or int input; got x2 float32 of shape (1,). For logic compare first, for example "
            "x > 0; for bits gg.astype(x, gg.int64) converts.",
        ),
        (
            lambda: gg.asarray(np.array([1], np.uint64)) | gg.asarray([1]),
            DTypeError,
            "bitwise_or needs integers of a dtype that holds the values of both; there is none for uint64 and int64. "
            "gg.astype converts one.",
        ),
        (
            lambda: gg.real(gg.asarray([True])),
            DTypeError,
            "real needs an int, float or complex input; got bool of shape (1,). gg.astype(x, gg.float32) converts.",
        ),
        (
            lambda: gg.complex(gg.ones(1), 1j),
            DTypeError,
            "complex needs a bool, int or float input; got imag complex64 of shape ().",
        ),
        (
            lambda: gg.complex(gg.ones(2), gg.ones(3)),
            ShapeError,
            "complex cannot broadcast real float32[2] and imag float32[3]: counted from the right, axis -1 has sizes "
            "2 and 3. Sizes must be equal or 1; gg.reshape or gg.expand_dims can add an axis of size 1.",
        ),
        (
            lambda: gg.round(gg.ones(1), 0.5),
            ArgumentError,
            "round needs a number of decimals that is an integer; got 0.5",
        ),
        (
            lambda: gg.round(gg.asarray([123]), -2),
            ArgumentError,
            "round to -2 decimals needs floats, because integers would lose their dtype; got int64. "
            "gg.astype(x, gg.float64) converts.",
        ),
        (
            lambda: gg.meshgrid(gg.ones(2), gg.ones((2, 2))),
            ShapeError,
            "meshgrid needs vectors; input 1 has shape (2, 2)",
        ),
        (
            lambda: gg.meshgrid(gg.ones(2), indexing="yx"),
            ArgumentError,
            "meshgrid takes indexing 'xy' or 'ij'; got 'yx'",
        ),
        (
            lambda: gg.meshgrid(gg.ones(2), gg.asarray([1])),
            DTypeError,
            "meshgrid needs vectors of one dtype; got float32, int64. gg.astype converts.",
        ),
        (lambda: gg.arange("a"), ArgumentError, "arange needs a number for stop; got 'a'"),
        (lambda: gg.arange(0, 1j), ArgumentError, "arange needs a real number for stop; got 1j"),
        (
            lambda: gg.arange(math.nan),
            ArgumentError,
            "arange from 0 to nan by 1 is impossible: arange: cannot compute length",
        ),
        (
            lambda: gg.linspace(0, 1, 2.5),
            ArgumentError,
            "linspace needs a number of points that is an integer; got 2.5",
        ),
        (lambda: gg.linspace(0, "b", 2), ArgumentError, "linspace needs a number for stop; got 'b'"),
        (lambda: gg.eye(2, k=0.5), ArgumentError, "eye needs a diagonal k that is an integer; got 0.5"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
