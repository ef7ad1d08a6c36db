"""Random numbers in compiled functions: the same bits as eager ones, and the stream goes on in the same way."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compared import assert_arrays_close
from numpy.testing import assert_array_equal

import glassgrad as gg
from glassgrad.compiler import Compiled, compile
from glassgrad.compiler.kernels import Fallback, Place, Units
from glassgrad.compiler.llvm import philox
from glassgrad.compiler.llvm.philox import DrawFunction

SHAPES = [
    (),
    (1,),
    (2,),
    (7,),
    (8,),
    (31,),
    (32,),
    (33,),
    (63,),
    (64,),
    (65,),
    (3, 5, 7),
    (70_001,),
    (32, 9216),
]


def assert_machine_code(compiled: Compiled) -> None:
    assert not [unit for unit in Units(compiled.graph).units if isinstance(unit, Fallback)]


def both(
    draw: Callable[[Any], Any], seed: int, offset: int = 0, calls: int = 3
) -> tuple[list[Any], list[Any]]:
    """What a compiled draw and an eager one give, call after call, each from a generator of its own."""
    left, right = gg.random.Generator(seed, offset), gg.random.Generator(seed, offset)
    compiled = compile(lambda: draw(left))
    found = [compiled().numpy().copy() for _ in range(calls)]
    wanted = [draw(right).numpy() for _ in range(calls)]
    assert left.get_state() == right.get_state()
    assert_machine_code(compiled)
    return found, wanted


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_same_bits(shape: tuple[int, ...], dtype: str) -> None:
    found, wanted = both(lambda generator: generator.uniform(shape, dtype=dtype), seed=7)
    assert_array_equal(found, wanted, strict=True)


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1, 2**63 + 11, 2**64 - 1])
@pytest.mark.parametrize("offset", [0, 1, 2**32 - 3, 2**63 - 1, 2**64 - 20, 2**64 - 5])
def test_every_seed_and_offset(seed: int, offset: int) -> None:
    """Also where the counter overflows its first word in the middle of a draw."""
    draw = lambda generator: generator.uniform(99)  # noqa: E731
    found, wanted = both(draw, seed, offset, calls=1)
    assert_array_equal(found, wanted)


def test_numpys_words() -> None:
    """Independent of glassgrad's own way of asking NumPy: blocks counted one by one."""
    compiled = compile(lambda g: gg.random.Generator.uniform(g, 6, dtype="float64"))
    generator = gg.random.Generator(5, 3)
    numbers = compiled(generator).numpy()
    words: list[int] = []
    for block in (3, 4):
        counter = np.array([block - 1, 0, 0, 1], np.uint64)  # NumPy counts up first
        words += np.random.Philox(counter=counter, key=np.array([5, 0], np.uint64)).random_raw(4).tolist()
    assert numbers.tolist() == [(word >> 11) / 2**53 for word in words[:6]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal(dtype: str) -> None:
    found, wanted = both(lambda generator: generator.normal((33, 5), 1.5, 0.3, dtype=dtype), seed=2)
    for a, b in zip(found, wanted, strict=True):
        assert_arrays_close(a, b)


def test_bernoulli_and_bounds() -> None:
    found, wanted = both(lambda generator: generator.bernoulli(0.3, (50, 3)), seed=3)
    assert_array_equal(found, wanted, strict=True)
    found, wanted = both(lambda generator: generator.uniform(100, -2.0, 5.0), seed=3)
    for a, b in zip(found, wanted, strict=True):
        assert_arrays_close(a, b)


def test_several_draws_from_several_generators() -> None:
    def draw(generators: list[Any]) -> Any:
        one, other = generators
        return (
            one.uniform(5) + other.uniform(5),
            one.uniform((2, 9)),
            gg.random.uniform(3),
            other.bernoulli(0.5, 4),
        )

    left = [gg.random.Generator(1), gg.random.Generator(2, 77)]
    right = [gg.random.Generator(1), gg.random.Generator(2, 77)]
    compiled = compile(lambda: draw(left))
    for _ in range(3):
        gg.random.seed(11)
        found = [tensor.numpy() for tensor in compiled()]
        state = gg.random.get_state()
        gg.random.seed(11)
        wanted = [tensor.numpy() for tensor in draw(right)]
        for a, b in zip(found, wanted, strict=True):
            assert_array_equal(a, b)
        assert [g.get_state() for g in left] == [g.get_state() for g in right]
        assert gg.random.get_state() == state
    assert_machine_code(compiled)


def test_dropout_in_a_step() -> None:
    def step(model: Any, optimizer: Any) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            optimizer.zero_grad()
            loss = gg.mean(model(x) ** 2)
            loss.backward()
            optimizer.step()
            return loss

        return run

    losses = []
    x = gg.asarray(np.random.default_rng(0).normal(size=(16, 40)).astype("f"))
    for decorate in (compile, lambda function: function):
        gg.random.seed(4)
        model = gg.nn.Sequential(
            gg.nn.Linear(40, 30), gg.nn.Dropout(0.4), gg.nn.Linear(30, 2), gg.nn.Dropout(0.1)
        )
        run = decorate(step(model, gg.optim.SGD(model.parameters(), lr=0.1)))
        losses.append([run(x).item() for _ in range(5)])
        losses.append(gg.random.get_state())
    np.testing.assert_allclose(losses[0], losses[2], rtol=1e-5)
    assert losses[1] == losses[3]


def test_the_same_numbers_for_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = gg.random.Generator(9).uniform((300, 300)).numpy()
    before = gg.get_num_threads()
    try:
        for threads in (1, 2, 3):
            gg.set_num_threads(threads)
            generator = gg.random.Generator(9)
            assert_array_equal(compile(lambda g: g.uniform((300, 300)))(generator).numpy(), wanted)
    finally:
        gg.set_num_threads(before)


@pytest.mark.parametrize("shape", [(8, 4, 16), (5, 3, 7)])
def test_numbers_for_another_order_in_memory(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A result may lie in memory with its axes in another order: every number is still at its place."""
    made = DrawFunction.__init__

    def turned(self: Any, unit: Any, units: Any) -> None:
        node = unit.node
        a, _, c = node.shape
        units.places[node] = Place(node, 0, (1, a * c, a))  # (b, c, a) in order
        made(self, unit, units)

    monkeypatch.setattr(philox.DrawFunction, "__init__", turned)
    generator = gg.random.Generator(9)
    found = compile(lambda: generator.uniform(shape) * 1.0)().numpy()
    assert_array_equal(found, gg.random.Generator(9).uniform(shape).numpy())
