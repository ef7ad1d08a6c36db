"""Sums of values that are zero but for one part become one value put together from the parts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from steps import assert_same_values, graph_of, steps_of, values

import glassgrad as gg
from glassgrad.compiler.passes import assemble_parts
from glassgrad.compiler.passes.parts import Assemble
from glassgrad.graph import Aval, Graph


def assemblies(graph: Graph) -> list[Assemble]:
    return [node.op for node in graph.body if isinstance(node.op, Assemble)]


def padded(*starts: int, size: int = 2, whole: int = 6) -> Callable[..., Any]:
    """The sum of vectors that begin at these places of a longer one."""

    def function(*parts: Any) -> Any:
        total = None
        for start, part in zip(starts, parts, strict=True):
            term = gg.pad(part, [(start, whole - start - size)])
            total = term if total is None else total + term
        return total

    return function


def test_parts_that_fill_the_whole() -> None:
    before = graph_of(padded(2, 0, 4), (2,), (2,), (2,))
    after = assemble_parts(before)
    assert steps_of(after) == ["assemble"]
    (op,) = assemblies(after)
    assert (op.boxes, op.fills) == ((((2, 4),), ((0, 2),), ((4, 6),)), False)
    assert_same_values(after, before)


def test_what_no_part_covers_is_zero() -> None:
    before = graph_of(padded(0, 4), (2,), (2,))
    after = assemble_parts(before)
    assert [op.fills for op in assemblies(after)] == [True]
    assert_same_values(after, before)


def test_parts_at_one_place_are_added_first() -> None:
    before = graph_of(padded(0, 4, 0), (2,), (2,), (2,))
    after = assemble_parts(before)
    assert steps_of(after) == ["add", "assemble"]
    assert next(n for n in after.body if n.op.name == "add").shape == (2,)
    assert_same_values(after, before)


@pytest.mark.parametrize("starts", [(0, 1), (2, 3)])
def test_parts_that_overlap_stay(starts: tuple[int, ...]) -> None:
    before = graph_of(padded(*starts), *[(2,)] * len(starts))
    assert assemble_parts(before).body == before.body


def test_parts_that_overlap_are_several_wholes() -> None:
    """The gradient of x, rolled to the left and to the right."""
    before = graph_of(padded(0, 3, 1, 4, 2, size=2), *[(2,)] * 5)
    after = assemble_parts(before)
    assert [op.boxes for op in assemblies(after)] == [(((0, 2),), ((3, 5),)), (((1, 3),), ((4, 6),))]
    assert sorted(steps_of(after)) == ["add", "add", "assemble", "assemble", "pad"]
    for a, b in zip(*map(values, (after, before)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-15)


def test_other_terms_stay_terms() -> None:
    def function(x: Any, a: Any, b: Any) -> Any:
        return (gg.pad(a, [(0, 2)]) + gg.sin(x)) + (x + gg.pad(b, [(2, 0)]))

    before = graph_of(function, (4,), (2,), (2,))
    after = assemble_parts(before)
    assert sorted(steps_of(after)) == ["add", "add", "assemble", "sin"]
    for a, b in zip(*map(values, (after, before)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-15)


def test_a_sum_that_others_read_is_a_sum_of_its_own() -> None:
    def function(a: Any, b: Any, c: Any) -> Any:
        first = gg.pad(a, [(0, 4)]) + gg.pad(b, [(2, 2)])
        return first, first + gg.pad(c, [(4, 0)])

    before = graph_of(function, (2,), (2,), (2,))
    after = assemble_parts(before)
    assert sorted(steps_of(after)) == ["add", "assemble", "pad"]
    assert_same_values(after, before)


def test_one_part_alone_stays() -> None:
    before = graph_of(lambda x, a: x + gg.pad(a, [(0, 2)]), (4,), (2,))
    assert assemble_parts(before).body == before.body


def test_a_step_larger_than_one_stays() -> None:
    before = graph_of(gg.grad(lambda x: gg.sum(gg.sin(x[::2])) + gg.sum(gg.cos(x[1::2]))), (6,))
    assert not assemblies(assemble_parts(before))


def test_gradients_of_pieces() -> None:
    def loss(x: Any) -> Any:
        rows = [gg.sin(x[:, i : i + 2]) for i in (0, 2, 4)]
        return gg.sum(rows[0] * rows[1] + rows[2])

    before = graph_of(gg.grad(loss), (3, 6))
    after = assemble_parts(before)
    (op,) = assemblies(after)
    assert not op.fills
    assert_same_values(after, before)


@pytest.mark.parametrize(
    "pieces",
    [
        lambda x: (x[0], x[1], x[2]),
        lambda x: (x[:, 0, :], x[:, 1, :]),
        lambda x: (x[0, 1], x[1, 0], x[2, :, 3], x[0, 0, :2]),
        lambda x: (x[..., 0], x[..., 4], x[:, :, 2:3]),
        lambda x: (x[1:2, 0], x[0], x[2]),
    ],
)
def test_pieces_that_a_number_picks(pieces: Any) -> None:
    """The gradients of what a number picks lack an axis."""

    def gradient(x: Any) -> Any:
        return gg.grad(lambda x: sum(gg.sum(gg.sin(piece) * k) for k, piece in enumerate(pieces(x), 1)))(x)

    before = graph_of(gradient, (3, 2, 5))
    after = assemble_parts(before)
    assert len(assemblies(after)) == 1
    assert "index_add" not in steps_of(after)
    assert_same_values(after, before)


@given(data=st.data())
def test_any_boxes(data: Any) -> None:
    """Drawn boxes of a matrix: the same sum, whether they overlap or not."""
    shape = 4, 5
    boxes = data.draw(
        st.lists(
            st.tuples(
                *(st.sampled_from([(a, b) for a in range(n) for b in range(a + 1, n + 1)]) for n in shape)
            ),
            min_size=2,
            max_size=4,
        )
    )

    def function(*parts: Any) -> Any:
        total = gg.zeros(shape, dtype=gg.float64)
        for part, box in zip(parts, boxes, strict=True):
            total = total + gg.pad(part, [(a, n - b) for (a, b), n in zip(box, shape, strict=True)])
        return total

    before = graph_of(function, *(tuple(b - a for a, b in box) for box in boxes))
    after = assemble_parts(before)
    for a, b in zip(values(after), values(before), strict=True):
        # at most 4 terms below 5 in another order: what is left of them may be much smaller than their rounding
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-14)


def test_the_op_says_what_it_makes() -> None:
    op = Assemble((((1, 3),),), (4,), True)
    x = np.array([1.0, 2.0], np.float32)
    assert op.shape(Aval(x.shape, x.dtype)) == Aval((4,), x.dtype)
    np.testing.assert_array_equal(op.forward(x), [0, 1, 2, 0])
    assert op.parameters == ("boxes=(((1, 3),),)", "new_shape=(4,)", "fills=True")


def test_machine_code_of_assemblies(rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 6))

    def loss(x: Any) -> Any:
        return gg.sum(gg.sin(x[:, 0:2]) * gg.tanh(x[:, 2:4])) + gg.sum(x[1:2, 4:6] ** 3)

    np.testing.assert_allclose(
        gg.compile(gg.grad(loss))(gg.asarray(x)).numpy(), gg.grad(loss)(gg.asarray(x)).numpy(), rtol=1e-12
    )
