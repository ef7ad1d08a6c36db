"""A traced graph → its program: out of the disk's cache where plan and machine code are there, else made and kept."""

from __future__ import annotations

from collections.abc import Sequence

from ...graph import Graph
from ..llvm.engine import MachineCode
from . import team
from .disk_cache import disk_cache
from .loading import kept_code
from .naming import plan_name
from .plan import Plan
from .program import Program

Made = tuple[Plan, MachineCode | None]


def program_of(graph: Graph, updates: Sequence[tuple[int, int]] = ()) -> Program:
    """The program of a traced graph. updates: outputs that are the next values of inputs, by their places."""
    name = plan_name(graph, updates)
    plan, code = _kept(name) or _made(graph, updates, name)
    return Program(plan, code, graph)


def _kept(name: str | None) -> Made | None:
    """What another process, or this one, has made of the graph of this name."""
    cache = disk_cache()
    data = None if cache is None or name is None else cache.load(name)
    if data is None:
        return None
    plan = Plan.from_bytes(data)
    assert plan.code is not None
    code = kept_code(plan.code, team.team().symbols if plan.uses_team else {})
    return None if code is None else (plan, code)


def _made(graph: Graph, updates: Sequence[tuple[int, int]], name: str | None) -> Made:
    from ..passes import simplify
    from .planning import Planning

    planning = Planning(simplify(graph), updates)
    code = planning.machine_code()
    cache = disk_cache()
    if cache is not None and name is not None and planning.plan.can_be_kept:
        cache.store(name, planning.plan.to_bytes())
    return planning.plan, code
