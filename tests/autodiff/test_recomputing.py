"""`checkpoint`: the same gradients, fewer values held, little more forward work."""

import gc
import tracemalloc

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn


def f(x):
    return gg.sin(gg.sin(x)) * x


X = np.array([0.3, 0.5])


@pytest.mark.parametrize(
    "mode",
    [
        lambda f: gg.grad(lambda x: gg.sum(f(x))),
        lambda f: lambda x: gg.jvp(f, (x,), (x,))[1],
        lambda f: lambda x: gg.hvp(lambda x: gg.sum(f(x)), x, x),
        lambda f: gg.grad(lambda x: gg.sum(gg.grad(lambda x: gg.sum(f(x)))(x) ** 2)),
        lambda f: gg.vmap(gg.grad(f)),
        lambda f: gg.grad(lambda x: gg.sum(gg.vmap(gg.grad(f))(x))),
    ],
)
def test_same_in_every_mode(mode):
    np.testing.assert_allclose(mode(gg.checkpoint(f))(X).numpy(), mode(f)(X).numpy(), rtol=1e-12)


def test_what_is_read_from_outside_gets_its_gradient():
    w = gg.tensor(np.array(2.0), requires_grad=True)
    square = w * w  # a result in between, whose value the tape did not keep for itself
    layer = nn.Linear(2, 2)
    out = gg.checkpoint(lambda x: gg.sum(layer(x) * square))(gg.asarray(X.astype("float32")))
    out.backward()
    np.testing.assert_allclose(layer.weight.grad.numpy(), np.outer([4, 4], X), rtol=1e-6)
    inner = layer(gg.asarray(X.astype("float32"))).numpy().sum()
    assert w.grad.item() == pytest.approx(inner * 2 * 2.0, rel=1e-6)


def test_trees_integers_and_other_values_pass_through():
    @gg.checkpoint
    def g(p, index, word, n):
        assert word == "sum"
        return {"out": p["w"][index] * n, "where": index, "word": word}

    w = gg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    found = g({"w": w}, gg.asarray([0, 2]), "sum", 10)
    assert found["where"].tolist() == [0, 2]
    assert found["word"] == "sum"
    gg.sum(found["out"]).backward()
    assert w.grad.tolist() == [10.0, 0.0, 10.0]


def test_random_numbers_are_drawn_again_as_they_were():
    gg.random.seed(3)
    x = gg.tensor(np.ones(100), requires_grad=True)
    out = gg.checkpoint(lambda x: x * gg.random.uniform(100, dtype="float64"))(x)
    after = gg.random.uniform(1).item()
    gg.sum(out).backward()
    np.testing.assert_array_equal(x.grad.numpy(), out.detach().numpy())
    gg.random.seed(3)
    gg.random.uniform(100, dtype="float64")
    assert gg.random.uniform(1).item() == after


def states_held(steps, checkpoint):
    """The largest number of arrays of one state's size that live at once, and the calls of the step."""
    size = 20_000
    calls = 0

    def step(carry, _):
        nonlocal calls
        calls += 1
        return gg.sin(carry), None

    def loss(x):
        return gg.sum(gg.scan(step, x, length=steps, checkpoint=checkpoint)[0])

    x = np.ones(size)
    gg.grad(loss)(x)
    calls = 0
    gc.collect()
    tracemalloc.start()
    gg.grad(loss)(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / x.nbytes, calls


def test_a_chain_of_1000_steps_holds_few_states():
    states, calls = states_held(1000, checkpoint=True)
    assert states <= 80
    assert calls <= 2.1 * 1000


def test_without_it_every_state_is_held():
    states, calls = states_held(200, checkpoint=False)
    assert states > 200
    assert calls == 200


def test_under_no_grad_it_is_the_function():
    with gg.no_grad():
        assert not gg.checkpoint(f)(gg.tensor(X, requires_grad=True)).requires_grad
