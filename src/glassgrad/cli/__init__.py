"""The command line `glassgrad`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command that the program's arguments name, and exit: 0 done, 2 a mistake, 130 Ctrl-C, 1 a bug."""
    try:
        from .app import app

        app(prog_name="glassgrad")
    except KeyboardInterrupt:  # while the program was still being loaded
        sys.exit(130)
