"""Learning-rate schedules: rates worked out by hand, saving, and mistakes."""

import json
import math

import pytest

import glassgrad as gg
from glassgrad import nn, optim
from glassgrad.optim import lr_scheduler


def optimizer(*rates):
    return optim.SGD([{"params": [nn.Parameter([1.0])], "lr": rate} for rate in rates])


def rates(scheduler, epochs):
    seen = [scheduler.get_last_lr()]
    for _ in range(epochs):
        scheduler.step()
        seen.append(scheduler.get_last_lr())
    return seen


def test_step():
    seen = rates(lr_scheduler.StepLR(optimizer(1.0, 8.0), step_size=2, gamma=0.5), 4)
    assert seen == [[1.0, 8.0], [1.0, 8.0], [0.5, 4.0], [0.5, 4.0], [0.25, 2.0]]


def test_cosine():
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer(3.0), T_max=4, eta_min=1.0)
    root = math.sqrt(0.5)
    expected = [3.0, 2.0 + root, 2.0, 2.0 - root, 1.0, 2.0 - root, 2.0]
    assert [rate for (rate,) in rates(scheduler, 6)] == pytest.approx(expected, rel=1e-12)


def test_lambda():
    scheduler = lr_scheduler.LambdaLR(
        optimizer(1.0, 10.0), [lambda epoch: 1 + epoch, lambda epoch: 0.5**epoch]
    )
    assert rates(scheduler, 2) == [[1.0, 10.0], [2.0, 5.0], [3.0, 2.5]]


def test_a_schedule_changes_the_optimizer():
    sgd = optimizer(1.0)
    lr_scheduler.LambdaLR(sgd, lambda epoch: 0.25)
    (p,) = sgd.parameters()
    p.grad = gg.tensor([1.0])
    sgd.step()
    assert p.tolist() == [0.75]


def test_a_schedule_goes_on_from_a_saved_state():
    first = lr_scheduler.StepLR(optimizer(1.0), step_size=1, gamma=0.5)
    first.step()
    state = json.loads(json.dumps(first.state_dict()))
    assert state == {"last_epoch": 1, "base_lrs": [1.0]}
    second = lr_scheduler.StepLR(optimizer(0.3), step_size=1, gamma=0.5)
    second.load_state_dict(state)
    assert second.get_last_lr() == [0.5]
    second.step()
    assert second.get_last_lr() == [0.25]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: lr_scheduler.StepLR(nn.Linear(1, 1), 3),
            gg.ArgumentError,
            "StepLR schedules an optimizer, such as optim.SGD(...); got Linear",
        ),
        (
            lambda: lr_scheduler.LambdaLR(None, lambda epoch: 1.0),
            gg.ArgumentError,
            "LambdaLR schedules an optimizer, such as optim.SGD(...); got NoneType",
        ),
        (
            lambda: lr_scheduler.StepLR(optimizer(1.0), 0),
            gg.ArgumentError,
            "StepLR needs step_size >= 1; got 0",
        ),
        (
            lambda: lr_scheduler.CosineAnnealingLR(optimizer(1.0), 0),
            gg.ArgumentError,
            "CosineAnnealingLR needs T_max >= 1; got 0",
        ),
        (
            lambda: lr_scheduler.LambdaLR(optimizer(1.0), [abs, abs]),
            gg.ArgumentError,
            "LambdaLR needs one function, or one for each of 1 groups; got 2",
        ),
        (
            lambda: lr_scheduler.StepLR(optimizer(1.0), 3).load_state_dict({"last_epoch": 1, "base_lrs": []}),
            gg.CheckpointError,
            'StepLR loads a dict with "last_epoch" and, for 1 groups, "base_lrs"; '
            "got {'last_epoch': 1, 'base_lrs': []}",
        ),
    ],
)
def test_mistakes_are_answered(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.message == message
