"""Mistakes in compiled functions: side effects, branches, shapes that change, and machines without LLVM."""

import importlib.util
import random
import re
import sys
import time
import warnings
from typing import Any

import numpy as np
import pytest
from compared import assert_close, assert_same
from in_threads import in_threads

import glassgrad as gg
from glassgrad.compiler import compile, runtime
from glassgrad.compiler.compiled import MANY_PROGRAMS, MANY_RECOMPILES
from glassgrad.compiler.llvm import engine
from glassgrad.compiler.runtime import making
from glassgrad.nn import functional

X = gg.asarray(np.arange(6.0).reshape(2, 3))


def test_side_effects_happen_once_for_each_trace() -> None:
    seen: list[Any] = []

    def function(x: Any) -> Any:
        seen.append(x.shape)
        return x + 1.0

    compiled = compile(function)
    for _ in range(3):
        compiled(X)
    assert seen == [(2, 3)]


outside = 1.0
"""What some functions read."""


def test_what_python_computes_is_built_in_when_it_is_traced(monkeypatch: Any, capsys: Any) -> None:
    noise = random.Random(3)

    def function(x: Any) -> Any:
        print("traced", x.shape)  # noqa: T201 - what the test is about
        return gg.asarray([outside, time.perf_counter(), noise.random()]) + gg.sum(x) * 0.0

    compiled = compile(function)
    first = compiled(X).tolist()
    monkeypatch.setitem(globals(), "outside", 2.0)
    for _ in range(3):
        assert compiled(X).tolist() == first
    assert capsys.readouterr().out == "traced (2, 3)\n"
    with pytest.warns(UserWarning, match="compiled again"):  # another shape is traced anew
        later = compiled(X[:1]).tolist()
    assert (first[0], later[0]) == (1.0, 2.0)
    assert later[1] > first[1]
    assert later[2] != first[2]


def test_a_traced_tensor_that_is_kept_says_that_it_has_no_value() -> None:
    kept: list[Any] = []
    compile(lambda x: (kept.append(x * 2.0), x)[1])(X)
    assert "no value" in repr(kept[0])
    with pytest.raises(gg.GraphError, match="need the value of a tensor, which is not known here"):
        kept[0].numpy()


def test_an_op_without_machine_code_runs_in_numpy_and_explain_says_so() -> None:
    def function(x: Any) -> Any:
        values = gg.linalg.svdvals(gg.exp(x))
        return gg.sum(values * values)

    compiled = assert_same(function, X)
    assert re.search(r"NumPy", str(compiled.explain()))


def test_a_branch_on_a_value_names_the_line() -> None:
    def function(x: Any) -> Any:
        return x if gg.sum(x) > 0 else -x

    with pytest.raises(
        gg.GraphError, match=r"`if`.*need the value.*gg.where.*\(at test_compile_bad_input.py:\d+\)"
    ):
        compile(function)(X)


@pytest.mark.parametrize(
    "use",
    [lambda x: np.linalg.svd(x), lambda x: x.numpy(), lambda x: np.asarray(x), lambda x: x.tolist()],
    ids=["np.linalg", "numpy()", "np.asarray", "tolist"],
)
def test_numpy_on_a_traced_tensor(use: Any) -> None:
    with pytest.raises(gg.GraphError, match=r"need the value of a tensor|gg.linalg.svd"):
        compile(lambda x: use(x * 2.0))(X)


def test_numbers_of_traced_tensors() -> None:
    for use in (float, int, lambda x: x.item(), lambda x: range(3)[x]):
        with pytest.raises(gg.GraphError, match="need the value of a tensor"):
            compile(lambda x, use=use: use(x))(gg.asarray(1))
    with pytest.raises(gg.GraphError, match="need the value of a tensor"):
        compile(lambda rate: float(rate) + 1.0)(0.5)


def test_seeding_inside_is_refused() -> None:
    for reseed in (lambda: gg.random.seed(3), lambda: gg.random.set_state({"seed": 1, "offset": 0})):
        gg.random.seed(0)
        before = gg.random.get_state()
        with pytest.raises(gg.GraphError, match=r"inside a compiled function would happen once"):
            compile(lambda reseed=reseed: (reseed(), gg.random.uniform(2))[1])()
        assert gg.random.get_state() == before


def test_freezing_inside_is_refused() -> None:
    layer = gg.nn.Linear(2, 2)
    with pytest.raises(gg.GraphError, match=r"cannot be frozen or thawed inside a compiled function"):
        compile(lambda: layer.requires_grad_(False))()
    assert layer.weight.requires_grad


def test_what_is_no_function() -> None:
    with pytest.raises(gg.ArgumentError, match="compile takes a function; got int"):
        compile(3)  # type: ignore[arg-type]
    with pytest.raises(gg.ArgumentError, match="has a graph once it has been called"):
        compile(lambda x: x).graph  # noqa: B018


def test_errors_of_a_program_change_nothing() -> None:
    class Moody(gg.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            if x.value is not None and (x.numpy() < 0).any():
                raise ValueError("moody")
            return x * 2.0

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            return upstream * 2.0

    cell = gg.nn.Buffer([0.0])
    generator = gg.random.Generator(1)

    def function(x: Any) -> Any:
        cell.assign(cell + 1.0)
        return Moody.apply(x) + generator.uniform(1)

    compiled = compile(function)
    compiled(gg.asarray([1.0]))
    state = generator.get_state()
    with pytest.raises(ValueError, match="moody"):
        compiled(gg.asarray([-1.0]))
    assert cell.tolist() == [1.0]
    assert generator.get_state() == state
    compiled(gg.asarray([1.0]))
    assert cell.tolist() == [2.0]


# --- recompiling -----------------------------------------------------------------------------------------------


def message_of(compiled: Any, *args: Any, **options: Any) -> str:
    with pytest.warns(UserWarning, match="compile") as caught:
        compiled(*args, **options)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    return str(caught[0].message)


def test_a_recompile_names_the_argument() -> None:
    def network(x: Any, settings: Any, k: Any = 1) -> Any:
        return x * settings["scales"][0] * k

    compiled = compile(network)
    compiled(X, {"scales": [2.0]})
    start = "compile: network is compiled again (program "
    assert (
        message_of(compiled, X[:1], {"scales": [2.0]}) == f"{start}2): x was float64[2, 3], is float64[1, 3]"
    )
    one = X[:1]
    assert message_of(compiled, one, {"scales": [one]}) == (
        f"{start}3): settings['scales'][0] was a float, is float64[1, 3]"
    )
    assert message_of(compiled, one, {"scales": [one]}, k=2) == f"{start}4): k was absent, is 2"
    assert message_of(compiled, one, {"scales": [one]}, k=3) == f"{start}5): k was 2, is 3"
    assert message_of(compiled, one, {"scales": [one, one]}, k=3) == (
        f"{start}6): settings['scales'] was list of 1, is list of 2"
    )
    assert message_of(compiled, one, {"scales": [one, one]}) == f"{start}7): k was 3, is absent"


def test_a_shape_that_changes_every_call() -> None:
    compiled = compile(lambda x: x + 1.0)
    messages = []
    for size in range(1, 15):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            compiled(np.zeros(size))
        messages += [str(warning.message) for warning in caught]
    assert len(messages) == MANY_RECOMPILES - 1
    assert f"x was float64[7], is float64[8]. This is the {MANY_RECOMPILES}th program" in messages[-1]
    assert "pad it" in messages[-1]


@pytest.mark.filterwarnings("ignore:compile")
def test_programs_are_not_kept_without_bound() -> None:
    compiled = compile(lambda k: gg.asarray([1.0]) * k)
    for k in range(MANY_PROGRAMS + 20):
        assert compiled(k).item() == k
    assert sum(map(len, compiled.programs.values())) == MANY_PROGRAMS
    assert compiled(0).item() == 0


# --- without LLVM ----------------------------------------------------------------------------------------------


@pytest.fixture
def nothing_said(monkeypatch: Any) -> None:
    monkeypatch.setattr(runtime, "_said", set())


@pytest.fixture
def without_llvm(monkeypatch: Any, nothing_said: None) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "llvmlite" else find(name, *rest)
    )
    needed = "llvmlite", "glassgrad.compiler.runtime.making", "glassgrad.compiler.look."
    for name in [name for name in sys.modules if name.startswith(needed)]:
        monkeypatch.setitem(sys.modules, name, None)


def runs_in_numpy(compiled: Any) -> bool:
    return type(compiled.last.program).__module__ == "glassgrad.compiler.runtime.numpy"


def says_once(why: str) -> None:
    """The first function that is compiled says why there is no machine code; the second is silent. Both are right."""
    with pytest.warns(UserWarning, match="compile: ") as caught:
        first = assert_same(lambda x: (x, x.T, gg.sum(x * 2.0, axis=0)), X)
    assert [str(warning.message) for warning in caught] == [
        f"compile: the function runs as NumPy calls, without machine code, since {why}."
    ]
    second = assert_same(lambda x: gg.exp(x) @ x.T, X)
    assert runs_in_numpy(first)
    assert runs_in_numpy(second)


def test_without_llvm_there_is_nothing_to_look_at(without_llvm: Any) -> None:
    step = compile(lambda x: gg.exp(x) + 1.0)
    with pytest.warns(UserWarning, match="llvmlite is not installed"):
        step(X)
    looks = step.cost, step.explain, lambda: step.kernels, lambda: step.llvm, lambda: step.memory
    for look in (*looks, lambda: step.profile(X)):
        with pytest.raises(gg.ArgumentError, match="where llvmlite is installed"):
            look()


def test_without_llvm(without_llvm: Any) -> None:
    says_once("llvmlite is not installed (pip install llvmlite)")
    model = gg.nn.Linear(3, 2)
    optimizer = gg.optim.SGD(model.parameters(), lr=0.1)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    compiled = compile(step)
    losses = [compiled(gg.ones((4, 3)), gg.zeros((4, 2))).item() for _ in range(5)]
    assert losses == sorted(losses, reverse=True)
    assert runs_in_numpy(compiled)


def test_llvm_that_cannot_be_loaded(monkeypatch: Any, nothing_said: None) -> None:
    for name in [n for n in sys.modules if n.startswith(("llvmlite", "glassgrad.compiler.llvm.engine"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    says_once("llvmlite cannot be imported (import of llvmlite.binding halted; None in sys.modules)")


def test_a_processor_that_llvm_refuses(monkeypatch: Any, nothing_said: None) -> None:
    def refuse() -> Any:
        raise RuntimeError("No available targets are compatible with triple")

    monkeypatch.setattr(engine, "host_machine", refuse)
    says_once("LLVM does not work on this processor (No available targets are compatible with triple)")


def test_machine_code_that_cannot_be_generated(monkeypatch: Any, nothing_said: None) -> None:
    def fail(*arguments: Any) -> Any:
        raise RuntimeError("LLVM IR parsing error\nhere")

    monkeypatch.setattr(making, "program_of", fail)
    says_once(
        "generating its machine code failed (RuntimeError: LLVM IR parsing error here), which is a bug in glassgrad: "
        "please report it"
    )


@pytest.mark.filterwarnings("ignore:compile")
def test_without_llvm_an_assigned_argument_is_copied(without_llvm: Any) -> None:
    cell, other = gg.nn.Buffer(np.zeros(3)), gg.nn.Buffer(np.zeros(3))

    def assign(x: Any) -> None:
        cell.assign(x)
        other.assign(x[::-1])

    array = np.arange(3.0)
    compile(assign)(array)
    array[:] = -1.0
    assert cell.tolist() == [0.0, 1.0, 2.0]
    assert other.tolist() == [2.0, 1.0, 0.0]


# --- threads -----------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:compile")
def test_called_from_several_threads() -> None:
    layer = gg.nn.Linear(8, 8)
    compiled = compile(lambda x: gg.tanh(layer(x)) @ gg.exp(x.T))
    arrays = {n: np.random.default_rng(n).normal(size=(4 + n % 2, 8)).astype(np.float32) for n in range(4)}
    wanted = {
        n: (gg.tanh(layer(gg.asarray(x))) @ gg.exp(gg.asarray(x).T)).detach() for n, x in arrays.items()
    }

    def work(number: int) -> None:
        for _ in range(30):
            assert_close(compiled(arrays[number]), wanted[number])

    in_threads(4, work)
    assert compiled.compilations == 2


def test_steps_in_several_threads_are_not_lost() -> None:
    count, noise = gg.nn.Buffer(0.0), gg.random.Generator(5)
    compiled = compile(lambda: (count.assign(count + 1.0), noise.uniform(4))[1])
    drawn: list[Any] = []
    in_threads(4, lambda number: drawn.extend(tuple(compiled().tolist()) for _ in range(25)))
    assert count.item() == 100.0
    assert len(set(drawn)) == 100


def test_tracing_beside_calls_in_other_threads() -> None:
    layer = gg.nn.Linear(4, 4)
    warm = compile(lambda x: layer(x) * 2.0)
    x = gg.ones((2, 4))
    wanted = (layer(x) * 2.0).detach()
    warm(x)

    def work(number: int) -> None:
        for size in range(1, 8):
            if number % 2:
                compile(lambda x: gg.sum(layer(x)))(gg.ones((size, 4)))
            else:
                assert_close(warm(x), wanted)

    in_threads(4, work)
