"""Used gradients: telling that backward() added to what an earlier step had used, for lack of zero_grad()."""

from __future__ import annotations

from ..graph import Origin
from ..nn.parameter import Parameter
from ..tensor import Tensor

USED = "a gradient that step() had used"


class UsedGradients:
    """The gradients that the steps of an optimizer have used.

    A gradient is marked by its `cut`, because tensors hand that on to the sums that they become part of.
    """

    def __init__(self) -> None:
        self._arrays: dict[Parameter, int] = {}

    def step_before(self, parameter: Parameter) -> Origin | None:
        """Where the step was whose gradient is a part of the parameter's gradient now; None if there is none.

        A gradient that nothing was added to is no sign of a mistake: it may be used several times on purpose.
        """
        gradient = parameter.grad
        if gradient is None or gradient.cut is None or gradient.cut[0] != USED:
            return None
        return None if self._arrays.get(parameter) == id(gradient.value) else gradient.cut[1]

    def add(self, parameter: Parameter, step: Origin) -> None:
        """Note that the parameter's gradient was used by the step at `step`."""
        gradient = parameter.grad
        if gradient is not None and gradient.node is None:
            # marked is a tensor of the parameter's own, because `backward` may have given one to several
            parameter.grad = Tensor(gradient.value)
            parameter.grad.cut = (USED, step)
            self._arrays[parameter] = id(gradient.value)
