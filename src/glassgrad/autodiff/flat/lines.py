"""Lines of straight-line source: what is used once goes into the line that uses it, and what stays gets a name."""

from __future__ import annotations

import ast
import builtins
import copy
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

WIDTH = 88
"""Characters up to which a line is filled by putting one expression into another."""


@dataclass
class Line:
    """An assignment to `key`, or a statement (then `key` is None)."""

    key: str | None
    code: ast.expr | ast.stmt
    section: str
    """The heading under which it stands."""
    stays: bool = False
    """Whether it is to be a line of its own, because it has a name of its own."""
    changes: frozenset[str] = frozenset()
    """The keys of the arrays that the statement changes."""


def shortened(lines: Iterable[Line], result: Iterable[ast.expr]) -> list[Line]:
    """The lines that `result` depends on, without those that were put into the only line that uses them.

    A line that reads an array which some statement changes later stays in its place.
    """
    uses = Counter(read for code in result for read in _names(code))
    lines = list(lines)
    mutated: frozenset[str] = frozenset().union(*(line.changes for line in lines))
    read_later = []
    for line in reversed(lines):
        if line.key is None or line.key in mutated or uses[line.key]:
            uses.update(_names(line.code))
            read_later.append(line)
    lines = read_later[::-1]
    changed = {key: place for place, line in enumerate(lines) for key in line.changes}
    pending: dict[str, ast.expr] = {}
    kept: list[Line] = []
    for place, line in enumerate(lines):
        code = _substituted(line.code, pending)
        key = line.key
        if key is not None and isinstance(code, ast.expr) and not line.stays and key not in mutated:
            atom = isinstance(code, ast.Name | ast.Constant)
            steady = all(changed.get(read, -1) < place for read in _names(code))
            once = uses[key] <= 1 and steady and len(ast.unparse(code)) <= WIDTH / 2
            if atom or once:
                pending[key] = code
                continue
        kept.append(Line(key, code, line.section, line.stays, line.changes))
    return kept


def _names(code: ast.AST) -> Iterator[str]:
    return (node.id for node in ast.walk(code) if isinstance(node, ast.Name))


class _Substitute(ast.NodeTransformer):
    def __init__(self, values: dict[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.values.get(node.id, node)


def _substituted(code: ast.expr | ast.stmt, values: dict[str, ast.expr]) -> ast.expr | ast.stmt:
    return _Substitute(values).visit(copy.deepcopy(code))  # type: ignore[no-any-return]


def renamed(code: ast.AST, names: dict[str, str]) -> str:
    """Source, with keys replaced by names."""
    tree = _substituted(code, {key: ast.Name(value, ast.Load()) for key, value in names.items()})  # type: ignore[arg-type]
    return ast.unparse(ast.fix_missing_locations(tree))


class Namer:
    """Hands out names that are valid and in use nowhere else."""

    def __init__(self) -> None:
        self.taken = {"np", "math", *keyword.kwlist, *dir(builtins)}

    def unique(self, wish: str) -> str:
        """The wished name; with _2, _3 ... at its end if it is taken."""
        words = [word for word in re.split(r"\W+", wish) if word]  # of w['bias'], or 0.weight
        while words and words[0].isdigit() and len(set(words)) > 1:
            words = words[1:] + words[:1]
        base = "_".join(words)
        base = base if base.isidentifier() else f"x{base}"
        found, count = base, 2
        while found in self.taken:
            found, count = f"{base}_{count}", count + 1
        self.taken.add(found)
        return found

    def counted(self, letter: str) -> str:
        """A short name: t0, t1 ..."""
        count = 0
        while f"{letter}{count}" in self.taken:
            count += 1
        return self.unique(f"{letter}{count}")
