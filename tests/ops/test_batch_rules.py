"""The batch rule of every op against the op applied to one member after the other."""

import numpy as np
import pytest
from row import Row
from table import ROWS

from glassgrad.ops.stacks import apply_to_stacks
from glassgrad.tensor import Tensor, apply

EPSILON = np.finfo(np.float64).eps
RNG = np.random.default_rng(11)


def members_of(x, count):
    """Other inputs of the same shape and kind: shuffled, so that domains and index ranges are kept."""
    flat = np.ravel(x)
    return [flat[RNG.permutation(flat.size)].reshape(x.shape) for _ in range(count)]


def choices(row: Row):
    """Which inputs are stacks: each one alone, and all of them."""
    count = len(row.inputs)
    alone = [tuple(i == place for i in range(count)) for place in range(count)]
    return dict.fromkeys([*alone, (True,) * count])


CASES = [(row, batched) for row in ROWS for batched in choices(row)]


@pytest.mark.parametrize(
    ("row", "batched"), CASES, ids=[f"{row}-{''.join('-x'[b] for b in batched)}" for row, batched in CASES]
)
def test_batch_rule_agrees_with_one_by_one(row, batched):
    stacks = [np.stack(members_of(x, 3)) if b else x for x, b in zip(row.inputs, batched, strict=True)]
    if not row.members_may_be_shuffled:
        stacks = [np.stack([x, x, x]) if b else x for x, b in zip(row.inputs, batched, strict=True)]
    found = apply_to_stacks(row.op, batched, tuple(map(Tensor, stacks)))
    for i in range(3):
        member = [x[i] if b else x for x, b in zip(stacks, batched, strict=True)]
        expected = apply(row.op, *map(Tensor, member))
        assert found[i].shape == expected.shape
        assert found[i].dtype == expected.dtype
        np.testing.assert_allclose(found[i].numpy(), expected.numpy(), rtol=64 * EPSILON, atol=64 * EPSILON)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_batch_rule_of_no_members(row):
    stacks = [Tensor(np.zeros((0, *x.shape), x.dtype)) for x in row.inputs]
    found = apply_to_stacks(row.op, (True,) * len(stacks), tuple(stacks))
    expected = apply(row.op, *map(Tensor, row.inputs))
    assert (found.shape, found.dtype) == ((0, *expected.shape), expected.dtype)
