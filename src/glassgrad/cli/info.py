"""`glassgrad info`: what glassgrad runs on."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from ..info import PACKAGES, system_info
from .errors import Debug, readable_errors


def info(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for programs and bug reports.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Show versions, processor, cores and memory.

    Example: glassgrad info --json
    """
    with readable_errors(debug):
        found = system_info()
        typer.echo(json.dumps(found, indent=2) if as_json else _as_text(found))


def _as_text(found: dict[str, Any]) -> str:
    allowed = found["cores_allowed"]
    rows = {
        "glassgrad": f"{found['glassgrad']}  ({found['folder']})",
        "Python": found["python"],
        "system": found["system"],
        **{
            name: version or f"not installed: pip install '{PACKAGES[name]}'"
            for name, version in found["packages"].items()
        },
        "BLAS": found["blas"],
        "processor": found["cpu"] or "unknown",
        "  instructions": " ".join(found["cpu_features"]) or "unknown",
        "  cores": f"{found['cores']}" + (f", of which this process may use {allowed:g}" if allowed else ""),
        "memory": "unknown" if found["memory_bytes"] is None else f"{found['memory_bytes'] / 2**30:.1f} GiB",
        "thread settings": " ".join(f"{k}={v}" for k, v in found["thread_variables"].items()) or "none",
        "runs": "./runs, or where --out says",
        "cache": "none: glassgrad keeps nothing between runs but what it was asked to write",
    }
    width = max(map(len, rows))
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in rows.items())
