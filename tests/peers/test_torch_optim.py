"""Optimizers and schedules against PyTorch's: the same trajectories."""

import numpy as np
import pytest

from glassgrad import nn, optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed, and these tests compare with it")

START = {"w": np.linspace(-1.0, 2.0, 6).reshape(2, 3), "b": np.array([0.5, -0.25])}


def loss_of(w, b, x):
    """A loss with curvature, in the operations that both frameworks write alike."""
    y = x @ w.T + b
    return (y * y / (1 + y * y)).mean() + 0.5 * (y * y).mean() + (b * b * b).sum() * 0.1


def trajectories(kind, steps=50, **settings):
    """The parameters after each step: ours and PyTorch's."""
    rng = np.random.default_rng(0)
    ours = {name: nn.Parameter(value) for name, value in START.items()}
    theirs = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in START.items()}
    optimizers = (
        getattr(optim, kind)(ours.values(), **settings),
        getattr(torch.optim, kind)(theirs.values(), **settings),
    )
    found, expected = [], []
    for _ in range(steps):
        x = rng.normal(size=(5, 3))
        for optimizer, parameters, data in zip(optimizers, (ours, theirs), (x, torch.tensor(x)), strict=True):
            optimizer.zero_grad()
            loss_of(parameters["w"], parameters["b"], data).backward()
            optimizer.step()
        found.append(np.concatenate([p.numpy().ravel() for p in ours.values()]))
        expected.append(np.concatenate([p.detach().numpy().ravel() for p in theirs.values()]))
    assert np.abs(expected).max() < 10, "a diverging trajectory would compare rounding errors"
    return np.array(found), np.array(expected)


@pytest.mark.parametrize(
    "settings",
    [
        {"lr": 0.01},
        {"lr": 0.01, "momentum": 0.9},
        {"lr": 0.01, "momentum": 0.9, "dampening": 0.3},
        {"lr": 0.01, "momentum": 0.9, "nesterov": True},
        {"lr": 0.01, "weight_decay": 0.1},
        {"lr": 0.005, "momentum": 0.8, "dampening": 0.1, "weight_decay": 0.05},
        {"lr": 0.005, "momentum": 0.8, "nesterov": True, "weight_decay": 0.05},
        {"lr": 0.0, "momentum": 0.5},
    ],
)
def test_sgd(settings):
    found, expected = trajectories("SGD", **settings)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lr": 0.05},
        {"lr": 0.05, "betas": (0.5, 0.9)},
        {"lr": 0.05, "eps": 1e-2},
        {"lr": 0.05, "weight_decay": 0.1},
        {"lr": 0.05, "betas": (0.0, 0.999)},
    ],
)
def test_adam(settings):
    found, expected = trajectories("Adam", **settings)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "settings", [{}, {"lr": 0.05}, {"lr": 0.05, "weight_decay": 0.3}, {"weight_decay": 0.0}]
)
def test_adamw(settings):
    found, expected = trajectories("AdamW", **settings)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_adam_in_float32_is_as_close_as_float32_allows():
    """Adam's first step is lr in every coordinate: a bias correction computed in float32 would be off by 5e-5."""
    value, gradient = np.array([1.0, -2.0], np.float32), np.array([1.0, -3.0], np.float32)
    ours, theirs = nn.Parameter(value), torch.nn.Parameter(torch.tensor(value))
    optimizers = optim.Adam([ours], lr=0.1), torch.optim.Adam([theirs], lr=0.1)
    theirs.grad = torch.tensor(gradient)
    (ours * gradient).sum().backward()
    for optimizer in optimizers:
        optimizer.step()
    np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=3e-7)
    np.testing.assert_allclose(ours.numpy(), value - 0.1 * np.sign(gradient), rtol=1e-6)


def test_parameters_without_a_gradient_wait_as_in_pytorch():
    ours = [nn.Parameter(np.array([1.0, 2.0])), nn.Parameter(np.array([3.0]))]
    theirs = [torch.nn.Parameter(torch.tensor(p.numpy().copy())) for p in ours]
    for kind, settings in (("Adam", {"lr": 0.1}), ("SGD", {"lr": 0.1, "momentum": 0.9})):
        optimizers = getattr(optim, kind)(ours, **settings), getattr(torch.optim, kind)(theirs, **settings)
        for step in range(6):
            for optimizer, (first, second) in zip(optimizers, (ours, theirs), strict=True):
                optimizer.zero_grad()
                loss = (first * first).sum()
                if step % 3 == 2:
                    loss = loss + (second * second * second).sum()
                loss.backward()
                optimizer.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-12)


def test_groups():
    ours = [nn.Parameter(np.array([1.0, 2.0])), nn.Parameter(np.array([3.0]))]
    theirs = [torch.nn.Parameter(torch.tensor(p.numpy().copy())) for p in ours]
    optimizers = [
        kind([{"params": [p]}, {"params": [q], "lr": 0.5, "momentum": 0.0}], lr=0.1, momentum=0.9)
        for kind, (p, q) in ((optim.SGD, ours), (torch.optim.SGD, theirs))
    ]
    for _ in range(5):
        for optimizer, (p, q) in zip(optimizers, (ours, theirs), strict=True):
            optimizer.zero_grad()
            ((p * p).sum() + q * q * 0.5).sum().backward()
            optimizer.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-13)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("StepLR", {"step_size": 3}),
        ("StepLR", {"step_size": 1, "gamma": 0.9}),
        ("CosineAnnealingLR", {"T_max": 10}),
        ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.02}),
        ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
        ("LambdaLR", {"lr_lambda": [lambda epoch: 1 / (1 + epoch), lambda epoch: 0.5 + epoch]}),
    ],
)
def test_schedules(kind, settings):
    rates = []
    for package, parameter in (
        (optim, nn.Parameter([0.0])),
        (torch.optim, torch.nn.Parameter(torch.zeros(1))),
    ):
        other = type(parameter)(parameter.detach() + 1)
        optimizer = package.SGD([{"params": [parameter]}, {"params": [other], "lr": 0.5}], lr=0.1)
        scheduler = getattr(package.lr_scheduler, kind)(optimizer, **settings)
        seen = [scheduler.get_last_lr()]
        for _ in range(25):
            other.grad = other.detach()
            optimizer.step()
            scheduler.step()
            seen.append(scheduler.get_last_lr())
        rates.append(np.array(seen))
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-10, atol=1e-15)
