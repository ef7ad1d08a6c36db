"""What every doctest may use without importing it: `gg`."""

from typing import Any

import pytest

import glassgrad


@pytest.fixture(autouse=True)
def _gg_in_doctests(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace["gg"] = glassgrad
