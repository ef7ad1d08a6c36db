"""The Python array API standard 2024.12: every name is here, and takes every call that the standard allows."""

import inspect
import math

import pytest

import glassgrad as gg
from array_api_standard import (
    ATTRIBUTES,
    CONSTANTS,
    DTYPES,
    FUNCTIONS,
    INFO_METHODS,
    METHODS,
)
from array_api_witness import OURS, signature, strict

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
SIGNATURES = {name: text for section in FUNCTIONS.values() for name, text in section.items()}


def look_up(name):
    found = gg
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def refused_calls(ours, standard):
    """Which of the standard's calls our signature does not take, in words; [] if it takes them all."""
    left = dict(ours.parameters)
    wrong = []
    for name, wanted in standard.parameters.items():
        if wanted.kind is inspect.Parameter.VAR_POSITIONAL:
            if not any(p.kind is wanted.kind for p in left.values()):
                wrong.append(f"*{name}")
            left = {n: p for n, p in left.items() if p.kind is not wanted.kind}
            continue
        if wanted.kind is inspect.Parameter.POSITIONAL_ONLY:
            place = next((n for n, p in left.items() if p.kind in POSITIONAL), None)
        else:
            place = (
                name if name in left and left[name].kind is not inspect.Parameter.POSITIONAL_ONLY else None
            )
        if place is None:
            wrong.append(f"no {name}")
            continue
        if wanted.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and place != next(iter(left)):
            wrong.append(f"{name} at another place")
        found = left.pop(place)
        if wanted.default is not wanted.empty and not (
            found.default == wanted.default and type(found.default) in (type(wanted.default), int, float)
        ):
            wrong.append(f"{name}={found.default!r}")
    needed = [
        n
        for n, p in left.items()
        if p.default is p.empty and p.kind in (*POSITIONAL, inspect.Parameter.KEYWORD_ONLY)
    ]
    return wrong + [f"{name} has no default" for name in needed]


def test_the_comparison_of_signatures_notices_what_is_wrong():
    standard = signature("(x, /, shape, *, axis=None)")
    assert refused_calls(signature("(x, shape, axis=None, more=1)"), standard) == []
    assert refused_calls(signature("(x, /, sizes, *, axis=None)"), standard) == [
        "no shape",
        "sizes has no default",
    ]
    assert refused_calls(signature("(x, /, shape, *, axis=0)"), standard) == ["axis=0"]
    assert refused_calls(signature("(x, /, shape)"), standard) == ["no axis"]
    assert refused_calls(signature("(x, /, axis=None, *, shape)"), standard) == ["shape at another place"]
    assert refused_calls(signature("(x, shape, more, axis=None)"), standard) == ["more has no default"]
    assert refused_calls(signature("(x)"), signature("(*arrays)")) == ["*arrays", "x has no default"]


NOT_YET: frozenset[str] = frozenset()
"""Names of the standard that are still to come."""


def test_no_name_of_the_standard_is_missing():
    missing = {
        name for name in (*SIGNATURES, *CONSTANTS, *DTYPES) if name != "newaxis" and look_up(name) is None
    }
    assert missing == NOT_YET, (
        f"missing: {', '.join(sorted(missing - NOT_YET))}; no longer: {NOT_YET - missing}"
    )
    assert gg.newaxis is None
    assert gg.__array_api_version__ == "2024.12"


@pytest.mark.parametrize("name", sorted(set(SIGNATURES) - NOT_YET))
def test_every_call_that_the_standard_allows_is_taken(name):
    assert refused_calls(inspect.signature(look_up(name)), signature(SIGNATURES[name])) == []


@pytest.mark.parametrize("name", METHODS)
def test_tensors_have_the_standards_methods(name):
    method = getattr(gg.Tensor, name)
    assert refused_calls(inspect.signature(method), signature(METHODS[name])) == []


def test_tensors_have_the_standards_attributes():
    x = gg.ones((2, 3))
    assert all(hasattr(x, name) for name in ATTRIBUTES)
    assert (x.ndim, x.size, x.shape, x.dtype, x.device) == (2, 6, (2, 3), gg.float32, "cpu")
    assert (x.T.shape, x.mT.shape) == ((3, 2), (3, 2))


def test_our_list_of_the_standards_functions_is_that_of_the_reference():
    """Its signatures mark a device as not given by a value of their own, and one has no annotations to strip."""
    for name, text in SIGNATURES.items():
        module, _, short = name.rpartition(".")
        theirs = getattr(getattr(strict, module) if module else strict, short)
        found = {
            n: (p.kind, None if type(p.default).__name__ == "Undef" else p.default)
            for n, p in inspect.signature(theirs).parameters.items()
        }
        wanted = {n: (p.kind, p.default) for n, p in signature(text).parameters.items()}
        assert found == wanted, name


def test_the_constants():
    assert (gg.e, gg.pi, gg.inf) == (math.e, math.pi, math.inf)
    assert math.isnan(gg.nan)


def test_the_namespace_tells_of_itself():
    info = gg.__array_namespace_info__()
    for name, text in INFO_METHODS.items():
        assert refused_calls(inspect.signature(getattr(info, name)), signature(text)) == []
    assert info.capabilities() == {
        "boolean indexing": True,
        "data-dependent shapes": True,
        "max dimensions": 64,
    }
    gg.zeros((1,) * 64)
    assert (info.devices(), info.default_device()) == (["cpu"], gg.ones(1).device)
    assert set(info.dtypes()) == {*DTYPES, "float16"}
    assert info.dtypes(kind=("bool", "signed integer")) == {
        name: OURS[name] for name in ("bool", "int8", "int16", "int32", "int64")
    }
    assert gg.ones(1).__array_namespace__() is gg
    for version in ("2021.12", "2022.12", "2023.12", "2024.12"):
        assert gg.ones(1).__array_namespace__(api_version=version) is gg
