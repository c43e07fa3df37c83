"""The settings of the headless engine: one schema gives defaults, types, YAML keys and HOWK_* variables.

Order of precedence: `HOWK_<SECTION>_<KEY>` in the environment, the YAML file, the default.
"""

from __future__ import annotations

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
    """How requests leave."""

    user_agent: str = "HOWK/1.0"


class RedisSettings(msgspec.Struct, frozen=True):
    """The Redis of the cluster; `addr` is HOST:PORT."""

    addr: str = "localhost:6379"
    password: Secret = Secret()
    db: int = 0
    tls: bool = False


class Settings(msgspec.Struct, frozen=True):
    """All sections."""

    lua: LuaSettings = LuaSettings()
    delivery: DeliverySettings = DeliverySettings()
    redis: RedisSettings = RedisSettings()


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
        if isinstance(table, dict):  # else the conversion says so
            table.update(_variables_of(section, environment))
            _split_lists(table, section)
    if isinstance(values["lua"], dict):
        values["lua"].update(_named_variables(environment))
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_convert)
    except msgspec.ValidationError as problem:
        message, _, place = str(problem).partition(" - at ")
        raise SettingsError(
            place.strip("`").removeprefix("$."), message[:1].lower() + message[1:] + "."
        ) from problem


def _variables_of(section: msgspec.structs.FieldInfo, environment: Mapping[str, str]) -> dict[str, str]:
    """What HOWK_<SECTION>_<KEY> says. Tables have no variable: HOWK_LUA_CRYPTO_KEYS is the PEM of a key named KEYS."""
    found = {}
    for field in msgspec.structs.fields(section.type):
        text = environment.get(f"HOWK_{section.name}_{field.encode_name}".upper())
        if text is not None and get_origin(field.type) is not dict:
            found[field.encode_name] = text
    return found


def _split_lists(table: dict[str, Any], section: msgspec.structs.FieldInfo) -> None:
    for field in msgspec.structs.fields(section.type):
        value = table.get(field.encode_name)
        if field.type == tuple[str, ...] and isinstance(value, str):
            table[field.encode_name] = _listed(value)


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
    if kind is Seconds:
        return _duration(value)
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
