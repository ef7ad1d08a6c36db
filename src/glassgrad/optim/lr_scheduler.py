"""Learning-rate schedules: the learning rate of each group as a function of the epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import ArgumentError, CheckpointError
from .optimizer import Optimizer


class LRScheduler:
    """Sets the learning rates of an optimizer. Subclass it and write `lr_at`.

    Call `step()` once after each epoch. `last_epoch` counts these calls. The rates follow from it and from the rates
    that the optimizer had at first, `base_lrs`; other changes to the rates are overwritten.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = _require_optimizer(self, optimizer)
        self.last_epoch = 0
        self.base_lrs = [float(group["lr"]) for group in optimizer.param_groups]
        self._set_rates()

    def lr_at(self, epoch: int, base_lr: float, group: int) -> float:
        """The learning rate in an epoch (0, 1, ...) of the group of this number, whose first rate was `base_lr`."""
        raise NotImplementedError

    def step(self) -> None:
        """Go to the next epoch."""
        self.last_epoch += 1
        self._set_rates()

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The epoch and the first rates; JSON can hold it."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned. Raises CheckpointError if it does not fit."""
        if set(state_dict) != {"last_epoch", "base_lrs"} or len(state_dict["base_lrs"]) != len(self.base_lrs):
            raise CheckpointError(
                f'{type(self).__name__} loads a dict with "last_epoch" and, for {len(self.base_lrs)} groups, '
                f'"base_lrs"; got {dict(state_dict)}'
            )
        self.last_epoch, self.base_lrs = int(state_dict["last_epoch"]), list(state_dict["base_lrs"])
        self._set_rates()

    def _set_rates(self) -> None:
        for number, (group, base_lr) in enumerate(
            zip(self.optimizer.param_groups, self.base_lrs, strict=True)
        ):
            group["lr"] = self.lr_at(self.last_epoch, base_lr, number)


class StepLR(LRScheduler):
    """The rate times `gamma` every `step_size` epochs. Raises ArgumentError unless step_size is at least 1.

    >>> optimizer = gg.optim.SGD([gg.nn.Parameter(1.0)], lr=1.0)
    >>> scheduler = gg.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for epoch in range(4):
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        if step_size < 1:
            raise ArgumentError(f"StepLR needs step_size >= 1; got {step_size}")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def lr_at(self, epoch: int, base_lr: float, group: int) -> float:
        """base_lr · gamma^⌊epoch / step_size⌋."""
        return float(base_lr * self.gamma ** (epoch // self.step_size))


class CosineAnnealingLR(LRScheduler):
    """From the first rate down to `eta_min` in `T_max` epochs, along half a cosine, and up again.

    Raises ArgumentError unless T_max is at least 1.

    Source: Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), without the restarts.

    >>> optimizer = gg.optim.SGD([gg.nn.Parameter(1.0)], lr=1.0)
    >>> scheduler = gg.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        if T_max < 1:
            raise ArgumentError(f"CosineAnnealingLR needs T_max >= 1; got {T_max}")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def lr_at(self, epoch: int, base_lr: float, group: int) -> float:
        """eta_min + (base_lr - eta_min) (1 + cos(π epoch / T_max)) / 2."""
        return self.eta_min + (base_lr - self.eta_min) * (1.0 + math.cos(math.pi * epoch / self.T_max)) / 2.0


class LambdaLR(LRScheduler):
    """The first rate times a function of the epoch: one function, or one for each group.

    Raises ArgumentError for a wrong number of functions.

    >>> optimizer = gg.optim.SGD([gg.nn.Parameter(1.0)], lr=8.0)
    >>> scheduler = gg.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [4.0]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]
    ) -> None:
        groups = len(_require_optimizer(self, optimizer).param_groups)
        self.lr_lambdas = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        if len(self.lr_lambdas) != groups:
            raise ArgumentError(
                f"LambdaLR needs one function, or one for each of {groups} groups; got {len(self.lr_lambdas)}"
            )
        super().__init__(optimizer)

    def lr_at(self, epoch: int, base_lr: float, group: int) -> float:
        """base_lr times the group's function of the epoch."""
        return float(base_lr * self.lr_lambdas[group](epoch))


def _require_optimizer(scheduler: LRScheduler, optimizer: object) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(
            f"{type(scheduler).__name__} schedules an optimizer, such as optim.SGD(...); got {type(optimizer).__name__}"
        )
    return optimizer
