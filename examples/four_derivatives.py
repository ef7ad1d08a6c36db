"""Four ways to a derivative: on paper, as flat code by hand, from differences, and by reverse mode.

You learn what each way costs and how exact it is, on the running example of the survey by Baydin, Pearlmutter, Radul
and Siskind (2018): y = ln x1 + x1 x2 - sin x2 at (2, 5).

Run it: python four_derivatives.py
"""

from math import cos, log, sin

import glassgrad as gg

X1, X2 = 2.0, 5.0


def f(x1, x2):
    return gg.log(x1) + x1 * x2 - gg.sin(x2)


def on_paper(x1, x2):
    """The rules of calculus, applied with a pencil."""
    return 1 / x1 + x2, x1 - cos(x2)


def flat_code(x1, x2):
    """Reverse mode by hand: every line of the forward half has its lines in the backward half, in reverse order."""
    v1 = log(x1)
    v2 = x1 * x2
    v3 = sin(x2)
    v4 = v1 + v2
    y = v4 - v3

    dy = 1.0
    dv4, dv3 = dy, -dy  # y = v4 - v3
    dv1, dv2 = dv4, dv4  # v4 = v1 + v2
    dx2 = dv3 * cos(x2)  # v3 = sin(x2)
    dx1 = dv2 * x2  # v2 = x1 * x2
    dx2 += dv2 * x1
    dx1 += dv1 / x1  # v1 = log(x1)
    return y, (dx1, dx2)


exact = on_paper(X1, X2)
y, by_flat_code = flat_code(X1, X2)
rows = {"on paper": exact, "flat code": by_flat_code}
for scheme in ("forward", "central", "complex", "richardson"):
    rows[f"numerical, {scheme}"] = gg.numerical.grad(f, X1, X2, scheme=scheme)
inputs = [gg.tensor(value, gg.float64) for value in (X1, X2)]
rows["reverse mode"] = gg.grad(f, argnums=(0, 1))(*inputs)
rows["reverse mode, float32"] = gg.grad(f, argnums=(0, 1))(X1, X2)

print(f"y = ln x1 + x1 x2 - sin x2 at ({X1:g}, {X2:g}) is {y:.3f}\n")
print(f"{'':<24}{'dy/dx1':>16}{'dy/dx2':>16}{'largest error':>16}")
for label, gradient in rows.items():
    found = [float(g) for g in gradient]
    error = max(abs(a - b) for a, b in zip(found, exact, strict=True))
    print(f"{label:<24}{found[0]:>16.12f}{found[1]:>16.12f}{error:>16.0e}")
