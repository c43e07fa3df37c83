"""A real broker that asks who you are: passwords, TLS, and topics that not all may touch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from io import StringIO
from typing import Any

import msgspec
import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from engine.cluster.confluent import ConfluentKafka
from engine.cluster.connection import ConnectionState, Phase
from engine.cluster.kafka import Record, TopicReader, TopicSpec
from engine.cluster.topics import TopicMaker
from engine.errors import ClusterRefused, ClusterUnreachable
from engine.run_log import make_logger
from engine.settings import KafkaSettings, Secret, SecurityProtocol
from tests.cluster.secure_broker import PASSWORD, USER, SecureBroker
from tests.engine.cluster.kafka_contract import all_there, new_name, new_topic, values
from tests.engine.cluster.tls import Certificates

SECONDS = 30.0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[SecureBroker]:
    broker = SecureBroker(tmp_path_factory.mktemp("secure"), certificates)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def tls(broker: SecureBroker, certificates: Certificates) -> KafkaSettings:
    return KafkaSettings(
        brokers=(broker.tls,),
        security_protocol=SecurityProtocol.SSL,
        tls_ca_file=str(certificates.authority),
    )


@pytest.fixture
def sasl(broker: SecureBroker) -> KafkaSettings:
    return KafkaSettings(
        brokers=(broker.sasl,),
        security_protocol=SecurityProtocol.SASL_PLAINTEXT,
        sasl_username=USER,
        sasl_password=Secret(PASSWORD),
    )


@pytest.fixture
def sasl_tls(broker: SecureBroker, sasl: KafkaSettings, tls: KafkaSettings) -> KafkaSettings:
    return msgspec.structs.replace(
        sasl,
        brokers=(broker.sasl_tls,),
        security_protocol=SecurityProtocol.SASL_SSL,
        tls_ca_file=tls.tls_ca_file,
    )


@asynccontextmanager
async def client(settings: KafkaSettings) -> AsyncIterator[ConfluentKafka]:
    kafka = ConfluentKafka(settings, linger_ms=0)
    try:
        yield kafka
    finally:
        await kafka.close()


async def works(settings: KafkaSettings) -> None:
    """Whatever a client is for: topics, records, readers, ends."""
    async with client(settings) as kafka:
        await kafka.connect()
        topic = await new_topic(kafka)
        await kafka.produce(topic, "k", b"v")
        assert await kafka.ends(topic) == {0: 1}
        assert values(await all_there(kafka.read_topic(topic))) == [b"v"]
        assert kafka.watch.state == ConnectionState(Phase.CONNECTED)


async def why_not(settings: KafkaSettings) -> str:
    """Why it cannot be reached; the watch says the same."""
    async with client(settings) as kafka:
        async with asyncio.timeout(SECONDS):
            with pytest.raises(ClusterUnreachable) as unreachable:
                await kafka.connect()
        assert kafka.watch.state == ConnectionState(Phase.FAILED, unreachable.value.why)
    assert PASSWORD not in str(unreachable.value)
    return unreachable.value.why


# --- who you are


async def test_tls(tls: KafkaSettings) -> None:
    await works(tls)
    await works(msgspec.structs.replace(tls, tls_ca_file="", tls_verify=False))


async def test_a_password(sasl: KafkaSettings) -> None:
    await works(sasl)


async def test_a_password_through_tls(sasl_tls: KafkaSettings) -> None:
    await works(sasl_tls)


async def test_a_certificate_of_the_client(
    broker: SecureBroker, certificates: Certificates, tls: KafkaSettings
) -> None:
    certificate, key = certificates.signed("client.test")
    mutual = msgspec.structs.replace(tls, brokers=(broker.mutual_tls,))
    await works(msgspec.structs.replace(mutual, tls_cert_file=str(certificate), tls_key_file=str(key)))
    assert await why_not(mutual) == "it wants a certificate of ours, or another (tls_cert_file)"


async def test_an_issuer_that_is_not_trusted(tls: KafkaSettings) -> None:
    why = await why_not(msgspec.structs.replace(tls, tls_ca_file=""))
    assert "its TLS certificate is not trusted" in why


@pytest.mark.parametrize("protocol", ["sasl", "sasl_tls"])
async def test_a_wrong_password(protocol: str, request: pytest.FixtureRequest) -> None:
    settings: KafkaSettings = request.getfixturevalue(protocol)
    why = await why_not(msgspec.structs.replace(settings, sasl_password=Secret(f"not-{PASSWORD}")))
    assert "Invalid username or password" in why


async def test_a_mechanism_that_the_broker_has_not(sasl: KafkaSettings) -> None:
    why = await why_not(msgspec.structs.replace(sasl, sasl_mechanism="SCRAM-SHA-256"))
    assert "SCRAM-SHA-256" in why


async def test_no_password_where_one_is_asked_for(broker: SecureBroker) -> None:
    assert "password" in await why_not(KafkaSettings(brokers=(broker.sasl,)))


async def test_a_password_where_nobody_asks(broker: SecureBroker, sasl: KafkaSettings) -> None:
    assert "SASL" in await why_not(msgspec.structs.replace(sasl, brokers=(broker.address,)))


# --- what you may


@contextmanager
def forbidden(
    broker: SecureBroker, operation: AclOperation, kind: ResourceType, name: str = "kafka-cluster"
) -> Iterator[None]:
    """The user may do all but this to a topic, or to the cluster."""
    admin = AdminClient({"bootstrap.servers": broker.address})

    def rule(operation: AclOperation, permission: AclPermissionType) -> AclBinding:
        return AclBinding(kind, name, ResourcePatternType.LITERAL, f"User:{USER}", "*", operation, permission)

    rules = [rule(AclOperation.ALL, AclPermissionType.ALLOW), rule(operation, AclPermissionType.DENY)]
    for made in admin.create_acls(rules).values():
        made.result(SECONDS)
    try:
        yield
    finally:
        for gone in admin.delete_acls([_all_rules(kind, name)]).values():
            gone.result(SECONDS)


def _all_rules(kind: ResourceType, name: str) -> AclBindingFilter:
    anybody: Any = None  # the stubs know nothing of it
    return AclBindingFilter(
        kind, name, ResourcePatternType.LITERAL, anybody, anybody, AclOperation.ANY, AclPermissionType.ANY
    )


async def test_a_topic_that_may_not_be_written(broker: SecureBroker, sasl: KafkaSettings) -> None:
    async with client(KafkaSettings(brokers=(broker.address,))) as anybody, client(sasl) as kafka:
        topic = await new_topic(anybody)
        await anybody.produce(topic, "k", b"v")
        with forbidden(broker, AclOperation.WRITE, ResourceType.TOPIC, topic):
            with pytest.raises(ClusterRefused, match="authorization failed"):
                await kafka.produce(topic, "k", b"w")
            assert values(await all_there(kafka.read_topic(topic))) == [b"v"]


async def test_topics_that_may_not_be_created(broker: SecureBroker, sasl: KafkaSettings) -> None:
    name = new_name()
    async with client(sasl) as kafka:
        with (
            forbidden(broker, AclOperation.CREATE, ResourceType.BROKER),
            forbidden(broker, AclOperation.CREATE, ResourceType.TOPIC, name),
        ):
            with pytest.raises(ClusterRefused, match=r"(?i)authorization failed"):
                await kafka.create_topics([TopicSpec(name)])
            log = StringIO()
            async with TopicMaker(kafka, [TopicSpec(name)], make_logger(log, as_json=True)) as maker:
                async with asyncio.timeout(SECONDS):
                    while not maker.done:  # noqa: ASYNC110 - nobody tells; then it is left to the operator
                        await asyncio.sleep(0.05)
            assert "topics not made" in log.getvalue()


@pytest.mark.parametrize("operation", [AclOperation.READ, AclOperation.DESCRIBE])
async def test_a_topic_that_may_not_be_read(
    broker: SecureBroker, sasl: KafkaSettings, operation: AclOperation
) -> None:
    async with client(KafkaSettings(brokers=(broker.address,))) as anybody, client(sasl) as kafka:
        topic = await new_topic(anybody)
        await anybody.produce(topic, "k", b"v")
        reader = kafka.read_topic(topic)
        async with asyncio.timeout(SECONDS):
            with forbidden(broker, operation, ResourceType.TOPIC, topic):
                while not (refusal := await refusal_of(reader)):
                    assert not reader.caught_up
                assert "authorization failed" in refusal.why
            records: Sequence[Record] = ()
            while not records:
                with suppress(ClusterRefused):  # as long as one of before is waiting
                    records = await reader.read()
        assert values(records) == [b"v"], "it goes on when it may"


async def refusal_of(reader: TopicReader) -> ClusterRefused | None:
    try:
        assert await reader.read() == []
    except ClusterRefused as refusal:
        return refusal
    return None
