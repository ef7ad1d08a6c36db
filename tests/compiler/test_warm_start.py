"""Programs out of the disk's cache: the same bits and the same reports as when they were planned, and only where it is
the same program."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from random_graphs import Program, programs
from test_workloads import NAMES, Training

import glassgrad as gg
from glassgrad.compiler import compile
from glassgrad.compiler.runtime import making, naming
from glassgrad.compiler.runtime.disk_cache import SUFFIX
from glassgrad.compiler.runtime.naming import plan_name
from glassgrad.compiler.runtime.plan import LARGEST, Plan
from glassgrad.graph.static import static
from glassgrad.ops.families import Elementwise
from glassgrad.tensor.apply import apply

pytestmark = pytest.mark.usefixtures("plans_from_disk")

X = gg.asarray(np.linspace(-1.0, 2.0, 12).reshape(3, 4))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    monkeypatch.setenv("GLASSGRAD_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The names of what is planned, None for what has none."""
    names: list[str | None] = []
    made = making._made

    def counted(graph: Any, updates: Any, name: str | None) -> Any:
        names.append(name)
        return made(graph, updates, name)

    monkeypatch.setattr(making, "_made", counted)
    return names


def reports(step: Any, *data: Any) -> dict[str, Any]:
    return {
        "explain": str(step.explain()),
        "cost": str(step.cost()),
        "kernels": str(step.kernels),
        "llvm": str(step.llvm),
        "memory": str(step.memory),
        "graph": sorted(repr(node) for node in step.graph.body),
        "profile": [str(time.unit) for time in step.profile(*data, calls=1).units],
    }


# --- the same program -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_workloads(name: str, cache: Path, planned: list[Any]) -> None:
    cold = Training(name, np.float32, gg.compile)
    wanted = cold.steps(3)
    assert planned
    planned.clear()
    warm = Training(name, np.float32, gg.compile)
    found = warm.steps(3)
    assert not planned
    for a, b in zip(found, wanted, strict=True):
        assert a.keys() == b.keys()
        for key in a:
            np.testing.assert_array_equal(a[key], b[key], err_msg=key)
    assert reports(warm.run, *warm.data) == reports(cold.run, *cold.data)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(program=programs(), seed=st.integers(0, 1000))
def test_random_graphs(program: Program, seed: int, planned: list[Any]) -> None:
    rng = np.random.default_rng(seed)
    inputs = [rng.normal(size=shape) for shape in program.shapes]
    wanted = compile(program)(*inputs)
    names = list(planned)
    again = compile(program)
    for found, result in zip(again(*inputs), wanted, strict=True):
        np.testing.assert_array_equal(found.numpy(), result.numpy())
    assert planned == names or not again.last.program.plan.can_be_kept


def test_constants_and_results_of_every_kind(cache: Path, planned: list[Any]) -> None:
    constant = gg.asarray(np.arange(4.0))

    def function(x: Any) -> Any:
        y = x * constant
        return x, constant, y, y.T, gg.reshape(y, (2, 6)), gg.sum(y), gg.argmax(y, axis=1), constant + 1.0

    wanted, found = compile(function)(X), compile(function)(X)
    assert len(planned) == 1
    for a, b, c in zip(found, wanted, function(X), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape) == (c.dtype, c.shape)
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        np.testing.assert_allclose(a.numpy(), c.numpy(), rtol=1e-12)


def test_an_index_out_of_range_is_found(cache: Path, planned: list[Any]) -> None:
    for _ in range(2):
        compiled = compile(lambda x, i: x[i] * 2.0)
        compiled(X, gg.asarray([0, 2]))
        with pytest.raises(gg.GlassgradError, match="3") as error:
            compiled(X, gg.asarray([0, 3]))
        assert f"{Path(__file__).name}:" in str(error.value)
    assert len(planned) == 1


def test_the_next_process_imports_nothing_that_plans(cache: Path) -> None:
    program = textwrap.dedent("""
        import sys
        import numpy as np, glassgrad as gg
        step = gg.compile(lambda x: gg.sum(gg.tanh(x @ x.T), axis=0))
        print(step(np.arange(6.0).reshape(2, 3)).numpy())
        names = "kernels", "passes", "runtime.planning", "runtime.segments", "llvm.kernel", "runtime.entrance_code"
        print([name for name in names if f"glassgrad.compiler.{name}" in sys.modules])
        print(len(step.kernels))
    """)
    found = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    (value, cold, units), (value_again, warm, units_again) = (text.splitlines() for text in found)
    assert (value, units) == (value_again, units_again)
    assert "kernels" in cold
    assert warm == "[]"


# --- not the same program ---------------------------------------------------------------------------------------


def named(function: Callable[..., Any], *specs: Any) -> str | None:
    return plan_name(gg.trace(function, *(specs or [gg.Spec((3, 4), "float64")])), [])


DIFFERENT: dict[str, Callable[[], str | None]] = {
    "an op": lambda: named(lambda x: gg.tanh(x)),
    "another op": lambda: named(lambda x: gg.sin(x)),
    "one op more": lambda: named(lambda x: gg.tanh(gg.tanh(x))),
    "a field": lambda: named(lambda x: gg.sum(x, axis=0)),
    "another field": lambda: named(lambda x: gg.sum(x, axis=1)),
    "one more input": lambda: named(lambda x, y: gg.tanh(x), *[gg.Spec((3, 4), "float64")] * 2),
    "another input": lambda: named(lambda x, y: gg.tanh(y), *[gg.Spec((3, 4), "float64")] * 2),
    "another shape": lambda: named(lambda x: gg.tanh(x), gg.Spec((4, 3), "float64")),
    "another dtype": lambda: named(lambda x: gg.tanh(x), gg.Spec((3, 4), "float32")),
    "a constant": lambda: named(lambda x: x * gg.asarray([1.0, 2.0, 3.0, 4.0])),
    "another constant": lambda: named(lambda x: x * gg.asarray([1.0, 2.0, 3.0, 5.0])),
    "a zero": lambda: named(lambda x: x * gg.asarray([0.0] * 4)),
    "the other zero": lambda: named(lambda x: x * gg.asarray([-0.0] * 4)),
    "operands": lambda: named(lambda x: x - gg.sin(x)),
    "operands the other way round": lambda: named(lambda x: gg.sin(x) - x),
    "two results": lambda: named(lambda x: [gg.sin(x), gg.cos(x)]),
    "two results the other way round": lambda: named(lambda x: [(y := gg.sin(x), gg.cos(x))[1], y]),
    "one result twice": lambda: named(lambda x: [(y := gg.sin(x)), gg.cos(x), y]),
    "an update": lambda: plan_name(gg.trace(lambda x: gg.tanh(x), gg.Spec((3, 4), "float64")), [(0, 0)]),
}


def test_different_graphs_have_different_names() -> None:
    names = {what: make() for what, make in DIFFERENT.items()}
    assert None not in names.values()
    assert len(set(names.values())) == len(names)


def test_the_same_graph_has_the_same_name_in_every_process() -> None:
    program = "import test_warm_start as t; print(*[make() for make in t.DIFFERENT.values()])"
    paths = [str(Path(__file__).parent), str(Path(gg.__file__).parents[1])]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(paths)}
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert found.stdout.split() == [make() for make in DIFFERENT.values()]


@pytest.mark.parametrize("what", ["data_offset", "layout", "team"])
def test_what_is_beside_the_graph_is_in_the_name(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = DIFFERENT["an op"]()
    if what == "team":
        monkeypatch.setattr(naming.team, "is_possible", lambda: False)
    else:
        monkeypatch.setattr(naming, what, lambda: None)
    assert DIFFERENT["an op"]() not in (before, None)


@static
class Shifted(Elementwise):
    """An op of the user's own, whose rules another process may know in another form."""

    by: float
    argument_names = ("x",)

    def value(self, *x: Any) -> Any:
        return x[0] + self.by

    def partials(self, out: Any, *x: Any) -> Any:
        return (1.0,)


class Doubled(gg.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 2.0

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:
        return upstream * 2.0


NOT_KEPT: dict[str, Callable[[Any], Any]] = {
    "an op of the user's own": lambda x: gg.sin(apply(Shifted(1.0), x)),
    "a function of the user's own": lambda x: gg.sin(Doubled.apply(x)),
    "an op that NumPy runs": lambda x: gg.sort(x * 2.0) + 1.0,
    "large constants": lambda x: x * 2.0 + gg.sum(gg.asarray(np.zeros(LARGEST // 8 + 1)) * x[0, 0]),
}


@pytest.mark.parametrize("what", NOT_KEPT)
def test_what_is_planned_anew(what: str, cache: Path, planned: list[Any]) -> None:
    values = [compile(NOT_KEPT[what])(X).numpy() for _ in range(2)]
    assert len(planned) == 2
    np.testing.assert_array_equal(*values)
    np.testing.assert_allclose(values[0], NOT_KEPT[what](X).numpy(), rtol=1e-12)


def test_constants_that_become_large(cache: Path, planned: list[Any]) -> None:
    def function(x: Any) -> Any:
        return x * gg.broadcast_to(gg.asarray(3.0), (LARGEST // 8 + 1, 1))[: x.shape[0]]

    for _ in range(2):
        np.testing.assert_array_equal(compile(function)(X).numpy(), 3.0 * X.numpy())


# --- what is not there ------------------------------------------------------------------------------------------


def of_plans(path: Path) -> list[Path]:
    """The entries that are plans, not machine code."""
    return [entry for entry in path.glob("*" + SUFFIX) if b'"in_place"' in entry.read_bytes()]


@pytest.mark.parametrize("lost", ["plan", "machine code"])
def test_one_without_the_other_is_made_again(lost: str, cache: Path, planned: list[Any]) -> None:
    wanted = compile(gg.tanh)(X).numpy()
    (plan,) = of_plans(cache)
    for entry in cache.glob("*" + SUFFIX):
        if (entry == plan) == (lost == "plan"):
            entry.unlink()
    for times in (2, 2):
        np.testing.assert_array_equal(compile(gg.tanh)(X).numpy(), wanted)
        assert len(planned) == times


def test_machine_code_of_another_plan_is_noticed(cache: Path) -> None:
    compiled = compile(gg.tanh)
    compiled(X)
    program = compiled.last.program
    for other in (
        replace(program.plan, phases=[*program.plan.phases, 1]),
        replace(program.plan, steps=[0, 1]),
    ):
        with pytest.raises(RuntimeError, match="the machine code of a plan has no function"):
            type(program)(other, program.code, program.graph)


def test_a_plan_is_what_was_written(cache: Path) -> None:
    compiled = compile(lambda x: [gg.tanh(x @ x.T), x * gg.asarray([1.0, 2.0, 3.0, 4.0]), gg.sum(x)])
    compiled(X)
    plan = compiled.last.program.plan
    data = plan.to_bytes()
    again = Plan.from_bytes(data)
    assert again.to_bytes() == data
    assert list(again.outputs) == list(plan.outputs)
    assert (list(again.given), list(again.fresh)) == (list(plan.given), list(plan.fresh))
    assert again.size == plan.size
