"""For any shapes and any numbers: broadcasting, indexing, reductions and rearranging agree with NumPy and go back."""

import operator

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from shapes import SHAPES, an_array, arrays, indexed_arrays, pairs_that_broadcast

import glassgrad as gg
from glassgrad.tensor.dtype import promote


def summed_to(g, shape):
    """What a gradient of a broadcast result becomes for an input of this shape."""
    lead = g.ndim - len(shape)
    axes = tuple(i for i in range(g.ndim) if i < lead or (shape[i - lead] == 1 and g.shape[i] != 1))
    return g.sum(axes, keepdims=True).reshape(shape)


@given(pairs_that_broadcast(), st.sampled_from([operator.add, operator.sub, operator.mul]))
def test_broadcasting_forward_and_back(pair, function):
    x, y = pair
    wanted = function(x, y)
    left, right = gg.tensor(x, requires_grad=True), gg.tensor(y, requires_grad=True)
    found = function(left, right)
    assert np.array_equal(found.numpy(), wanted)
    upstream = np.arange(1.0, wanted.size + 1).reshape(wanted.shape)
    found.backward(upstream)
    slopes = {operator.add: (1.0, 1.0), operator.sub: (1.0, -1.0), operator.mul: (y, x)}[function]
    for variable, slope in zip((left, right), slopes, strict=True):
        wanted = summed_to(np.asarray(upstream * slope), variable.shape)
        assert np.allclose(variable.grad.numpy(), wanted, rtol=1e-12, atol=1e-12)


@given(SHAPES, SHAPES)
def test_shapes_broadcast_exactly_where_numpys_do(first, second):
    x, y = np.zeros(first), np.zeros(second)
    try:
        wanted = np.broadcast_shapes(first, second)
    except ValueError:
        with pytest.raises(gg.ShapeError, match=r"^add cannot broadcast x1 float64\["):
            gg.add(x, y)
    else:
        assert gg.add(x, y).shape == wanted


@given(indexed_arrays())
def test_indexing_forward_and_back(case):
    x, key = case
    try:
        wanted = x[key]
    except IndexError:
        with pytest.raises(gg.ShapeError):
            gg.asarray(x)[key]
        return
    variable = gg.tensor(x, requires_grad=True)
    found = variable[key]
    assert np.array_equal(found.numpy(), wanted)
    upstream = np.arange(1.0, wanted.size + 1).reshape(wanted.shape)
    found.backward(upstream)
    brute = np.zeros(x.size)
    for place, g in zip(np.arange(x.size).reshape(x.shape)[key].ravel(), upstream.ravel(), strict=True):
        brute[place] += g
    assert np.array_equal(variable.grad.numpy().ravel(), brute)


@given(indexed_arrays(), st.floats(-2, 2))
def test_setting_is_numpys_assignment(case, value):
    x, key = case
    changed = x.copy()
    try:
        changed[key] = value
    except IndexError:
        with pytest.raises((gg.ShapeError, gg.ArgumentError)):
            gg.asarray(x).at[key].set(value)
    else:
        assert np.array_equal(gg.asarray(x).at[key].set(value).numpy(), changed)


@given(an_array(), st.data())
def test_rearranging_and_back_changes_nothing(x, data):
    order = data.draw(st.permutations(range(x.ndim)))
    t = gg.asarray(x)
    there = gg.permute_dims(t, order)
    assert np.array_equal(gg.permute_dims(there, np.argsort(order).tolist()).numpy(), x)
    assert np.array_equal(gg.reshape(gg.reshape(t, (-1,) if x.size else (0,)), x.shape).numpy(), x)
    assert np.array_equal(gg.flip(gg.flip(t)).numpy(), x)
    assert np.array_equal(gg.squeeze(gg.expand_dims(t, 0), 0).numpy(), x)
    if x.ndim:
        axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
        cut = data.draw(st.integers(0, x.shape[axis]))
        parts = [gg.asarray(part) for part in np.split(x, [cut], axis)]
        assert np.array_equal(gg.concat(parts, axis=axis).numpy(), x)


@given(an_array(), st.data(), st.booleans())
def test_reductions_are_numpys(x, data, keepdims):
    axes = data.draw(st.one_of(st.none(), hnp.valid_tuple_axes(x.ndim)))
    for ours, numpys in ((gg.sum, np.sum), (gg.prod, np.prod), (gg.any, np.any), (gg.all, np.all)):
        found, wanted = ours(x, axis=axes, keepdims=keepdims).numpy(), numpys(x, axis=axes, keepdims=keepdims)
        assert found.shape == wanted.shape
        assert np.allclose(found, wanted, rtol=1e-12, atol=1e-12)
    reduced = x.shape if axes is None else [x.shape[a] for a in axes]
    for ours, numpys in ((gg.max, np.max), (gg.min, np.min), (gg.mean, np.mean)):
        if 0 in reduced:
            with pytest.raises(gg.ShapeError, match="of no elements is undefined"):
                ours(x, axis=axes, keepdims=keepdims)
        else:
            found = ours(x, axis=axes, keepdims=keepdims).numpy()
            assert np.allclose(found, numpys(x, axis=axes, keepdims=keepdims), rtol=1e-12, atol=1e-12)


LINEAR = {
    "sum": lambda x: gg.sum(x, axis=0),
    "mean": lambda x: gg.mean(x, axis=1),
    "transpose": lambda x: x.T,
    "pad": lambda x: gg.pad(x, [(1, 0), (0, 2)]),
    "flip": gg.flip,
    "reshape": lambda x: x.reshape(-1),
    "broadcast": lambda x: gg.broadcast_to(x, (2, *x.shape)),
    "index": lambda x: x[:, np.array([0, 0, 1])],
    "concat": lambda x: gg.concat([x, x], axis=0),
    "matmul": lambda x: x @ np.arange(9.0).reshape(3, 3),
    "astype": lambda x: gg.astype(x, gg.float64),
    "tril": gg.tril,
}


@pytest.mark.parametrize("name", LINEAR)
@given(x=arrays((2, 3)), y=arrays((2, 3)), a=st.floats(-3, 3, width=32))
def test_linear_functions_are_linear_and_their_gradient_does_not_depend_on_the_point(name, x, y, a):
    function = LINEAR[name]
    left = function(gg.asarray(a * x + y)).numpy()
    right = a * function(gg.asarray(x)).numpy() + function(gg.asarray(y)).numpy()
    assert np.allclose(left, right, rtol=1e-12, atol=1e-11)
    (first, back), (_, back_elsewhere) = gg.vjp(function, x), gg.vjp(function, y)
    upstream = np.arange(1.0, first.size + 1).reshape(first.shape)
    (g,), (elsewhere,) = back(upstream), back_elsewhere(upstream)
    assert np.array_equal(g.numpy(), elsewhere.numpy())
    # <u, f(y)> == <f'(u), y>
    assert np.sum(upstream * function(gg.asarray(y)).numpy()) == pytest.approx(
        np.sum(g.numpy() * y), rel=1e-11, abs=1e-9
    )


DTYPES = st.sampled_from([gg.bool_, gg.float16, gg.float32, gg.float64, gg.complex64, gg.complex128])
ANY_DTYPE = st.one_of(DTYPES, st.sampled_from([gg.int8, gg.int32, gg.int64, gg.uint8, gg.uint32]))


@given(ANY_DTYPE, ANY_DTYPE)
def test_promotion_commutes_and_repeats(first, second):
    joint = promote({first, second})
    assert joint == promote({second, first}) == promote({joint, first}) == promote({joint, second})
    assert gg.add(gg.ones(2, dtype=first), gg.ones(2, dtype=second)).dtype == joint


@given(DTYPES, DTYPES, DTYPES)
def test_promotion_of_floats_associates(a, b, c):
    assert promote({promote({a, b}), c}) == promote({a, promote({b, c})})


@given(hnp.arrays(np.float64, (2, 3), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_softmax_is_a_distribution_and_its_logarithm_is_log_softmax(x):
    probability = gg.softmax(x, axis=1).numpy()
    finite = np.isfinite(x).all(axis=1)
    assert np.allclose(probability[finite].sum(axis=1), 1.0, rtol=1e-12)
    assert (probability[finite] >= 0).all()
    with np.errstate(divide="ignore"):
        logarithm = np.log(probability[finite])
    close = logarithm > -700  # below, the probability has lost its digits to underflow
    assert np.allclose(
        gg.log_softmax(x, axis=1).numpy()[finite][close], logarithm[close], rtol=1e-9, atol=1e-12
    )
