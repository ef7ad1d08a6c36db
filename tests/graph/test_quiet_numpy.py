"""NumPy's floating-point warnings: never from inside the graph, and the user's own setting stays as it was.

pytest turns every warning into an error here, so a warning that escapes fails the test.
"""

import threading

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.graph import quiet

INF, NAN = np.inf, np.nan


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (lambda: gg.log(gg.asarray([0.0, -1.0])), [-INF, NAN]),
        (lambda: gg.asarray([0.0, 1.0, -1.0]) / 0.0, [NAN, INF, -INF]),
        (lambda: gg.exp(gg.asarray([1000.0])), [INF]),
        (lambda: gg.sqrt(gg.asarray([-1.0])), [NAN]),
        (lambda: gg.asarray([INF]) - INF, [NAN]),
        (lambda: gg.asarray([1e30]) * gg.asarray([1e30]), [INF]),
        (lambda: gg.asarray([1.0]) * 1e40, [INF]),
        (lambda: gg.asarray([1e40, -1e40]), [INF, -INF]),
        (lambda: gg.asarray(np.array([1e40])).astype(gg.float32), [INF]),
        (lambda: gg.tensor([1e6], dtype="float16"), [INF]),
        (lambda: gg.full(1, 1e40), [INF]),
        (lambda: gg.sum(gg.full(2, 3e38)).reshape(1), [INF]),
        (lambda: gg.remainder(gg.asarray([5]), 0), [0]),
        (lambda: gg.matmul(gg.asarray([[INF, 1.0]]), gg.asarray([[0.0], [1.0]])).reshape(1), [NAN]),
    ],
)
def test_infinities_and_nan_come_without_a_warning(call, wanted):
    assert np.array_equal(call().numpy(), np.array(wanted), equal_nan=True)


def test_backward_and_graphs_are_quiet_too():
    x = gg.tensor([0.0, 1e30], requires_grad=True)
    y = gg.sum(gg.log(x) + x * x)
    y.backward()
    assert x.grad.tolist()[0] == INF
    graph = gg.graph_of(y)
    graph.forward([-1.0, 0.0])
    assert graph.backward()[0].tolist()[1] == INF
    assert gg.grad(gg.log)(0.0).item() == INF


def test_the_users_setting_is_left_alone():
    with np.errstate(divide="raise", over="warn", under="call", invalid="print"):
        before = np.geterr()
        gg.log(gg.asarray([0.0]))
        gg.grad(gg.log)(0.0)
        assert np.geterr() == before
    with np.errstate(all="raise"):
        assert gg.log(gg.asarray(0.0)).item() == -INF
        with pytest.raises(FloatingPointError):
            np.log(np.zeros(1))


def test_numpy_outside_the_graph_still_warns():
    gg.log(gg.asarray([0.0]))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.log(np.zeros(1))


def test_every_thread_is_quiet():
    found = []

    def work():
        with np.errstate(all="raise"):
            found.append(gg.log(gg.asarray(0.0)).item())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [-INF] * 4


def test_an_error_inside_leaves_it_usable():
    with pytest.raises(ValueError, match="negative integer powers"):
        quiet.run(np.power, np.array([2]), np.array([-1]))
    assert quiet.run(np.log, np.zeros(1)).tolist() == [-INF]
