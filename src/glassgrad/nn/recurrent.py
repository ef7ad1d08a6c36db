"""Long short-term memory: a layer that reads a sequence step by step and keeps what it needs in a cell.

Source: Hochreiter, Schmidhuber, "Long short-term memory" (1997), with the forget gate of Gers, Schmidhuber, Cummins,
"Learning to forget" (2000).
"""

from __future__ import annotations

import math
from typing import Any

from .. import ops, random
from ..errors import ArgumentError, ShapeError
from ..graph import notice
from ..tensor import Tensor, asarray
from ..tensor.dtype import DEFAULT_FLOAT
from .arguments import require_drop_probability, require_size
from .dropout import dropout
from .module import Module
from .parameter import Parameter

State = tuple[Tensor, Tensor]
"""What is handed from step to step: the output h and the cell c."""

GATES = 4
"""Input, forget, cell and output gate, in this order, as in PyTorch."""


def _parameters(inputs: int, hidden: int, bias: bool, dtype: Any) -> dict[str, Parameter | None]:
    """The parameters of one layer in one direction, by the beginnings of their names."""
    bound = 1.0 / math.sqrt(hidden)
    rows = GATES * hidden

    def draw(*shape: int) -> Parameter:
        return Parameter(random.uniform(shape, -bound, bound, dtype=dtype))

    return {
        "weight_ih": draw(rows, inputs),
        "weight_hh": draw(rows, hidden),
        "bias_ih": draw(rows) if bias else None,
        "bias_hh": draw(rows) if bias else None,
    }


def _next(gates: Tensor, c: Tensor) -> State:
    """One step: h and c from the sums that go into the four gates, side by side on the last axis, and the old c."""
    size = c.shape[-1]
    i, f, g, o = (gates[..., k * size : (k + 1) * size] for k in range(GATES))
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(c), c


class LSTMCell(Module):
    """One step of an LSTM: (x, (h, c)) gives the next (h, c).

    i = σ(x W_iiᵀ + b_ii + h W_hiᵀ + b_hi), f and o alike, g with tanh;  c ← f c + i g;  h ← o tanh(c).

    x: (batch, input_size), or (input_size). h and c: (batch, hidden_size), or (hidden_size); zeros if the pair is not
    given. Parameters: `weight_ih` (4 hidden_size, input_size), `weight_hh` (4 hidden_size, hidden_size) and, unless
    `bias=False`, `bias_ih` and `bias_hh` (4 hidden_size), with the rows of i, f, g and o in this order; all drawn from
    U(-1/√hidden_size, 1/√hidden_size). Raises ArgumentError for sizes below 1, ShapeError for inputs that do not fit.

    >>> cell = gg.nn.LSTMCell(3, 5)
    >>> h, c = cell(gg.ones((2, 3)))
    >>> h, c = cell(gg.ones((2, 3)), (h, c))
    >>> h.shape, c.shape
    ((2, 5), (2, 5))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, *, dtype: Any = DEFAULT_FLOAT
    ) -> None:
        self.input_size = require_size("LSTMCell", "input_size", input_size)
        self.hidden_size = require_size("LSTMCell", "hidden_size", hidden_size)
        parameters = _parameters(input_size, hidden_size, bias, dtype)
        self.weight_ih, self.weight_hh = parameters["weight_ih"], parameters["weight_hh"]
        self.bias_ih, self.bias_hh = parameters["bias_ih"], parameters["bias_hh"]

    def forward(self, x: Any, hx: tuple[Any, Any] | None = None) -> State:
        """The next h and c."""
        x = asarray(x)
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ShapeError(
                f"LSTMCell expects input of shape (batch, {self.input_size}) or ({self.input_size},), one step of a "
                f"sequence; got {x.shape}{'. nn.LSTM reads a whole sequence' if x.ndim == 3 else ''}"
            )
        h, c = _state("LSTMCell", hx, (*x.shape[:-1], self.hidden_size), self.weight_ih)
        gates = ops.matmul(x, ops.matrix_transpose(self.weight_ih))
        gates = gates + ops.matmul(h, ops.matrix_transpose(self.weight_hh))
        return _next(gates if self.bias_ih is None else gates + (self.bias_ih + self.bias_hh), c)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.input_size}, {self.hidden_size}{', bias=False' if self.bias_ih is None else ''}"


def _state(name: str, hx: Any, shape: tuple[int, ...], like: Any) -> State:
    """The pair (h, c), zeros if it is not given. Raises ArgumentError, ShapeError."""
    if hx is None:
        zeros = ops.zeros(shape, dtype=like.dtype)
        return zeros, zeros
    if not (isinstance(hx, tuple | list) and len(hx) == 2):
        got = f"{type(hx).__name__} of {len(hx)}" if isinstance(hx, tuple | list) else type(hx).__name__
        raise ArgumentError(f"{name} needs its state as a pair (h, c) of tensors; got {got}")
    h, c = map(asarray, hx)
    for what, given in (("h", h), ("c", c)):
        if given.shape != shape:
            raise ShapeError(
                f"{name} needs a state {what} of shape {shape} for this input; got {given.shape}"
            )
    return h, c


class LSTM(Module):
    """An LSTM over whole sequences: (steps, batch, input_size) gives (steps, batch, hidden_size), and the last state.

    `output, (h, c) = lstm(x, (h, c))`: `output` is the h of the last layer at every step; h and c, zeros if not given,
    are (layers, batch, hidden_size). With `batch_first` input and output, but not h and c, are (batch, steps, ...).
    Without batch all of them lack that axis. See `LSTMCell` for what a step computes.

    num_layers: how many layers, each reading the output of the one before. dropout: the probability with which, in
    training, an element of what a layer hands to the next is dropped. bidirectional: beside each layer one that reads
    backwards; outputs are side by side, (..., 2 hidden_size), and "layers" above counts both.

    Parameters, for layer k, and with `_reverse` behind the name for one that reads backwards: `weight_ih_lk`
    (4 hidden_size, its inputs), `weight_hh_lk`, `bias_ih_lk`, `bias_hh_lk`, as in `LSTMCell`.
    Raises ArgumentError for settings, ShapeError for inputs that do not fit.

    >>> lstm = gg.nn.LSTM(3, 5, num_layers=2, batch_first=True)
    >>> output, (h, c) = lstm(gg.ones((4, 7, 3)))
    >>> output.shape, h.shape, c.shape
    ((4, 7, 5), (2, 4, 5), (2, 4, 5))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = DEFAULT_FLOAT,
    ) -> None:
        self.input_size = require_size("LSTM", "input_size", input_size)
        self.hidden_size = require_size("LSTM", "hidden_size", hidden_size)
        self.num_layers = require_size("LSTM", "num_layers", num_layers)
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = require_drop_probability(dropout)
        self.bidirectional = bidirectional
        if dropout and num_layers == 1:
            notice(
                f"LSTM(dropout={dropout}) drops between layers, and with num_layers=1 there is nothing between. "
                f"nn.Dropout after it drops from its output."
            )
        for layer, suffixes in enumerate(self._suffixes()):
            inputs = hidden_size * len(suffixes) if layer else input_size
            for suffix in suffixes:
                for name, parameter in _parameters(inputs, hidden_size, bias, dtype).items():
                    if parameter is not None:
                        setattr(self, f"{name}_{suffix}", parameter)

    def _suffixes(self) -> list[list[str]]:
        """What the parameters' names end in, layer by layer: forwards, then backwards."""
        directions = ("", "_reverse") if self.bidirectional else ("",)
        return [[f"l{layer}{direction}" for direction in directions] for layer in range(self.num_layers)]

    def _parameter(self, name: str, suffix: str) -> Any:
        return getattr(self, f"{name}_{suffix}")

    def forward(self, x: Any, hx: tuple[Any, Any] | None = None) -> tuple[Tensor, State]:
        """The output at every step, and the last state."""
        x = asarray(x)
        self._require_fitting(x)
        time = 1 if self.batch_first and x.ndim == 3 else 0
        batch = (x.shape[1 - time],) if x.ndim == 3 else ()
        layers, like = self._suffixes(), self._parameter("weight_ih", "l0")
        h, c = _state("LSTM", hx, (len(layers) * len(layers[0]), *batch, self.hidden_size), like)
        sequence = ops.moveaxis(x, time, 0)
        # the only step multiplies zeros, too: `weight_hh` has a gradient then, zero
        is_given = hx is not None or sequence.shape[0] == 1
        steps: list[Tensor] = []
        last: list[State] = []
        for suffixes in layers:
            if steps:
                sequence = dropout(ops.stack(steps), self.dropout, self.training)
            readings = [
                self._read(sequence, suffix, h[place] if is_given else None, c[place])
                for place, suffix in enumerate(suffixes, len(last))
            ]
            steps, *backwards = (found for found, _ in readings)
            if backwards:
                steps = [ops.concat(pair, axis=-1) for pair in zip(steps, *backwards, strict=True)]
            last += [state for _, state in readings]
        return ops.stack(steps, axis=time), (ops.stack([h for h, _ in last]), ops.stack([c for _, c in last]))

    def _read(self, sequence: Tensor, suffix: str, h: Tensor | None, c: Tensor) -> tuple[list[Tensor], State]:
        """The h of every step of one layer in one direction, in the order of the sequence, and its last state.

        Without h, which is zero then, the first step has nothing to multiply.
        """
        weight_ih, weight_hh = self._parameter("weight_ih", suffix), self._parameter("weight_hh", suffix)
        rows = ops.reshape(sequence, (math.prod(sequence.shape[:-1]), sequence.shape[-1]))
        inputs = ops.matmul(rows, ops.matrix_transpose(weight_ih))
        if self.bias:
            inputs = inputs + (self._parameter("bias_ih", suffix) + self._parameter("bias_hh", suffix))
        inputs = ops.reshape(inputs, (*sequence.shape[:-1], inputs.shape[-1]))
        recurrent = ops.matrix_transpose(weight_hh)
        direction = -1 if suffix.endswith("_reverse") else 1
        found: list[Tensor] = []
        for step in _steps(inputs)[::direction]:
            h, c = _next(step if h is None else step + ops.matmul(h, recurrent), c)
            found.append(h)
        assert h is not None  # there is at least one step
        return found[::direction], (h, c)

    def _require_fitting(self, x: Tensor) -> None:
        order = f"batch, steps, {self.input_size}" if self.batch_first else f"steps, batch, {self.input_size}"
        expected = f"LSTM expects input of shape ({order}), or (steps, {self.input_size}) without batch"
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ShapeError(f"{expected}; got {x.shape}")
        if x.shape[1 if self.batch_first and x.ndim == 3 else 0] == 0:
            raise ShapeError(f"{expected}, with at least one step; got {x.shape}")

    def extra_repr(self) -> str:
        """The settings that are not the default."""
        shown = f"{self.input_size}, {self.hidden_size}"
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        return shown + "".join(
            f", {name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value
        )


def _steps(x: Tensor) -> list[Tensor]:
    """The tensors along the first axis.

    By halves, because the gradient of each piece is laid into zeros of the size of what it was cut from: with n pieces
    cut from the whole that would take n² of memory traffic, this way n log n.
    """
    count = x.shape[0]
    if count == 1:
        return [ops.squeeze(x, 0)]
    return _steps(x[: count // 2]) + _steps(x[count // 2 :])
