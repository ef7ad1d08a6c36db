"""The logistic map l1 = x, l(n+1) = 4 l(n) (1 - l(n)): differentiating a Python loop.

You learn why automatic differentiation is not symbolic differentiation. Written out, l(n) is a polynomial of degree
2^(n-1), and its derivative grows as fast. The recorded graph grows by three gates per step, and going back through it
costs about as much as going forward.

Run it: python logistic_map.py
"""

import glassgrad as gg


def logistic_map(x, n):
    value = x
    for _ in range(n - 1):
        value = 4 * value * (1 - value)
    return value


def derivative_on_paper(x):
    """Of l4 = 64 x (1-x) (1-2x)^2 (1-8x+8x^2)^2, by the product rule."""
    a, b, c, d = x, 1 - x, 1 - 2 * x, 1 - 8 * x + 8 * x * x
    from_a = b * c**2 * d**2
    from_b = -a * c**2 * d**2
    from_c = a * b * (-4 * c) * d**2
    from_d = a * b * c**2 * 2 * d * (16 * x - 8)
    return 64 * (from_a + from_b + from_c + from_d)


print("The slope of l4: through the loop, on paper, from differences\n")
print(f"{'x':>6}{'reverse mode':>18}{'on paper':>18}{'central differences':>22}")
for x in (0.0, 0.1, 0.2, 0.5, 0.637, 0.9):
    by_loop = gg.grad(lambda x: logistic_map(x, 4))(gg.tensor(x, gg.float64)).item()
    by_differences = float(gg.numerical.grad(lambda x: logistic_map(x, 4), x))
    print(f"{x:>6}{by_loop:>18.12f}{derivative_on_paper(x):>18.12f}{by_differences:>22.12f}")

print("\nThe size of l(n): as a graph, and written out as a polynomial\n")
print(f"{'n':>6}{'gates':>8}{'degree':>8}{'slope at 0.2':>16}")
for n in (2, 3, 4, 6, 8, 12):
    x = gg.tensor(0.2, gg.float64, requires_grad=True)
    value = logistic_map(x, n)
    value.backward()
    gates = [node for node in gg.graph_of(value).nodes_topologically_sorted() if node.inputs]
    print(f"{n:>6}{len(gates):>8}{2 ** (n - 1):>8}{x.grad.item():>16.6f}")
