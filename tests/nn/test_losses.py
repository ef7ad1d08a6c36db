"""Losses: values worked out by hand, numerical gradients, and the mistakes that everybody makes once."""

import math
import warnings

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.graph import INPUT


def close(found, expected):
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


# --- by hand ----------------------------------------------------------------------------------------------------


def test_regression():
    output, target = gg.tensor([[1.0, 2.0], [3.0, 4.0]]), gg.tensor([[1.0, 0.0], [6.0, 4.0]])
    assert nn.MSELoss()(output, target).item() == (0 + 4 + 9 + 0) / 4
    assert nn.L1Loss()(output, target).item() == (0 + 2 + 3 + 0) / 4
    assert nn.MSELoss("sum")(output, target).item() == 13.0
    assert nn.L1Loss("none")(output, target).tolist() == [[0.0, 2.0], [3.0, 0.0]]
    assert nn.MSELoss().backward(output, target).tolist() == [[0.0, 1.0], [-1.5, 0.0]]
    assert nn.L1Loss().backward(output, target).tolist() == [[0.0, 0.25], [-0.25, 0.0]]


def test_cross_entropy():
    scores = gg.tensor([[math.log(1.0), math.log(3.0)], [math.log(4.0), math.log(4.0)]])
    losses = [math.log(4.0), math.log(2.0)]  # the right classes have probability 1/4 and 1/2
    labels = gg.tensor([0, 1])
    close(nn.CrossEntropyLoss()(scores, labels), sum(losses) / 2)
    close(nn.CrossEntropyLoss(reduction="none")(scores, labels), losses)
    close(nn.CrossEntropyLoss(reduction="sum").backward(scores, labels), [[-0.75, 0.75], [0.5, -0.5]])
    close(nn.CrossEntropyLoss()(scores[0], 0), losses[0])


def test_the_mean_is_weighted_by_the_weights_of_the_labels():
    logs = gg.tensor([[-1.0, -2.0], [-3.0, -4.0], [-5.0, -6.0]])
    loss = nn.NLLLoss(weight=[1.0, 3.0])
    close(loss(logs, [0, 1, 0]), (1 * 1 + 3 * 4 + 1 * 5) / (1 + 3 + 1))
    assert nn.NLLLoss(weight=[1.0, 3.0], ignore_index=0)(logs, [0, 1, 0]).item() == 4.0


def test_ignored_labels_count_for_nothing():
    scores = gg.tensor([[0.0, 0.0], [7.0, -3.0], [float("-inf"), 0.0]], requires_grad=True)
    loss = nn.CrossEntropyLoss()(scores, gg.tensor([1, -100, -100]))
    close(loss, math.log(2.0))
    loss.backward()
    close(scores.grad, [[0.5, -0.5], [0.0, 0.0], [0.0, 0.0]])


def test_label_smoothing_moves_the_target_towards_all_classes():
    scores = gg.tensor([[0.0, math.log(3.0)]])
    # target 0.9 + 0.1/2 and 0.1/2 instead of 1 and 0
    close(nn.CrossEntropyLoss(label_smoothing=0.1)(scores, [1]), 0.95 * math.log(4 / 3) + 0.05 * math.log(4))


def test_a_class_that_is_impossible_costs_infinity_and_nan_stays_nan():
    assert nn.CrossEntropyLoss()(gg.tensor([[0.0, float("-inf")]]), [1]).item() == math.inf
    assert math.isnan(nn.CrossEntropyLoss()(gg.tensor([[0.0, math.nan]]), [1]).item())
    assert math.isnan(nn.BCELoss()(gg.tensor([math.nan]), [1.0]).item())


def test_binary_cross_entropy():
    p, target = gg.tensor([0.25, 0.25]), gg.tensor([1.0, 0.0])
    close(nn.BCELoss(reduction="none")(p, target), [math.log(4.0), math.log(4 / 3)])
    close(nn.BCELoss(reduction="sum").backward(p, target), [-4.0, 4 / 3])
    close(nn.BCELoss(weight=[2.0, 0.0])(p, target), math.log(4.0))
    score = gg.tensor([-math.log(3.0)] * 2)  # sigmoid is 1/4
    close(nn.BCEWithLogitsLoss(reduction="none")(score, target), [math.log(4.0), math.log(4 / 3)])
    close(nn.BCEWithLogitsLoss(reduction="sum").backward(score, target), [-0.75, 0.25])
    close(
        nn.BCEWithLogitsLoss(reduction="none", pos_weight=[3.0])(score, target),
        [3 * math.log(4.0), math.log(4 / 3)],
    )


def test_binary_cross_entropy_with_logits_keeps_small_losses():
    """ln(1 + e^-20), of which max(x, 0) - x t + ln(1 + e^-|x|) with its parts kept apart loses nothing either."""
    for x, t in ((20.0, 1.0), (-20.0, 0.0)):
        assert nn.BCEWithLogitsLoss()(gg.tensor([x]), [t]).item() == pytest.approx(math.exp(-20), rel=1e-6)


def test_multi_margin():
    scores = gg.tensor([[3.2, 5.1, -1.7]])  # the lectures' example: a cat taken for a car
    close(nn.MultiMarginLoss()(scores, [0]), 2.9 / 3)
    close(nn.MultiMarginLoss(p=2)(scores, [0]), 2.9**2 / 3)
    close(nn.MultiMarginLoss(margin=0.0)(scores, [0]), 1.9 / 3)
    close(nn.MultiMarginLoss(weight=[10.0, 1.0, 1.0])(scores, [0]), 29 / 3)
    close(nn.MultiMarginLoss().backward(scores, [0]), [[-1 / 3, 1 / 3, 0.0]])


CASES = [
    (nn.MSELoss(), [[0.3, -1.2]], [[1.0, 0.5]]),
    (nn.L1Loss("sum"), [[0.3, -1.2]], [[1.0, 0.5]]),
    (
        nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.5], label_smoothing=0.2),
        [[0.3, -1.2, 2.0], [0.1, 0.0, 1.0]],
        [2, 1],
    ),
    (nn.CrossEntropyLoss(), [[0.3, -1.2], [2.0, 0.1]], [[0.25, 0.75], [1.0, 0.0]]),
    (nn.NLLLoss(ignore_index=1), [[-0.3, -1.2], [-2.0, -0.1]], [1, 0]),
    (nn.BCELoss(), [[0.3, 0.9]], [[1.0, 0.25]]),
    (nn.BCEWithLogitsLoss(pos_weight=[2.0, 3.0]), [[0.3, -1.2]], [[1.0, 0.25]]),
    (nn.MultiMarginLoss(p=2, margin=0.7), [[0.3, -1.2, 0.6]], [2]),
]


@pytest.mark.parametrize(("loss", "output", "target"), CASES, ids=lambda value: type(value).__name__)
def test_gradients_agree_with_differences(loss, output, target):
    """Of order 1 and 2: the losses are composed of ops, so their gradients can be differentiated."""
    target = np.array(target)
    gg.gradcheck(lambda x: loss(x, target), gg.tensor(output), order=2)


@pytest.mark.parametrize(("loss", "output", "target"), CASES, ids=lambda value: type(value).__name__)
def test_backward_is_the_gradient_and_leaves_no_trace(loss, output, target):
    x = gg.tensor(output, requires_grad=True)
    loss(x, target).backward()
    by_call = loss.backward(x * 1.0, target)
    assert by_call.tolist() == x.grad.tolist()
    assert not by_call.requires_grad


def test_the_loss_has_the_dtype_of_the_output():
    x = gg.tensor([0.25, 0.5])
    for loss in (nn.MSELoss(), nn.L1Loss(), nn.BCELoss(), nn.BCEWithLogitsLoss()):
        assert loss(x, np.array([1.0, 0.0])).dtype == gg.float32
    scores = gg.tensor([[0.25, 0.5]])
    weight = np.array([1.0, 2.0])
    assert nn.CrossEntropyLoss(weight=weight)(scores, np.array([[0.5, 0.5]])).dtype == gg.float32
    assert nn.MultiMarginLoss(weight=weight)(scores, [1]).dtype == gg.float32


def test_the_gradient_reaches_a_target_that_requires_one():
    x, t = gg.tensor([1.0, 2.0], requires_grad=True), gg.tensor([0.0, 0.0], requires_grad=True)
    nn.MSELoss("sum")(x, t).backward()
    assert (x.grad.tolist(), t.grad.tolist()) == ([2.0, 4.0], [-2.0, -4.0])


def test_sums_over_nothing_are_zero():
    assert nn.MSELoss("sum")(gg.ones((0, 2)), gg.ones((0, 2))).item() == 0.0
    labels = gg.asarray(np.zeros(0, np.int64))
    assert nn.CrossEntropyLoss(reduction="sum")(gg.ones((0, 2)), labels).item() == 0.0
    assert nn.CrossEntropyLoss(reduction="none")(gg.ones((0, 2)), labels).shape == (0,)


def test_a_criterion_of_ones_own():
    class Distance(nn.Criterion):
        def forward(self, output, target):
            return gg.sum(gg.square(output - target)) * 0.5

    assert Distance().backward(gg.tensor([3.0]), gg.tensor([1.0])).tolist() == [2.0]
    assert repr(Distance()) == "Distance()"
    assert repr(nn.MSELoss("sum")) == "MSELoss(reduction='sum')"
    with pytest.raises(gg.ArgumentError, match=r"Criterion has no method forward\(self, output, target\)"):
        nn.Criterion()(1.0, 2.0)


# --- probabilities where scores are meant -----------------------------------------------------------------------------

NOTICE = (
    "CrossEntropyLoss got rows that are probabilities already: positive, with sum 1. It applies softmax itself, so a "
    "model that ends in Softmax learns slowly. Leave the Softmax out, or use NLLLoss on their logarithm."
)


def test_probabilities_fed_to_cross_entropy_are_noticed_at_the_users_line():
    output = nn.Softmax(1)(gg.random.normal((8, 5)))
    for call in (nn.CrossEntropyLoss(), nn.functional.cross_entropy):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call(output, gg.asarray(np.zeros(8, np.int64)))
        assert [(w.category, str(w.message)) for w in caught] == [(UserWarning, NOTICE)]
        assert caught[0].filename == __file__


def test_the_notice_comes_once_per_line():
    output = nn.Softmax(1)(gg.random.normal((8, 5)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            nn.CrossEntropyLoss()(output, gg.asarray(np.zeros(8, np.int64)))
    assert len(caught) == 1


@pytest.mark.parametrize(
    "scores",
    [
        [[1.0, 0.0], [0.0, 1.0]],  # one-hot
        [[0.0, 0.0], [0.0, 0.0]],
        [[0.25, 0.75], [2.0, 3.0]],  # only one row sums to 1
        [[0.25, 0.75], [-0.5, 1.5]],
        [[1.0], [1.0]],
    ],
)
def test_scores_are_not_taken_for_probabilities(scores):
    nn.CrossEntropyLoss()(gg.tensor(scores), [0, 0])  # warnings are errors here


# --- mistakes -------------------------------------------------------------------------------------------------------


def scores(*shape):
    return gg.zeros(shape)


EMPTY = "there is no mean over nothing. Leave such batches out, or use reduction='sum'."


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: nn.MSELoss()(scores(32, 1), scores(32)),
            gg.ShapeError,
            "MSELoss needs output and target of the same shape; got output (32, 1) and target (32,), which are not "
            "compared element by element. Reshape one of them, for example target.reshape((32, 1)).",
        ),
        (
            lambda: nn.L1Loss()(scores(3, 2), scores(2)),
            gg.ShapeError,
            "L1Loss needs output and target of the same shape; got output (3, 2) and target (2,), which are not "
            "compared element by element.",
        ),
        (
            lambda: nn.BCEWithLogitsLoss()(scores(3, 1), [0, 1, 0]),
            gg.ShapeError,
            "BCEWithLogitsLoss needs output and target of the same shape; got output (3, 1) and target (3,), which are "
            "not compared element by element. Reshape one of them, for example target.reshape((3, 1)).",
        ),
        (
            lambda: nn.MSELoss()(scores(0, 3), scores(0, 3)),
            gg.ShapeError,
            f"MSELoss got an empty batch, of shape (0, 3): {EMPTY}",
        ),
        (
            lambda: nn.CrossEntropyLoss()(scores(0, 3), gg.asarray(np.zeros(0, np.int64))),
            gg.ShapeError,
            f"CrossEntropyLoss got an empty batch, of shape (0,): {EMPTY}",
        ),
        (
            lambda: nn.CrossEntropyLoss()(scores(3, 2), [0.0, 1.0, 1.0]),
            gg.DTypeError,
            "CrossEntropyLoss needs class labels as integers; got float32 of shape (3,). "
            "If these are labels, use gg.astype(target, gg.int64).",
        ),
        (
            lambda: nn.NLLLoss()(scores(2, 2), [[0.0, 1.0], [1.0, 0.0]]),
            gg.DTypeError,
            "NLLLoss needs class labels as integers; got float32 of shape (2, 2). "
            "If this is one-hot or a probability per class, gg.argmax(target, axis=1) gives labels.",
        ),
        (
            lambda: nn.CrossEntropyLoss()(scores(2, 3), [[0, 1, 0], [1, 0, 0]]),
            gg.ShapeError,
            "CrossEntropyLoss needs one label per sample: for output (2, 3) a target of shape (2,); got (2, 3). "
            "If this is one-hot or a probability per class, gg.argmax(target, axis=1) gives labels.",
        ),
        (
            lambda: nn.CrossEntropyLoss()(scores(3, 2), [[0], [1], [0]]),
            gg.ShapeError,
            "CrossEntropyLoss needs one label per sample: for output (3, 2) a target of shape (3,); got (3, 1). "
            "Use target.reshape((3,)).",
        ),
        (
            lambda: nn.CrossEntropyLoss()(scores(3, 2), [0, 1]),
            gg.ShapeError,
            "CrossEntropyLoss needs one label per sample: for output (3, 2) a target of shape (3,); got (2,).",
        ),
        (
            lambda: nn.CrossEntropyLoss()(gg.tensor(1.0), 0),
            gg.ShapeError,
            "CrossEntropyLoss needs one score per class, an output of shape (batch, classes); got a single number",
        ),
        (
            lambda: nn.CrossEntropyLoss()(scores(4, 10), [0, 9, 10, 3]),
            gg.ArgumentError,
            "CrossEntropyLoss got the label 10 at position 2, but the output has 10 classes: labels are 0 to 9. "
            "For these labels the model needs 11 outputs.",
        ),
        (
            lambda: nn.NLLLoss()(scores(3, 3), [1, 2, 3]),
            gg.ArgumentError,
            "NLLLoss got the label 3 at position 2, but the output has 3 classes: labels are 0 to 2. "
            "These labels count from 1: subtract 1.",
        ),
        (
            lambda: nn.MultiMarginLoss()(scores(2, 3), [0, -100]),
            gg.ArgumentError,
            "MultiMarginLoss got the label -100 at position 1, but the output has 3 classes: labels are 0 to 2.",
        ),
        (
            lambda: nn.CrossEntropyLoss(ignore_index=-1)(scores(1, 2, 2), [[-1, -100]]),
            gg.ArgumentError,
            "CrossEntropyLoss got the label -100 at position 0, 1, but the output has 2 classes: labels are 0 to 1.",
        ),
        (
            lambda: nn.CrossEntropyLoss()(scores(2), 5),
            gg.ArgumentError,
            "CrossEntropyLoss got the label 5, but the output has 2 classes: labels are 0 to 1. "
            "For these labels the model needs 6 outputs.",
        ),
        (
            lambda: nn.CrossEntropyLoss()(scores(2, 1), [0, 1]),
            gg.ArgumentError,
            "CrossEntropyLoss got the label 1 at position 1, but the output has 1 class: the only label is 0. "
            "With one score per sample, use BCEWithLogitsLoss.",
        ),
        (
            lambda: nn.CrossEntropyLoss()(scores(2, 3), [-100, -100]),
            gg.ArgumentError,
            "CrossEntropyLoss has nothing to average in this batch: every label is ignored or has weight 0. "
            "Leave such batches out, or use reduction='sum'.",
        ),
        (
            lambda: nn.CrossEntropyLoss(weight=[0.0, 1.0])(scores(2, 2), [0, 0]),
            gg.ArgumentError,
            "CrossEntropyLoss has nothing to average in this batch: every label is ignored or has weight 0.",
        ),
        (
            lambda: nn.CrossEntropyLoss(weight=[1.0, 1.0, 1.0])(scores(2, 2), [0, 0]),
            gg.ShapeError,
            "CrossEntropyLoss needs one weight per class, shape (2,); got (3,)",
        ),
        (
            lambda: nn.MultiMarginLoss(weight=1.0)(scores(2, 2), [0, 0]),
            gg.ShapeError,
            "MultiMarginLoss needs one weight per class, shape (2,); got ()",
        ),
        (
            lambda: nn.CrossEntropyLoss()(scores(1, 2), [[0.5, 1.5]]),
            gg.ArgumentError,
            "CrossEntropyLoss takes labels, or probabilities per class in [0, 1]; got a target of the output's shape "
            "with values from 0.5 to 1.5",
        ),
        (
            lambda: nn.NLLLoss()(gg.tensor([[-1.0, 2.5]]), [0]),
            gg.ArgumentError,
            "NLLLoss needs log-probabilities, which are at most 0; got 2.5. "
            "Put nn.LogSoftmax(dim=1) last, or use CrossEntropyLoss, which takes any scores.",
        ),
        (
            lambda: nn.BCELoss()(gg.tensor([[0.5, 3.0]]), [[0.0, 1.0]]),
            gg.ArgumentError,
            "BCELoss needs every output in [0, 1]; got 3 at index [0, 1]. "
            "Put nn.Sigmoid() last, or better: use BCEWithLogitsLoss, which takes any score.",
        ),
        (
            lambda: nn.BCELoss()(gg.tensor([0.5, -0.25]), [0.0, 1.0]),
            gg.ArgumentError,
            "BCELoss needs every output in [0, 1]; got -0.25 at index [1].",
        ),
        (
            lambda: nn.BCEWithLogitsLoss()(gg.tensor([0.5, -0.25]), [-1, 1]),
            gg.ArgumentError,
            "BCEWithLogitsLoss needs every target in [0, 1]; got -1 at index [0]. "
            "Labels of -1 and 1 become 0 and 1 by (target + 1) / 2.",
        ),
        (
            lambda: nn.BCEWithLogitsLoss(pos_weight=[1.0, 2.0])(scores(3, 1), scores(3, 1)),
            gg.ShapeError,
            "BCEWithLogitsLoss needs a pos_weight that can be broadcast to the output (3, 1); got (2,)",
        ),
        (
            lambda: nn.BCELoss(weight=[1.0, 2.0])(scores(3), scores(3)),
            gg.ShapeError,
            "BCELoss needs a weight that can be broadcast to the output (3,); got (2,)",
        ),
        (
            lambda: nn.MultiMarginLoss()(scores(1, 2, 3), [[0, 0, 0]]),
            gg.ShapeError,
            "MultiMarginLoss needs an output of shape (batch, classes) or (classes); got (1, 2, 3)",
        ),
        (lambda: nn.MultiMarginLoss(p=3), gg.ArgumentError, "MultiMarginLoss needs p=1 or p=2; got 3"),
        (
            lambda: nn.MultiMarginLoss(margin=-1.0),
            gg.ArgumentError,
            "MultiMarginLoss needs margin >= 0; got -1.0",
        ),
        (
            lambda: nn.CrossEntropyLoss(label_smoothing=2.0),
            gg.ArgumentError,
            "CrossEntropyLoss needs 0 <= label_smoothing <= 1; got 2.0",
        ),
        (
            lambda: nn.functional.cross_entropy(scores(1, 2), [0], label_smoothing=-1.0),
            gg.ArgumentError,
            "CrossEntropyLoss needs 0 <= label_smoothing <= 1; got -1.0",
        ),
        (
            lambda: nn.MSELoss("average"),
            gg.ArgumentError,
            "reduction must be 'mean', 'sum' or 'none'; got 'average'",
        ),
        (
            lambda: nn.functional.nll_loss(scores(1, 2), [0], reduction=None),
            gg.ArgumentError,
            "reduction must be 'mean', 'sum' or 'none'; got None",
        ),
    ],
)
def test_mistakes_are_answered(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)


# --- values that are not known yet ------------------------------------------------------------------------------------


def unknown(*shape, dtype="float32"):
    """A tensor of which only shape and dtype are known, as when a graph is traced."""
    return gg.Tensor(None, gg.Node(INPUT, (), shape, np.dtype(dtype), dtype == "float32", None))


@pytest.mark.parametrize(
    ("loss", "output", "target"),
    [
        (nn.MSELoss(), unknown(4, 2), unknown(4, 2)),
        (nn.L1Loss(), unknown(4, 2), unknown(4, 2)),
        (
            nn.CrossEntropyLoss(weight=[1.0, 2.0], label_smoothing=0.1),
            unknown(4, 2),
            unknown(4, dtype="int64"),
        ),
        (nn.CrossEntropyLoss(), unknown(4, 2), unknown(4, 2)),
        (nn.NLLLoss(), unknown(4, 2), unknown(4, dtype="int64")),
        (nn.BCELoss(), unknown(4), unknown(4)),
        (nn.BCEWithLogitsLoss(), unknown(4), unknown(4)),
        (nn.MultiMarginLoss(), unknown(4, 2), unknown(4, dtype="int64")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_checks_of_values_are_left_out_where_only_shapes_are_known(loss, output, target):
    result = loss(output, target)
    assert (result.value, result.shape, result.requires_grad) == (None, (), True)
