"""A Kafka that cannot be reached: why is said in words for people, soon, without a secret, and the loop never waits."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from engine.cluster import confluent_config
from engine.cluster.confluent import ConfluentKafka
from engine.cluster.confluent_config import in_words
from engine.cluster.connection import ConnectionState, Phase
from engine.errors import ClusterUnreachable, HowkError, SettingsError
from engine.settings import KafkaSettings, SaslMechanism, Secret, SecurityProtocol
from tests.engine.cluster.tls import Certificates

SECONDS = 30.0
PASSWORD = "hunter2"

Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def _short_of_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confluent_config, "ANSWER_MS", 1000)


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.close()


async def speaks_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    writer.close()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1024):
        pass
    writer.close()


@asynccontextmanager
async def listening(served: Served, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """HOST:PORT of a server that is no Kafka."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await served(reader, writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def why_not(settings: KafkaSettings) -> str:
    """Why it cannot be reached; the watch says the same, and nothing that can be seen holds the password."""
    kafka = ConfluentKafka(settings)
    states: list[ConnectionState] = []
    kafka.watch.listen(states.append)
    try:
        async with asyncio.timeout(SECONDS):
            with pytest.raises(ClusterUnreachable) as unreachable:
                await kafka.connect()
        assert [state.phase for state in states][:2] == [Phase.IDLE, Phase.CONNECTING]
        assert kafka.watch.state == ConnectionState(Phase.FAILED, unreachable.value.why)
    finally:
        await kafka.close()
    assert settings.brokers[0] in str(unreachable.value)
    assert PASSWORD not in f"{unreachable.value!r} {settings!r} {kafka!r} {states!r}"
    return unreachable.value.why


def sasl(broker: str) -> KafkaSettings:
    return KafkaSettings(
        brokers=(broker,),
        security_protocol=SecurityProtocol.SASL_PLAINTEXT,
        sasl_mechanism=SaslMechanism.PLAIN,
        sasl_username="howk",
        sasl_password=Secret(PASSWORD),
    )


def plain(broker: str) -> KafkaSettings:
    return KafkaSettings(brokers=(broker,))


def tls(broker: str) -> KafkaSettings:
    return KafkaSettings(brokers=(broker,), security_protocol=SecurityProtocol.SSL)


@pytest.mark.parametrize(
    ("client", "served", "why"),
    [
        (plain, hangs_up, "it closes connections: does it want TLS? (security_protocol)"),
        (plain, speaks_http, "what answers there is no Kafka broker"),
        (plain, says_nothing, "it takes connections and does not answer"),
        (sasl, hangs_up, "it closes connections: does it want TLS? (security_protocol)"),
        (sasl, says_nothing, "it takes connections and does not answer"),
        (tls, hangs_up, "it does not speak TLS there (security_protocol)"),
        (tls, speaks_http, "it does not speak TLS there (security_protocol)"),
        (tls, says_nothing, "it takes connections and does not answer"),
    ],
)
async def test_what_is_no_kafka(client: Callable[[str], KafkaSettings], served: Served, why: str) -> None:
    async with listening(served) as broker:
        assert await why_not(client(broker)) == why


@pytest.mark.parametrize("client", [plain, sasl])
async def test_a_client_without_tls_where_tls_is_spoken(
    client: Callable[[str], KafkaSettings], certificates: Certificates
) -> None:
    async with listening(says_nothing, certificates.server()) as broker:
        assert "does it want TLS?" in await why_not(client(broker))


async def test_a_certificate_of_an_unknown_issuer(certificates: Certificates) -> None:
    async with listening(says_nothing, certificates.server()) as broker:
        assert "its TLS certificate is not trusted (tls_ca_file)" in await why_not(tls(broker))


async def test_a_certificate_of_another_host(certificates: Certificates) -> None:
    async with listening(says_nothing, certificates.server("other.test")) as broker:
        settings = KafkaSettings(
            brokers=(broker,),
            security_protocol=SecurityProtocol.SSL,
            tls_ca_file=str(certificates.authority),
        )
        assert "is for another host" in await why_not(settings)


async def test_nobody_listens() -> None:
    why = await why_not(plain("127.0.0.1:1"))
    assert why == "Connect to 127.0.0.1:1 failed: Connection refused"


async def test_there_is_no_such_host() -> None:
    assert "Failed to resolve 'nowhere.invalid:9092'" in await why_not(plain("nowhere.invalid:9092"))


async def test_the_loop_runs_on_while_nothing_answers() -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    async with listening(says_nothing) as broker:
        turning = asyncio.create_task(turn())
        reader = ConfluentKafka(plain(broker))
        reading = asyncio.create_task(reader.read_topic("t").read())
        await why_not(plain(broker))
        assert not reading.done()
        await reader.close()
        assert await reading == ()
        turning.cancel()
    assert turns > 20, "waiting took a second at least"


@pytest.mark.parametrize("ended", ["produce", "read"])
async def test_closing_does_not_wait_for_a_broker(ended: str) -> None:
    kafka = ConfluentKafka(plain("127.0.0.1:1"))
    waiting: asyncio.Task[object]
    if ended == "produce":
        waiting = asyncio.create_task(kafka.produce("t", "k", b"v"))
    else:
        waiting = asyncio.create_task(kafka.read_topic("t").read())
    await asyncio.sleep(0)
    await kafka.close()
    async with asyncio.timeout(SECONDS):
        [outcome] = await asyncio.gather(waiting, return_exceptions=True)
    assert outcome == () or isinstance(outcome, ClusterUnreachable)
    assert kafka.watch.state.phase is Phase.CLOSED


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (KafkaSettings(brokers=()), "kafka.brokers"),
        (KafkaSettings(brokers=("",)), "kafka.brokers"),
        (KafkaSettings(brokers=("http://howk:hunter2@host/",)), "kafka.brokers"),
        (KafkaSettings(security_protocol=SecurityProtocol.SSL, tls_ca_file="/missing"), "kafka.tls_ca_file"),
        (KafkaSettings(security_protocol=SecurityProtocol.SSL, tls_ca_file=__file__), "kafka.tls_ca_file"),
        (KafkaSettings(security_protocol=SecurityProtocol.SSL, tls_cert_file="/missing"), "kafka.tls_cert_file"),
    ],
)  # fmt: skip
async def test_settings_that_no_client_can_be_made_of(settings: KafkaSettings, key: str) -> None:
    kafka = ConfluentKafka(settings)
    with pytest.raises(SettingsError) as refused:
        await kafka.connect()
    assert str(refused.value).startswith(f"setting {key}: ")
    assert PASSWORD not in str(refused.value)
    await kafka.close()


async def test_a_closed_connection_says_so() -> None:
    kafka = ConfluentKafka(plain("127.0.0.1:1"))
    await kafka.close()
    for act in (kafka.connect(), kafka.ends("t")):
        with pytest.raises(HowkError, match="the connection is closed"):
            await act


def test_a_line_of_librdkafka_loses_what_people_cannot_use() -> None:
    line = "sasl_ssl://host:9092/1: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)"
    assert in_words(line) == "Connect to 127.0.0.1:1 failed: Connection refused"
    assert in_words(f"[thrd:sasl_ssl://host:9092/1]: {line}") == in_words(line)
    assert in_words("Topic authorization failed") == "Topic authorization failed"
