"""Random graphs: machine code, the NumPy program and eager execution agree, derivatives included."""

from typing import Any

import numpy as np
import pytest
from compared import RELATIVE
from hypothesis import HealthCheck, given, settings, strategies as st
from random_graphs import Program, programs

import glassgrad as gg
from glassgrad.compiler import compile
from glassgrad.compiler.runtime import numpy as reference

EXAMPLES = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def arrays(program: Program, dtype: Any, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in program.shapes]


def assert_agree(program: Program, found: Any, wanted: Any) -> None:
    """To the rounding that the program itself shows when it is run with more digits."""
    for place, (a, b) in enumerate(zip(found, wanted, strict=True)):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        tolerance = RELATIVE[b.dtype.itemsize]
        scale = max(1.0, float(np.abs(b).max(initial=0.0)))
        np.testing.assert_allclose(
            a, b, rtol=tolerance, atol=tolerance * scale, err_msg=f"result {place} of\n{program}"
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@EXAMPLES
@given(program=programs(), seed=st.integers(0, 1000))
def test_values(dtype: Any, program: Program, seed: int) -> None:
    inputs = arrays(program, dtype, seed)
    eager = [result.numpy() for result in program(*map(gg.asarray, inputs))]
    compiled = compile(program)
    found = [result.numpy() for result in compiled(*inputs)]
    assert_agree(program, found, eager)
    assert_agree(program, reference.Program(compiled.graph)(inputs), eager)
    again = arrays(program, dtype, seed + 1)
    assert_agree(
        program, [r.numpy() for r in compiled(*again)], [r.numpy() for r in program(*map(gg.asarray, again))]
    )
    assert_agree(program, [r.numpy() for r in compiled(*inputs)], found)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@EXAMPLES
@given(program=programs(), seed=st.integers(0, 1000))
def test_gradients(dtype: Any, program: Program, seed: int) -> None:
    inputs = [gg.asarray(array) for array in arrays(program, dtype, seed)]
    run = gg.value_and_grad(program.loss, argnums=(0, 1, 2))
    value, gradients = run(*inputs)
    found, found_gradients = compile(run)(*inputs)
    assert_agree(program, [found.numpy()], [value.numpy()])
    assert_agree(program, [g.numpy() for g in found_gradients], [g.numpy() for g in gradients])
