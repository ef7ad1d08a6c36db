"""Forward mode: a tangent travels with every value, from the inputs to the result.

You learn what dual numbers carry, why one run gives one directional derivative and nothing needs to be stored, and when
forward mode beats reverse mode. The function is the one that most introductions differentiate by hand.

Run it: python forward_mode.py
"""

import math

import glassgrad as gg


def f(x1, x2):
    return gg.log(x1) + x1 * x2 - gg.sin(x2)


print("y = ln x1 + x1 x2 - sin x2 at (2, 5), by hand, a value and its tangent at a time\n")
x1, x2, d1, d2 = 2.0, 5.0, 1.0, 0.0
steps = [
    ("ln x1", math.log(x1), d1 / x1),
    ("x1 x2", x1 * x2, d1 * x2 + x1 * d2),
    ("sin x2", math.sin(x2), math.cos(x2) * d2),
]
for name, value, tangent in steps:
    print(f"{name:>8}{value:>12.6f}{tangent:>12.6f}")
print(
    f"{'y':>8}{steps[0][1] + steps[1][1] - steps[2][1]:>12.6f}{steps[0][2] + steps[1][2] - steps[2][2]:>12.6f}"
)

value, slope = gg.jvp(f, (x1, x2), (d1, d2))
print(f"\ngg.jvp {value.item():>13.6f}{slope.item():>12.6f}")
print(f"gg.grad gives all slopes in one backward pass: {[g.tolist() for g in gg.grad(f, (0, 1))(x1, x2)]}")

print("\nPython decides on values, and the tangent follows the path: Newton's square root\n")


def square_root(a):
    x = a
    while abs(x * x - a) > 1e-6 * a:
        x = (x + a / x) / 2
    return x


for a in (2.0, 9.0, 100.0):
    root, slope = gg.jvp(square_root, (a,), (1.0,))
    print(f"sqrt {a:>6.1f}{root.item():>10.5f}  slope {slope.item():.6f}, on paper {0.5 / math.sqrt(a):.6f}")

print(
    "\nOne input, many results: one forward run gives the whole column; reverse mode would need one run per result\n"
)
angles = gg.linspace(0.0, 1.5, 4)
curve = lambda t: gg.stack([gg.cos(t + angles), gg.sin(t + angles)])  # noqa: E731
print(gg.jacobian(curve, mode="forward")(0.0))
