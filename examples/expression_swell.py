"""Symbolic differentiation, and why it is not how networks are trained.

You learn what happens to a formula when it is differentiated on paper: every value that is used twice is written
twice, so the logistic map l1 = x, l(n+1) = 4 l(n) (1 - l(n)) doubles with each step, and its derivative more than
doubles. The graph that automatic differentiation walks grows by 8 operations per step.
(Table 1 of Baydin and others, "Automatic differentiation in machine learning: a survey", 2018.)

Run it: python expression_swell.py (after pip install 'glassgrad[symbolic]', for SymPy)
"""

import sympy

import glassgrad as gg


def logistic_map(x, n):
    for _ in range(n - 1):
        x = 4 * x * (1 - x)
    return x


for n in (2, 3, 4):
    value = gg.symbolic.expression(lambda x, n=n: logistic_map(x, n), "x")
    slope = gg.symbolic.grad(lambda x, n=n: logistic_map(x, n), "x")
    print(f"l{n}  = {value}")
    print(f"l{n}' = {slope}")
    print(f"    = {sympy.factor_terms(sympy.expand(slope))}\n")

print(gg.symbolic.swell(logistic_map, "x", n=[1, 2, 3, 4, 5, 6, 10, 20, 50]))
