# ruff: noqa: RET504 - the names of variables are what is tested
"""`flat_code`: readable source, with the user's names, that gives the same numbers where only NumPy is."""

import cProfile
import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.errors import ArgumentError
from glassgrad.graph import Op
from glassgrad.tensor import apply


def neuron(w0, x0, w1, x1, w2):
    s0 = w0 * x0
    s1 = w1 * x1
    s2 = s0 + s1
    s3 = s2 + w2
    L = 1 / (1 + gg.exp(-s3))
    return L


def sigmoid_neuron(w, x, b):
    s = gg.sum(w * x) + b
    L = gg.sigmoid(s)
    return L


def two_layers(x, y, w1, w2):
    hidden = gg.relu(x @ w1)
    prediction = hidden @ w2
    loss = gg.mean(gg.sum(gg.square(prediction - y), axis=1))
    return loss


def cross_entropy(x, weights, bias, labels):
    logits = x @ weights + bias
    picked = gg.take_along_axis(gg.log_softmax(logits), labels[:, None], axis=1)
    loss = -gg.mean(picked)
    return loss


def indexing(x, w):
    first = x[0, 1:]
    largest = gg.max(x, axis=1)
    chosen = gg.where(first > 0, first, w[:3])
    return gg.sum(chosen * largest) + gg.prod(w) + x[-1, -1]


def logistic_map(x):
    for _ in range(3):
        x = 4 * x * (1 - x)
    return x


def normalize(x, gamma, beta):
    mean = gg.mean(x, axis=0)
    variance = gg.var(x, axis=0)
    scaled = gamma * (x - mean) / gg.sqrt(variance + 1e-5) + beta
    return scaled


def circuit(x, y, z, w):
    return 2 * (x * y + gg.maximum(z, w))


def smooth(x, y):
    return gg.mean(gg.softplus(x) * gg.erf(y) + gg.logaddexp(x, y))


def draw(rng, *shapes, dtype=np.float64):
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def cases(dtype):
    rng = np.random.default_rng(7)
    yield neuron, draw(rng, (), (), (), (), (), dtype=dtype)
    yield sigmoid_neuron, draw(rng, (4,), (4,), (), dtype=dtype)
    yield two_layers, draw(rng, (8, 5), (8, 2), (5, 6), (6, 2), dtype=dtype)
    yield cross_entropy, [*draw(rng, (6, 3), (3, 4), (4,), dtype=dtype), np.array([0, 3, 1, 1, 2, 0])]
    yield indexing, draw(rng, (3, 4), (4,), dtype=dtype)
    yield logistic_map, [np.array(0.3, dtype)]
    yield circuit, draw(rng, (), (), (), (), dtype=dtype)
    yield smooth, draw(rng, (3, 1), (4,), dtype=dtype)


RUN_WITHOUT_GLASSGRAD = """
import sys
from pathlib import Path
import numpy as np
sys.modules["glassgrad"] = None  # importing it would now fail
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
for path in sorted(folder.glob("*.py")):
    module = __import__(path.stem)
    given = np.load(folder / f"{path.stem}.npz")
    value, gradients = module.forward_backward(*(given[name] for name in given))
    np.savez(folder / f"{path.stem}_found.npz", value, *gradients)
assert "glassgrad.tensor" not in sys.modules
"""


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_the_same_numbers_where_only_numpy_is(dtype, tolerance, tmp_path):
    for function, arguments in cases(dtype):
        gg.flat_code(function, *arguments).save(tmp_path / f"{function.__name__}.py")
        np.savez(tmp_path / f"{function.__name__}.npz", *arguments)
    subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN_WITHOUT_GLASSGRAD, str(tmp_path)], check=True, timeout=60
    )
    for function, arguments in cases(dtype):
        places = tuple(i for i, x in enumerate(arguments) if x.dtype.kind == "f")
        value, gradients = gg.value_and_grad(function, argnums=places)(*arguments)
        found = np.load(tmp_path / f"{function.__name__}_found.npz")
        assert len(found) == 1 + len(gradients)
        for name, wanted in zip(found, (value, *gradients), strict=True):
            assert (found[name].dtype, found[name].shape) == (dtype, wanted.shape)
            np.testing.assert_allclose(found[name], wanted.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("function", [neuron, circuit, logistic_map])
def test_the_same_bits_for_the_same_functions_of_numpy(function):
    arguments = next(given for candidate, given in cases(np.float64) if candidate is function)
    value, gradients = gg.flat_code(function, *arguments).function(*arguments)
    wanted, slopes = gg.value_and_grad(function, argnums=tuple(range(len(arguments))))(*arguments)
    assert value == wanted.numpy()
    assert [*gradients] == [g.numpy() for g in slopes]


def test_the_neuron_of_the_lectures():
    code = gg.flat_code(neuron, 2.0, -1.0, -3.0, -2.0, -3.0)
    assert code == dedent(
        """\
        import numpy as np


        def forward_backward(w0, x0, w1, x1, w2):
            # forward
            s0 = w0 * x0
            s1 = w1 * x1
            s2 = s0 + s1
            s3 = s2 + w2
            t0 = -s3
            t1 = np.exp(t0)
            t2 = 1 + t1
            L = 1 / t2
            # backward
            grad_L = 1.0
            grad_t2 = -(grad_L * (L / t2))
            grad_t1 = grad_t2
            grad_t0 = grad_t1 * t1
            grad_s3 = -grad_t0
            grad_s2 = grad_s3
            grad_s1 = grad_s2
            grad_w1 = grad_s1 * x1
            grad_x1 = grad_s1 * w1
            grad_s0 = grad_s2
            grad_w0 = grad_s0 * x0
            grad_x0 = grad_s0 * w0
            grad_w2 = grad_s3
            return L, (grad_w0, grad_x0, grad_w1, grad_x1, grad_w2)"""
    )
    value, gradients = code.function(2.0, -1.0, -3.0, -2.0, -3.0)
    assert value == pytest.approx(0.7311, abs=5e-5)
    assert gradients == pytest.approx((-0.1966, 0.3932, -0.3932, -0.5898, 0.1966), abs=5e-5)


def test_reductions_matrices_and_sums_over_copies():
    code = gg.flat_code(
        lambda x, w, b: gg.sum(gg.relu(x @ w + b)), *(gg.Spec(s) for s in ((4, 3), (3, 2), 2))
    )
    assert code == dedent(
        '''\
        import numpy as np


        def forward_backward(x, w, b):
            """x float32[4, 3], w float32[3, 2], b float32[2]."""
            # forward
            t0 = x @ w
            t1 = t0 + b
            t2 = np.maximum(t1, 0)
            out = np.sum(t2)
            # backward
            grad_out = np.float32(1.0)
            grad_t2 = np.broadcast_to(grad_out, (4, 2))
            grad_t1 = np.where(t1 > 0, grad_t2, 0)
            grad_b = np.sum(grad_t1, axis=0)
            grad_t0 = grad_t1
            grad_x = grad_t0 @ w.T
            grad_w = x.T @ grad_t0
            return out, (grad_x, grad_w, grad_b)'''
    )


@pytest.mark.parametrize(
    ("dtype", "line"),
    [
        ("float64", "grad_b = np.sum(x, axis=0)"),
        ("float32", "grad_b = np.sum(x, axis=0, dtype=np.float64).astype(np.float32)"),
        ("float16", "grad_b = np.sum(x, axis=0, dtype=np.float64).astype(np.float16)"),
    ],
)
def test_long_sums_are_as_accurate_as_glassgrads(dtype, line, rng):
    x = rng.uniform(0, 1, (5000, 2)).astype(dtype)
    code = gg.flat_code(lambda x, b: gg.sum(x * b), x, x[0])
    assert any(written.endswith(line.replace("x,", "grad_t0 * x,")) for written in lines(code)), code
    exact = x.astype(np.float64).sum(axis=0)
    np.testing.assert_allclose(code.function(x, x[0])[1][1], exact.astype(dtype), rtol=np.finfo(dtype).eps)


def lines(code):
    return [line.strip() for line in code.splitlines()]


# --- names -------------------------------------------------------------------------------------------------------


def test_names_in_loops_and_in_functions_called():
    def step(h, w):
        inner = gg.tanh(h * w)
        return inner

    def recurrent(h, w):
        for _ in range(2):
            h = step(h, w)
        (z := h + 1)
        return z * z

    found = lines(gg.flat_code(recurrent, 0.5, 0.3))
    # a name in the function itself counts more than one in a function it calls; h is taken by the argument
    assert "h_2 = np.tanh(t0)" in found
    assert "h_3 = np.tanh(t1)" in found
    assert "z = h_3 + 1" in found
    assert "out = z * z" in found
    assert "grad_h = grad_t0 * w" in found
    assert not any("inner" in line for line in found)


def test_names_that_python_or_the_source_needs():
    def f(np, t0, lambda_):
        grad_x = np * t0
        x = grad_x + lambda_
        float = x * x
        return float

    code = gg.flat_code(f, 2.0, 3.0, 4.0)
    assert "def forward_backward(np_2, t0, lambda_):" in code
    assert "float_2 = x * x" in code
    value, gradients = code.function(2.0, 3.0, 4.0)
    assert (value, gradients) == (100.0, (60.0, 40.0, 20.0))


def test_leaves_of_trees_and_parameters_are_arguments():
    scale = gg.tensor(2.0, requires_grad=True, name="scale")

    def f(p, rest):
        return gg.sum(p["w"] * rest[0][1] * scale)

    code = gg.flat_code(f, {"w": np.ones(2)}, [(1.0, 3.0)])
    assert "def forward_backward(p_w, rest_0_0, rest_0_1, scale):" in code
    value, gradients = code.function(np.ones(2), 1.0, 3.0, 2.0)
    assert value == 12
    assert [np.asarray(g).tolist() for g in gradients] == [[6, 6], 0, 4, 6]


def test_a_module():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    x = np.ones((2, 3), np.float32)
    code = gg.flat_code(model, x)
    assert "def forward_backward(x, weight_0, bias_0, weight_2, bias_2, grad_out):" in code
    parameters = [p.numpy() for p in model.parameters()]
    value, gradients = code.function(x, *parameters, np.ones((2, 1), np.float32))
    np.testing.assert_allclose(value, model(gg.asarray(x)).numpy(), rtol=1e-6)
    gg.sum(model(gg.asarray(x))).backward()
    for found, parameter in zip(gradients[1:], model.parameters(), strict=True):
        np.testing.assert_allclose(found, parameter.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_without_names_while_a_profiler_runs():
    profiler = cProfile.Profile()
    code = profiler.runcall(gg.flat_code, sigmoid_neuron, np.ones(2), np.ones(2), 1.0)
    assert code.function(np.ones(2), np.ones(2), 1.0)[0] == pytest.approx(1 / (1 + np.exp(-3)))


def test_the_hook_that_finds_names_is_gone_after_an_error():
    def broken(x):
        raise KeyError(x)

    with pytest.raises(KeyError):
        gg.flat_code(broken, 1.0)
    assert sys.getprofile() is None


# --- what is written ---------------------------------------------------------------------------------------------


def test_modes_inside_the_function():
    def f(x):
        slopes = gg.vmap(gg.grad(lambda y: y**3))(x)
        total, _ = gg.scan(lambda carry, x: (carry * x, carry), gg.asarray(1.0, gg.float64), slopes)
        return gg.where(total > 0, total, -total)

    code = gg.flat_code(f, np.array([1.0, -2.0]))
    value, (slope,) = code.function(np.array([1.0, -2.0]))
    assert value == pytest.approx(3 * 12)  # 3 x^2 for both
    np.testing.assert_allclose(slope, [2 * 36, -36], rtol=1e-12)  # of 9 x1^2 x2^2


def test_an_upstream_gradient_for_a_result_with_axes():
    code = gg.flat_code(normalize, gg.Spec((5, 3)), gg.Spec(3), gg.Spec(3))
    assert "def forward_backward(x, gamma, beta, grad_scaled):" in code
    assert "    return scaled, (grad_x, grad_gamma, grad_beta)" in code


def test_captured_numbers_and_arrays():
    table = gg.asarray(np.array([[1.5, -2.0], [0.0, 4.0]]))
    rows = gg.asarray(np.arange(2))
    code = gg.flat_code(lambda x: gg.sum(table[rows] * x * 0.1 / 4 - gg.inf), np.ones(2), name="run")
    assert "C0 = np.array([[1.5, -2.0], [0.0, 4.0]], np.float64)" in code
    assert "def run(x):" in code
    assert "t1 = t0 * 0.1" in code
    assert "np.inf" in code


def test_random_numbers_are_those_of_the_trace():
    gg.random.seed(3)
    code = gg.flat_code(lambda x: gg.sum(x * gg.random.normal((2,))), gg.Spec(2))
    x = np.ones(2, np.float32)
    assert code.function(x)[0] == code.function(x)[0]
    assert "C0 = np.array([" in code


def test_long_formulas_become_functions():
    code = gg.flat_code(lambda x, y: gg.sum(gg.softplus(x) + gg.softplus(y)), np.ones(2), np.ones(2))
    assert code.count("def softplus(x):") == 1
    assert "t1 = softplus(y)" in code


def test_arguments_that_do_not_matter_have_gradient_0():
    code = gg.flat_code(lambda x, unused, i: x * i, 2.0, np.ones(3), 3)
    value, gradients = code.function(2.0, np.ones(3), 3)
    assert value == 6
    assert gradients[0] == 3
    assert gradients[1].tolist() == [0, 0, 0]
    assert len(gradients) == 2  # an integer has no gradient
    assert gg.flat_code(lambda x: x, 1.0).function(5.0) == (5.0, (1.0,))


def test_stopped_gradients():
    code = gg.flat_code(lambda x: gg.stop_gradient(x * x) * x, 3.0)
    assert code.function(3.0) == (27.0, (9.0,))


def test_mixed_dtypes_are_cast_as_glassgrad_promotes_them():
    def f(x, n):
        return gg.sum(x * n)

    x, n = np.ones(3, np.float32), np.arange(3)
    value, (slope,) = gg.flat_code(f, x, n).function(x, n)
    assert (np.asarray(value).dtype, slope.dtype) == (gg.grad(f)(x, n).dtype, np.float32)


def test_complex_numbers():
    def f(z):
        return gg.sum(gg.abs(z * z))

    z = np.array([1 + 2j, 3 - 1j], np.complex64)
    value, (slope,) = gg.flat_code(f, z).function(z)
    assert value == pytest.approx(15)
    np.testing.assert_allclose(slope, gg.grad(f)(gg.asarray(z)).numpy(), rtol=1e-6)


def test_it_is_a_string_that_shows_and_saves_itself(tmp_path):
    code = gg.flat_code(circuit, 3.0, -4.0, 2.0, -1.0)
    assert repr(code) == str(code)
    code.save(tmp_path / "circuit.py")
    assert (tmp_path / "circuit.py").read_text(encoding="utf-8") == code + "\n"
    assert code.function(3.0, -4.0, 2.0, -1.0) == (-20.0, (-8.0, 6.0, 2.0, 0.0))


class Written(Op):
    """An op whose NumPy code is what the test is about."""

    argument_names = ("x",)
    differentiable = False

    def shape(self, x):
        return x


class ThroughAView(Written):
    def forward(self, x):
        base = np.zeros(x.shape, x.dtype)
        before = base + x
        view = base[1:]
        view[...] = 5.0
        view += 1.0
        return before * base


class InPlace(Written):
    def forward(self, x):
        total = np.zeros(x.shape, x.dtype)
        total[1:] += x[1:] * 2
        total[[0, 1]] -= x[0]
        part = total[1:]
        part *= part
        total[1:] = part
        return total


class WithACheck(Written):
    def forward(self, x):
        if not np.all(x > 0):
            raise ArgumentError("x must be positive")
        return np.sqrt(x)


class WithAChoice(Written):
    def forward(self, x):
        return np.sqrt(x) if np.all(x > 1) else x


def test_what_is_changed_through_a_view_is_read_in_time():
    x = np.array([1.0, 2.0, 3.0])
    code = gg.flat_code(lambda x: apply(ThroughAView(), x), x)
    assert code.function(x, x)[0].tolist() == [0, 12, 18] == apply(ThroughAView(), x).tolist()


def test_changes_in_place_are_written_as_such():
    x = np.array([1.0, 2.0, 3.0])
    code = gg.flat_code(lambda x: apply(InPlace(), x), x)
    assert {"out[1:] += x[1:] * 2", "out[[0, 1]] -= x[0]", "t0 *= t0"} <= set(lines(code))
    assert code.function(x, x)[0].tolist() == [-1, 9, 36] == apply(InPlace(), x).tolist()


def test_a_check_of_values_is_left_out_and_a_choice_by_values_refused():
    x = np.array([4.0, 9.0])
    assert gg.flat_code(lambda x: apply(WithACheck(), x), x).function(x, x)[0].tolist() == [2, 3]
    with pytest.raises(gg.GraphError) as caught:
        gg.flat_code(lambda x: apply(WithAChoice(), x), x)
    assert "what its NumPy code does depends on values. Write the function without it" in caught.value.message


# --- mistakes ----------------------------------------------------------------------------------------------------


class Square(gg.Function):
    @staticmethod
    def forward(ctx, x):
        return x * x

    @staticmethod
    def backward(ctx, upstream):
        return upstream


@pytest.mark.parametrize(
    ("function", "example", "message"),
    [
        (
            lambda x: gg.argmax(x),
            gg.Spec(3),
            "flat_code needs a function that returns one real float tensor; it returned int64[]",
        ),
        (
            lambda x: (x, x[0]),
            gg.Spec(3),
            "flat_code needs a function that returns one real float tensor; it returned float32[3] and float32[]",
        ),
        (
            lambda x: x + gg.zeros((200, 200)),
            1.0,
            "flat_code writes captured arrays into the source, up to 10000 elements; the function uses "
            "float32[200, 200] beside its arguments. Make it an argument: flat_code(f, x, array).",
        ),
    ],
)
def test_mistakes(function, example, message):
    with pytest.raises(gg.GraphError) as caught:
        gg.flat_code(function, example)
    assert caught.value.message == message


def test_user_code_is_refused():
    with pytest.raises(gg.GraphError, match="Square"):
        gg.flat_code(Square.apply, 1.0)


def test_a_branch_is_refused_with_its_line():
    def branch(x):
        return x if x > 0 else -x

    with pytest.raises(
        gg.GraphError, match=r"gg.where\(condition, a, b\) chooses numbers.* \(at test_flat_code.py:"
    ):
        gg.flat_code(branch, 1.0)


def test_examples_on_which_an_op_fails():
    with pytest.raises(gg.GraphError) as caught:
        gg.flat_code(lambda a: gg.sum(gg.linalg.cholesky(a)), -np.eye(2))
    assert caught.value.message.startswith(
        "flat_code runs the function once on its examples, where cholesky (at test_"
    )
    assert caught.value.message.endswith("Pass examples on which it works instead of gg.Spec.")


def test_a_name_that_is_none():
    with pytest.raises(gg.ArgumentError) as caught:
        gg.flat_code(circuit, 1.0, 2.0, 3.0, 4.0, name="two words")
    assert caught.value.message == "flat_code needs the name of a function as `name`; got 'two words'"
