"""What the commands of a cluster share: which one is meant, how it is opened, and how errors end a command."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any, NoReturn
from urllib.parse import unquote, urlsplit

import msgspec
import typer

from engine.cluster.open_profile import Cluster, OpenCluster, open_profile
from engine.cluster.profile_secrets import SecretStore
from engine.cluster.profiles import LOCAL, Profile, ProfileStore, rules_at, with_secrets
from engine.errors import BadInput, ClusterRefused, ClusterUnreachable, EngineUnavailable, HowkError
from engine.sandbox.pool import EnginePool
from engine.scripts.identity import who_am_i
from engine.scripts.publisher import Publisher
from engine.scripts.rules import PublishRefused
from engine.settings import KafkaSettings, RedisSettings, Secret, load_settings
from engine.transform import Transformer
from engine.workspace import Workspace

EXIT_REFUSED = 1
EXIT_BAD_INPUT = 2
EXIT_UNREACHABLE = 3

ProfileOption = Annotated[str, typer.Option("--profile", metavar="P", help="A profile of the studio.")]
KafkaOption = Annotated[str, typer.Option(metavar="HOST:PORT", help="Instead of a profile: its Kafka ...")]
RedisOption = Annotated[str, typer.Option(metavar="URL", help="... and its Redis, redis://HOST:PORT/DB.")]
NoteOption = Annotated[str, typer.Option(help="A note for colleagues.")]
ConfirmOption = Annotated[
    str, typer.Option(metavar="PROFILE/CONFIG_ID", help="What production wants typed before it is changed.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def run_work(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a command; our errors end it with their sentence on stderr and their exit code."""
    try:
        asyncio.run(work())
    except PublishRefused as problem:
        leave(problem, EXIT_REFUSED)
    except (BadInput, EngineUnavailable) as problem:
        leave(problem, EXIT_BAD_INPUT)
    except (ClusterUnreachable, ClusterRefused) as problem:
        leave(problem, EXIT_UNREACHABLE)


def leave(problem: HowkError, code: int) -> NoReturn:
    """Says what is wrong on stderr and ends the command."""
    typer.echo(f"howk-studio: {problem}", err=True)
    raise typer.Exit(code)


async def chosen_profile(name: str, kafka: str, redis: str) -> Profile:
    """The profile that the options name, with its secrets; for addresses, with the rules of the user's profiles there.

    Raises:
        BadInput: the options name none, or two, or one that cannot be used.
    """
    if bool(name) == bool(kafka):
        why = "both a profile and a Kafka are named." if name else "no cluster is named."
        raise BadInput("option", "--profile", why, "Give --profile P, or --kafka HOST:PORT with --redis URL.")
    if not name:
        profile = ad_hoc_profile(kafka, redis)
        known = await asyncio.to_thread(ProfileStore.of_user().all)
        return msgspec.structs.replace(profile, rules=rules_at(kafka, known))
    if redis:
        raise BadInput("option", "--redis", "the profile has its own.", "Leave it out.")
    if name == LOCAL:
        why = "this profile is the studio's own cluster, at an address that changes."
        raise BadInput("profile", repr(LOCAL), why, "Give the --kafka and --redis that the studio shows.")
    profile = await asyncio.to_thread(ProfileStore.of_user().get, name)
    return with_secrets(profile, await SecretStore().read(name))


def ad_hoc_profile(kafka: str, redis: str) -> Profile:
    """A profile for addresses on the command line; its approvals are for `HOST:PORT` of its Kafka.

    Raises:
        BadInput: there is no Redis, or an address is none.
    """
    parts = urlsplit(redis)
    database = parts.path.strip("/") or "0"
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not database.isdigit():
        raise BadInput("option", "--redis", "it is no URL of a Redis.", "Write it as redis://HOST:PORT/DB.")
    settings = RedisSettings(
        addr=f"{parts.hostname}:{parts.port or 6379}",
        username=unquote(parts.username or ""),
        password=Secret(unquote(parts.password or "")),
        db=int(database),
        tls=parts.scheme == "rediss",
    )
    return Profile(kafka, kafka=KafkaSettings(brokers=(kafka,)), redis=settings)


@asynccontextmanager
async def opened_cluster(profile: Profile) -> AsyncIterator[OpenCluster]:
    """Opens a profile and waits until its scripts are read. Raises ClusterUnreachable."""
    async with open_profile(profile) as cluster:
        await cluster.ready()
        yield cluster


@asynccontextmanager
async def opened_publisher(
    profile: Profile, workspace: Workspace
) -> AsyncIterator[tuple[Publisher, OpenCluster]]:
    """A publisher for a profile and a workspace, acting for the user of this machine. Raises ClusterUnreachable."""
    settings = load_settings(os.environ)
    async with opened_cluster(profile) as cluster, EnginePool(size=2, spares=0) as pool:
        yield (
            Publisher(
                workspace,
                cluster.store,
                profile=profile.name,
                rules=profile.rules,
                pool=pool,
                transformer=Transformer(pool, settings.lua, settings.lua.variables_of(os.environ)),
                who=who_am_i(os.environ),
            ),
            cluster,
        )


def with_kafka(cluster: OpenCluster) -> Cluster:
    """The cluster, when it is more than an API. Raises BadInput."""
    if isinstance(cluster, Cluster):
        return cluster
    raise BadInput("profile", cluster.profile.name, "it works through an API, which cannot do this.")
