"""Every example runs from any folder, without a warning, and prints the numbers it is there to show."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

import glassgrad

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NUMBER = r"-?\d+\.?\d*(?:e[-+]\d+)?"


def run(name, folder, *arguments):
    """What the example prints; it must end well and complain about nothing."""
    finished = run_any(name, folder, *arguments)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    return finished.stdout


def run_any(name, folder, *arguments):
    """The example, run in `folder` with warnings as errors."""
    packages = str(Path(glassgrad.__file__).resolve().parent.parent)
    search = os.pathsep.join([packages, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": search, "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def numbers(output, start):
    """The numbers of every line that starts with `start`, as lists."""
    lines = [line.strip() for line in output.splitlines()]
    return [
        [float(n) for n in re.findall(NUMBER, line[len(start) :])] for line in lines if line.startswith(start)
    ]


def table(output, columns):
    """The lines that hold that many numbers and nothing else."""
    rows = [line.split() for line in output.splitlines()]
    return [
        [float(cell) for cell in row]
        for row in rows
        if len(row) == columns and all(re.fullmatch(NUMBER, c) for c in row)
    ]


def test_every_example_has_a_test():
    tested = set(re.findall(r'run\("(\w+\.py)"', Path(__file__).read_text(encoding="utf-8")))
    assert tested == {path.name for path in EXAMPLES.glob("*.py")}


def test_the_list_of_examples_is_complete():
    listed = re.findall(
        r"^\| `(\w+\.py)` \|", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_every_example_says_what_one_learns_and_how_to_run_it(path):
    docstring = path.read_text(encoding="utf-8").split('"""')[1]
    assert "You learn " in " ".join(docstring.split())
    assert f"\nRun it: python {path.name}" in docstring


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("two_layer_network.py", "--steps"),
        ("logistic_regression.py", "--steps"),
        ("train_network.py", "--epochs"),
    ],
)
def test_arguments_are_explained_and_checked(name, option, tmp_path):
    assert f"  {option} " in run_any(name, tmp_path, "--help").stdout
    refused = run_any(name, tmp_path, option, "0")
    assert refused.returncode == 2
    assert refused.stderr.endswith(f"error: {option} must be at least 1\n")


def test_tour(tmp_path):
    output = run("tour.py", tmp_path)
    assert "sin x at (2, 3) is 6.9093" in output  # 6 + sin 2
    assert numbers(output, "df/dx = y + cos x =") == [[2.5839]]  # 3 + cos 2
    assert "f(0, 5) = 0.0000, gradient [6.0, 0.0]" in output  # 5 + cos 0
    assert numbers(output, "g'(x)  = 3 x^2   :") == [[12]]
    assert numbers(output, "g''(x) = 6 x     :") == [[12]]
    assert re.search(r"4 entries agree to order 2", output)


def test_gates(tmp_path):
    output = run("gates.py", tmp_path)
    first, second, relu = output.split("\n\n")[1::2]
    assert numbers(first, "x ") + numbers(first, "y ") + numbers(first, "z ") == [[-2, -4], [5, -4], [-4, 3]]
    assert numbers(first, "add ") == [[3, -4]]
    assert numbers(second, "x ") + numbers(second, "y ") == [[3, -8], [-4, 6]]
    assert numbers(second, "z ") + numbers(second, "w ") == [[2, 2], [-1, 0]]
    assert numbers(second, "multiply ") == [[-12, 2], [-20, 1]]
    for gate, role in (("add", "distributor"), ("multiply", "switch"), ("maximum", "router")):
        assert re.search(rf"{gate} .*   {role}: ", second)
    assert numbers(relu, "gradient") == [[4, 0, 5, 0]]


def test_sigmoid_neuron(tmp_path):
    small, single = run("sigmoid_neuron.py", tmp_path).split("neuron with one sigmoid")
    for output in (small, single):
        assert numbers(output, "w0 ") + numbers(output, "w1 ") == [[2, -0.1966], [-3, -0.3932]]
        assert numbers(output, "w2 ") == [[-3, 0.1966]]
        assert numbers(output, "x0 ") + numbers(output, "x1 ") == [[-1, 0.3932], [-2, -0.5898]]
    assert numbers(small, "reciprocal ") == numbers(single, "sigmoid ") == [[0.7311, 1]]
    assert numbers(small, "exp ") == [[0.3679, -0.5344]]


def test_four_derivatives(tmp_path):
    output = run("four_derivatives.py", tmp_path)
    assert "at (2, 5) is 11.652" in output
    rows = [line for line in output.splitlines() if re.search(r"\de[-+]\d\d$", line)]
    assert len(rows) == 8
    for row in rows:
        slope1, slope2, error = (float(n) for n in row.split()[-3:])
        assert slope1 == pytest.approx(5.5, abs=1e-6)
        assert slope2 == pytest.approx(2 - np.cos(5), abs=1e-6)
        if "float32" not in row and "forward" not in row:
            assert error < 1e-9


def test_gradient_check(tmp_path):
    output = run("gradient_check.py", tmp_path)
    rows = table(output, 4)
    assert [weight for weight, *_ in rows] == [0.34, -1.11, 0.78, 0.12, 0.55, 2.81, -3.1, -1.5, 0.33]
    for _, _, difference, analytic in rows:
        assert 0 < difference - analytic < 5e-5  # h/2 times a second derivative below 1
    errors = {h: (forward, central) for h, forward, central in table(output, 3)}
    assert errors[1e-1][0] / errors[1e-3][0] == pytest.approx(1e2, rel=0.3)  # the error goes with h
    assert errors[1e-1][1] / errors[1e-3][1] == pytest.approx(1e4, rel=0.3)  # and with h^2
    assert min(errors[1e-12]) > max(errors[1e-8])  # until digits cancel


def test_two_layer_network(tmp_path):
    output = run("two_layer_network.py", tmp_path, "--steps", "12")
    steps = table(output, 3)
    assert [step for step, _, _ in steps] == [0, 1, 10, 11]
    assert all(by_hand == automatic for _, by_hand, automatic in steps)
    assert steps[-1][1] < steps[0][1] / 3
    assert numbers(output, "largest relative difference")[0][0] < 1e-12
    assert numbers(output, "time per step, glassgrad")[0][0] > 0


def test_logistic_map(tmp_path):
    output = run("logistic_map.py", tmp_path)
    slopes, sizes = (
        [row for row in table(output, 4) if row[0] < 1],
        [row for row in table(output, 4) if row[0] > 1],
    )
    assert [x for x, *_ in slopes] == [0, 0.1, 0.2, 0.5, 0.637, 0.9]
    for _, by_loop, on_paper, by_differences in slopes:
        assert by_loop == pytest.approx(on_paper, abs=1e-11)
        assert by_differences == pytest.approx(on_paper, rel=1e-7, abs=1e-8)
    assert slopes[0][1] == 64  # l4 = 64 x + ...
    for n, gates, degree, _ in sizes:
        assert (gates, degree) == (3 * (n - 1), 2 ** (n - 1))
    slope_at_a_fifth = slopes[2][2]
    assert [slope for n, *_, slope in sizes if n == 4] == pytest.approx([slope_at_a_fifth], abs=1e-6)


def test_flat_code(tmp_path):
    output = run("flat_code.py", tmp_path)
    assert "    grad_s3 = grad_L * (L * (1 - L))\n" in output
    assert "    grad_w1 = x.T @ grad_t0\n" in output
    gradients = [-0.1966, 0.3932, -0.3932, -0.5898, 0.1966]
    assert numbers(output, "value") == [[0.7311, *gradients]]
    assert numbers(output, "largest difference from gg.grad:")[0][0] < 1e-15


def test_expression_swell(tmp_path):
    output = run("expression_swell.py", tmp_path)
    assert "l2' = 4 - 8*x\n" in output
    assert (
        "\n    = 64*(-2048*x**7 + 7168*x**6 - 9984*x**5 + 7040*x**4 - 2640*x**3 + 504*x**2 - 42*x + 1)\n"
        in output
    )
    sizes = {row[0]: row[1:] for row in table(output.replace(",", ""), 7)}
    assert sizes[4] == [21, 71, 82, 20, 20, 24]
    assert sizes[6][0] == 3 * (2**5 - 1)
    assert [line.split()[-1] for line in output.splitlines()[-3:]] == ["72", "152", "392"]


def test_jacobian_of_relu(tmp_path):
    output = " ".join(run("jacobian_of_relu.py", tmp_path).split())
    assert "relu: diagonal 4,096 × 4,096: 4,096 of 16,777,216 entries can differ from 0; 1 jvp" in output
    ones, zeros = map(int, re.search(r"(\d+) ones, where x > 0, and (\d+) zeros", output).groups())
    assert ones + zeros == 4096
    assert abs(ones - 2048) < 4 * 32  # four standard deviations of 4096 coins
    assert "is upstream * diagonal: True" in output
    kinds = {
        "tanh of a batch": "diagonal 64,000 ×",
        "reversed": "permutation 4,096 ×",
        "x[i+1] - 2 x[i] + x[i-1]": "banded 4,094 × 4,096, 3 diagonals",
        "running sum": "lower triangular 4,096 ×",
        "softmax of each row": "block diagonal 64,000 × 64,000, 64 blocks of 1,000 × 1,000:",
        "batch @ weight": "block diagonal 64,000 × 64,000, 64 blocks of 1,000 × 1,000:",
        "through 10 numbers": "low rank 4,096 × 4,096, rank 10 at most,",
        "floor": "zero 4,096 ×",
    }
    for name, kind in kinds.items():
        assert f"{name}: {kind}" in output
    assert float(re.search(rf"\|J · 1\| <= ({NUMBER})", output).group(1)) < 1e-7


def test_own_gate(tmp_path):
    output = run("own_gate.py", tmp_path)
    assert re.search(r"MultiplyGate\(x, y\) +float32\[\] +value -12 +grad 1\n", output)
    assert numbers(output, "d/dx   x^2 y at (3, -4) = 2 x y =") == [[-24]]
    assert numbers(output, "d2/dx2 x^2 y at (3, -4) = 2 y   =") == [[-8]]
    assert re.search(r"WrongGate: +derivative 1 with respect to argument 0, index \(\): ", output)


def test_linear_regression(tmp_path):
    output = run("linear_regression.py", tmp_path)
    found = numbers(output, "100 ")[0][1:]
    assert found == pytest.approx(numbers(output, "normal equations")[0], abs=1e-4)
    assert found == pytest.approx(
        [2, -3, 0.5], abs=0.05
    )  # noise 0.1 over 100 points: three standard errors are 0.03


def test_perceptron(tmp_path):
    output = run("perceptron.py", tmp_path)
    assert "100% of the points are on the right side" in output
    mistakes, bound = re.search(
        r"^(\d+) mistakes in all; Novikoff's bound is (\d+)$", output, re.MULTILINE
    ).groups()
    assert 0 < int(mistakes) <= int(bound)
    rounds = [int(count) for count in re.findall(r"^ +\d+ +(\d+)   \[", output, re.MULTILINE)]
    assert sum(rounds) == int(mistakes)
    assert rounds[-1] == 0


def test_logistic_regression(tmp_path):
    output = run("logistic_regression.py", tmp_path, "--steps", "60")
    assert numbers(output, "0 ")[0][0] == pytest.approx(np.log(2), abs=1e-4)
    (loss, _, share) = numbers(output, "60 ")[0]
    assert loss < 0.13
    assert share > 95
    confusion = np.array(numbers(output, "is malignant") + numbers(output, "is benign"))
    labels = load_breast_cancer().target
    np.testing.assert_allclose(
        confusion.sum(axis=1) / confusion.sum(), [np.mean(labels == 0), np.mean(labels == 1)], atol=0.01
    )
    assert np.trace(confusion) / confusion.sum() == pytest.approx(share / 100, abs=1e-3)


def test_linear_layer(tmp_path):
    output = run("linear_layer.py", tmp_path)
    assert re.findall(r"agrees with .*: (\w+)$", output, re.MULTILINE) == ["True"] * 7
    paragraphs = {text.split("\n")[0]: text for text in output.split("\n\n")}
    outer = [[1, -2, 3, 0, -1], [0, 0, 0, 0, 0], [-1, 2, -3, 0, 1], [2, -4, 6, 0, -2]]
    assert numbers(paragraphs["weight.grad, shape (4, 5)"], "[") == outer
    assert numbers(paragraphs["bias.grad after a second backward"], "[") == [[2, 0, -2, 4]]
    losses = [loss for _, loss in numbers(output, "step ")]
    assert len(losses) == 6
    assert losses == pytest.approx([losses[0] / 4**step for step in range(6)], abs=2e-6)


def test_train_network(tmp_path):
    output = run("train_network.py", tmp_path, "--epochs", "5")
    epochs = table(output, 5)
    assert [epoch for epoch, *_ in epochs] == [1, 2, 5]
    _, loss, accuracy, _, validation_accuracy = epochs[-1]
    assert loss < 0.2 < epochs[0][1]
    assert accuracy > 0.95
    right, rows = re.search(r"^(\d+) of (\d+) digits", output, re.MULTILINE).groups()
    assert int(rows) == 359  # a fifth of 1797
    assert int(right) / 359 == pytest.approx(validation_accuracy, abs=5e-5)
    assert validation_accuracy > 0.9


def test_forward_mode(tmp_path):
    output = run("forward_mode.py", tmp_path)
    assert numbers(output, "y  ") == [[11.652071, 5.5]]
    assert numbers(output, "gg.jvp")[0] == pytest.approx([11.652071, 5.5], abs=2e-6)
    for a, root, slope, on_paper in numbers(output, "sqrt"):
        assert (root, slope) == pytest.approx((a**0.5, 0.5 / a**0.5), rel=1e-4)
        assert on_paper == pytest.approx(slope, abs=2e-6)


def test_newton(tmp_path):
    output = run("newton.py", tmp_path)
    assert "[[1330.  480.]" in output
    *_, small = table(output, 4)
    assert small[1:3] == [1.0, 1.0]
    *_, (_, large) = table(output, 2)
    assert large < 1e-8


def test_per_example_gradients(tmp_path):
    output = run("per_example_gradients.py", tmp_path)
    assert numbers(output, "largest difference between a loop and vmap:")[0][0] < 1e-5
    assert "example 5 pulls hardest" in output
    (clipped,) = numbers(output, "clipped training")
    assert clipped[:3] == pytest.approx([1.0, -2.0, 0.5], abs=0.05)


def test_long_loops(tmp_path):
    output = run("long_loops.py", tmp_path)
    without, *with_checkpoints = (
        numbers(output, start)[0] for start in ("False", "True", "10 ", "forward mode stores nothing: slope")
    )
    assert all(row[-1] == pytest.approx(without[-1], rel=1e-9) for row in with_checkpoints)
    assert with_checkpoints[0][0] < without[0] / 5
