"""Every elementwise op in float32 within 2 ULP of the exact value, over its whole domain; in float64 within a bound
for each. The points and the exact values are in `accuracy`, the figures in `docs/accuracy.md`."""

import importlib.util
from pathlib import Path

import accuracy
import mpmath
import numpy as np
import pytest
from accuracy import CASES, Case

import glassgrad as gg
from glassgrad.expr import special_coefficients
from glassgrad.graph import quiet
from glassgrad.ops import exponential
from glassgrad.tensor import apply

DOCS = Path(__file__).parents[2] / "docs"
NAMES = [f"{case.name} {i}" for i, case in enumerate(CASES)]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_float32(case, record_property):
    error, at = accuracy.worst(case, np.float32, 1200)
    record_property("largest error in ULP", error)
    assert error <= 2.0, f"{case.name}{at}"


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_float64(case, record_property):
    error, at = accuracy.worst(case, np.float64, 1200)
    record_property("largest error in ULP", error)
    assert error <= case.bound64, f"{case.name}{at}"


ONE = [case for case in CASES if case.pairs is None]
TWO = [case for case in CASES if case.pairs is not None and case.name != "power"]


@pytest.mark.parametrize("case", ONE, ids=lambda case: case.name)
def test_float16(case):
    """Every number there is, against the result in float64: within 1 ULP."""
    x = np.arange(2**16, dtype=np.uint16).view(np.float16)
    in_domain = (x.astype(np.float64) >= case.low) & (x.astype(np.float64) <= case.high)
    x = x[in_domain & np.isfinite(x)]
    found = apply(case.op, gg.asarray(x)).numpy()
    assert found.dtype == np.float16
    exact = quiet.run(case.op.forward, x.astype(np.float64))
    with np.errstate(all="ignore"):
        rounded = exact.astype(np.float16)
        ulp = np.spacing(np.abs(rounded)).astype(np.float64)
        apart = np.abs(found.astype(np.float64) - exact) / ulp
    ends = ~np.isfinite(rounded)
    assert np.array_equal(found[ends], rounded[ends], equal_nan=True)
    assert np.max(apart[~ends], initial=0.0) <= 1.0


def test_the_unit_is_the_distance_between_floats():
    for dtype in (np.float32, np.float64):
        for x in map(dtype, (1.0, 1.999, 2.0, 1e-30, 3e38)):
            above = np.nextafter(x, dtype(np.inf))
            assert accuracy.ulps_apart(float(above), mpmath.mpf(float(x)), dtype) == 1.0
        assert accuracy.ulps_apart(0.0, mpmath.mpf(float(np.finfo(dtype).smallest_subnormal)), dtype) == 1.0
        assert accuracy.ulps_apart(np.inf, mpmath.mpf(float(np.finfo(dtype).max)), dtype) == np.inf
        assert accuracy.ulps_apart(np.inf, 2 * mpmath.mpf(float(np.finfo(dtype).max)), dtype) == 0.0
        assert accuracy.ulps_apart(np.nan, mpmath.mpf(1), dtype) == np.inf
        assert accuracy.ulps_apart(np.nan, mpmath.nan, dtype) == 0.0


def test_a_function_that_is_a_little_off_is_noticed():
    class Off(exponential.Exp):
        def value(self, x):
            return super().value(x) * (1.0 + 4e-7)

    error, _ = accuracy.worst(Case(Off(), mpmath.exp), np.float32, 500)
    assert 3.0 < error < 8.0


def test_points_reach_every_exponent():
    for dtype in (np.float32, np.float64):
        (x,) = accuracy.points(Case(exponential.Exp(), mpmath.exp), dtype, 8192)
        exponents = np.frexp(x[x != 0].astype(np.longdouble))[1]
        info = np.finfo(dtype)
        assert set(range(info.minexp + 1, info.maxexp + 1)) <= set(exponents.tolist())
        assert np.any((x != 0) & (np.abs(x) < info.tiny))


def script(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_lists_every_elementwise_op_within_2_ulp():
    rows = script("make_accuracy").rows_of((DOCS / "accuracy.md").read_text())
    assert set(rows) == set(accuracy.every_elementwise_op()), "run python docs/make_accuracy.py"
    measured = accuracy.by_name()
    for name, kind in accuracy.every_elementwise_op().items():
        if accuracy.rounds_nothing(name, kind):
            assert rows[name] == "exact"
        else:
            assert name in measured
            assert float(rows[name]) <= 2.0


def test_the_coefficients_are_what_the_script_makes():
    assert Path(special_coefficients.__file__).read_text() == script("make_coefficients").module()


# --- where a formula is at the end of its range --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "x", "wanted"),
    [
        (gg.sigmoid, -1000.0, 0.0),
        (gg.sigmoid, 100.0, 1.0),
        (gg.sigmoid, 1000.0, 1.0),
        (gg.softplus, 1000.0, 1000.0),
        (gg.softplus, -1000.0, 0.0),
        (gg.softplus, np.inf, np.inf),
        (gg.softplus, -np.inf, 0.0),
        (gg.exp, 1000.0, np.inf),
        (gg.exp, -1000.0, 0.0),
        (gg.expm1, 1e-20, 1e-20),
        (gg.expm1, -1e-20, -1e-20),
        (gg.expm1, -1000.0, -1.0),
        (gg.log1p, 1e-20, 1e-20),
        (gg.log1p, -1.0, -np.inf),
        (gg.log, 0.0, -np.inf),
        (gg.log2, 0.0, -np.inf),
        (gg.log2, 2.0**29, 29.0),
        (gg.log10, 1000.0, 3.0),
        (gg.tanh, 1000.0, 1.0),
        (gg.elu, -1000.0, -1.0),
        (gg.acosh, 1.0, 0.0),
        (gg.acosh, 0.5, np.nan),
        (gg.atanh, 1.0, np.inf),
        (gg.atanh, -1.0, -np.inf),
        (gg.atanh, 2.0, np.nan),
        (gg.asinh, -np.inf, -np.inf),
        (gg.erf, np.inf, 1.0),
        (gg.erf, -np.inf, -1.0),
        (gg.erfc, np.inf, 0.0),
        (gg.erfc, -np.inf, 2.0),
        (gg.erfinv, 1.0, np.inf),
        (gg.erfinv, -1.0, -np.inf),
        (gg.erfinv, 1.5, np.nan),
        (gg.lgamma, 0.0, np.inf),
        (gg.lgamma, -1.0, np.inf),
        (gg.lgamma, -1e30, np.inf),
        (gg.lgamma, np.inf, np.inf),
        (gg.lgamma, -np.inf, np.inf),
        (gg.lgamma, 1.0, 0.0),
        (gg.lgamma, 2.0, 0.0),
        (gg.digamma, 0.0, -np.inf),
        (gg.digamma, -0.0, np.inf),
        (gg.digamma, -1.0, np.nan),
        (gg.digamma, np.inf, np.inf),
        (gg.digamma, -np.inf, np.nan),
        (gg.logit, 0.0, -np.inf),
        (gg.logit, 1.0, np.inf),
        (gg.logit, 0.5, 0.0),
        (gg.logit, -0.5, np.nan),
        (gg.logit, 1.5, np.nan),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_inputs(function, x, wanted, dtype):
    found = function(gg.asarray(x, dtype=dtype)).item()
    assert found == np.dtype(dtype).type(wanted) or (np.isnan(found) and np.isnan(wanted))


@pytest.mark.parametrize(
    ("n", "x", "wanted"),
    [
        (1, 0.0, np.inf),
        (1, -3.0, np.inf),
        (2, 0.0, -np.inf),
        (2, -3.0, np.nan),
        (3, np.inf, 0.0),
        (0, np.inf, np.inf),
    ],
)
def test_polygamma_at_its_poles(n, x, wanted):
    assert gg.polygamma(n, gg.asarray(x)).item() == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize(
    ("x", "y", "wanted"),
    [
        (np.inf, np.inf, np.inf),
        (-np.inf, -np.inf, -np.inf),
        (np.inf, -np.inf, np.inf),
        (-np.inf, 1.5, 1.5),
        (np.inf, 1.5, np.inf),
        (1e30, 1e30, 1e30),
        (1000.0, 0.0, 1000.0),
    ],
)
def test_logaddexp_of_infinities(x, y, wanted):
    assert gg.logaddexp(gg.asarray(x), gg.asarray(y)).item() == np.float32(wanted)
    assert gg.logaddexp(gg.asarray(y), gg.asarray(x)).item() == np.float32(wanted)


@pytest.mark.parametrize(
    ("x", "y", "wanted"),
    [(0.0, 0.0, 0.0), (0.0, np.inf, 0.0), (0.0, -1.0, 0.0), (2.0, 0.0, -np.inf), (1.0, -1.0, np.nan)],
)
def test_xlogy_where_the_logarithm_is_not_finite(x, y, wanted):
    assert gg.xlogy(gg.asarray(x), gg.asarray(y)).item() == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize("case", ONE, ids=lambda case: case.name)
def test_nan_passes_through(case):
    assert np.isnan(apply(case.op, gg.asarray(np.nan)).item())


@pytest.mark.parametrize("case", TWO, ids=lambda case: case.name)
def test_nan_in_either_input_passes_through(case):
    assert np.isnan(apply(case.op, gg.asarray(np.nan), gg.asarray(1.5)).item())
    assert np.isnan(apply(case.op, gg.asarray(1.5), gg.asarray(np.nan)).item())
