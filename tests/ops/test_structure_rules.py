"""For every row of the op table: what an op's result can depend on covers what its derivative says it does."""

import numpy as np
import pytest
from table import ROWS

import glassgrad as gg
from glassgrad.tensor import apply

CASES = [(row, place) for row in ROWS if row.differentiable for place in row.varied]


@pytest.mark.parametrize(("row", "place"), CASES, ids=[f"{row}-{place}" for row, place in CASES])
def test_the_pattern_covers_the_dense_jacobian(row, place):
    x = gg.asarray(row.inputs[place].copy())

    def f(part):
        def run(t):
            inputs = [t if i == place else gg.asarray(array) for i, array in enumerate(row.inputs)]
            out = apply(row.op, *inputs)
            return part(out) if out.dtype.kind == "c" else out

        return run

    is_complex = apply(row.op, *map(gg.asarray, row.inputs)).dtype.kind == "c"
    for part in (gg.real, gg.imag) if is_complex else (gg.real,):
        found = gg.jacobian(f(part), structure=True)(x)
        dense = gg.jacobian(f(part))(x).numpy().reshape(found.shape)
        mask = np.zeros(found.shape, bool)
        rows, columns, _ = found.entries
        mask[rows, columns] = True
        assert len(rows) == found.nonzeros
        outside = np.argwhere((dense != 0) & ~mask)
        assert not len(outside), f"{found}: entries at {outside[:5].tolist()}"
