"""The commands by name."""

from __future__ import annotations

from typing import Annotated

import typer

from .bench import bench
from .info import info
from .predict import predict
from .train import train

# Plain text, because boxes break messages in the middle of a path; and tracebacks are our own affair.
app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from glassgrad import __version__

        typer.echo(f"glassgrad {__version__}")
        raise typer.Exit


@app.callback()
def glassgrad(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """A deep-learning framework you can see through.

    Start here: glassgrad train digits
    """


app.command()(train)
app.command()(predict)
app.command()(info)
app.command(add_help_option=False, context_settings={"ignore_unknown_options": True})(bench)
