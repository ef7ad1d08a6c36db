"""A permutation that depends on nothing but a seed and a stream number."""

from __future__ import annotations

import operator

import numpy as np
import numpy.typing as npt

from ..errors import ArgumentError

SPLIT_STREAM = 2**64 - 1  # epochs count up from 0, so a split never repeats the order of an epoch


def permutation(n: int, seed: int, stream: int) -> npt.NDArray[np.intp]:
    """The numbers 0 to n-1 in random order, int, shape (n,); the same for the same (seed, stream), always.

    Every row draws 64 random bits from the Philox generator whose 128-bit key is (seed, stream), and the rows
    are put in the order of their draws. Nothing is carried from one stream to the next, so the order of epoch
    1000 costs no more than that of epoch 0.

    Source: Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3".

    >>> permutation(5, seed=0, stream=0).tolist() == permutation(5, seed=0, stream=0).tolist()
    True
    >>> sorted(permutation(5, seed=0, stream=1).tolist())
    [0, 1, 2, 3, 4]
    """
    key = np.array([checked_word("seed", seed), checked_word("stream", stream)], dtype=np.uint64)
    # NumPy promises that Philox keeps its raw bits, but not that Generator.permutation keeps its algorithm; a
    # resumed run must see the same order under a newer NumPy. A stable sort settles the rare equal draws.
    draws = np.random.Philox(key=key).random_raw(n)
    return np.argsort(draws, kind="stable")


def checked_word(name: str, value: int) -> int:
    """`value` as an int from 0 to 2**64-1, the range of half a Philox key; ArgumentError otherwise.

    >>> checked_word("seed", 7)
    7
    """
    number = checked_int(name, value)
    if not 0 <= number < 2**64:
        raise ArgumentError(f"{name} must be from 0 to 2**64-1; got {number}")
    return number


def checked_int(name: str, value: object) -> int:
    """`value` as an int; ArgumentError for floats, strings and booleans.

    >>> checked_int("batch_size", 32)
    32
    """
    if isinstance(value, (bool, np.bool_)):
        raise ArgumentError(f"{name} must be a whole number; got {value}")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        hint = ". // divides to a whole number" if isinstance(value, float) else ""
        raise ArgumentError(
            f"{name} must be a whole number; got {value!r} ({type(value).__name__}){hint}"
        ) from None
