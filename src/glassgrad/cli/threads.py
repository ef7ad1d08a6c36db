"""How many threads NumPy's matrix products use while a run trains."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

from .config import RunConfig

# Multiplications in a product that takes about a millisecond on one core.
LARGE_PRODUCT = 2**25


def suitable_threads(config: RunConfig) -> AbstractContextManager[object]:
    """A block in which products run on one thread, unless the network is so large that several are faster.

    OpenBLAS splits products from 262,144 multiplications on, and its threads wait for each other without resting.
    When another program keeps one of two cores busy, (32, 256) @ (256, 128) then takes 3 to 12 ms instead of 0.1 ms.
    """
    network = config.network
    widths = [network.inputs, *network.hidden, network.outputs]
    largest = config.training.batch_size * max(before * after for before, after in pairwise(widths))
    if largest > LARGE_PRODUCT:
        return nullcontext()
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:  # it comes with scikit-learn
        return nullcontext()
    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits
