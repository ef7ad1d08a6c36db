"""How a command ends when it cannot do its work: one line that says why, and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from ..errors import GlassgradError

MISTAKE = 2  # something to put right: an argument, a file, a full disk
BUG = 1
INTERRUPTED = 130  # 128 + SIGINT, as shells count

Debug = Annotated[bool, typer.Option("--debug", help="Show where in the program an error arose.")]


@contextmanager
def readable_errors(debug: bool) -> Iterator[None]:
    """Turn what goes wrong inside the block into one line on the error output and the command's exit code.

    With `debug` errors keep their traceback.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        # Ctrl-C left "^C" on the line.
        fail(f"\n{interrupt or 'interrupted'}", INTERRUPTED)
    except GlassgradError as error:
        if debug:
            raise
        error.place = ""  # a line of glassgrad's own, since a command has no program of the user's
        fail(f"Error: {_in_one_line(error)}", MISTAKE)
    except MemoryError as error:
        if debug:
            raise
        fail(
            f"Error: there is not enough memory: {error}. Choose a smaller network or smaller batches.",
            MISTAKE,
        )
    except BrokenPipeError:  # `glassgrad predict ... | head` has seen enough
        raise
    except Exception as error:
        if debug:
            raise
        fail(
            f"Error: {type(error).__name__}: {error}. This is a bug in glassgrad: run the command again with --debug "
            f"and report what it shows.",
            BUG,
        )


def fail(message: str, code: int) -> None:
    """Print `message` on the error output, as one line, and end the command with this exit code."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


def _in_one_line(error: Exception) -> str:
    return " ".join(line.strip() for line in str(error).splitlines())
