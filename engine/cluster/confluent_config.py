"""Settings as librdkafka wants them, and its errors as ours."""

from __future__ import annotations

import re
from typing import Any, Protocol

from confluent_kafka import KafkaError

from engine.cluster.address import host_and_port
from engine.errors import ClusterRefused, ClusterUnreachable, HowkError, SettingsError
from engine.settings import KafkaSettings, SecurityProtocol

MAX_MESSAGE_BYTES = 100 * 1024 * 1024
"""What a client sends and fetches at most; the brokers' own limits are far below, and theirs decide."""

ANSWER_MS = 8_000
"""How long a broker that takes a connection may take to say anything; then it is taken for dead."""

_INFO = 6  # syslog's number; below it, librdkafka keeps to itself why a connection was closed

_PREFIX = re.compile(r"(\[thrd:\S+\]: )?(\S+/\S+: )?")
_NO_TRUST = "its TLS certificate is not trusted (tls_ca_file), or is for another host"
_NO_TLS = "it does not speak TLS there (security_protocol)"
_TLS = "it closes connections: does it want TLS? (security_protocol)"
_CLOSED = "it closed the connection; if it does so each time, it may want a password (security_protocol)"
_OUR_CERTIFICATE = "it wants a certificate of ours, or another (tls_cert_file)"
_SILENT = "it takes connections and does not answer"
_WORDS = (
    (r"certificate verify failed", _NO_TRUST),
    (r"connecting to a PLAINTEXT broker|wrong version number|Disconnected.* in state SSL_HANDSHAKE", _NO_TLS),
    (r"Invalid response size", "what answers there is no Kafka broker"),
    (r"Disconnected.* in state (APIVERSION_QUERY|CONNECT)", _TLS),
    (r"Disconnected.* in state (UP|AUTH_)", _CLOSED),
    (r"alert (bad certificate|certificate required|unknown ca)", _OUR_CERTIFICATE),
    (r"ApiVersionRequest failed: .*Timed out|Connection setup timed out", _SILENT),
    (
        r"^(Failed to get metadata: )?Local: (Broker transport failure|Timed out|Message timed out)",
        "no broker answers",
    ),
)
"""librdkafka's words, and what to say instead; in brackets stands the setting to look at."""

_FILES = {
    "ssl.ca.location": "tls_ca_file",
    "ssl.certificate.location": "tls_cert_file",
    "ssl.key.location": "tls_key_file",
}

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


class Told(Protocol):
    """Who hears of a client's connections, on any thread."""

    def on_error(self, error: KafkaError) -> None:
        """librdkafka's error_cb."""

    def log(self, level: int, form: str, facility: str, client: str, line: str) -> None:
        """librdkafka's log; `facility` FAIL is a connection that failed."""


class Nobody:
    """Does not listen."""

    def on_error(self, error: KafkaError) -> None:
        """See `Told`."""

    def log(self, level: int, form: str, facility: str, client: str, line: str) -> None:
        """See `Told`."""


def client_config(settings: KafkaSettings, told: Told) -> dict[str, Any]:
    """What every client of this cluster is made with. Holds the password: never log it.

    Raises:
        SettingsError: a broker's address is none, or there is none.
    """
    if not settings.brokers:
        raise SettingsError("kafka.brokers", "must name at least one.")
    for broker in settings.brokers:
        host_and_port(broker, "kafka.brokers")
    config: dict[str, Any] = {
        "bootstrap.servers": ",".join(settings.brokers),
        "client.id": "howk-studio",
        "security.protocol": settings.security_protocol.value,
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 5_000,
        "broker.address.family": "any",
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "socket.timeout.ms": ANSWER_MS,
        "socket.connection.setup.timeout.ms": ANSWER_MS,
        "api.version.request.timeout.ms": ANSWER_MS,
        "log_level": _INFO,
        "logger": told,
        "error_cb": told.on_error,
    }
    if settings.security_protocol in (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL):
        config |= {
            "sasl.mechanism": str(settings.sasl_mechanism),
            "sasl.username": settings.sasl_username,
            "sasl.password": settings.sasl_password.reveal(),
        }
    if settings.security_protocol in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL):
        paths = {theirs: getattr(settings, ours) for theirs, ours in _FILES.items()}
        config |= {theirs: path for theirs, path in paths.items() if path}
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


def as_settings_error(error: KafkaError) -> SettingsError:
    """Why a client could not be made, with our names of the settings."""
    text = error.str().removeprefix("Failed to create producer: ")
    for theirs, ours in _FILES.items():
        if theirs in text:
            return SettingsError(f"kafka.{ours}", "it cannot be read, or is no PEM file.")
    return SettingsError("kafka", f"{text}.")


def reason_of(error: KafkaError) -> str:
    """An error in words for people."""
    return in_words(error.str()) or error.name()


def in_words(line: str) -> str:
    """What librdkafka says, in words for people: without its threads and the numbers of brokers.

    "sasl_ssl://host:9092/1: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)"
    becomes "Connect to 127.0.0.1:1 failed: Connection refused".
    """
    line = _PREFIX.sub("", line, count=1)
    for pattern, words in _WORDS:
        if re.search(pattern, line):
            return words
    return line.partition(" (after ")[0].replace("ipv4#", "").replace("ipv6#", "").strip()
