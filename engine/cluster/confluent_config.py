"""Settings as librdkafka wants them, and its errors as ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError

from engine.errors import ClusterRefused, ClusterUnreachable, HowkError
from engine.settings import KafkaSettings, SecurityProtocol

MAX_MESSAGE_BYTES = 100 * 1024 * 1024
"""What a client sends and fetches at most; the brokers' own limits are far below, and theirs decide."""

_LOGGER = logging.getLogger("howk.kafka")
_EMERGENCIES_ONLY = 0  # its errors reach us through error_cb; its log lines would tell them twice

_REFUSALS = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.POLICY_VIOLATION,
        KafkaError.INVALID_CONFIG,
        KafkaError.INVALID_PARTITIONS,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.INVALID_RECORD,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)


def client_config(settings: KafkaSettings, on_error: Callable[[KafkaError], None]) -> dict[str, Any]:
    """What every client of this cluster is made with. Holds the password: never log it."""
    config: dict[str, Any] = {
        "bootstrap.servers": ",".join(settings.brokers),
        "client.id": "howk-studio",
        "security.protocol": settings.security_protocol.value,
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 5_000,
        "broker.address.family": "any",
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "log_level": _EMERGENCIES_ONLY,
        "logger": _LOGGER,
        "error_cb": on_error,
    }
    if settings.security_protocol in (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL):
        config |= {
            "sasl.mechanism": settings.sasl_mechanism,
            "sasl.username": settings.sasl_username,
            "sasl.password": settings.sasl_password.reveal(),
        }
    if settings.security_protocol in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL):
        files = {
            "ssl.ca.location": settings.tls_ca_file,
            "ssl.certificate.location": settings.tls_cert_file,
            "ssl.key.location": settings.tls_key_file,
        }
        config |= {name: path for name, path in files.items() if path}
        config["enable.ssl.certificate.verification"] = settings.tls_verify
    return config


def kafka_at(settings: KafkaSettings) -> str:
    """How errors name this cluster."""
    return f"Kafka at {', '.join(settings.brokers)}"


def as_our_error(part: str, error: KafkaError, last_words: str = "") -> HowkError:
    """A librdkafka error as one of ours.

    Args:
        part: what answered, or did not.
        error: what the operation ended with.
        last_words: what the connection said last; "timed out" alone helps nobody.
    """
    if error.code() in _REFUSALS:
        return ClusterRefused(part, reason_of(error))
    return ClusterUnreachable(part, last_words or reason_of(error))


def reason_of(error: KafkaError) -> str:
    """An error in words for people: without librdkafka's thread and broker numbers."""
    text = str(error.str())
    host, _, rest = text.partition(": ")
    # "sasl_ssl://host:9092/1: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)"
    if rest and ("/" in host or host.startswith("[thrd:")):
        text = rest
    text = text.partition(" (after ")[0].replace("ipv4#", "").replace("ipv6#", "")
    return text.strip() or str(error.name())
