"""Which dtype a mix of dtypes gives, and which one a Python number takes."""

import itertools

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.tensor.dtype import promote, scalar_dtype

FLOATS = (gg.float16, gg.float32, gg.float64, gg.complex64, gg.complex128)
INTEGERS = (gg.int8, gg.int16, gg.int32, gg.int64, gg.uint8, gg.uint16, gg.uint32, gg.uint64)
ALL = (gg.bool_, *INTEGERS, *FLOATS)


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (gg.float32, gg.float64, gg.float64),
        (gg.float16, gg.float32, gg.float32),
        (gg.float32, gg.int64, gg.float32),
        (gg.float16, gg.int64, gg.float16),
        (gg.float32, gg.bool_, gg.float32),
        (gg.int8, gg.bool_, gg.int8),
        (gg.int8, gg.uint8, gg.int16),
        (gg.int8, gg.int32, gg.int32),
        (gg.complex64, gg.float64, gg.complex128),
        (gg.complex64, gg.float32, gg.complex64),
        (gg.complex64, gg.int64, gg.complex64),
        (gg.bool_, gg.bool_, gg.bool_),
    ],
)
def test_two_dtypes(first, second, wanted):
    assert promote({first, second}) == promote({second, first}) == wanted


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_a_dtype_with_itself_or_a_boolean_is_itself(dtype):
    assert promote({dtype}) == promote({dtype, gg.bool_}) == dtype


@pytest.mark.parametrize("dtypes", list(itertools.combinations((gg.bool_, *FLOATS), 3)), ids=str)
def test_promotion_of_floats_is_associative(dtypes):
    for a, b, c in itertools.permutations(dtypes):
        assert promote({promote({a, b}), c}) == promote({a, promote({b, c})}) == promote({a, b, c})


@pytest.mark.parametrize(("first", "second"), list(itertools.product(INTEGERS, FLOATS)), ids=str)
def test_integers_give_way_to_floats_of_any_width(first, second):
    assert promote({first, second}) == second


@pytest.mark.parametrize(
    ("number", "partners", "wanted"),
    [
        (2, set(), gg.int64),
        (2.0, set(), gg.float32),
        (True, set(), gg.bool_),
        (2j, set(), gg.complex64),
        (2, {gg.float64}, gg.float64),
        (2.0, {gg.float64}, gg.float64),
        (2.0, {gg.float16}, gg.float16),
        (2.0, {gg.int64}, gg.float32),
        (2, {gg.int8}, gg.int8),
        (2, {gg.uint8}, gg.uint8),
        (2, {gg.bool_}, gg.int64),
        (True, {gg.bool_}, gg.bool_),
        (True, {gg.int8}, gg.int8),
        (2.0, {gg.bool_}, gg.float32),
        (2j, {gg.float32}, gg.complex64),
        (2j, {gg.float64}, gg.complex128),
        (2j, {gg.complex128}, gg.complex128),
        (2.0, {gg.complex64}, gg.complex64),
        (2.0, {gg.float32, gg.float64}, gg.float64),
        (2, {gg.int8, gg.float32}, gg.float32),
        (2.0, {gg.bool_, gg.float64}, gg.float64),
    ],
)
def test_a_python_number_takes_the_dtype_beside_it_where_it_fits(number, partners, wanted):
    assert scalar_dtype(number, partners) == wanted


def test_a_python_number_never_widens_the_result():
    for dtype in (gg.float16, gg.float32, gg.float64):
        x = gg.ones(2, dtype=dtype)
        for result in (x + 1, x * 0.1, 2.0 - x, 1 / x, x**2, x**0.5, gg.maximum(x, 0), gg.where(x > 0, x, 0)):
            assert result.dtype == dtype
    assert (gg.asarray(np.array([1], np.uint8)) + 1).dtype == gg.uint8


def test_arithmetic_of_integers_wraps_like_numpys():
    assert (gg.asarray(np.array([255], np.uint8)) + 1).tolist() == [0]
    assert (-gg.asarray(np.array([1], np.uint8))).tolist() == [255]
    assert gg.square(gg.asarray(np.array([100], np.int8))).tolist() == [16]
    assert gg.abs(gg.asarray(np.array([-128], np.int8))).tolist() == [-128]


def test_booleans_add_as_or_and_multiply_as_and():
    truth = gg.asarray([True, True, False])
    other = gg.asarray([True, False, False])
    assert (truth + other).tolist() == [True, True, False]
    assert (truth * other).tolist() == [True, False, False]
    assert (truth + 1).tolist() == [2, 2, 1]
    assert (truth * 1.5).tolist() == [1.5, 1.5, 0.0]


def test_complex_numbers_compute():
    z = gg.asarray([1 + 2j, -1j])
    assert (z * z).tolist() == [-3 + 4j, -1 + 0j]
    assert (z / 2).tolist() == [0.5 + 1j, -0.5j]
    assert gg.exp(gg.asarray(np.array(1j))).item() == pytest.approx(complex(np.cos(1), np.sin(1)))
    assert gg.sum(z).item() == 1 + 1j
