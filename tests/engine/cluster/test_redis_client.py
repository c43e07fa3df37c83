"""The way to a real Redis: passwords, TLS, Sentinels; and what is said when there is none, or it refuses.

Elsewhere `fakeredis.FakeAsyncRedis` may stand in for it; here nothing may.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from engine.cluster.connection import ConnectionState, Phase
from engine.cluster.redis_client import RedisConnection, redis_client
from engine.errors import ClusterUnreachable, SettingsError
from engine.settings import RedisSettings, Secret
from tests.engine.cluster.sentinel import MASTER, SentinelServer
from tests.engine.cluster.tls import Certificates
from tests.engine.redis_server import RedisServer

SECONDS = 30.0
PASSWORD = "hunter2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("redis")


@pytest.fixture(scope="module")
def certificates(folder: Path) -> Certificates:
    return Certificates(folder)


@pytest.fixture(scope="module")
def open_server(folder: Path) -> Iterator[RedisServer]:
    """Asks for nothing."""
    with RedisServer(folder) as server:
        yield server


@pytest.fixture(scope="module")
def closed_server(folder: Path) -> Iterator[RedisServer]:
    """Asks for a password, and knows a user `howk` with one of her own."""
    user = ("--user", "howk", "on", f">{PASSWORD}-of-howk", "~*", "+@all")
    with RedisServer(folder, "--requirepass", PASSWORD, *user) as server:
        yield server


@pytest.fixture(scope="module")
def tls_addr(folder: Path, certificates: Certificates) -> Iterator[str]:
    """A server for 127.0.0.1 that speaks TLS on a second port."""
    with _tls_server(folder, certificates, "127.0.0.1") as addr:
        yield addr


class _tls_server:  # noqa: N801 - used as a function
    def __init__(self, folder: Path, certificates: Certificates, name: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        certificate, key = certificates.signed(name)
        self._addr = f"127.0.0.1:{port}"
        self._server = RedisServer(
            folder, "--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key),
            "--tls-ca-cert-file", str(certificates.authority), "--tls-auth-clients", "no",
        )  # fmt: skip

    def __enter__(self) -> str:
        self._server.start()
        return self._addr

    def __exit__(self, *_exc: object) -> None:
        self._server.stop()


@asynccontextmanager
async def client(settings: RedisSettings) -> AsyncIterator[Redis]:
    redis = redis_client(settings)
    yield redis
    await redis.aclose()


async def works(settings: RedisSettings) -> None:
    """It can be asked, and a ping says so."""
    connection = RedisConnection(settings)
    try:
        await connection.ping()
        assert connection.watch.state == ConnectionState(Phase.CONNECTED)
        await connection.client.set("k", b"\x00\xff")
        assert await connection.client.get("k") == b"\x00\xff"
    finally:
        await connection.close()
    assert connection.watch.state.phase is Phase.CLOSED


async def why_not(settings: RedisSettings) -> str:
    """Why it cannot be asked; the watch says the same, and nothing that can be seen holds the password."""
    connection = RedisConnection(settings)
    try:
        async with asyncio.timeout(SECONDS):
            with pytest.raises(ClusterUnreachable) as unreachable:
                await connection.ping()
        assert connection.watch.state == ConnectionState(Phase.FAILED, unreachable.value.why)
    finally:
        await connection.close()
    assert PASSWORD not in f"{unreachable.value!r} {settings!r} {connection.watch.state!r}"
    return unreachable.value.why


async def state_of(connection: RedisConnection, phase: Phase) -> ConnectionState:
    """The state, once it is of this phase."""
    arrived: asyncio.Future[ConnectionState] = asyncio.get_running_loop().create_future()

    def look(state: ConnectionState) -> None:
        if state.phase is phase and not arrived.done():
            arrived.set_result(state)

    connection.watch.listen(look)
    async with asyncio.timeout(SECONDS):
        return await arrived


# --- passwords


async def test_a_server_that_asks_for_nothing(open_server: RedisServer) -> None:
    await works(RedisSettings(open_server.addr))


async def test_databases_are_apart(open_server: RedisServer) -> None:
    async with client(RedisSettings(open_server.addr, db=3)) as three, client(
        RedisSettings(open_server.addr, db=4)
    ) as four:  # fmt: skip
        await three.set("only-three", "v")
        assert await four.get("only-three") is None


@pytest.mark.parametrize(("username", "password"), [("", PASSWORD), ("howk", f"{PASSWORD}-of-howk")])
async def test_the_right_password(closed_server: RedisServer, username: str, password: str) -> None:
    await works(RedisSettings(closed_server.addr, username, Secret(password)))


async def test_no_password(closed_server: RedisServer) -> None:
    assert await why_not(RedisSettings(closed_server.addr)) == "it demands a password"


@pytest.mark.parametrize("username", ["", "howk", "nobody"])
async def test_a_wrong_password(closed_server: RedisServer, username: str) -> None:
    settings = RedisSettings(closed_server.addr, username, Secret(f"not-{PASSWORD}"))
    assert await why_not(settings) == "it refuses the user name or the password"


# --- TLS


async def test_tls(tls_addr: str, certificates: Certificates) -> None:
    await works(RedisSettings(tls_addr, tls=True, tls_ca_file=str(certificates.authority)))
    await works(RedisSettings(tls_addr, tls=True, tls_verify=False))


async def test_a_certificate_of_an_unknown_issuer(tls_addr: str) -> None:
    assert (
        await why_not(RedisSettings(tls_addr, tls=True)) == "its TLS certificate is not trusted (tls_ca_file)"
    )


async def test_a_certificate_of_another_host(folder: Path, certificates: Certificates) -> None:
    with _tls_server(folder, certificates, "other.test") as addr:
        settings = RedisSettings(addr, tls=True, tls_ca_file=str(certificates.authority))
        assert await why_not(settings) == "its TLS certificate is for another host"


async def test_no_tls_where_tls_is_spoken(tls_addr: str) -> None:
    assert await why_not(RedisSettings(tls_addr)) == "it closes the connection: does it want TLS? (tls)"


async def test_tls_where_none_is_spoken(open_server: RedisServer) -> None:
    why = await why_not(RedisSettings(open_server.addr, tls=True))
    assert why == "it does not answer in time", "Redis waits for the end of what it takes for a line"


# --- not there


async def test_nobody_listens() -> None:
    assert await why_not(RedisSettings("127.0.0.1:1")) == "connection refused"


async def test_there_is_no_such_host() -> None:
    assert "not known" in await why_not(RedisSettings("nowhere.invalid:6379"))


async def test_a_server_that_hangs(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        server.hang()
        assert await why_not(RedisSettings(server.addr)) == "it does not answer in time"


async def test_a_connection_is_watched_while_it_is_entered(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        async with RedisConnection(RedisSettings(server.addr)) as connection:
            await state_of(connection, Phase.CONNECTED)
            server.stop()
            assert (await state_of(connection, Phase.FAILED)).reason
            server.start()
            await state_of(connection, Phase.CONNECTED)
            assert await connection.client.ping()
        assert connection.watch.state.phase is Phase.CLOSED


async def test_a_connection_that_is_not_there_yet_is_tried_again(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    async with RedisConnection(RedisSettings(server.addr)) as connection:
        assert await state_of(connection, Phase.FAILED) == ConnectionState(Phase.FAILED, "connection refused")
        server.start()
        await state_of(connection, Phase.CONNECTED)
    server.stop()


# --- Sentinels


@pytest.fixture
def replicated(folder: Path, tmp_path: Path) -> Iterator[tuple[RedisServer, SentinelServer]]:
    """A master with a replica, and the Sentinel that watches them."""
    auth = ("--requirepass", PASSWORD, "--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0")
    with RedisServer(folder, *auth) as master:
        follow = ("--replicaof", "127.0.0.1", str(master.port))
        with RedisServer(folder, *auth, *follow), SentinelServer(tmp_path, master, PASSWORD) as sentinel:
            yield master, sentinel


def through(sentinel: SentinelServer, name: str = MASTER) -> RedisSettings:
    return RedisSettings(
        password=Secret(PASSWORD),
        sentinel_addrs=("127.0.0.1:1", sentinel.addr),  # one of them may be away
        sentinel_master_name=name,
    )


async def test_sentinels_say_where_the_master_is_and_where_the_next_one(
    replicated: tuple[RedisServer, SentinelServer],
) -> None:
    master, sentinel = replicated
    await works(through(sentinel))
    async with (
        client(RedisSettings(sentinel.addr)) as asking,
        RedisConnection(through(sentinel)) as connection,
    ):

        async def is_replicated() -> bool:
            known: object = await asking.sentinel_slaves(MASTER)
            return bool(known) and await connection.client.wait(1, 100) == 1

        async def works_again() -> bool:
            try:
                await connection.ping()
            except ClusterUnreachable:
                return False
            return True

        await connection.client.set("kept", "v")
        await until(is_replicated)
        master.stop()
        await until(works_again)
        assert await connection.client.get("kept") == b"v"
        await connection.client.set("new", "w")
        assert connection.watch.state == ConnectionState(Phase.CONNECTED)


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """For what nobody tells."""
    async with asyncio.timeout(SECONDS):
        while not await check():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_sentinel_that_knows_no_such_master(replicated: tuple[RedisServer, SentinelServer]) -> None:
    why = await why_not(through(replicated[1], "other"))
    assert why == "no Sentinel answers with a master of that name"


async def test_no_sentinel_answers() -> None:
    why = await why_not(RedisSettings(sentinel_addrs=("127.0.0.1:1", "127.0.0.1:2")))
    assert why == "no Sentinel answers with a master of that name"


# --- settings


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (RedisSettings("localhost"), "redis.addr"),
        (RedisSettings("redis://:hunter2@host:6379"), "redis.addr"),
        (RedisSettings("host:99999"), "redis.addr"),
        (RedisSettings(sentinel_addrs=("host",)), "redis.sentinel_addrs"),
        (RedisSettings(tls=True, tls_ca_file="/missing"), "redis.tls_ca_file"),
        (RedisSettings(tls=True, tls_ca_file=__file__), "redis.tls_ca_file"),
    ],
)
def test_settings_that_no_client_can_be_made_of(settings: RedisSettings, key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        RedisConnection(settings)
    assert str(refused.value).startswith(f"setting {key}: ")
    assert PASSWORD not in str(refused.value)
