"""`glassgrad bench`: training steps against those of PyTorch and JAX, by the script in the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from .errors import MISTAKE, fail

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "run.py"


def bench(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Options of benchmarks/run.py; --help lists them.")
    ] = None,
) -> None:
    """Time nine training steps beside PyTorch and JAX, where these are installed (needs a checkout of glassgrad).

    Prints tables, and writes bench.json and bench.png. Example: glassgrad bench --workloads mlp,lenet --chart two.png
    """
    if not SCRIPT.is_file():
        fail(
            f"Error: the benchmarks belong to glassgrad's repository and are not installed with the package: "
            f"there is no {SCRIPT}. In a checkout of the repository, run make bench.",
            MISTAKE,
        )
    finished = subprocess.run([sys.executable, str(SCRIPT), *(arguments or ())], check=False)
    raise typer.Exit(finished.returncode)
