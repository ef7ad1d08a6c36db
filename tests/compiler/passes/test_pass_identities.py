"""Removing what passes its input on."""

from steps import assert_same_values, graph_of, steps_of

import glassgrad as gg
from glassgrad.compiler.passes import remove_identities


def test_ops_that_pass_on_go() -> None:
    before = graph_of(
        lambda x: gg.sin(gg.stop_gradient(x)) + gg.stop_gradient(gg.stop_gradient(x * 2.0)), (3,)
    )
    after = remove_identities(before)
    assert "stop_gradient" in steps_of(before)
    assert sorted(steps_of(after)) == ["add", "multiply", "sin"]
    assert_same_values(after, before)


def test_an_input_that_is_passed_on_to_the_result() -> None:
    before = graph_of(lambda x: gg.stop_gradient(x), (3,))
    after = remove_identities(before)
    assert after.outputs == after.inputs
    assert_same_values(after, before)


def test_nothing_to_do_changes_nothing() -> None:
    before = graph_of(lambda x: gg.sin(x) + 1.0, (3,))
    assert remove_identities(before).body == before.body


def test_twice_is_once() -> None:
    once = remove_identities(graph_of(lambda x: gg.stop_gradient(x) + 1.0, (3,)))
    assert remove_identities(once).body == once.body
