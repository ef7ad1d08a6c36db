"""The Python array API standard 2024.12: what a mix of dtypes gives, and the functions that tell."""

import itertools

import numpy as np
import pytest

import glassgrad as gg
from array_api_standard import (
    DTYPES,
)
from array_api_witness import OURS, THEIRS, name_of, strict
from glassgrad.errors import DTypeError

PAIRS = list(itertools.product(DTYPES, DTYPES))


def theirs_promoted(*dtypes):
    """The standard's answer, None where it leaves the question open."""
    try:
        return name_of(strict.result_type(*dtypes))
    except TypeError:
        return None


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_dtypes_promote_as_the_standard_says(first, second):
    wanted = theirs_promoted(THEIRS[first], THEIRS[second])
    found = gg.result_type(OURS[first], OURS[second])
    assert found == gg.result_type(OURS[second], OURS[first])
    if wanted is not None:
        assert str(found) == wanted
    if first != "bool" or second != "bool":
        assert gg.multiply(gg.ones(1, dtype=first), gg.ones(1, dtype=second)).dtype == found


def test_what_the_standard_leaves_open_is_between_kinds():
    left_open = {pair for pair in PAIRS if theirs_promoted(*(THEIRS[name] for name in pair)) is None}
    for first, second in left_open:
        kinds = {OURS[first].kind, OURS[second].kind}
        assert len(kinds & {"b", "i", "u", "f", "c"}) == 2
        floats = [OURS[name] for name in (first, second) if OURS[name].kind in "fc"]
        found = gg.result_type(OURS[first], OURS[second])
        if floats:
            assert found == floats[0]  # integers and booleans give way, whatever the width
        elif "b" in kinds:
            assert found == next(OURS[name] for name in (first, second) if name != "bool")
        else:
            assert {"uint64"} < {first, second}
            assert found == gg.float64


@pytest.mark.parametrize("number", [True, 2, 0.5, 1j], ids=repr)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_python_number_takes_the_dtype_beside_it(dtype, number):
    x = gg.ones(1, dtype=dtype)
    found = gg.result_type(x, number)
    assert found == gg.result_type(OURS[dtype], number) == gg.result_type(number, x)
    if not dtype == "bool" == type(number).__name__:
        assert (x * number).dtype == (number * x).dtype == found
    try:
        theirs = strict.asarray([1], dtype=THEIRS[dtype]) * number
    except (TypeError, OverflowError):
        return  # left open
    assert str(found) == name_of(theirs.dtype)


def test_a_numpy_scalar_beside_a_tensor_is_a_python_number():
    """np.float64 is a subclass of float, so to the standard it is one, and a model does not turn into float64."""
    x = gg.ones(2)
    for number in (np.float64(3.0), np.float32(3.0), np.int64(3), np.float16(3.0)):
        for result in (x * number, number * x, x - number, number - x, gg.maximum(x, number), x / number):
            assert result.dtype == gg.float32
    small = gg.ones(2, dtype=gg.int8)
    assert (small + np.int64(1)).dtype == (np.int64(1) + small).dtype == gg.int8
    assert (small * np.float64(0.5)).dtype == gg.float32
    assert (x * np.complex128(1j)).dtype == gg.complex64
    assert ((x > 0) & np.bool_(True)).tolist() == [True, True]
    # an array is an array, and alone a scalar keeps its dtype
    assert (x * np.array(3.0)).dtype == gg.float64
    assert gg.asarray(np.float64(3.0)).dtype == gg.sqrt(np.float64(3.0)).dtype == gg.float64


def test_a_list_beside_a_tensor_is_made_of_python_numbers():
    wide, half, small = gg.ones(1, dtype=gg.float64), gg.ones(1, dtype=gg.float16), gg.ones(1, dtype=gg.int8)
    assert (wide + [0.1]).tolist() == ([0.1] + wide).tolist() == [1.1]
    assert (half * (0.5, 2)).dtype == gg.float16
    assert (small + [1, 2]).dtype == gg.int8
    assert (small + [0.5]).dtype == gg.float32
    assert (small + [1j]).dtype == gg.complex64
    assert gg.where([True], wide, half).dtype == gg.float64
    # what has a dtype keeps it
    assert (half + [gg.ones(2)]).dtype == (half + [np.ones(2, np.float32)]).dtype == gg.float32
    with pytest.raises(DTypeError) as raised:
        small + [300]
    assert raised.value.message == "cannot make a tensor of [300]: Python integer 300 out of bounds for int8"


@pytest.mark.parametrize("dtype", [name for name in DTYPES if OURS[name].kind in "fc"])
def test_finfo(dtype):
    found, wanted = gg.finfo(OURS[dtype]), strict.finfo(THEIRS[dtype])
    for name in ("bits", "eps", "max", "min", "smallest_normal"):
        assert getattr(found, name) == getattr(wanted, name)
        assert type(getattr(found, name)) is (int if name == "bits" else float)
    assert str(found.dtype) == name_of(wanted.dtype)
    assert gg.finfo(gg.ones(1, dtype=dtype)) == found


@pytest.mark.parametrize("dtype", [name for name in DTYPES if OURS[name].kind in "iu"])
def test_iinfo(dtype):
    found, wanted = gg.iinfo(OURS[dtype]), strict.iinfo(THEIRS[dtype])
    for name in ("bits", "max", "min"):
        assert getattr(found, name) == getattr(wanted, name)
        assert type(getattr(found, name)) is int
    assert found.dtype == OURS[dtype]
    assert gg.iinfo(gg.ones(1, dtype=dtype)) == found


KINDS = (
    *(
        "bool",
        "signed integer",
        "unsigned integer",
        "integral",
        "real floating",
        "complex floating",
        "numeric",
    ),
)


@pytest.mark.parametrize("dtype", DTYPES)
def test_isdtype(dtype):
    for kind in KINDS:
        assert gg.isdtype(OURS[dtype], kind) is strict.isdtype(THEIRS[dtype], kind)
    for pair in itertools.combinations(KINDS, 2):
        assert gg.isdtype(OURS[dtype], pair) is strict.isdtype(THEIRS[dtype], pair)
    assert [name for name in DTYPES if gg.isdtype(OURS[dtype], OURS[name])] == [dtype]
    assert gg.isdtype(OURS[dtype], (gg.int8, ("bool", OURS[dtype])))


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_can_cast(first, second):
    found = gg.can_cast(OURS[first], OURS[second])
    assert found is gg.can_cast(gg.ones(1, dtype=first), OURS[second])
    if theirs_promoted(THEIRS[first], THEIRS[second]) is not None:
        assert found is strict.can_cast(THEIRS[first], THEIRS[second])


def test_result_type_of_many():
    assert gg.result_type(gg.int8, gg.uint8, gg.int32) == gg.int32
    assert gg.result_type(gg.ones(2), np.ones(2), 1j) == gg.complex128
    assert gg.result_type(gg.float16, 2, 0.5) == gg.float16
    assert gg.result_type(1, 2.0) == gg.float32
    assert gg.result_type("int16") == gg.int16


@pytest.mark.parametrize("dtype", DTYPES)
def test_astype_between_all_dtypes(dtype):
    for target in DTYPES:
        x = gg.asarray(np.array([0, 1, 3]).astype(dtype))
        if OURS[dtype].kind == "c" and OURS[target].kind != "c":
            with pytest.raises(DTypeError):
                gg.astype(x, OURS[target])
        else:
            found = gg.astype(x, OURS[target], copy=False, device="cpu")
            assert found.numpy().tolist() == np.array([0, 1, 3]).astype(dtype).astype(target).tolist()
            assert found.dtype == OURS[target]


def test_long_doubles_are_refused():
    long = np.longdouble(1.0)
    if long.dtype.itemsize == 8:
        pytest.skip("here a long double is a double")
    message = (
        f"tensors hold floats of 16, 32 or 64 bits and complex numbers of 64 or 128; got dtype {long.dtype}. "
        f"Round it first: array.astype('float64')."
    )
    for make in (
        lambda: gg.asarray(long),
        lambda: gg.asarray(np.ones(2, np.longdouble)),
        lambda: gg.zeros(2, dtype=np.longdouble),
        lambda: gg.ones(2) * long,
        lambda: gg.ones(2) + np.ones(2, np.longdouble),
    ):
        with pytest.raises(DTypeError) as raised:
            make()
        assert raised.value.message == message
    with pytest.raises(DTypeError, match="complex128"):
        gg.asarray(np.ones(2, np.clongdouble))
    assert gg.asarray(long, gg.float64).dtype == gg.float64
