"""Measure the accuracy of the elementwise ops and write `docs/accuracy.md`.

`python docs/make_accuracy.py` measures all of them, in a few minutes; `python docs/make_accuracy.py erf softplus` only
these, and takes the other figures from the page.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "ops"))

import accuracy  # noqa: E402

PAGE = HERE / "accuracy.md"
POINTS = 20_000

HEAD = """# How accurate the elementwise ops are

Made by `python docs/make_accuracy.py` (for one op: `python docs/make_accuracy.py erf`).
`tests/ops/test_accuracy.py` asserts the bounds with fewer points.

Errors are in ULP: units of the distance between neighbouring floats of the size of the exact value, which mpmath gives
with 400 bits. Half a ULP is what correct rounding leaves. Inputs are of every exponent, subnormal numbers included,
near zeros, poles and ends of the domain, and moderate ones; for float32 also those, among a hundred times as many, at
which float32 and float64 differ most. Results below the normal numbers are measured by the distance there.

**float32: at most 2 ULP, everywhere, on any processor.** NumPy's own float32 kernels differ between processors and may
be off by 4. Functions that it does not compute well enough in float32 are computed in float64 and rounded once
(`expr/rounding.py`), at about twice the price. Directly in float32 run the four operations, `sqrt`, `square`,
`reciprocal`, `hypot`, `sin`, `cos`, `tanh` and `power`.

Where the exact value of a sum cancels, no bound in ULP can hold for floats of the same length:

* `logaddexp` vanishes where exp(x1) + exp(x2) = 1. Results smaller than 2^-28 are off by at most 2 ULP of that size in
  float32; in float64 results smaller than 1 are measured in ULP of 1.
* `lgamma`, `digamma` and `polygamma` have zeros left of 0, where two large terms cancel. In float64 results smaller
  than {floors} are measured in ULP of that size. The zeros right of 0 are factors of the formulas, and in
  float32 nothing is lost.
* `sigmoid` in float64 is 0 below -709.8, where the exact value is below the normal numbers.

"exact" are ops whose result is one of their inputs, a neighbouring float, an integer or a truth value.

| op | float32, largest error | at | float64, largest error | at |
|---|---|---|---|---|
"""


def place(at: tuple[float, ...]) -> str:
    """Where an error was found."""
    return ", ".join(f"{x:.9g}" for x in at)


def measured(cases: list[accuracy.Case], dtype: Any) -> tuple[str, str]:
    """The largest error among the cases of an op, and where it is."""
    found = [(*accuracy.worst(case, dtype, POINTS), case) for case in cases]
    error, at, case = max(found, key=lambda one: one[0])
    order = f"n = {case.op.n}, x = " if case.name == "polygamma" else ""
    return f"{error:.2f}", order + place(at)


def row(name: str, kind: type[Any], known: dict[str, list[accuracy.Case]]) -> str:
    """The line of an op."""
    if accuracy.rounds_nothing(name, kind):
        return f"| `{name}` | exact | | exact | |"
    single, double = (measured(known[name], dtype) for dtype in (np.float32, np.float64))
    return f"| `{name}` | {' | '.join((*single, *double))} |"


def page(names: list[str]) -> str:
    """The text of the page, with these ops measured, all if there are none, and the others' lines as they are."""
    known = accuracy.by_name()
    floors = " and ".join(
        f"{known[name][0].from64:g} ({name})" for name in ("lgamma", "digamma", "polygamma")
    )
    old = {line.split("`")[1]: line for line in lines_of(PAGE.read_text())} if names else {}
    lines = [
        old[name] if name in old and name not in names else row(name, kind, known)
        for name, kind in accuracy.every_elementwise_op().items()
    ]
    return HEAD.format(floors=floors) + "\n".join(lines) + "\n"


def lines_of(text: str) -> list[str]:
    """The lines of the table."""
    return [line for line in text.splitlines() if line.startswith("| `")]


def rows_of(text: str) -> dict[str, str]:
    """Op -> largest error in float32, as the page has them."""
    rows = [line.split("|") for line in lines_of(text)]
    return {cells[1].strip().strip("`"): cells[2].strip() for cells in rows}


if __name__ == "__main__":
    PAGE.write_text(page(sys.argv[1:]))
