"""gg.gradcheck tells apart a wrong derivative, a kink, a function that is ill-conditioned, and too little precision."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import GradientMismatch
from glassgrad.expr import scalar as s
from glassgrad.ops.families import Elementwise
from glassgrad.tensor import apply

X = np.array([[0.4, -1.2, 2.0], [1.5, 0.1, -0.7]])


# --- kinks, jumps, edges ----------------------------------------------------------------------------------------


def kinks(function, *inputs, **options):
    report = gg.gradcheck(function, *inputs, **options)
    assert not report.undecided
    return [note.text for note in report.kinks]


def test_relu_at_0_is_a_kink_and_no_mistake():
    assert kinks(gg.relu, np.array(0.0)) == [
        "derivative 1 with respect to argument 0, index (): slope 0 from the left, 1 to the right (not "
        "differentiable here); automatic 0 is the left one"
    ]
    assert kinks(lambda x: -gg.relu(-x), np.array(0.0)) == [
        "derivative 1 with respect to argument 0, index (): slope 1 from the left, 0 to the right (not "
        "differentiable here); automatic 0 is the right one"
    ]


def test_abs_at_0_and_ties_lie_between():
    assert kinks(gg.abs, np.array(0.0)) == [
        "derivative 1 with respect to argument 0, index (): slope -1 from the left, 1 to the right (not "
        "differentiable here); automatic 0 lies between them"
    ]
    assert len(kinks(gg.max, np.array([2.0, 2.0, 1.0]))) == 2
    assert len(kinks(lambda x: gg.clip(x, -1.0, 1.0), np.array([1.0, 0.5, -1.0]))) == 2
    assert len(kinks(gg.maximum, np.array(1.0), np.array(1.0))) == 2


class SlopeSeven(Elementwise):
    """relu with a slope at 0 that is none of its two."""

    def value(self, x):
        return s.maximum(x, 0.0)

    def partials(self, out, x):
        return (s.where(x > 0.0, 1.0, s.where(x < 0.0, 0.0, 7.0)),)


def test_a_slope_outside_of_those_at_the_kink_is_wrong():
    assert gg.gradcheck(lambda x: apply(SlopeSeven(), x), X).largest_error < 1e-9
    with pytest.raises(GradientMismatch) as raised:
        gg.gradcheck(lambda x: apply(SlopeSeven(), x), np.array([0.0]))
    assert raised.value.message == (
        "derivative 1 with respect to argument 0, index (0,): slope 0 from the left, 1 to the right (not "
        "differentiable here); automatic 7 lies outside (reverse mode). A slope at a kink is one of the two or lies "
        "between them."
    )


@pytest.mark.parametrize("distance", [1e-3, 1e-5, 1e-7])
def test_beside_a_kink_there_is_a_derivative(distance):
    """Steps that reach over the kink say something else than those that do not."""
    points = np.array([distance, -distance])
    assert kinks(gg.relu, points) == kinks(gg.abs, points) == []
    with pytest.raises(GradientMismatch, match=r"index \(0,\): automatic -1.* numerical 1"):
        gg.gradcheck(lambda x: 2.0 * gg.stop_gradient(gg.abs(x)) - gg.abs(x), np.array([distance]))


def test_a_jump_has_no_slope():
    assert kinks(gg.floor, np.array([1.0])) == [
        "derivative 1 with respect to argument 0, index (0,): the function jumps here, so it has no slope; automatic 0"
    ]
    # the gradient of abs jumps at 0
    assert "jumps" in kinks(gg.abs, np.array([0.0]), order=2)[1]


def test_the_edge_of_a_domain():
    assert kinks(gg.sqrt, np.array(0.0)) == kinks(gg.sqrt, np.array(0.0), modes=("reverse",))
    assert kinks(gg.sqrt, np.array(0.0)) == [
        "derivative 1 with respect to argument 0, index (): the slope grows without bound here; automatic inf"
    ]
    edge = kinks(lambda x: x**1.5 + 3.0 * x, np.array(0.0))
    assert len(edge) == 1
    assert edge[0].endswith(" automatic 3, which it equals")
    assert "the function is defined to the right only, with slope 3" in edge[0]


@pytest.mark.parametrize("x", [1e-3, 1e-6, 1e-9, 1e-12, 1e-15, 1e-30])
def test_near_the_edge_of_a_domain(x):
    assert kinks(gg.sqrt, np.array([x])) == kinks(gg.log, np.array([x])) == []


def test_nan_where_there_is_a_slope():
    with pytest.raises(GradientMismatch, match=r"slope -1 from the left, 1 to the right.* automatic nan"):
        gg.gradcheck(lambda x: gg.sqrt(gg.sum(x * x)), np.zeros(2))


# --- scales, conditioning, precision ----------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e3, 1e8])
@pytest.mark.parametrize("even", [lambda x: x, gg.abs], ids=["analytic", "not analytic"])
def test_huge_and_small_scales(scale, even):
    for function, x in (
        (lambda x: scale * gg.sin(even(x)), np.array([0.3, 2.0])),
        (lambda x: gg.sin(scale * even(x)), np.array([0.3, 2.0]) / scale),
        (lambda x: even(x) * even(x) * x, np.array([0.3, 2.0]) * scale),
        (lambda x: gg.exp(even(x) / scale), np.array([0.3, 2.0]) * scale),
    ):
        report = gg.gradcheck(function, x, order=2)
        assert report.compared == 4
        assert not report.kinks
        assert not report.undecided
        with pytest.raises(GradientMismatch, match=r"automatic -?0 "):
            gg.gradcheck(lambda x, f=function: gg.stop_gradient(f(x)), x)
        with pytest.raises(GradientMismatch, match=r"relative error 1.0e-04"):
            gg.gradcheck(lambda x, f=function: 1e-4 * f(x) + (1.0 - 1e-4) * f(x) + tilted(f(x)), x)


def tilted(y):
    """0, with a gradient of 1e-4 of y's."""
    return 1e-4 * (y - gg.stop_gradient(y))


def test_one_small_entry_beside_large_ones():
    """An entry 1e-5 of the others, wrong in the fourth digit."""
    weights = np.array([1.0, 1e-5, 1.0])
    right = lambda x: gg.sum(gg.sin(x) * gg.asarray(weights))  # noqa: E731
    wrong = np.array([0.0, 1e-9, 0.0])
    x = np.array([0.4, 0.5, 0.6])
    assert gg.gradcheck(right, x).largest_error < 1e-9
    with pytest.raises(GradientMismatch, match=r"index \(1,\)"):
        gg.gradcheck(lambda x: right(x) + gg.sum((x - gg.stop_gradient(x)) * gg.asarray(wrong)), x)


@pytest.mark.parametrize("offset", [1e12, 1e13, 1e14])
def test_cancellation_cannot_be_decided(offset):
    def cancels(x):
        return (gg.abs(x) + offset) - offset

    with pytest.warns(UserWarning, match="gradcheck cannot decide: derivative 1 with respect to argument 0"):
        report = gg.gradcheck(cancels, np.array([1.234]))
    assert len(report.undecided) == 1
    assert "automatic 1, numerical " in report.undecided[0].text
    assert "ill-conditioned" in report.undecided[0].text
    # but the wrong sign is beyond doubt
    with pytest.raises(GradientMismatch, match="automatic -1 "):
        gg.gradcheck(lambda x: 2.0 * gg.stop_gradient(cancels(x)) - cancels(x), np.array([1.234]))


@pytest.mark.parametrize("offset", [1.0, 1e4, 1e6, 1e8, 1e10])
def test_moderate_cancellation_is_no_mistake(offset):
    report = gg.gradcheck(lambda x: (gg.abs(x) + offset) - offset, np.array([1.234]))
    assert not report.undecided


def test_float32_inputs_are_checked_in_float64():
    x = gg.tensor([0.3, 2.0])
    assert x.dtype == gg.float32
    assert gg.gradcheck(gg.sin, x).largest_error < 1e-12


def test_a_function_that_computes_in_float32_is_said_to_be_too_imprecise():
    def narrow(x):
        return gg.sin(gg.astype(x, gg.float32))

    with pytest.warns(
        UserWarning, match=r"^gradcheck cannot decide: .*\(and \d more: see the report's table\(\)\)$"
    ):
        report = gg.gradcheck(narrow, np.array([0.3, 2.0]), modes=("reverse",))
    assert report.undecided[0].text.startswith(
        "derivative 1 with respect to argument 0, index (0,): automatic 1.0861"
    )
    assert "The precision is too low: astype at test_gradcheck_verdicts.py:" in report.undecided[0].text
    assert report.undecided[0].text.endswith(
        "computes in float32, although the inputs are float64. Compute in the inputs' dtype, or pass a tolerance such "
        "as 1e-2."
    )
    assert not gg.gradcheck(narrow, np.array([0.3, 2.0]), tolerance=1e-3).undecided
    with pytest.raises(GradientMismatch, match="The sign is wrong"):
        gg.gradcheck(lambda x: 2.0 * gg.stop_gradient(narrow(x)) - narrow(x), np.array([0.3]))


def test_float32_weights_beside_float64_inputs_are_precise_enough():
    weights = gg.tensor([[1.0, 2.0]], requires_grad=True)
    assert gg.gradcheck(lambda x: gg.abs(x) * weights.T, np.array(0.3)).largest_error < 1e-12


def test_constant_functions_and_functions_without_elements():
    assert gg.gradcheck(lambda x: gg.asarray(5.0), np.array([1.0, 2.0])).largest_error == 0.0
    assert gg.gradcheck(lambda x: 0.0 * gg.abs(x), np.array([1.0, 2.0]), order=2).largest_error == 0.0
    assert gg.gradcheck(gg.sin, np.zeros((0, 3)), order=2).compared == 0
    assert gg.gradcheck(gg.abs, np.array(0.5), order=2).compared == 2
    # a minimum: the slope is 0, and so is the value
    assert not gg.gradcheck(lambda x: gg.abs(x) ** 1.5, np.array([0.0])).undecided
