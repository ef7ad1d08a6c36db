"""The nine training steps in glassgrad and in every installed peer, taken in turn: medians, ratios, memory, start-up.

    python benchmarks/run.py --workloads mlp,lenet --rounds 15 --chart two.png

Every side of a workload lives in a process of its own. In each round each side runs for about --seconds, one after the
other, so that whatever else the machine does meets all of them. A ratio is the fastest peer's median divided by ours.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from report import chart, tables
from side import Side, SideError
from worker import FIRST_STEPS, SIDES
from workloads import NAMES

from glassgrad.info import system_info

OURS = "glassgrad"
AT_REST = 0.03
"""Seconds between two sides: threads of BLAS and OpenMP wait for work with a busy core for about that long."""


def main() -> None:
    options = _options()
    sides = [side for side in _sides(options.peers) if _installed(side)]
    missing = sorted(set(_sides(options.peers)) - set(sides))
    result: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": system_info(),
        "threads": options.threads,
        "rounds": options.rounds,
        "notes": [f"{side} is not installed" for side in missing] + _about_compilers(sides),
        "workloads": {},
    }
    with tempfile.TemporaryDirectory() as scratch:
        environment = _environment(options.threads, Path(scratch), options.cold)
        for name in options.workloads:
            print(f"{name} ...", file=sys.stderr, flush=True)
            result["workloads"][name] = compare(name, sides, options, environment)
            _write(result, options)
    tables(result)
    print(f"everything that was measured: {options.json}")
    print(chart(result, options.chart))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workloads", type=_names(NAMES), default=list(NAMES), help="by name, with commas")
    parser.add_argument(
        "--peers",
        default="all",
        help="'all', 'none', or some of: " + ", ".join(p for p in SIDES if p != OURS),
    )
    parser.add_argument("--rounds", type=int, default=11, help="how often each side has its turn (11)")
    parser.add_argument("--seconds", type=float, default=0.2, help="how long a turn takes (0.2)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side (2)")
    parser.add_argument("--patience", type=float, default=900, help="seconds until a first step is given up")
    parser.add_argument("--cold", action="store_true", help="empty the peers' caches of compiled code too")
    parser.add_argument(
        "--json", type=Path, default="bench.json", help="write what was measured (bench.json)"
    )
    parser.add_argument("--chart", type=Path, default="bench.png", help="draw the ratios (bench.png)")
    parser.add_argument("--smoke", action="store_true", help="one short round of two workloads")
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.seconds = 1, 0.001
        if options.workloads == list(NAMES):
            options.workloads = ["hw0", "logistic"]
    if min(options.rounds, options.threads) < 1 or options.seconds <= 0:
        parser.error("--rounds, --seconds and --threads are positive")
    try:
        _sides(options.peers)
    except ValueError as error:
        parser.error(str(error))
    return options


def _names(known: tuple[str, ...]) -> Any:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(known)}")
        return names

    return parse


def _sides(peers: str) -> list[str]:
    """Ours first, then the peers that were asked for."""
    others = [side for side in SIDES if side != OURS]
    chosen = {"all": others, "none": []}.get(peers) if peers in ("all", "none") else peers.split(",")
    unknown = [side for side in chosen or () if side not in others]
    if unknown:
        raise ValueError(f"--peers: no {', '.join(unknown)}; there are all, none, {', '.join(others)}")
    return [OURS, *(chosen or ())]


def _installed(side: str) -> bool:
    return importlib.util.find_spec(SIDES[side][0]) is not None


def _about_compilers(sides: list[str]) -> list[str]:
    needs = "torch.compile" in sides and not any(map(shutil.which, ("c++", "g++", "clang++", "cl")))
    return ["torch.compile needs a C++ compiler; this machine has none"] if needs else []


def _environment(threads: int, scratch: Path, cold: bool) -> dict[str, str]:
    """What the workers see: as many threads as asked for, and caches of compiled code.

    Ours is empty before each workload, because how long it takes with a full one is measured beside; those of the peers
    are empty if `cold`.
    """
    variables = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "GLASSGRAD_NUM_THREADS")
    environment = os.environ | dict.fromkeys(variables, str(threads))
    environment["GLASSGRAD_CACHE_DIR"] = str(scratch / "glassgrad")
    if cold:
        environment |= {
            "XDG_CACHE_HOME": str(scratch / "cache"),
            "TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor"),
        }
    return environment


def compare(
    name: str, sides: list[str], options: argparse.Namespace, environment: dict[str, str]
) -> dict[str, Any]:
    """Everything measured about one workload, by side; a side that fails has an `error`."""
    found: dict[str, Any] = {}
    running: dict[str, Side] = {}
    try:
        for side in sides:
            try:
                running[side] = Side(side, name, options.threads, environment)
                found[side] = running[side].begin(options.patience)
            except SideError as error:
                found[side] = {"error": str(error)}
                if side in running:
                    running.pop(side).end()
        times = take_turns(running, found, options)
        for side, rounds in times.items():
            median = statistics.median(rounds)
            found[side] |= {
                "rounds_ms": [1e3 * seconds for seconds in rounds],
                "median_ms": 1e3 * median,
                "min_ms": 1e3 * min(rounds),
                "start_up_s": _start_up(found[side].pop("first_steps_s"), median),
            }
    finally:
        for side in running.values():
            side.end()
    if OURS in found and "median_ms" in found[OURS]:
        found[OURS]["warm_start_up_s"] = _warm_start_up(
            name, found[OURS]["median_ms"] / 1e3, options, environment
        )
    return found


def _start_up(first_steps_s: float, median: float) -> float:
    return max(0.0, first_steps_s - FIRST_STEPS * median)


def _warm_start_up(
    name: str, median: float, options: argparse.Namespace, environment: dict[str, str]
) -> float | None:
    """The start-up of our side in another process, which finds the code that the first has made."""
    side = Side(OURS, name, options.threads, environment)
    try:
        return _start_up(side.begin(options.patience)["first_steps_s"], median)
    except SideError:
        return None
    finally:
        side.end()
        shutil.rmtree(environment["GLASSGRAD_CACHE_DIR"], ignore_errors=True)


def take_turns(
    running: dict[str, Side], found: dict[str, Any], options: argparse.Namespace
) -> dict[str, list[float]]:
    """Seconds per step, for each side and round. Each round has another order."""
    steps = {}
    for side, worker in list(running.items()):
        try:
            steps[side] = max(1, int(options.seconds / worker.time(1)))
        except SideError as error:
            found[side] = {"error": str(error)}
            running.pop(side).end()
    times: dict[str, list[float]] = {side: [] for side in running}
    shuffled = random.Random(0)
    for _ in range(options.rounds):
        for side in shuffled.sample(list(running), len(running)):
            time.sleep(AT_REST)
            times[side].append(running[side].time(steps[side]))
    return times


def _commit() -> str:
    def git(*arguments: str) -> str:
        folder = Path(__file__).parent
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + (
            " with changes" if git("status", "--porcelain", "--", "../src") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _write(result: dict[str, Any], options: argparse.Namespace) -> None:
    options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
