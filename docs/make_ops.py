"""Measure every op in every mode and write `docs/ops.md`: `python docs/make_ops.py`, in about a minute."""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests" / "ops"), str(HERE)]

import make_accuracy  # noqa: E402
import test_modes as modes  # noqa: E402
from table import ROWS  # noqa: E402

import glassgrad as gg  # noqa: E402
from glassgrad.errors import GlassgradError  # noqa: E402
from glassgrad.graph import Op  # noqa: E402
from glassgrad.ops.compare import Where  # noqa: E402
from glassgrad.ops.families import Bilinear, Elementwise, Linear  # noqa: E402
from glassgrad.tensor import apply  # noqa: E402

PAGE = HERE / "ops.md"

HEAD = """# Which op has which rule

Made by `python docs/make_ops.py` from the rows of the op test table; `tests/ops/test_modes.py` asserts that every
figure is below 1e-7. Each figure is the largest relative error found against the **numerical** mode, differences of
values in float64 extrapolated by Ridders' method, over all rows of the op (broadcasting, sizes 0 and 1, ties, strided
memory).

* **vjp**: reverse mode. **jvp**: forward mode. **order 2**: reverse over reverse and forward over reverse.
* **vmap**: the largest error of `vmap` of each of these.
* **batch**: how a stack is computed: by the op's *rule*, or one member after the other.
* **symbolic**: *formula* where SymPy reads the op's own formula, *elements* where symbolic mode follows the op from
  element to element; – where an algorithm or a choice by value has no closed form, and symbolic mode says so.
* **ULP**: the largest error in float32, from [accuracy.md](accuracy.md); empty where an op computes nothing of its own.

A dash under order 2 means that no row has a second derivative there (kinks, ties), or that it is zero by construction.

"""
COLUMNS = (
    "| op | family | rows | vjp | jvp | order 2 | vmap | batch | symbolic | ULP |\n" + "|---" * 10 + "|\n"
)


def error(mode, row, order):
    """The error of a mode on its own, and of `vmap` of it, relative to the terms of the result."""
    case = modes.case(row)
    witnesses = case.first if order == 1 else case.second
    alone = relative(modes.alone(row, mode), witnesses[0])
    stacked = max(map(relative, modes.stacked(row, mode), witnesses))
    return alone, stacked


def relative(found, witness):
    """The difference from the witness, relative to the size of the witness's terms."""
    value, scale = witness
    return abs(float(found) - value) / scale if scale else abs(float(found))


def figure(errors):
    """The largest error as text."""
    return f"{max(errors):.0e}" if errors else "–"


def family(op):
    """The family that the op belongs to."""
    kinds = {Elementwise: "elementwise", Bilinear: "bilinear", Linear: "linear"}
    return next((name for kind, name in kinds.items() if isinstance(op, kind)), "general")


def symbolic(row):
    """Whether symbolic mode can follow the op: its formula, or what it does to the elements of small arrays."""
    op, shapes = row.op, [x.shape for x in row.inputs]
    names = [[f"x{i}_{k}" for k in range(np.prod(s, dtype=int))] for i, s in enumerate(shapes)]
    flat = [name for part in names for name in part]

    def function(*numbers):
        remaining = iter(numbers)
        inputs = [
            gg.reshape(gg.stack([next(remaining) for _ in part]), shape) if part else gg.zeros(shape)
            for part, shape in zip(names, shapes, strict=True)
        ]
        return gg.sum(gg.reshape(apply(op, *inputs), (-1,)))

    if any(x.dtype.kind != "f" for x in row.inputs):
        return "elements" if isinstance(op, Linear) else "formula" if isinstance(op, Where) else "–"
    try:
        gg.symbolic.expression(function, *flat)
    except (GlassgradError, TypeError, ValueError):
        return "–"
    return "formula" if isinstance(op, Elementwise) else "elements"


def smallest(rows):
    """The row with the fewest elements that has some."""
    return min((row for row in rows if row.inputs[0].size), key=lambda row: sum(x.size for x in row.inputs))


def line(name, rows, ulps):
    """An op's line of the table."""
    op = rows[0].op
    single = {mode: [] for mode in ("reverse", "forward", "second", "vmap")}
    for row in rows:
        if row.differentiable:
            for mode in ("reverse", "forward"):
                alone, stacked = error(mode, row, 1)
                single[mode].append(alone)
                single["vmap"].append(stacked)
        if row.differentiable and row.twice:
            for mode in ("forward_over_reverse", "reverse_over_reverse"):
                alone, stacked = error(mode, row, 2)
                single["second"].append(alone)
                single["vmap"].append(stacked)
    batch = "one by one" if type(op).batch is Op.batch else "rule"
    cells = [
        f"`{name}`",
        family(op),
        str(len(rows)),
        *map(figure, single.values()),
        batch,
        symbolic(smallest(rows)),
    ]
    return "| " + " | ".join([*cells, ulps.get(name, "")]) + " |"


def page():
    """The text of the page."""
    ulps = make_accuracy.rows_of((HERE / "accuracy.md").read_text(encoding="utf-8"))
    groups = {}
    for row in ROWS:
        groups.setdefault(row.op.name, []).append(row)
    moving = {name: rows for name, rows in groups.items() if any(row.differentiable for row in rows)}
    lines = [line(name, rows, ulps) for name, rows in sorted(moving.items())]
    complexes = sorted(n for n, rows in groups.items() if n not in moving and rows[0].op.differentiable)
    still = [
        f"| `{name}` | {rows[0].op.no_gradient_because} | {ulps.get(name, '')} |"
        for name, rows in sorted(groups.items())
        if name not in moving and name not in complexes
    ]
    return (
        HEAD
        + COLUMNS
        + "\n".join(lines)
        + "\n\nOps of complex inputs or results, "
        + ", ".join(f"`{name}`" for name in complexes)
        + ", have vjp, jvp and batch rules too; `tests/ops/test_complex_gradients.py` compares them with differences "
        + "along both axes of the plane. What a complex gradient means is in [complex.md](complex.md).\n"
        + "\n## Ops without derivative, and why\n\n| op | why | ULP |\n|---|---|---|\n"
        + "\n".join(still)
        + "\n"
    )


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        PAGE.write_text(page(), encoding="utf-8")
