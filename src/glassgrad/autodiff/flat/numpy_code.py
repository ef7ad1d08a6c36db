"""What an op's `forward` does with NumPy, written down while it runs: so that its source need not be written twice.

`forward` is called on stand-ins for arrays. Every NumPy function, method and operator that meets one computes, and is
noted as a line of source. Python around them (static parameters, branches on shapes) has happened by then and leaves
no trace.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from ...errors import GlassgradError
from ...graph import Op, quiet
from ...graph.notice import PACKAGE
from .literals import attribute, call, dtype, index, literal, name
from .textbook import SHORT, TEXTBOOK

CREATORS = {
    "zeros",
    "ones",
    "empty",
    "full",
    "arange",
    "eye",
    "identity",
    "linspace",
    "tri",
    "indices",
    "ix_",
}
"""Functions that make an array of something other than arrays: noted too, because what they make may be filled."""
KNOWN_AT_ONCE = ("shape", "dtype", "ndim", "size", "itemsize", "nbytes", "strides", "flags")
"""What is static about an array."""
VIEWS = ("T", "mT", "real", "imag", "flat")
IN_PLACE = ("sort", "fill", "partition", "put", "itemset")


class DependsOnValues(Exception):  # noqa: N818 - a signal between two functions of this file
    """`forward` asked for a value, to decide what to do."""


@dataclass
class Recording:
    """Lines of source, in order: a name and what it is, or a statement."""

    fresh: Callable[[], str]
    lines: list[tuple[str | None, ast.expr | ast.stmt, frozenset[str]]] = field(default_factory=list)
    """Each with the names of the arrays that it changes."""
    arrays: dict[str, Any] = field(default_factory=dict)
    decisions: int = 0
    """How often `forward` has asked whether something is true."""
    contrary: int | None = None
    """The question that is answered wrongly, to see whether it was only a check."""

    def note(self, value: Any, source: ast.expr) -> Any:
        """The stand-in for `value`, which `source` computes."""
        if isinstance(value, tuple):
            whole = self.note(np.empty(0), source).source
            parts = [
                self.note(part, ast.Subscript(whole, ast.Constant(place), ast.Load()))
                for place, part in enumerate(value)
            ]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        key = self.fresh()
        self.lines.append((key, source, frozenset()))
        self.arrays[key] = np.asarray(value)
        return Recorded(self.arrays[key], name(key), self)

    def change(self, target: Any, statement: ast.stmt) -> None:
        """Note a statement that changes `target`, and all arrays that share its memory."""
        if not isinstance(target, Recorded):
            raise TypeError("an array that it changes")
        shared = (key for key, array in self.arrays.items() if np.may_share_memory(array, target._value))
        self.lines.append((None, statement, frozenset(shared)))

    def taken_back(self, target: ast.Subscript, value: ast.expr) -> ast.AugAssign | None:
        """`x[key] += change` for the lines `part = x[key]` and `part += change`, which are taken back.

        Python calls `x[key] += change` in three steps, of which storing `part` in `x[key]` is the last. None if these
        are not the lines that stand here, or another line reads `part`.
        """
        if not isinstance(value, ast.Name) or not self.lines:
            return None
        made = [i for i, (key, _, _) in enumerate(self.lines) if key == value.id]
        last = self.lines[-1][1]
        reads = [i for i, (_, code, _) in enumerate(self.lines) if value.id in _names_in(code)]
        if (
            not made
            or reads != [len(self.lines) - 1]
            or not isinstance(last, ast.AugAssign)
            or value.id in _names_in(last.value)
            or ast.unparse(self.lines[made[0]][1]) != ast.unparse(target)
        ):
            return None
        del self.lines[-1], self.lines[made[0]]
        return ast.AugAssign(target, last.op, last.value)


def _names_in(code: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(code) if isinstance(part, ast.Name)}


class Recorded:
    """A stand-in for an array: its value, and the source that computes it."""

    _value: Any
    source: ast.expr
    _recording: Recording

    def __init__(self, value: Any, source: ast.expr, recording: Recording) -> None:
        vars(self).update(_value=value, source=source, _recording=recording)

    def __setattr__(self, attribute_name: str, value: Any) -> None:
        setattr(self._value, attribute_name, _plain(value))
        target = ast.Attribute(self.source, attribute_name, ast.Store())
        self._recording.change(self, ast.Assign([target], _write(value)))

    def __getattr__(self, attribute_name: str) -> Any:
        if attribute_name.startswith("__"):
            raise AttributeError(attribute_name)
        found = getattr(self._value, attribute_name)
        if attribute_name in KNOWN_AT_ONCE:
            return found
        source = ast.Attribute(self.source, attribute_name, ast.Load())
        if attribute_name in VIEWS:
            return self._recording.note(found, source)
        if attribute_name in ("item", "tolist"):
            raise DependsOnValues
        return lambda *args, **options: self._call(attribute_name, found, source, args, options)

    def _call(self, method: str, function: Any, source: ast.expr, args: Any, options: Any) -> Any:
        if method == "transpose" and len(args) == 1 and isinstance(args[0], tuple):
            if args[0] == tuple(range(self.ndim)):
                return self
            if args[0] == tuple(range(self.ndim))[::-1]:
                return self.T
        if method == "astype" and options.get("copy") is False and np.dtype(args[0]) == self.dtype:
            return self
        if method == "reshape" and not self.ndim:  # may be a Python number, which has no methods
            return _note_call(self._recording, "np.reshape", np.reshape, (self, *args), options)
        if method == "astype" and not self.ndim and len(args) == 1:
            return self._recording.note(quiet.run(function, args[0]), call(dtype(args[0]), self.source))
        if method in ("sum", "prod", "max", "min", "any", "all", "mean"):
            return _note_call(self._recording, f"np.{method}", getattr(np, method), (self, *args), options)
        written = call(source, *map(_write, args), **{key: _write(value) for key, value in options.items()})
        value = quiet.run(function, *_plain(args), **_plain(options))
        if method in IN_PLACE:
            return self._recording.change(self, ast.Expr(written))
        return self._recording.note(value, written)

    def __getitem__(self, key: Any) -> Any:
        source = ast.Subscript(self.source, index(key, _write), ast.Load())
        return self._recording.note(self._value[_plain(key)], source)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._value[_plain(key)] = _plain(value)
        target = ast.Subscript(self.source, index(key, _write), ast.Store())
        source = _write(value)
        in_place = self._recording.taken_back(target, source)
        self._recording.change(self, in_place or ast.Assign([target], source))

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self._value)))

    def __bool__(self) -> bool:
        recording = self._recording
        recording.decisions += 1
        return bool(self._value) is not (recording.contrary == recording.decisions)

    def __neg__(self) -> Any:
        return self._recording.note(-self._value, ast.UnaryOp(ast.USub(), self.source))

    def __invert__(self) -> Any:
        return self._recording.note(~self._value, ast.UnaryOp(ast.Invert(), self.source))

    __hash__ = object.__hash__

    def _refuse(self, *unused: Any, **options: Any) -> Any:
        raise DependsOnValues

    __int__ = __float__ = __index__ = __complex__ = __array__ = _refuse

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **options: Any) -> Any:
        path = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return _note_call(self._recording, path, function, args, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        module = function.__module__.replace("numpy", "np", 1)
        return _note_call(self._recording, f"{module}.{function.__name__}", function, args, options)


def _plain(value: Any) -> Any:
    """Arguments with the arrays that stand-ins stand for."""
    if isinstance(value, Recorded):
        return value._value
    if isinstance(value, tuple | list):
        return type(value)(map(_plain, value))
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, slice):
        return slice(_plain(value.start), _plain(value.stop), _plain(value.step))
    return value


def _write(value: Any) -> ast.expr:
    """An argument as source."""
    if isinstance(value, Recorded):
        return value.source
    if isinstance(value, tuple):
        return ast.Tuple(list(map(_write, value)), ast.Load())
    if isinstance(value, list):
        return ast.List(list(map(_write, value)), ast.Load())
    return literal(value)


REDUCTIONS = {"np.add.reduce": "np.sum", "np.multiply.reduce": "np.prod"} | {
    path: path for path in ("np.sum", "np.prod", "np.max", "np.min", "np.any", "np.all")
}
STATIC = {
    f"np.{function}"
    for function in ("result_type", "shape", "ndim", "size", "iscomplexobj", "isrealobj", "broadcast_shapes")
}
"""Functions that look at shapes and dtypes only."""
CHANGE_THEIR_FIRST = {
    f"np.{function}" for function in ("copyto", "put", "place", "putmask", "put_along_axis")
} | {
    "np.add.at",
    "np.subtract.at",
    "np.multiply.at",
    "np.maximum.at",
    "np.minimum.at",
}


def _note_call(recording: Recording, path: str, function: Any, args: Any, options: Any) -> Any:
    if path in STATIC:
        return function(*_plain(args), **_plain(options))
    changed = options.get("out", args[0] if path in CHANGE_THEIR_FIRST else None)
    value = quiet.run(function, *_plain(args), **_plain(options))
    if changed is not None:
        (target,) = changed if isinstance(changed, tuple) else (changed,)
        options = {**options, "out": target} if "out" in options else options
        written = {key: _option(key, given) for key, given in options.items()}
        recording.change(target, ast.Expr(call(attribute(path), *map(_write, args), **written)))
        return target
    if path == "np.matmul" and not options:
        return recording.note(value, ast.BinOp(_write(args[0]), ast.MatMult(), _write(args[1])))
    if path in REDUCTIONS:
        path, args, options = _tidied(REDUCTIONS[path], args, dict(options))
    written = {key: _option(key, value) for key, value in options.items()}
    return recording.note(value, call(attribute(path), *map(_write, args), **written))


def _option(key: str, value: Any) -> ast.expr:
    return dtype(value) if key == "dtype" and isinstance(value, str) else _write(value)


def _tidied(path: str, args: Any, options: dict[str, Any]) -> Any:
    """A reduction without the options that say nothing: all axes, the array's own dtype, keepdims=False."""
    x, *axis = args
    axes = axis[0] if axis else options.pop("axis", None)
    own_dtype = "dtype" in options and np.dtype(options["dtype"]) == x.dtype
    kept = {
        key: value
        for key, value in options.items()
        if not (key == "keepdims" and not value) and not (key == "dtype" and own_dtype)
    }
    if isinstance(axes, tuple) and len(axes) == 1:
        axes = axes[0]
    everything = axes is None or axes == tuple(range(x.ndim)) or (axes == 0 and x.ndim == 1)
    if everything and axes != () and not kept.get("keepdims"):
        return path, (x,), kept
    return path, (x,), {"axis": axes, **kept}


class _Namespace:
    """NumPy, or a part of it, that notes calls of its functions."""

    def __init__(self, module: ModuleType, path: str, recording: Recording) -> None:
        self._module, self._path, self._recording = module, path, recording

    def __getattr__(self, attribute_name: str) -> Any:
        found = getattr(self._module, attribute_name)
        path = f"{self._path}.{attribute_name}"
        if isinstance(found, ModuleType):
            return _Namespace(found, path, self._recording)
        if isinstance(found, type) or not callable(found) or isinstance(found, np.ufunc):
            return found

        def noted(*args: Any, **options: Any) -> Any:
            if attribute_name in CREATORS or _any_recorded((args, options)):
                return _note_call(self._recording, path, found, args, options)
            return found(*args, **options)

        return noted


def _any_recorded(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_any_recorded, value))
    return any(map(_any_recorded, value.values())) if isinstance(value, dict) else isinstance(value, Recorded)


def _with_numpy(function: FunctionType, numpy: _Namespace, known: dict[Any, Any]) -> FunctionType:
    """The same function, and those of glassgrad that it calls, with `numpy` in the place of NumPy."""
    if function in known:
        return known[function]  # type: ignore[no-any-return]
    scope: dict[str, Any] = {}
    copy = FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    known[function] = copy
    for key, value in function.__globals__.items():
        if value is np:
            scope[key] = numpy
        elif (
            isinstance(value, FunctionType)
            and key in function.__code__.co_names
            and value.__code__.co_filename.startswith(PACKAGE)
        ):
            scope[key] = _with_numpy(value, numpy, known)
        else:
            scope[key] = value
    return copy


def record_forward(
    op: Op, operands: list[tuple[Any, ast.expr]], fresh: Callable[[], str]
) -> tuple[Recording, ast.expr]:
    """The lines that `op.forward` amounts to on `operands` (a value and its source each), and its result.

    Raises DependsOnValues if what it does depends on values, TypeError for a static parameter that is no literal.
    """
    recording, result = _run(op, operands, Recording(fresh))
    if len(recording.lines) > SHORT and type(op) in TEXTBOOK:
        recording = Recording(fresh)
        arrays = [Recorded(value, source, recording) for value, source in operands]
        numpy = _Namespace(np, "np", recording)
        return recording, _write(TEXTBOOK[type(op)](numpy, op, *arrays))
    for question in range(1, recording.decisions + 1):
        try:
            _run(op, operands, Recording(fresh, contrary=question))
        except GlassgradError:
            continue  # it was a check, which the arrays passed
        raise DependsOnValues
    return recording, result


def _run(op: Op, operands: list[tuple[Any, ast.expr]], recording: Recording) -> tuple[Recording, ast.expr]:
    function = type(op).forward
    if not isinstance(function, FunctionType):
        raise TypeError(f"the way {op.name} is computed")
    arrays = [Recorded(value, source, recording) for value, source in operands]
    forward = _with_numpy(function, _Namespace(np, "np", recording), {})
    return recording, _write(forward(op, *arrays))


def _binary(symbol: ast.operator, compute: Callable[[Any, Any], Any]) -> tuple[Any, Any, Any]:
    def forward(x: Recorded, other: Any) -> Any:
        return x._recording.note(
            quiet.run(compute, x._value, _plain(other)), ast.BinOp(x.source, symbol, _write(other))
        )

    def reflected(x: Recorded, other: Any) -> Any:
        return x._recording.note(
            quiet.run(compute, _plain(other), x._value), ast.BinOp(_write(other), symbol, x.source)
        )

    def in_place(x: Recorded, other: Any) -> Any:
        x._value[...] = quiet.run(compute, x._value, _plain(other))
        assert isinstance(x.source, ast.Name)
        target = ast.Name(x.source.id, ast.Store())
        x._recording.change(x, ast.AugAssign(target, symbol, _write(other)))
        return x

    return forward, reflected, in_place


def _comparison(symbol: ast.cmpop, compute: Callable[[Any, Any], Any]) -> Any:
    def compare(x: Recorded, other: Any) -> Any:
        return x._recording.note(
            compute(x._value, _plain(other)), ast.Compare(x.source, [symbol], [_write(other)])
        )

    return compare


BINARY: dict[str, tuple[ast.operator, Any]] = {
    "add": (ast.Add(), operator.add),
    "sub": (ast.Sub(), operator.sub),
    "mul": (ast.Mult(), operator.mul),
    "truediv": (ast.Div(), operator.truediv),
    "floordiv": (ast.FloorDiv(), operator.floordiv),
    "mod": (ast.Mod(), operator.mod),
    "pow": (ast.Pow(), operator.pow),
    "matmul": (ast.MatMult(), operator.matmul),
    "and": (ast.BitAnd(), operator.and_),
    "or": (ast.BitOr(), operator.or_),
    "xor": (ast.BitXor(), operator.xor),
    "lshift": (ast.LShift(), operator.lshift),
    "rshift": (ast.RShift(), operator.rshift),
}
for _name, (_symbol, _compute) in BINARY.items():
    for _prefix, _method in zip(("", "r", "i"), _binary(_symbol, _compute), strict=True):
        setattr(Recorded, f"__{_prefix}{_name}__", _method)
for _name, _comparator, _compute in (
    ("eq", ast.Eq(), operator.eq),
    ("ne", ast.NotEq(), operator.ne),
    ("lt", ast.Lt(), operator.lt),
    ("le", ast.LtE(), operator.le),
    ("gt", ast.Gt(), operator.gt),
    ("ge", ast.GtE(), operator.ge),
):
    setattr(Recorded, f"__{_name}__", _comparison(_comparator, _compute))
