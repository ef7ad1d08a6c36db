"""Compiled programs on several threads: the same bits with any number, several callers at once, forks, and endings."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import Program, programs

import glassgrad as gg
from glassgrad.compiler.runtime import threads
from glassgrad.compiler.runtime.schedule import Task, Turn, turns
from glassgrad.tensor import tree

NUMBERS = (1, 2, 3, 4)

needs_posix = pytest.mark.skipif(os.name != "posix", reason="the team of threads needs POSIX threads")


@pytest.fixture(autouse=True)
def _same_number_afterwards() -> Iterator[None]:
    before = gg.get_num_threads()
    yield
    gg.set_num_threads(before)


def bits(found: Any) -> list[bytes]:
    return [leaf.numpy().tobytes() for leaf in tree.flatten(found)[0]]


def array(*shape: int, dtype: str = "float32") -> gg.Tensor:
    values = np.random.default_rng(sum(shape)).standard_normal(shape) * 3
    return gg.asarray(values.astype(dtype))


def has_pieces(compiled: Any) -> bool:
    """Whether the team has work in a program, so that the test is one of threads."""
    return bool(compiled.last.program.plan.uses_team)


# --- the same bits ------------------------------------------------------------------------------------------------

F = gg.nn.functional
FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "formula": (lambda x: gg.tanh(x) * 2 + gg.exp(-x), (array(70_001),)),
    "two results": (lambda x: (gg.exp(x), gg.sum(x), gg.max(x)), (array(300, 500),)),
    "sum of everything": (lambda x: gg.sum(x), (array(523, 457),)),
    "sum in float64": (lambda x: gg.sum(x), (array(200_003, dtype="float64"),)),
    "sum of rows": (lambda x: gg.sum(x, axis=1), (array(1000, 130),)),
    "sum of columns": (lambda x: gg.sum(x, axis=0), (array(1000, 130),)),
    "sum of few columns": (lambda x: gg.sum(x, axis=0), (array(20_000, 3),)),
    "sum of many columns": (lambda x: gg.sum(x, axis=0), (array(2, 100_000),)),
    "few sums of long rows": (lambda x: gg.sum(x, axis=1), (array(3, 50_001),)),
    "middle axis": (lambda x: gg.sum(x, axis=1), (array(30, 40, 50),)),
    "outer axes": (lambda x: gg.sum(x, axis=(0, 2)), (array(30, 40, 50),)),
    "all but the channels": (lambda x: gg.sum(x, axis=(0, 2, 3)), (array(32, 16, 20, 21),)),
    "kept around": (lambda x: gg.sum(x, axis=(1, 3)), (array(12, 20, 18, 20),)),
    "maximum of columns": (lambda x: gg.max(x, axis=0), (array(5000, 17),)),
    "product": (lambda x: gg.prod(1 + x * 1e-4), (array(300_000),)),
    "integers": (lambda x: gg.sum(gg.astype(x * 100, gg.int32)), (array(90_000),)),
    "any": (lambda x: gg.any(x > 8, axis=0), (array(900, 200),)),
    "layer norm": (lambda x, w, b: F.layer_norm(x, (96,), w, b), (array(1024, 96), array(96), array(96))),
    "softmax": (lambda x: F.softmax(x, 1), (array(1024, 128),)),
    "softmax of columns": (lambda x: F.softmax(x, 0), (array(1024, 128),)),
    "logsumexp of all": (lambda x: gg.logsumexp(x), (array(100, 1000),)),
    "transposed": (lambda x, y: gg.permute_dims(x, (1, 0)) * 2 + y, (array(300, 400), array(400, 300))),
    "permuted": (lambda x: gg.permute_dims(x, (1, 3, 0, 2)) * 2, (array(32, 20, 48, 15),)),
    "broadcast": (lambda x, y: x * y + 1, (array(300, 1, 70), array(1, 20, 1))),
    "joined": (lambda x, y: gg.concat([x, y * 2], axis=1), (array(900, 400), array(900, 60))),
    "padded": (lambda x: gg.pad(x, ((3, 4), (5, 6))) * 2, (array(300, 300),)),
    "gradient": (
        gg.grad(lambda w, b, x: gg.mean(gg.tanh(x @ w + b) ** 2), argnums=(0, 1)),
        (array(100, 120), array(120), array(256, 100)),
    ),
    "one element each": (lambda x: gg.sum(x * x, axis=0, keepdims=True), (array(300_000, 1),)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_bits_for_any_number_of_threads(name: str) -> None:
    function, args = FUNCTIONS[name]
    compiled = gg.compile(function)
    found = []
    for number in NUMBERS:
        gg.set_num_threads(number)
        found.append(bits(compiled(*args)))
        found.append(bits(compiled(*args)))
    assert has_pieces(compiled)
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_pieces_are_what_eager_gives(name: str) -> None:
    function, args = FUNCTIONS[name]
    gg.set_num_threads(2)
    for a, b in zip(*(tree.flatten(f(*args))[0] for f in (gg.compile(function), function)), strict=True):
        scale = float(np.abs(b.numpy()).max())
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-5, atol=1e-5 * scale)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("shape", [(64, 33, 65), (3, 5000, 7), (2, 2, 40_000), (9000, 3, 5)])
def test_sums_over_every_axis(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    x = array(*shape, dtype="float64")
    compiled = gg.compile(lambda x: gg.sum(gg.sqrt(gg.abs(x)), axis=axes))
    found = []
    for number in NUMBERS:
        gg.set_num_threads(number)
        found.append(compiled(x).numpy())
    np.testing.assert_allclose(found[0], np.sqrt(np.abs(x.numpy())).sum(axis=axes), rtol=1e-12)
    assert all(one.tobytes() == found[0].tobytes() for one in found)


def trained(number: int) -> list[bytes]:
    gg.set_num_threads(number)
    gg.random.seed(5)
    model = gg.nn.Sequential(gg.nn.Linear(80, 200), gg.nn.ReLU(), gg.nn.LayerNorm(200), gg.nn.Linear(200, 10))
    optimizer = gg.optim.Adam(model.parameters(), lr=0.01)

    @gg.compile
    def step(x: gg.Tensor, y: gg.Tensor) -> gg.Tensor:
        optimizer.zero_grad()
        loss = gg.mean((model(x) - y) ** 2)
        loss.backward()
        optimizer.step()
        return loss

    losses = [step(array(128, 80), array(128, 10)) for _ in range(6)]
    assert has_pieces(step)
    return bits([losses, list(model.parameters())])


def test_training_gives_the_same_bits() -> None:
    first, *others = map(trained, NUMBERS)
    assert all(other == first for other in others)


@settings(max_examples=10, deadline=None)
@given(program=programs())
def test_random_graphs_as_jobs_of_a_team(program: Program) -> None:
    rng = np.random.default_rng(0)
    inputs = [gg.asarray(rng.standard_normal(shape)) for shape in program.shapes]
    found = []
    with pytest.MonkeyPatch.context() as patch:
        everything_is_worth_it(patch)
        compiled = gg.compile(program)
        for number in (1, 3):
            gg.set_num_threads(number)
            found += [bits(compiled(*inputs)) for _ in range(3)]
    assert all(one == found[0] for one in found)
    wanted = [leaf.numpy() for leaf in program(*inputs)]
    for a, b in zip(compiled(*inputs), wanted, strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-11, atol=1e-11 * np.abs(b).max(initial=1))


def everything_is_worth_it(patch: pytest.MonkeyPatch) -> None:
    """Cut small work into pieces, too, and let threads share it."""
    from glassgrad.compiler.llvm import division
    from glassgrad.compiler.runtime import schedule

    patch.setattr(division, "PIECE", 1.0)
    patch.setattr(division, "LINE", 1)
    patch.setattr(schedule, "THREAD_COST", 0.001)
    patch.setattr(schedule, "WORTH", 0.0)


# --- who waits for whom -------------------------------------------------------------------------------------------

A, B, C = (0, 64), (64, 128), (128, 192)
BIG = 1e6


def order(*tasks: tuple[float, Any, Any]) -> list[Turn]:
    return turns([Task(8, time, reads, writes) for time, reads, writes in tasks])


def waits(*tasks: tuple[float, Any, Any]) -> list[bool]:
    return [turn.waits for turn in order(*tasks)]


def test_what_is_written_is_waited_for() -> None:
    assert waits((BIG, [A], [B]), (BIG, [B], [C])) == [False, True]


def test_what_is_read_is_waited_for_before_it_is_written_over() -> None:
    assert waits((BIG, [A], [B]), (BIG, [C], [A])) == [False, True]


def test_what_is_written_twice_is_written_in_order() -> None:
    assert waits((BIG, [A], [B]), (BIG, [C], [(100, 140)])) == [False, True]


def test_what_has_nothing_in_common_does_not_wait() -> None:
    assert waits((BIG, [A], [B]), (BIG, [A], [C])) == [False, False]


def test_one_thread_does_not_wait_for_itself() -> None:
    assert waits((BIG, [A], [B]), (1.0, [C], [A]), (1.0, [A], [C])) == [False, True, False]


def test_a_wait_is_for_all_that_came_before() -> None:
    found = waits((BIG, [], [A]), (BIG, [], [B]), (BIG, [A], [C]), (BIG, [B], [(999, 1000)]))
    assert found == [False, False, True, False]


def test_large_memory_is_compared_with_small() -> None:
    large = (0, 1 << 24)
    assert waits((BIG, [], [large]), (BIG, [(1 << 20, (1 << 20) + 4)], [(1 << 30, 1 << 31)])) == [False, True]
    assert waits((BIG, [], [(1 << 20, (1 << 20) + 4)]), (BIG, [large], [(1 << 30, 1 << 31)])) == [False, True]


def test_phases_of_a_unit_wait_for_each_other() -> None:
    tasks = [Task(8, BIG, [A], [B]), Task(1, 1.0, [A], [B], True), Task(8, BIG, [A], [B], True)]
    assert [turn.waits for turn in turns(tasks)] == [False, True, True]


def test_small_work_is_for_one_thread() -> None:
    assert order((500.0, [], [A]), (500.0, [A], [B])) == [Turn(1, False), Turn(1, False)]
    compiled = gg.compile(lambda x: gg.tanh(x) + 1)
    compiled(array(10, 10))
    assert not has_pieces(compiled)


# --- several callers, forks, endings ------------------------------------------------------------------------------


def test_several_callers_at_once() -> None:
    gg.set_num_threads(2)
    functions = [gg.compile(FUNCTIONS[name][0]) for name in ("layer norm", "sum of everything", "gradient")]
    args = [FUNCTIONS[name][1] for name in ("layer norm", "sum of everything", "gradient")]
    wanted = [bits(f(*a)) for f, a in zip(functions, args, strict=True)]
    wrong: list[int] = []

    def caller(place: int) -> None:
        for _ in range(100):
            if bits(functions[place](*args[place])) != wanted[place]:
                wrong.append(place)

    callers = [threading.Thread(target=caller, args=(place % 3,)) for place in range(6)]
    for thread in callers:
        thread.start()
    for number in (1, 3, 2, 4):
        time.sleep(0.01)
        gg.set_num_threads(number)
    for thread in callers:
        thread.join()
    assert wrong == []


@needs_posix
def test_an_idle_team_needs_no_processor() -> None:
    gg.set_num_threads(3)
    compiled = gg.compile(FUNCTIONS["formula"][0])
    for _ in range(5):
        compiled(*FUNCTIONS["formula"][1])
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.05


PROGRAM = """
    import os, sys, threading
    import numpy as np
    import glassgrad as gg
    x = gg.asarray(np.ones((500, 500), np.float32))
    f = gg.compile(lambda x: gg.sum(gg.tanh(x)))
    wanted = float(f(x))
"""


def run_python(text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(gg.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM) + textwrap.dedent(text)],
        env={**os.environ, "PYTHONPATH": source, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_posix
def test_after_a_fork_both_sides_have_a_team() -> None:
    found = run_python(
        """
        gg.set_num_threads(3)
        f(x)
        names = lambda: sorted(t.name for t in threading.enumerate() if t.name.startswith("glassgrad"))
        assert names() == ["glassgrad 1", "glassgrad 2"], names()
        child = os.fork()
        assert names() == [], names()
        assert float(f(x)) == wanted
        assert names() == ["glassgrad 1", "glassgrad 2"], names()
        if child == 0:
            grandchild = os.fork()
            assert float(f(x)) == wanted
            if grandchild:
                _, status = os.waitpid(grandchild, 0)
                assert status == 0
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        assert status == 0
        assert float(f(x)) == wanted
        print("done")
        """
    )
    assert (found.stdout, found.stderr, found.returncode) == ("done\n", "", 0)


@needs_posix
def test_a_fork_while_another_thread_computes() -> None:
    found = run_python(
        """
        gg.set_num_threads(2)
        stop = []
        def busy():
            while not stop:
                f(x)
        other = threading.Thread(target=busy)
        other.start()
        g = gg.compile(lambda x: gg.sum(gg.exp(x), axis=1))
        for _ in range(20):
            child = os.fork()
            if child == 0:
                os._exit(0 if np.allclose(g(x).numpy(), 500 * np.e) else 1)
            assert os.waitpid(child, 0)[1] == 0
        stop.append(1)
        other.join()
        print("done")
        """
    )
    assert (found.stdout, found.stderr, found.returncode) == ("done\n", "", 0)


@pytest.mark.parametrize(
    "ending",
    [
        "",
        "sys.exit(0)",
        "threading.Thread(target=lambda: [f(x) for _ in range(10**9)], daemon=True).start()",
        "threading.Thread(target=lambda: [f(x) for _ in range(200)]).start()",
        "import atexit; atexit.register(lambda: f(x)); gg.set_num_threads(2)",
    ],
)
def test_the_interpreter_ends(ending: str) -> None:
    start = time.monotonic()
    found = run_python(f"gg.set_num_threads(3); f(x)\n{ending}")
    assert (found.stderr, found.returncode) == ("", 0)
    assert time.monotonic() - start < 30


# --- how many -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["1", "3", " 2 "])
def test_the_environment_says_how_many(number: str) -> None:
    found = run_python("print(gg.get_num_threads())", GLASSGRAD_NUM_THREADS=number)
    assert (found.stdout, found.returncode) == (f"{number.strip()}\n", 0)


@pytest.mark.parametrize("word", ["0", "-1", "two", "1.5", "1025", "99999999999", "²"])
def test_a_bad_number_in_the_environment(word: str) -> None:
    found = run_python("", GLASSGRAD_NUM_THREADS=word)
    assert found.returncode == 1
    assert (
        f"the environment variable GLASSGRAD_NUM_THREADS takes a whole number from 1 to 1024; got {word!r}: set it to the "
        f"number of threads that compiled programs may use, or unset it"
    ) in found.stderr


@pytest.mark.parametrize("n", [0, -3, 1025])
def test_a_number_of_threads_out_of_range(n: int) -> None:
    with pytest.raises(gg.ArgumentError) as caught:
        gg.set_num_threads(n)
    assert caught.value.message == f"set_num_threads takes a whole number from 1 to 1024; got {n}"


@pytest.mark.parametrize("n", [1.5, "2", None, True])
def test_what_is_no_number_of_threads(n: Any) -> None:
    with pytest.raises(gg.ArgumentError) as caught:
        gg.set_num_threads(n)
    kind = type(n).__name__
    assert (
        caught.value.message
        == f"set_num_threads takes a whole number from 1 to 1024; got {n!r} of type {kind}"
    )


def test_numbers_of_numpy_are_numbers() -> None:
    gg.set_num_threads(np.int64(2))
    assert gg.get_num_threads() == 2


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        ("0::/\n", {"cpu_dot_max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu_dot_max": "max 100000\n"}, None),
        ("0::/a/b\n", {"a__cpu_dot_max": "200000 100000\n", "a__b__cpu_dot_max": "max 100000\n"}, 2.0),
        ("0::/a/b\n", {"cpu_dot_max": "50000 100000\n", "a__cpu_dot_max": "200000 100000\n"}, 0.5),
        ("0::/not/here\n", {"cpu_dot_max": "300000 100000\n"}, 3.0),
        ("0::/\n", {"cpu_dot_max": "nonsense\n"}, None),
        ("0::/\n", {}, None),
        ("4:cpu,cpuacct:/x\n", {"cpu,cpuacct__x__cpu.cfs_quota_us": "250000\n", "cpu,cpuacct__x__cpu.cfs_period_us": "100000\n"}, 2.5),
        ("4:cpu:/x\n", {"cpu__cpu.cfs_quota_us": "-1\n", "cpu__cpu.cfs_period_us": "100000\n"}, None),
        ("2:memory:/x\nnonsense\n", {"cpu_dot_max": "100000 100000\n"}, None),
    ],
)  # fmt: skip
def test_limits_of_containers(
    membership: str, files: dict[str, str], limit: float | None, tmp_path: Path
) -> None:
    root = written(tmp_path / "cgroup", **files)
    root.mkdir(exist_ok=True)
    (tmp_path / "membership").write_text(membership)
    assert threads.container_limit(root, tmp_path / "membership") == limit


def test_processors_of_one_core_count_once(tmp_path: Path) -> None:
    siblings = {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}
    files = {f"cpu{n}__topology__thread_siblings_list": f"{text}\n" for n, text in siblings.items()}
    written(tmp_path, **files)
    assert threads.cores({0, 1, 2, 3}, tmp_path) == 2
    assert threads.cores({0, 2}, tmp_path) == 1
    assert threads.cores({0, 7}, tmp_path) is None


def test_denormals_stay_what_they_are_on_every_thread() -> None:
    gg.set_num_threads(2)
    x = gg.asarray(np.linspace(1e-38, 2e-38, 200_000, dtype=np.float32))

    def halved(x: gg.Tensor) -> gg.Tensor:
        return gg.exp(x) * 0.0 + x * 0.01

    found = gg.compile(halved)(x).numpy()
    assert 0 < found.max() < np.finfo(np.float32).tiny
    assert found.tobytes() == halved(x).numpy().tobytes()
