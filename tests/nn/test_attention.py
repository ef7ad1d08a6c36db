"""Attention, layer normalization, GELU and SiLU: values from other sources, and what they say when misused."""

import math

import numpy as np
import pytest
from mpmath import mp, mpf, ncdf

import glassgrad as gg
from glassgrad import nn
from glassgrad.nn import functional as F  # noqa: N812 - PyTorch's habit

X = np.concatenate([np.linspace(-6.0, 6.0, 25), [-12.0, 12.0]])


# --- activations ------------------------------------------------------------------------------------------------


def test_gelu_keeps_its_digits_far_to_the_left():
    with mp.workdps(100):
        expected = [float(mpf(x) * ncdf(mpf(x))) for x in X]
        inner = [mp.sqrt(2 / mp.pi) * (mpf(x) + mpf("0.044715") * mpf(x) ** 3) for x in X]
        bent = [float(mpf(x) / 2 * (1 + mp.tanh(u))) for x, u in zip(X, inner, strict=True)]
        soft = [float(mpf(x) / (1 + mp.exp(-mpf(x)))) for x in X]
    for layer, values in ((nn.GELU(), expected), (nn.GELU("tanh"), bent), (nn.SiLU(), soft)):
        # a rounding of an exponent of 72, or 130, is that much larger in the result
        np.testing.assert_allclose(layer(X).numpy(), values, rtol=130 * 2.0**-52, atol=0)


def test_the_approximation_is_as_close_as_documented():
    x = gg.asarray(np.linspace(-8.0, 8.0, 2001))
    assert 0.0004 < float(gg.max(gg.abs(F.gelu(x) - F.gelu(x, approximate="tanh")))) < 0.0005


# --- layer normalization ----------------------------------------------------------------------------------------


def test_layer_norm_by_hand():
    layer = nn.LayerNorm(2, eps=0.0)
    layer.weight.assign([10.0, 100.0])
    layer.bias.assign([1.0, 2.0])
    assert layer(gg.tensor([[1.0, 5.0], [7.0, 3.0]])).tolist() == [[-9.0, 102.0], [11.0, -98.0]]
    assert nn.LayerNorm(2, eps=0.75, elementwise_affine=False)(gg.tensor([1.0, 2.0])).tolist() == [-0.5, 0.5]


def test_layer_norm_of_constants_is_zero_with_a_finite_gradient():
    x = gg.tensor([[3.0, 3.0, 3.0]])
    assert nn.LayerNorm(3)(x).tolist() == [[0.0, 0.0, 0.0]]
    assert np.isfinite(nn.LayerNorm(3).backward(x, [[1.0, 2.0, 3.0]]).numpy()).all()


def test_half_precision_does_not_overflow():
    x = gg.tensor([[-30000.0, 30000.0]], dtype=gg.float16)
    y = nn.LayerNorm(2, dtype=gg.float16)(x)
    assert (y.dtype, y.tolist()) == (gg.float16, [[-1.0, 1.0]])


def test_layer_norm_parameters():
    assert [(name, p.tolist()) for name, p in nn.LayerNorm(2).named_parameters()] == [
        ("weight", [1.0, 1.0]),
        ("bias", [0.0, 0.0]),
    ]
    assert list(nn.LayerNorm((2, 3), bias=False).state_dict()) == ["weight"]
    assert list(nn.LayerNorm((2, 3), elementwise_affine=False).state_dict()) == []
    assert (
        repr(nn.LayerNorm(2, bias=False)) == "LayerNorm((2,), eps=1e-05, elementwise_affine=True, bias=False)"
    )


# --- attention --------------------------------------------------------------------------------------------------


def attention_by_loops(q, k, v, seen):
    y = np.zeros((len(q), v.shape[1]))
    for i in range(len(q)):
        weights = [
            math.exp(q[i] @ k[j] / math.sqrt(q.shape[1])) if seen[i, j] else 0.0 for j in range(len(k))
        ]
        for j in range(len(k)):
            y[i] += weights[j] * v[j] / (sum(weights) or 1.0)
    return y


@pytest.mark.parametrize("shape", [(4, 4), (4, 6), (6, 4), (1, 1)])
def test_attention_against_loops(rng, shape):
    q, k, v = (rng.normal(size=(n, 3)) for n in (shape[0], shape[1], shape[1]))
    mask = rng.random(shape) < 0.5
    for options, seen in (
        ({}, np.ones(shape, bool)),
        ({"is_causal": True}, np.tri(*shape, dtype=bool)),
        ({"attn_mask": mask}, mask),
        ({"attn_mask": np.where(mask, 0.0, -np.inf)}, mask),
    ):
        found = F.scaled_dot_product_attention(q, k, v, **options).numpy()
        np.testing.assert_allclose(found, attention_by_loops(q, k, v, seen), rtol=1e-12, atol=1e-15)


def test_a_query_that_sees_no_key_gives_zeros_and_no_gradient():
    q, mask = gg.ones((2, 3)), gg.tensor([[False, False], [True, True]])
    attend = lambda q: F.scaled_dot_product_attention(q, gg.tensor([[1.0, 2, 3], [4, 5, 6]]), gg.eye(2), mask)  # noqa: E731
    assert attend(q).tolist()[0] == [0.0, 0.0]
    gradient = gg.grad(lambda q: gg.sum(attend(q)[:, 0]))(q).numpy()
    assert (gradient[0] == 0).all()
    assert np.isfinite(gradient).all()


def test_what_is_not_seen_has_no_influence_not_even_a_nan():
    k = np.ones((2, 3), np.float32)
    k[1] = np.nan
    assert F.scaled_dot_product_attention(gg.ones((1, 3)), k, gg.eye(2), [[True, False]]).tolist() == [
        [1.0, 0.0]
    ]


def test_dropout_of_weights():
    gg.random.seed(0)
    q, k, v = gg.zeros((1000, 2)), gg.zeros((4, 2)), gg.eye(4)
    y = F.scaled_dot_product_attention(q, k, v, dropout_p=0.5).numpy()
    assert set(y.ravel().tolist()) == {0.0, 0.5}
    assert abs((y == 0).mean() - 0.5) < 4 * 0.5 / math.sqrt(4000)


def test_multi_head_attention_drops_in_training_only():
    gg.random.seed(0)
    layer, x = nn.MultiheadAttention(4, 2, dropout=0.5), gg.ones((5, 1, 4))
    assert 0.0 in layer(x, x, x, average_attn_weights=False)[1].numpy()
    weights = layer.eval()(x, x, x)[1].numpy()
    np.testing.assert_allclose(weights, np.full((1, 5, 5), 0.2), rtol=1e-6)


def test_is_causal_is_the_mask_above_the_diagonal(rng):
    layer, x = nn.MultiheadAttention(4, 2), gg.asarray(rng.normal(size=(5, 2, 4)).astype(np.float32))
    hidden = ~np.tri(5, dtype=bool)
    for found, expected in zip(layer(x, x, x, is_causal=True), layer(x, x, x, attn_mask=hidden), strict=True):
        np.testing.assert_array_equal(found.numpy(), expected.numpy())


def test_multi_head_attention_starts_as_pytorch_s_does():
    gg.random.seed(0)
    layer = nn.MultiheadAttention(60, 3)
    w, bound = layer.in_proj_weight.numpy(), math.sqrt(6 / 240)
    assert 0.99 * bound < np.abs(w).max() <= bound
    assert np.abs(layer.out_proj.weight.numpy()).max() <= 1 / math.sqrt(60)
    assert not layer.in_proj_bias.numpy().any()
    assert not layer.out_proj.bias.numpy().any()


def test_the_same_input_three_times_is_projected_by_one_product():
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    graph = gg.trace(lambda x: layer(x, x, x)[0], gg.Spec((3, 5, 4), gg.float32))
    assert next(node.shape for node in graph.body if node.op.name == "matmul") == (3, 5, 12)
    assert sum(node.op.name == "matmul" for node in graph.body) == 4


# --- misuse -----------------------------------------------------------------------------------------------------

Q = gg.ones((2, 4, 8))


def attend(*shapes, **options):
    return lambda: F.scaled_dot_product_attention(*map(gg.ones, shapes), **options)


def multi_head(*inputs, **options):
    return lambda: nn.MultiheadAttention(8, 2)(*inputs, **options)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: nn.GELU("erf"), gg.ArgumentError, "gelu knows approximate='none' and 'tanh'; got 'erf'"),
        (
            lambda: nn.LayerNorm(3)(gg.ones((3, 2))),
            gg.ShapeError,
            "in LayerNorm: LayerNorm expects 3 features on the last axis; got input of shape (3, 2)",
        ),
        (
            lambda: nn.LayerNorm((2, 3))(gg.ones(3)),
            gg.ShapeError,
            "in LayerNorm: LayerNorm expects last axes of shape (2, 3); got input of shape (3,)",
        ),
        (
            lambda: nn.LayerNorm(2)(gg.tensor([1, 2])),
            gg.DTypeError,
            "in LayerNorm: LayerNorm needs a float input; got int64 of shape (2,). gg.astype(x, gg.float32) converts.",
        ),
        (lambda: nn.LayerNorm(()), gg.ArgumentError, "LayerNorm needs a normalized_shape of at least one axis; got ()"),
        (lambda: nn.LayerNorm(2, eps=-1), gg.ArgumentError, "LayerNorm needs a number eps >= 0; got -1"),
        (
            lambda: F.layer_norm(gg.ones((2, 3)), 3, gg.ones(2)),
            gg.ShapeError,
            "LayerNorm needs a weight of normalized_shape (3,); got shape (2,)",
        ),
        (
            attend((4, 8), (5, 7), (5, 7)),
            gg.ShapeError,
            "scaled_dot_product_attention needs query (..., L, E), key (..., S, E) and value (..., S, V); got query "
            "(4, 8), key (5, 7) and value (5, 7)",
        ),
        (
            attend((4, 8), (0, 8), (0, 8)),
            gg.ShapeError,
            "scaled_dot_product_attention needs at least one key and one feature; got query (4, 8), key (0, 8) and "
            "value (0, 8)",
        ),
        (
            attend((4, 8), (5, 8), (5, 8), attn_mask=gg.ones((5, 4)) > 0),
            gg.ShapeError,
            "attention needs a mask that can be broadcast to the scores (4, 5), of queries and keys; got (5, 4)",
        ),
        (
            attend((4, 8), (5, 8), (5, 8), attn_mask=gg.ones((4, 5), dtype=gg.int32)),
            gg.DTypeError,
            "attention needs a mask of booleans, or of floats that are added; got int32 of shape (4, 5)",
        ),
        (
            attend((4, 8), (5, 8), (5, 8), attn_mask=gg.ones((4, 5)), is_causal=True),
            gg.ArgumentError,
            "scaled_dot_product_attention takes is_causal or attn_mask, not both: put the one into the other, "
            "mask & gg.tril(gg.ones_like(mask))",
        ),
        (
            lambda: F.scaled_dot_product_attention([[1]], gg.ones((1, 1)), gg.ones((1, 1))),
            gg.DTypeError,
            "scaled_dot_product_attention needs float tensors; got query int64, key float32 and value float32",
        ),
        (
            lambda: nn.MultiheadAttention(10, 4),
            gg.ArgumentError,
            "MultiheadAttention divides embed_dim among the heads, so it must be a multiple of num_heads; got "
            "embed_dim=10 and num_heads=4",
        ),
        (lambda: nn.MultiheadAttention(8, 0), gg.ArgumentError, "MultiheadAttention needs num_heads >= 1; got 0"),
        (
            multi_head(Q, Q, gg.ones((2, 4, 7))),
            gg.ShapeError,
            "in MultiheadAttention: MultiheadAttention expects 8, 8 and 8 features on the last axes; got query "
            "(2, 4, 8), key (2, 4, 8) and value (2, 4, 7)",
        ),
        (
            multi_head(Q, gg.ones((2, 3, 8)), gg.ones((2, 3, 8))),
            gg.ShapeError,
            "in MultiheadAttention: MultiheadAttention needs (positions, batch, features), with one batch size, and as "
            "many values as keys, at least one; got query (2, 4, 8), key (2, 3, 8) and value (2, 3, 8)",
        ),
        (
            multi_head(Q, gg.ones((4, 8)), gg.ones((4, 8))),
            gg.ShapeError,
            "in MultiheadAttention: MultiheadAttention needs query, key and value all as (positions, batch, features) "
            "or (positions, features); got query (2, 4, 8), key (4, 8) and value (4, 8)",
        ),
        (
            multi_head(Q, Q, Q, attn_mask=gg.ones((4, 4))),
            gg.ShapeError,
            "in MultiheadAttention: MultiheadAttention needs attn_mask of shape (2, 2) or (8, 2, 2); got (4, 4)",
        ),
        (
            multi_head(Q, Q, Q, key_padding_mask=gg.ones((4, 2), dtype=gg.int64)),
            gg.DTypeError,
            "in MultiheadAttention: MultiheadAttention needs key_padding_mask as booleans, True for what is not seen, "
            "or as floats that are added; got int64",
        ),
    ],
)  # fmt: skip
def test_mistakes(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).split(" (at ")[0] == message
