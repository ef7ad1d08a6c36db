"""What was measured as tables on the terminal and as a bar chart."""

from __future__ import annotations

from pathlib import Path
from statistics import median
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
    workloads, failed = result["workloads"], _failures(result["workloads"])
    for values, title, caption in (
        (
            "median_ms",
            "Milliseconds per step",
            "median; ratio = fastest peer / glassgrad, above 1 glassgrad is faster",
        ),
        ("first_s", "First step, s", "from the call until the loss is there"),
        (
            "start_up_s",
            "To compile, s",
            "what the first three steps take beyond three later ones; warm: in another process, code from the disk",
        ),
        (
            "process_mb",
            "Memory, MB",
            "the highest during a step, of the whole process: what compilers load is in it, whenever they do",
        ),
        (
            "step_mb",
            "Memory beyond importing, MB",
            "the same, less what the process had when all was imported, which of glassgrad's compiler is not",
        ),
    ):
        console.print(_table(workloads, sides, values, title, caption))
    console.print(_imports(workloads, sides))
    for note in [*result["notes"], *failed]:
        console.print(note, style="yellow", markup=False, highlight=False)


def _table(workloads: dict[str, Any], sides: list[str], value: str, title: str, caption: str) -> Table:
    """One measured value: a row for each workload, a column for each side."""
    compared, warm = value == "median_ms", value == "start_up_s"
    table = Table(title=title, caption=caption)
    table.add_column("workload")
    for side in sides:
        table.add_column(side, justify="right", style="bold" if side == OURS else None)
    for extra in ["ratio"] * compared + [f"{OURS}, warm"] * warm:
        table.add_column(extra, justify="right")
    for name, found in workloads.items():
        cells = [_number(found.get(side, {}).get(value)) for side in sides]
        if compared:
            faster = ratio(found)
            cells.append("-" if faster is None else f"{faster[0]:.2f}")
        if warm:
            cells.append(_number(found[OURS].get("warm_start_up_s")))
        table.add_row(name, *cells)
    return table


def _imports(workloads: dict[str, Any], sides: list[str]) -> str:
    parts = []
    for side in sides:
        seconds = [
            found[side]["import_s"] for found in workloads.values() if "import_s" in found.get(side, {})
        ]
        if seconds:
            parts.append(f"{side} {_number(median(seconds))}")
    return "Import, NumPy included, s: " + ", ".join(parts)


def _number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


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
        from matplotlib.ticker import LogLocator, NullFormatter
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
            (number, found[side]["median_ms"] / found[OURS]["median_ms"])
            for number, found in enumerate(workloads.values())
            if "median_ms" in found.get(side, {})
        ]
        at = [x - 0.4 + (place + 0.5) * width for x, _ in shown]
        bars = axes.bar(at, [times - 1.0 for _, times in shown], width, bottom=1.0, label=side)
        axes.bar_label(bars, [_number(times) for _, times in shown], fontsize=7)
    axes.axhline(1.0, color="black", linewidth=1)
    axes.set_yscale("log")
    axes.margins(y=0.1)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=20))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylabel("time / time of glassgrad")
    axes.set_xticks(range(len(workloads)), list(workloads))
    axes.set_title(f"Above the line glassgrad is faster ({result['threads']} threads)")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=130)
    return f"chart: {path}"
