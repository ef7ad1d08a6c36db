"""`flat_code` of every differentiable op: the source gives the value and the gradients of eager execution."""

import numpy as np
import pytest
from table import ROWS

import glassgrad as gg
from glassgrad.ops.linalg.powers import Expm
from glassgrad.ops.special_functions import Digamma, Erfinv, Lgamma, Polygamma
from glassgrad.tensor import apply

UNWRITABLE = {
    Expm: "how often it squares depends on the norm",
    Erfinv: "NumPy has no erfinv",
    Lgamma: "NumPy has no digamma, its derivative",
    Digamma: "NumPy has no digamma",
    Polygamma: "NumPy has no polygamma",
}


def has_flat_code(row):
    real = run(row, row.inputs).dtype.kind == "f" if row.differentiable else False
    return real and type(row.op) not in UNWRITABLE


def run(row, inputs):
    return apply(row.op, *map(gg.asarray, inputs))


def in_words(row):
    return f"{type(row.op).__name__}-{row.about.replace(' ', '_')}"


@pytest.mark.parametrize("row", [row for row in ROWS if has_flat_code(row)], ids=in_words)
def test_the_source_gives_the_numbers_of_the_op(row, rng):
    code = gg.flat_code(lambda *inputs: apply(row.op, *inputs), *row.inputs)
    floats = [i for i, x in enumerate(row.inputs) if x.dtype.kind in "fc"]

    def of_floats(*moved):
        inputs = list(row.inputs)
        for place, x in zip(floats, moved, strict=True):
            inputs[place] = x
        return run(row, inputs)

    value, pullback = gg.vjp(of_floats, *(row.inputs[i] for i in floats))
    upstream = rng.normal(size=value.shape) if value.shape else np.ones(())
    with np.errstate(all="ignore"):
        found, gradients = code.function(*row.inputs, *([upstream] if value.shape else []))
    for got, wanted in zip([found, *gradients], [value, *pullback(upstream)], strict=True):
        assert (np.shape(got), np.asarray(got).dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(got, wanted.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if type(row.op) in UNWRITABLE and row.about == "plain"], ids=in_words
)
def test_what_cannot_be_written_says_so(row):
    with pytest.raises(gg.GraphError, match=r"^flat_code cannot write \w+ \(at .*\) as straight-line code: "):
        gg.flat_code(lambda *inputs: apply(row.op, *inputs), *row.inputs)
