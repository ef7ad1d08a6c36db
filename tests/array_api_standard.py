"""The names of the Python array API standard, version 2024.12, with their signatures, by the standard's sections.

Annotations are left out. Source: https://data-apis.org/array-api/2024.12/API_specification/.
"""

CONSTANTS = ("e", "inf", "nan", "newaxis", "pi")

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
)

_UNARY = "(x, /)"
_BINARY = "(x1, x2, /)"

ELEMENTWISE = dict.fromkeys(
    (
        *(
            "abs",
            "acos",
            "acosh",
            "asin",
            "asinh",
            "atan",
            "atanh",
            "bitwise_invert",
            "ceil",
            "conj",
            "cos",
            "cosh",
        ),
        *("exp", "expm1", "floor", "imag", "isfinite", "isinf", "isnan", "log", "log1p", "log2", "log10"),
        *(
            "logical_not",
            "negative",
            "positive",
            "real",
            "reciprocal",
            "round",
            "sign",
            "signbit",
            "sin",
            "sinh",
        ),
        *("square", "sqrt", "tan", "tanh", "trunc"),
    ),
    _UNARY,
) | dict.fromkeys(
    (
        *(
            "add",
            "atan2",
            "bitwise_and",
            "bitwise_left_shift",
            "bitwise_or",
            "bitwise_right_shift",
            "bitwise_xor",
        ),
        *(
            "copysign",
            "divide",
            "equal",
            "floor_divide",
            "greater",
            "greater_equal",
            "hypot",
            "less",
            "less_equal",
        ),
        *(
            "logaddexp",
            "logical_and",
            "logical_or",
            "logical_xor",
            "maximum",
            "minimum",
            "multiply",
            "nextafter",
        ),
        *("not_equal", "pow", "remainder", "subtract"),
    ),
    _BINARY,
)
ELEMENTWISE["clip"] = "(x, /, min=None, max=None)"

CREATION = {
    "arange": "(start, /, stop=None, step=1, *, dtype=None, device=None)",
    "asarray": "(obj, /, *, dtype=None, device=None, copy=None)",
    "empty": "(shape, *, dtype=None, device=None)",
    "empty_like": "(x, /, *, dtype=None, device=None)",
    "eye": "(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None)",
    "from_dlpack": "(x, /, *, device=None, copy=None)",
    "full": "(shape, fill_value, *, dtype=None, device=None)",
    "full_like": "(x, /, fill_value, *, dtype=None, device=None)",
    "linspace": "(start, stop, /, num, *, dtype=None, device=None, endpoint=True)",
    "meshgrid": "(*arrays, indexing='xy')",
    "ones": "(shape, *, dtype=None, device=None)",
    "ones_like": "(x, /, *, dtype=None, device=None)",
    "tril": "(x, /, *, k=0)",
    "triu": "(x, /, *, k=0)",
    "zeros": "(shape, *, dtype=None, device=None)",
    "zeros_like": "(x, /, *, dtype=None, device=None)",
}

DATA_TYPE_FUNCTIONS = {
    "astype": "(x, dtype, /, *, copy=True, device=None)",
    "can_cast": "(from_, to, /)",
    "finfo": "(type, /)",
    "iinfo": "(type, /)",
    "isdtype": "(dtype, kind)",
    "result_type": "(*arrays_and_dtypes)",
}

INSPECTION = {"__array_namespace_info__": "()"}

INFO_METHODS = {
    "capabilities": "()",
    "default_device": "()",
    "default_dtypes": "(*, device=None)",
    "devices": "()",
    "dtypes": "(*, device=None, kind=None)",
}

INDEXING = {"take": "(x, indices, /, *, axis=None)", "take_along_axis": "(x, indices, /, *, axis=-1)"}

LINEAR_ALGEBRA = {
    "matmul": _BINARY,
    "matrix_transpose": _UNARY,
    "tensordot": "(x1, x2, /, *, axes=2)",
    "vecdot": "(x1, x2, /, *, axis=-1)",
}

MANIPULATION = {
    "broadcast_arrays": "(*arrays)",
    "broadcast_to": "(x, /, shape)",
    "concat": "(arrays, /, *, axis=0)",
    "expand_dims": "(x, /, axis)",
    "flip": "(x, /, *, axis=None)",
    "moveaxis": "(x, source, destination, /)",
    "permute_dims": "(x, /, axes)",
    "repeat": "(x, repeats, /, *, axis=None)",
    "reshape": "(x, /, shape, *, copy=None)",
    "roll": "(x, /, shift, *, axis=None)",
    "squeeze": "(x, /, axis)",
    "stack": "(arrays, /, *, axis=0)",
    "tile": "(x, repetitions, /)",
    "unstack": "(x, /, *, axis=0)",
}

SEARCHING = {
    "argmax": "(x, /, *, axis=None, keepdims=False)",
    "argmin": "(x, /, *, axis=None, keepdims=False)",
    "count_nonzero": "(x, /, *, axis=None, keepdims=False)",
    "nonzero": _UNARY,
    "searchsorted": "(x1, x2, /, *, side='left', sorter=None)",
    "where": "(condition, x1, x2, /)",
}

SETS = dict.fromkeys(("unique_all", "unique_counts", "unique_inverse", "unique_values"), _UNARY)

SORTING = {
    "argsort": "(x, /, *, axis=-1, descending=False, stable=True)",
    "sort": "(x, /, *, axis=-1, descending=False, stable=True)",
}

STATISTICS = {
    "cumulative_prod": "(x, /, *, axis=None, dtype=None, include_initial=False)",
    "cumulative_sum": "(x, /, *, axis=None, dtype=None, include_initial=False)",
    "max": "(x, /, *, axis=None, keepdims=False)",
    "mean": "(x, /, *, axis=None, keepdims=False)",
    "min": "(x, /, *, axis=None, keepdims=False)",
    "prod": "(x, /, *, axis=None, dtype=None, keepdims=False)",
    "std": "(x, /, *, axis=None, correction=0.0, keepdims=False)",
    "sum": "(x, /, *, axis=None, dtype=None, keepdims=False)",
    "var": "(x, /, *, axis=None, correction=0.0, keepdims=False)",
}

UTILITY = {
    "all": "(x, /, *, axis=None, keepdims=False)",
    "any": "(x, /, *, axis=None, keepdims=False)",
    "diff": "(x, /, *, axis=-1, n=1, prepend=None, append=None)",
}

LINALG = {
    "linalg.cholesky": "(x, /, *, upper=False)",
    "linalg.cross": "(x1, x2, /, *, axis=-1)",
    "linalg.det": _UNARY,
    "linalg.diagonal": "(x, /, *, offset=0)",
    "linalg.eigh": _UNARY,
    "linalg.eigvalsh": _UNARY,
    "linalg.inv": _UNARY,
    "linalg.matmul": _BINARY,
    "linalg.matrix_norm": "(x, /, *, keepdims=False, ord='fro')",
    "linalg.matrix_power": "(x, n, /)",
    "linalg.matrix_rank": "(x, /, *, rtol=None)",
    "linalg.matrix_transpose": _UNARY,
    "linalg.outer": _BINARY,
    "linalg.pinv": "(x, /, *, rtol=None)",
    "linalg.qr": "(x, /, *, mode='reduced')",
    "linalg.slogdet": _UNARY,
    "linalg.solve": _BINARY,
    "linalg.svd": "(x, /, *, full_matrices=True)",
    "linalg.svdvals": _UNARY,
    "linalg.tensordot": "(x1, x2, /, *, axes=2)",
    "linalg.trace": "(x, /, *, offset=0, dtype=None)",
    "linalg.vecdot": "(x1, x2, /, *, axis=-1)",
    "linalg.vector_norm": "(x, /, *, axis=None, keepdims=False, ord=2)",
}

FFT = {
    f"fft.{name}": "(x, /, *, n=None, axis=-1, norm='backward')"
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
} | {
    f"fft.{name}": "(x, /, *, s=None, axes=None, norm='backward')"
    for name in ("fftn", "ifftn", "rfftn", "irfftn")
}
FFT |= {f"fft.{name}": "(x, /, *, axes=None)" for name in ("fftshift", "ifftshift")}
FFT |= {f"fft.{name}": "(n, /, *, d=1.0, dtype=None, device=None)" for name in ("fftfreq", "rfftfreq")}

FUNCTIONS = {
    "elementwise": ELEMENTWISE,
    "creation": CREATION,
    "data types": DATA_TYPE_FUNCTIONS,
    "inspection": INSPECTION,
    "indexing": INDEXING,
    "linear algebra": LINEAR_ALGEBRA,
    "manipulation": MANIPULATION,
    "searching": SEARCHING,
    "sets": SETS,
    "sorting": SORTING,
    "statistics": STATISTICS,
    "utility": UTILITY,
    "linalg": LINALG,
    "fft": FFT,
}

ATTRIBUTES = ("T", "device", "dtype", "mT", "ndim", "shape", "size")

METHODS = {
    "__array_namespace__": "(self, /, *, api_version=None)",
    "__dlpack__": "(self, /, *, stream=None, max_version=None, dl_device=None, copy=None)",
    "__dlpack_device__": "(self, /)",
    "to_device": "(self, device, /, *, stream=None)",
} | {
    f"__{name}__": "(self, /)"
    for name in ("abs", "bool", "complex", "float", "index", "int", "invert", "neg", "pos")
}
METHODS |= {
    f"__{prefix}{name}__": "(self, other, /)"
    for name in (
        *(
            "add",
            "and",
            "floordiv",
            "lshift",
            "matmul",
            "mod",
            "mul",
            "or",
            "pow",
            "rshift",
            "sub",
            "truediv",
            "xor",
        ),
    )
    for prefix in ("", "r")
}
METHODS |= {f"__{name}__": "(self, other, /)" for name in ("eq", "ge", "gt", "le", "lt", "ne")}
METHODS |= {"__getitem__": "(self, key, /)", "__setitem__": "(self, key, value, /)"}
