"""What ops refuse, in full: what was expected, what came, and the user's own line."""

from pathlib import Path

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, ShapeError
from glassgrad.ops.philox import random_uniform


def line_of(raised):
    """`file:line` of the innermost call in this file, as Python's own traceback has it."""
    here = [entry for entry in raised.traceback if Path(entry.path).name == "test_op_errors.py"]
    return f"test_op_errors.py:{here[-1].lineno + 1}"


def ones(*shape, dtype="float32"):
    return gg.ones(shape, dtype=dtype)


FLOAT_ONLY = (
    *(
        "exp",
        "expm1",
        "log",
        "log1p",
        "log2",
        "log10",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "atan",
        "asin",
        "acos",
        "asinh",
        "acosh",
        "atanh",
    ),
    "reciprocal",
)
REAL_FLOAT_ONLY = (
    *("sigmoid", "softplus", "leaky_relu", "elu", "logit"),
    *("erf", "erfc", "erfinv", "lgamma", "digamma"),
)


CONVERTS = "gg.astype(x, gg.float32) converts."


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
@pytest.mark.parametrize("name", FLOAT_ONLY)
def test_functions_of_floats_refuse_integers(name, dtype):
    with pytest.raises(DTypeError) as raised:
        getattr(gg, name)(ones(2, 3, dtype=dtype))
    assert str(raised.value) == (
        f"{name} needs a float or complex input; got {dtype} of shape (2, 3). "
        f"gg.astype(x, gg.float32) converts. (at {line_of(raised)})"
    )


@pytest.mark.parametrize("dtype", ["int64", "bool", "complex64"])
@pytest.mark.parametrize("name", REAL_FLOAT_ONLY)
def test_functions_of_real_floats_refuse_the_rest(name, dtype):
    with pytest.raises(DTypeError) as raised:
        getattr(gg, name)(ones(2, dtype=dtype))
    cure = "" if dtype == "complex64" else " gg.astype(x, gg.float32) converts."
    assert str(raised.value) == (
        f"{name} needs a float input; got {dtype} of shape (2,).{cure} (at {line_of(raised)})"
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ones(2, dtype=bool) - ones(2),
            f"subtract needs an int, float or complex input; got x1 bool of shape (2,). {CONVERTS}",
        ),
        (
            lambda: 1 - ones(2, dtype=bool),
            f"subtract needs an int, float or complex input; got x2 bool of shape (2,). {CONVERTS}",
        ),
        (
            lambda: -ones(dtype=bool),
            f"negative needs an int, float or complex input; got bool of shape (). {CONVERTS}",
        ),
        (
            lambda: ones(2) < ones(2, dtype=complex),
            "less needs a bool, int or float input; got x2 complex64 of shape (2,).",
        ),
        (
            lambda: gg.logical_and(ones(2), ones(2, dtype=bool)),
            "logical_and needs a bool input; got x1 float32 of shape (2,). Compare first, for example x > 0.",
        ),
        (
            lambda: ~ones(2),
            "bitwise_invert needs a bool or int input; got float32 of shape (2,). For logic compare first, for example "
            "x > 0; for bits gg.astype(x, gg.int64) converts.",
        ),
        (
            lambda: gg.matmul(ones(2, 2, dtype=bool), ones(2, 2)),
            f"matmul needs an int, float or complex input; got x1 bool of shape (2, 2). {CONVERTS}",
        ),
        (
            lambda: gg.sort(ones(2, dtype=complex)),
            "argsort needs a bool, int or float input; got complex64 of shape (2,).",
        ),
        (
            lambda: gg.linalg.cholesky(ones(2, 2, dtype=int)),
            f"cholesky needs a float or complex input; got int64 of shape (2, 2). {CONVERTS}",
        ),
        (
            lambda: gg.where(ones(2), 1.0, 2.0),
            "where needs a boolean condition; got float32 of shape (2,). Compare first, for example x > 0.",
        ),
        (
            lambda: gg.astype(ones(2, dtype=complex), gg.float32),
            "astype cannot turn complex64 into float32, which would lose the imaginary part",
        ),
        (
            lambda: gg.linalg.solve(gg.eye(2), ones(2, dtype=int)),
            f"solve needs a float or complex input; got b int64 of shape (2, 1). {CONVERTS}",
        ),
    ],
)
def test_dtype_errors(call, message):
    with pytest.raises(DTypeError) as raised:
        call()
    assert str(raised.value) == f"{message} (at {line_of(raised)})"


ADVICE = "Sizes must be equal or 1; gg.reshape or gg.expand_dims can add an axis of size 1."


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ones(2, 3) + ones(4),
            "add cannot broadcast x1 float32[2, 3] and x2 float32[4]: counted from the right, "
            f"axis -1 has sizes 3 and 4. {ADVICE}",
        ),
        (
            lambda: ones(2) < ones(3, 1, 4),
            "less cannot broadcast x1 float32[2] and x2 float32[3, 1, 4]: counted from the right, axis -1 has sizes "
            f"2 and 4. {ADVICE}",
        ),
        (
            lambda: gg.where(ones(3, dtype=bool), ones(2, 1), ones(4, 1)),
            "where cannot broadcast condition bool[3] and x1 float32[2, 1] and x2 float32[4, 1]: counted from "
            f"the right, axis -2 has sizes 2 and 4. {ADVICE}",
        ),
        (
            lambda: gg.clip(ones(3), ones(2), 1.0),
            "clip cannot broadcast x float32[3] and low float32[2] and high float32[]: counted from the right, "
            f"axis -1 has sizes 3 and 2. {ADVICE}",
        ),
        (
            lambda: ones(2, 3) @ ones(2, 4),
            "matmul needs x1.shape[-1] == x2.shape[-2]; got x1 float32[2, 3] and x2 float32[2, 4], so 3 != 2.",
        ),
        (
            lambda: ones(5, 3) @ ones(4, 3),
            "matmul needs x1.shape[-1] == x2.shape[-2]; got x1 float32[5, 3] and x2 float32[4, 3], so 3 != 4. "
            "If x2 holds weights as (out, in), pass gg.matrix_transpose(x2).",
        ),
        (
            lambda: ones(2, 2, 2) @ ones(3, 2, 2),
            "matmul cannot broadcast the leading axes of x1 float32[2, 2, 2] and x2 float32[3, 2, 2]",
        ),
        (
            lambda: gg.linalg.cholesky(ones(2, 3)),
            "cholesky needs square matrices on the last two axes; got shape (2, 3)",
        ),
        (
            lambda: gg.linalg.solve(ones(3), ones(3)),
            "solve needs square matrices on the last two axes; got shape (3,)",
        ),
        (
            lambda: gg.linalg.solve(gg.eye(2), ones(3)),
            "solve needs a.shape[-1] == b.shape[-2]; got a float32[2, 2] and b float32[3, 1]",
        ),
        (
            lambda: gg.linalg.solve(ones(2, 2, 2), ones(3, 2, 1)),
            "solve cannot broadcast the leading axes of a float32[2, 2, 2] and b float32[3, 2, 1]",
        ),
        (
            lambda: gg.reshape(ones(2, 3), (4, 2)),
            "reshape cannot turn shape (2, 3) (6 elements) into (4, 2) (8 elements). "
            "To keep the rows of a batch, write x.reshape(len(x), -1).",
        ),
        (
            lambda: gg.broadcast_to(ones(2, 3), (3, 3)),
            "broadcast_to cannot turn shape (2, 3) into (3, 3): only axes of size 1 can be repeated",
        ),
        (
            lambda: gg.concat([ones(2, 3), ones(2, 4)]),
            "concat along axis 0 needs equal sizes on the other axes; "
            "input 0 has shape (2, 3), input 1 has shape (2, 4). They fit along axis 1: pass axis=1.",
        ),
        (
            lambda: gg.concat([ones(2, 2), ones(2)]),
            "concat along axis 0 needs equal sizes on the other axes; input 0 has shape (2, 2), input 1 has shape "
            "(2,). gg.expand_dims(x, axis) adds an axis of size 1.",
        ),
        (
            lambda: gg.max(ones(0, 3), axis=0),
            "max of no elements is undefined: got shape (0, 3), reduced over axes (0,)",
        ),
        (
            lambda: gg.argmin(ones(3, 0), axis=1),
            "argmin of no elements is undefined: got shape (3, 0), axis 1",
        ),
    ],
)
def test_shape_errors_name_the_inputs_and_the_line(call, message):
    with pytest.raises(ShapeError) as raised:
        call()
    assert str(raised.value) == f"{message} (at {line_of(raised)})"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.sum(ones(2, 3), axis=2),
            ShapeError,
            "sum got axis 2 for a tensor with 2 axes; allowed: -2 to 1",
        ),
        (
            lambda: gg.softmax(gg.asarray(1.0)),
            ShapeError,
            "softmax got axis -1 for a tensor with 0 axes; allowed: none, because the tensor has no axes",
        ),
        (
            lambda: gg.sort(gg.asarray(1.0)),
            ShapeError,
            "sort got axis -1 for a tensor with 0 axes; allowed: none, because the tensor has no axes",
        ),
        (lambda: gg.sum(ones(2), axis=(0, -1)), ShapeError, "sum got the same axis twice: (0, -1)"),
        (lambda: gg.argmax(ones(2), axis="rows"), ArgumentError, "argmax needs an integer axis; got 'rows'"),
        (
            lambda: gg.mean(ones(0, 3), axis=0),
            ShapeError,
            "mean of no elements is undefined: got shape (0, 3), reduced over axes (0,)",
        ),
        (
            lambda: gg.var(ones(0)),
            ShapeError,
            "var of no elements is undefined: got shape (0,), reduced over axes (0,)",
        ),
        (
            lambda: gg.matmul(2.0, ones(2)),
            ShapeError,
            "matmul needs at least 1 axis on both sides; got shapes () and (2,). Use * for numbers.",
        ),
        (
            lambda: gg.outer(ones(2, 2), ones(2)),
            ShapeError,
            "outer needs two vectors; got shapes (2, 2) and (2,)",
        ),
        (lambda: gg.tril(ones(2)), ShapeError, "tril needs a matrix (at least 2 axes); got shape (2,)"),
        (lambda: gg.triu(ones(2)), ShapeError, "triu needs a matrix (at least 2 axes); got shape (2,)"),
        (
            lambda: gg.matrix_transpose(ones(2)),
            ShapeError,
            "matrix_transpose needs at least 2 axes; got shape (2,)",
        ),
        (
            lambda: gg.squeeze(ones(2, 1), 0),
            ShapeError,
            "squeeze removes axes of size 1; got axis 0 of shape (2, 1)",
        ),
        (
            lambda: gg.permute_dims(ones(2, 2), (0, 0)),
            ShapeError,
            "permute_dims needs each of the 2 axes once; got (0, 0)",
        ),
        (
            lambda: gg.permute_dims(ones(2, 2), (0,)),
            ShapeError,
            "permute_dims needs each of the 2 axes once; got (0,)",
        ),
        (
            lambda: gg.reshape(ones(4), (-1, -1)),
            ShapeError,
            "reshape can compute one size, not several; got (-1, -1)",
        ),
        (
            lambda: gg.reshape(ones(4), (-2, 2)),
            ShapeError,
            "reshape takes sizes of 0 or more, or -1 for one that is computed; got (-2, 2)",
        ),
        (
            lambda: gg.reshape(ones(4), (3, -1)),
            ShapeError,
            "reshape cannot turn shape (4,) (4 elements) into (3, -1): 4 is not a multiple of 3.",
        ),
        (
            lambda: gg.reshape(ones(0, 3), (0, -1)),
            ShapeError,
            "reshape cannot compute -1 in (0, -1), because any size would do there; got shape (0, 3)",
        ),
        (
            lambda: gg.reshape(ones(4), (2.0, 2)),
            ArgumentError,
            "reshape takes a shape: an integer or a sequence of integers; got (2.0, 2)",
        ),
        (
            lambda: gg.broadcast_to(ones(1), (-1,)),
            ShapeError,
            "broadcast_to takes sizes of 0 or more; got (-1,)",
        ),
        (
            lambda: gg.flatten(ones(2, 3), 3),
            ShapeError,
            "flatten got start 3 for a tensor with 2 axes; allowed: -2 to 2",
        ),
        (lambda: gg.concat([]), ArgumentError, "concat needs at least one tensor; got none"),
        (
            lambda: gg.stack([ones(2), ones(3)]),
            ShapeError,
            "stack needs tensors of one shape; got (2,), (3,). gg.concat joins along an axis that they have.",
        ),
        (
            lambda: gg.pad(ones(2, 2), [(1, 1)]),
            ShapeError,
            "pad needs one (before, after) pair of sizes for each of 2 axes; got [(1, 1)]",
        ),
        (
            lambda: gg.pad(ones(2), [1]),
            ShapeError,
            "pad needs one (before, after) pair of sizes for each of 1 axes; got [1]",
        ),
        (lambda: gg.pad(ones(2), [(-1, 0)]), ShapeError, "pad takes sizes of 0 or more; got (-1, 0)"),
        (lambda: gg.zeros(-1), ShapeError, "zeros takes sizes of 0 or more; got (-1,)"),
        (
            lambda: gg.ones(None),
            ArgumentError,
            "ones takes a shape: an integer or a sequence of integers; got None",
        ),
        (
            lambda: gg.full(2, [1.0, 2.0]),
            ShapeError,
            "full needs a single number to fill with; got shape (2,)",
        ),
        (lambda: gg.eye(2, -1), ShapeError, "eye takes sizes of 0 or more; got (2, -1)"),
        (lambda: gg.arange(0, 1, 0), ArgumentError, "arange needs a step other than 0"),
        (
            lambda: gg.linspace(0, 1, -1),
            ArgumentError,
            "linspace needs a number of points of 0 or more; got -1",
        ),
        (
            lambda: gg.zeros(2, dtype="float31"),
            DTypeError,
            "expected a dtype such as gg.float32 or 'int64'; got 'float31'",
        ),
        (
            lambda: gg.zeros(2, dtype="O"),
            DTypeError,
            "tensors hold booleans, integers, floats or complex numbers; got dtype object",
        ),
        (
            lambda: random_uniform(gg.asarray(np.zeros(2, np.uint64)), (2,), gg.float16),
            DTypeError,
            "random numbers are drawn as float32 or float64; got float16. Draw float32, then cast.",
        ),
    ],
)
def test_refused_arguments(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: gg.linalg.solve(gg.zeros((2, 2)), ones(2)),
            "solve needs matrices that can be inverted; at least one is singular",
        ),
        (
            lambda: gg.linalg.cholesky(gg.asarray([[1.0, 2.0], [2.0, 1.0]])),
            "cholesky needs symmetric positive definite matrices; at least one is not",
        ),
        (
            lambda: gg.asarray([2, 3]) ** gg.asarray([1, -1]),
            "power of x1 int64[2] and x2 int64[2] is impossible: Integers to negative integer powers are not allowed.",
        ),
    ],
)
def test_values_that_an_op_cannot_use(call, message):
    with pytest.raises(ArgumentError) as raised:
        call()
    assert str(raised.value) == f"{message} (at {line_of(raised)})"


def test_the_line_is_the_users_also_from_inside_a_composed_function():
    def model(x):
        return gg.logsumexp(x, axis=1)

    with pytest.raises(ShapeError) as raised:
        model(gg.ones((3, 0)))
    assert str(raised.value) == (
        f"max of no elements is undefined: got shape (3, 0), reduced over axes (1,) (at {line_of(raised)})"
    )


@pytest.mark.parametrize("n", [-1, 101, 1.0, True])
def test_polygamma_refuses_an_order_that_is_none(n):
    with pytest.raises(ArgumentError) as raised:
        gg.polygamma(n, ones(2))
    assert str(raised.value) == (
        f"polygamma needs an order n that is an int from 0 to 100; got {n!r} (at {line_of(raised)})"
    )
