"""The order of an epoch: from Philox's raw bits, so that no version of NumPy changes it."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from glassgrad.data.shuffle import permutation
from glassgrad.errors import ArgumentError

WORD = 2**64 - 1


def philox(key: tuple[int, int], block: int) -> list[int]:
    """Philox 4x64 with 10 rounds, written from Salmon et al. (2011), figure 2 and table 2."""
    counter = [block, 0, 0, 0]
    left, right = key
    for _ in range(10):
        first, second = counter[0] * 0xD2E7470EE14C6C93, counter[2] * 0xCA5A826395121157
        counter = [
            (second >> 64) ^ counter[1] ^ left,
            second & WORD,
            (first >> 64) ^ counter[3] ^ right,
            first & WORD,
        ]
        left, right = (left + 0x9E3779B97F4A7C15) & WORD, (right + 0xBB67AE8584CAA73B) & WORD
    return counter


@pytest.mark.parametrize(("seed", "stream"), [(0, 0), (0, 1), (1, 0), (12345, 678), (WORD, WORD)])
def test_rows_are_sorted_by_philox_bits_of_seed_and_stream(seed, stream):
    draws = [bits for block in range(1, 4) for bits in philox((seed, stream), block)][:10]
    assert permutation(10, seed, stream).tolist() == sorted(range(10), key=lambda row: draws[row])


@given(n=st.integers(0, 300), seed=st.integers(0, WORD), stream=st.integers(0, WORD))
def test_every_number_occurs_once(n, seed, stream):
    assert sorted(permutation(n, seed, stream).tolist()) == list(range(n))


def test_every_order_of_three_rows_is_equally_likely():
    counts = np.zeros((3, 3, 3))
    for stream in range(6000):
        counts[tuple(permutation(3, 0, stream))] += 1
    found = counts[counts > 0]
    assert found.size == 6
    # chi squared with 5 degrees of freedom exceeds 20.5 with probability 0.001
    assert ((found - 1000) ** 2 / 1000).sum() < 20.5


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (-1, "seed must be from 0 to 2**64-1; got -1"),
        (2**64, "seed must be from 0 to 2**64-1; got 18446744073709551616"),
        (1.0, "seed must be a whole number; got 1.0 (float). // divides to a whole number"),
        (True, "seed must be a whole number; got True"),
        (None, "seed must be a whole number; got None (NoneType)"),
    ],
)
def test_wrong_seeds(seed, message):
    with pytest.raises(ArgumentError) as caught:
        permutation(3, seed, 0)
    assert str(caught.value) == message
