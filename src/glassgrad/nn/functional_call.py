"""`functional_call`: a module as a function of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..autodiff.modules import computing_with
from ..errors import ArgumentError, ShapeError
from ..tensor import asarray
from .module import Module, all_cells
from .parameter import Cell


def functional_call(
    module: Module, parameters: Mapping[str, Any], *inputs: Any, strict: bool = True, **options: Any
) -> Any:
    """`module(*inputs, **options)`, computed with `parameters` in the place of its own, which stay as they are.

    parameters: tensors (or arrays) by the names of `module.named_parameters()`, each of its parameter's shape; buffers
        may be among them. A parameter that has several names needs one of them. Every parameter must be there;
        with `strict=False` one that is not is the module's own.
    Gradients flow to the tensors in `parameters`, in every mode: a module with stacked parameters is a whole ensemble
    under `gg.vmap`. Raises ArgumentError for unknown or missing names, ShapeError for another shape.

    >>> layer = gg.nn.Linear(2, 1)
    >>> gg.nn.functional_call(layer, {"weight": [[1.0, 2.0]], "bias": [3.0]}, [[10.0, 100.0]])
    tensor([[213.]])
    """
    kind = type(module).__name__
    if not isinstance(module, Module):
        raise ArgumentError(f"functional_call takes a module and then its parameters; got {kind}")
    if not isinstance(parameters, Mapping):
        raise ArgumentError(
            f"functional_call takes the parameters of {kind} as a dict of tensors by name, such as "
            f"dict(module.named_parameters()); got {type(parameters).__name__}"
        )
    given = {name: asarray(value) for name, value in parameters.items()}
    cells = list(all_cells(module, Cell))
    supplied = {id(cell) for name, cell in cells if name in given}
    left = [name for name, parameter in module.named_parameters() if id(parameter) not in supplied]
    if left and strict:
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        raise ArgumentError(
            f"functional_call got no tensor for the parameter {left[0]!r}{more} of {kind}. With strict=False the "
            f"module's own is taken."
        )
    for name, cell in cells:
        if name in given and given[name].shape != cell.shape:
            raise ShapeError(
                f"{name!r} of {kind} has shape {cell.shape}; functional_call got a tensor of shape {given[name].shape} "
                f"for it"
            )
    with computing_with(module, given):
        return module(*inputs, **options)
