"""Every pass looks at each node a fixed number of times, however many there are."""

from typing import Any

import pytest
from steps import assert_same_values, chain

from glassgrad.compiler import passes
from glassgrad.compiler.passes import (
    PASSES,
    biases,
    chosen,
    duplicates,
    fold,
    identities,
    rewrite,
    sums,
    turned,
)


@pytest.mark.parametrize("run_pass", PASSES, ids=lambda run_pass: run_pass.__name__)
def test_a_rule_is_asked_once_for_each_node(run_pass: Any, monkeypatch: Any) -> None:
    calls = 0

    def counted(graph: Any, rule: Any) -> Any:
        def asked(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            return rule(*args)

        return rewrite.rewritten(graph, asked)

    for module in (biases, chosen, duplicates, fold, identities, sums, turned):
        monkeypatch.setattr(module, "rewritten", counted)
    graph = chain(100_000)
    assert len(graph.body) >= 100_000
    after = run_pass(graph)
    assert calls == len(graph.body) - len(graph.inputs)
    assert len(after.body) <= len(graph.body)


@pytest.mark.parametrize("run_pass", PASSES, ids=lambda run_pass: run_pass.__name__)
def test_values_are_kept(run_pass: Any) -> None:
    graph = chain(99)
    assert_same_values(run_pass(graph), graph)


def test_all_in_order() -> None:
    graph = chain(300)
    after = passes.simplify(graph)
    assert len(after.body) < len(graph.body)
    assert_same_values(after, graph)
