"""The commands that look at and change what runs on a cluster: approve, publish, and `script ...`.

Exit codes: 0 done, 1 a rule or a check forbids it and nothing was sent, 2 wrong usage or bad input, 3 the cluster could
not be reached, or not all of it.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from engine.cli_cluster import (
    EXIT_REFUSED,
    EXIT_UNREACHABLE,
    chosen_profile,
    opened_cluster,
    opened_publisher,
    run_work,
    with_kafka,
)
from engine.cluster.open_profile import OpenCluster
from engine.cluster.profiles import Profile
from engine.errors import BadInput
from engine.go_time import go_time
from engine.model import ScriptConfig
from engine.scripts.approval import read_text
from engine.scripts.journal import Journal
from engine.scripts.local_scripts import local_scripts
from engine.scripts.store import StoredVersion, StoreReport
from engine.workspace import Workspace
from engine.workspace_names import name_of

SHORTEST_HASH = 6

script_commands = typer.Typer(help="Look at and change the scripts of a cluster.", no_args_is_help=True)

ScriptFile = Annotated[Path, typer.Argument(metavar="SCRIPT.lua", help="A script of a workspace.")]
ConfigId = Annotated[str, typer.Argument(metavar="CONFIG_ID")]
ProfileOption = Annotated[str, typer.Option("--profile", metavar="P", help="A profile of the studio.")]
KafkaOption = Annotated[str, typer.Option(metavar="HOST:PORT", help="Instead of a profile: its Kafka ...")]
RedisOption = Annotated[str, typer.Option(metavar="URL", help="... and its Redis, redis://HOST:PORT/DB.")]
WorkspaceOption = Annotated[
    Path,
    typer.Option("--workspace", metavar="FOLDER", help="Where journal and reviews are.", show_default="."),
]
NoteOption = Annotated[str, typer.Option(help="A note for colleagues.")]
ConfirmOption = Annotated[
    str, typer.Option(metavar="PROFILE/CONFIG_ID", help="What production wants typed before it is changed.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


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
            look = await publisher.look(name)
            text = read_text(workspace, name)
            typer.echo(_difference(look.live, text.source, text.config))
            if not yes and not typer.confirm("Approve this?"):
                raise typer.Exit(EXIT_REFUSED)
            approval = await publisher.approve(name, look.live.hash if look.live else "", note)
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
            _tell(report, opened, "is live on", json=json)

    run_work(work)


@script_commands.command("get")
def get(
    config_id: ConfigId, *, profile: ProfileOption = "", kafka: KafkaOption = "", redis: RedisOption = "",
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Print the live script of a config_id."""

    async def work() -> None:
        async with opened_cluster(await chosen_profile(profile, kafka, redis)) as cluster:
            live = await cluster.store.live(config_id)
        if live is None:
            typer.echo(f"howk-studio: {config_id} has no script there.", err=True)
            raise typer.Exit(EXIT_REFUSED)
        typer.echo(msgspec.json.encode(live).decode() if json else live.lua_code, nl=json)

    run_work(work)


@script_commands.command("list")
def list_(
    *,
    profile: ProfileOption = "",
    kafka: KafkaOption = "",
    redis: RedisOption = "",
    workspace: WorkspaceOption = Path(),
    json: JsonOption = False,
) -> None:
    """List every script: what Kafka, Redis and the workspace say of it."""

    async def work() -> None:
        opened = await chosen_profile(profile, kafka, redis)
        async with opened_cluster(opened) as cluster:
            scripts = await asyncio.to_thread(local_scripts, Workspace.open(workspace))
            published_by = Journal(Workspace(workspace)).published_by(opened.name)
            rows = await with_kafka(cluster).store.rows(scripts, published_by)
        if json:
            typer.echo(msgspec.json.encode(rows).decode())
            return
        for row in rows:
            what = ", ".join(one.value.replace("_", " ") for one in row.differences) or "same everywhere"
            known = (row.version or "-", row.kafka_hash[:12] or "-", row.updated_at or "-")
            typer.echo("  ".join((row.config_id, *known, what)))

    run_work(work)


@script_commands.command("history")
def history(
    config_id: ConfigId,
    *,
    profile: ProfileOption = "",
    kafka: KafkaOption = "",
    redis: RedisOption = "",
    workspace: WorkspaceOption = Path(),
    json: JsonOption = False,
) -> None:
    """List the versions that the topic or this workspace's journal still knows, the newest first."""

    async def work() -> None:
        opened = await chosen_profile(profile, kafka, redis)
        async with opened_publisher(opened, Workspace.open(workspace)) as (publisher, _cluster):
            versions = await publisher.history(config_id)
        if json:
            typer.echo(msgspec.json.encode(versions).decode())
        else:
            for one in versions:
                typer.echo(_line_of(one))

    run_work(work)


@script_commands.command("delete")
def delete(
    config_id: ConfigId,
    *,
    profile: ProfileOption = "",
    kafka: KafkaOption = "",
    redis: RedisOption = "",
    workspace: WorkspaceOption = Path(),
    expect: Annotated[str, typer.Option(metavar="HASH", help="What is live, as far as you know.")],
    note: NoteOption = "",
    confirm: ConfirmOption = "",
    json: JsonOption = False,
) -> None:
    """Delete a script from a cluster; the workspace keeps it."""

    async def work() -> None:
        opened = await chosen_profile(profile, kafka, redis)
        async with opened_publisher(opened, Workspace.open(workspace)) as (publisher, cluster):
            expected = await _whole_hash(cluster, config_id, expect)
            report = await publisher.delete(config_id, expected=expected, note=note, confirmation=confirm)
            _tell(report, opened, "is deleted from", json=json)

    run_work(work)


@script_commands.command("rollback")
def rollback(
    config_id: ConfigId,
    *,
    to: Annotated[str, typer.Option(metavar="HASH", help="The version to go back to; see `script history`.")],
    profile: ProfileOption = "",
    kafka: KafkaOption = "",
    redis: RedisOption = "",
    workspace: WorkspaceOption = Path(),
    expect: Annotated[str, typer.Option(metavar="HASH", help="What is live, as far as you know.")],
    note: NoteOption = "",
    confirm: ConfirmOption = "",
    json: JsonOption = False,
) -> None:
    """Publish an older version again."""

    async def work() -> None:
        opened = await chosen_profile(profile, kafka, redis)
        async with opened_publisher(opened, Workspace.open(workspace)) as (publisher, cluster):
            expected = await _whole_hash(cluster, config_id, expect)
            wanted = _one_of(
                (one.script.hash for one in await publisher.history(config_id) if one.script), to
            )
            report = await publisher.roll_back(
                config_id, wanted, expected=expected, note=note, confirmation=confirm
            )
            _tell(report, opened, "is live again on", json=json)

    run_work(work)


@script_commands.command("repair")
def repair(
    config_id: ConfigId,
    *,
    profile: ProfileOption = "",
    kafka: KafkaOption = "",
    redis: RedisOption = "",
    workspace: WorkspaceOption = Path(),
    json: JsonOption = False,
) -> None:
    """Write to the Redis mirror what the topic says."""

    async def work() -> None:
        opened = await chosen_profile(profile, kafka, redis)
        async with opened_publisher(opened, Workspace.open(workspace)) as (publisher, cluster):
            report = await publisher.noted_repair(await cluster.repair(config_id))
            _tell(report, opened, "is mirrored on", json=json)

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


def _difference(live: ScriptConfig | None, source: str, config: dict[str, Any]) -> str:
    """What would change, as a unified diff of code and script_config."""
    old = [] if live is None else [*live.lua_code.splitlines(), *_config_lines(live.script_config or {})]
    new = [*source.splitlines(), *_config_lines(config)]
    name = f"live, version {live.version}" if live else "nothing is live"
    lines = list(difflib.unified_diff(old, new, name, "this script", lineterm=""))
    return "\n".join(lines) or "This is exactly what is live now."


def _config_lines(config: dict[str, Any]) -> list[str]:
    if not config:
        return []
    text = msgspec.json.format(msgspec.json.encode(config, order="sorted"), indent=2).decode()
    return ["-- script_config", *text.splitlines()]


async def _whole_hash(cluster: OpenCluster, config_id: str, given: str) -> str:
    """The live hash when `given` is its beginning; else `given`, which is then refused with what is live."""
    live = await cluster.store.live(config_id)
    return live.hash if live and len(given) >= SHORTEST_HASH and live.hash.startswith(given) else given


def _one_of(hashes: Iterable[str], given: str) -> str:
    found = {one for one in hashes if len(given) >= SHORTEST_HASH and one.startswith(given)}
    return found.pop() if len(found) == 1 else given


def _tell(report: StoreReport, profile: Profile, done: str, *, json: bool) -> None:
    """Prints a report; one with a failed step ends the command."""
    failure = report.failure()
    if json:
        document = {"profile": profile.name, "complete": report.complete, **msgspec.to_builtins(report)}
        typer.echo(msgspec.json.encode(document).decode())
    else:
        for step in report.steps:
            typer.echo(
                f"{step.state.value:8}{step.name.replace('_', ' ')}{f'  {step.detail}' if step.detail else ''}"
            )
        what = f"{report.config_id} version {report.version}" if report.hash else report.config_id
        typer.echo(f"{what} {done} {profile.name}.")
    if failure is not None:
        again = (
            ""
            if failure.name == "journal"
            else f" Repair it with `howk-studio script repair {report.config_id}`."
        )
        typer.echo(
            f"howk-studio: {failure.name.replace('_', ' ')} failed: {failure.detail}.{again}", err=True
        )
        raise typer.Exit(EXIT_UNREACHABLE)


def _line_of(version: StoredVersion) -> str:
    when = go_time(version.published_at * 1_000_000) if version.published_at else "-"
    script = version.script
    what = f"{script.version or '-'}  {script.hash[:12]}" if script else "deleted"
    return "  ".join(part for part in (when, what, version.who, version.note, version.place) if part)
