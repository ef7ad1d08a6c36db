"""New values of cells in the memory of the old ones: where they may be, and that nobody can notice."""

import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compared import assert_close
from fast_calls import WARM, Training, X, is_fast, warm

import glassgrad as gg

SIZE = 40_000


pytestmark = pytest.mark.usefixtures("short_and_long")


def buffer() -> Any:
    return gg.nn.Buffer(np.arange(SIZE, dtype=np.float32))


def parameter() -> Any:
    return gg.nn.Parameter(np.arange(SIZE, dtype=np.float32))


def frozen() -> Any:
    return gg.nn.Parameter(np.arange(SIZE, dtype=np.float32), requires_grad=False)


def small() -> Any:
    return gg.nn.Buffer([1.0, 2.0])


def adding(cell: Any) -> Any:
    """A compiled and warm function that adds 1 to a cell."""
    compiled = warm(lambda: (cell.assign(cell.detach() + 1.0), None)[1])
    assert len(compiled.last.program.in_place) == 1
    return compiled


def address(cell: Any) -> int:
    return int(cell.value.ctypes.data)


# --- in place --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [buffer, parameter, frozen, small])
def test_a_cell_keeps_its_memory(make: Any) -> None:
    cell = make()
    compiled = adding(cell)
    cell.as_node()  # of a buffer, made anew for every value
    start, before, array = address(cell), cell.numpy().copy(), cell.value
    del array
    for call in range(1, 5):
        assert is_fast(compiled)
        assert address(cell) == start
        np.testing.assert_array_equal(cell.numpy(), before + call)
        assert cell.as_node().value is cell.value


def test_a_whole_training_step_keeps_its_memory() -> None:
    training = Training()
    training.optimizer = gg.optim.Adam(training.layer.parameters(), lr=0.01)
    step = warm(training.step, X)
    cells = [*training.layer.parameters(), *training.optimizer.parameters()]
    before = {id(cell): address(cell) for cell in cells}
    assert is_fast(step, X)
    kept = {id(cell) for cell in cells if address(cell) == before[id(cell)]}
    assert kept >= {id(cell) for cell in training.layer.parameters()}
    report = step.memory
    assert report.in_place >= (6 + 2) * 3 * 4
    assert " of them over inputs)" in str(report)


@pytest.mark.parametrize("make", [buffer, parameter, frozen, small])
def test_the_first_call_keeps_it_too(make: Any) -> None:
    cell = make()
    cell.assign(cell.detach() * 1.0)  # an array that nobody else holds
    start = address(cell)
    gg.compile(lambda: (cell.assign(cell.detach() + 1.0), None)[1])()
    assert address(cell) == start


def test_what_an_optimizer_begins_with_is_not_copied(monkeypatch: Any) -> None:
    born: dict[Any, int] = {}

    def remember(compiled: Any, key: Any, program: Any) -> None:
        born.update((cell, value.ctypes.data) for cell, value in program.traced.made if value.ndim)
        original(compiled, key, program)

    original = gg.compiler.Compiled._remember
    monkeypatch.setattr(gg.compiler.Compiled, "_remember", remember)
    training = Training()
    training.optimizer = gg.optim.Adam(training.layer.parameters(), lr=0.01)
    gg.compile(training.step)(X)
    assert len(born) == 4
    assert all(address(cell) == start for cell, start in born.items())


# --- who else holds the value ----------------------------------------------------------------------------------


class Module(gg.nn.Module):
    def __init__(self, cell: Any) -> None:
        self.cell = cell


def a_slice(cell: Any) -> Any:
    return cell.value[10:20]


def a_tape(cell: Any) -> Any:
    variable = gg.tensor(np.ones(SIZE, np.float32), requires_grad=True)
    return gg.sum(variable * cell), variable


def gradient_of_tape(held: Any) -> Any:
    loss, variable = held
    loss.backward(retain_graph=True)
    found, variable.grad = variable.grad.numpy(), None
    return found


def same_array(cell: Any) -> Any:
    other = gg.nn.Buffer(np.zeros(1))
    other._replace(cell.value)
    return other


HOLDERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "numpy": (lambda cell: cell.numpy(), np.asarray),
    "the array": (lambda cell: cell.value, np.asarray),
    "detach": (lambda cell: cell.detach(), lambda tensor: tensor.numpy()),
    "a view": (lambda cell: cell.value.reshape(2, -1).T, np.asarray),
    "a slice": (a_slice, np.asarray),
    "a memoryview": (lambda cell: memoryview(cell.value), np.asarray),
    "DLPack": (lambda cell: np.from_dlpack(cell.detach()), np.asarray),
    "a state dict": (lambda cell: Module(cell).state_dict(), lambda state: state["cell"]),
    "a tensor": (lambda cell: gg.Tensor(cell.value), lambda tensor: tensor.numpy()),
    "another cell": (same_array, lambda tensor: tensor.numpy()),
    "asarray": (lambda cell: gg.asarray(cell.value), lambda tensor: tensor.numpy()),
    "a tape": (a_tape, gradient_of_tape),
    "a node": (lambda cell: cell.as_node(), lambda node: node.value),
}


@pytest.mark.parametrize("make", [buffer, parameter, frozen])
@pytest.mark.parametrize("name", HOLDERS)
def test_values_that_somebody_holds_do_not_change(name: str, make: Any) -> None:
    hold, look = HOLDERS[name]
    cell = make()
    compiled = adding(cell)
    held = hold(cell)
    before, start = np.array(look(held)), cell.numpy().copy()
    for call in range(1, 4):
        compiled()
        np.testing.assert_array_equal(look(held), before)
        np.testing.assert_array_equal(cell.numpy(), start + call)
        assert is_fast(compiled)
        np.testing.assert_array_equal(look(held), before)
        cell.assign(start + call)
    del held
    compiled()
    compiled()
    kept = address(cell)
    assert is_fast(compiled)
    assert address(cell) == kept


def test_a_dlpack_capsule_holds_the_value() -> None:
    cell = buffer()
    compiled = adding(cell)

    class Exported:
        def __init__(self, capsule: Any) -> None:
            self.capsule = capsule

        def __dlpack__(self, **options: Any) -> Any:
            return self.capsule

        def __dlpack_device__(self) -> tuple[int, int]:
            return (1, 0)

    exported, before = Exported(cell.detach().__dlpack__()), cell.numpy().copy()
    assert is_fast(compiled)
    np.testing.assert_array_equal(np.from_dlpack(exported), before)


def test_every_value_taken_in_a_loop_stays() -> None:
    cell = buffer()
    compiled = adding(cell)
    kept = []
    for _ in range(5):
        kept.append((cell.numpy(), cell.numpy().copy()))
        assert is_fast(compiled)
        for array, copy in kept:
            np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("which", ["view", "read-only", "transposed", "unaligned"])
def test_arrays_that_are_not_the_cells_own(which: str) -> None:
    cell = gg.nn.Buffer(np.zeros((20, 30)))
    compiled = adding(cell)
    whole = np.zeros((21, 30))
    odd = np.zeros(20 * 30 * 8 + 1, np.uint8)[1:].view(np.float64).reshape(20, 30)
    arrays = {
        "view": whole[:20],
        "read-only": np.zeros((20, 30)),
        "transposed": np.zeros((30, 20)).T,
        "unaligned": odd,
    }
    array = arrays.pop(which)
    if which == "read-only":
        array.flags.writeable = False
    address = array.ctypes.data
    cell._replace(array)
    del array
    compiled()
    assert (cell.numpy() == 1.0).all()
    assert cell.value.ctypes.data != address
    assert not whole.any()
    assert not odd.any()


def test_an_argument_that_is_the_value() -> None:
    cell = gg.nn.Buffer(np.arange(6.0))
    compiled = warm(lambda x, y: (cell.assign(cell + x), x * 2.0, y + 1.0)[1:], gg.asarray(np.zeros(6)), 1.0)
    assert len(compiled.last.program.in_place) == 1
    before = cell.numpy().copy()
    for take in (lambda: gg.Tensor(cell.value), lambda: gg.asarray(cell.value[:]), cell.detach):
        argument, value = take(), cell.numpy().copy()
        doubled, _ = compiled(argument, 1.0)
        np.testing.assert_array_equal(doubled.numpy(), 2 * value)
        np.testing.assert_array_equal(cell.numpy(), 2 * value)
        np.testing.assert_array_equal(argument.numpy(), value)
    np.testing.assert_array_equal(cell.numpy(), 8 * before)


def test_two_cells_with_one_array() -> None:
    first, second = gg.nn.Buffer(np.zeros(100)), gg.nn.Buffer(np.zeros(100))
    compiled = warm(lambda: (first.assign(first + 1.0), second.assign(second * 2.0 + 3.0), None)[2])
    assert len(compiled.last.program.in_place) == 2
    array = np.ones(100)
    first._replace(array)
    second._replace(array)
    del array
    assert is_fast(compiled)
    assert (first.numpy() == 2.0).all()
    assert (second.numpy() == 5.0).all()


def test_a_tape_of_the_parameter_itself() -> None:
    weight = parameter()
    compiled = adding(weight)
    before = weight.numpy().copy()
    loss = gg.sum(weight * weight * weight)
    compiled()
    assert is_fast(compiled)
    weight.grad = None
    loss.backward()
    assert_close(weight.grad, gg.asarray(3 * before**2))


def test_a_state_dict_that_was_loaded_stays() -> None:
    training, other = Training(), gg.nn.Linear(3, 2)
    step = warm(training.step, X)
    state = other.state_dict()
    copies = {name: np.array(value) for name, value in state.items()}
    training.layer.load_state_dict(state)
    for _ in range(3):
        assert is_fast(step, X)
        for name, value in state.items():
            np.testing.assert_array_equal(value, copies[name])
            np.testing.assert_array_equal(other.state_dict()[name], copies[name])
    assert (training.layer.weight.numpy() != copies["weight"]).any()


# --- calls that fail -------------------------------------------------------------------------------------------


class Embedded:
    """A table of vectors that is trained, and a layer behind it or before it."""

    def __init__(self) -> None:
        gg.random.seed(3)
        self.layer, self.table = gg.nn.Linear(4, 5), gg.nn.Embedding(10, 4)
        self.count = gg.nn.Buffer(np.zeros(3))
        self.parameters = [*self.table.parameters(), *self.layer.parameters()]
        self.optimizer = gg.optim.SGD(self.parameters, lr=0.1, momentum=0.5)

    def step(self, indices: Any, labels: Any) -> Any:
        self.count.assign(self.count + 1.0)
        self.optimizer.zero_grad()
        loss = gg.nn.functional.cross_entropy(self.layer(self.table(indices)), labels)
        loss.backward()
        self.optimizer.step()
        return loss

    def values(self) -> list[Any]:
        cells = [*self.parameters, *self.optimizer.parameters(), self.count]
        return [cell.numpy().copy() for cell in cells]


@pytest.mark.parametrize("wrong", ["index", "label"])
def test_a_call_that_fails_changes_nothing(wrong: str) -> None:
    embedded = Embedded()
    good = gg.asarray([1, 2, 3]), gg.asarray([0, 4, 1])
    step = warm(embedded.step, *good)
    program = step.last.program
    assert len(program.in_place) >= 6
    before = embedded.values()
    bad = (gg.asarray([1, 10, 3]), good[1]) if wrong == "index" else (good[0], gg.asarray([0, 5, 1]))
    for _ in range(2):
        assert not is_fast(step, *bad)
        for a, b in zip(embedded.values(), before, strict=True):
            np.testing.assert_array_equal(a, b)
        with pytest.raises(gg.GlassgradError):
            step(*bad)
        for a, b in zip(embedded.values(), before, strict=True):
            np.testing.assert_array_equal(a, b)
    step(*good)
    assert is_fast(step, *good)
    assert embedded.values()[-1][0] == before[-1][0] + 2


def test_an_index_that_is_read_after_an_update() -> None:
    cell, other = gg.nn.Buffer(np.zeros(20)), gg.nn.Buffer(np.zeros(5))

    def function(x: Any, i: Any) -> Any:
        cell.assign(cell + 1.0)
        other.assign((gg.sin(cell)[:5] @ x)[i])

    x = gg.asarray(np.eye(5))
    compiled = warm(function, x, gg.asarray([0, 1, 2, 3, 4]))
    assert not is_fast(compiled, x, gg.asarray([0, 1, 2, 3, 5]))
    assert (cell.numpy() == WARM).all()
    with pytest.raises(gg.GlassgradError):
        compiled(x, gg.asarray([0, 1, 2, 3, 5]))
    assert (cell.numpy() == WARM).all()


def test_no_sharing_where_numpy_runs_an_op() -> None:
    cell, kept = buffer(), []
    compiled = warm(lambda x: (cell.assign(cell + 1.0), gg.sort(x * 2.0))[1], X)
    program = compiled.last.program
    assert program.plan.by_numpy
    assert not program.in_place
    kept.append(cell.numpy())
    compiled(X)
    assert kept[0][0] + 1 == cell.numpy()[0]


def test_no_sharing_where_a_result_is_put_in_order_by_numpy() -> None:
    cell = buffer()
    compiled = warm(lambda x: (cell.assign(cell + 1.0), gg.tanh(x @ x.T @ x).T)[1], X)
    assert not compiled.last.program.in_place
    assert not is_fast(compiled, X)


# --- threads, references, looking inside -----------------------------------------------------------------------


def test_another_thread_sees_whole_values() -> None:
    cell = gg.nn.Buffer(np.zeros(1_000_000, np.float32))
    compiled = adding(cell)
    seen, problems, stop = [], [], threading.Event()

    def look() -> None:
        while not stop.is_set():
            array = cell.numpy()
            first = float(array[0])
            if (array != first).any():
                problems.append(first)
            if len(seen) < 50:
                seen.append((first, array))
            del array

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(150):
        compiled()
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert not problems
    for first, array in seen:
        assert (array == first).all()
    assert cell.numpy()[-1] == 150 + WARM


def test_another_thread_assigns() -> None:
    cell = buffer()
    compiled, stop = adding(cell), threading.Event()

    def assign() -> None:
        while not stop.is_set():
            cell.assign(np.full(SIZE, 7.0, np.float32))

    thread = threading.Thread(target=assign)
    thread.start()
    for _ in range(200):
        compiled()
        array = cell.numpy()
        assert (array == array[0]).all() or float(array[1] - array[0]) == 1.0
        del array
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    compiled()
    references = sys.getrefcount(cell.value)
    assert references == 2


def test_another_thread_replaces_the_array() -> None:
    """As `load_state_dict` does: nothing is lost, and nothing is kept."""
    cell = gg.nn.Buffer(np.zeros(2_000_000))
    compiled, stop, alive = adding(cell), threading.Event(), []

    def replace() -> None:
        while not stop.is_set():
            array = np.zeros(2_000_000)
            alive.append(weakref.ref(array))
            cell._replace(array)
            del array
            stop.wait(1e-3)

    thread = threading.Thread(target=replace)
    thread.start()
    for _ in range(40):
        compiled()
        alive.append(weakref.ref(cell.value))
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    compiled()
    assert len({id(array()) for array in alive if array() is not None}) <= 1


@pytest.mark.parametrize("make", [buffer, parameter])
@pytest.mark.parametrize("is_held", [False, True])
def test_references(make: Any, is_held: bool) -> None:
    cell = make()
    compiled = adding(cell)
    wanted = sys.getrefcount(cell.value)
    none = sys.getrefcount(None)
    for _ in range(100):
        held = cell.value if is_held else None
        fast = is_fast(compiled)
        left = sys.getrefcount(held)
        del held
        found = sys.getrefcount(cell.value)
        assert fast
        assert left == 2 or not is_held  # `held` and the argument: the cell and its node have let it go
        assert found == wanted
    assert abs(sys.getrefcount(None) - none) < 20


def test_a_tensor_that_is_not_made_yet_has_no_value() -> None:
    with pytest.raises(AttributeError, match="value"):
        gg.Tensor.__new__(gg.Tensor).value  # noqa: B018


def test_profile_and_check_change_nothing_else() -> None:
    plain, traced = Training(), Training()
    step = gg.compile(traced.step, check=True)
    for _ in range(5):
        assert_close(step(X), plain.step(X).detach())
    before = traced.values()
    step.profile(X, calls=2)
    for a, b, c in zip(traced.values(), before, plain.values(), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, rtol=1e-5)
