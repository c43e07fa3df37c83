"""The commands by which a script gets to a cluster: approve, and publish.

Exit codes: 0 done, 1 a rule or a check forbids it and nothing was sent, 2 wrong usage or bad input, 3 the cluster could
not be reached, or not all of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli_cluster import (
    EXIT_REFUSED,
    ConfirmOption,
    JsonOption,
    KafkaOption,
    NoteOption,
    ProfileOption,
    RedisOption,
    chosen_profile,
    opened_publisher,
    run_work,
)
from engine.cli_reports import difference, tell
from engine.errors import BadInput
from engine.scripts.approval import read_text
from engine.workspace import Workspace
from engine.workspace_names import name_of

ScriptFile = Annotated[Path, typer.Argument(metavar="SCRIPT.lua", help="A script of a workspace.")]


def approve(
    file: ScriptFile,
    *,
    config_id: Annotated[str, typer.Option(help="Whose script it is; else by the file's name.")] = "",
    profile: ProfileOption = "",
    kafka: KafkaOption = "",
    redis: RedisOption = "",
    note: NoteOption = "",
    yes: Annotated[bool, typer.Option("--yes", help="I have looked at the difference.")] = False,
) -> None:
    """Show a script's difference to what is live, check it, and approve it."""

    async def work() -> None:
        workspace, name = _workspace_of(file, config_id)
        async with opened_publisher(await chosen_profile(profile, kafka, redis), workspace) as (
            publisher,
            _cluster,
        ):
            text = read_text(workspace, name)
            look = await publisher.look(name)
            was = f"live, version {look.live.version}" if look.live else "nothing is live"
            shown = difference(look.live, text.as_script(), (was, "this script"))
            typer.echo(shown or "This is exactly what is live now.")
            for problem in (await publisher.check(name)).problems:
                typer.echo(f"{file}:{problem}", err=True)
            if not yes and not typer.confirm("Approve this?"):
                raise typer.Exit(EXIT_REFUSED)
            approval = await publisher.approve(name, look.live_mark, note, seen=text)
            cases = f"{approval.cases} cases are green" if approval.cases else "it has no test cases"
            typer.echo(f"{name} {approval.hash[:12]} is approved by {approval.who}; {cases}.")

    run_work(work)


def publish(
    file: ScriptFile,
    *,
    config_id: Annotated[str, typer.Option(help="Whose script it is; else by the file's name.")] = "",
    version: Annotated[str, typer.Option(metavar="V", help="What it is called; else the next number.")] = "",
    profile: ProfileOption = "",
    kafka: KafkaOption = "",
    redis: RedisOption = "",
    note: NoteOption = "",
    confirm: ConfirmOption = "",
    json: JsonOption = False,
) -> None:
    """Publish an approved script: Kafka first, then the Redis mirror, then both are read back."""

    async def work() -> None:
        workspace, name = _workspace_of(file, config_id)
        opened = await chosen_profile(profile, kafka, redis)
        async with opened_publisher(opened, workspace) as (publisher, cluster):
            await cluster.prepare()
            report = await publisher.publish(name, version=version, note=note, confirmation=confirm)
            tell(report, opened, "is live on", json=json)

    run_work(work)


def _workspace_of(file: Path, config_id: str) -> tuple[Workspace, str]:
    """The workspace that a script is in, and whose script it is."""
    name = config_id or name_of(file.stem)
    if not name or file.suffix != ".lua":
        raise BadInput(
            "script", str(file), "this is no script of a workspace.", "Name a file <config_id>.lua."
        )
    workspace = Workspace(file.parent)
    if workspace.script_path(name).name != file.name:
        wanted = workspace.script_path(name).name
        why = f"in a workspace the script of {name} is called {wanted}."
        raise BadInput("script", str(file), why, "Rename it, or name its config_id.")
    return workspace, name
