"""The command line of `howk-studio`: the headless commands of the engine and, beside them, the window.

Qt is imported by the window's own command only, so that workers start where Qt is not installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli import CLUSTER_COMMANDS, add_cluster_commands, commands


@commands.command()
def gui(
    workspace: Annotated[
        Path | None, typer.Argument(metavar="WORKSPACE", help="A folder of scripts.")
    ] = None,
    screenshot: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Draw the window once into this file, and leave.")
    ] = None,
    theme: Annotated[str, typer.Option(help="light, dark or system; else as chosen in the window.")] = "",
    script: Annotated[str, typer.Option(metavar="CONFIG_ID", help="The script to open.")] = "",
) -> None:
    """Open the window (what `howk-studio` alone does)."""
    from app.start import open_window  # noqa: PLC0415 - headless commands must not import Qt

    raise typer.Exit(open_window(workspace, screenshot, theme, script))


def arguments(given: list[str]) -> list[str]:
    """The command line with `gui` filled in where a person left it out: no command, or a folder in its place."""
    names = {
        command.name or getattr(command.callback, "__name__", "") for command in commands.registered_commands
    }
    if not given or (given[0] not in names | CLUSTER_COMMANDS and given[0] not in ("-h", "--help")):
        return ["gui", *given]
    return given


def run(given: list[str]) -> None:
    """Runs a command line; does not return."""
    wanted = arguments(given)
    add_cluster_commands(wanted)
    commands(wanted)
