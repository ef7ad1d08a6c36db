"""gg.gradcheck is itself checked: it must find every planted mistake, and nothing where there is none."""

import warnings
from dataclasses import dataclass

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, GradientMismatch
from glassgrad.expr import scalar as s
from glassgrad.graph import Aval, Op
from glassgrad.ops.families import Elementwise, Linear
from glassgrad.tensor import apply

X = np.array([[0.4, -1.2, 2.0], [1.5, 0.1, -0.7]])


class Sine(Elementwise):
    """The right one, from which the wrong ones are made."""

    def value(self, x):
        return s.sin(x)

    def partials(self, out, x):
        return (s.cos(x),)


class WrongSign(Sine):
    def partials(self, out, x):
        return (-s.cos(x),)


class WrongInTheFourthDigit(Sine):
    def partials(self, out, x):
        return (s.cos(x) * 1.0001,)


class WrongForNegatives(Sine):
    """A wrong slope in the one element whose input is below -1."""

    def partials(self, out, x):
        return (s.where(x > -1.0, s.cos(x), 0.5),)


class Product(Elementwise):
    def value(self, x, y):
        return x * y

    def partials(self, out, x, y):
        return y, 1.001 * x


class RightOnceOnly(gg.Function):
    """The first derivative is right, but it is computed outside the graph, so the second one is lost."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return gg.sin(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * gg.asarray(np.cos(x.numpy()))


@dataclass(frozen=True)
class SumWithoutOneRow(Linear):
    """A transpose that forgets the last row."""

    def shape(self, x: Aval) -> Aval:
        return Aval(x.shape[1:], x.dtype)

    def forward(self, x):
        return x.sum(0)

    def transpose(self, g, x):
        return (
            gg.concat(
                [gg.broadcast_to(g, (x.shape[0] - 1, *g.shape)), gg.zeros((1, *g.shape), dtype=g.dtype)]
            ),
        )


class Swapped(Op):
    """The gradients of both inputs exchanged."""

    saves = ((0, 1), (0, 1))

    def shape(self, x, y):
        return x

    def forward(self, x, y):
        return x * y

    def vjp(self, needed, g, out, x, y):
        return g * x, g * y


def through(op):
    return lambda *x: apply(op, *x)


def test_right_rules_pass():
    report = gg.gradcheck(through(Sine()), X, order=2)
    assert report.compared == 12
    assert report.order == 2
    assert report.largest_error < 1e-9


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (through(WrongSign()), (X,)),
        (through(WrongInTheFourthDigit()), (X,)),
        (through(WrongForNegatives()), (X,)),
        (through(Product()), (X, X + 1.0)),
        (through(SumWithoutOneRow()), (X,)),
        (through(Swapped()), (X, X + 1.0)),
        (lambda x: gg.stop_gradient(gg.sin(x)), (X,)),
        (lambda x: x.detach() * x, (X,)),
        (lambda x: gg.asarray(np.sin(x.numpy())), (X,)),
    ],
)
def test_planted_mistakes_are_found(function, inputs):
    with pytest.raises(GradientMismatch):
        gg.gradcheck(function, *inputs)


def test_a_mistake_at_second_order_only_is_found_at_second_order_only():
    assert gg.gradcheck(RightOnceOnly.apply, X).largest_error < 1e-9
    with pytest.raises(GradientMismatch, match=r"^derivative 2 with respect to argument 0"):
        gg.gradcheck(RightOnceOnly.apply, X, order=2)


def test_the_message_names_mode_argument_index_and_both_values():
    def only_one_is_wrong(x, y):
        return gg.sum(y) + gg.sum(apply(WrongForNegatives(), x))

    with pytest.raises(GradientMismatch) as raised:
        gg.gradcheck(only_one_is_wrong, X, X)
    # x[0, 1] = -1.2: the rule says 0.5, the truth is cos(-1.2) = 0.36235775...
    assert raised.value.message == (
        "derivative 1 with respect to argument 0, index (0, 1): automatic 0.5 (reverse mode), "
        f"numerical {np.cos(-1.2):.9g}, relative error {0.5 / np.cos(-1.2) - 1:.1e} > 1e-06. "
        "Look at the backward of your Function."
    )


def test_the_argument_is_counted_among_all_arguments():
    with pytest.raises(GradientMismatch, match=r"^derivative 1 with respect to argument 2, index \(0,\)"):
        gg.gradcheck(lambda i, x, y: x[i] * apply(WrongSign(), y), np.array([0]), X[0, :1], X[0, :1])


class WrongForwards(Sine):
    """The reverse rule is right, the forward rule has the wrong sign."""

    def jvp(self, tangents, out, x):
        return -super().jvp(tangents, out, x)


def test_a_wrong_forward_rule_beside_a_right_reverse_rule():
    assert gg.gradcheck(through(WrongForwards()), X, modes=("reverse",)).largest_error < 1e-9
    with pytest.raises(GradientMismatch) as raised:
        gg.gradcheck(through(WrongForwards()), X)
    assert raised.value.message == (
        "derivative 1 with respect to argument 0, index (0, 0): automatic -1.04721106 (forward mode), numerical "
        "1.04721106, relative error 2.0e+00 > 1e-06. The sign is wrong: look at the jvp of your Function."
    )


class LosesItsTangent(Sine):
    """Right in reverse mode; in forward mode no tangent leaves it."""

    def jvp(self, tangents, out, x):
        return None


@pytest.mark.parametrize(
    ("function", "modes", "advice"),
    [
        (
            lambda x: gg.asarray(np.sin(x.numpy())),
            ("reverse",),
            "No gradient arrived: does the value leave the graph, through .numpy() or .item()?",
        ),
        (
            through(LosesItsTangent()),
            ("reverse", "forward"),
            "No tangent arrived: does the value leave the graph, through .numpy() or .item()?",
        ),
        (
            through(WrongSign()),
            ("reverse",),
            "The sign is wrong: look at the backward of your Function.",
        ),
        (through(WrongInTheFourthDigit()), ("reverse",), "Look at the backward of your Function."),
        (through(WrongInTheFourthDigit()), ("forward",), "Look at the jvp of your Function."),
        (
            lambda x: gg.sqrt(gg.stack([x, x * 0.0])),
            ("forward",),
            "A NaN most often is 0 times an infinite slope, such as that of sqrt at 0, perhaps of another element.",
        ),
    ],
)
def test_the_message_ends_in_what_to_look_at(function, modes, advice):
    with pytest.raises(GradientMismatch) as raised:
        gg.gradcheck(function, np.abs(X), modes=modes)
    assert raised.value.message.endswith(advice)


def test_one_wrong_element_of_many_is_found_and_named():
    """2,500 elements: too many to look at each; a random direction feels the wrong one, and is halved."""
    wrong = np.zeros((50, 50))
    wrong[31, 7] = 1e-3

    class OneWrong(gg.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, upstream):
            (x,) = ctx.saved_tensors
            return upstream * 3.0 * x * x * gg.asarray(1.0 + wrong)

    x = np.random.default_rng(3).uniform(0.5, 1.5, (50, 50))
    with pytest.raises(GradientMismatch, match=r"argument 0, index \(31, 7\): .* relative error 1\.0e-03"):
        gg.gradcheck(OneWrong.apply, x)
    right = gg.gradcheck(lambda x: x * x * x, x)
    assert right.compared == 18


# --- orders and modes -------------------------------------------------------------------------------------------


def test_every_order_and_mode_is_compared():
    report = gg.gradcheck(lambda x, y: x * gg.exp(y), 2.0, 0.5, order=3)
    assert [(row.order, row.mode, row.variable) for row in report.rows[:4]] == [
        (1, "reverse", "argument 0"),
        (1, "forward", "argument 0"),
        (1, "reverse", "argument 1"),
        (1, "forward", "argument 1"),
    ]
    assert {row.order for row in report.rows} == {1, 2, 3}
    assert report.compared == 6
    assert report.largest_error < 1e-9


class SecondOrderWrong(Op):
    """sin, whose second derivative has lost its sign, because the backward calls an op with a wrong backward."""

    saves = ((0,),)
    wrong = "vjp"

    def shape(self, x):
        return x

    def forward(self, x):
        return np.sin(x)

    def vjp(self, needed, g, out, x):
        return (g * apply(CosineWithAWrong(self.wrong), x),)

    def jvp(self, tangents, out, x):
        return tangents[0] * apply(CosineWithAWrong(self.wrong), x)


@dataclass(frozen=True)
class CosineWithAWrong(Op):
    mode: str

    saves = ((0,),)

    def shape(self, x):
        return x

    def forward(self, x):
        return np.cos(x)

    def vjp(self, needed, g, out, x):
        return (gg.sin(x) * (g if self.mode == "vjp" else -g),)

    def jvp(self, tangents, out, x):
        return gg.sin(x) * (tangents[0] if self.mode == "jvp" else -tangents[0])


@pytest.mark.parametrize("wrong", ["vjp", "jvp"])
def test_reverse_over_reverse_and_forward_over_forward_call_different_rules(wrong):
    op = SecondOrderWrong()
    op.wrong = wrong
    modes = {"vjp": ("reverse",), "jvp": ("forward",)}
    right = modes["jvp" if wrong == "vjp" else "vjp"]
    assert gg.gradcheck(through(op), X).largest_error < 1e-9
    assert gg.gradcheck(through(op), X, order=2, modes=right).largest_error < 1e-9
    with pytest.raises(GradientMismatch, match=rf"^derivative 2 .* \({modes[wrong][0]} mode\)"):
        gg.gradcheck(through(op), X, order=2, modes=modes[wrong])


def test_forward_alone_checks_what_has_no_reverse_mode():
    def power(x):
        return gg.while_loop(
            lambda state: state[0] < 3, lambda state: (state[0] + 1, state[1] * x), (gg.asarray(0), x)
        )[1]

    assert gg.gradcheck(power, 1.5, modes=("forward",), order=2).largest_error < 1e-9


# --- how it differentiates numerically --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "scheme"),
    [
        (lambda x: gg.sum(gg.tanh(x) * x), "complex step"),
        (lambda x: gg.sum(gg.abs(x)), "Richardson"),
        (lambda x: x * 2.0 if x[0, 0].item() > 0 else x, "Richardson"),
        (through(Sine()), "complex step"),
        (lambda x: RealPart.apply(x), "Richardson"),
    ],
)
def test_the_scheme_is_chosen_by_what_the_function_allows(function, scheme):
    report = gg.gradcheck(function, X)
    assert {row.scheme for row in report.rows} == {scheme}
    evaluations = 6 + 13 if scheme == "complex step" else 6 * 12
    # a trial of the complex step may have come first
    assert report.evaluations in (evaluations, evaluations + 13)


class RealPart(gg.Function):
    """The square, of the real part only: it takes complex numbers and is not analytic."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return gg.asarray(x.numpy().real ** 2)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return 2.0 * x * upstream


# --- what it takes ----------------------------------------------------------------------------------------------


def test_a_point_outside_the_domain_is_refused():
    with pytest.raises(ArgumentError) as raised:
        gg.gradcheck(gg.sqrt, np.array([-1.0]))
    assert raised.value.message == (
        "gradcheck needs a function whose value and gradient are finite at the inputs; the function gave nan. Is a "
        "logarithm, a root or a quotient at the edge of its domain?"
    )


def test_integers_are_held_constant():
    report = gg.gradcheck(lambda x, i: x[i] * x[i], gg.asarray([1.0, 2.0, 3.0]), np.array([0, 2]))
    assert report.compared == 3
    assert report.largest_error < 1e-10


def test_trees_of_tensors():
    parameters = {"w": X, "layers": [np.array(0.5), (np.array([3.0]),)], "n": 2}

    def function(p, scale):
        return gg.sum(apply(WrongSign(), p["w"]) * p["layers"][1][0]) * scale * p["n"] + p["layers"][0]

    with pytest.raises(GradientMismatch, match=r"with respect to argument 0\['w'\], index \(0, 0\)"):
        gg.gradcheck(function, parameters, 2.0)
    report = gg.gradcheck(lambda p: gg.sum(p["w"] * p["layers"][1][0]) + p["layers"][0], parameters)
    assert [row.variable for row in report.rows[::2]] == [
        "argument 0['layers'][0]",
        "argument 0['layers'][1][0]",
        "argument 0['w']",
    ]
    assert gg.gradcheck(lambda pair: pair[0] * pair[1], (gg.tensor(2.0), gg.tensor(3.0))).compared == 2
    assert gg.gradcheck(lambda v: gg.sum(v * v), [[1.0, 2.0], [3.0, 4.0]]).compared == 4


def test_trees_of_results():
    assert gg.gradcheck(lambda x: {"a": gg.sin(x), "b": (x * x,)}, X).compared == 6
    with pytest.raises(GradientMismatch, match="index \\(0, 0\\): automatic -"):
        gg.gradcheck(lambda x: (x, [apply(WrongSign(), x) * 1e3]), X)


def test_complex_inputs_and_results():
    z = np.array([1.0 + 2.0j, -0.5 + 0.3j])
    for function in (
        lambda z: gg.sum(gg.real(z * gg.conj(z))),
        lambda z: gg.exp(z) * z,
        lambda z: gg.abs(z) + gg.imag(z * z),
    ):
        report = gg.gradcheck(function, z, order=2)
        assert report.compared == 8
        assert report.largest_error < 1e-9
    assert gg.gradcheck(lambda x: gg.exp(1j * x), X, order=2).largest_error < 1e-9


class Conjugated(gg.Function):
    """z^2 whose backward forgets to conjugate the derivative: right for the real part only."""

    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z * z

    @staticmethod
    def backward(ctx, upstream):
        (z,) = ctx.saved_tensors
        return upstream * 2.0 * z


def test_a_forgotten_conjugate_is_found():
    with pytest.raises(GradientMismatch, match=r"argument 0, index \(\)"):
        gg.gradcheck(Conjugated.apply, np.array(1.0 + 2.0j))


def test_tolerance_and_seed():
    with pytest.raises(GradientMismatch):
        gg.gradcheck(through(WrongInTheFourthDigit()), X, tolerance=1e-5)
    assert gg.gradcheck(through(WrongInTheFourthDigit()), X, tolerance=1e-3).largest_error > 1e-5
    assert gg.gradcheck(gg.sin, X, seed=1).compared == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"modes": ("sideways",)},
            "gradcheck takes the modes 'reverse' and 'forward', one or both, as a tuple; got ('sideways',)",
        ),
        (
            {"modes": "reverse"},
            "gradcheck takes the modes 'reverse' and 'forward', one or both, as a tuple; got 'reverse'",
        ),
        ({"modes": ()}, "gradcheck takes the modes 'reverse' and 'forward', one or both, as a tuple; got ()"),
        ({"order": 0}, "gradcheck compares derivatives to an order of 1, 2 or more; got 0"),
        ({"order": 1.5}, "gradcheck compares derivatives to an order of 1, 2 or more; got 1.5"),
        ({"tolerance": 0.0}, "the tolerance is a relative error between 0 and 1; got 0.0"),
    ],
)
def test_refused_options(options, message):
    with pytest.raises(ArgumentError) as raised:
        gg.gradcheck(gg.sin, X, **options)
    assert raised.value.message == message


def test_it_needs_something_to_vary():
    with pytest.raises(ArgumentError) as raised:
        gg.gradcheck(lambda i: i, np.array([1]))
    assert raised.value.message == (
        "gradcheck needs at least one floating-point input; got none. Write 1.0 instead of 1."
    )


def test_a_function_that_draws_random_numbers_cannot_be_checked():
    rng = np.random.default_rng(0)
    with pytest.raises(
        ArgumentError, match=r"^gradcheck needs a function that gives the same result every time; it"
    ):
        gg.gradcheck(lambda x: gg.sum(x * rng.random(3)), X)


def test_a_function_without_return():
    with pytest.raises(ArgumentError, match=r"^gradcheck needs a function that returns tensors; .*NoneType"):
        gg.gradcheck(lambda x: None, X)


# --- the report -------------------------------------------------------------------------------------------------


def test_the_report_in_words():
    report = gg.gradcheck(lambda x: x * 2.0, np.array([3.0]))
    assert str(report) == (
        f"1 entries agree to order 1; largest relative error {report.largest_error:.2e} at argument 0, index (0,)"
    )
    assert str(gg.gradcheck(lambda x: x * 2.0, np.zeros(0))) == "0 entries agree to order 1"
    assert str(gg.gradcheck(gg.relu, np.array([0.0, 0.0]))).endswith("; 2 kinks")


def test_the_report_as_a_table():
    report = gg.gradcheck(lambda x, y: gg.abs(x) * y, np.array([3.0, 0.0]), 2.0)
    lines = repr(report).splitlines()
    assert lines[0].split() == [
        "variable",
        "order",
        "mode",
        "compared",
        "worst",
        "error",
        "at",
        "scheme",
        "evaluations",
    ]
    assert lines[1].split()[:5] == ["argument", "0", "1", "reverse", "2"]
    assert lines[1].split()[-2:] == ["Richardson", "168"]  # 12 for the first element, 12 and 144 at the kink
    assert lines[4].split()[:5] == ["argument", "1", "1", "forward", "1"]
    assert lines[5].startswith("derivative 1 with respect to argument 0, index (1,): slope -")
    assert len(lines) == 6


def test_trying_a_complex_step_is_silent():
    """A function that throws imaginary parts away is no cause for a warning, and no analytic one."""

    def casts(x):
        return gg.asarray(x.numpy().astype(np.float64)) * x

    with pytest.raises(GradientMismatch, match=r"automatic 0\.4\d* \(reverse mode\), numerical 0\.\d+"):
        gg.gradcheck(casts, X)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        report = gg.gradcheck(lambda x: x * 2.0 + gg.asarray(x.numpy().astype(np.float64)) * 0.0, X)
    assert not seen
    assert {row.scheme for row in report.rows} == {"Richardson"}
