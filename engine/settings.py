"""The settings of the headless engine: one schema gives defaults, types, YAML keys and HOWK_* variables.

Order of precedence: `HOWK_<SECTION>_<KEY>` in the environment, the YAML file, the default.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_origin

import msgspec

from engine.errors import SettingsError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)", re.ASCII)
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_NOT_IN_VARIABLES = re.compile("[^A-Z0-9_]")
_HOSTS_PREFIX = "HOWK_LUA_ALLOW_HOSTNAME_"
_KEY_PREFIX = "HOWK_LUA_CRYPTO_"
CONFIG_PLACES = (Path("config.yaml"), Path("~/.howk/config.yaml"), Path("/etc/howk/config.yaml"))


class Seconds(float):
    """A duration in seconds, written `500ms`, `5s`, `2m`, `24h` or `1h30m` in settings."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Seconds:
        """Raises ValueError when the text is no duration."""
        parts = _DURATION.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            raise ValueError(f"{text!r} is no duration; write 500ms, 5s, 2m or 24h")
        return cls(sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts))


class SecondsOrNever(Seconds):
    """A duration of which 0 means without end."""

    __slots__ = ()


class Secret:
    """A setting that no log, traceback or `print` may show; only `reveal` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself: for the client that needs it, and nothing else."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(***)" if self._value else "Secret()"


class LuaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """Limits of a script's run, what its modules may reach, and the variables `${NAME}` may stand for.

    Attributes:
        allowed_hosts: hosts that `http` may call: `*`, a host, `*.domain`. Addresses of the machine itself, of its
            link and of cloud metadata services are refused unless named: `*` does not name them.
        namespace_hosts: namespace -> its own list, which replaces `allowed_hosts`.
        crypto_keys: key name -> path of a PEM file.
        kv_key_format: `{config_id}` or `{namespace}`, then a colon, then `{key}` at the end.
        environment_hosts: lists from HOWK_LUA_ALLOW_HOSTNAME_{NAMESPACE}, by `environment_name` of the namespace.
        environment_keys: PEM texts from HOWK_LUA_CRYPTO_{NAME}, by `environment_name` of the key.
    """

    enabled: bool = False
    timeout: Seconds = Seconds(0.5)
    memory_limit_mb: Annotated[int, msgspec.Meta(ge=1)] = 50
    allowed_variables: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ("*",)
    namespace_hosts: dict[str, tuple[str, ...]] = {}
    http_timeout: Seconds = Seconds(5)
    http_cache_enabled: bool = True
    http_cache_ttl: Seconds = Seconds(300)
    http_max_body_bytes: int = 4 * 1024 * 1024
    kv_ttl_default: Seconds = Seconds(24 * 3600)
    kv_key_format: str = "lua:kv:{config_id}:{key}"
    crypto_keys: dict[str, str] = {}
    environment_hosts: dict[str, tuple[str, ...]] = {}
    environment_keys: dict[str, Secret] = {}

    @property
    def memory_bytes(self) -> int:
        """The memory limit in bytes."""
        return self.memory_limit_mb * 1024 * 1024

    def variables_of(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What `${NAME}` in a script_config stands for: the variables that are allowed and set."""
        return {name: environment[name] for name in self.allowed_variables if name in environment}

    def hosts_of(self, namespace: str) -> tuple[str, ...]:
        """The allowlist of a namespace: from the environment, else its entry in the file, else the global one."""
        own = self.environment_hosts.get(environment_name(namespace))
        return own if own is not None else self.namespace_hosts.get(namespace, self.allowed_hosts)


class DeliverySettings(msgspec.Struct, frozen=True):
    """How requests leave.

    Attributes:
        timeout: of one attempt, from connecting to the last byte of the answer that is kept.
        max_conns_per_host: connections that are open to one host at a time.
    """

    timeout: Seconds = Seconds(30)
    user_agent: str = "HOWK/1.0"
    max_conns_per_host: Annotated[int, msgspec.Meta(ge=1)] = 10


class RetrySettings(msgspec.Struct, frozen=True):
    """When a failed delivery is tried again: `base_delay` x 2^attempt, at most `max_delay`, give or take `jitter`."""

    base_delay: Seconds = Seconds(10)
    max_delay: Seconds = Seconds(24 * 3600)
    max_attempts: Annotated[int, msgspec.Meta(ge=1)] = 20
    jitter: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2


class CircuitSettings(msgspec.Struct, frozen=True):
    """When an endpoint that fails is left alone for a while, and how it is tried again."""

    failure_threshold: Annotated[int, msgspec.Meta(ge=1)] = 5
    failure_window: Seconds = Seconds(60)
    recovery_timeout: Seconds = Seconds(300)
    probe_interval: Seconds = Seconds(60)
    success_threshold: Annotated[int, msgspec.Meta(ge=1)] = 2


class ConcurrencySettings(msgspec.Struct, frozen=True):
    """How many webhooks may be under way to one endpoint or domain; 0 is no limit."""

    max_inflight_per_endpoint: Annotated[int, msgspec.Meta(ge=0)] = 50
    max_inflight_per_domain: Annotated[int, msgspec.Meta(ge=0)] = 0
    inflight_ttl: Seconds = Seconds(120)
    slow_lane_rate: Annotated[float, msgspec.Meta(gt=0)] = 20


class DeadLetterSettings(msgspec.Struct, frozen=True):
    """What is left of a webhook in the dead letters.

    Attributes:
        redact_headers: names, in any case, whose values are not kept.
        include_response_body: whether the beginning of the receiver's answer is kept.
    """

    redact_headers: tuple[str, ...] = (
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "Set-Cookie",
        "X-API-Key",
        "X-Auth-Token",
    )
    disable_redaction: bool = False
    include_response_body: bool = True


class TopicNames(msgspec.Struct, frozen=True):
    """What HOWK's topics are called in this cluster."""

    pending: str = "howk.pending"
    results: str = "howk.results"
    deadletter: str = "howk.deadletter"
    scripts: str = "howk.scripts"
    slow: str = "howk.slow"
    state: str = "howk.state"


class SecurityProtocol(enum.StrEnum):
    """How brokers are spoken to, in Kafka's own words."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"


class SaslMechanism(enum.StrEnum):
    """How a user proves who they are; what else Kafka knows needs more than a password."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class Compression(enum.StrEnum):
    """How records are compressed on their way."""

    NONE = "none"
    GZIP = "gzip"
    SNAPPY = "snappy"
    LZ4 = "lz4"
    ZSTD = "zstd"


class KafkaSettings(msgspec.Struct, frozen=True):
    """The Kafka of the cluster; `brokers` are HOST:PORT.

    Attributes:
        per_key_parallelism: how many webhooks of one config_id are in progress at once.
        tls_ca_file, tls_cert_file, tls_key_file: PEM files; without a CA the system's are trusted.
    """

    brokers: tuple[str, ...] = ("localhost:9092",)
    topics: TopicNames = TopicNames()
    consumer_group: str = "howk-workers"
    per_key_parallelism: Annotated[int, msgspec.Meta(ge=1)] = 1
    producer_compression: Compression = Compression.SNAPPY
    producer_linger_ms: Annotated[int, msgspec.Meta(ge=0)] = 50
    security_protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    sasl_mechanism: SaslMechanism = SaslMechanism.PLAIN
    sasl_username: str = ""
    sasl_password: Secret = Secret()
    tls_ca_file: str = ""
    tls_cert_file: str = ""
    tls_key_file: str = ""
    tls_verify: bool = True


class RedisSettings(msgspec.Struct, frozen=True):
    """The Redis of the cluster; `addr` is HOST:PORT, unless Sentinels say where the master is."""

    addr: str = "localhost:6379"
    username: str = ""
    password: Secret = Secret()
    db: int = 0
    tls: bool = False
    tls_ca_file: str = ""
    tls_verify: bool = True
    sentinel_addrs: tuple[str, ...] = ()
    sentinel_master_name: str = "mymaster"
    sentinel_password: Secret = Secret()


class ApiSettings(msgspec.Struct, frozen=True):
    """The HTTP API. Without a token, whoever reaches the port may publish and enqueue.

    Attributes:
        host: the address to listen on; empty for all of them, as in a container.
        max_request_size: bytes of a request's body.
    """

    host: str = ""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    max_request_size: Annotated[int, msgspec.Meta(ge=1)] = 1024 * 1024
    token: Secret = Secret()


class TtlSettings(msgspec.Struct, frozen=True):
    """How long things stay in Redis; `script_ttl` 0 keeps scripts for ever, as published workers do since 0.4.9."""

    status_ttl: Seconds = Seconds(168 * 3600)
    stats_ttl: Seconds = Seconds(48 * 3600)
    idempotency_ttl: Seconds = Seconds(24 * 3600)
    circuit_state_ttl: Seconds = Seconds(24 * 3600)
    retry_data_ttl: Seconds = Seconds(168 * 3600)
    script_ttl: SecondsOrNever = SecondsOrNever(168 * 3600)


class Settings(msgspec.Struct, frozen=True):
    """All sections."""

    lua: LuaSettings = LuaSettings()
    delivery: DeliverySettings = DeliverySettings()
    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    api: ApiSettings = ApiSettings()
    retry: RetrySettings = RetrySettings()
    circuit_breaker: CircuitSettings = CircuitSettings()
    concurrency: ConcurrencySettings = ConcurrencySettings()
    dlq: DeadLetterSettings = DeadLetterSettings()
    ttl: TtlSettings = TtlSettings()


def environment_name(name: str) -> str:
    """How a namespace or a key is spelled at the end of a HOWK_* variable: upper case, any other character `_`.

    `my-shop` and `my_shop` are one there; give them their own lists in the file (`namespace_hosts`, `crypto_keys`).
    """
    return _NOT_IN_VARIABLES.sub("_", name.upper())


def load_settings(environment: Mapping[str, str], config_file: Path | None = None) -> Settings:
    """Settings from a YAML file (the first of CONFIG_PLACES that exists when none is named) and the environment.

    Raises:
        SettingsError: the file cannot be read, or a value does not fit; the key is named.
    """
    values = _read_yaml(config_file)
    for section in msgspec.structs.fields(Settings):
        table = values[section.name] = values.get(section.name) or {}
        _add_variables(table, section.type, f"HOWK_{section.name}", environment)
    if isinstance(values["lua"], dict):
        values["lua"].update(_named_variables(environment))
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_convert)
    except msgspec.ValidationError as problem:
        message, _, place = str(problem).partition(" - at ")
        raise SettingsError(
            place.strip("`").removeprefix("$."), message[:1].lower() + message[1:] + "."
        ) from problem


def _add_variables(
    table: Any, section: type[msgspec.Struct], prefix: str, environment: Mapping[str, str]
) -> None:
    """Puts what HOWK_<SECTION>_<KEY> says over a table of the file, and splits lists that are written as a text.

    Tables have no variable: HOWK_LUA_CRYPTO_KEYS is the PEM of a key named KEYS.
    """
    if not isinstance(table, dict):
        return  # the conversion says so
    for field in msgspec.structs.fields(section):
        name = field.encode_name
        variable = f"{prefix}_{name}".upper()
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            inner = table[name] = table.get(name) or {}
            _add_variables(inner, field.type, variable, environment)
        elif variable in environment and get_origin(field.type) is not dict:
            table[name] = environment[variable]
        if field.type == tuple[str, ...] and isinstance(table.get(name), str):
            table[name] = _listed(table[name])


def _listed(text: str) -> list[str]:
    return [part for part in map(str.strip, text.split(",")) if part]


def _named_variables(environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The settings whose variables end in a name that operators choose; an empty list of hosts allows none."""

    def named(prefix: str) -> dict[str, str]:
        return {
            name.removeprefix(prefix): text for name, text in environment.items() if name.startswith(prefix)
        }

    return {
        "environment_hosts": {name: _listed(text) for name, text in named(_HOSTS_PREFIX).items()},
        "environment_keys": named(_KEY_PREFIX),
    }


def _convert(kind: type, value: Any) -> Any:
    if kind is Secret:
        return Secret(str(value))
    if kind is SecondsOrNever and str(value) in ("0", "0s"):
        return SecondsOrNever(0)
    if issubclass(kind, Seconds):
        return kind(_duration(value))
    raise NotImplementedError(kind)


def _duration(value: Any) -> Seconds:
    seconds = Seconds(value) if isinstance(value, int | float) else Seconds.parse(str(value))
    if not 0 < seconds < math.inf:
        raise ValueError(f"{value} is no duration above 0")
    return seconds


def _read_yaml(config_file: Path | None) -> dict[str, Any]:
    path = config_file or next(
        (place.expanduser() for place in CONFIG_PLACES if place.expanduser().is_file()), None
    )
    if path is None:
        return {}
    import yaml  # noqa: PLC0415 - the window starts sooner, and few have such a file

    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise SettingsError(str(path), f"cannot be read: {problem}") from problem
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(str(path), "must hold sections such as `lua:` with their keys below.")
    return {str(name): section for name, section in values.items()}
