"""Rows of the special functions, of logarithms to other bases and of inverse hyperbolic functions; see `table`."""

from collections.abc import Iterator

import numpy as np
from row import Row, away_from_integers, between, of_one, of_two

from glassgrad.ops import exponential, special_functions as special, trigonometric as trig


def rows() -> Iterator[Row]:
    wide, positive = between(-2, 2), between(0.3, 2)
    yield from of_one(exponential.Log2(), positive, (0.05, 100.0))
    yield from of_one(exponential.Log10(), positive, (0.05, 100.0))
    yield from of_one(trig.Asinh(), wide, (0.0, 1000.0, -1000.0))
    yield from of_one(trig.Acosh(), between(1.3, 3), (1.05, 1000.0))
    yield from of_one(trig.Atanh(), between(-0.8, 0.8), (0.95, -0.95, 0.0))

    yield from of_one(special.Erf(), wide, (0.0, 0.85, -0.85, 4.0, -20.0))
    yield from of_one(special.Erfc(), wide, (0.0, 0.5, 4.0, -20.0))
    yield from of_one(special.Erfinv(), between(-0.8, 0.8), (0.0, 0.6, -0.95))
    # around the cuts, the zeros at 1 and 2, and left of the poles
    yield from of_one(special.Lgamma(), positive, (0.5, 1.0, 1.5, 2.0, 3.0, 8.0, 100.0, 0.1))
    yield Row(special.Lgamma(), (away_from_integers((6,)) - 1.0,), "both sides of the poles", twice=True)
    yield from of_one(special.Digamma(), positive, (0.5, 1.0, 1.4616321449683622, 2.0, 8.0, 100.0))
    yield Row(special.Digamma(), (away_from_integers((6,)) - 1.0,), "both sides of the poles", twice=True)
    for n in (0, 1, 2, 5):
        yield from of_one(special.Polygamma(n), positive, (0.5, 1.0, 8.0, 30.0))
        yield Row(special.Polygamma(n), (away_from_integers((6,)) - 1.0,), f"{n}, both sides of the poles")
    yield from of_one(special.Logit(), between(0.1, 0.9), (0.5, 0.05, 0.95))
    yield from of_two(special.Xlogy(), wide, positive)
    yield Row(special.Xlogy(), (np.zeros(2), np.array([0.5, 3.0])), "zeros", twice=True)
