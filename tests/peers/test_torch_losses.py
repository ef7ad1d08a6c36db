"""Losses against PyTorch's: the same values and the same gradients, for every setting."""

import itertools

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed, and these tests compare with it")

RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=(7, 4)) * 2
LABELS = np.array([0, 3, 1, 1, 2, 0, 3])
REDUCTIONS = ("mean", "sum", "none")


def every(*choices):
    """Every combination of settings."""
    return list(itertools.product(*choices))


def compare(name, output, target, as_tensor=(), rtol=1e-12, **settings):
    """Value and gradient of a loss in both frameworks; the settings in `as_tensor` are arrays."""
    ours = getattr(nn, name)(**settings, **{key: gg.tensor(array) for key, array in dict(as_tensor).items()})
    theirs = getattr(torch.nn, name)(
        **settings, **{key: torch.tensor(array) for key, array in dict(as_tensor).items()}
    )
    x, y = gg.tensor(output, requires_grad=True), torch.tensor(output, requires_grad=True)
    found, expected = ours(x, gg.tensor(target)), theirs(y, torch.tensor(target))
    np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), rtol=rtol, atol=1e-14)
    found.sum().backward()
    expected.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=rtol, atol=1e-14)
    np.testing.assert_allclose(ours.backward(output, target).numpy(), y.grad.numpy(), rtol=rtol, atol=1e-14)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["MSELoss", "L1Loss"])
def test_regression(name, reduction):
    target = RNG.normal(size=SCORES.shape)
    target[0] = SCORES[0]
    compare(name, SCORES, target, reduction=reduction)
    compare(name, SCORES[0, 0], target[1, 1], reduction=reduction)


@pytest.mark.parametrize(
    ("reduction", "weight", "ignore_index", "label_smoothing"),
    every(REDUCTIONS, (None, [0.5, 2.0, 1.0, 0.0]), (-100, 3, -1), (0.0, 0.1, 1.0)),
)
def test_cross_entropy(reduction, weight, ignore_index, label_smoothing):
    settings = {"reduction": reduction, "ignore_index": ignore_index, "label_smoothing": label_smoothing}
    as_tensor = {} if weight is None else {"weight": np.array(weight)}
    labels = LABELS.copy()
    if ignore_index == -1:
        labels[[0, 4]] = -1
    compare("CrossEntropyLoss", SCORES, labels, as_tensor, **settings)
    pixels = np.concatenate([labels, labels[:1]]).reshape(2, 2, 2)
    compare("CrossEntropyLoss", RNG.normal(size=(2, 4, 2, 2)), pixels, as_tensor, **settings)
    compare("CrossEntropyLoss", SCORES[1], np.array(2), as_tensor, **settings)


@pytest.mark.parametrize(("reduction", "weighted"), every(REDUCTIONS, (False, True)))
def test_cross_entropy_with_a_probability_per_class(reduction, weighted):
    as_tensor = {"weight": np.array([0.5, 2.0, 1.0, 3.0])} if weighted else {}
    target = RNG.dirichlet(np.ones(4), size=7)
    for smoothing in (0.0, 0.3):
        compare("CrossEntropyLoss", SCORES, target, as_tensor, reduction=reduction, label_smoothing=smoothing)
        compare(
            "CrossEntropyLoss",
            SCORES[0],
            target[0],
            as_tensor,
            reduction=reduction,
            label_smoothing=smoothing,
        )
    maps = np.moveaxis(RNG.dirichlet(np.ones(4), size=(2, 3)), -1, 1)
    compare("CrossEntropyLoss", RNG.normal(size=(2, 4, 3)), maps, as_tensor, reduction=reduction)


@pytest.mark.parametrize(
    ("reduction", "weighted", "ignore_index"), every(REDUCTIONS, (False, True), (-100, 1))
)
def test_nll(reduction, weighted, ignore_index):
    as_tensor = {"weight": np.array([0.5, 2.0, 1.0, 3.0])} if weighted else {}
    logs = np.log(RNG.dirichlet(np.ones(4), size=7))
    compare("NLLLoss", logs, LABELS, as_tensor, reduction=reduction, ignore_index=ignore_index)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_binary_cross_entropy(reduction):
    p, target = RNG.uniform(size=(5, 3)), RNG.uniform(size=(5, 3)).round()
    compare("BCELoss", p, target, reduction=reduction)
    compare(
        "BCELoss", p, RNG.uniform(size=(5, 3)), {"weight": np.array([1.0, 0.5, 2.0])}, reduction=reduction
    )


def test_binary_cross_entropy_of_a_saturated_sigmoid():
    """The value is bounded as in PyTorch, and so is what reaches the scores: nothing."""
    scores, target = np.array([-2000.0, 2000.0, -2000.0, 2000.0]), np.array([1.0, 0.0, 0.0, 1.0])
    x, y = gg.tensor(scores, requires_grad=True), torch.tensor(scores, requires_grad=True)
    found = nn.BCELoss(reduction="none")(gg.sigmoid(x), target)
    expected = torch.nn.BCELoss(reduction="none")(torch.sigmoid(y), torch.tensor(target))
    assert found.tolist() == expected.tolist() == [100.0, 100.0, 0.0, 0.0]
    found.sum().backward()
    expected.sum().backward()
    assert x.grad.tolist() == y.grad.tolist() == [0.0] * 4


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_binary_cross_entropy_with_logits(reduction):
    scores, target = RNG.normal(size=(5, 3)) * 5, RNG.uniform(size=(5, 3)).round()
    compare("BCEWithLogitsLoss", scores, target, reduction=reduction)
    factors = {"weight": np.array([1.0, 0.5, 2.0]), "pos_weight": np.array([3.0, 1.0, 0.25])}
    compare("BCEWithLogitsLoss", scores, RNG.uniform(size=(5, 3)), factors, reduction=reduction)


@pytest.mark.parametrize(
    ("reduction", "weighted", "p", "margin"), every(REDUCTIONS, (False, True), (1, 2), (1.0, 0.3))
)
def test_multi_margin(reduction, weighted, p, margin):
    as_tensor = {"weight": np.array([0.5, 2.0, 1.0, 3.0])} if weighted else {}
    scores = SCORES.copy()
    scores[0] = [0.0, -margin, 5.0, -1.0]  # at the kink
    compare("MultiMarginLoss", scores, LABELS, as_tensor, reduction=reduction, p=p, margin=margin)
    compare("MultiMarginLoss", scores[1], np.array(2), as_tensor, reduction=reduction, p=p, margin=margin)


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
def test_scores_of_any_size_in_float32(scale):
    scores, target = (SCORES * scale).astype(np.float32), LABELS
    compare("CrossEntropyLoss", scores, target, rtol=1e-5)
    compare("BCEWithLogitsLoss", scores, (SCORES > 0.3).astype(np.float32), rtol=1e-5)


def test_functions_have_pytorch_s_argument_names():
    import inspect

    for name in (
        "mse_loss",
        "l1_loss",
        "nll_loss",
        "cross_entropy",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "multi_margin_loss",
        "dropout",
    ):
        ours = inspect.signature(getattr(nn.functional, name)).parameters
        theirs = inspect.signature(getattr(torch.nn.functional, name)).parameters
        for parameter in list(ours)[1:] if name == "dropout" else ours:
            assert parameter in theirs, (name, parameter)
            assert ours[parameter].default == theirs[parameter].default, (name, parameter)
