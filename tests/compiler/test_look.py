"""What a compiled function says of itself: its units, their work, and why it is as it is."""

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.compiler import compile
from glassgrad.compiler.look.explain import passes_over
from glassgrad.compiler.look.flops import flops
from glassgrad.compiler.look.table import amount, shortened, table
from glassgrad.nn import functional


def compiled(function: Any, *args: Any) -> Any:
    step = compile(function)
    step(*args)
    return step


def array(*shape: int, dtype: Any = np.float32) -> Any:
    return gg.asarray(np.random.default_rng(3).uniform(0.5, 1.0, shape).astype(dtype))


# --- cost ---------------------------------------------------------------------------------------------------


def test_the_work_of_a_product_and_a_kernel() -> None:
    step = compiled(lambda x, w, b: gg.tanh(x @ w + b) * 2.0, array(8, 30), array(30, 5), array(5))
    cost = step.cost()
    product, kernel = cost.units
    # b is added with the product, and read once for all rows
    assert (product.kind, product.shape, product.flops) == ("product", (8, 5), 2 * 8 * 30 * 5 + 8 * 5)
    assert (product.read, product.written) == (4 * (8 * 30 + 30 * 5 + 5), 4 * 8 * 5)
    # x @ w + b is read, the constant is one number
    assert (kernel.kind, kernel.flops) == ("kernel", 2 * 8 * 5)
    assert (kernel.read, kernel.written) == (4 * (8 * 5 + 1), 4 * 8 * 5)
    assert cost.flops == product.flops + kernel.flops
    assert cost.bytes == product.bytes + kernel.bytes == cost.read + cost.written
    assert cost.uncounted == ()


def test_a_training_step_of_a_layer_takes_three_products() -> None:
    model = gg.nn.Linear(20, 10)
    optimizer = gg.optim.SGD(model.parameters(), lr=0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = gg.sum(model(x) ** 2)
        loss.backward()
        optimizer.step()
        return loss

    cost = compiled(step, array(6, 20)).cost()
    products = [unit for unit in cost.units if unit.kind == "product"]
    work = 2 * 6 * 20 * 10
    # the first adds the bias, too; nobody asks for the gradient of x
    assert [unit.flops for unit in products] == [work + 6 * 10, work]
    assert cost.flops > sum(unit.flops or 0 for unit in products)


def test_what_an_index_does_not_choose_is_not_read() -> None:
    step = compiled(lambda x: gg.take(x, gg.asarray([5, 8, 7]), axis=0) * 2.0, array(1000, 3))
    (unit,) = step.cost().units
    assert (unit.read, unit.written) == (4 * 3 * 3 + 8 * 3 + 4, 4 * 3 * 3)


def test_what_is_not_counted_is_said() -> None:
    cost = compiled(lambda x: (gg.argsort(x), x * 2.0), array(50)).cost()
    assert [unit.ops for unit in cost.uncounted] == [("argsort",)]
    assert cost.flops == 50
    assert str(cost).splitlines()[-1] == "without the work of 1 unit that do not say how much it is: argsort"


def test_whole_numbers_and_copies_take_no_floating_point_operations() -> None:
    step = compiled(lambda x, n: [gg.concat([x, x]), n * 3 + 1], array(10), gg.asarray(np.arange(10)))
    assert step.cost().flops == 0
    assert step.cost().bytes > 0


def test_a_table_with_equal_units_in_one_row() -> None:
    def f(x: Any) -> Any:
        for _ in range(5):
            x = gg.tanh(x @ x)
        return x

    lines = str(compiled(f, array(6, 6)).cost()).splitlines()
    assert lines[0].split() == ["kind", "over", "ops", "times", "work", "read", "written", "from"]
    assert [line.split()[:5] for line in lines[1:3]] == [
        ["product", "float32[6,", "6]", "matmul", "5"],
        ["kernel", "float32[6,", "6]", "tanh", "5"],
    ]
    assert lines[3].split()[:2] == ["all", "10"]
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda x: gg.max(x, axis=0), 12),
        (lambda x: gg.exp(x) + x, 24),
        (lambda x: x[1:] @ x.T, 2 * 3 * 3 * 4 - 2 * 3 * 4),
        (lambda x: gg.broadcast_to(x, (5, 3, 4)), 0),
        (lambda x: gg.astype(x > 0.7, gg.float32), 12),
        (lambda x: gg.cumulative_sum(x, axis=1), 12),
        (lambda x: gg.take(x, gg.asarray([1, 1, 2]), axis=0), 0),
        (lambda x: x.at[gg.asarray([1, 1])].add(x[:2]), 8 + 12),  # put into zeros, added to x
        (lambda x: functional.conv2d(x[None, None], x[:2, :2][None, None]), 2 * (2 * 3) * 4),
        (lambda x: functional.max_pool2d(x[None, None], 2), (1 * 2) * 4),
        (lambda x: functional.avg_pool2d(x[None, None], 2), (1 * 2) * 4 + 2),
    ],
)
def test_operations_of_nodes(function: Any, wanted: int) -> None:
    x = gg.tensor(array(3, 4).numpy(), requires_grad=True)
    graph = gg.trace(function, x)
    assert sum(flops(node) or 0 for node in graph.body if node.inputs) == wanted


# --- kernels ------------------------------------------------------------------------------------------------


def test_units_name_the_lines_that_made_them() -> None:
    def f(x: Any, w: Any) -> Any:
        hidden = gg.relu(x @ w)
        return gg.sum(hidden * 2.0)

    kernels = compiled(f, array(7, 3), array(3, 5)).kernels
    first = f.__code__.co_firstlineno
    assert [unit.kind for unit in kernels] == ["product", "kernel"]
    assert kernels[0].lines == (f"test_look.py:{first + 1}",)
    assert kernels[1].lines == (f"test_look.py:{first + 1}", f"test_look.py:{first + 2}")
    assert kernels[1].ops == ("relu", "multiply", "sum")
    assert [unit.index for unit in kernels] == [0, 1]
    assert str(kernels[0]) == (
        f"0: product float32[7, 5]: matmul; 210 FLOP, 284 B; from test_look.py:{first + 1}"
    )


def test_the_table_of_units_ends_where_nobody_would_read_on() -> None:
    def f(x: Any) -> Any:
        for _ in range(50):
            x = gg.tanh(x @ x)
        return x

    kernels = compiled(f, array(4, 4)).kernels
    assert len(kernels) == 100
    assert repr(kernels) == str(kernels)
    assert str(kernels).splitlines()[-1] == "… and 40 units more: kernels[60:]"
    assert len(str(kernels).splitlines()) == 62


# --- explain ------------------------------------------------------------------------------------------------


def test_why_a_fusion_did_not_happen() -> None:
    def softmax(x: Any) -> Any:
        exponentials = gg.exp(x)
        return exponentials / gg.sum(exponentials, axis=1, keepdims=True)

    found = compiled(softmax, array(8, 9)).explain()
    (one,) = found.not_joined
    assert (one.unit, one.producer, one.nodes[0].op.name) == (1, 0, "divide")
    assert one.reason == "it needs a sum or an extremum that is known only when that kernel has ended"
    line = f"test_look.py:{softmax.__code__.co_firstlineno + 2}"
    assert f"     1  divide       0  {one.reason}  {line}" in str(found).splitlines()


def test_sums_over_other_axes() -> None:
    def sums(x: Any) -> Any:
        y = gg.exp(x)
        return gg.sum(y, axis=0), gg.sum(y, axis=1)

    (one,) = compiled(sums, array(8, 9)).explain().not_joined
    assert str(one) == "unit 1 (sum) is not in unit 0: it folds other axes"


def test_another_shape_and_what_comes_between() -> None:
    def f(x: Any) -> Any:
        a = gg.sin(x)
        return a * (a @ a), gg.sum(a, axis=0) * 2.0

    reasons = {one.reason for one in compiled(f, array(5, 5)).explain().not_joined}
    assert reasons == {"it goes over another shape", "it also reads what is computed after that kernel"}


def test_a_full_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    from glassgrad.compiler import kernels

    monkeypatch.setattr(kernels, "MOST", 4)

    def f(x: Any) -> Any:
        for _ in range(6):
            x = gg.tanh(x)
        return x

    (one,) = compiled(f, array(5)).explain().not_joined
    assert (one.unit, one.producer, len(one.nodes)) == (1, 0, 1)
    assert one.reason.startswith("that kernel is full")


def test_sums_of_many_tensors_are_several_passes() -> None:
    """The gradients of all biases: what gathers in memory at once is little."""
    step = gg.compile(lambda *tensors: [gg.sum(x, axis=0) for x in tensors])
    tensors = [gg.ones((6, 5)) * k for k in range(11)]
    for k, total in enumerate(step(*tensors)):
        np.testing.assert_array_equal(total.numpy(), np.full(5, 6.0 * k))
    assert [len(unit.nodes) for unit in step.kernels] == [4, 4, 3]


def test_everything_joined() -> None:
    text = str(compiled(lambda x: gg.tanh(x) * 2.0, array(5)).explain())
    assert "nothing: every op is with what it reads" in text


@pytest.mark.parametrize(
    ("function", "x", "op", "why"),
    [
        (lambda x: gg.argsort(x), array(5), "argsort", "only NumPy can run this op"),
        (lambda x: gg.exp(x), array(5, dtype=np.float16), "exp", "there is no machine code for float16"),
        (lambda x: x + 1.0, array(0, 3), "add", "it has no elements"),
        (lambda x: gg.exp(x * 1j), array(5), None, "there is no machine code for complex64"),
    ],
)
def test_why_numpy_runs_an_op(function: Any, x: Any, op: str | None, why: str) -> None:
    found = compiled(function, x).explain()
    assert found.in_numpy
    assert {unit.why_numpy.removesuffix(" and float32") for unit in found.in_numpy} == {why}
    if op:
        assert found.in_numpy[0].ops == (op,)
    assert f"{found.in_numpy[0].ops[0]}: {found.in_numpy[0].why_numpy}, at test_look.py:" in str(found)


def test_passes_say_what_they_did() -> None:
    def f(x: Any) -> Any:
        return gg.exp(x) * gg.exp(x) + gg.stop_gradient(x)

    found = compiled(f, array(5)).explain()
    by_name = {report.name: report for report in found.passes}
    assert by_name["remove_identities"].gone == {"stop_gradient": 1}
    assert by_name["merge_duplicates"].gone == {"exp": 1}
    assert by_name["merge_duplicates"].change == "−1 exp"
    assert by_name["merge_duplicates"].purpose.startswith(
        "Nodes with the same op on the same inputs become one"
    )
    assert [len(node.body) for node in (found.passes[0].before, found.passes[-1].after)] == [6, 4]


def test_a_pass_that_adds() -> None:
    x = gg.tensor(1.0, requires_grad=True)
    small, large = gg.graph_of(gg.sin(x)), gg.graph_of(gg.sin(x) * gg.sin(x))
    (report,) = passes_over(small, [lambda graph: large])
    assert report.gone == {"multiply": -1, "sin": -1}
    assert report.change == "+1 multiply, +1 sin"
    assert report.sizes == "2 → 4 nodes"


def test_before_the_first_call() -> None:
    step = compile(lambda x: x)
    for look in (step.cost, step.explain, lambda: step.kernels, lambda: step.llvm):
        with pytest.raises(gg.ArgumentError, match="call the compiled function first"):
            look()


# --- llvm ---------------------------------------------------------------------------------------------------


def test_the_code_can_be_read() -> None:
    step = compiled(lambda x: gg.tanh(x @ x) + 1.0, array(16, 16))
    text = step.llvm
    assert isinstance(text, str)
    assert text.count('define void @"segment_0"') == 1
    assert text == step.llvm  # written anew, and the same
    assert "x float>" in text.optimised
    assert "segment_0" in text.assembly
    _, kernel, product = text.modules  # the product is written as vectors, so it is compiled by itself
    assert 'define void @"kernel_1_0"' in kernel
    assert 'define void @"kernel_0_0"' in product


# --- text ---------------------------------------------------------------------------------------------------


def test_amounts() -> None:
    numbers = [0, 1, 999, 999.6, 1000, 12345, 1.5e9, 3e16, 0.00123, 2e-9, None]
    assert [amount(n, "B") for n in numbers] == [
        *("0 B", "1 B", "999 B", "1 kB", "1 kB", "12.3 kB", "1.5 GB", "30 PB", "1.23 mB", "2 nB", "?")
    ]


def test_tables() -> None:
    assert table(["a", " b"], []) == "a  b"
    assert table(["a", " b"], [["xyz", "1"], ["", "222"]]).splitlines() == [
        "a      b",
        "xyz    1",
        "     222",
    ]
    assert shortened("x" * 100, 10) == "xxxxxxxx …"
