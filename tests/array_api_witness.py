"""The witness of the array API tests: array-api-strict, which does what the standard says and no more."""

import inspect

import array_api_strict as strict

import glassgrad as gg
from array_api_standard import DTYPES

strict.set_array_api_strict_flags(api_version="2024.12")

OURS = {name: getattr(gg, name) for name in DTYPES}
THEIRS = {name: getattr(strict, name) for name in DTYPES}


def name_of(dtype):
    return str(getattr(dtype, "_np_dtype", dtype))


def signature(text):
    """The signature written as `text`."""
    scope = {}
    exec(f"def function{text}: ...", scope)
    return inspect.signature(scope["function"])
