"""einsum, tensordot, vecdot and matrix products against NumPy; the order of einsum; what they refuse."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, ShapeError

RNG = np.random.default_rng(10)

EINSUMS = {
    "ij,jk->ik": ((2, 3), (3, 4)),
    "ij,jk": ((2, 3), (3, 4)),
    "ba,ac": ((2, 3), (3, 4)),
    "ij->ji": ((2, 3),),
    "ba": ((2, 3),),
    "ij->": ((2, 3),),
    "ij->j": ((2, 3),),
    "ii": ((3, 3),),
    "ii->i": ((3, 3),),
    "iij->ij": ((3, 3, 2),),
    "iji->j": ((3, 2, 3),),
    "iii->i": ((3, 3, 3),),
    "iijj->ij": ((2, 2, 3, 3),),
    "i,i": ((3,), (3,)),
    "i,j->ij": ((2,), (3,)),
    "i,j->ji": ((2,), (3,)),
    "ii,i->i": ((3, 3), (3,)),
    "bij,bjk->bik": ((2, 3, 4), (2, 4, 5)),
    "bij,bjk->ki": ((2, 3, 4), (2, 4, 5)),
    "bhqd,bhkd->bhqk": ((2, 1, 3, 2), (2, 1, 4, 2)),
    "ij,ij->ij": ((2, 3), (2, 3)),
    "ijk,kji->j": ((2, 3, 4), (4, 3, 2)),
    "...ij,...jk->...ik": ((2, 1, 3, 4), (5, 4, 2)),
    "...ij,...jk": ((5, 3, 4), (2, 5, 4, 2)),
    "...ii->...i": ((2, 3, 3),),
    "i...->...": ((2, 3, 4),),
    "...i,...i": ((2, 3), (3,)),
    "i...j->j...i": ((2, 3, 4),),
    "...,...->...": ((2, 1), (1, 3)),
    "a...,...b->ab...": ((2, 3), (3, 4)),
    "ij,jk,kl->il": ((2, 3), (3, 4), (4, 5)),
    "ij,kj,lj->ikl": ((2, 3), (4, 3), (5, 3)),
    "i,i,i": ((3,), (3,), (3,)),
    "ab,bc,cd,de": ((2, 3), (3, 2), (2, 3), (3, 2)),
    "ij,k->": ((2, 3), (4,)),
    ",i->i": ((), (3,)),
    "->": ((),),
    "iJ,Jk->ki": ((2, 3), (3, 4)),
    " i j , j k -> i k ": ((2, 3), (3, 4)),
    "ij,jk->ik ": ((2, 0), (0, 3)),
    "ij,jk ->ik": ((0, 2), (2, 3)),
    "ii ->i": ((0, 0),),
}


def numbers(shape, is_complex=False):
    x = RNG.normal(size=shape)
    return x + 1j * RNG.normal(size=shape) if is_complex else x


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("subscripts", EINSUMS)
def test_einsum_is_numpys(subscripts, is_complex):
    operands = [numbers(shape, is_complex) for shape in EINSUMS[subscripts]]
    found = gg.einsum(subscripts, *operands)
    expected = np.einsum(subscripts, *operands)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("subscripts", EINSUMS)
def test_gradients_of_einsum(subscripts):
    operands = [numbers(shape) for shape in EINSUMS[subscripts]]
    if all(x.size for x in operands):
        order = 2 if subscripts in ("ij,jk->ik", "iij->ij", "i,i,i") else 1
        report = gg.gradcheck(lambda *x: gg.einsum(subscripts, *x), *operands, order=order)
        assert report.largest_error < 1e-6


def test_einsum_in_stacks_and_forward_mode():
    x, y = numbers((5, 2, 3)), numbers((3, 4))
    found = gg.vmap(lambda x: gg.einsum("ij,jk->ki", x, y))(gg.asarray(x))
    np.testing.assert_allclose(found.numpy(), np.einsum("bij,jk->bki", x, y), rtol=1e-12, atol=1e-12)
    tangent = numbers((2, 3))
    _, moved = gg.jvp(lambda x: gg.einsum("ij,jk->ki", x, y), (gg.asarray(x[0]),), (gg.asarray(tangent),))
    np.testing.assert_allclose(moved.numpy(), (tangent @ y).T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "largest"),
    [
        # (A B) v would make a matrix of 40 x 40, A (B v) makes vectors only
        ("ij,jk,k->i", ((40, 40), (40, 40), (40,)), 40 * 40),
        ("ij,jk,kl->il", ((2, 50), (50, 50), (50, 3)), 50 * 50),
        ("i,ij,j", ((30,), (30, 30), (30,)), 30 * 30),
    ],
)
def test_einsum_multiplies_the_pair_that_saves_most_first(subscripts, shapes, largest):
    operands = [gg.ones(shape) for shape in shapes]
    graph = gg.trace(lambda *x: gg.einsum(subscripts, *x), *operands)
    made = [node for node in graph.nodes_topologically_sorted() if node.op.name == "matmul"]
    assert len(made) == len(shapes) - 1
    assert all(np.prod(node.shape) < largest for node in made)


def test_einsum_keeps_the_dtype():
    ones = gg.ones((2, 2), dtype="int8")
    assert gg.einsum("ij->i", ones).dtype == gg.int8
    assert gg.einsum("ij,jk", ones, gg.ones((2, 2))).dtype == gg.float32
    assert gg.einsum("ij,jk", ones, ones).tolist() == [[2, 2], [2, 2]]


@pytest.mark.parametrize(
    ("subscripts", "shapes", "error", "message"),
    [
        (
            "ij,jk->ik",
            ((2, 3), (4, 5)),
            ShapeError,
            "einsum needs 'j' of one size in 'ij,jk->ik'; got 3 in operand 0 of shape (2, 3) and 4 in operand 1 of "
            "shape (4, 5)",
        ),
        (
            "ij,jk->ik",
            ((2, 1), (4, 5)),
            ShapeError,
            "einsum needs 'j' of one size in 'ij,jk->ik'; got 1 in operand 0 of shape (2, 1) and 4 in operand 1 of "
            "shape (4, 5)",
        ),
        (
            "...i,...i",
            ((2, 3), (4, 3)),
            ShapeError,
            "einsum needs the axis -1 of '...' of one size in '...i,...i'; got 2 in operand 0 of shape (2, 3) and 4 in "
            "operand 1 of shape (4, 3)",
        ),
        (
            "ijk->i",
            ((2, 3),),
            ShapeError,
            "einsum got 3 letters for operand 0 in 'ijk->i', which has 2 axes. Letters and axes must be as many; ... "
            "stands for any number of axes.",
        ),
        (
            "i->i",
            ((2, 3),),
            ShapeError,
            "einsum got 1 letters for operand 0 in 'i->i', which has 2 axes. Letters and axes must be as many; ... "
            "stands for any number of axes.",
        ),
        (
            "ij...->i",
            ((2,),),
            ShapeError,
            "einsum got 2 letters for operand 0 in 'ij...->i', which has 1 axes.",
        ),
        (
            "ij,jk->ik",
            ((2, 3),),
            ArgumentError,
            "einsum got subscripts 'ij,jk->ik' for 2 operands, and 1 tensors. A comma separates operands.",
        ),
        (
            "ij->k",
            ((2, 3),),
            ArgumentError,
            "einsum got 'k' behind '->' in 'ij->k', but no operand has that letter",
        ),
        (
            "ij->ii",
            ((2, 3),),
            ArgumentError,
            "einsum got 'i' twice behind '->' in 'ij->ii'; a letter names one axis of the result",
        ),
        (
            "i1->i",
            ((2, 3),),
            ArgumentError,
            "einsum names axes by the letters a-z and A-Z; got '1' for operand 0 in 'i1->i'",
        ),
        (
            "ij->i.",
            ((2, 3),),
            ArgumentError,
            "einsum names axes by the letters a-z and A-Z; got '.' for the result in 'ij->i.'",
        ),
        (
            "i->i->i",
            ((2,),),
            ArgumentError,
            "einsum names axes by the letters a-z and A-Z; got '-' for the result in 'i->i->i'",
        ),
        (
            "...i->i",
            ((2, 3),),
            ArgumentError,
            "einsum would lose the axes of '...' in '...i->i': write '...' behind '->' too, or letters for axes that "
            "are to be summed over",
        ),
    ],
)
def test_einsum_refuses(subscripts, shapes, error, message):
    with pytest.raises(error) as raised:
        gg.einsum(subscripts, *(gg.ones(shape) for shape in shapes))
    assert raised.value.message == message


def test_einsum_refuses_tensors_first_and_booleans():
    with pytest.raises(ArgumentError) as raised:
        gg.einsum(gg.ones(2), "i->i")
    assert raised.value.message == (
        "einsum takes subscripts such as 'ij,jk->ik' first, then the tensors; got Tensor"
    )
    with pytest.raises(DTypeError) as refused:
        gg.einsum("i->i", gg.ones(2, dtype="bool"))
    assert refused.value.message == (
        "einsum needs int, float or complex operands; got bool for operand 0. gg.astype(x, gg.float32) converts."
    )


# --- tensordot, vecdot, matrix products -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "axes"),
    [
        ((2, 3, 4), (3, 4, 5), 2),
        ((2, 3), (3, 4), 1),
        ((2, 3), (4,), 0),
        ((2, 3), (3, 2), ((0, 1), (1, 0))),
        ((2, 3, 4), (4, 2), ((0, -1), (-1, 0))),
        ((2, 3), (4, 5), ((), ())),
        ((2, 0), (0, 3), 1),
        ((), (), 0),
    ],
)
def test_tensordot_is_numpys(left, right, axes):
    x, y = numbers(left), numbers(right)
    found, expected = gg.tensordot(x, y, axes=axes), np.tensordot(x, y, axes)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize(("left", "right"), [((2, 3), (2, 3)), ((4, 2, 3), (2, 3)), ((1, 2, 3), (5, 2, 3))])
def test_vecdot_conjugates_the_first(left, right, axis):
    x, y = numbers(left, is_complex=True), numbers(right, is_complex=True)
    expected = (x.conj() * y).sum(axis)
    np.testing.assert_allclose(gg.vecdot(x, y, axis=axis).numpy(), expected, rtol=1e-12)
    assert gg.vecdot(gg.ones(2, dtype="int8"), gg.ones(2, dtype="int8")).dtype == gg.int8


def test_gradients_of_a_complex_matrix_product():
    """For L = re(w · (A B)) the gradients are conj(w) Bᴴ and Aᴴ conj(w)."""
    a, b, w = numbers((2, 3), True), numbers((3, 4), True), numbers((2, 4), True)
    to_a, to_b = gg.grad(lambda a, b: gg.sum(gg.real(w * (a @ b))), argnums=(0, 1))(
        gg.asarray(a), gg.asarray(b)
    )
    np.testing.assert_allclose(to_a.numpy(), w.conj() @ b.conj().T, rtol=1e-12)
    np.testing.assert_allclose(to_b.numpy(), a.conj().T @ w.conj(), rtol=1e-12)
    real = gg.grad(lambda a: gg.sum(gg.real(w * (a @ b))))(gg.asarray(a.real))
    np.testing.assert_allclose(real.numpy(), (w.conj() @ b.conj().T).real, rtol=1e-12)


def test_one_matrix_for_a_stack_gets_its_gradient_from_one_product():
    x, weight = (
        gg.tensor(numbers((5, 2, 3)), requires_grad=True),
        gg.tensor(numbers((3, 4)), requires_grad=True),
    )
    g = numbers((5, 2, 4))
    (x @ weight).backward(g)
    np.testing.assert_allclose(weight.grad.numpy(), np.einsum("bij,bik->jk", x.numpy(), g), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.tensordot(gg.ones((2, 3)), gg.ones((2, 3)), axes=1),
            ShapeError,
            "tensordot needs equal sizes along the axes that are summed over; got x1 float32[2, 3] and x2 "
            "float32[2, 3], axes (1,) of x1 and (0,) of x2",
        ),
        (
            lambda: gg.tensordot(gg.ones(2), gg.ones((2, 3))),
            ShapeError,
            "tensordot got axes=2 for shapes (2,) and (2, 3); allowed: 0 to 1, or a pair of sequences of axes",
        ),
        (
            lambda: gg.tensordot(gg.ones(2), gg.ones(2), axes=(0, 0)),
            ArgumentError,
            "tensordot takes axes as an integer or as a pair (axes of x1, axes of x2); got (0, 0)",
        ),
        (
            lambda: gg.tensordot(gg.ones((2, 2)), gg.ones(2), axes=((0, 1), (0,))),
            ShapeError,
            "tensordot needs as many axes of x1 as of x2, each once; got ((0, 1), (0,))",
        ),
        (
            lambda: gg.vecdot(gg.ones((2, 3)), gg.ones((2, 4))),
            ShapeError,
            "vecdot needs x1 and x2 of one size along axis -1; got x1 float32[2, 3] and x2 float32[2, 4]",
        ),
        (
            lambda: gg.vecdot(gg.ones((2, 3)), gg.ones(3), axis=-2),
            ShapeError,
            "vecdot got axis -2 for shapes (2, 3) and (3,); allowed: -1 down to -1",
        ),
        (
            lambda: gg.vecdot(gg.ones(2, dtype="bool"), gg.ones(2)),
            DTypeError,
            "vecdot needs an int, float or complex input; got x1 bool[2] and x2 float32[2]",
        ),
        (
            lambda: gg.outer(gg.ones((2, 2)), gg.ones(2)),
            ShapeError,
            "outer needs two vectors; got shapes (2, 2) and (2,)",
        ),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
