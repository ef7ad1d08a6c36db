"""Layer normalization, GELU, SiLU and attention against PyTorch's."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed, and these tests compare with it")
from side_by_side import compare  # noqa: E402 - it imports torch

RNG = np.random.default_rng(0)
attend, their_attend = (package.functional.scaled_dot_product_attention for package in (nn, torch.nn))


@pytest.mark.parametrize(
    ("shape", "normalized", "settings"),
    [
        ((5, 4), 4, {}),
        ((2, 3, 4), (3, 4), {"eps": 0.1}),
        ((2, 3, 4), [4], {"bias": False}),
        ((2, 3, 4), 4, {"elementwise_affine": False}),
        ((4,), 4, {}),
        ((0, 4), 4, {}),
    ],
)
def test_layer_norm(shape, normalized, settings):
    ours = nn.LayerNorm(normalized, **settings, dtype=gg.float64)
    theirs = torch.nn.LayerNorm(normalized, **settings, dtype=torch.float64)
    for p in theirs.parameters():
        p.data += torch.tensor(RNG.normal(size=p.shape))
    compare(ours, theirs, 3.0 + RNG.normal(size=shape))


@pytest.mark.parametrize(
    ("kind", "settings"), [("GELU", {}), ("GELU", {"approximate": "tanh"}), ("SiLU", {})]
)
def test_activations(kind, settings):
    x = np.concatenate([np.linspace(-6.0, 6.0, 49), [0.0, -30.0, 30.0]])
    compare(getattr(nn, kind)(**settings), getattr(torch.nn, kind)(**settings), x, rtol=1e-9)


@pytest.mark.parametrize(
    ("q", "k", "v"),
    [
        ((5, 4), (6, 4), (6, 3)),
        ((2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 4)),
        ((2, 3, 7, 4), (2, 3, 2, 4), (2, 3, 2, 4)),
    ],
)
@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.3}], ids=str)
def test_attention(q, k, v, options):
    compare(attend, their_attend, *(RNG.normal(size=shape) for shape in (q, k, v)), **options)


def masks():
    seen = RNG.random((5, 6)) < 0.6
    seen[2] = False  # a query that sees no key
    yield "boolean", seen
    yield "for each head", RNG.random((2, 3, 5, 6)) < 0.5
    yield "for the keys", np.array([[True, False, True, True, False, True]])
    yield "float", RNG.normal(size=(5, 6))
    yield "infinities", np.where(seen, RNG.normal(size=(5, 6)), -np.inf)


@pytest.mark.parametrize("mask", [pytest.param(mask, id=name) for name, mask in masks()])
def test_attention_with_a_mask(mask):
    q, k, v = (RNG.normal(size=shape) for shape in ((2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 4)))
    compare(attend, their_attend, q, k, v, attn_mask=mask)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bias": False},
        {"batch_first": True},
        {"kdim": 3, "vdim": 5},
        {"kdim": 3, "bias": False, "batch_first": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [{}, {"average_attn_weights": False}, {"need_weights": False}], ids=str)
@pytest.mark.parametrize("batch", [None, 2])
def test_multi_head_attention(settings, options, batch):
    def draw(positions, features):
        if batch is None:
            return RNG.normal(size=(positions, features))
        pair = (batch, positions) if settings.get("batch_first") else (positions, batch)
        return RNG.normal(size=(*pair, features))

    ours, theirs = layers(settings)
    inputs = draw(4, 8), draw(6, settings.get("kdim", 8)), draw(6, settings.get("vdim", 8))
    compare(ours, theirs, *inputs, **options)


def layers(settings):
    ours = nn.MultiheadAttention(8, 2, **settings, dtype=gg.float64)
    theirs = torch.nn.MultiheadAttention(8, 2, **settings, dtype=torch.float64)
    if theirs.in_proj_bias is not None:
        theirs.in_proj_bias.data += torch.tensor(RNG.normal(size=24))
    return ours, theirs


class ToItself:
    """A layer that gets one tensor as query, key and value; not a module, so that names stay."""

    def __init__(self, layer):
        self.layer = layer

    def __call__(self, x, **options):
        return self.layer(x, x, x, **options)

    def __getattr__(self, name):
        return getattr(self.layer, name)


def test_self_attention():
    for settings in ({}, {"kdim": 8}, {"batch_first": True}):
        ours, theirs = layers(settings)
        compare(ToItself(ours), ToItself(theirs), RNG.normal(size=(5, 3, 8)))


@pytest.mark.parametrize(
    "options",
    [
        {"attn_mask": np.triu(np.ones((4, 4), bool), 1)},
        {"attn_mask": np.triu(np.ones((4, 4), bool), 1), "is_causal": True},
        {"attn_mask": RNG.normal(size=(4, 4))},
        {"attn_mask": RNG.normal(size=(6, 4, 4))},
        {"key_padding_mask": np.array([[False] * 4, [False, True, True, False], [True, False, True, True]])},
        {
            "key_padding_mask": np.where(np.arange(12).reshape(3, 4) % 4 > 1, -np.inf, 0.0),
            "attn_mask": RNG.normal(size=(4, 4)),
        },
        {
            "key_padding_mask": np.arange(12).reshape(3, 4) % 4 > 1,
            "attn_mask": np.triu(np.ones((4, 4), bool), 1),
        },
    ],
)
def test_multi_head_attention_with_masks(options):
    ours, theirs = layers({"batch_first": True})
    compare(ours, theirs, *(RNG.normal(size=(3, 4, 8)) for _ in range(3)), **options)
