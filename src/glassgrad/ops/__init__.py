"""Every op and the public function that applies it, by family."""

from . import (
    activation,
    arithmetic,
    compare,
    contract,
    create,
    exponential,
    index,
    linalg,
    reduce,
    shape,
    sort,
    trigonometric,
)

FAMILIES = (arithmetic, exponential, trigonometric, compare, shape, index, reduce, contract, sort, activation, create)
