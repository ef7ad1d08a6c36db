"""What is recorded and what is not: no_grad, detach, stop_gradient, and several threads at once."""

import gc
import threading
import weakref

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.graph import Op
from glassgrad.tensor import apply


def test_no_grad_records_nothing():
    x = gg.tensor(1.0, requires_grad=True)
    with gg.no_grad():
        y = x * 2.0
    assert not y.requires_grad
    assert y.node is None
    assert (x * 2.0).requires_grad


def test_no_grad_as_a_decorator():
    @gg.no_grad()
    def double(x):
        return x * 2.0

    x = gg.tensor(1.0, requires_grad=True)
    assert not double(x).requires_grad
    assert not double(x).requires_grad  # a second time, too
    assert (x * 2.0).requires_grad


def test_no_grad_ends_with_an_exception():
    x = gg.tensor(1.0, requires_grad=True)
    with pytest.raises(ZeroDivisionError), gg.no_grad():
        1 / 0  # noqa: B018
    assert (x * 2.0).requires_grad


def test_no_grad_nests():
    x = gg.tensor(1.0, requires_grad=True)
    with gg.no_grad():
        with gg.no_grad():
            pass
        assert not (x * 2.0).requires_grad
    assert (x * 2.0).requires_grad


def test_no_grad_inside_a_differentiated_function_makes_a_constant():
    def function(x):
        with gg.no_grad():
            c = x * x
        return c * x

    assert gg.grad(function)(3.0).item() == 9.0


def test_gradients_can_be_taken_under_no_grad():
    with gg.no_grad():
        assert gg.grad(lambda x: x * x * x)(2.0).item() == 12.0
        assert gg.grad(gg.grad(lambda x: x * x * x))(2.0).item() == 12.0


def test_detach_and_stop_gradient():
    x = gg.tensor(3.0, requires_grad=True)
    (x.detach() * x + gg.stop_gradient(x * x) * x).backward()
    assert x.grad.item() == 3.0 + 9.0
    assert not x.detach().requires_grad
    assert x.detach().numpy() is not None
    assert [n.op.name for n in gg.graph_of(gg.stop_gradient(x) * x).body] == [
        "input",
        "stop_gradient",
        "multiply",
    ]


def test_constants_are_not_recorded():
    assert (gg.ones(2) * 3.0 + 1.0).node is None


def test_only_what_a_derivative_reads_is_kept():
    """exp needs its result, sin its input; a sum needs neither, so the large result of exp is let go."""
    x = gg.tensor(np.ones(1000), requires_grad=True)
    total = gg.sum(x + 1.0)
    assert [node.value is None for node in total.node.inputs] == [True]
    y = gg.exp(x)
    assert y.node.value is y.value
    z = gg.sin(y + 1.0)
    assert z.node.value is None
    assert z.node.inputs[0].value is not None


def test_a_graph_goes_when_its_result_goes():
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    y = gg.exp(x)
    seen = weakref.ref(y.node)
    loss = gg.sum(y * y)
    del y
    assert seen() is not None
    del loss
    gc.collect()
    assert seen() is None


def test_backward_frees_the_saved_values():
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    y = gg.exp(x)
    loss = gg.sum(y * y)
    nodes = [node for node in (y.node, loss.node) if node is not None]
    loss.backward()
    assert all(node.value is None for node in nodes)
    assert x.node.value is x.value  # a leaf keeps its value


def test_threads_record_and_go_back_on_their_own():
    """Two threads, one of them under no_grad half of the time: neither disturbs the other."""
    failures = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for step in range(100):
            values = rng.normal(size=5)
            x = gg.tensor(values, requires_grad=True)
            if seed and step % 2:
                with gg.no_grad():
                    if gg.sum(gg.exp(x)).requires_grad:
                        failures.append("recorded under no_grad")
            y = gg.sum(gg.sin(x) * x)
            y.backward()
            if not np.allclose(x.grad.numpy(), np.cos(values) * values + np.sin(values), rtol=1e-14):
                failures.append((seed, step))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_thread_starts_recording_whatever_its_parent_does():
    found = []
    x = gg.tensor(1.0, requires_grad=True)
    with gg.no_grad():
        thread = threading.Thread(target=lambda: found.append((x * 2.0).requires_grad))
        thread.start()
        thread.join()
    assert found == [True]


def test_two_threads_add_to_the_gradient_of_one_shared_leaf():
    x = gg.tensor(np.ones(3), requires_grad=True)

    def work():
        gg.sum(x * 2.0).backward()

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert x.grad.tolist() == [4.0, 4.0, 4.0]


class Scaled(Op):
    """A user's own op, which cannot be hashed, because it has a list."""

    formula = "out = sizes[0] * x"
    __hash__ = None

    def __init__(self, sizes):
        self.sizes = sizes

    def shape(self, x):
        return x

    def forward(self, x):
        return x * self.sizes[0]


def test_an_op_that_cannot_be_hashed_is_traced():
    found = gg.trace(lambda x: apply(Scaled([3]), apply(Scaled([2]), x)), gg.Spec((2,), "float32"))
    assert [node.op.sizes for node in found.body if node.inputs] == [[2], [3]]
    assert {node.shape for node in found.body} == {(2,)}
