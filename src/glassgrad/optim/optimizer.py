"""The base of optimizers: groups of parameters with their settings, the state kept for each, saving and loading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, ClassVar

import numpy as np

from ..errors import ArgumentError, CheckpointError, GraphError
from ..graph import caller, describe, notice
from ..nn.module import Module
from ..nn.parameter import Buffer, Parameter
from ..ops.shape import astype
from ..tensor import Tensor
from ..tensor.staging import staging
from .used_gradients import UsedGradients

Group = dict[str, Any]
"""The parameters under "params", and the settings for them by name."""


class Optimizer:
    """Changes parameters by their gradients. Subclass it and write `update`.

    params: parameters, as `model.parameters()` gives them, or dicts with parameters under "params" and settings that
        differ from `defaults`. `param_groups` lists the dicts; their settings may be changed between steps.

    Raises ArgumentError if there is no parameter, something else than a parameter, or one twice.
    """

    state_names: ClassVar[tuple[str, ...]] = ()
    """The names of what is kept for each parameter."""

    def __init__(self, params: Iterable[Parameter] | Iterable[Group], defaults: Mapping[str, Any]) -> None:
        self.defaults = dict(defaults)
        self.param_groups: list[Group] = []
        self.state: dict[Parameter, dict[str, Buffer]] = {}
        self._used = UsedGradients()
        given = _as_list(params, type(self).__name__)
        if not given:
            raise ArgumentError(
                f"{type(self).__name__} got no parameters: pass model.parameters(), of a model that has some. "
                f"A generator such as model.parameters() is empty once it has been used."
            )
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, group: Group) -> None:
        """Add a dict with parameters under "params" and settings; those it lacks are the defaults."""
        name = type(self).__name__
        if not isinstance(group, dict) or "params" not in group:
            raise ArgumentError(
                f'{name} takes parameters, or dicts with "params" in them; got {_shortened(group)}'
            )
        unknown = [key for key in group if key != "params" and key not in self.defaults]
        if unknown:
            raise ArgumentError(f"{name} has no setting {unknown[0]!r}; it has {', '.join(self.defaults)}")
        known = {id(p) for p in self.parameters()}
        parameters = _as_list(group["params"], name)
        for position, parameter in enumerate(parameters):
            if not isinstance(parameter, Parameter):
                raise ArgumentError(
                    f"{name} changes nn.Parameter objects; number {position} is {_shortened(parameter)}. "
                    f"A module keeps its own in module.parameters(); nn.Parameter(x) makes one."
                )
            if id(parameter) in known:
                raise ArgumentError(
                    f"{name} got the parameter number {position}, of shape {parameter.shape}, twice: it would be "
                    f"changed twice in each step. List it once."
                )
            known.add(id(parameter))
        settings = {**self.defaults, **{key: group[key] for key in group if key != "params"}}
        self.check(settings)
        self.param_groups.append({"params": parameters, **settings})

    def parameters(self) -> list[Parameter]:
        """All parameters, group after group."""
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def step(self) -> None:
        """Change every parameter that has a gradient. Raises GraphError if none has.

        Warns if backward() has added to gradients that an earlier step used already.
        """
        moved, before, here = False, None, caller()
        for group in self.param_groups:
            settings = _as_traced(group)
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is not None:
                    moved = True
                    before = before or self._used.step_before(parameter)
                    state = self.state.setdefault(parameter, {})
                    self.update(parameter, constant(gradient), state, settings)
                    self._used.add(parameter, here)
        trace = staging()
        if trace is not None:
            kept, groups = self.state, self.param_groups  # others take their place when a state is loaded
            trace.depends_on(
                lambda: (self.state is kept, len(kept), self.param_groups is groups, len(groups))
            )
        if before is not None:
            notice(
                f"{type(self).__name__}.step() used gradients that still hold those of the step() at "
                f"{describe(before)}, because backward() adds to what is there. Before each step: "
                f"optimizer.zero_grad(), then loss.backward()."
            )
        if not moved:
            raise GraphError(
                f"{type(self).__name__}.step() found no gradient on any of its {len(self.parameters())} parameters: "
                f"call loss.backward() first, and zero_grad() before backward() or after step()"
            )

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise an ArgumentError if a setting makes no sense."""
        raise NotImplementedError

    def update(self, parameter: Parameter, g: Tensor, state: dict[str, Buffer], group: Group) -> None:
        """Assign the parameter its next value, given its gradient `g`, its state (empty at first) and its group."""
        raise NotImplementedError

    # --- saving and loading ---------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """`{"state": arrays by name, "param_groups": settings}`: all that is needed to go on.

        The arrays are named "0.momentum_buffer" after the parameter's place in `parameters()`, and are not changed by
        later steps; in the settings, "params" lists these places. JSON can hold the settings.
        """
        places = {parameter: place for place, parameter in enumerate(self.parameters())}
        arrays = {
            f"{places[parameter]}.{name}": buffer.numpy()
            for parameter, state in sorted(self.state.items(), key=lambda item: places[item[0]])
            for name, buffer in state.items()
        }
        groups = [
            {**group, "params": [places[parameter] for parameter in group["params"]]}
            for group in self.param_groups
        ]
        return {"state": arrays, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned, with the same parameters in the same groups.

        Raises CheckpointError if it does not fit; nothing is changed then.
        """
        name = type(self).__name__
        if not isinstance(state_dict, Mapping) or set(state_dict) != {"state", "param_groups"}:
            raise CheckpointError(
                f'{name} loads a dict with "state" and "param_groups"; got {_shortened(state_dict)}'
            )
        groups = list(state_dict["param_groups"])
        for group in groups:
            if set(group) != {"params", *self.defaults}:
                raise CheckpointError(
                    f"the saved optimizer had the settings {', '.join(sorted(set(group) - {'params'}))}; {name} has "
                    f"{', '.join(sorted(self.defaults))}. Make the same optimizer as then."
                )
            self.check(group)
        saved, here = ([len(group["params"]) for group in each] for each in (groups, self.param_groups))
        if saved != here:
            raise CheckpointError(
                f"the saved {name} had {_listed(saved)} parameters; this one has {_listed(here)}. "
                f"Make it with the parameters of the same model, in the same groups."
            )
        state = self._read_state(state_dict["state"])
        for group, own in zip(groups, self.param_groups, strict=True):
            own.update({key: value for key, value in group.items() if key != "params"})
        self.state = state

    def _read_state(self, arrays: Mapping[str, Any]) -> dict[Parameter, dict[str, Buffer]]:
        parameters = self.parameters()
        state: dict[Parameter, dict[str, Buffer]] = {}
        for full_name, array in arrays.items():
            place, _, name = full_name.partition(".")
            if not place.isdecimal() or int(place) >= len(parameters):
                raise CheckpointError(
                    f"the saved state {full_name!r} belongs to none of the {len(parameters)} parameters"
                )
            parameter, buffer = parameters[int(place)], Buffer(array)
            dtypes = (parameter.dtype, np.zeros(0, parameter.dtype).real.dtype)  # Adam's squares are real
            if buffer.ndim and (buffer.shape != parameter.shape or buffer.dtype not in dtypes):
                raise CheckpointError(
                    f"the saved state {full_name!r} is {buffer.dtype} of shape {buffer.shape}; parameter {place} is "
                    f"{parameter.dtype} of shape {parameter.shape}. Make the optimizer with the parameters of the same "
                    f"model, in the same order."
                )
            state.setdefault(parameter, {})[name] = buffer
        for kept in state.values():
            if set(kept) != set(self.state_names):
                raise CheckpointError(
                    f"the saved state of a parameter has {', '.join(sorted(kept))}; {type(self).__name__} keeps "
                    f"{', '.join(self.state_names)}. Make the same optimizer as then."
                )
        return state

    def __repr__(self) -> str:
        lines = []
        for group in self.param_groups:
            settings = ", ".join(f"{key}={value}" for key, value in group.items() if key != "params")
            lines.append(f"  {len(group['params'])} parameters: {settings}")
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


def _as_traced(group: Group) -> Group:
    """The settings of a group; inside a trace with a learning rate that is read at each call."""
    trace = staging()
    if trace is None:
        return group
    names = [name for name in group if name not in ("params", "lr")]
    settings = itemgetter(*names) if names else len
    trace.depends_on(lambda: (len(group["params"]), settings(group)))
    lr = trace.read_at_each_call(lambda: float(group["lr"]), np.float64(group["lr"]), "lr")
    return {**group, "lr": lr}


def learning_rate(group: Group, parameter: Tensor) -> Any:
    """The group's learning rate, as a number that keeps the dtype of `parameter`."""
    lr = group["lr"]
    return astype(lr, parameter.dtype) if isinstance(lr, Tensor) else lr


def constant(x: Tensor) -> Tensor:
    """x as a value that no gradient flows through, so that an update is not recorded."""
    return x if x.value is None else Tensor(x.value)


def require(condition: bool, optimizer: str, rule: str, got: Any) -> None:
    """Raise an ArgumentError `"<optimizer> needs <rule>; got <got>"` unless the condition holds."""
    if not condition:
        raise ArgumentError(f"{optimizer} needs {rule}; got {got}")


def require_not_negative(optimizer: str, settings: Mapping[str, Any], *names: str) -> None:
    """Raise an ArgumentError unless these settings are numbers of at least 0."""
    for name in names:
        value = settings[name]
        require(
            isinstance(value, int | float) and value >= 0, optimizer, f"a number {name} >= 0", repr(value)
        )


def missing_parameters(model: Module, optimizer: Optimizer) -> list[str]:
    """The names of the model's parameters that require a gradient but that the optimizer does not change.

    >>> model = gg.nn.Sequential(gg.nn.Linear(2, 2), gg.nn.Linear(2, 1))
    >>> missing_parameters(model, gg.optim.SGD(model[0].parameters(), lr=0.1))
    ['1.weight', '1.bias']
    """
    known = {id(parameter) for parameter in optimizer.parameters()}
    return [name for name, p in model.named_parameters() if p.requires_grad and id(p) not in known]


def _as_list(params: Any, optimizer: str) -> list[Any]:
    if isinstance(params, Module):
        raise ArgumentError(f"{optimizer} takes parameters, not the model itself: pass model.parameters()")
    if isinstance(params, Tensor):
        return [params]
    if callable(params):
        raise ArgumentError(f"{optimizer} takes parameters, not a function: call it, model.parameters()")
    if isinstance(params, Mapping) or not isinstance(params, Iterable):
        raise ArgumentError(
            f"{optimizer} takes a list of parameters, such as model.parameters(); got {_shortened(params)}"
        )
    return list(params)


def _listed(counts: Sequence[int]) -> str:
    return " + ".join(map(str, counts)) + (" (in groups)" if len(counts) > 1 else "")


def _shortened(value: Any) -> str:
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"
