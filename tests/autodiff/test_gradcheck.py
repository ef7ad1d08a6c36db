"""gg.gradcheck is itself checked: it must find every planted mistake, and nothing where there is none."""

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


def test_the_message_names_argument_index_and_both_values():
    def only_one_is_wrong(x, y):
        return gg.sum(y) + gg.sum(apply(WrongForNegatives(), x))

    with pytest.raises(GradientMismatch) as raised:
        gg.gradcheck(only_one_is_wrong, X, X)
    # x[0, 1] = -1.2: the rule says 0.5, the truth is cos(-1.2) = 0.36235775...
    assert raised.value.message == (
        "derivative 1 with respect to argument 0, index (0, 1): automatic 0.5, "
        f"numerical {np.cos(-1.2):.9g}, relative error {0.5 - np.cos(-1.2):.1e} > 1e-06. "
        "Look at the backward of your Function, and at kinks such as that of relu at 0."
    )


def test_the_argument_is_counted_among_all_arguments():
    with pytest.raises(GradientMismatch, match=r"^derivative 1 with respect to argument 2, index \(0,\)"):
        gg.gradcheck(lambda i, x, y: x[i] * apply(WrongSign(), y), np.array([0]), X[0, :1], X[0, :1])


def test_nan_is_a_mismatch():
    with pytest.raises(GradientMismatch, match="numerical nan"):
        gg.gradcheck(lambda x: gg.sqrt(x), np.array([-1.0]))


def test_integers_are_held_constant_and_float32_is_widened():
    report = gg.gradcheck(lambda x, i: x[i] * x[i], gg.asarray([1.0, 2.0, 3.0]), np.array([0, 2]))
    assert report.compared == 3
    assert report.largest_error < 1e-10


def test_the_report_in_words():
    report = gg.gradcheck(lambda x: x * 2.0, np.array([3.0]))
    assert str(report) == (
        f"1 entries agree to order 1; largest relative error {report.largest_error:.2e} at argument 0, index (0,)"
    )
    assert str(gg.gradcheck(lambda x: x * 2.0, np.zeros(0))) == "0 entries agree to order 1"


def test_tolerance_and_seed():
    with pytest.raises(GradientMismatch):
        gg.gradcheck(through(WrongInTheFourthDigit()), X, tolerance=1e-5)
    assert gg.gradcheck(through(WrongInTheFourthDigit()), X, tolerance=1e-3).largest_error > 1e-5
    assert gg.gradcheck(gg.sin, X, seed=1).compared == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modes": ("forward",)}, "gradcheck knows the mode 'reverse'; got 'forward'"),
        ({"order": 3}, "gradcheck compares order 1 or 2; got 3"),
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


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (
            lambda x: gg.asarray(np.sin(x.numpy())),
            "No gradient arrived: does the value leave the graph, through .numpy() or .item()?",
        ),
        (through(WrongSign()), "The sign is wrong: look at the backward of your Function."),
        (
            through(WrongInTheFourthDigit()),
            "Look at the backward of your Function, and at kinks such as that of relu at 0.",
        ),
    ],
)
def test_the_message_ends_in_what_to_look_at(function, advice):
    with pytest.raises(GradientMismatch) as raised:
        gg.gradcheck(function, X)
    assert raised.value.message.endswith(f" > 1e-06. {advice}")


def test_a_function_that_draws_random_numbers_cannot_be_checked():
    rng = np.random.default_rng(0)
    with pytest.raises(
        ArgumentError, match=r"^gradcheck needs a function that gives the same result every time; it"
    ):
        gg.gradcheck(lambda x: gg.sum(x * rng.random(3)), X)
