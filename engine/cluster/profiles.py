"""Profiles: the clusters a person works with, each with its addresses, its colour and its rules. Never a secret.

Kept as `profiles.yaml` in the user's configuration folder, not in a workspace. Passwords and tokens are looked after by
`engine.cluster.profile_secrets`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from engine.atomic_file import write_atomically
from engine.errors import BadInput
from engine.settings import KafkaSettings, RedisSettings, Secret, environment_name
from engine.workspace_names import check_name

LOCAL = "Local"
"""The built-in profile: the cluster that runs on this machine while the studio does."""

LOCAL_COLOUR = "#2e7d32"
DEFAULT_COLOUR = "#2f63c9"
_COLOUR = re.compile("#[0-9a-fA-F]{6}")
SCRIPT_TTL_SECONDS = 7 * 24 * 3600.0


class ProfileRules(msgspec.Struct, frozen=True):
    """What a cluster demands of those who change it; enforced by `engine.scripts.rules`."""

    read_only: bool = False
    production: bool = False
    approver_not_author: bool = False


class Profile(msgspec.Struct, frozen=True):
    """One cluster.

    Attributes:
        through_api: scripts go through the HTTP API at `api_url`; Kafka and Redis are not used.
        script_ttl: seconds that an entry of the mirror stays; 0 for ever.
        secrets: of Kafka, Redis and the API are in the settings only in memory, never in the file.
    """

    name: str
    colour: str = DEFAULT_COLOUR
    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    through_api: bool = False
    api_url: str = ""
    api_token: Secret = Secret()
    script_ttl: float = SCRIPT_TTL_SECONDS
    rules: ProfileRules = ProfileRules()


SECRET_FIELDS = ("sasl_password", "redis_password", "sentinel_password", "api_token")


def secrets_of(profile: Profile) -> dict[str, Secret]:
    """The secrets of a profile by field, as `profile_secrets` keeps them."""
    found = (
        profile.kafka.sasl_password, profile.redis.password, profile.redis.sentinel_password, profile.api_token,
    )  # fmt: skip
    return dict(zip(SECRET_FIELDS, found, strict=True))


def with_secrets(profile: Profile, secrets: Mapping[str, Secret]) -> Profile:
    """The profile with these secrets, and none where none is given."""
    values = [secrets.get(field, Secret()) for field in SECRET_FIELDS]
    replace = msgspec.structs.replace
    return replace(
        profile,
        kafka=replace(profile.kafka, sasl_password=values[0]),
        redis=replace(profile.redis, password=values[1], sentinel_password=values[2]),
        api_token=values[3],
    )


def local_profile(kafka: str, redis: str) -> Profile:
    """The built-in profile for a running local cluster.

    Args:
        kafka: HOST:PORT of its broker.
        redis: its URL, `redis://HOST:PORT/0`.
    """
    return Profile(
        LOCAL,
        LOCAL_COLOUR,
        KafkaSettings(brokers=(kafka,), producer_linger_ms=0),
        RedisSettings(addr=urlsplit(redis).netloc),
    )


def rules_at(kafka: str, profiles: Iterable[Profile]) -> ProfileRules:
    """What profiles demand of the cluster that a broker belongs to, so that naming its address goes around no rule.

    Args:
        kafka: HOST:PORT, or several with commas between.
        profiles: those to look at.
    """
    wanted = _addresses(kafka.split(","))
    rules = [one.rules for one in profiles if not one.through_api and wanted & _addresses(one.kafka.brokers)]
    return ProfileRules(
        read_only=any(one.read_only for one in rules),
        production=any(one.production for one in rules),
        approver_not_author=any(one.approver_not_author for one in rules),
    )


def _addresses(brokers: Iterable[str]) -> set[str]:
    return {broker.strip().casefold() for broker in brokers}


def profiles_path(environment: Mapping[str, str]) -> Path:
    """Where the user's profiles are: the configuration folder of the system."""
    home = Path.home()
    if sys.platform == "win32":
        root = Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        root = home / "Library" / "Application Support"
    else:
        root = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return root / "howk-studio" / "profiles.yaml"


class ProfileStore:
    """The profiles of one user. Holds nothing: what it answers is what is on disk now."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_user(cls) -> ProfileStore:
        """The user's own."""
        return cls(profiles_path(os.environ))

    def all(self) -> tuple[Profile, ...]:
        """The profiles in their order, without secrets and without the built-in one.

        Raises:
            BadInput: the file cannot be used; file and field are named.
        """
        return tuple(self._decoded(number, one) for number, one in enumerate(self._read()))

    def get(self, name: str) -> Profile:
        """One profile, without its secrets. Raises BadInput when there is none of that name."""
        profiles = self.all()
        found = next((profile for profile in profiles if profile.name == name), None)
        if found is None:
            names = ", ".join([LOCAL, *(profile.name for profile in profiles)])
            raise BadInput("profile", repr(name), "there is no such profile.", f"Known are: {names}.")
        return found

    def put(self, profile: Profile, old_name: str = "") -> None:
        """Keeps a profile, in the place of the one that had `old_name`; fields of later versions stay.

        Raises:
            BadInput: the name is taken or cannot be one, a field is wrong, or the file cannot be written.
        """
        check_profile(profile)
        kept = self._read()
        place = next((n for n, one in enumerate(kept) if one.get("name") == (old_name or profile.name)), None)
        taken = [n for n, one in enumerate(kept) if one.get("name") == profile.name]
        if any(n != place for n in taken) or (taken and not old_name):
            raise BadInput(
                "profile", repr(profile.name), "there is one of that name.", "Choose another name."
            )
        alike = [
            str(one.get("name")) for n, one in enumerate(kept)
            if n != place and environment_name(str(one.get("name"))) == environment_name(profile.name)
        ]  # fmt: skip
        if alike:
            why = f"its variables for passwords would be those of {alike[0]}."
            raise BadInput(
                "profile", repr(profile.name), why, "Choose a name that differs in more than signs."
            )
        plain = _encoded(profile)
        if place is None:
            kept.append(plain)
        else:
            kept[place] = _over(kept[place], plain)
        self._write(kept)

    def delete(self, name: str) -> None:
        """Forgets a profile; one that is not there is no error. Raises BadInput when the file cannot be written."""
        self._write([one for one in self._read() if one.get("name") != name])

    def _read(self) -> list[dict[str, Any]]:
        import yaml  # noqa: PLC0415 - the window starts sooner

        try:
            document = yaml.safe_load(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
            raise self._bad(f"it cannot be read: {problem}") from problem
        profiles = document.get("profiles") if isinstance(document, dict) else None
        if not isinstance(profiles, list) or not all(isinstance(one, dict) for one in profiles):
            raise self._bad("it must hold a list called `profiles`.")
        return profiles

    def _write(self, profiles: list[dict[str, Any]]) -> None:
        import yaml  # noqa: PLC0415

        text = yaml.safe_dump({"profiles": profiles}, sort_keys=False, allow_unicode=True)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, text.encode())
        except OSError as problem:
            raise BadInput("profiles", str(self.path), f"cannot be written: {problem.strerror}.") from problem

    def _decoded(self, number: int, plain: dict[str, Any]) -> Profile:
        def convert(kind: type, value: object) -> object:
            if kind is Secret:
                return Secret()  # one that somebody wrote into the file by hand is not used
            raise NotImplementedError(kind)

        try:
            profile = msgspec.convert(plain, Profile, strict=False, dec_hook=convert)
            check_profile(profile)
        except msgspec.ValidationError as problem:
            message, _, place = str(problem).partition(" - at ")
            where = place.strip("`").removeprefix("$.")
            raise self._bad(f"profile {number + 1}, {where or 'itself'}: {message}.") from problem
        except BadInput as problem:
            raise self._bad(f"profile {number + 1}: {problem}") from problem
        return profile

    def _bad(self, why: str) -> BadInput:
        return BadInput(
            "profiles", str(self.path), why, "Mend the file, or move it away; it was not changed."
        )


def check_profile(profile: Profile) -> None:
    """Whether a profile can be used.

    Raises:
        BadInput: the field that is wrong is named.
    """
    check_name(profile.name, "profile")
    if profile.name == LOCAL:
        raise BadInput("profile", repr(LOCAL), "this is the built-in one.", "Choose another name.")
    if not _COLOUR.fullmatch(profile.colour):
        raise BadInput("profile", profile.name, "its colour is none.", "Write it as #rrggbb.")
    if profile.through_api:
        if not profile.api_url.startswith(("http://", "https://")):
            raise BadInput("profile", profile.name, "its api_url is none.", "Write it as https://host:port.")
    elif not profile.kafka.brokers or not all(broker.strip() for broker in profile.kafka.brokers):
        raise BadInput("profile", profile.name, "it names no Kafka brokers.", "Write them as host:9092.")


def _encoded(profile: Profile) -> dict[str, Any]:
    """Plain values for YAML, without secrets and without what is as usual."""

    def plain(value: object) -> object:
        raise NotImplementedError(type(value))

    bare = with_secrets(profile, {})
    values: dict[str, Any] = {"name": bare.name, "colour": bare.colour}
    for field in ("kafka", "redis", "rules"):
        section = _changed(getattr(bare, field))
        if section:
            values[field] = msgspec.to_builtins(section, enc_hook=plain)
    for field in ("through_api", "api_url", "script_ttl"):
        values[field] = getattr(bare, field)
    return values


def _changed(section: msgspec.Struct) -> dict[str, Any]:
    """The fields that are not at their defaults; secrets are, having been taken out."""
    usual = type(section)()
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(section):
        value = getattr(section, field.name)
        if value != getattr(usual, field.name):
            found[field.name] = _changed(value) if isinstance(value, msgspec.Struct) else value
    return found


def _over(kept: dict[str, Any], plain: dict[str, Any]) -> dict[str, Any]:
    """What was kept with the new values over it; fields that we know and that are as usual now go."""
    known: dict[str, type[msgspec.Struct]] = {
        "kafka": KafkaSettings, "redis": RedisSettings, "rules": ProfileRules,
    }  # fmt: skip
    merged = {name: value for name, value in kept.items() if name not in known} | plain
    for name, kind in known.items():
        ours = {field.name for field in msgspec.structs.fields(kind)}
        section = kept.get(name)
        others = (
            {key: value for key, value in section.items() if key not in ours}
            if isinstance(section, dict)
            else {}
        )
        if others or plain.get(name):
            merged[name] = others | plain.get(name, {})
    return merged
