"""Cells: the only tensors whose value can be replaced. Parameters are learned, buffers are kept beside them."""

from __future__ import annotations

from typing import Any, NoReturn, Self

import numpy as np

from ..errors import ArgumentError, DTypeError, GraphError, ShapeError
from ..graph import INPUT, Node
from ..tensor import Tensor, tensor, variable
from ..tensor.staging import register_cell, staging


class Cell(Tensor):
    """A tensor whose value `assign` replaces, with its shape and dtype unchanged.

    Tapes recorded before keep the old value, because the new one is another array with another node.
    """

    __slots__ = ()

    def __new__(cls, *data: Any, **options: Any) -> Self:  # noqa: D102
        trace = staging()
        # before anybody asks for the value of its data
        if trace is not None and data and isinstance(data[0], Tensor) and data[0].value is None:
            trace.state_depends(cls.__name__)
        return super().__new__(cls)

    def __init__(self, value: Any) -> None:
        super().__init__(value)
        register_cell(self)
        trace = staging()
        if trace is not None:
            trace.state_is_born(self)

    def assign(self, value: Any) -> Self:
        """Replace the value by a copy of `value`, which must have the same shape and dtype. Returns the cell.

        value: a tensor or a NumPy array, or Python numbers, which take this cell's dtype. Where it came from in the
        graph is not remembered. Raises ShapeError, DTypeError, GraphError for a tensor without value.

        >>> w = gg.nn.Parameter([1.0, 2.0])
        >>> w.assign(w.detach() * 10)
        Parameter(tensor([10., 20.], requires_grad=True))
        """
        trace = staging()
        if trace is not None:
            new = value if isinstance(value, Tensor) else tensor(value, dtype=self.dtype)
            self._require_same(new)
            trace.assign(self, new)
            return self
        if isinstance(value, Tensor):
            if value.value is None:
                raise GraphError(
                    f"a {type(self).__name__} takes values; this {value.dtype}{list(value.shape)} tensor has none, "
                    f"inside gg.vmap or gg.trace: return it, and assign it outside"
                )
            given = value.value
        elif isinstance(value, np.ndarray):
            given = np.asarray(value)
        else:
            given = tensor(value, dtype=self.dtype).value
        self._require_same(given)
        self._replace(given.copy())
        return self

    def _require_same(self, given: Any) -> None:
        if given.shape != self.shape:
            raise ShapeError(
                f"a {type(self).__name__} keeps its shape, {self.shape}; assign got a value of shape {given.shape}"
            )
        if given.dtype != self.dtype:
            raise DTypeError(
                f"a {type(self).__name__} keeps its dtype, {self.dtype}; assign got {given.dtype}. "
                f"gg.astype(value, gg.{self.dtype}) converts."
            )

    def _replace(self, array: Any) -> None:
        """Hold `array`, which nobody else may change."""
        self.value = array
        self._constant = None

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}({super().__repr__().replace(chr(10), chr(10) + ' ' * (len(name) + 1))})"

    def __setitem__(self, key: Any, value: Any) -> None:
        raise DTypeError(
            f"a {type(self).__name__} changes as a whole: write p.assign(p.at[index].set(value))"
        )

    def _refuse(self, other: object) -> NoReturn:
        raise ArgumentError(
            f"an operator such as -= would only give the name to a new tensor and leave this {type(self).__name__} as "
            f"it was. Write p.assign(p - step) to change it, or y = p - step for a new tensor."
        )

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = __imatmul__ = __imod__ = _refuse


class Parameter(Cell):
    """A tensor that is learned: a leaf of the graph whose value `assign` (or an optimizer) replaces.

    data: numbers, an array or a tensor, floating-point; it is copied. With `requires_grad=False` it is frozen: no
    gradient is computed for it; `p.requires_grad = True` thaws it. Raises DTypeError for data that is not float.

    >>> w = gg.nn.Parameter([1.0, 2.0])
    >>> (w * w).sum().backward()
    >>> w.grad
    tensor([2., 4.])
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        leaf = variable(tensor(data))
        super().__init__(leaf.value)
        if requires_grad:
            self._become_leaf(leaf.node)

    def _become_leaf(self, earlier: Node | None) -> None:
        """Take a new node, made where the earlier one was and with its name."""
        origin = None if earlier is None else earlier.origin
        array = self.value
        self.node = Node(INPUT, (), array.shape, array.dtype, True, origin, array)
        self.node.owner = self
        self.node.name = None if earlier is None else earlier.name

    def _replace(self, array: Any) -> None:
        super()._replace(array)
        if self.node is not None:
            self._become_leaf(self.node)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are computed for this parameter; assign False to freeze it."""
        return self.node is not None and self.node.requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if staging() is not None:
            raise GraphError(
                "a parameter cannot be frozen or thawed inside a compiled function: do it before the call, which "
                "takes notice"
            )
        if not wanted:
            self.node = None
        elif self.node is None:
            self._become_leaf(None)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # a copy of the node would deliver its gradients to the original
        return type(self)(self.value, self.requires_grad)


class Buffer(Cell):
    """A tensor that a module keeps and saves but does not learn, such as a running mean; `assign` replaces its value.

    data: numbers, an array or a tensor of any dtype; it is copied.

    >>> gg.nn.Buffer([1, 2]).assign([3, 4])
    Buffer(tensor([3, 4]))
    """

    __slots__ = ()

    def __init__(self, data: Any) -> None:
        super().__init__(tensor(data).value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(self.value)


def require_cell(function: str, cell: Any) -> Cell:
    """`cell` itself, or an ArgumentError in the name of `function` if it is not a Parameter or a Buffer."""
    if not isinstance(cell, Cell):
        raise ArgumentError(
            f"{function} changes a Parameter or a Buffer; got {type(cell).__name__}. Tensors never change."
        )
    return cell
