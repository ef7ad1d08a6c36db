"""Composed functions on tensors of which only shape and dtype are known, as in a trace: the shape and dtype to come."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.graph import CONSTANT, Node
from glassgrad.tensor import Tensor

X = np.random.default_rng(31).normal(size=(2, 3, 4))
PLACES = np.array([[[1], [0], [2]], [[0], [0], [3]]])

FUNCTIONS = {
    "broadcast_arrays": lambda x: gg.broadcast_arrays(x, gg.ones((5, 1, 1, 1)))[0],
    "count_nonzero": lambda x: gg.count_nonzero(x, axis=1),
    "cummax": lambda x: gg.cummax(x, axis=1),
    "cummin": lambda x: gg.cummin(x),
    "cumulative_prod": lambda x: gg.cumulative_prod(x, axis=0, include_initial=True),
    "cumulative_sum": lambda x: gg.cumulative_sum(x, axis=2, dtype=gg.float32),
    "diff": lambda x: gg.diff(x, n=2, prepend=gg.zeros((2, 3, 1))),
    "flip": lambda x: gg.flip(x, axis=(0, 2)),
    "index": lambda x: x[:, np.array([0, 2]), None, ::-2],
    "index with arrays apart": lambda x: x[np.array([0, 1]), :, np.array([[3], [2]])],
    "logsumexp": lambda x: gg.logsumexp(x, axis=(0, 1)),
    "mean": lambda x: gg.mean(gg.astype(x, gg.float16), axis=0),
    "median": lambda x: gg.median(x, axis=1, keepdims=True),
    "moveaxis": lambda x: gg.moveaxis(x, (0, 1), (1, 2)),
    "prod": lambda x: gg.prod(x, axis=(0, 2), dtype=gg.float32),
    "quantile": lambda x: gg.quantile(x, [0.1, 0.5], axis=(0, 2)),
    "repeat": lambda x: gg.repeat(x, [1, 2, 0], axis=1),
    "roll": lambda x: gg.roll(x, (1, 2), axis=(0, 1)),
    "scatter": lambda x: gg.scatter(x, PLACES, x[:, :, :1]),
    "scatter_add": lambda x: gg.scatter_add(x, PLACES, 2.0),
    "searchsorted": lambda x: gg.searchsorted(gg.asarray([0.0, 1.0]), x),
    "sort": lambda x: gg.sort(x, axis=0, descending=True),
    "std": lambda x: gg.std(x, axis=(0, 2), correction=1),
    "sum": lambda x: gg.sum(x, axis=-1, dtype=gg.int32),
    "take_along_axis": lambda x: gg.take_along_axis(x, PLACES),
    "tile": lambda x: gg.tile(x, (2, 1, 1, 2)),
    "top_k": lambda x: gg.top_k(x, 2)[1],
    "unstack": lambda x: gg.unstack(x, axis=2)[1],
    "var": lambda x: gg.var(x),
    "x.at.add": lambda x: x.at[np.array([0, 0])].add(x[:1]),
    "x.at.max": lambda x: x.at[:, 1].max(0.5),
    "x.at.multiply": lambda x: x.at[np.array([0, 0]), 1].multiply(x[0, :2]),
    "x.at.set": lambda x: x.at[..., 0].set(3.0),
}


def unknown(x):
    return Tensor(None, Node(CONSTANT, (), x.shape, x.dtype, False, None))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_shape_and_dtype_without_values(name):
    found, wanted = FUNCTIONS[name](unknown(X)), FUNCTIONS[name](gg.asarray(X))
    assert found.value is None
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_members_of_a_stack(name):
    stack = np.stack([X, -X, X**2])
    found = gg.vmap(FUNCTIONS[name])(stack)
    for i, x in enumerate(stack):
        wanted = FUNCTIONS[name](gg.asarray(x))
        assert (found[i].shape, found[i].dtype) == (wanted.shape, wanted.dtype)
        assert np.allclose(found[i].numpy(), wanted.numpy(), rtol=1e-13, atol=1e-15)


SMOOTH = [name for name in FUNCTIONS if name not in ("count_nonzero", "searchsorted", "sum", "top_k", "mean")]


@pytest.mark.parametrize("name", SMOOTH)
def test_forward_mode_agrees_with_reverse_mode(name):
    function = FUNCTIONS[name]
    weights = np.random.default_rng(37).normal(size=function(gg.asarray(X)).shape)
    direction = np.random.default_rng(41).normal(size=X.shape)

    def loss(x):
        return gg.sum(gg.astype(function(x), gg.float64) * weights)

    gradient = gg.grad(loss)(X).numpy()
    _, moved = gg.jvp(loss, (X,), (direction,))
    narrow = function(gg.asarray(X)).dtype == gg.float32
    assert np.isclose(moved.item(), (gradient * direction).sum(), rtol=1e-5 if narrow else 1e-11)
