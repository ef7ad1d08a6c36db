"""Curvature: Newton's method with the Hessian, and with Hessian-vector products alone.

You learn what second derivatives are good for, that `gg.hessian` forms the matrix and `gg.hvp` multiplies by it without
forming it, and how conjugate gradients solve with nothing but such products. The valley is Rosenbrock's.

Run it: python newton.py
"""

import numpy as np

import glassgrad as gg


def rosenbrock(x):
    return gg.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


start = gg.asarray(np.array([-1.2, 1.0]))
print("The Hessian at (-1.2, 1), where it is known to be [[1330, 480], [480, 200]]\n")
print(gg.hessian(rosenbrock)(start).numpy())

print("\nNewton's method, six steps\n")
x = start
for step in range(7):
    print(f"{step:>4}{x[0].item():>12.6f}{x[1].item():>12.6f}{rosenbrock(x).item():>14.3e}")
    x = x - gg.linalg.solve(gg.hessian(rosenbrock)(x), gg.grad(rosenbrock)(x))


def conjugate_gradients(times, b, steps):
    """x with A x = b, from products A v alone (Hestenes and Stiefel, 1952); stops where the curvature is negative."""
    x, r = gg.zeros_like(b), b
    p = r
    for _ in range(steps):
        ap = times(p)
        if gg.sum(p * ap) <= 0 or gg.sum(r * r) < 1e-20:
            break
        a = gg.sum(r * r) / gg.sum(p * ap)
        x, new = x + a * p, r - a * ap
        p, r = new + gg.sum(new * new) / gg.sum(r * r) * p, new
    return x


size = 200
print(f"\nThe same in {size} dimensions: no matrix of {size * size:,} numbers is ever formed\n")
x = gg.asarray(np.full(size, 0.9))
for step in range(10):
    print(f"{step:>4}{rosenbrock(x).item():>14.3e}")
    way = conjugate_gradients(lambda v, x=x: gg.hvp(rosenbrock, x, v), gg.grad(rosenbrock)(x), 100)
    length = 1.0
    while rosenbrock(x - length * way) > rosenbrock(x):
        length /= 2
    x = x - length * way
