"""What every test may use: random numbers that are the same in every run, property tests without a deadline, and a
cache of machine code that ends with the run.
"""

import os
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a busy machine is no failure
settings.load_profile("any machine")

_machine_code = TemporaryDirectory(prefix="glassgrad-tests-")
os.environ["GLASSGRAD_CACHE_DIR"] = _machine_code.name  # for the processes that tests start, too


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)
