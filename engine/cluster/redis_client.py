"""The way to a cluster's Redis: one place that turns settings into a client, and tells how the connection stands.

The seam to Redis is `redis.asyncio.Redis` itself; `fakeredis` implements it in memory, for tests.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from typing import Any, Self

from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from engine.cluster.address import host_and_port
from engine.cluster.connection import ConnectionWatch, Phase
from engine.errors import ClusterUnreachable, SettingsError
from engine.settings import RedisSettings
from engine.tasks import end_task

CONNECT_SECONDS = 2.0
OPERATION_SECONDS = 2.0
MAX_CONNECTIONS = 32
PING_SECONDS = 2.0
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 10.0
_NAME_DIFFERS = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_CLOSES = "it closes the connection: does it want TLS? (tls)"
_SYSTEM_ERROR = re.compile(r"Error (-?\d+) connecting to ")


def redis_client(
    settings: RedisSettings,
    *,
    connect_seconds: float = CONNECT_SECONDS,
    operation_seconds: float = OPERATION_SECONDS,
) -> Redis:
    """A client; it connects with its first command. A connection that broke is replaced once.

    Raises:
        SettingsError: an address is none, or a file cannot be read.
    """
    common: dict[str, Any] = {
        "db": settings.db,
        "username": settings.username or None,
        "password": settings.password.reveal() or None,
        "socket_connect_timeout": connect_seconds,
        "socket_timeout": operation_seconds,
        # A server that restarted leaves dead connections in the pool. What is said twice must be safe to say twice.
        "retry": Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
    }
    tls = _tls(settings)
    if settings.sentinel_addrs:
        return _through_sentinels(settings, common | tls, connect_seconds)
    host, port = host_and_port(settings.addr, "redis.addr")
    if settings.tls:
        common |= {"connection_class": SSLConnection, **tls}
    pool = BlockingConnectionPool(
        max_connections=MAX_CONNECTIONS, timeout=operation_seconds, host=host, port=port, **common
    )
    return Redis.from_pool(pool)


def _tls(settings: RedisSettings) -> dict[str, Any]:
    if not settings.tls:
        return {}
    tls: dict[str, Any] = {
        "ssl_cert_reqs": "required" if settings.tls_verify else "none",
        "ssl_check_hostname": settings.tls_verify,
    }
    if not settings.tls_ca_file:
        return tls
    try:
        ssl.create_default_context(cafile=settings.tls_ca_file)
    except OSError as problem:  # SSLError is one
        raise SettingsError("redis.tls_ca_file", "it cannot be read, or is no PEM file.") from problem
    return tls | {"ssl_ca_certs": settings.tls_ca_file}


def _through_sentinels(settings: RedisSettings, common: dict[str, Any], connect_seconds: float) -> Redis:
    addresses = [host_and_port(addr, "redis.sentinel_addrs") for addr in settings.sentinel_addrs]
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        addresses,
        sentinel_kwargs={
            "password": settings.sentinel_password.reveal() or None,
            "socket_connect_timeout": connect_seconds,
            "socket_timeout": connect_seconds,
            "retry": Retry(NoBackoff(), 0),  # the next one is asked
        },
    )
    if settings.tls:
        common |= {"connection_class": SentinelManagedSSLConnection}
    pool = _SentinelPool(  # type: ignore[no-untyped-call]
        settings.sentinel_master_name, sentinels, max_connections=MAX_CONNECTIONS, **common
    )
    return Redis.from_pool(pool)


class _SentinelPool(SentinelConnectionPool):
    """Closes the connections to the Sentinels too, which redis-py forgets."""

    async def aclose(self) -> None:
        await super().aclose()
        for sentinel in self.sentinel_manager.sentinels:
            await sentinel.aclose()


def redis_at(settings: RedisSettings) -> str:
    """How errors name this Redis."""
    if settings.sentinel_addrs:
        return f"Redis {settings.sentinel_master_name} of the Sentinels {', '.join(settings.sentinel_addrs)}"
    return f"Redis at {settings.addr}"


class RedisConnection:
    """A client, and how it stands. While it is entered, a ping every two seconds keeps `watch` honest.

    Attributes:
        client: for those who have something to ask.
        watch: its state.
    """

    def __init__(self, settings: RedisSettings) -> None:
        self.client = redis_client(settings)
        self.watch = ConnectionWatch()
        self._part = redis_at(settings)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.watch.set(Phase.CONNECTING)
        self._task = asyncio.create_task(self._keep_asking())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def ping(self) -> None:
        """Asks whether it is there.

        Raises:
            ClusterUnreachable: it is not, or it refuses us; the reason is told, the password never.
        """
        try:
            await self.client.ping()
        except (RedisError, OSError) as problem:
            why = reason_of(problem)
            self.watch.set(Phase.FAILED, why)
            raise ClusterUnreachable(self._part, why) from problem
        self.watch.set(Phase.CONNECTED)

    async def close(self) -> None:
        """Ends the pings and closes all connections."""
        if self._task is not None:
            await end_task(self._task)
        await self.client.aclose()
        self.watch.set(Phase.CLOSED)

    async def _keep_asking(self) -> None:
        retry = FIRST_RETRY_SECONDS
        while True:
            try:
                await self.ping()
            except ClusterUnreachable:
                await asyncio.sleep(retry)
                retry = min(retry * 2, LONGEST_RETRY_SECONDS)
            else:
                retry = FIRST_RETRY_SECONDS
                await asyncio.sleep(PING_SECONDS)


def reason_of(problem: RedisError | OSError) -> str:
    """Why Redis could not be asked, for people: no credential, and no object of the client's."""
    beneath = problem.__cause__ or problem.__context__
    return (
        _of_connection(beneath) or _of_refusal(problem) or _of_system(str(problem)) or type(problem).__name__
    )


def _of_connection(beneath: BaseException | None) -> str:
    if isinstance(beneath, ssl.SSLCertVerificationError):
        other_host = beneath.verify_code in _NAME_DIFFERS
        return f"its TLS certificate is {'for another host' if other_host else 'not trusted (tls_ca_file)'}"
    if isinstance(beneath, ssl.SSLError):
        return "it does not speak TLS there (tls)"
    return _CLOSES if isinstance(beneath, ConnectionResetError) else ""


def _of_refusal(problem: RedisError | OSError) -> str:
    text = str(problem)
    if "NOAUTH" in text or text.startswith("HELLO must be called"):
        return "it demands a password"
    if isinstance(problem, AuthenticationError):
        return "it refuses the user name or the password"
    if isinstance(problem, MasterNotFoundError):
        return "no Sentinel answers with a master of that name"
    return "it does not answer in time" if isinstance(problem, RedisTimeoutError | TimeoutError) else ""


def _of_system(text: str) -> str:
    # "Error 111 connecting to HOST:PORT. Connect call failed ('127.0.0.1', 6379)."
    number = _SYSTEM_ERROR.match(text)
    if number is not None and int(number[1]) > 0:
        return os.strerror(int(number[1])).lower()
    return text.partition(". ")[2] or text
