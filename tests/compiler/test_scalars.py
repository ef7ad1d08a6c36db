"""Scalar instructions as machine code: values against NumPy, SciPy and mpmath, and whether loops use vectors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import mpmath
import numpy as np
import pytest
import scipy.special
from llvmlite import ir
from scalar_loop import BASELINE, compile_loop, computed, loop_text

from glassgrad.compiler.llvm.scalars import emit, supported
from glassgrad.expr import scalar as s

F32, F64 = np.dtype("float32"), np.dtype("float64")
BIG = float(np.finfo(np.float32).max)
TINY = float(np.finfo(np.float32).tiny)

# the largest error in float32, in ULP, and what computes the exact value in float64
APPROXIMATED = {
    s.EXP: (1.1, np.exp),
    s.EXPM1: (1.8, np.expm1),
    s.LOG: (0.9, np.log),
    s.LOG1P: (1.5, np.log1p),
    s.LOG2: (0.51, np.log2),
    s.LOG10: (0.51, np.log10),
    s.SIN: (1.6, np.sin),
    s.COS: (1.6, np.cos),
    s.TAN: (0.6, np.tan),
    s.ASIN: (0.6, np.arcsin),
    s.ACOS: (0.6, np.arccos),
    s.ATAN: (1.4, np.arctan),
    s.ATAN2: (1.6, np.arctan2),
    s.SINH: (1.9, np.sinh),
    s.COSH: (1.6, np.cosh),
    s.TANH: (1.4, np.tanh),
    s.ASINH: (0.51, np.arcsinh),
    s.ACOSH: (0.51, np.arccosh),
    s.ATANH: (0.51, np.arctanh),
    s.ERF: (1.9, scipy.special.erf),
    s.ERFC: (0.51, scipy.special.erfc),
    s.POWER: (0.51, np.power),
    s.HYPOT: (0.51, np.hypot),
}
IN_FLOAT64 = {
    s.EXP: mpmath.exp,
    s.EXPM1: mpmath.expm1,
    s.LOG: mpmath.log,
    s.LOG1P: mpmath.log1p,
    s.SINH: mpmath.sinh,
    s.COSH: mpmath.cosh,
    s.TANH: mpmath.tanh,
    s.SIN: mpmath.sin,
    s.COS: mpmath.cos,
    s.TAN: mpmath.tan,
    s.ASIN: mpmath.asin,
    s.ACOS: mpmath.acos,
    s.ATAN: mpmath.atan,
    s.ASINH: mpmath.asinh,
    s.ACOSH: mpmath.acosh,
    s.ATANH: mpmath.atanh,
    s.LOG2: lambda x: mpmath.log(x, 2),
    s.LOG10: lambda x: mpmath.log(x, 10),
    s.ERF: mpmath.erf,
    s.ERFC: mpmath.erfc,
}
POLYNOMIAL_IN_FLOAT64 = (s.EXP, s.EXPM1, s.LOG, s.LOG1P, s.SINH, s.COSH, s.TANH)
EXACT_FLOAT = (
    s.ADD,
    s.SUBTRACT,
    s.MULTIPLY,
    s.DIVIDE,
    s.NEGATIVE,
    s.REMAINDER,
    s.FLOOR_DIVIDE,
    s.MAXIMUM,
    s.MINIMUM,
)
EXACT_FLOAT += (s.ABS, s.SIGN, s.FLOOR, s.CEIL, s.ROUND, s.TRUNC, s.SQRT, s.COPYSIGN, s.NEXTAFTER, s.SIGNBIT)
EXACT_FLOAT += (s.EQUAL, s.NOT_EQUAL, s.GREATER, s.GREATER_EQUAL, s.AND, s.OR, s.NOT)
WITHOUT_FLOAT32 = {s.ERFINV, s.LGAMMA, s.DIGAMMA, s.POLYGAMMA}
BITWISE = {s.BIT_AND, s.BIT_OR, s.BIT_XOR, s.BIT_INVERT, s.LEFT_SHIFT, s.RIGHT_SHIFT}


def named(instruction):
    return instruction.name


def special_values(dtype):
    info = np.finfo(dtype)
    sizes = [
        0.0,
        info.smallest_subnormal,
        info.tiny,
        1e-20,
        0.25,
        0.5,
        1,
        1.5,
        2,
        2.5,
        3,
        4,
        7,
        1e9,
        info.max,
        np.inf,
    ]
    return np.array([*sizes, *(-x for x in sizes), np.nan], dtype)


def random_values(rng, count, dtype=F32):
    """Numbers of every exponent, and moderate ones."""
    bits = rng.integers(0, 2 ** (8 * dtype.itemsize) - 1, count, dtype=f"uint{8 * dtype.itemsize}")
    parts = [bits.view(dtype), special_values(dtype)]
    parts += [rng.uniform(-scale, scale, count).astype(dtype) for scale in (0.1, 1, 3, 110)]
    return np.concatenate(parts)


def operands(instruction, rng, count):
    x = random_values(rng, count)
    if instruction.arity == 1:
        return [x]
    y = rng.permutation(x)
    if instruction is s.POWER:  # most powers are 0, infinite or undefined
        size = rng.uniform(0, 20, x.size).astype(F32)
        exponent = rng.uniform(-9, 9, x.size).astype(F32)
        return [np.concatenate([x, x, size]), np.concatenate([y, np.round(exponent), exponent])]
    return [x, y]


def errors_in_ulp(got, exact):
    """The distance from float64 values, in the distance of float32 numbers there; infinite where one is NaN or of
    another sign, 1 if a number just too large has not become infinite, or the reverse."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(F32)
        ulp = np.maximum(np.exp2(np.floor(np.log2(np.abs(exact))) - 23), 2.0**-149)
        error = np.abs(got.astype(F64) - exact) / ulp
        at_the_end = (np.abs(exact) >= BIG * (1 - 2.0**-23)) & (np.abs(got) >= BIG)
        error = np.where(at_the_end, np.where(got == rounded, 0, 1), error)
        error = np.where((got == rounded) & ~np.isfinite(exact), 0, error)
        error = np.where((exact == 0) & (got == 0), 0, error)
        wrong = np.isnan(got) != np.isnan(rounded)
        wrong |= ~np.isnan(got) & (np.signbit(got) != np.signbit(exact))
        return np.where(wrong, np.inf, np.where(np.isnan(rounded) & np.isnan(got), 0, error))


@pytest.mark.parametrize("processor", [None, BASELINE], ids=["host", "baseline"])
@pytest.mark.parametrize("instruction", APPROXIMATED, ids=named)
def test_float32_is_near_the_exact_value_everywhere(instruction, processor):
    bound, exact = APPROXIMATED[instruction]
    arrays = operands(instruction, np.random.default_rng(7), 100_000)
    got = computed(instruction, *arrays, processor=processor)
    with np.errstate(all="ignore"):
        error = errors_in_ulp(got, exact(*(array.astype(F64) for array in arrays)))
    worst = np.argmax(error)
    assert error[worst] <= bound, ([array[worst] for array in arrays], got[worst])


def test_a_wrong_digit_sign_or_nan_is_noticed():
    exact = np.array([1.0, -0.0, np.nan, 2.0, np.inf, 1e-45])
    got = np.array([1.0 + 3 * 2.0**-23, 0.0, 0.0, np.nan, BIG, 0.0], F32)
    assert errors_in_ulp(got, exact).tolist()[:4] == [3.0, np.inf, np.inf, np.inf]
    assert errors_in_ulp(got, exact)[4] == 1.0
    assert 0.5 < errors_in_ulp(got, exact)[5] < 1.0


def test_angles_near_multiples_of_a_right_angle():
    """The floats closest to them, of every size: there sine or cosine or tangent has fewest digits to start from."""
    with mpmath.workprec(400):
        turns = [mpmath.floor(mpmath.mpf(2) ** (k / 4)) * mpmath.pi / 2 for k in range(4 * 126)]
        hardest = [16367173 * 2.0**72, 11789824.0, 411775.0, *map(float, turns)]
        x = np.array(hardest, F32)
        x = np.concatenate([x, np.nextafter(x, F32.type(0)), -x])
        for instruction, exact in ((s.SIN, mpmath.sin), (s.COS, mpmath.cos), (s.TAN, mpmath.tan)):
            wanted = np.array([float(exact(mpmath.mpf(float(v)))) for v in x])
            assert errors_in_ulp(computed(instruction, x), wanted).max() <= 1.6, instruction


@pytest.mark.parametrize("instruction", IN_FLOAT64, ids=named)
def test_float64_is_near_the_exact_value(instruction):
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.uniform(-scale, scale, 300) for scale in (1e-300, 1e-12, 0.1, 1, 3, 30, 700)])
    with np.errstate(all="ignore"):
        if instruction in (s.LOG, s.LOG2, s.LOG10):
            x = np.concatenate(
                [np.abs(x), 1 + x[300:900] / 10, 5e-324 * np.arange(1, 2000, 20), np.exp(x[-300:])]
            )
        defined = instruction.numpy(x)
    x = x[np.isfinite(defined)]
    got = computed(instruction, x)
    assert np.isfinite(got).all()
    bound = 5 if instruction is s.ERFC else 2  # that of the C library
    with mpmath.workprec(1200):
        for value, result in zip(x.tolist(), got.tolist(), strict=True):
            exact = IN_FLOAT64[instruction](mpmath.mpf(value))
            ulp = max(np.spacing(abs(float(exact))), 5e-324)
            assert abs(mpmath.mpf(result) - exact) <= bound * mpmath.mpf(float(ulp)), (value, result)


def same(got, wanted):
    return (got == wanted) & (np.signbit(got) == np.signbit(wanted)) | (got != got) & (wanted != wanted)


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("instruction", [*IN_FLOAT64, s.ATAN2, s.POWER, s.HYPOT], ids=named)
def test_special_values_are_those_of_float64_numpy(instruction, dtype):
    """NaN, infinities and zeros with their signs; other results to rounding."""
    if not supported(instruction, str(dtype)):
        assert instruction in WITHOUT_FLOAT32
        return
    values = special_values(dtype)
    arrays = [
        np.array(column, dtype) for column in zip(*product(values, repeat=instruction.arity), strict=True)
    ]
    exact = {s.ERF: scipy.special.erf, s.ERFC: scipy.special.erfc}.get(instruction, instruction.numpy)
    got = computed(instruction, *arrays)
    with np.errstate(all="ignore"):
        wanted = exact(*(array.astype(F64) for array in arrays)).astype(dtype)
        number = np.isfinite(got) & np.isfinite(wanted) & (wanted != 0)
        close = number & (np.abs(got - wanted) <= 2 * np.spacing(np.abs(wanted)))
    bad = ~(same(got, wanted) | close)
    assert not bad.any(), [(*(a[bad][0] for a in arrays), got[bad][0], wanted[bad][0])]


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("instruction", EXACT_FLOAT, ids=named)
def test_exact_float_instructions_are_numpy(instruction, dtype):
    rng = np.random.default_rng(11)
    values = np.concatenate([special_values(dtype), rng.uniform(-9, 9, 30).astype(dtype)])
    arrays = [
        np.array(column, dtype) for column in zip(*product(values, repeat=instruction.arity), strict=True)
    ]
    got = computed(instruction, *arrays)
    with np.errstate(all="ignore"):
        wanted = instruction.numpy(*arrays)
    if instruction in (s.MAXIMUM, s.MINIMUM):  # which zero it is, NumPy leaves open
        got, wanted = got + dtype.type(0), wanted + dtype.type(0)
    bad = ~same(got, wanted) if got.dtype != bool else got != wanted
    assert not bad.any(), [(*(a[bad][0] for a in arrays), got[bad][0], wanted[bad][0])]


@pytest.mark.parametrize("dtype", [F32, F64, np.dtype("int32"), np.dtype(bool)], ids=str)
def test_where_takes_a_condition_of_any_dtype(dtype):
    conditions = [np.array([True, False, True]), np.array([np.nan, 0.0, -0.0], F32), np.array([2, 0, -1])]
    x, y = np.array([1, 1, 0]).astype(dtype), np.array([0, 0, 1]).astype(dtype)
    for condition in conditions:
        assert computed(s.WHERE, condition, x, y).tolist() == np.where(condition, x, y).tolist()


def all_of_eight_bits(dtype, arity) -> Iterator[np.ndarray]:
    info = np.iinfo(dtype)
    values = np.arange(info.min, info.max + 1)
    return (part.reshape(-1).astype(dtype) for part in np.meshgrid(*[values] * arity))


@pytest.mark.parametrize("dtype", [np.dtype("int8"), np.dtype("uint8")], ids=str)
@pytest.mark.parametrize("instruction", s.INSTRUCTIONS, ids=named)
def test_integers_of_eight_bits_are_numpy(instruction, dtype):
    if instruction is s.WHERE or not supported(instruction, str(dtype)):
        return
    arrays = list(all_of_eight_bits(dtype, instruction.arity))
    with np.errstate(all="ignore"):
        wanted = instruction.numpy(*arrays)
    assert wanted.dtype in (dtype, bool)
    got = computed(instruction, *arrays)
    bad = got != wanted
    assert not bad.any(), [(*(a[bad][0] for a in arrays), got[bad][0], wanted[bad][0])]


@pytest.mark.parametrize("instruction", s.INSTRUCTIONS, ids=named)
def test_integers_of_64_bits_are_numpy(instruction):
    if instruction is s.WHERE or not supported(instruction, "int64"):
        return
    info = np.iinfo("int64")
    values = np.array(
        [info.min, info.min + 1, -65, -64, -7, -2, -1, 0, 1, 2, 7, 63, 64, info.max - 1, info.max]
    )
    arrays = [np.array(column) for column in zip(*product(values, repeat=instruction.arity), strict=True)]
    with np.errstate(all="ignore"):
        wanted = instruction.numpy(*arrays)
    assert computed(instruction, *arrays).tolist() == wanted.tolist()


@pytest.mark.parametrize("instruction", s.INSTRUCTIONS, ids=named)
def test_truth_values_are_numpy(instruction):
    if instruction is s.WHERE or not supported(instruction, "bool"):
        return
    arrays = [
        np.array(column) for column in zip(*product([False, True], repeat=instruction.arity), strict=True)
    ]
    wanted = instruction.numpy(*arrays)
    assert wanted.dtype == bool
    assert computed(instruction, *arrays).tolist() == wanted.tolist()


@pytest.mark.parametrize("instruction", [*APPROXIMATED, s.MAXIMUM, s.SIGN, s.ROUND, s.SQRT], ids=named)
def test_a_float32_loop_uses_vectors(instruction):
    """The arithmetic itself, not only loads and stores around calls; some of it in float64."""
    text = compile_loop(loop_text(instruction, [F32] * instruction.arity, F32)).text
    assert re.search(r"(fmul|fadd|fmuladd\S*|fcmp \w+|rint\S*|sqrt\S*)\(? ?<\d+ x (float|double)>", text)
    assert not re.search(r"call (float|double) @(?!llvm\.)", text), "an element is computed on its own"


@pytest.mark.parametrize("instruction", POLYNOMIAL_IN_FLOAT64, ids=named)
def test_a_float64_loop_uses_vectors(instruction):
    text = compile_loop(loop_text(instruction, [F64], F64)).text
    assert re.search(r"fmul <(2|4|8) x double>", text)
    assert not re.search(r"call double @(?!llvm\.)", text)


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("instruction", APPROXIMATED, ids=named)
def test_the_bits_do_not_depend_on_vectors(instruction, dtype):
    with np.errstate(invalid="ignore"):  # a NaN that signals
        arrays = [array.astype(dtype) for array in operands(instruction, np.random.default_rng(5), 2000)]
    one_by_one = computed(instruction, *arrays, vectorise=False)
    assert same(computed(instruction, *arrays), one_by_one).all()


@pytest.mark.parametrize("instruction", s.INSTRUCTIONS, ids=named)
def test_every_instruction_is_supported_or_known_not_to_be(instruction):
    assert supported(instruction, "float32") == (instruction not in WITHOUT_FLOAT32 | BITWISE)
    assert not supported(instruction, "float16")
    assert not supported(instruction, "complex64")


@pytest.mark.parametrize("instruction", [i for i in s.INSTRUCTIONS if supported(i, "float32")], ids=named)
def test_no_instruction_lets_llvm_ignore_nan_or_infinity(instruction):
    inputs, output = [F32] * instruction.arity, np.dtype(bool) if instruction.gives_bool else F32
    words = set(re.findall(r"\w+", loop_text(instruction, inputs, output)))
    assert not words & {"fast", "nnan", "ninf", "nsz", "arcp", "afn", "reassoc"}


def test_an_unsupported_instruction_says_so():
    function = ir.Function(ir.Module(), ir.FunctionType(ir.FloatType(), [ir.FloatType()]), "f")
    builder = ir.IRBuilder(function.append_basic_block())
    message = "no machine code for lgamma of float32: ask `supported` first"
    with pytest.raises(NotImplementedError, match=f"^{re.escape(message)}$"):
        emit(builder, s.LGAMMA, function.args)


def test_a_function_is_written_once_a_module():
    module = ir.Module()
    for name in ("f", "g"):
        function = ir.Function(module, ir.FunctionType(ir.FloatType(), [ir.FloatType()]), name)
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(emit(builder, s.EXP, [emit(builder, s.EXP, function.args)]))
    text = str(module)
    assert text.count("define internal") == 1
    assert text.count('call float @"glassgrad.exp.float"') == 4
