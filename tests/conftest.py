"""What every test may use: random numbers that are the same in every run, and property tests without a deadline."""

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a busy machine is no failure
settings.load_profile("any machine")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)
