"""What was measured as tables on the terminal and as a bar chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

OURS = "glassgrad"


def ratio(found: dict[str, Any]) -> tuple[float, str] | None:
    """The fastest peer's median over ours, and who it is; None if there is nothing to compare."""
    peers = {
        side: values["median_ms"]
        for side, values in found.items()
        if not side.startswith(OURS) and "median_ms" in values
    }
    if not peers or "median_ms" not in found[OURS]:
        return None
    best = min(peers, key=peers.__getitem__)
    return peers[best] / found[OURS]["median_ms"], best


def tables(result: dict[str, Any], console: Console | None = None) -> None:
    """Print times, then start-up and memory, then what could not be measured and why."""
    console = console or Console()
    machine = result["machine"]
    console.print(
        f"{machine['cpu']}, {machine['cores_allowed']:g} cores, {result['threads']} threads, "
        f"{result['rounds']} rounds, commit {result['commit']}"
    )
    sides = list(dict.fromkeys(side for found in result["workloads"].values() for side in found))
    console.print(_times(result["workloads"], sides))
    console.print(_beside(result["workloads"], sides))
    for note in [*result["notes"], *_failures(result["workloads"])]:
        console.print(note, style="yellow", markup=False, highlight=False)


def _times(workloads: dict[str, Any], sides: list[str]) -> Table:
    table = Table(title="Milliseconds per step (median of the rounds)")
    table.add_column("workload")
    for side in sides:
        table.add_column(side, justify="right", style="bold" if side == OURS else None)
    table.add_column("ratio", justify="right")
    for name, found in workloads.items():
        cells = [_number(found.get(side, {}).get("median_ms")) for side in sides]
        compared = ratio(found)
        table.add_row(name, *cells, "-" if compared is None else f"{compared[0]:.2f}")
    table.caption = "ratio = fastest peer / glassgrad: above 1, glassgrad is faster"
    return table


def _beside(workloads: dict[str, Any], sides: list[str]) -> Table:
    table = Table(
        title="Start-up in seconds (what the first three steps cost beyond three steps) | memory of a step in MB"
    )
    table.add_column("workload")
    for side in sides:
        table.add_column(side, justify="right", style="bold" if side == OURS else None)
    for name, found in workloads.items():
        cells = []
        for side in sides:
            values = found.get(side, {})
            cells.append(f"{_number(values.get('start_up_s'))} | {_number(values.get('step_mb'))}")
        table.add_row(name, *cells)
    imports = []
    for side in sides:
        seconds = [
            found[side]["import_s"] for found in workloads.values() if "import_s" in found.get(side, {})
        ]
        imports.append(_number(sorted(seconds)[len(seconds) // 2] if seconds else None))
    table.add_section()
    table.add_row("import, s", *imports)
    return table


def _number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _failures(workloads: dict[str, Any]) -> list[str]:
    return [
        f"{name}, {side}: {values['error']}"
        for name, found in workloads.items()
        for side, values in found.items()
        if "error" in values
    ]


def chart(result: dict[str, Any], path: Path) -> str:
    """Draw how long each side takes compared to glassgrad. Returns a line about it."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return "no chart: matplotlib is not installed (pip install 'glassgrad[plot]')"
    workloads = {name: found for name, found in result["workloads"].items() if "median_ms" in found[OURS]}
    sides = list(dict.fromkeys(side for found in workloads.values() for side in found if side != OURS))
    if not workloads or not sides:
        return "no chart: there is nothing to compare"
    figure = Figure(figsize=(1.6 + 1.3 * len(workloads), 4.2), layout="constrained")
    axes = figure.add_subplot()
    width = 0.8 / len(sides)
    for place, side in enumerate(sides):
        shown = [
            (at, found[side]["median_ms"] / found[OURS]["median_ms"])
            for at, found in enumerate(workloads.values())
            if "median_ms" in found.get(side, {})
        ]
        at = [x - 0.4 + (place + 0.5) * width for x, _ in shown]
        bars = axes.bar(at, [height for _, height in shown], width, label=side)
        axes.bar_label(bars, fmt="{:.2g}", fontsize=7)
    axes.axhline(1.0, color="black", linewidth=1)
    axes.set_yscale("log")
    axes.set_ylabel("time / time of glassgrad")
    axes.set_xticks(range(len(workloads)), list(workloads))
    axes.set_title(f"Above the line glassgrad is faster ({result['threads']} threads)")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=130)
    return f"chart: {path}"
