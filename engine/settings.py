"""The settings of the headless engine: one schema gives defaults, types, YAML keys and HOWK_* variables.

Order of precedence: `HOWK_<SECTION>_<KEY>` in the environment, the YAML file, the default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from engine.errors import SettingsError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
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


class LuaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """Limits of a script's run, and the variables an operator lets `${NAME}` in a script_config stand for."""

    enabled: bool = False
    timeout: Seconds = Seconds(0.5)
    memory_limit_mb: int = 50
    allowed_variables: tuple[str, ...] = ()

    @property
    def memory_bytes(self) -> int:
        """The memory limit in bytes."""
        return self.memory_limit_mb * 1024 * 1024


class DeliverySettings(msgspec.Struct, frozen=True):
    """How requests leave."""

    user_agent: str = "HOWK/1.0"


class Settings(msgspec.Struct, frozen=True):
    """All sections."""

    lua: LuaSettings = LuaSettings()
    delivery: DeliverySettings = DeliverySettings()


def load_settings(environment: Mapping[str, str], config_file: Path | None = None) -> Settings:
    """Settings from a YAML file (the first of CONFIG_PLACES that exists when none is named) and the environment.

    Raises:
        SettingsError: the file cannot be read, or a value does not fit; the key is named.
    """
    values = _read_yaml(config_file)
    for section in msgspec.structs.fields(Settings):
        for field in msgspec.structs.fields(section.type):
            text = environment.get(f"HOWK_{section.name}_{field.encode_name}".upper())
            if text is not None:
                table = values.setdefault(section.name, {})
                table[field.encode_name] = text.split(",") if field.type == tuple[str, ...] else text
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_convert)
    except msgspec.ValidationError as problem:
        message, _, place = str(problem).partition(" - at ")
        raise SettingsError(place.strip("`").removeprefix("$."), message.lower() + ".") from problem


def _convert(kind: type, value: Any) -> Any:
    if kind is Seconds:
        return Seconds.parse(value) if isinstance(value, str) else Seconds(value)
    raise NotImplementedError(kind)


def _read_yaml(config_file: Path | None) -> dict[str, Any]:
    path = config_file or next(
        (place.expanduser() for place in CONFIG_PLACES if place.expanduser().is_file()), None
    )
    if path is None:
        return {}
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise SettingsError(str(path), f"cannot be read: {problem}") from problem
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(str(path), "must hold sections such as `lua:` with their keys below.")
    return values
