"""A tensor: an immutable n-dimensional value together with the node that computed it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DTypeError, GlassgradError, GraphError
from ..graph import CONSTANT, INPUT, Node, Origin, caller, notice, quiet
from .device import CPU, as_device
from .dtype import DType, as_dtype, is_supported, refusal_of
from .habits import no_attribute
from .not_numbers import explain_kind, explain_refusal
from .unknown import ARRAY, NUMBER, TRUTH, no_value


class Tensor:
    """An n-dimensional array that remembers how it was computed. Make one with `gg.tensor` or `gg.asarray`.

    A tensor never changes: there are no in-place operations. `x += y` gives the name `x` to a new tensor, and
    `x.at[index].set(v)` returns one.

    Attributes: `shape`, `dtype`, `ndim`, `size`; `requires_grad`; `grad`, where `backward` adds the gradient of the
    loss with respect to this tensor; `node`, its place in the graph.
    """

    __slots__ = ("__weakref__", "_constant", "_grad", "cut", "node", "value")

    value: Any
    """The NumPy array; None for a tensor of which only shape and dtype are known."""
    node: Node | None
    """Its place in the graph; None for a tensor that is not recorded."""
    cut: tuple[str, Origin] | None
    """Why and where the graph behind this tensor was cut off, for messages."""

    def __init__(self, value: Any, node: Node | None = None) -> None:
        self.value = value
        self.node = node
        self._constant: Node | None = None
        self._grad: Tensor | None = None
        self.cut = None

    # --- what it is -----------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The size along each axis."""
        value = self.value
        return value.shape if value is not None else self.node.shape  # type: ignore[union-attr]

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        value = self.value
        return value.dtype if value is not None else self.node.dtype  # type: ignore[union-attr]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def device(self) -> str:
        """Where the elements are: "cpu"."""
        return CPU

    @property
    def requires_grad(self) -> bool:
        """Whether gradients of this tensor can be asked for."""
        return self.node is not None and self.node.requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        raise GraphError(
            "whether a tensor requires a gradient is decided when it is made: gg.tensor(x, requires_grad=True)"
        )

    @property
    def is_leaf(self) -> bool:
        """Whether the user supplied this value, rather than an op."""
        return self.node is None or not self.node.inputs

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` has added up here; None before the first one."""
        if self._grad is None and self.node is not None and self.node.inputs and self.node.owner is not self:
            notice(
                f"the gradient of an intermediate result ({self.node.op.name} at {self.node.place}) is not kept: .grad "
                f"is None. Call .retain_grad() on it before backward(), or look at every gradient with "
                f"gg.graph_of(loss). If it should be a variable: x = x - step made a new tensor; an nn.Parameter is "
                f"changed by p.assign(p - step)."
            )
        return self._grad

    @grad.setter
    def grad(self, gradient: Tensor | None) -> None:
        self._grad = gradient
        if gradient is None:
            from .staging import staging  # not above, because staging needs tensors

            trace = staging()
            if trace is not None:
                trace.forgets_gradient(self)

    def _awaited_value(self) -> Any:
        """The value of a cell that has none now, because a compiled function of another thread writes it."""
        from .staging import STATE

        with STATE:
            return object.__getattribute__(self, "value")

    def retain_grad(self) -> Tensor:
        """Keep the gradient of this intermediate result in `.grad` at the next `backward`. Returns the tensor."""
        if not self.requires_grad:
            raise GraphError("retain_grad() needs a tensor that depends on one with requires_grad=True")
        self.as_node().owner = self
        return self

    def as_node(self) -> Node:
        """This tensor's node; a constant leaf for a tensor that is not recorded."""
        if self.node is not None:
            return self.node
        if self._constant is None:
            self._constant = Node(CONSTANT, (), self.value.shape, self.value.dtype, False, None, self.value)
        return self._constant

    # --- the way out ----------------------------------------------------------------------------------------

    def numpy(self) -> NDArray[Any]:
        """The value as a read-only NumPy array, without a copy. Gradients do not follow it."""
        if self.value is None:
            raise no_value(self, ARRAY)
        view: NDArray[Any] = self.value.view()
        view.flags.writeable = False
        return view

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if self.requires_grad:
            raise GraphError(
                "NumPy asked for the array inside a tensor that requires a gradient, which would silently cut the "
                "graph. Use the function of the same name in gg (gg.sum, gg.exp ...), or x.numpy() if no gradient is "
                "meant to flow."
            )
        array = self.numpy() if dtype is None else self.numpy().astype(dtype)
        return array.copy() if copy else array

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self.size != 1:
            raise GraphError(
                f"only a tensor with one element is a number; got shape {self.shape}. "
                f"Reduce it first, for example x.mean(); x.tolist() gives all elements."
            )
        if self.value is None:
            raise no_value(self, NUMBER)
        return self.numpy().item()

    def tolist(self) -> Any:
        """The elements as nested Python lists."""
        return self.numpy().tolist()

    def detach(self) -> Tensor:
        """The same value without its history: gradients do not flow through it."""
        if self.value is None:
            from ..ops.shape import stop_gradient  # without a value it cannot leave its graph

            return stop_gradient(self)
        result = Tensor(self.value)
        result.cut = ("detached by .detach()", caller())
        return result

    def __float__(self) -> float:
        return float(self._real_item("float"))

    def __int__(self) -> int:
        return int(self._real_item("int"))

    def _real_item(self, wanted: str) -> Any:
        """The only element, which a Python number of the type `wanted` can hold."""
        number = self.item()
        if isinstance(number, complex):
            raise DTypeError(
                f"{wanted}() of a complex number would lose its imaginary part: gg.real(x), gg.imag(x) and gg.abs(x) "
                f"are real, complex(x) is the number"
            )
        if wanted == "int" and isinstance(number, float) and not np.isfinite(number):
            raise DTypeError(f"int() needs a finite number; got {number}")
        return number

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise DTypeError(
                f"a count or an index must be an integer; got a tensor of dtype {self.dtype}. int(x) makes one."
            )
        return int(self.item())

    def __bool__(self) -> bool:
        if self.value is None:
            raise no_value(self, TRUTH)
        if self.size != 1:
            raise GraphError(
                f"the truth value of a tensor of shape {self.shape} is ambiguous: use gg.any(x) or gg.all(x) for one "
                f"answer, gg.where(x > 0, a, b) to choose element by element, gg.logical_and for `and` and a < x < b"
            )
        return bool(self.item())

    def __len__(self) -> int:
        if not self.shape:
            raise DTypeError(
                "a tensor without axes is a single number: it has no length and nothing to loop over. "
                "x.item() gives the number."
            )
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        # a copy of the node would deliver its gradients to the original
        if self.requires_grad and not self.is_leaf:
            raise GraphError(
                "a computed tensor belongs to its graph, so it cannot be copied alone: copy x.detach()"
            )
        name = None if self.node is None else self.node.name
        return tensor(self, requires_grad=self.requires_grad, name=name)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else repr(self)

    def __repr__(self) -> str:
        if self.value is None:
            return f"tensor(<no value>, shape={self.shape}, dtype={self.dtype})"
        extra = "" if self.dtype in _SHOWN_BY_DIGITS else f", dtype={self.dtype}"
        text = np.array2string(self.value, separator=", ", prefix="tensor(")
        return f"tensor({text}{extra}{', requires_grad=True' if self.requires_grad else ''})"

    # --- mistakes that deserve an answer ----------------------------------------------------------------------

    def __setitem__(self, key: Any, value: Any) -> None:
        raise DTypeError(
            "tensors never change: write x = x.at[index].set(value), or .add(value), for a new one"
        )

    def __delitem__(self, key: Any) -> None:
        raise DTypeError("tensors never change: write x = x[what_stays], which returns a new tensor")

    def __getattr__(self, name: str) -> Any:
        if name == "value":
            return self._awaited_value()
        if name in (
            "shape",
            "dtype",
            "ndim",
            "size",
        ):  # properties that failed, because the value is no array
            raise AttributeError(
                f"a tensor is not made by gg.Tensor({type(self.value).__name__}): write gg.tensor(data)"
            )
        raise AttributeError(no_attribute(name), name=name, obj=self)

    __hash__ = object.__hash__

    if TYPE_CHECKING:  # bound in glassgrad.operators, and documented at the functions bound there
        T: Tensor
        mT: Tensor  # noqa: N815 - the array API's name
        at: Any

        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __pos__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __lshift__(self, other: Any) -> Tensor: ...
        def __rshift__(self, other: Any) -> Tensor: ...
        def __rand__(self, other: Any) -> Tensor: ...
        def __ror__(self, other: Any) -> Tensor: ...
        def __rxor__(self, other: Any) -> Tensor: ...
        def __rlshift__(self, other: Any) -> Tensor: ...
        def __rrshift__(self, other: Any) -> Tensor: ...
        def __round__(self, ndigits: int | None = None) -> Tensor: ...
        def __array_namespace__(self, *, api_version: str | None = None) -> Any: ...
        def __dlpack__(self, **options: Any) -> Any: ...
        def __dlpack_device__(self) -> tuple[int, int]: ...
        def to_device(self, device: Any, /, *, stream: None = None) -> Tensor: ...  # noqa: D102
        def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __getitem__(self, key: Any) -> Tensor: ...
        def backward(  # noqa: D102
            self, upstream: Any = None, *, retain_graph: bool = False, create_graph: bool = False
        ) -> None: ...
        def sum(self, axis: Any = None, *, keepdims: bool = False) -> Tensor: ...  # noqa: D102
        def mean(self, axis: Any = None, *, keepdims: bool = False) -> Tensor: ...  # noqa: D102
        def max(self, axis: Any = None, *, keepdims: bool = False) -> Tensor: ...  # noqa: D102
        def min(self, axis: Any = None, *, keepdims: bool = False) -> Tensor: ...  # noqa: D102
        def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Tensor: ...  # noqa: D102
        def reshape(self, *shape: Any) -> Tensor: ...  # noqa: D102
        def astype(self, dtype: Any) -> Tensor: ...  # noqa: D102


_SHOWN_BY_DIGITS = (np.dtype("float32"), np.dtype("int64"), np.dtype("bool"))


def tensor(data: Any, dtype: Any = None, *, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """A tensor holding a copy of `data` (numbers, nested lists, a NumPy array or a tensor).

    Python floats become float32, Python ints int64; NumPy arrays keep their dtype. With `requires_grad=True` the tensor
    is a variable: `backward` adds gradients to its `.grad`. `name` is shown in graphs.

    Raises DTypeError for data that is not numeric, and for `requires_grad=True` on integers or booleans.

    >>> import glassgrad as gg
    >>> x = gg.tensor([[1.0, -2.0]], requires_grad=True)
    >>> (x * 2).sum().backward()
    >>> x.grad
    tensor([[2., 2.]])
    """
    result = Tensor(to_array(data, dtype, copy=True))
    parts = data if isinstance(data, list | tuple) else (data,)
    if any(isinstance(part, Tensor) and part.requires_grad for part in parts):
        result.cut = ("copied by gg.tensor(), which starts anew (gg.stack joins tensors),", caller())
    return variable(result, name) if requires_grad else _named(result, name)


def asarray(data: Any, dtype: Any = None, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """`data` as a tensor, sharing a NumPy array's memory unless `copy=True` or the dtype changes.

    A tensor is returned as it is. If you change the shared array afterwards, the tensor changes with it: use
    `gg.tensor` where that could happen. `copy=False` makes an error of a copy that could not be avoided; `device` may
    be "cpu".

    >>> asarray([1, 2, 3])
    tensor([1, 2, 3])
    """
    if device is not None:
        as_device(device)
    if isinstance(data, Tensor):
        if dtype is None or data.dtype == as_dtype(dtype):
            return Tensor(data.value.copy()) if copy and type(data) is Tensor and data.node is None else data
        if data.node is not None:
            raise DTypeError(
                f"asarray would cut this {data.dtype} tensor off its graph: use gg.astype(x, {dtype})"
            )
    array = to_array(data, dtype, copy=bool(copy))
    if copy is False and array.size and not np.may_share_memory(array, np.asarray(data)):
        raise ArgumentError(
            f"asarray(copy=False) cannot make a tensor of this {type(data).__name__} without a copy: only a NumPy "
            f"array (or buffer) that has the tensor's dtype already shares its memory"
        )
    return Tensor(array)


def variable(source: Tensor, name: str | None = None) -> Tensor:
    """A leaf that collects a gradient and shares `source`'s value."""
    array = source.value
    if source.dtype.kind not in "fc":
        raise DTypeError(
            f"only floating-point tensors can require a gradient; got dtype {source.dtype}. "
            f"Write 1.0 instead of 1, or pass dtype=gg.float32."
        )
    if array is None:
        from ..ops.shape import identity  # without a value it stays in its graph

        node = identity(source).as_node()
        leaf = Tensor(None, Node(node.op, node.inputs, node.shape, node.dtype, True, caller()))
    else:
        leaf = Tensor(array, Node(INPUT, (), array.shape, array.dtype, True, caller(), array))
    leaf.as_node().owner = leaf
    return _named(leaf, name)


def _named(result: Tensor, name: str | None) -> Tensor:
    if name is not None:
        result.node = result.as_node()
        result.node.name = name
    return result


def to_array(data: ArrayLike | Tensor, dtype: Any, copy: bool) -> NDArray[Any]:
    """`data` as an array of a dtype that tensors can have; DTypeError if that cannot be."""
    if isinstance(data, Tensor):
        data = data.numpy()
    wanted = None if dtype is None else as_dtype(dtype)
    if wanted is not None and wanted.kind in "iuf" and getattr(data, "dtype", wanted).kind == "c":
        raise DTypeError(
            f"cannot make a {wanted} tensor of complex numbers: the imaginary part would be lost"
        )
    try:
        with np.errstate(all="ignore"):  # a number too large for a float is infinite, as in any operation
            array = np.array(_without_tensors(data), dtype=wanted, copy=True if copy else None)
    except (ValueError, TypeError, OverflowError) as problem:
        if isinstance(problem, GlassgradError):
            raise
        raise explain_refusal(data, problem) from None
    if not is_supported(array.dtype):
        raise (
            DTypeError(refusal_of(array.dtype))
            if array.dtype.kind in "fc"
            else explain_kind(data, array.dtype)
        )
    if wanted is None and not isinstance(data, np.ndarray | np.generic):
        natural = {"f": np.float32, "c": np.complex64}.get(array.dtype.kind, array.dtype)
        array = quiet.run(array.astype, natural, copy=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _without_tensors(data: Any) -> Any:
    """Nested lists with the tensors in them replaced by arrays, so that NumPy can join them."""
    if isinstance(data, list | tuple):
        return [_without_tensors(item) for item in data]
    return data.numpy() if isinstance(data, Tensor) else data
