"""The layers that are built of ops, in every mode: differences, forward mode, a second order, vmap, tracing, compiled."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.compiler import compile as compiled
from glassgrad.nn import functional as F  # noqa: N812 - PyTorch's habit

D = gg.float64


def first(layer):
    """The layer with only the first of its outputs."""
    return lambda *inputs: layer(*inputs)[0]


def to_itself(layer):
    """An attention that gets one tensor as query, key and value."""
    return lambda x: layer(x, x, x, is_causal=True)[0]


CASES = {
    "conv1d": (lambda: nn.Conv1d(2, 3, 3, padding=1, padding_mode="circular", dtype=D), (2, 2, 5)),
    "conv2d": (lambda: nn.Conv2d(2, 4, (2, 3), stride=(1, 2), padding=1, groups=2, dtype=D), (2, 2, 4, 5)),
    "conv3d": (lambda: nn.Conv3d(1, 2, 2, dtype=D), (1, 1, 3, 2, 3)),
    "max pool": (lambda: nn.MaxPool2d(2, 1), (2, 1, 3, 4)),
    "average pool": (lambda: nn.AvgPool2d(2, padding=1, count_include_pad=False), (2, 1, 3, 4)),
    "layer norm": (lambda: nn.LayerNorm((2, 4), dtype=D), (3, 2, 4)),
    "gelu": (nn.GELU, (3, 4)),
    "gelu by tanh": (lambda: nn.GELU("tanh"), (3, 4)),
    "silu": (nn.SiLU, (3, 4)),
    "lstm cell": (lambda: first(nn.LSTMCell(3, 2, dtype=D)), (4, 3)),
    "lstm": (lambda: first(nn.LSTM(3, 2, 2, bidirectional=True, dtype=D)), (3, 2, 3)),
    "attention": (
        lambda: lambda x: F.scaled_dot_product_attention(x, x[..., :2, :], x[..., 1:, :]),
        (2, 3, 4),
    ),
    "causal attention": (
        lambda: lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True),
        (2, 3, 4),
    ),
    "multi-head attention": (
        lambda: to_itself(nn.MultiheadAttention(6, 2, batch_first=True, dtype=D)),
        (2, 3, 6),
    ),
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request, rng):
    gg.random.seed(0)
    make, shape = request.param
    return make(), gg.asarray(rng.normal(size=shape))


def test_derivatives_agree_with_differences_in_both_modes_and_twice(case):
    layer, x = case
    gg.gradcheck(layer, x, modes=("reverse", "forward"), order=2)


def test_mapped_over_a_batch(case, rng):
    layer, x = case
    stack = gg.asarray(rng.normal(size=(3, *x.shape)))
    one_by_one = [layer(member) for member in stack]
    np.testing.assert_allclose(
        gg.vmap(layer)(stack).numpy(), np.stack([y.numpy() for y in one_by_one]), rtol=1e-12, atol=1e-14
    )
    gradient = gg.grad(lambda x: gg.sum(gg.sin(layer(x))))
    one_by_one = [gradient(member) for member in stack]
    np.testing.assert_allclose(
        gg.vmap(gradient)(stack).numpy(), np.stack([y.numpy() for y in one_by_one]), rtol=1e-10, atol=1e-13
    )


def test_traced_from_a_shape_alone(case):
    layer, x = case
    graph = gg.trace(layer, gg.Spec(x.shape, x.dtype))
    np.testing.assert_array_equal(graph.forward(x).numpy(), layer(x).numpy())


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(2, 2, 2, dtype=D), (1, 2, 3, 3)),
        (nn.LayerNorm(4, dtype=D), (2, 4)),
        (nn.LSTMCell(4, 3, dtype=D), (2, 4)),
        (nn.LSTM(4, 3, bidirectional=True, dtype=D), (3, 2, 4)),
    ],
)
def test_gradients_of_parameters_for_each_sample_of_a_batch(layer, shape, rng):
    parameters = {name: p.numpy() for name, p in layer.named_parameters()}
    stack = gg.asarray(rng.normal(size=(3, *shape)))

    def loss(parameters, x):
        y = nn.functional_call(layer, parameters, x, strict=False)
        return gg.sum(gg.square(y if isinstance(y, gg.Tensor) else y[0]))

    found = gg.vmap(gg.grad(loss), in_axes=(None, 0))(parameters, stack)
    for place, x in enumerate(stack):
        layer.zero_grad()
        loss({}, x).backward()
        for name, p in layer.named_parameters():
            np.testing.assert_allclose(found[name][place].numpy(), p.grad.numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"), (1, 2, 4, 4)),
        (nn.MaxPool2d(2), (1, 2, 4, 4)),
        (nn.AvgPool2d(2, padding=1, count_include_pad=False), (1, 2, 4, 4)),
        (nn.LayerNorm(4), (2, 4)),
        (nn.GELU(), (2, 4)),
        (nn.GELU("tanh"), (2, 4)),
        (nn.SiLU(), (2, 4)),
        (first(nn.LSTMCell(4, 3)), (2, 4)),
        (first(nn.LSTM(4, 3)), (5, 2, 4)),
        (lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), (3, 4)),
        (to_itself(nn.MultiheadAttention(4, 2)), (2, 3, 4)),
    ],
)
def test_float32_stays_float32(layer, shape, rng):
    x = gg.asarray(rng.normal(size=shape).astype(np.float32))
    y, gradient = gg.value_and_grad(lambda x: gg.sum(layer(x)))(x)
    assert y.dtype == gradient.dtype == gg.float32


MODELS = {
    "convolutions": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)),
        lambda rng: rng.normal(size=(4, 1, 6, 6)).astype(np.float32),
    ),
    "tokens": (
        lambda: nn.Sequential(nn.Embedding(9, 6, padding_idx=2), nn.LayerNorm(6), nn.GELU(), nn.Flatten()),
        lambda rng: rng.integers(0, 9, (4, 5)),
    ),
}


class Reader(nn.Module):
    """A language model of one layer, with dropout."""

    def __init__(self):
        self.embed, self.lstm = nn.Embedding(7, 4), nn.LSTM(4, 6, 2, batch_first=True, dropout=0.5)
        # the bias of keys has no influence, and AdamW would make steps of the rounding errors of its gradient
        self.attend = nn.MultiheadAttention(6, 3, dropout=0.25, bias=False, batch_first=True)

    def forward(self, x):
        y, _ = self.lstm(self.embed(x))
        return self.attend(y, y, y, need_weights=False, is_causal=True)[0]


MODELS["reader"] = Reader, lambda rng: rng.integers(0, 7, (3, 5))


@pytest.mark.parametrize("name", MODELS)
def test_a_compiled_training_step_does_what_the_plain_one_does(name, rng):
    make, draw = MODELS[name]
    x, found = draw(rng), []
    for wrap in (lambda step: step, compiled):
        gg.random.seed(5)
        model = make()
        optimizer = gg.optim.AdamW(model.parameters(), lr=0.01)

        def step(x, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = gg.mean(gg.square(model(x) - 1.0))
            loss.backward()
            optimizer.step()
            return loss

        step(x)  # makes the state of the optimizer
        optimizer.zero_grad()
        step = wrap(step)
        losses = [float(step(gg.asarray(x))) for _ in range(3)]
        found.append([*losses, *(p.numpy() for p in model.parameters())])
        assert len(set(losses)) == 3
    for plain, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=2e-5, atol=1e-6)
