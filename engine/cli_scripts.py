"""The commands that look at and change the scripts of a cluster: `script get, list, history, compare ...`.

Exit codes: 0 done, 1 a rule or a check forbids it and nothing was sent, 2 wrong usage or bad input, 3 the cluster could
not be reached, or not all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
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
    opened_cluster,
    opened_publisher,
    run_work,
    with_kafka,
)
from engine.cli_reports import difference, line_of, tell
from engine.cluster.open_profile import OpenCluster
from engine.model import ScriptConfig
from engine.scripts.approval import read_text
from engine.scripts.journal import Journal
from engine.scripts.local_scripts import local_scripts
from engine.scripts.review import mark_of, short_mark
from engine.scripts.rules import PublishRefused, Refusal
from engine.scripts.store import StoredVersion
from engine.workspace import Workspace

SHORTEST_HASH = 6

script_commands = typer.Typer(help="Look at and change the scripts of a cluster.", no_args_is_help=True)

ConfigId = Annotated[str, typer.Argument(metavar="CONFIG_ID")]
WorkspaceOption = Annotated[
    Path,
    typer.Option("--workspace", metavar="FOLDER", help="Where journal and reviews are.", show_default="."),
]
ExpectOption = Annotated[
    str, typer.Option(metavar="HASH", help="What is live, as far as you know; see `script history`.")
]


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
                typer.echo(line_of(one))

    run_work(work)


@script_commands.command("compare")
def compare(
    config_id: ConfigId,
    *,
    old: Annotated[str, typer.Option("--from", metavar="HASH", help="A version; else what is live.")] = "",
    new: Annotated[str, typer.Option("--to", metavar="HASH", help="A version; else the workspace's.")] = "",
    profile: ProfileOption = "",
    kafka: KafkaOption = "",
    redis: RedisOption = "",
    workspace: WorkspaceOption = Path(),
    json: JsonOption = False,
) -> None:
    """Show what two versions of a script differ in; without any, what publishing would change."""

    async def work() -> None:
        folder = Workspace.open(workspace)
        opened = await chosen_profile(profile, kafka, redis)
        async with opened_publisher(opened, folder) as (publisher, cluster):
            versions = await publisher.history(config_id) if old or new else ()
            before = _one_of(versions, config_id, old) if old else await cluster.store.live(config_id)
            after = _one_of(versions, config_id, new) if new else read_text(folder, config_id).as_script()
        marks = mark_of(before), mark_of(after)
        names = (f"{old or 'live'} {short_mark(marks[0])}", f"{new or 'workspace'} {short_mark(marks[1])}")
        shown = difference(before, after, names)
        if json:
            document = {"from": marks[0], "to": marks[1], "same": marks[0] == marks[1], "diff": shown}
            typer.echo(msgspec.json.encode(document).decode())
        else:
            typer.echo(shown or "They are the same.")

    run_work(work)


@script_commands.command("delete")
def delete(
    config_id: ConfigId,
    *,
    profile: ProfileOption = "",
    kafka: KafkaOption = "",
    redis: RedisOption = "",
    workspace: WorkspaceOption = Path(),
    expect: ExpectOption,
    note: NoteOption = "",
    confirm: ConfirmOption = "",
    json: JsonOption = False,
) -> None:
    """Delete a script from a cluster; the workspace keeps it."""

    async def work() -> None:
        opened = await chosen_profile(profile, kafka, redis)
        async with opened_publisher(opened, Workspace.open(workspace)) as (publisher, cluster):
            expected = await _expected(cluster, config_id, expect)
            report = await publisher.delete(config_id, expected=expected, note=note, confirmation=confirm)
            tell(report, opened, "is deleted from", json=json)

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
    expect: ExpectOption,
    note: NoteOption = "",
    confirm: ConfirmOption = "",
    json: JsonOption = False,
) -> None:
    """Publish an older version again."""

    async def work() -> None:
        opened = await chosen_profile(profile, kafka, redis)
        async with opened_publisher(opened, Workspace.open(workspace)) as (publisher, cluster):
            expected = await _expected(cluster, config_id, expect)
            wanted = _one_of(await publisher.history(config_id), config_id, to)
            report = await publisher.roll_back(
                config_id, mark_of(wanted), expected=expected, note=note, confirmation=confirm
            )
            tell(report, opened, "is live again on", json=json)

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
            tell(report, opened, "is mirrored on", json=json)

    run_work(work)


async def _expected(cluster: OpenCluster, config_id: str, given: str) -> str:
    """The mark of what is live when `given` is its beginning; else `given`, which is refused with what is live.

    A script_config is not passed over: where there is one, its part of the mark must be given too.
    """
    live = mark_of(await cluster.store.live(config_id))
    return live if _begins(live, given) and ("+" in live) == ("+" in given) else given


def _begins(mark: str, given: str) -> bool:
    """Whether this is the beginning of a mark: of its hash, or with a + of the script_config's part too."""
    script_hash, _, config = mark.partition("+")
    given_hash, _, given_config = given.partition("+")
    return (
        len(given_hash) >= SHORTEST_HASH
        and script_hash.startswith(given_hash)
        and config.startswith(given_config)
    )


def _one_of(versions: Iterable[StoredVersion], config_id: str, given: str) -> ScriptConfig:
    """The one version that `given` is the beginning of.

    Raises:
        PublishRefused: none begins like that, or several do.
    """
    found = {mark_of(one.script): one.script for one in versions if one.script is not None}
    fitting = {mark: script for mark, script in found.items() if _begins(mark, given)}
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    which = "several versions" if fitting else "no version"
    why = f"{which} of {config_id} known to the cluster or the journal begin with {given}; see `script history`."
    raise PublishRefused(Refusal.UNKNOWN_VERSION, why)
