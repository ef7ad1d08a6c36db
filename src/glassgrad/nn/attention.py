"""Attention: means of values, weighted by how well their keys fit a query."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, DTypeError, ShapeError
from ..tensor import Tensor, asarray
from .dropout import dropout


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(query keyᵀ · scale) value: for each query a mean of the values, weighted by how well their keys fit it.

    query: (..., L, E), key: (..., S, E), value: (..., S, V), real float; leading axes broadcast. Gives (..., L, V).
    attn_mask, broadcast to (..., L, S): boolean, True where a query sees a key, or float, added to the scores.
    is_causal: query i sees the keys 0 ... i only; not together with attn_mask. A query that sees no key gives zeros.
    dropout_p: with this probability a weight is dropped, here always; pass 0 in evaluation. scale: 1/√E if not given.

    Raises ShapeError, DTypeError, ArgumentError. Source: Vaswani et al., "Attention is all you need" (2017).

    >>> q, k, v = (gg.ones((2, 4, 6, 8)) for _ in range(3))
    >>> gg.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).shape
    (2, 4, 6, 8)
    """
    q, k, v = asarray(query), asarray(key), asarray(value)
    _require_fitting(q, k, v)
    if is_causal and attn_mask is not None:
        raise ArgumentError(
            "scaled_dot_product_attention takes is_causal or attn_mask, not both: put the one into the other, "
            "mask & gg.tril(gg.ones_like(mask))"
        )
    mask = causal_mask(q.shape[-2], k.shape[-2]) if is_causal else attn_mask
    weights = attention_weights(q, k, mask, scale)
    return ops.matmul(dropout(weights, dropout_p), v)


def causal_mask(queries: int, keys: int) -> Tensor:
    """True where a key is not later than the query.

    >>> causal_mask(2, 3)
    tensor([[ True, False, False],
            [ True,  True, False]])
    """
    return asarray(np.tri(queries, keys, dtype=bool))


def attention_weights(query: Tensor, key: Tensor, mask: Any = None, scale: float | None = None) -> Tensor:
    """softmax(query keyᵀ · scale) over the keys that the mask lets a query see; 0 for the others.

    >>> attention_weights(gg.ones((1, 2)), gg.ones((2, 2)))
    tensor([[0.5, 0.5]])
    """
    factor = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = ops.matmul(query * factor, ops.matrix_transpose(key))
    if mask is None:
        return ops.softmax(scores)
    given = asarray(mask)
    if given.dtype.kind not in "bf":
        raise DTypeError(
            f"attention needs a mask of booleans, or of floats that are added; got {given.dtype} of shape {given.shape}"
        )
    fits = given.ndim <= scores.ndim and all(
        size in (1, whole) for size, whole in zip(given.shape[::-1], scores.shape[::-1], strict=False)
    )
    if not fits:
        raise ShapeError(
            f"attention needs a mask that can be broadcast to the scores {scores.shape}, of queries and keys; got "
            f"{given.shape}"
        )
    seen = given
    if given.dtype.kind == "f":
        seen = given != -math.inf
        scores = scores + ops.astype(given, scores.dtype)
    # a finite number, because the softmax of a row of infinities has no value, and no gradient
    lowest = float(np.finfo(scores.dtype).min)
    weights = ops.softmax(ops.where(seen, scores, lowest))
    all_see = seen.value is not None and bool(seen.value.any(-1).all())
    return weights if all_see else ops.where(seen, weights, 0.0)


def _require_fitting(q: Tensor, k: Tensor, v: Tensor) -> None:
    shapes = f"query {q.shape}, key {k.shape} and value {v.shape}"
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ShapeError(
            f"scaled_dot_product_attention needs query (..., L, E), key (..., S, E) and value (..., S, V); got {shapes}"
        )
    if q.shape[-1] == 0 or k.shape[-2] == 0:
        raise ShapeError(f"scaled_dot_product_attention needs at least one key and one feature; got {shapes}")
    if {q.dtype.kind, k.dtype.kind, v.dtype.kind} != {"f"}:
        raise DTypeError(
            f"scaled_dot_product_attention needs float tensors; got query {q.dtype}, key {k.dtype} and value {v.dtype}"
        )
