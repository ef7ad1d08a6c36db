"""The multi-head attention layer: several attentions side by side, each on its own projection of the input."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, DTypeError, ShapeError
from ..tensor import Tensor, asarray
from ..tensor.dtype import DEFAULT_FLOAT
from . import init
from .arguments import require_drop_probability, require_size
from .attention import attention_weights, causal_mask
from .dropout import dropout
from .functional import linear
from .linear import Linear
from .module import Module
from .parameter import Parameter

NAME = "MultiheadAttention"


class MultiheadAttention(Module):
    """Attention in `num_heads` parts of the features: `output, weights = layer(query, key, value)`.

    query: (L, batch, embed_dim), key: (S, batch, kdim), value: (S, batch, vdim); with `batch_first` (batch, L, ...);
    or all without batch. `output` has the shape of the query. `weights` is (batch, L, S), the mean over the heads, or
    (batch, num_heads, L, S) with `average_attn_weights=False`; None with `need_weights=False`.

    key_padding_mask: (batch, S) or (S), attn_mask: (L, S) or (batch num_heads, L, S). Booleans, where True means that
    a key is *not* seen (the opposite of `scaled_dot_product_attention`, as in PyTorch), or floats that are added to the
    scores. is_causal: query i sees the keys 0 ... i only. A query that sees no key gets the mean of no values, 0.

    Parameters: `in_proj_weight` (3 embed_dim, embed_dim), the projections of query, key and value one below the other,
    drawn by `init.xavier_uniform_`; or `q_proj_weight`, `k_proj_weight`, `v_proj_weight` if kdim or vdim is given and
    another; `out_proj.weight`, `out_proj.bias`; and unless `bias=False` `in_proj_bias` (3 embed_dim); biases are 0.
    dropout: the probability with which weights are dropped in training. Raises ArgumentError, ShapeError, DTypeError.

    Source: Vaswani et al., "Attention is all you need" (2017).

    >>> layer = gg.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = gg.ones((3, 5, 8))
    >>> output, weights = layer(x, x, x)
    >>> output.shape, weights.shape
    ((3, 5, 8), (3, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        *,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        dtype: Any = DEFAULT_FLOAT,
    ) -> None:
        self.embed_dim = require_size(NAME, "embed_dim", embed_dim)
        self.num_heads = require_size(NAME, "num_heads", num_heads)
        if embed_dim % num_heads:
            raise ArgumentError(
                f"{NAME} divides embed_dim among the heads, so it must be a multiple of num_heads; got embed_dim="
                f"{embed_dim} and num_heads={num_heads}"
            )
        self.dropout = require_drop_probability(dropout)
        self.kdim = embed_dim if kdim is None else require_size(NAME, "kdim", kdim)
        self.vdim = embed_dim if vdim is None else require_size(NAME, "vdim", vdim)
        self.batch_first = batch_first

        def draw(rows: int, columns: int) -> Parameter:
            weight = Parameter(ops.zeros((rows, columns), dtype=dtype))
            init.xavier_uniform_(weight)
            return weight

        if self.kdim == self.vdim == embed_dim:
            self.in_proj_weight = draw(3 * embed_dim, embed_dim)
        else:
            self.q_proj_weight = draw(embed_dim, embed_dim)
            self.k_proj_weight = draw(embed_dim, self.kdim)
            self.v_proj_weight = draw(embed_dim, self.vdim)
        self.in_proj_bias = Parameter(ops.zeros(3 * embed_dim, dtype=dtype)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype=dtype)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The attended values, and the weights."""
        same = query is key is value
        q, k, v = asarray(query), asarray(key), asarray(value)
        alone = q.ndim == 2
        self._require_fitting(q, k, v)
        if alone:
            q, k, v = (ops.expand_dims(x, 0) for x in (q, k, v))
        elif not self.batch_first:
            q, k, v = (ops.moveaxis(x, 1, 0) for x in (q, k, v))
        heads = [
            self._in_heads(x) for x in (self._projected_at_once(q) if same else self._projected(q, k, v))
        ]
        mask = self._mask(key_padding_mask, attn_mask, is_causal, len(q), q.shape[1], k.shape[1], alone)
        weights = attention_weights(heads[0], heads[1], mask)
        if self.training:
            weights = dropout(weights, self.dropout)
        joined = ops.moveaxis(ops.matmul(weights, heads[2]), 1, 2)
        output = self.out_proj(ops.reshape(joined, q.shape))
        if alone:
            output, weights = ops.squeeze(output, 0), ops.squeeze(weights, 0)
        elif not self.batch_first:
            output = ops.moveaxis(output, 0, 1)
        if not need_weights:
            return output, None
        return output, ops.mean(weights, axis=-3) if average_attn_weights else weights

    def _projected_at_once(self, x: Tensor) -> list[Tensor]:
        """Query, key and value of the same tensor, by one product if they have one weight."""
        if self.kdim != self.embed_dim or self.vdim != self.embed_dim:
            return self._projected(x, x, x)
        return self._thirds(linear(x, self.in_proj_weight, self.in_proj_bias))

    def _projected(self, q: Tensor, k: Tensor, v: Tensor) -> list[Tensor]:
        """Query, key and value."""
        if self.kdim == self.vdim == self.embed_dim:
            weights = self._rows(self.in_proj_weight)
        else:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        biases = [None] * 3 if self.in_proj_bias is None else self._rows(self.in_proj_bias)
        return [linear(x, weight, bias) for x, weight, bias in zip((q, k, v), weights, biases, strict=True)]

    def _rows(self, x: Tensor) -> list[Tensor]:
        return [x[i * self.embed_dim : (i + 1) * self.embed_dim] for i in range(3)]

    def _thirds(self, x: Tensor) -> list[Tensor]:
        return [x[..., i * self.embed_dim : (i + 1) * self.embed_dim] for i in range(3)]

    def _in_heads(self, x: Tensor) -> Tensor:
        """(batch, positions, embed_dim) as (batch, num_heads, positions, embed_dim / num_heads)."""
        split = ops.reshape(x, (*x.shape[:2], self.num_heads, self.embed_dim // self.num_heads))
        return ops.moveaxis(split, 1, 2)

    def _mask(
        self, padding: Any, mask: Any, is_causal: bool, batch: int, queries: int, keys: int, alone: bool
    ) -> Tensor | None:
        """All masks as one, in the sense of `scaled_dot_product_attention`, broadcast to the scores; None for none."""
        parts = [causal_mask(queries, keys)] if is_causal else []
        if mask is not None:
            given = _as_mask("attn_mask", mask, {(queries, keys), (batch * self.num_heads, queries, keys)})
            parts.append(
                given if given.ndim == 2 else ops.reshape(given, (batch, self.num_heads, queries, keys))
            )
        if padding is not None:
            given = _as_mask("key_padding_mask", padding, {(keys,) if alone else (batch, keys)})
            parts.append(ops.reshape(given, (batch, 1, 1, keys)))
        if not parts:
            return None
        if all(part.dtype.kind == "b" for part in parts):
            joint = parts[0]
            for part in parts[1:]:
                joint = ops.logical_and(joint, part)
            return joint
        floats = [part if part.dtype.kind == "f" else ops.where(part, 0.0, -np.inf) for part in parts]
        joint = floats[0]
        for part in floats[1:]:
            joint = joint + part
        return joint

    def _require_fitting(self, q: Tensor, k: Tensor, v: Tensor) -> None:
        order = "(batch, positions, features)" if self.batch_first else "(positions, batch, features)"
        got = f"got query {q.shape}, key {k.shape} and value {v.shape}"
        if q.ndim not in (2, 3) or not q.ndim == k.ndim == v.ndim:
            raise ShapeError(
                f"{NAME} needs query, key and value all as {order} or (positions, features); {got}"
            )
        features = (self.embed_dim, self.kdim, self.vdim)
        if (q.shape[-1], k.shape[-1], v.shape[-1]) != features:
            raise ShapeError(
                f"{NAME} expects {features[0]}, {features[1]} and {features[2]} features on the last axes; {got}"
            )
        time = 1 if self.batch_first and q.ndim == 3 else 0
        batches = {x.shape[1 - time] for x in (q, k, v)} if q.ndim == 3 else {1}
        if len(batches) != 1 or k.shape[time] != v.shape[time] or k.shape[time] == 0:
            raise ShapeError(
                f"{NAME} needs {order}, with one batch size, and as many values as keys, at least one; {got}"
            )


def _as_mask(name: str, given: Any, shapes: set[tuple[int, ...]]) -> Tensor:
    """The mask with True for what is seen, or floats as they are. Raises ShapeError, DTypeError."""
    mask = asarray(given)
    if mask.shape not in shapes:
        expected = " or ".join(map(str, sorted(shapes, key=len)))
        raise ShapeError(f"{NAME} needs {name} of shape {expected}; got {mask.shape}")
    if mask.dtype.kind not in "bf":
        raise DTypeError(
            f"{NAME} needs {name} as booleans, True for what is not seen, or as floats that are added; got {mask.dtype}"
        )
    return ops.logical_not(mask) if mask.dtype.kind == "b" else mask
