"""The workloads in JAX: the whole step through jax.jit, parameters and optimizer state donated.

Images have their channels last and loops over time are `lax.scan`, as JAX likes them best.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn
from jax.tree_util import tree_leaves, tree_map

from . import SEED, Workload
from .data import DATA

Parts = tuple[Any, Callable[..., Any], tuple[Any, ...], Any]
"""The parameters, the loss of them and of the data, the data, and the optimizer or None."""

RNG = np.random.default_rng(SEED)


def _normal(*shape: int, scale: float = 1.0) -> Any:
    return jnp.asarray(RNG.standard_normal(shape, dtype=np.float32) * np.float32(scale))


def _data(name: str) -> tuple[Any, ...]:
    return tuple(map(jnp.asarray, DATA[name]()))


# --- optimizers: what a state starts as, and (parameters, gradients, state) -> (parameters, state) --------------


def _sgd(lr: float) -> Any:
    return lambda params: (), lambda params, grads, state: (
        tree_map(lambda p, g: p - lr * g, params, grads),
        state,
    )


def _momentum() -> Any:
    def update(params: Any, grads: Any, velocity: Any) -> Any:
        velocity = tree_map(lambda v, g, p: 0.9 * v + (g + 5e-4 * p), velocity, grads, params)
        return tree_map(lambda p, v: p - 1e-2 * v, params, velocity), velocity

    return lambda params: tree_map(jnp.zeros_like, params), update


def _adam(weight_decay: float = 0.0) -> Any:
    lr, beta1, beta2, eps = 1e-3, 0.9, 0.999, 1e-8

    def start(params: Any) -> Any:
        return jnp.zeros(()), tree_map(jnp.zeros_like, params), tree_map(jnp.zeros_like, params)

    def update(params: Any, grads: Any, state: Any) -> Any:
        t, mean, square = state
        t = t + 1.0
        mean = tree_map(lambda m, g: beta1 * m + (1.0 - beta1) * g, mean, grads)
        square = tree_map(lambda v, g: beta2 * v + (1.0 - beta2) * g * g, square, grads)
        rate, scale = lr / (1.0 - beta1**t), jnp.sqrt(1.0 - beta2**t)

        def moved(p: Any, m: Any, v: Any) -> Any:
            return (1.0 - lr * weight_decay) * p - rate * m / (jnp.sqrt(v) / scale + eps)

        return tree_map(moved, params, mean, square), (t, mean, square)

    return start, update


# --- layers -------------------------------------------------------------------------------------------------------


def _linear(inputs: int, outputs: int) -> Any:
    return {"w": _normal(inputs, outputs, scale=inputs**-0.5), "b": jnp.zeros(outputs)}


def _dense(p: Any, x: Any) -> Any:
    return x @ p["w"] + p["b"]


def _filters(inputs: int, outputs: int, size: int) -> Any:
    scale = (inputs * size * size) ** -0.5
    return {"w": _normal(size, size, inputs, outputs, scale=scale), "b": jnp.zeros(outputs)}


def _convolve(p: Any, x: Any, stride: int = 1, padding: int = 0) -> Any:
    around = [(padding, padding)] * 2
    names = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, p["w"], (stride, stride), around, dimension_numbers=names) + p["b"]


def _pool(x: Any, size: int, stride: int) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, size, size, 1), (1, stride, stride, 1), "VALID")


def _cell(inputs: int, hidden: int) -> Any:
    scale = hidden**-0.5
    return {
        "x": _normal(inputs, 4 * hidden, scale=scale),
        "h": _normal(hidden, 4 * hidden, scale=scale),
        "bx": jnp.zeros(4 * hidden),
        "bh": jnp.zeros(4 * hidden),
    }


def _remember(p: Any, x: Any, hidden: Any, cell: Any) -> Any:
    i, f, g, o = jnp.split(x @ p["x"] + p["bx"] + hidden @ p["h"] + p["bh"], 4, axis=-1)
    cell = nn.sigmoid(f) * cell + nn.sigmoid(i) * jnp.tanh(g)
    return nn.sigmoid(o) * jnp.tanh(cell), cell


def _cross_entropy(logits: Any, labels: Any) -> Any:
    chosen = jnp.take_along_axis(nn.log_softmax(logits), labels[..., None], axis=-1)
    return -jnp.mean(chosen)


def _binary_cross_entropy(logits: Any, labels: Any) -> Any:
    return jnp.mean(nn.softplus(logits) - logits * labels)


# --- workloads ----------------------------------------------------------------------------------------------------


def hw0() -> Parts:
    def f(x: Any) -> Any:
        x1, x2, x3, x4, x5, x6 = x
        return nn.sigmoid(jnp.log(5.0 * (jnp.maximum(x1, x2) * x3 / x4 - (x5 + x6)))) + 0.5

    return list(_data("hw0")), f, (), None


def logistic() -> Parts:
    def loss(p: Any, x: Any, y: Any) -> Any:
        return _binary_cross_entropy(x @ p["w"] + p["b"], y) + 1e-4 * (p["w"] ** 2).sum()

    return {"w": jnp.zeros(64), "b": jnp.zeros(1)}, loss, _data("logistic"), _sgd(1e-2)


def two_layer() -> Parts:
    def loss(p: Any, x: Any, y: Any) -> Any:
        return ((nn.sigmoid(x @ p[0]) @ p[1] - y) ** 2).sum()

    return [_normal(1000, 100), _normal(100, 10)], loss, _data("two_layer"), _sgd(1e-6)


def mlp() -> Parts:
    def loss(p: Any, x: Any, y: Any) -> Any:
        for layer in p[:-1]:
            x = nn.relu(_dense(layer, x))
        return _cross_entropy(_dense(p[-1], x), y)

    return [_linear(784, 512), _linear(512, 512), _linear(512, 10)], loss, _data("mlp"), _adam()


def lenet() -> Parts:
    def loss(p: Any, x: Any, y: Any) -> Any:
        x = _pool(nn.relu(_convolve(p["c1"], x)), 2, 2)
        x = _pool(nn.relu(_convolve(p["c2"], x)), 2, 2)
        x = nn.relu(_dense(p["l1"], x.reshape(x.shape[0], -1)))
        return _cross_entropy(_dense(p["l2"], x), y)

    params = {
        "c1": _filters(1, 20, 5),
        "c2": _filters(20, 50, 5),
        "l1": _linear(800, 500),
        "l2": _linear(500, 10),
    }
    return params, loss, _channels_last("lenet"), _momentum()


def alexnet() -> Parts:
    def loss(p: Any, x: Any, y: Any) -> Any:
        first, second = jax.random.split(jax.random.key(SEED))
        x = _pool(nn.relu(_convolve(p["c"][0], x, 4, 2)), 3, 2)
        x = _pool(nn.relu(_convolve(p["c"][1], x, 1, 2)), 3, 2)
        for filters in p["c"][2:]:
            x = nn.relu(_convolve(filters, x, 1, 1))
        x = _dropout(first, _pool(x, 3, 2).reshape(x.shape[0], -1))
        x = _dropout(second, nn.relu(_dense(p["l"][0], x)))
        return _cross_entropy(_dense(p["l"][2], nn.relu(_dense(p["l"][1], x))), y)

    sizes = ((3, 64, 11), (64, 192, 5), (192, 384, 3), (384, 256, 3), (256, 256, 3))
    params = {
        "c": [_filters(*size) for size in sizes],
        "l": [_linear(9216, 4096), _linear(4096, 4096), _linear(4096, 1000)],
    }
    return params, loss, _channels_last("alexnet"), _momentum()


def _dropout(key: Any, x: Any) -> Any:
    return jnp.where(jax.random.bernoulli(key, 0.5, x.shape), 2.0 * x, 0.0)


def _channels_last(name: str) -> tuple[Any, ...]:
    images, labels = DATA[name]()
    return jnp.asarray(np.ascontiguousarray(images.transpose(0, 2, 3, 1))), jnp.asarray(labels)


def lstm() -> Parts:
    def loss(p: Any, tokens: Any) -> Any:
        zeros = jnp.zeros((tokens.shape[0], 256))

        def step(state: Any, x: Any) -> Any:
            state = _remember(p["cell"], x, *state)
            return state, state[0]

        _, hidden = lax.scan(step, (zeros, zeros), p["embed"][tokens[:, :-1].T])
        return _cross_entropy(_dense(p["head"], hidden), tokens[:, 1:].T)

    params = {"embed": _normal(96, 64), "cell": _cell(64, 256), "head": _linear(256, 96)}
    return params, loss, _data("lstm"), _adam()


def ntm(slots: int = 128, m: int = 20, width: int = 100) -> Parts:
    def length(x: Any, **options: Any) -> Any:
        return jnp.sqrt((x * x).sum(-1, **options))

    def address(asked: Any, before: Any, memory: Any) -> Any:
        key, strength, gate, shift, sharpness = jnp.split(asked[:, : m + 6], (m, m + 1, m + 2, m + 5), axis=1)
        key, gate, shift = jnp.tanh(key), nn.sigmoid(gate), nn.softmax(shift)
        lengths = length(memory) * length(key, keepdims=True)
        alike = (memory * key[:, None]).sum(-1) / (lengths + 1e-8)
        w = gate * nn.softmax(nn.softplus(strength) * alike) + (1.0 - gate) * before
        w = shift[:, 0:1] * jnp.roll(w, 1, 1) + shift[:, 1:2] * w + shift[:, 2:3] * jnp.roll(w, -1, 1)
        w = (w + 1e-8) ** (1.0 + nn.softplus(sharpness))
        return w / w.sum(-1, keepdims=True)

    def loss(p: Any, inputs: Any, y: Any) -> Any:
        batch = inputs.shape[1]

        def step(state: Any, x: Any) -> Any:
            memory, hidden, cell, reading, writing, seen = state
            hidden, cell = _remember(p["cell"], jnp.concatenate([x, seen], 1), hidden, cell)
            asked = _dense(p["write"], hidden)
            writing = address(asked, writing, memory)
            erase, add = nn.sigmoid(asked[:, m + 6 : 2 * m + 6]), jnp.tanh(asked[:, 2 * m + 6 :])
            where = writing[:, :, None]
            memory = memory * (1.0 - where * erase[:, None]) + where * add[:, None]
            reading = address(_dense(p["read"], hidden), reading, memory)
            seen = (reading[:, :, None] * memory).sum(1)
            out = _dense(p["out"], jnp.concatenate([hidden, seen], 1))
            return (memory, hidden, cell, reading, writing, seen), out

        first = jnp.zeros((batch, slots)).at[:, 0].set(1.0)
        zeros = jnp.zeros((batch, width))
        memory = jnp.broadcast_to(p["memory"], (batch, slots, m))
        start = (memory, zeros, zeros, first, first, jnp.zeros((batch, m)))
        return _binary_cross_entropy(lax.scan(step, start, inputs)[1], y)

    params = {
        "cell": _cell(9 + m, width),
        "read": _linear(width, m + 6),
        "write": _linear(width, 3 * m + 6),
        "out": _linear(width + m, 8),
        "memory": _normal(slots, m, scale=0.1),
    }
    return params, loss, _data("ntm"), _adam()


def gpt(vocabulary: int = 96, width: int = 128, context: int = 64, layers: int = 4, heads: int = 4) -> Parts:
    def norm() -> Any:
        return {"w": jnp.ones(width), "b": jnp.zeros(width)}

    def normalised(p: Any, x: Any) -> Any:
        x = x - x.mean(-1, keepdims=True)
        return x * lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * p["w"] + p["b"]

    def block() -> Any:
        return {
            "n1": norm(),
            "n2": norm(),
            "qkv": _linear(width, 3 * width),
            "proj": _linear(width, width),
            "up": _linear(width, 4 * width),
            "down": _linear(4 * width, width),
        }

    def attend(p: Any, x: Any) -> Any:
        batch, length, _ = x.shape
        parts = _dense(p["qkv"], x).reshape(batch, length, 3, heads, width // heads)
        q, k, v = parts.transpose(2, 0, 3, 1, 4)
        scores = q @ k.swapaxes(-1, -2) / (width // heads) ** 0.5
        past = jnp.tril(jnp.ones((length, length), bool))
        mixed = nn.softmax(jnp.where(past, scores, -jnp.inf)) @ v
        return _dense(p["proj"], mixed.transpose(0, 2, 1, 3).reshape(batch, length, width))

    def loss(p: Any, tokens: Any) -> Any:
        x = p["tok"][tokens[:, :-1]] + p["pos"]
        for q in p["blocks"]:
            x = x + attend(q, normalised(q["n1"], x))
            x = x + _dense(q["down"], nn.gelu(_dense(q["up"], normalised(q["n2"], x))))
        return _cross_entropy(_dense(p["head"], normalised(p["norm"], x)), tokens[:, 1:])

    params = {
        "tok": _normal(vocabulary, width),
        "pos": _normal(context, width),
        "blocks": [block() for _ in range(layers)],
        "norm": norm(),
        "head": _linear(width, vocabulary),
    }
    return params, loss, _data("gpt"), _adam(weight_decay=1e-2)


WORKLOADS: dict[str, Callable[[], Parts]] = {
    workload.__name__: workload
    for workload in (hw0, logistic, two_layer, mlp, lenet, alexnet, lstm, ntm, gpt)
}


def prepare(name: str) -> Workload:
    """The workload `name`, its step compiled."""
    params, loss, data, optimizer = WORKLOADS[name]()
    count = sum(leaf.size for leaf in tree_leaves(params))
    if optimizer is None:
        both = jax.jit(jax.value_and_grad(loss))
        return Workload(lambda: jax.block_until_ready(both(params, *data))[0], count)
    start, update = optimizer

    def train(params: Any, state: Any, *data: Any) -> Any:
        found, grads = jax.value_and_grad(loss)(params, *data)
        return found, *update(params, grads, state)

    train = jax.jit(train, donate_argnums=(0, 1))
    kept = [params, start(params)]

    def step() -> Any:
        found, *kept[:] = train(*kept, *data)
        jax.block_until_ready(kept)
        return found

    return Workload(step, count)
