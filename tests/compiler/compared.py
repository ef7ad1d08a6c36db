"""What tests of the compiler share: a call compared with the same call as it is."""

from typing import Any

import numpy as np

from glassgrad.compiler import Compiled, compile
from glassgrad.tensor import Tensor, tree

RELATIVE = {4: 1e-5, 8: 1e-12}
"""The largest difference from eager, by the bytes of a float, relative to the largest number of the result."""


def assert_close(found: Any, wanted: Any) -> None:
    """Trees of tensors with the same structure, dtypes, shapes and, to rounding, values."""
    left, _ = tree.flatten(found)
    right, _ = tree.flatten(wanted)
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        assert isinstance(a, Tensor) == isinstance(b, Tensor)
        if isinstance(a, Tensor):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            assert_arrays_close(a.numpy(), b.numpy())
        else:
            assert a == b


def assert_arrays_close(a: Any, b: Any) -> None:
    if b.dtype.kind not in "fc" or b.dtype.itemsize == 2:
        np.testing.assert_array_equal(a, b)
        return
    tolerance = RELATIVE[b.dtype.itemsize // (2 if b.dtype.kind == "c" else 1)]
    finite = np.abs(b[np.isfinite(b)])
    scale = finite.max(initial=0.0)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def assert_same(function: Any, *args: Any, calls: int = 3, **options: Any) -> Compiled:
    """Compiled and as it is, `function` gives the same at each of several calls, the last of which take the fast way.

    Returns the compiled function.
    """
    compiled = compile(function)
    for _ in range(calls):
        assert_close(compiled(*args, **options), function(*args, **options))
    return compiled
