"""The embedding layer: values, gradients, padding, and what it says when misused."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn


def test_rows_and_their_gradients():
    layer = nn.Embedding(3, 2)
    layer.weight.assign([[0.0, 1.0], [10.0, 11.0], [20.0, 21.0]])
    indices = gg.tensor([[2, 0], [2, 2]])
    y = layer(indices)
    assert y.tolist() == [[[20.0, 21.0], [0.0, 1.0]], [[20.0, 21.0], [20.0, 21.0]]]
    (y * gg.tensor([[[1.0, 1.0], [2.0, 3.0]], [[4.0, 5.0], [6.0, 7.0]]])).sum().backward()
    assert layer.weight.grad.tolist() == [[2.0, 3.0], [0.0, 0.0], [11.0, 13.0]]
    assert layer(1).tolist() == [10.0, 11.0]
    assert layer(gg.tensor([], dtype=gg.int32)).shape == (0, 2)
    assert layer(np.array([1], np.uint8)).tolist() == [[10.0, 11.0]]


def test_the_row_for_padding_starts_as_zeros_and_is_not_learnt():
    layer = nn.Embedding(4, 2, padding_idx=-1)
    assert layer.padding_idx == 3
    assert layer.weight.tolist()[3] == [0.0, 0.0]
    layer(gg.tensor([3, 1, 3])).sum().backward()
    assert layer.weight.grad.tolist() == [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    assert repr(layer) == "Embedding(4, 2, padding_idx=3)"


def test_it_starts_as_standard_normal_numbers():
    gg.random.seed(0)
    w, n = nn.Embedding(100, 100).weight.numpy(), 10_000
    assert abs(w.mean()) < 4 / np.sqrt(n)
    assert abs(w.var() - 1) < 4 * np.sqrt(2 / n)


def test_mapped_and_traced():
    layer, indices = nn.Embedding(5, 2, padding_idx=0), gg.tensor([[1, 0, 4], [2, 2, 0]])
    np.testing.assert_array_equal(gg.vmap(layer)(indices).numpy(), layer(indices).numpy())
    graph = gg.trace(layer, gg.Spec((2, 3), gg.int64))
    np.testing.assert_array_equal(graph.forward(indices).numpy(), layer(indices).numpy())
    table = gg.tensor(np.arange(10.0).reshape(5, 2))
    gg.gradcheck(lambda w: nn.functional.embedding(indices, w), table, modes=("reverse", "forward"))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: nn.Embedding(4, 2)(gg.tensor([[0, 1], [4, 1]])),
            gg.ArgumentError,
            "in Embedding: Embedding got the index 4 at position 1, 0, but its table has 4 rows: indices are 0 to 3. "
            "For these indices it needs num_embeddings=5.",
        ),
        (
            lambda: nn.Embedding(4, 2)(-1),
            gg.ArgumentError,
            "in Embedding: Embedding got the index -1, but its table has 4 rows: indices are 0 to 3.",
        ),
        (
            lambda: nn.Embedding(4, 2)(gg.ones(3)),
            gg.DTypeError,
            "in Embedding: Embedding looks up integers; got float32 of shape (3,). gg.astype(x, gg.int64) converts.",
        ),
        (lambda: nn.Embedding(0, 2), gg.ArgumentError, "Embedding needs num_embeddings >= 1; got 0"),
        (lambda: nn.Embedding(4, 2, 4), gg.ArgumentError, "Embedding needs padding_idx in [-4, 4); got 4"),
        (
            lambda: nn.Embedding(4, 2, 0.5),
            gg.ArgumentError,
            "Embedding needs an integer padding_idx, or None; got 0.5",
        ),
        (
            lambda: nn.Embedding.from_pretrained([1.0, 2.0]),
            gg.ShapeError,
            "from_pretrained needs a table of shape (rows, width); got shape (2,)",
        ),
        (
            lambda: nn.functional.embedding([0], gg.ones(3)),
            gg.ShapeError,
            "Embedding needs a weight of shape (rows, width); got shape (3,)",
        ),
    ],
)
def test_mistakes(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).split(" (at ")[0] == message
