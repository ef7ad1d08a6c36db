"""Random graphs: machine code, the NumPy program and eager execution agree, derivatives included."""

from typing import Any

import numpy as np
import pytest
from compared import RELATIVE
from hypothesis import HealthCheck, assume, given, settings, strategies as st
from random_graphs import Program, programs

import glassgrad as gg
from glassgrad.compiler import compile
from glassgrad.compiler.passes import chosen
from glassgrad.compiler.runtime import numpy as reference

EXAMPLES = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module", autouse=True)
def tables_are_small() -> Any:
    """Products with chosen rows are made before choosing, however small the gain."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chosen, "MOVED", 0)
        yield


def arrays(program: Program, dtype: Any, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in program.shapes]


def noise_of(run: Any, inputs: list[Any], dtype: Any) -> list[Any]:
    """How far rounding alone moves each result of an eager run, from a run in the other dtype.

    A program that multiplies rounding errors by 10,000, or stands so near a choice that they decide it, is left out.
    """
    exact = [result.numpy() for result in run(*(gg.asarray(x.astype(np.float64)) for x in inputs))]
    single = [result.numpy() for result in run(*(gg.asarray(x.astype(np.float32)) for x in inputs))]
    noise = [np.abs(a - b).max(initial=0.0) for a, b in zip(exact, single, strict=True)]
    assume(all(moved <= 1e-3 * scale_of(result) for moved, result in zip(noise, exact, strict=True)))
    return [moved * (np.finfo(dtype).eps / np.finfo(np.float32).eps) for moved in noise]


def scale_of(array: Any) -> float:
    return max(1.0, float(np.abs(array).max(initial=0.0)))


def assert_agree(program: Program, found: Any, wanted: Any, noise: list[Any]) -> None:
    for place, (a, b, moved) in enumerate(zip(found, wanted, noise, strict=True)):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        tolerance = RELATIVE[b.dtype.itemsize] * scale_of(b) + 4 * moved
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance, err_msg=f"result {place} of\n{program}")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@EXAMPLES
@given(program=programs(), seed=st.integers(0, 1000))
def test_values(dtype: Any, program: Program, seed: int) -> None:
    inputs = arrays(program, dtype, seed)
    noise = noise_of(program, inputs, dtype)
    eager = [result.numpy() for result in program(*map(gg.asarray, inputs))]
    compiled = compile(program)
    found = [result.numpy() for result in compiled(*inputs)]
    assert_agree(program, found, eager, noise)
    assert_agree(program, reference.Program(compiled.graph)(inputs), eager, noise)
    compiled(*arrays(program, dtype, seed + 1))
    for again, before in zip(compiled(*inputs), found, strict=True):
        np.testing.assert_array_equal(again.numpy(), before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@EXAMPLES
@given(program=programs(), seed=st.integers(0, 1000))
def test_gradients(dtype: Any, program: Program, seed: int) -> None:
    def run(*inputs: Any) -> list[Any]:
        value, gradients = gg.value_and_grad(program.loss, argnums=(0, 1, 2))(*inputs)
        return [value, *gradients]

    inputs = arrays(program, dtype, seed)
    noise = noise_of(run, inputs, dtype)
    eager = [result.numpy() for result in run(*map(gg.asarray, inputs))]
    found = [result.numpy() for result in compile(run)(*inputs)]
    assert_agree(program, found, eager, noise)
