"""Plain text for people: tables in columns, amounts with a unit, and reports that show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

WIDEST = 44
"""How many characters a cell of a table has at most."""


class Report:
    """Something whose text is what a prompt or a notebook shows of it."""

    def __repr__(self) -> str:
        return str(self)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], widest: int = WIDEST) -> str:
    """Rows under heads, in columns; a head that begins with a space has its column aligned to the right.

    >>> print(table(["name", " size"], [["a", "5"], ["longer", "12"]]))
    name    size
    a          5
    longer    12
    """
    lines = [[head.strip() for head in heads], *([shortened(cell, widest) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if head.startswith(" ") else cell.ljust(width)
            for head, cell, width in zip(heads, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def shortened(text: str, widest: int = WIDEST) -> str:
    """
    >>> shortened("a long text", 8)
    'a long …'
    """
    return text if len(text) <= widest else text[: widest - 2].rstrip() + " …"


def amount(number: float | None, unit: str = "") -> str:
    """A number with three digits and a prefix; "?" for None.

    >>> amount(1234567, "FLOP"), amount(0.00056, "s"), amount(12, "B"), amount(0, "B"), amount(None)
    ('1.23 MFLOP', '560 µs', '12 B', '0 B', '?')
    """
    if number is None:
        return "?"
    if number == 0:
        return f"0 {unit}".strip()
    prefixes = "n", "µ", "m", "", "k", "M", "G", "T", "P"
    place = 0
    number *= 1e9
    while abs(number) >= 999.5 and place < len(prefixes) - 1:
        number, place = number / 1000, place + 1
    return f"{number:.3g} {prefixes[place]}{unit}".strip()


def counted(names: Iterable[str]) -> str:
    """Names with how often each occurs, the most frequent first.

    >>> counted(["add", "exp", "add"])
    'add ×2, exp'
    """
    times: dict[str, int] = {}
    for name in names:
        times[name] = times.get(name, 0) + 1
    ordered = sorted(times.items(), key=lambda item: -item[1])
    return ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in ordered)


def plural(count: int, noun: str) -> str:
    """
    >>> plural(1, "unit"), plural(1200, "unit")
    ('1 unit', '1,200 units')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
