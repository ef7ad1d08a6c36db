"""Einstein summation: products of tensors whose axes are named by letters, summed over the letters that vanish."""

from __future__ import annotations

import itertools
import math
from typing import Any

from ..errors import ArgumentError, DTypeError, ShapeError
from ..tensor import Tensor, asarray
from ..tensor.dtype import promote
from .contract import matmul
from .reduce import sum
from .shape import astype, permute_dims, reshape, squeeze

__all__ = ["einsum"]

Labels = tuple[str, ...]
"""One label per axis: a letter, or for an axis of an ellipsis its distance from the right, as `...-1`."""


def einsum(subscripts: str, /, *operands: Any) -> Tensor:
    """The sum over products that `subscripts` describes: one letter per axis, operands separated by commas.

    Letters behind `->` are the axes of the result in that order; all others are summed over. Without `->` those are the
    letters that occur once, in alphabetical order. A letter twice in one operand takes its diagonal. `...` stands for
    axes without letter, which broadcast and come first in a result without `->`. Numeric dtypes, promoted.

    Composed of diagonals, sums and matrix products, so that gradients and stacks need no rule of their own. Of three
    operands or more, the pair that saves the most memory is multiplied first; of equal ones
    that with the fewest multiplications.

    Raises ArgumentError for subscripts that make no sense, ShapeError if they do not fit the operands, DTypeError for
    booleans.

    >>> a, b = gg.asarray([[1.0, 2.0], [3.0, 4.0]]), gg.asarray([5.0, 6.0])
    >>> gg.einsum("ij,j->i", a, b), gg.einsum("ii", a), gg.einsum("i,j->ji", b, b).shape
    (tensor([17., 39.]), tensor(5.), (2, 2))
    """
    if not isinstance(subscripts, str):
        raise ArgumentError(
            f"einsum takes subscripts such as 'ij,jk->ik' first, then the tensors; got {type(subscripts).__name__}"
        )
    tensors = [asarray(x) for x in operands]
    terms, wanted = _parse(subscripts, tensors)
    for place, x in enumerate(tensors):
        if x.dtype.kind == "b":
            raise DTypeError(
                f"einsum needs int, float or complex operands; got bool for operand {place}. "
                f"gg.astype(x, gg.float32) converts."
            )
    dtype = promote({x.dtype for x in tensors})
    sizes = _sizes(subscripts, terms, tensors)
    ready = [_prepared(x, term, sizes) for x, term in zip(tensors, terms, strict=True)]
    while len(ready) > 1:
        first, second = _best_pair(ready, wanted, sizes)
        rest = [part for place, part in enumerate(ready) if place not in (first, second)]
        needed = set(wanted).union(*(labels for _, labels in rest))
        ready = [*rest, _multiplied(ready[first], ready[second], needed, sizes)]
    x, labels = _summed(*ready[0], set(wanted))
    order = [labels.index(label) for label in wanted]
    x = x if order == list(range(x.ndim)) else permute_dims(x, order)
    return astype(x, dtype)


# --- reading subscripts -----------------------------------------------------------------------------------------


def _parse(subscripts: str, tensors: list[Tensor]) -> tuple[list[Labels], Labels]:
    """The labels of each operand and of the result."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    written = left.split(",")
    if len(written) != len(tensors) or not tensors:
        raise ArgumentError(
            f"einsum got subscripts {subscripts!r} for {len(written)} operands, and {len(tensors)} tensors. "
            f"A comma separates operands."
        )
    terms = [
        _labels(term, subscripts, place, x.ndim)
        for place, (term, x) in enumerate(zip(written, tensors, strict=True))
    ]
    used = list(itertools.chain(*terms))
    hidden = sorted({label for label in used if label.startswith(".")}, key=lambda label: int(label[3:]))
    if not arrow:
        once = sorted(label for label in set(used) if used.count(label) == 1 and label not in hidden)
        return terms, (*hidden, *once)
    if hidden and "..." not in right:
        raise ArgumentError(
            f"einsum would lose the axes of '...' in {subscripts!r}: write '...' behind '->' too, or letters "
            f"for axes that are to be summed over"
        )
    wanted = _labels(right, subscripts, None, len(right.replace("...", "")) + len(hidden))
    unknown = [label for label in wanted if label not in used]
    if unknown:
        raise ArgumentError(
            f"einsum got {unknown[0]!r} behind '->' in {subscripts!r}, but no operand has that letter"
        )
    twice = [label for label in wanted if wanted.count(label) > 1]
    if twice:
        raise ArgumentError(
            f"einsum got {twice[0]!r} twice behind '->' in {subscripts!r}; a letter names one axis of the result"
        )
    return terms, wanted


def _labels(term: str, subscripts: str, place: int | None, ndim: int) -> Labels:
    """One label for each of `ndim` axes."""
    where = "the result" if place is None else f"operand {place}"
    before, dots, behind = term.partition("...")
    for symbol in before + behind:
        if not (symbol.isascii() and symbol.isalpha()):
            raise ArgumentError(
                f"einsum names axes by the letters a-z and A-Z; got {symbol!r} for {where} in {subscripts!r}"
            )
    unnamed = ndim - len(before) - len(behind)
    if unnamed < 0 or (unnamed and not dots):
        raise ShapeError(
            f"einsum got {len(before) + len(behind)} letters for {where} in {subscripts!r}, which has {ndim} axes."
            f"{' Letters and axes must be as many; ... stands for any number of axes.' if not dots else ''}"
        )
    return (*before, *(f"...{axis}" for axis in range(-unnamed, 0)), *behind)


def _sizes(subscripts: str, terms: list[Labels], tensors: list[Tensor]) -> dict[str, int]:
    """How long each label's axes are."""
    sizes: dict[str, int] = {}
    owner: dict[str, int] = {}
    for place, (term, x) in enumerate(zip(terms, tensors, strict=True)):
        for label, size in zip(term, x.shape, strict=True):
            known = sizes.setdefault(label, size)
            owner.setdefault(label, place)
            if label.startswith(".") and known == 1:
                sizes[label], owner[label] = size, place
            elif size != known and not (label.startswith(".") and size == 1):
                what = f"the axis {label[3:]} of '...'" if label.startswith(".") else repr(label)
                raise ShapeError(
                    f"einsum needs {what} of one size in {subscripts!r}; got {known} in operand {owner[label]} of "
                    f"shape {tensors[owner[label]].shape} and {size} in operand {place} of shape {x.shape}"
                )
    return sizes


# --- calculating ------------------------------------------------------------------------------------------------

Part = tuple[Tensor, Labels]


def _prepared(x: Tensor, labels: Labels, sizes: dict[str, int]) -> Part:
    """An operand without axes that only broadcast, and with the diagonal where a letter stands twice."""
    single = tuple(
        axis
        for axis, label in enumerate(labels)
        if label.startswith(".") and x.shape[axis] == 1 and sizes[label] != 1
    )
    if single:
        x, labels = (
            squeeze(x, single),
            tuple(label for axis, label in enumerate(labels) if axis not in single),
        )
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            x, labels = _diagonal(x, labels, first, labels.index(label, first + 1))
    return x, labels


def _diagonal(x: Tensor, labels: Labels, first: int, second: int) -> Part:
    """The diagonal of two axes: of all n * n pairs in a row, every (n + 1)th."""
    n = x.shape[first]
    others = [axis for axis in range(x.ndim) if axis not in (first, second)]
    pairs = permute_dims(x, [*others, first, second])
    row = reshape(pairs, (*pairs.shape[:-2], n * n))
    return row[..., :: n + 1], (*(labels[axis] for axis in others), labels[first])


def _summed(x: Tensor, labels: Labels, needed: set[str]) -> Part:
    """A part without the labels that nobody needs."""
    axes = tuple(axis for axis, label in enumerate(labels) if label not in needed)
    if not axes:
        return x, labels
    total = astype(sum(x, axis=axes), x.dtype)
    return total, tuple(label for label in labels if label in needed)


def _best_pair(parts: list[Part], wanted: Labels, sizes: dict[str, int]) -> tuple[int, int]:
    """Which two to multiply next: those whose product is smallest against what it replaces, then with fewest steps."""

    def size(labels: set[str]) -> int:
        return math.prod(sizes[label] for label in labels)

    def cost(pair: tuple[int, int]) -> tuple[int, int]:
        first, second = (set(parts[place][1]) for place in pair)
        others = (labels for place, (_, labels) in enumerate(parts) if place not in pair)
        kept = (first | second) & set(wanted).union(*others)
        return size(kept) - size(first) - size(second), size(first | second)

    return min(itertools.combinations(range(len(parts)), 2), key=cost)


def _multiplied(left: Part, right: Part, needed: set[str], sizes: dict[str, int]) -> Part:
    """Two parts as one stack of matrix products, summed over the labels they share and nobody needs."""
    left = _summed(*left, needed | set(right[1]))
    right = _summed(*right, needed | set(left[1]))
    shared = [label for label in left[1] if label in right[1]]
    stacked = [label for label in shared if label in needed]
    summed = [label for label in shared if label not in needed]
    rows = [label for label in left[1] if label not in shared]
    columns = [label for label in right[1] if label not in shared]
    tall = _as_matrices(left, (stacked, rows, summed), sizes)
    wide = _as_matrices(right, (stacked, summed, columns), sizes)
    product = matmul(tall, wide) if summed else tall * wide  # an outer product needs no sum
    labels = (*stacked, *rows, *columns)
    return reshape(product, [sizes[label] for label in labels]), labels


def _as_matrices(part: Part, groups: tuple[list[str], ...], sizes: dict[str, int]) -> Tensor:
    """The axes in three groups, each merged into one axis."""
    x, labels = part
    order = [labels.index(label) for label in itertools.chain(*groups)]
    x = x if order == list(range(x.ndim)) else permute_dims(x, order)
    return reshape(x, [math.prod(sizes[label] for label in group) for group in groups])
