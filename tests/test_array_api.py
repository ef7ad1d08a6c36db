"""The Python array API standard 2024.12: every name is here, takes the standard's calls and gives the standard's dtypes.

Witness: array-api-strict, the standard's own reference implementation, which does what the standard says and no more.
"""

import inspect
import itertools
import math
import warnings

import array_api_strict as strict
import numpy as np
import pytest

import glassgrad as gg
from array_api_standard import (
    ATTRIBUTES,
    CONSTANTS,
    CREATION,
    DTYPES,
    ELEMENTWISE,
    FUNCTIONS,
    INFO_METHODS,
    METHODS,
)
from glassgrad.errors import ArgumentError, DTypeError, ExchangeError, ShapeError

strict.set_array_api_strict_flags(api_version="2024.12")

# --- names and signatures ----------------------------------------------------------------------------------------

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
SIGNATURES = {name: text for section in FUNCTIONS.values() for name, text in section.items()}


def look_up(name):
    found = gg
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def signature(text):
    """The signature written as `text`."""
    scope = {}
    exec(f"def function{text}: ...", scope)
    return inspect.signature(scope["function"])


def refused_calls(ours, standard):
    """Which of the standard's calls our signature does not take, in words; [] if it takes them all."""
    left = dict(ours.parameters)
    wrong = []
    for name, wanted in standard.parameters.items():
        if wanted.kind is inspect.Parameter.VAR_POSITIONAL:
            if not any(p.kind is wanted.kind for p in left.values()):
                wrong.append(f"*{name}")
            left = {n: p for n, p in left.items() if p.kind is not wanted.kind}
            continue
        if wanted.kind is inspect.Parameter.POSITIONAL_ONLY:
            place = next((n for n, p in left.items() if p.kind in POSITIONAL), None)
        else:
            place = (
                name if name in left and left[name].kind is not inspect.Parameter.POSITIONAL_ONLY else None
            )
        if place is None:
            wrong.append(f"no {name}")
            continue
        if wanted.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and place != next(iter(left)):
            wrong.append(f"{name} at another place")
        found = left.pop(place)
        if wanted.default is not wanted.empty and not (
            found.default == wanted.default and type(found.default) in (type(wanted.default), int, float)
        ):
            wrong.append(f"{name}={found.default!r}")
    needed = [
        n
        for n, p in left.items()
        if p.default is p.empty and p.kind in (*POSITIONAL, inspect.Parameter.KEYWORD_ONLY)
    ]
    return wrong + [f"{name} has no default" for name in needed]


def test_the_comparison_of_signatures_notices_what_is_wrong():
    standard = signature("(x, /, shape, *, axis=None)")
    assert refused_calls(signature("(x, shape, axis=None, more=1)"), standard) == []
    assert refused_calls(signature("(x, /, sizes, *, axis=None)"), standard) == [
        "no shape",
        "sizes has no default",
    ]
    assert refused_calls(signature("(x, /, shape, *, axis=0)"), standard) == ["axis=0"]
    assert refused_calls(signature("(x, /, shape)"), standard) == ["no axis"]
    assert refused_calls(signature("(x, /, axis=None, *, shape)"), standard) == ["shape at another place"]
    assert refused_calls(signature("(x, shape, more, axis=None)"), standard) == ["more has no default"]
    assert refused_calls(signature("(x)"), signature("(*arrays)")) == ["*arrays", "x has no default"]


NOT_YET: frozenset[str] = frozenset()
"""Names of the standard that are still to come."""


def test_no_name_of_the_standard_is_missing():
    missing = {
        name for name in (*SIGNATURES, *CONSTANTS, *DTYPES) if name != "newaxis" and look_up(name) is None
    }
    assert missing == NOT_YET, (
        f"missing: {', '.join(sorted(missing - NOT_YET))}; no longer: {NOT_YET - missing}"
    )
    assert gg.newaxis is None
    assert gg.__array_api_version__ == "2024.12"


@pytest.mark.parametrize("name", sorted(set(SIGNATURES) - NOT_YET))
def test_every_call_that_the_standard_allows_is_taken(name):
    assert refused_calls(inspect.signature(look_up(name)), signature(SIGNATURES[name])) == []


@pytest.mark.parametrize("name", METHODS)
def test_tensors_have_the_standards_methods(name):
    method = getattr(gg.Tensor, name)
    assert refused_calls(inspect.signature(method), signature(METHODS[name])) == []


def test_tensors_have_the_standards_attributes():
    x = gg.ones((2, 3))
    assert all(hasattr(x, name) for name in ATTRIBUTES)
    assert (x.ndim, x.size, x.shape, x.dtype, x.device) == (2, 6, (2, 3), gg.float32, "cpu")
    assert (x.T.shape, x.mT.shape) == ((3, 2), (3, 2))


def test_our_list_of_the_standards_functions_is_that_of_the_reference():
    """Its signatures mark a device as not given by a value of their own, and one has no annotations to strip."""
    for name, text in SIGNATURES.items():
        module, _, short = name.rpartition(".")
        theirs = getattr(getattr(strict, module) if module else strict, short)
        found = {
            n: (p.kind, None if type(p.default).__name__ == "Undef" else p.default)
            for n, p in inspect.signature(theirs).parameters.items()
        }
        wanted = {n: (p.kind, p.default) for n, p in signature(text).parameters.items()}
        assert found == wanted, name


def test_the_constants():
    assert (gg.e, gg.pi, gg.inf) == (math.e, math.pi, math.inf)
    assert math.isnan(gg.nan)


# --- promotion ---------------------------------------------------------------------------------------------------

OURS = {name: getattr(gg, name) for name in DTYPES}
THEIRS = {name: getattr(strict, name) for name in DTYPES}
PAIRS = list(itertools.product(DTYPES, DTYPES))
KIND = {"b": bool, "i": int, "u": int, "f": float, "c": complex}


def name_of(dtype):
    return str(getattr(dtype, "_np_dtype", dtype))


def theirs_promoted(*dtypes):
    """The standard's answer, None where it leaves the question open."""
    try:
        return name_of(strict.result_type(*dtypes))
    except TypeError:
        return None


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_dtypes_promote_as_the_standard_says(first, second):
    wanted = theirs_promoted(THEIRS[first], THEIRS[second])
    found = gg.result_type(OURS[first], OURS[second])
    assert found == gg.result_type(OURS[second], OURS[first])
    if wanted is not None:
        assert str(found) == wanted
    if first != "bool" or second != "bool":
        assert gg.multiply(gg.ones(1, dtype=first), gg.ones(1, dtype=second)).dtype == found


def test_what_the_standard_leaves_open_is_between_kinds():
    left_open = {pair for pair in PAIRS if theirs_promoted(*(THEIRS[name] for name in pair)) is None}
    for first, second in left_open:
        kinds = {OURS[first].kind, OURS[second].kind}
        assert len(kinds & {"b", "i", "u", "f", "c"}) == 2
        floats = [OURS[name] for name in (first, second) if OURS[name].kind in "fc"]
        found = gg.result_type(OURS[first], OURS[second])
        if floats:
            assert found == floats[0]  # integers and booleans give way, whatever the width
        elif "b" in kinds:
            assert found == next(OURS[name] for name in (first, second) if name != "bool")
        else:
            assert {"uint64"} < {first, second}
            assert found == gg.float64


@pytest.mark.parametrize("number", [True, 2, 0.5, 1j], ids=repr)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_python_number_takes_the_dtype_beside_it(dtype, number):
    x = gg.ones(1, dtype=dtype)
    found = gg.result_type(x, number)
    assert found == gg.result_type(OURS[dtype], number) == gg.result_type(number, x)
    if not dtype == "bool" == type(number).__name__:
        assert (x * number).dtype == (number * x).dtype == found
    try:
        theirs = strict.asarray([1], dtype=THEIRS[dtype]) * number
    except (TypeError, OverflowError):
        return  # left open
    assert str(found) == name_of(theirs.dtype)


def test_a_numpy_scalar_beside_a_tensor_is_a_python_number():
    """np.float64 is a subclass of float, so to the standard it is one, and a model does not turn into float64."""
    x = gg.ones(2)
    for number in (np.float64(3.0), np.float32(3.0), np.int64(3), np.float16(3.0)):
        for result in (x * number, number * x, x - number, number - x, gg.maximum(x, number), x / number):
            assert result.dtype == gg.float32
    small = gg.ones(2, dtype=gg.int8)
    assert (small + np.int64(1)).dtype == (np.int64(1) + small).dtype == gg.int8
    assert (small * np.float64(0.5)).dtype == gg.float32
    assert (x * np.complex128(1j)).dtype == gg.complex64
    assert ((x > 0) & np.bool_(True)).tolist() == [True, True]
    # an array is an array, and alone a scalar keeps its dtype
    assert (x * np.array(3.0)).dtype == gg.float64
    assert gg.asarray(np.float64(3.0)).dtype == gg.sqrt(np.float64(3.0)).dtype == gg.float64


def test_a_list_beside_a_tensor_is_made_of_python_numbers():
    wide, half, small = gg.ones(1, dtype=gg.float64), gg.ones(1, dtype=gg.float16), gg.ones(1, dtype=gg.int8)
    assert (wide + [0.1]).tolist() == ([0.1] + wide).tolist() == [1.1]
    assert (half * (0.5, 2)).dtype == gg.float16
    assert (small + [1, 2]).dtype == gg.int8
    assert (small + [0.5]).dtype == gg.float32
    assert (small + [1j]).dtype == gg.complex64
    assert gg.where([True], wide, half).dtype == gg.float64
    # what has a dtype keeps it
    assert (half + [gg.ones(2)]).dtype == (half + [np.ones(2, np.float32)]).dtype == gg.float32
    with pytest.raises(DTypeError) as raised:
        small + [300]
    assert raised.value.message == "cannot make a tensor of [300]: Python integer 300 out of bounds for int8"


# --- data types --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [name for name in DTYPES if OURS[name].kind in "fc"])
def test_finfo(dtype):
    found, wanted = gg.finfo(OURS[dtype]), strict.finfo(THEIRS[dtype])
    for name in ("bits", "eps", "max", "min", "smallest_normal"):
        assert getattr(found, name) == getattr(wanted, name)
        assert type(getattr(found, name)) is (int if name == "bits" else float)
    assert str(found.dtype) == name_of(wanted.dtype)
    assert gg.finfo(gg.ones(1, dtype=dtype)) == found


@pytest.mark.parametrize("dtype", [name for name in DTYPES if OURS[name].kind in "iu"])
def test_iinfo(dtype):
    found, wanted = gg.iinfo(OURS[dtype]), strict.iinfo(THEIRS[dtype])
    for name in ("bits", "max", "min"):
        assert getattr(found, name) == getattr(wanted, name)
        assert type(getattr(found, name)) is int
    assert found.dtype == OURS[dtype]
    assert gg.iinfo(gg.ones(1, dtype=dtype)) == found


KINDS = (
    *(
        "bool",
        "signed integer",
        "unsigned integer",
        "integral",
        "real floating",
        "complex floating",
        "numeric",
    ),
)


@pytest.mark.parametrize("dtype", DTYPES)
def test_isdtype(dtype):
    for kind in KINDS:
        assert gg.isdtype(OURS[dtype], kind) is strict.isdtype(THEIRS[dtype], kind)
    for pair in itertools.combinations(KINDS, 2):
        assert gg.isdtype(OURS[dtype], pair) is strict.isdtype(THEIRS[dtype], pair)
    assert [name for name in DTYPES if gg.isdtype(OURS[dtype], OURS[name])] == [dtype]
    assert gg.isdtype(OURS[dtype], (gg.int8, ("bool", OURS[dtype])))


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_can_cast(first, second):
    found = gg.can_cast(OURS[first], OURS[second])
    assert found is gg.can_cast(gg.ones(1, dtype=first), OURS[second])
    if theirs_promoted(THEIRS[first], THEIRS[second]) is not None:
        assert found is strict.can_cast(THEIRS[first], THEIRS[second])


def test_result_type_of_many():
    assert gg.result_type(gg.int8, gg.uint8, gg.int32) == gg.int32
    assert gg.result_type(gg.ones(2), np.ones(2), 1j) == gg.complex128
    assert gg.result_type(gg.float16, 2, 0.5) == gg.float16
    assert gg.result_type(1, 2.0) == gg.float32
    assert gg.result_type("int16") == gg.int16


@pytest.mark.parametrize("dtype", DTYPES)
def test_astype_between_all_dtypes(dtype):
    for target in DTYPES:
        x = gg.asarray(np.array([0, 1, 3]).astype(dtype))
        if OURS[dtype].kind == "c" and OURS[target].kind != "c":
            with pytest.raises(DTypeError):
                gg.astype(x, OURS[target])
        else:
            found = gg.astype(x, OURS[target], copy=False, device="cpu")
            assert found.numpy().tolist() == np.array([0, 1, 3]).astype(dtype).astype(target).tolist()
            assert found.dtype == OURS[target]


def test_long_doubles_are_refused():
    long = np.longdouble(1.0)
    if long.dtype.itemsize == 8:
        pytest.skip("here a long double is a double")
    message = (
        f"tensors hold floats of 16, 32 or 64 bits and complex numbers of 64 or 128; got dtype {long.dtype}. "
        f"Round it first: array.astype('float64')."
    )
    for make in (
        lambda: gg.asarray(long),
        lambda: gg.asarray(np.ones(2, np.longdouble)),
        lambda: gg.zeros(2, dtype=np.longdouble),
        lambda: gg.ones(2) * long,
        lambda: gg.ones(2) + np.ones(2, np.longdouble),
    ):
        with pytest.raises(DTypeError) as raised:
            make()
        assert raised.value.message == message
    with pytest.raises(DTypeError, match="complex128"):
        gg.asarray(np.ones(2, np.clongdouble))
    assert gg.asarray(long, gg.float64).dtype == gg.float64


# --- values ------------------------------------------------------------------------------------------------------

REALS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -3.5, 1e3, math.inf, -math.inf, math.nan)
SAMPLES = {
    "b": [False, True, True, False],
    "i": [0, 1, -1, 7, -13, 100, -128, 127],
    "u": [0, 1, 2, 7, 13, 100, 255],
    "f": list(REALS),
    "c": [complex(x, y) for x, y in itertools.product((0.0, -0.0, 1.0, -2.5, 3.0), (0.5, -0.0, -2.0))],
}


def theirs(function, *inputs):
    """The reference's result, or None if it refuses these dtypes."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function(*inputs)
        except TypeError:
            return None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(set(ELEMENTWISE) - {"clip"}))
def test_elementwise_functions_agree_with_the_reference(name, dtype):
    function, reference = getattr(gg, name), getattr(strict, name)
    x = np.array(SAMPLES[OURS[dtype].kind], dtype)
    arrays = (x,) if len(signature(ELEMENTWISE[name]).parameters) == 1 else (x[:, None], x)
    if "shift" in name:
        arrays = arrays[0], np.array([0, 1, 3], dtype)
    if name == "pow" and OURS[dtype].kind == "i":
        arrays = arrays[0], np.array([0, 1, 3], dtype)
    wanted = theirs(reference, *(strict.asarray(a) for a in arrays))
    if wanted is None:
        return
    found = function(*(gg.asarray(a) for a in arrays))
    assert str(found.dtype) == name_of(wanted.dtype)
    if OURS[dtype].kind in "iu" and name in ("divide", "floor_divide", "remainder"):
        kept = np.broadcast_to(
            arrays[1] != 0, found.shape
        )  # NumPy has a value for n // 0; the standard has none
    else:
        kept = np.ones(found.shape, bool)
    a, b = found.numpy()[kept], np.asarray(wanted._array)[kept]
    epsilon = np.finfo(a.dtype).eps if a.dtype.kind in "fc" else 0
    np.testing.assert_allclose(a, b, rtol=8 * epsilon, atol=8 * epsilon)


@pytest.mark.parametrize("name", ["isfinite", "isinf", "isnan", "abs", "angle", "equal"])
def test_infinite_and_missing_parts_of_complex_numbers(name):
    values = [
        complex(x, y) for x, y in itertools.product((0.0, -0.0, 1.5, math.inf, -math.inf, math.nan), repeat=2)
    ]
    for dtype in ("complex64", "complex128"):
        x = np.array(values, dtype)
        wanted = {"angle": np.angle, "abs": np.abs, "equal": lambda x: x == x}.get(
            name, getattr(np, name, None)
        )(x)
        found = gg.equal(x, x) if name == "equal" else getattr(gg, name)(x)
        np.testing.assert_allclose(
            found.numpy(), wanted, rtol=2 * np.finfo(dtype).eps
        )  # 2 units in the last place


def test_signs_of_zeros_are_kept():
    x = np.array([0.0, -0.0])
    for function in (
        gg.abs,
        gg.trunc,
        gg.round,
        gg.positive,
        gg.negative,
        gg.sqrt,
        gg.expm1,
        gg.sin,
        gg.tanh,
    ):
        with np.errstate(all="ignore"):
            wanted = np.signbit({gg.abs: np.abs, gg.negative: np.negative}.get(function, np.positive)(x))
        assert np.array_equal(np.signbit(function(x).numpy()), wanted)


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("arange", (5,), {"dtype": "int32"}),
        ("arange", (5, 0, -2), {}),
        ("arange", (0, 5, -1), {}),
        ("arange", (0.0, 1.0, 0.3), {"dtype": "float64"}),
        ("linspace", (0, 10, 5), {"dtype": "float64", "endpoint": False}),
        ("linspace", (0, 10), {"num": 1, "dtype": "float64"}),
        ("linspace", (0.5, 10, 0), {"dtype": "float32"}),
        ("linspace", (1j, 2.0, 3), {"dtype": "complex128"}),
        ("eye", (2, 3), {"k": -1, "dtype": "int8"}),
        ("eye", (2,), {"k": 5, "dtype": "complex64"}),
        ("full", ((2, 1), 3), {}),
        ("full", ((), True), {}),
        ("zeros", (3,), {"dtype": "uint16"}),
        ("ones", ((2, 0),), {"dtype": "bool"}),
    ],
)
def test_creation_agrees_with_the_reference(name, arguments, options):
    assert name in CREATION
    made = getattr(gg, name)(*arguments, **options, device="cpu")
    if "dtype" in options:
        options = options | {"dtype": THEIRS[options["dtype"]]}
    wanted = getattr(strict, name)(*arguments, **options)
    assert (made.shape, str(made.dtype)) == (wanted.shape, name_of(wanted.dtype))
    np.testing.assert_allclose(made.numpy(), wanted._array, rtol=1e-15)


def test_default_dtypes_are_those_that_the_namespace_names():
    info = gg.__array_namespace_info__()
    defaults = info.default_dtypes()
    assert defaults == {
        "real floating": gg.float32,
        "complex floating": gg.complex64,
        "integral": gg.int64,
        "indexing": gg.int64,
    }
    for made in (
        gg.zeros(1),
        gg.ones(1),
        gg.empty(1),
        gg.eye(1),
        gg.linspace(0, 1, 2),
        gg.arange(0.5),
        gg.full(1, 0.5),
    ):
        assert made.dtype == defaults["real floating"]
    for made in (gg.linspace(0, 1j, 2), gg.full(1, 1j), gg.asarray([1j])):
        assert made.dtype == defaults["complex floating"]
    for made in (gg.arange(3), gg.full(1, 2), gg.asarray([1])):
        assert made.dtype == defaults["integral"]
    assert gg.argmax(gg.ones(2)).dtype == defaults["indexing"]


def test_the_namespace_tells_of_itself():
    info = gg.__array_namespace_info__()
    for name, text in INFO_METHODS.items():
        assert refused_calls(inspect.signature(getattr(info, name)), signature(text)) == []
    assert info.capabilities() == {
        "boolean indexing": True,
        "data-dependent shapes": True,
        "max dimensions": 64,
    }
    gg.zeros((1,) * 64)
    assert (info.devices(), info.default_device()) == (["cpu"], gg.ones(1).device)
    assert set(info.dtypes()) == {*DTYPES, "float16"}
    assert info.dtypes(kind=("bool", "signed integer")) == {
        name: OURS[name] for name in ("bool", "int8", "int16", "int32", "int64")
    }
    assert gg.ones(1).__array_namespace__() is gg
    for version in ("2021.12", "2022.12", "2023.12", "2024.12"):
        assert gg.ones(1).__array_namespace__(api_version=version) is gg


def test_meshgrid():
    x, y, z = np.array([1, 2, 3]), np.array([10, 20]), np.array([0])
    for indexing in ("xy", "ij"):
        for arrays in ((), (x,), (x, y), (x, y, z), (x, np.zeros(0, np.int64))):
            found = gg.meshgrid(*arrays, indexing=indexing)
            wanted = np.meshgrid(*arrays, indexing=indexing)
            assert [a.numpy().tolist() for a in found] == [a.tolist() for a in wanted]
            assert [a.shape for a in found] == [a.shape for a in wanted]
    v = gg.tensor([1.0, 2.0], requires_grad=True)
    a, b = gg.meshgrid(v, gg.asarray([1.0, 10.0, 100.0]))
    gg.sum(a * b).backward()
    assert v.grad.tolist() == [111.0, 111.0]


# --- other libraries' arrays, devices, refusals ------------------------------------------------------------------


def test_dlpack_shares_memory_both_ways():
    source = np.arange(6.0).reshape(2, 3)
    x = gg.from_dlpack(source[:, ::-1])
    assert np.shares_memory(x.numpy(), source)
    assert x.tolist() == source[:, ::-1].tolist()
    there = np.from_dlpack(x)
    assert np.shares_memory(there, source)
    assert not there.flags.writeable
    assert not np.shares_memory(gg.from_dlpack(source, copy=True).numpy(), source)
    assert gg.from_dlpack(x) is x
    assert x.__dlpack_device__() == (1, 0) == source.__dlpack_device__()
    for dtype in (*DTYPES, "float16"):
        assert gg.from_dlpack(np.ones(2, dtype)).dtype == np.dtype(dtype)


def test_asarray_copies_as_it_is_told():
    array = np.ones(2, np.float32)
    assert np.shares_memory(gg.asarray(array, copy=False).numpy(), array)
    assert np.shares_memory(gg.asarray(memoryview(array), copy=False).numpy(), array)
    assert not np.shares_memory(gg.asarray(array, copy=True).numpy(), array)
    shared = gg.asarray(array)
    assert gg.asarray(shared) is shared
    assert not np.shares_memory(gg.asarray(shared, copy=True).numpy(), array)


def test_operators_of_integers():
    x, y = np.array([6, -5, 3]), np.array([3, 2, -1])
    a, b = gg.asarray(x), gg.asarray(y)
    assert (a & b).tolist() == (x & y).tolist()
    assert (a | b).tolist() == (x | y).tolist()
    assert (a ^ b).tolist() == (x ^ y).tolist()
    assert (~a).tolist() == (~x).tolist()
    assert (a << 2).tolist() == (x << 2).tolist()
    assert (a >> 1).tolist() == (x >> 1).tolist()
    assert (a // b).tolist() == (x // y).tolist()
    assert (7 // b).tolist() == (7 // y).tolist()
    assert (7 % b).tolist() == (7 % y).tolist()
    assert (1 << gg.asarray([3])).tolist() == [8]
    assert (64 >> gg.asarray([3])).tolist() == [8]
    assert (5 ^ a).tolist() == (x ^ 5).tolist()
    assert (x & b).tolist() == (np.bitwise_and(x, b)).tolist() == (x & y).tolist()
    assert np.left_shift(a, 1).tolist() == (x << 1).tolist()
    assert np.floor_divide(a, 2).tolist() == (x // 2).tolist()
    assert np.conjugate(gg.asarray([1j])).tolist() == [-1j]
    assert [10, 20, 30][gg.asarray(1)] == 20
    assert round(gg.asarray([2.567, -0.5])).tolist() == [3.0, -0.0]
    assert round(gg.asarray(np.array([2.567])), 2).tolist() == [2.57]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.zeros(2, device="cuda"),
            ArgumentError,
            "glassgrad computes on the CPU: device may be None or 'cpu'; got 'cuda'. Leave it out, or pass x.device.",
        ),
        (
            lambda: gg.ones(1).to_device("gpu"),
            ArgumentError,
            "glassgrad computes on the CPU: device may be None or 'cpu'; got 'gpu'. Leave it out, or pass x.device.",
        ),
        (
            lambda: gg.isdtype(gg.float32, "float"),
            ArgumentError,
            "isdtype knows the kinds 'bool', 'signed integer', 'unsigned integer', 'integral', 'real floating', "
            "'complex floating', 'numeric'; got 'float'",
        ),
        (
            lambda: gg.finfo(gg.int64),
            DTypeError,
            "finfo needs a float or complex dtype; got int64. gg.iinfo tells of integers.",
        ),
        (
            lambda: gg.iinfo(gg.float32),
            DTypeError,
            "iinfo needs an integer dtype; got float32. gg.finfo tells of floats.",
        ),
        (lambda: gg.result_type(), ArgumentError, "result_type needs at least one tensor or dtype; got none"),
        (
            lambda: gg.can_cast("number", gg.int8),
            DTypeError,
            "expected a dtype such as gg.float32 or 'int64'; got 'number'",
        ),
        (
            lambda: gg.astype(gg.ones(1), None),
            DTypeError,
            "expected a dtype such as gg.float32 or 'int64'; got None",
        ),
        (
            lambda: gg.ones(1).__array_namespace__(api_version="2031.12"),
            ArgumentError,
            "glassgrad follows the array API standard of 2024.12, which contains the earlier ones; "
            "got api_version='2031.12'",
        ),
        (
            lambda: gg.from_dlpack([1.0]),
            ArgumentError,
            "from_dlpack takes an array with a method __dlpack__; got list. gg.asarray takes the rest.",
        ),
        (
            lambda: np.from_dlpack(gg.tensor([1.0], requires_grad=True)),
            ExchangeError,
            "DLPack hands over values alone, so the gradient of this tensor would be lost: write x.detach() if none "
            "is meant to flow",
        ),
        (
            lambda: gg.asarray([1.0], copy=False),
            ArgumentError,
            "asarray(copy=False) cannot make a tensor of this list without a copy: only a NumPy array (or buffer) that "
            "has the tensor's dtype already shares its memory",
        ),
        (
            lambda: float(gg.asarray(1j)),
            DTypeError,
            "float() of a complex number would lose its imaginary part: gg.real(x), gg.imag(x) and gg.abs(x) are "
            "real, complex(x) is the number",
        ),
        (lambda: int(gg.asarray(math.inf)), DTypeError, "int() needs a finite number; got inf"),
        (
            lambda: gg.ones(2) << 1,
            DTypeError,
            "bitwise_left_shift needs an int input; got x1 float32 of shape (2,). gg.astype(x, gg.int64) converts.",
        ),
        (
            lambda: gg.asarray([1]) ^ gg.ones(1),
            DTypeError,
            "bitwise_xor needs a bool or int input; got x2 float32 of shape (1,). For logic compare first, for example "
            "x > 0; for bits gg.astype(x, gg.int64) converts.",
        ),
        (
            lambda: gg.asarray(np.array([1], np.uint64)) | gg.asarray([1]),
            DTypeError,
            "bitwise_or needs integers of a dtype that holds the values of both; there is none for uint64 and int64. "
            "gg.astype converts one.",
        ),
        (
            lambda: gg.real(gg.asarray([True])),
            DTypeError,
            "real needs an int, float or complex input; got bool of shape (1,). gg.astype(x, gg.float32) converts.",
        ),
        (
            lambda: gg.complex(gg.ones(1), 1j),
            DTypeError,
            "complex needs a bool, int or float input; got imag complex64 of shape ().",
        ),
        (
            lambda: gg.complex(gg.ones(2), gg.ones(3)),
            ShapeError,
            "complex cannot broadcast real float32[2] and imag float32[3]: counted from the right, axis -1 has sizes "
            "2 and 3. Sizes must be equal or 1; gg.reshape or gg.expand_dims can add an axis of size 1.",
        ),
        (
            lambda: gg.round(gg.ones(1), 0.5),
            ArgumentError,
            "round needs a number of decimals that is an integer; got 0.5",
        ),
        (
            lambda: gg.round(gg.asarray([123]), -2),
            ArgumentError,
            "round to -2 decimals needs floats, because integers would lose their dtype; got int64. "
            "gg.astype(x, gg.float64) converts.",
        ),
        (
            lambda: gg.meshgrid(gg.ones(2), gg.ones((2, 2))),
            ShapeError,
            "meshgrid needs vectors; input 1 has shape (2, 2)",
        ),
        (
            lambda: gg.meshgrid(gg.ones(2), indexing="yx"),
            ArgumentError,
            "meshgrid takes indexing 'xy' or 'ij'; got 'yx'",
        ),
        (
            lambda: gg.meshgrid(gg.ones(2), gg.asarray([1])),
            DTypeError,
            "meshgrid needs vectors of one dtype; got float32, int64. gg.astype converts.",
        ),
        (lambda: gg.arange("a"), ArgumentError, "arange needs a number for stop; got 'a'"),
        (lambda: gg.arange(0, 1j), ArgumentError, "arange needs a real number for stop; got 1j"),
        (
            lambda: gg.arange(math.nan),
            ArgumentError,
            "arange from 0 to nan by 1 is impossible: arange: cannot compute length",
        ),
        (
            lambda: gg.linspace(0, 1, 2.5),
            ArgumentError,
            "linspace needs a number of points that is an integer; got 2.5",
        ),
        (lambda: gg.linspace(0, "b", 2), ArgumentError, "linspace needs a number for stop; got 'b'"),
        (lambda: gg.eye(2, k=0.5), ArgumentError, "eye needs a diagonal k that is an integer; got 0.5"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
