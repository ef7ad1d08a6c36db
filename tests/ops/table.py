"""The op test table: for every op, instances with inputs. `test_rules` puts every question about its rules to each.

Inputs are float64 (indices int64, conditions bool). No row stands on a kink at which central differences disagree
with the documented derivative (relu at 0, abs at 0): `test_kinks` states those by value.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from row import (
    PAIRS,
    Row,
    away_from_integers,
    away_from_zero,
    between,
    near_integers,
    of_one,
    of_two,
    plus_or_minus_one,
    truth,
)

import glassgrad as gg
from glassgrad.ops import (
    activation,
    arithmetic,
    compare,
    contract,
    exponential,
    joining,
    reduce,
    rounding,
    shape,
    signs,
    sorting,
    trigonometric as trig,
)
from glassgrad.ops.index import Index, IndexAdd, IndexSet, split_key
from glassgrad.ops.philox import RandomUniform


def elementwise() -> Iterator[Row]:
    wide, signed, positive = between(-2, 2), away_from_zero(), between(0.3, 2)
    yield from of_two(arithmetic.Add(), wide, wide)
    yield from of_two(arithmetic.Subtract(), wide, wide)
    yield from of_two(arithmetic.Multiply(), wide, wide)
    yield from of_two(arithmetic.Divide(), wide, signed)
    yield from of_two(arithmetic.Power(), positive, wide)
    bases, exponents = np.array([0.0, 0.0, -1.5, 0.0]), np.array([2.0, 3.0, 3.0, 1.0])
    yield Row(arithmetic.Power(), (bases, exponents), "base not positive", twice=True, fixed=(1,))
    # 5.5 % 2 and the like: at least 0.2 from where the remainder jumps
    yield from of_two(arithmetic.Remainder(), away_from_integers, plus_or_minus_one)
    # now the first and now the second is larger, by at least 0.3
    yield from of_two(arithmetic.Maximum(), between(-0.7, 0.7), away_from_zero(1, 2))
    yield from of_two(arithmetic.Minimum(), between(-0.7, 0.7), away_from_zero(1, 2))
    yield Row(arithmetic.Maximum(), (np.array([1.0, 2.0]), np.array([1.0, 3.0])), "ties")
    yield Row(arithmetic.Minimum(), (np.array([1.0, 2.0]), np.array([1.0, 3.0])), "ties")
    bounds = (np.array([-1.0, 1.0, -0.5]), np.array([1.0, 2.0, 2.0]))
    yield Row(arithmetic.Clip(), (np.array([[0.5, 0.5, 3.0]]), *bounds), "inside, below, above", twice=True)
    yield Row(arithmetic.Clip(), (np.zeros((0, 3)), *bounds), "no elements")
    yield Row(arithmetic.Clip(), (np.array(0.5), np.array(0.0), np.array(1.0)), "no axes")
    yield from of_one(arithmetic.Negative(), wide)
    yield from of_one(arithmetic.Square(), wide)
    yield from of_one(arithmetic.Reciprocal(), signed, (0.1, -0.1))
    yield from of_one(signs.Abs(), signed)
    yield from of_one(signs.Sign(), signed)
    for op in (rounding.Floor(), rounding.Ceil(), rounding.Trunc()):
        yield from of_one(op, away_from_integers)
    yield from of_one(rounding.Round(), near_integers)

    yield from of_one(exponential.Exp(), wide, (-30.0, 5.0))
    yield from of_one(exponential.Expm1(), wide, (-30.0, 0.0, 1e-9))
    yield from of_one(exponential.Log(), positive, (0.05, 100.0))
    yield from of_one(exponential.Log1p(), positive, (-0.9, 0.0, 1e-9))
    yield from of_one(exponential.Sqrt(), positive, (0.05, 100.0))
    # sigmoid and softplus are written with abs, which has a kink at 0 where the function itself is smooth
    yield from of_one(exponential.Sigmoid(), wide, (0.0, -40.0, 40.0))
    yield from of_one(exponential.Softplus(), wide, (0.0, -40.0, 40.0))
    yield from of_two(exponential.Logaddexp(), wide, wide)
    yield Row(
        exponential.Logaddexp(), (np.array([1.0, 50.0]), np.array([1.0, 0.0])), "ties, far apart", twice=True
    )

    yield from of_one(trig.Sin(), wide)
    yield from of_one(trig.Cos(), wide)
    yield from of_one(trig.Tan(), between(-1, 1), (1.3,))
    yield from of_one(trig.Asin(), between(-0.8, 0.8), (0.95, -0.95))
    yield from of_one(trig.Acos(), between(-0.8, 0.8), (0.95, -0.95))
    yield from of_one(trig.Atan(), wide, (0.0, 1000.0))
    yield from of_one(trig.Sinh(), wide)
    yield from of_one(trig.Cosh(), wide)
    yield from of_one(trig.Tanh(), wide, (0.0, -20.0, 20.0))
    yield from of_two(trig.Atan2(), signed, signed)

    yield from of_one(activation.Relu(), signed)
    yield from of_one(activation.LeakyRelu(0.1), signed)
    yield from of_one(activation.Elu(1.5), signed, (-30.0,))

    yield from of_comparisons()


def of_comparisons() -> Iterator[Row]:
    wide = between(-2, 2)
    for op in (
        compare.Equal(),
        compare.NotEqual(),
        compare.Greater(),
        compare.GreaterEqual(),
        compare.Less(),
        compare.LessEqual(),
    ):
        yield from of_two(op, wide, wide)
    for op in (compare.LogicalAnd(), compare.LogicalOr()):
        yield from of_two(op, truth, truth)
    yield from of_one(compare.LogicalNot(), truth)
    for about, (left, right) in PAIRS.items():
        yield Row(compare.Where(), (truth(left), wide(left), wide(right)), about, twice=about == "plain")
    yield Row(compare.Where(), (truth((3,))[::-1], wide((2, 6))[:, ::2], wide(())), "strided")


def rearranging() -> Iterator[Row]:
    wide = between(-2, 2)
    x = wide((2, 3))
    yield Row(shape.Reshape((3, 2)), (x,), "plain", twice=True)
    yield Row(shape.Reshape((1,)), (wide(()),), "from no axes")
    yield Row(shape.Reshape((0, 5)), (wide((0, 3)),), "no elements")
    yield Row(shape.Reshape((6,)), (x.T,), "every other")
    yield Row(shape.PermuteDims((2, 0, 1)), (wide((2, 3, 2)),), "plain", twice=True)
    yield Row(shape.PermuteDims(()), (wide(()),), "no axes")
    yield Row(shape.PermuteDims((1, 0)), (wide((0, 3)),), "no elements")
    yield Row(shape.PermuteDims((1, 0)), (x[:, ::-1],), "backwards")
    yield Row(shape.BroadcastTo((2, 2, 3)), (wide((2, 1)),), "plain", twice=True)
    yield Row(shape.BroadcastTo((2, 3)), (wide(()),), "from no axes")
    yield Row(shape.BroadcastTo((0, 3)), (wide((1, 3)),), "to no elements")
    yield Row(shape.BroadcastTo((2, 3)), (wide((6,))[::-2],), "backwards")
    yield Row(shape.Flip((0, 1)), (x,), "plain", twice=True)
    yield Row(shape.Flip(()), (wide(()),), "no axes")
    yield Row(shape.Flip((0,)), (wide((0, 3)),), "no elements")
    yield Row(joining.Concat(1), (x, wide((2, 1)), wide((2, 0))), "plain", twice=True)
    yield Row(joining.Concat(0), (x[::-1], x.T[:2].repeat(2, 1)[:, :3]), "strided")
    yield Row(joining.Concat(0), (wide((0,)), wide((0,))), "no elements")
    yield Row(joining.Pad(((1, 0), (0, 2))), (x,), "plain", twice=True)
    yield Row(joining.Pad(()), (wide(()),), "no axes")
    yield Row(joining.Pad(((1, 1), (0, 0))), (wide((0, 3)),), "no elements")
    yield Row(joining.Pad(((1, 1),)), (wide((4,))[::-2],), "backwards")
    yield Row(shape.Astype(gg.float64), (x,), "plain", twice=True)
    yield Row(shape.Astype(gg.int64), (x,), "to integers")
    yield Row(shape.Identity(), (x,), "plain", twice=True)
    yield Row(shape.StopGradient(), (x,), "plain")
    yield from of_indexing()


def of_indexing() -> Iterator[Row]:
    x = between(-2, 2)((3, 4))
    every = slice(None)
    keys: dict[str, Any] = {
        "number": 1,
        "slice": (slice(2, 0, -1), slice(None, None, 2)),
        "new axis, ellipsis": (None, ..., 1),
        "array with repeats": np.array([0, 2, 0]),
        "two arrays": (np.array([[0], [2]]), np.array([1, -1, 1])),
        "arrays apart": (np.array([0, 2]), None, np.array([1, 1])),
        "array after slice": (every, np.array([3, 0, 0])),
        "mask": x > 0,
        "mask of rows": np.array([True, False, True]),
        "nothing": slice(0, 0),
        "no positions": np.zeros(0, np.int64),
        "all of it": (),
    }
    for about, expression in keys.items():
        key, found = split_key(gg.asarray(x), expression)
        arrays = tuple(array.numpy() for array in found)
        chosen = x[expression]
        yield Row(Index(key), (x, *arrays), about, twice=about == "array with repeats")
        yield Row(IndexAdd(key, x.shape), (chosen, *arrays), about, twice=about == "array with repeats")
        # a position that is set twice takes the last value, which test_indexing states; here each is set once
        once = about not in ("array with repeats", "two arrays", "array after slice")
        if once:
            values = between(-2, 2)(chosen.shape)
            yield Row(IndexSet(key), (x, values, *arrays), about, twice=about == "mask")
            yield Row(IndexSet(key), (x, np.array(0.5), *arrays), f"{about}, one value")
    key, _ = split_key(gg.asarray(x), 1)
    yield Row(Index(key), (x.T[::-1],), "strided")


def combining() -> Iterator[Row]:
    wide = between(-2, 2)
    x, cube = wide((2, 3)), wide((2, 3, 2))
    reductions = {
        "plain": (x, (1,), False),
        "kept axis": (x, (0,), True),
        "outer axes": (cube, (0, 2), False),
        "all axes": (cube, (0, 1, 2), False),
        "over no axes": (x, (), False),
        "no axes": (wide(()), (), True),
        "no elements in the rest": (wide((0, 3)), (1,), False),
        "strided": (cube.T[:, ::-1], (1,), True),
    }
    for about, (value, axes, kept) in reductions.items():
        twice = about in ("plain", "outer axes")
        for family in (reduce.Sum, reduce.Max, reduce.Min, reduce.Prod, reduce.All, reduce.Any_):
            yield Row(family(axes, kept), (value,), about, twice=twice)
        if len(axes) == 1:
            yield Row(reduce.Argmax(axes[0], kept), (value,), about)
            yield Row(reduce.Argmin(axes[0], kept), (value,), about)
    nothing = wide((0, 3))
    yield Row(reduce.Sum((0,), False), (nothing,), "no elements")
    yield Row(reduce.Prod((0,), False), (nothing,), "no elements")
    yield Row(reduce.All((0,), False), (nothing,), "no elements")
    yield Row(reduce.Any_((0,), False), (nothing,), "no elements")
    zeros = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [1.0, 2.0, 3.0]])
    yield Row(reduce.Prod((1,), False), (zeros,), "zeros", twice=True)
    # with two equal largest elements, each share is 1/2 from the right and from the left
    yield Row(reduce.Max((1,), False), (np.array([[2.0, 2.0, 1.0]]),), "ties")
    yield Row(reduce.Min((1,), False), (np.array([[0.5, 2.0, 0.5]]),), "ties")
    for about, value in (("plain", x), ("no elements", nothing), ("ties", np.array([[1.0, 0.0, 1.0]]))):
        yield Row(sorting.Argsort(1), (value,), about)

    yield Row(contract.Matmul(), (x, wide((3, 2))), "plain", twice=True)
    yield Row(contract.Matmul(), (wide((2, 1, 2, 3)), wide((2, 3, 1))), "broadcast", twice=True)
    yield Row(contract.Matmul(), (wide((2, 0)), wide((0, 3))), "no inner elements")
    yield Row(contract.Matmul(), (wide((0, 2)), wide((2, 3))), "no elements")
    yield Row(contract.Matmul(), (wide((3, 2)).T, wide((3, 4))[:, ::-2]), "strided")
    yield Row(RandomUniform((2, 3), gg.float64), (np.array([7, 0], np.uint64),), "plain")


def elsewhere() -> Iterator[Row]:
    """The rows of every family of ops that has a file of its own: `rows_<family>.py`, with a generator `rows`."""
    for path in sorted(Path(__file__).parent.glob("rows_*.py")):
        yield from importlib.import_module(path.stem).rows()


ROWS = (*elementwise(), *rearranging(), *combining(), *elsewhere())
