"""Structured Jacobians: what kind they are, by brute force on dense ones; their values; their cost; their mistakes."""

import functools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import glassgrad as gg
from glassgrad import nn
from glassgrad.autodiff.structure.column_sets import ColumnSets
from glassgrad.errors import ArgumentError, DTypeError, GraphError, ShapeError

RNG = np.random.default_rng(5)


def draw(*shape):
    return gg.asarray(RNG.normal(size=shape))


def structure(f, x):
    return gg.jacobian(f, structure=True)(x)


def dense(f, x):
    found = gg.jacobian(f)(x).numpy()
    size = int(np.prod(x.shape))
    return found.reshape(-1, size)


def mask_of(found):
    mask = np.zeros(found.shape, bool)
    rows, columns, _ = found.entries
    mask[rows, columns] = True
    return mask


def union_over_points(f, shape, count=20):
    """Where the dense Jacobian is not 0 at any of some random points."""
    return np.any([dense(f, draw(*shape)) != 0 for _ in range(count)], axis=0)


# --- the kinds ----------------------------------------------------------------------------------------------

WEIGHT = draw(5, 5)
DOWN = draw(12, 2)
TRIDIAGONAL = gg.asarray(np.eye(8) * 2 - np.eye(8, k=1) - np.eye(8, k=-1))
FILTER = draw(1, 1, 3)


def relu_like(x):
    return gg.where(x > 0, x, 0.1 * x)


def residual(x):
    return x + gg.tanh(x @ DOWN) @ DOWN.T


# name -> function, shape of x, kind, whether the pattern is exact
KINDS = {
    "relu": (gg.relu, (7,), "diagonal", True),
    "a batch through relu": (gg.relu, (3, 4), "diagonal", True),
    "where": (relu_like, (6,), "diagonal", True),
    "elementwise, there and back": (
        lambda x: gg.reshape(gg.tanh(gg.reshape(x, (3, 2)).T), (6,)) * x[gg.asarray([0, 2, 4, 1, 3, 5])],
        (6,),
        "permuted diagonal",
        True,
    ),
    "reshape": (lambda x: gg.sin(gg.reshape(x, (3, 4))), (12,), "diagonal", True),
    "flip and sine": (lambda x: gg.sin(x[::-1]), (5,), "permuted diagonal", True),
    "itself": (lambda x: x, (4,), "identity", True),
    "reshaped": (lambda x: gg.reshape(x, (2, 2)), (4,), "identity", True),
    "flip": (lambda x: gg.flip(x), (5,), "permutation", True),
    "transpose": (lambda x: x.T, (3, 4), "permutation", True),
    "slice": (lambda x: x[1::2], (7,), "selection", True),
    "repeat": (lambda x: gg.broadcast_to(x, (3, 4)), (4,), "selection", True),
    "pad": (lambda x: gg.concat([np.zeros(2), x, np.zeros(1)]), (4,), "selection", True),
    "constant": (lambda x: gg.asarray(np.ones(3)), (4,), "zero", True),
    "floor": (gg.floor, (4,), "zero", True),
    "times 0": (lambda x: x * 0.0, (4,), "zero", True),
    "stopped": (lambda x: gg.stop_gradient(x), (4,), "zero", True),
    "difference": (lambda x: x[1:] - x[:-1], (9,), "banded", True),
    "second difference": (lambda x: x[2:] - 2 * x[1:-1] + x[:-2], (9,), "banded", True),
    "tridiagonal matrix": (lambda x: TRIDIAGONAL @ x, (8,), "banded", True),
    "row times tridiagonal matrix": (lambda x: x @ TRIDIAGONAL, (8,), "banded", True),
    "convolution": (
        lambda x: gg.convolution(gg.reshape(x, (1, 1, 10)), FILTER, padding=1),
        (10,),
        "banded",
        True,
    ),
    "diff twice": (lambda x: gg.diff(gg.tanh(gg.diff(x))), (9,), "banded", True),
    "softmax of rows": (gg.softmax, (3, 4), "block diagonal", True),
    "softmax of columns": (lambda x: gg.softmax(x, axis=0), (3, 4), "block diagonal", True),
    "a batch times a weight": (lambda x: x @ WEIGHT, (4, 5), "block diagonal", True),
    "rows' sums": (lambda x: gg.sum(x * x, axis=1), (3, 4), "block diagonal", True),
    "sort of rows": (lambda x: gg.sort(x), (3, 4), "block diagonal", True),
    "cholesky of a batch": (
        lambda x: gg.linalg.cholesky(x @ gg.matrix_transpose(x) + np.eye(3)),
        (2, 3, 3),
        "block diagonal",
        False,  # the upper triangle of a factor is 0
    ),
    "cumulative sum": (gg.cumulative_sum, (7,), "lower triangular", True),
    "cumulative sum from the end": (
        lambda x: gg.flip(gg.cumulative_sum(gg.flip(x))),
        (7,),
        "upper triangular",
        True,
    ),
    "cumulative product": (gg.cumulative_prod, (6,), "lower triangular", True),
    "narrow layer": (lambda x: gg.tanh(x @ DOWN) @ DOWN.T, (12,), "low rank", True),
    "mean": (lambda x: gg.mean(x) * np.ones(9), (9,), "low rank", True),
    "residual": (residual, (12,), "dense", True),
    "weight": (lambda x: WEIGHT @ x, (5,), "dense", True),
    "sum": (lambda x: gg.sum(x * x), (5,), "dense", True),
    "softmax": (gg.softmax, (5,), "dense", True),
    "stencil in the plane": (
        lambda x: gg.convolution(gg.reshape(x, (1, 1, 12, 12)), gg.asarray(np.ones((1, 1, 3, 3))), padding=1),
        (144,),
        "sparse",
        True,
    ),
    "ring": (lambda x: gg.roll(x, 1) * x + gg.roll(x, -1), (12,), "cyclic banded", True),
    "added where an index says": (  # 1 + 2 = 3: numbered elements alone would make it a selection of the third
        lambda x: gg.asarray(np.zeros(2)).at[gg.asarray([0, 0, 1])].add(x),
        (3,),
        "block diagonal",
        True,
    ),
    "largest of pairs": (lambda x: gg.max(gg.reshape(x, (6, 2)), axis=1), (12,), "block diagonal", True),
}


@pytest.mark.parametrize("name", KINDS)
def test_kind_and_pattern_by_brute_force(name):
    f, shape, kind, exact = KINDS[name]
    x = draw(*shape)
    found = structure(f, x)
    assert found.kind == kind
    mask = mask_of(found)
    seen = union_over_points(f, shape)
    assert not (seen & ~mask).any()
    assert found.nonzeros == mask.sum()
    if exact:
        assert (seen == mask).all()


@pytest.mark.parametrize("name", KINDS)
def test_values_products_and_dense(name):
    f, shape, _, _ = KINDS[name]
    x = draw(*shape)
    found, expected = structure(f, x), dense(f, x)
    rows, columns, values = found.entries
    rebuilt = np.zeros(found.shape)
    rebuilt[rows, columns] = values.numpy()
    np.testing.assert_allclose(rebuilt, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(found.dense().numpy().reshape(found.shape), expected)
    v, u = RNG.normal(size=found.shape[1]), RNG.normal(size=found.shape[0])
    np.testing.assert_allclose((found @ v).numpy().reshape(-1), expected @ v, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose((found.T @ u).numpy().reshape(-1), expected.T @ u, rtol=1e-10, atol=1e-12)
    assert (found @ v.reshape(x.shape)).shape == f(x).shape
    assert (found.T @ u.reshape(f(x).shape)).shape == x.shape
    assert np.linalg.matrix_rank(expected) <= found.rank
    assert repr(found) == f"<Jacobian: {found.description}>"


@pytest.mark.parametrize("name", [name for name, row in KINDS.items() if row[2] in ("banded", "diagonal")])
def test_bands(name):
    f, shape, _, _ = KINDS[name]
    x = draw(*shape)
    found, expected = structure(f, x), dense(f, x)
    i, j = np.nonzero(union_over_points(f, shape))
    assert found.bandwidths == (max(i - j), max(j - i))
    assert found.jvps == sum(found.bandwidths) + 1
    below, above = found.bandwidths
    assert list(found.bands) == list(range(-below, above + 1))
    for offset, band in found.bands.items():
        np.testing.assert_allclose(
            band.numpy(), np.diagonal(expected, offset)[: band.size], rtol=1e-12, atol=1e-14
        )
        assert band.size == np.diagonal(expected, offset).size


@pytest.mark.parametrize("size", [16, 17])
def test_a_band_around_the_corner(size):
    def f(x):
        return gg.roll(x, 2) * x + gg.sin(gg.roll(x, -1))

    x = draw(size)
    found, expected = structure(f, x), dense(f, x)
    assert (found.kind, found.bandwidths) == ("cyclic banded", (2, 1))
    assert "4 diagonals from 2 below to 1 above the main one" in found.description
    rebuilt = np.zeros((size, size))
    for offset, band in found.bands.items():
        rebuilt[np.arange(size), (np.arange(size) + offset) % size] = band.numpy()
    np.testing.assert_allclose(rebuilt, expected, rtol=1e-12, atol=1e-14)
    assert not np.any(found.bands[-1].numpy())


@pytest.mark.parametrize("name", [name for name, row in KINDS.items() if row[2] == "block diagonal"])
def test_blocks(name):
    f, shape, _, _ = KINDS[name]
    x = draw(*shape)
    found, expected = structure(f, x), dense(f, x)
    rebuilt = np.zeros(found.shape)
    for block, (rows, columns) in zip(found.blocks, found.block_places, strict=True):
        rebuilt[np.ix_(rows, columns)] = block.numpy()
    np.testing.assert_allclose(rebuilt, expected, rtol=1e-12, atol=1e-13)
    assert found.block_shapes == [block.shape for block in found.blocks]
    assert found.jvps + found.vjps == min(
        max(rows for rows, _ in found.block_shapes), max(columns for _, columns in found.block_shapes)
    )


def test_blocks_of_different_shapes():
    found = structure(lambda x: gg.concat([gg.softmax(x[:2]), gg.softmax(x[2:])]), draw(5))
    assert found.block_shapes == [(2, 2), (3, 3)]
    assert [block.shape for block in found.blocks] == [(2, 2), (3, 3)]
    assert "2 blocks of different shapes: 13 of 25 entries" in found.description


def test_diagonal_and_factors():
    x = draw(12)
    found = structure(gg.tanh, x)
    np.testing.assert_allclose(found.diagonal.numpy(), 1 - np.tanh(x.numpy()) ** 2, rtol=1e-13)
    f = KINDS["narrow layer"][0]
    left, right = structure(f, x).factors
    assert (left.shape, right.shape) == ((12, 2), (2, 12))
    np.testing.assert_allclose(left.numpy() @ right.numpy(), dense(f, x), rtol=1e-10, atol=1e-13)


def test_factors_where_the_narrow_part_is_itself_degenerate():
    """The bottleneck has 3 elements that all are one sum: rank 1, written with 3."""

    def f(x):
        return gg.tanh(gg.sum(x) * np.array([1.0, 2.0, 0.0]) + gg.asarray(np.zeros(3))) @ draw_once(3, 12)

    x = draw(12)
    found = structure(f, x)
    assert (found.kind, found.rank) == ("low rank", 1)
    left, right = found.factors
    np.testing.assert_allclose(left.numpy() @ right.numpy(), dense(f, x), rtol=1e-10, atol=1e-13)


@functools.cache
def draw_once(*shape):
    return draw(*shape)


# --- in words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "shape", "words"),
    [
        (
            gg.relu,
            (4096,),
            "diagonal 4,096 × 4,096: 4,096 of 16,777,216 entries can differ from 0; 1 jvp gives them all",
        ),
        (lambda x: x * 0.0, (3,), "zero 3 × 3: the result does not depend on the input"),
        (
            lambda x: x[::-1],
            (3,),
            "permutation 3 × 3: 3 of 9 entries can differ from 0; these are 1, and no jvp is needed",
        ),
        (
            lambda x: x[2:] - x[:-2],
            (1002,),
            "banded 1,000 × 1,002, 3 diagonals from 0 below to 2 above the main one: 2,000 of 1,002,000 entries can "
            "differ from 0; 3 jvps give them all",
        ),
        (
            gg.softmax,
            (64, 1000),
            "block diagonal 64,000 × 64,000, 64 blocks of 1,000 × 1,000: 64,000,000 of 4,096,000,000 entries can "
            "differ from 0; 1,000 jvps give them all",
        ),
        (
            lambda x: gg.softmax(x, axis=0),
            (3, 2),
            "block diagonal 6 × 6, 2 blocks of 3 × 3, once rows and columns are sorted: 18 of 36 entries can differ "
            "from 0; 3 jvps give them all",
        ),
        (
            lambda x: gg.tanh(x @ DOWN) @ DOWN.T,
            (4, 12),
            "block diagonal 48 × 48, 4 blocks of 12 × 12 and of rank 2 at most: 576 of 2,304 entries can differ from "
            "0; 12 jvps give them all",
        ),
        (gg.sum, (5,), "dense 1 × 5: 5 of 5 entries can differ from 0; 1 vjp gives them all"),
    ],
)
def test_descriptions(f, shape, words):
    assert structure(f, draw(*shape)).description == words


def test_the_description_of_a_low_rank_names_the_bottleneck_and_its_line():
    found = structure(KINDS["narrow layer"][0], draw(12))
    line = KINDS["narrow layer"][0].__code__.co_firstlineno
    assert found.description == (
        "low rank 12 × 12, rank 2 at most, because everything passes through the matmul of shape (1, 2) at "
        f"test_structure.py:{line}: 144 of 144 entries can differ from 0; 2 jvps and 2 vjps give them all"
    )


# --- cost ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        gg.relu,
        lambda x: gg.cumulative_sum(gg.tanh(x)),
        lambda x: gg.tanh(gg.reshape(x, (64, 64)).T),
        lambda x: x[2:] - 2 * x[1:-1] + x[:-2],
        lambda x: gg.softmax(gg.reshape(x, (4, 1024))),
    ],
)
def test_the_dense_matrix_is_never_formed(f):
    x = gg.asarray(RNG.normal(size=4096))
    structure(f, x)
    tracemalloc.start()
    found = structure(f, x)
    if found.jvps == 1:
        found.entries  # noqa: B018
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4096 * x.numpy().nbytes / 20  # a twentieth of the matrix


def test_how_often_the_function_runs():
    runs = []

    def f(x):
        runs.append(x.shape)
        return x[1:] * x[:-1]

    found = structure(f, draw(100))
    assert len(runs) == 1
    found.bands  # noqa: B018
    assert len(runs) == 2  # both jvps at once
    found.bands  # noqa: B018
    assert len(runs) == 2


def test_a_deep_chain():
    def f(x):
        for _ in range(3000):
            x = x * 0.999 + 0.001
        return x

    assert structure(f, draw(4)).kind == "diagonal"


# --- of functions as users write them -----------------------------------------------------------------------


def test_a_module_with_python_control_flow():
    gg.random.seed(1)
    model = nn.Sequential(
        nn.Linear(6, 1, dtype=gg.float64), nn.Tanh(), nn.Linear(1, 6, dtype=gg.float64)
    ).eval()

    def f(x):
        return model(x) if float(gg.sum(x)) > -1e9 else x

    found = structure(f, gg.asarray(np.ones(6)))
    assert (found.kind, found.rank) == ("low rank", 1)
    assert all(p.grad is None for p in model.parameters())


def test_a_hessian():
    """The Hessian of a sum of neighbours' products is banded."""
    x = draw(9)

    def gradient(t):
        return gg.grad(lambda s: gg.sum(s[1:] ** 2 * s[:-1]))(t)

    found = structure(gradient, x)
    assert (found.kind, found.bandwidths) == ("banded", (1, 1))
    np.testing.assert_allclose(
        mask_of(found) * gg.hessian(lambda s: gg.sum(s[1:] ** 2 * s[:-1]))(x).numpy(), dense(gradient, x)
    )


def test_other_arguments_stay_fixed():
    found = gg.jacobian(lambda w, x: w * x, argnums=1, structure=True)(draw(3), draw(3))
    assert found.kind == "diagonal"


def test_an_op_of_the_users_own_is_dense():
    class Twice(gg.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, upstream):
            return upstream * 2

    assert structure(Twice.apply, draw(4)).kind == "dense"


def test_random_numbers_are_drawn_again_as_they_were():
    gg.random.seed(3)
    dropout = nn.Dropout(0.5)
    found = structure(lambda x: dropout(x)[::-1] * gg.random.uniform(40), gg.asarray(np.ones(40, np.float32)))
    after = gg.random.uniform(3).tolist()
    assert 5 < found.nonzeros < 35
    rows, _, values = found.entries
    assert np.all(values.numpy() != 0)
    assert np.count_nonzero((found @ np.ones(40, np.float32)).numpy()) == found.nonzeros == len(rows)
    assert gg.random.uniform(3).tolist() != after  # it goes on from where it was, not from the same start


def through_complex(x):
    z = gg.astype(x, gg.complex128)
    return gg.imag(gg.conj(z))


def through_one_complex_number(x):
    z = gg.sum(x) + 1j * gg.sum(x * x)
    return gg.real(z) * np.ones(12) + gg.imag(z) * np.arange(12.0)


def test_complex_numbers_on_the_way():
    """The imaginary part of a real number is 0: an entry that is 0 may be listed, but is not said to be 1."""
    x = draw(12)
    found = structure(through_complex, x)
    assert not np.any(dense(through_complex, x))
    assert not np.any(found.entries[2].numpy())
    mixed = structure(lambda x: gg.real(gg.conj(gg.astype(x, gg.complex128) * (2 - 1j))[::-1]), x)
    assert mixed.kind == "permuted diagonal"
    np.testing.assert_allclose(mixed.entries[2].numpy(), 2.0)
    found = structure(through_one_complex_number, x)
    assert (found.kind, found.rank) == ("low rank", 2)  # a complex number has two parts
    left, right = found.factors
    np.testing.assert_allclose(
        left.numpy() @ right.numpy(), dense(through_one_complex_number, x), rtol=1e-10, atol=1e-13
    )


def test_no_slope_passes_through_integers():
    x = draw(4)
    found = structure(lambda x: gg.astype(gg.astype(x, gg.int64), gg.float64), x)
    assert found.kind == "zero"


def test_no_elements():
    found = structure(gg.tanh, draw(0, 3))
    assert (found.kind, found.shape, found.nonzeros) == ("zero", (0, 0), 0)
    assert structure(lambda x: gg.sum(x) + np.ones(2), draw(0)).shape == (2, 0)


# --- mistakes -----------------------------------------------------------------------------------------------


def test_mistakes():
    x = draw(3)
    with pytest.raises(
        ArgumentError,
        match=r"^jacobian\(\.\.\., structure=True\) looks at one tensor; the arguments in argnums hold 2",
    ):
        gg.jacobian(lambda a, b: a * b, argnums=(0, 1), structure=True)(x, x)
    with pytest.raises(
        ArgumentError, match=r"^jacobian needs a function that returns tensors; <lambda> returned"
    ):
        structure(lambda x: None, x)
    with pytest.raises(
        ArgumentError, match=r"^jacobian\(\.\.\., structure=True\) needs a function that returns one"
    ):
        structure(lambda x: (x, x), x)
    with pytest.raises(
        DTypeError, match=r"^jacobian\(\.\.\., structure=True\) needs a real float input; got complex"
    ):
        structure(gg.abs, gg.asarray(np.ones(3) * 1j))
    with pytest.raises(
        DTypeError, match=r"^jacobian\(\.\.\., structure=True\) needs a function that returns a real"
    ):
        structure(lambda x: gg.astype(x, gg.complex128), x)
    with pytest.raises(
        GraphError, match=r"^jacobian\(\.\.\., structure=True\) looks at the graph of one run on"
    ):
        gg.vmap(lambda row: structure(gg.tanh, row).diagonal)(draw(2, 3))
    found = structure(gg.softmax, x)
    with pytest.raises(
        ArgumentError,
        match=r"^this Jacobian is dense, not diagonal or identity; \.entries has the values of every kind, "
        r"\.dense\(\) the whole matrix",
    ):
        found.diagonal  # noqa: B018
    with pytest.raises(
        ShapeError,
        match=r"^this Jacobian multiplies a tensor of the shape of the input, \(3,\), or with 3 elements in one axis; "
        r"got shape \(4,\)",
    ):
        found @ np.ones(4)
    with pytest.raises(
        ArgumentError, match=r"^64,000,000 entries can differ from 0; they are listed up to 4,194,304"
    ):
        structure(gg.softmax, draw(64, 1000)).entries  # noqa: B018


# --- any composition ----------------------------------------------------------------------------------------

STEPS = {
    "tanh": gg.tanh,
    "where": relu_like,
    "flip": lambda x: gg.flip(x, axis=0),
    "transpose": lambda x: x.T,
    "reshape": lambda x: gg.reshape(x, x.shape[::-1]),
    "softmax": gg.softmax,
    "softmax of columns": lambda x: gg.softmax(x, axis=0),
    "center": lambda x: x - gg.mean(x, axis=1, keepdims=True),
    "cumsum": lambda x: gg.cumulative_sum(x, axis=1),
    "cumprod": lambda x: gg.cumulative_prod(x, axis=0),
    "cummax": lambda x: gg.cummax(x, axis=0),
    "sort": lambda x: gg.sort(x, axis=0),
    "argsort, one row": lambda x: x[gg.argsort(x[:, 0]), :],
    "slice": lambda x: x[::2, 1:] if min(x.shape) > 1 else x,
    "roll": lambda x: x + gg.roll(x, 1, axis=1),
    "outer": lambda x: x * x[:1, :] + x[:, :1],
    "matmul": lambda x: x @ gg.asarray(np.eye(x.shape[1]) + np.eye(x.shape[1], k=1)),
    "square": lambda x: x @ x.T,
    "max": lambda x: gg.maximum(x, gg.max(x, axis=1, keepdims=True) * 0.5),
    "concat": lambda x: gg.concat([x, np.ones((1, x.shape[1]))]),
    "tril": gg.tril,
    "set": lambda x: x.at[0].set(x[-1] * 2),
    "add at": lambda x: x.at[gg.asarray([0, 0])].add(1.5 * x[:1]),
    "windows": lambda x: gg.unfold(gg.reshape(x, (1, 1, *x.shape)), (1, 1), stride=1)[0],
    "prod": lambda x: x * gg.prod(x, axis=0, keepdims=True),
    "take along": lambda x: gg.take_along_axis(x, gg.asarray(np.zeros(x.shape, int)), axis=1),
    "repeat": lambda x: gg.concat([x[:1], x[:1], x]),
    "add where argsort says": lambda x: x.at[gg.argsort(x[:, 0])].add(x),
    "set where argmax says": lambda x: x.at[gg.argmax(x[:, 0])].set(x[0] * 3),
    "largest row": lambda x: x + x[gg.argmax(x[:, 0])],
    "positive": lambda x: gg.where(gg.asarray(np.arange(x.shape[1]) % 2 == 0), x, gg.exp(-x)),
    "fourier": lambda x: gg.real(gg.fft.fft(gg.astype(x, gg.complex128), axis=0)),
    "norm": lambda x: x / gg.sqrt(1.0 + gg.sum(x * x, axis=1, keepdims=True)),
    "solve": lambda x: gg.linalg.solve(x @ x.T + np.eye(x.shape[0]), x),
    "checkpoint": lambda x: gg.checkpoint(gg.sin)(x),
}


@settings(max_examples=150, deadline=None)
@given(
    names=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=5),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    seed=st.integers(0, 2**16),
)
def test_any_composition_is_covered(names, shape, seed):
    def f(x):
        for name in names:
            x = STEPS[name](x)
            if x.size > 60:
                x = x[:3, :3]
        return x

    rng = np.random.default_rng(seed)
    found = structure(f, gg.asarray(rng.normal(size=shape)))
    mask = mask_of(found)
    for _ in range(3):  # the pattern of one point holds at others
        expected = dense(f, gg.asarray(rng.normal(size=shape)))
        assert not ((expected != 0) & ~mask).any()
    here = structure(f, gg.asarray(rng.normal(size=shape)))
    rows, columns, values = here.entries
    rebuilt = np.zeros(here.shape)
    rebuilt[rows, columns] = values.numpy()
    np.testing.assert_allclose(rebuilt, here.dense().numpy().reshape(here.shape), rtol=1e-9, atol=1e-12)
    if here.kind == "low rank":
        left, right = here.factors
        np.testing.assert_allclose(left.numpy() @ right.numpy(), rebuilt, rtol=1e-8, atol=1e-9)


# --- sets of columns ----------------------------------------------------------------------------------------


def test_sets_of_too_many_runs_become_larger_not_smaller(monkeypatch):
    monkeypatch.setattr("glassgrad.autodiff.structure.column_sets.RUNS_AT_ONCE", 8)

    def f(x):
        return gg.cumulative_sum(x[::2] * x[1::2]) + gg.sum(x[::3])

    found = structure(f, draw(24))
    expected = union_over_points(f, (24,))
    assert not (expected & ~mask_of(found)).any()
    assert found.nonzeros > expected.sum()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 9), st.data())
def test_sets_unite_as_pythons_own_do(n, data):
    sets = ColumnSets(n)
    own = {0: frozenset(), **{j + 1: frozenset([j]) for j in range(n)}}
    for _ in range(4):
        count = data.draw(st.integers(1, 5))
        lists = [data.draw(st.lists(st.sampled_from(sorted(own)), max_size=4)) for _ in range(count)]
        rows = np.array([row for row, part in enumerate(lists) for _ in part], np.int64)
        listed = np.array([number for part in lists for number in part], np.int64)
        found = sets.unite(rows, listed, count)
        for number, part in zip(found.tolist(), lists, strict=True):
            union = frozenset().union(*(own[k] for k in part))
            assert own.setdefault(number, union) == union
            assert set(sets.columns_of(np.array([number]))[1].tolist()) == union
            assert sets.sizes[number] == len(union)
    assert len(set(own.values())) == len(own) == len(sets)  # equal sets have equal numbers
