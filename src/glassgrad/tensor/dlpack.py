"""DLPack: handing tensors to other array libraries, and taking their arrays, without a copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ExchangeError, GlassgradError
from .device import as_device
from .dtype import is_supported
from .tensor import Tensor, asarray


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """The tensor that shares the memory of `x`, an array of any library that speaks DLPack and lies on the CPU.

    `copy=True` always copies; `copy=False` makes an error of a copy that could not be avoided. Do not change `x`
    afterwards unless you copied it, because the tensor would change with it.

    Raises ArgumentError for what is no such array, ExchangeError for one that lies elsewhere, requires a gradient or
    has a dtype that tensors do not have.

    >>> import glassgrad as gg
    >>> import numpy as np
    >>> gg.from_dlpack(np.array([1, 2, 3]))
    tensor([1, 2, 3])
    """
    as_device(device)
    if isinstance(x, Tensor) and not copy:
        return x.detach() if x.requires_grad else x
    if not hasattr(x, "__dlpack__"):
        raise ArgumentError(
            f"from_dlpack takes an array with a method __dlpack__; got {type(x).__name__}. gg.asarray takes the rest."
        )
    try:
        array = np.from_dlpack(x, copy=copy)
    except (BufferError, RuntimeError, ValueError, TypeError) as problem:
        if isinstance(problem, GlassgradError):
            raise
        raise ExchangeError(f"from_dlpack cannot take this {type(x).__name__}: {problem}") from None
    if not is_supported(array.dtype):
        raise ExchangeError(f"from_dlpack got dtype {array.dtype}, which tensors do not have")
    return asarray(array)


def to_dlpack(
    x: Tensor,
    *,
    stream: None = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """The DLPack capsule of a tensor: what another library's `from_dlpack` asks for.

    The capsule says that the memory is read-only if the other library understands that (DLPack 1.0). With an older
    one, writing into its array changes the tensor. Raises ExchangeError for a tensor that requires a gradient, which
    would not follow.
    """
    if x.requires_grad:
        raise ExchangeError(
            "DLPack hands over values alone, so the gradient of this tensor would be lost: write x.detach() if none "
            "is meant to flow"
        )
    array = x.numpy()
    if max_version is None or max_version[0] < 1:
        array = array if copy else x.value
    return array.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)


def dlpack_device(x: Tensor) -> tuple[int, int]:
    """The device in DLPack's numbers: (1, 0), the CPU."""
    return (1, 0)


def to_device(x: Tensor, device: Any, /, *, stream: None = None) -> Tensor:
    """The tensor itself, because there is one device, "cpu". Raises ArgumentError for any other.

    >>> import glassgrad as gg
    >>> gg.asarray([1.0]).to_device("cpu")
    tensor([1.])
    """
    as_device(device)
    return x
