"""A long chain in little memory: scan, and checkpoints every √n steps.

You learn why going back through a loop needs its states, and how to trade them for computing some steps twice. The
chain is a swinging pendulum; the question is how its angle after 1,000 steps depends on where it started.

Run it: python long_loops.py
"""

import tracemalloc

import numpy as np

import glassgrad as gg

STEPS, SWINGERS = 1000, 1000


def final_angle(angle, checkpoint):
    """The mean angle of many pendulums after many steps of symplectic Euler."""

    def step(state, _):
        angle, speed = state
        speed = speed - 0.001 * gg.sin(angle)
        return (angle + 0.001 * speed, speed), None

    (angle, _), _ = gg.scan(step, (angle, gg.zeros_like(angle)), length=STEPS, checkpoint=checkpoint)
    return gg.mean(angle)


start = np.linspace(0.1, 1.0, SWINGERS)
print(f"{'checkpoint':>12}{'peak memory':>14}{'slope':>16}")
for checkpoint in (False, True, 10):
    tracemalloc.start()
    slope = gg.sum(gg.grad(final_angle)(start, checkpoint)).item()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(f"{checkpoint!s:>12}{peak:>11.1f} MB{slope:>16.12f}")

value, slope = gg.jvp(lambda a: final_angle(a, False), (start,), (np.ones(SWINGERS),))
print(f"\nforward mode stores nothing: slope {slope.item():.12f}")
