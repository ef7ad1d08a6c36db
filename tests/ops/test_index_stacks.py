"""Index expressions of every kind on stacks: the batch rules against one member after the other, on drawn keys."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.ops.index import Index, IndexAdd, IndexSet
from glassgrad.ops.key import split_key
from glassgrad.ops.stacks import apply_to_stacks, one_by_one
from glassgrad.tensor import Tensor

SHAPE = (3, 2, 4, 2)
MEMBERS = 3


def drawn_key(rng):
    """Integers, slices, index arrays of 0 to 2 axes, new axes and at most one ellipsis, in any order."""
    items = [drawn_item(size, rng) for size in SHAPE]
    if rng.random() < 0.4:
        start, stop = sorted(rng.integers(0, len(items) + 1, 2))
        items[start:stop] = [...]
    else:
        items = items[: rng.integers(len(items) + 1)]
    for _ in range(rng.integers(0, 3)):
        items.insert(rng.integers(len(items) + 1), None)
    return tuple(items)


def drawn_item(size, rng):
    """An integer, a slice or an index array for an axis of `size`."""
    kind = rng.integers(4)
    if kind == 0:
        return int(rng.integers(-size, size))
    if kind == 1:
        start, stop = rng.integers(-size, size + 1, 2)
        return slice(int(start), int(stop), int(rng.choice([-2, -1, 1, 2])))
    return rng.integers(-size, size, [(), (3,), (1,), (2, 3), (2, 1)][rng.integers(5)])


def stacked(array, is_stack, rng):
    """`array`, or a stack of others like it: with the same numbers in another order."""
    if not is_stack:
        return Tensor(array)
    return Tensor(np.stack([rng.permutation(array.ravel()).reshape(array.shape) for _ in range(MEMBERS)]))


@pytest.mark.parametrize("seed", range(300))
def test_stacks_of_tensors_and_of_index_arrays(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=SHAPE)
    expression = drawn_key(rng)
    key, arrays = split_key(gg.asarray(x), expression)
    chosen = x[expression]
    row = chosen[..., :1] if chosen.ndim else chosen
    for op, linear in (
        (Index(key), (x,)),
        (IndexAdd(key, SHAPE), (rng.normal(size=chosen.shape),)),
        (IndexSet(key), (x, rng.normal(size=chosen.shape))),
        (IndexSet(key), (x, rng.normal(size=row.shape))),
        (IndexSet(key), (x, np.array(0.5))),
    ):
        inputs = (*linear, *(array.numpy() for array in arrays))
        batched = rng.random(len(inputs)) < 0.5
        batched[rng.integers(len(inputs))] = True
        stacks = tuple(stacked(array, is_stack, rng) for array, is_stack in zip(inputs, batched, strict=True))
        found = apply_to_stacks(op, tuple(batched), stacks)
        assert np.array_equal(found.numpy(), one_by_one(op, tuple(batched), stacks).numpy()), (op, batched)
