"""Profiles on disk and their secrets: nothing secret in the file, nothing lost, wrong ones named."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import msgspec
import pytest
import yaml
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked

from engine.cluster.open_profile import open_profile
from engine.cluster.profile_secrets import SecretStore
from engine.cluster.profiles import (
    SECRET_FIELDS,
    Profile,
    ProfileRules,
    ProfileStore,
    local_profile,
    profiles_path,
    rules_at,
    secrets_of,
    with_secrets,
)
from engine.errors import BadInput
from engine.scripts.rules import PublishRefused, Refusal
from engine.settings import KafkaSettings, RedisSettings, Secret, SecurityProtocol

FULL = Profile(
    name="Prod EU",
    colour="#c62828",
    kafka=KafkaSettings(
        brokers=("a:9092", "b:9092"),
        security_protocol=SecurityProtocol.SASL_SSL,
        sasl_username="me",
        tls_ca_file="/ca.pem",
    ),
    redis=RedisSettings(addr="r:6379", tls=True, sentinel_addrs=("s:1",), db=3),
    script_ttl=0,
    rules=ProfileRules(read_only=False, production=True, approver_not_author=True),
)
SECRETS = {field: Secret(f"s3cret-{field}") for field in SECRET_FIELDS}


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "howk-studio" / "profiles.yaml")


def test_a_profile_comes_back_without_its_secrets(store: ProfileStore) -> None:
    assert store.all() == ()
    store.put(with_secrets(FULL, SECRETS))
    assert store.get("Prod EU") == FULL
    assert "s3cret" not in store.path.read_text()
    assert "password" not in store.path.read_text()


def test_secrets_go_in_and_out_of_a_profile() -> None:
    assert secrets_of(with_secrets(FULL, SECRETS)) == SECRETS
    assert "s3cret" not in repr(with_secrets(FULL, SECRETS))
    assert secrets_of(with_secrets(with_secrets(FULL, SECRETS), {})) == dict.fromkeys(SECRET_FIELDS, Secret())


def test_profiles_keep_their_order_when_renamed_and_deleted(store: ProfileStore) -> None:
    for name in ("a", "b", "c"):
        store.put(Profile(name))
    store.put(Profile("B", kafka=KafkaSettings(brokers=("x:1",))), "b")
    assert [profile.name for profile in store.all()] == ["a", "B", "c"]
    store.delete("a")
    store.delete("nobody")
    assert [profile.name for profile in store.all()] == ["B", "c"]


def test_what_a_later_version_wrote_stays(store: ProfileStore) -> None:
    store.put(FULL)
    document = yaml.safe_load(store.path.read_text())
    document["profiles"][0]["later"] = [1]
    document["profiles"][0]["kafka"]["later"] = {"a": 1}
    store.path.write_text(yaml.safe_dump(document))
    changed = msgspec.structs.replace(FULL, kafka=KafkaSettings(brokers=("z:1",)), redis=RedisSettings())
    store.put(changed, FULL.name)
    assert store.all() == (changed,)
    (kept,) = yaml.safe_load(store.path.read_text())["profiles"]
    assert (kept["later"], kept["kafka"]) == ([1], {"later": {"a": 1}, "brokers": ["z:1"]})
    assert "redis" not in kept


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        (Profile(""), "empty"),
        (Profile("Local"), "built-in"),
        (Profile("a/b"), "/"),
        (Profile("a", colour="red"), "colour"),
        (Profile("a", colour="#ff00zz"), "colour"),
        (Profile("a", kafka=KafkaSettings(brokers=())), "brokers"),
        (Profile("a", through_api=True), "api_url"),
        (Profile("taken"), "one of that name"),
    ],
)
def test_a_profile_that_cannot_be_used_is_refused(store: ProfileStore, profile: Profile, why: str) -> None:
    store.put(Profile("taken"))
    with pytest.raises(BadInput, match=why):
        store.put(profile)
    assert [one.name for one in store.all()] == ["taken"]


def test_a_rename_over_another_is_refused(store: ProfileStore) -> None:
    store.put(Profile("a"))
    store.put(Profile("b"))
    with pytest.raises(BadInput, match="one of that name"):
        store.put(Profile("b"), "a")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "cannot be read"),
        ("[]", "a list called `profiles`"),
        ("profiles: 1", "a list called `profiles`"),
        ("profiles: [1]", "a list called `profiles`"),
        ("profiles: [{name: a, kafka: {brokers: 1}}]", r"profile 1, kafka\.brokers"),
        ("profiles: [{name: a}, {name: b, rules: {production: maybe}}]", r"profile 2, rules\.production"),
        ("profiles: [{colour: '#ffffff'}]", "name"),
        ("\x00", "cannot be read"),
    ],
)
def test_a_broken_file_is_named_and_left_alone(store: ProfileStore, text: str, why: str) -> None:
    store.path.parent.mkdir()
    store.path.write_text(text)
    with pytest.raises(BadInput, match=why) as refused:
        store.all()
    assert str(store.path) in str(refused.value)
    if "list" in why or "read" in why:
        with pytest.raises(BadInput):
            store.put(Profile("new"))
        assert store.path.read_text() == text


def test_a_password_written_into_the_file_by_hand_is_not_used(store: ProfileStore) -> None:
    store.path.parent.mkdir()
    store.path.write_text("profiles: [{name: a, redis: {password: s3cret}}]")
    assert not store.get("a").redis.password


def test_an_unknown_profile_is_told_with_the_known_ones(store: ProfileStore) -> None:
    store.put(FULL)
    with pytest.raises(BadInput, match="Local, Prod EU"):
        store.get("Prod")


def test_the_local_profile_names_the_running_cluster() -> None:
    profile = local_profile("127.0.0.1:1234", "redis://127.0.0.1:5678/0")
    assert (profile.kafka.brokers, profile.redis.addr) == (("127.0.0.1:1234",), "127.0.0.1:5678")
    assert not profile.rules.production


@pytest.mark.parametrize("kafka", ["a:9092", "A:9092", "x:1, b:9092"])
def test_the_address_of_a_cluster_has_the_rules_of_its_profiles(kafka: str) -> None:
    watched = Profile("Watched", kafka=KafkaSettings(brokers=("b:9092", "a:9092")), rules=ProfileRules(True))
    assert rules_at(kafka, [FULL, watched]) == ProfileRules(True, True, True)
    assert rules_at("c:9092", [FULL, watched]) == ProfileRules()


async def test_a_read_only_profile_neither_mends_nor_makes_anything() -> None:
    profile = Profile("Watched", kafka=KafkaSettings(brokers=("127.0.0.1:1",)), rules=ProfileRules(True))
    async with open_profile(profile) as cluster:
        for write in (cluster.prepare(), cluster.repair("wh")):
            with pytest.raises(PublishRefused) as refused:
                await write
            assert refused.value.reason is Refusal.READ_ONLY


def test_the_users_profiles_are_where_the_system_keeps_settings() -> None:
    assert profiles_path({"XDG_CONFIG_HOME": "/x"}) == Path("/x/howk-studio/profiles.yaml")


# --- secrets


class MemoryKeyring(KeyringBackend):
    """A keyring of the system's kind, in memory."""

    priority = 5  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class SlowKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(0.3)
        return None


@pytest.fixture
def memory_keyring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    made = MemoryKeyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


async def test_secrets_are_kept_in_the_keyring(memory_keyring: MemoryKeyring) -> None:
    store = SecretStore({})
    assert await store.read("Prod EU") == {}
    await store.write("Prod EU", SECRETS)
    assert memory_keyring.kept["howk-studio", "Prod EU/redis_password"] == "s3cret-redis_password"
    assert await SecretStore({}).read("Prod EU") == SECRETS
    await store.write("Prod EU", {"api_token": Secret("new")})
    assert await store.read("Prod EU") == {"api_token": Secret("new")}
    await store.delete("Prod EU")
    assert memory_keyring.kept == {}
    assert "in the keyring" in await store.place()


async def test_the_environment_goes_over_the_keyring(memory_keyring: MemoryKeyring) -> None:
    await SecretStore({}).write("Prod EU", SECRETS)
    store = SecretStore({"HOWK_PROFILE_PROD_EU_REDIS_PASSWORD": "from outside"})
    assert (await store.read("Prod EU"))["redis_password"] == Secret("from outside")


class LockedKeyring(MemoryKeyring):
    """One that a person has not unlocked yet."""

    locked = True

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("dismissed")
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("dismissed")
        super().set_password(service, username, password)


async def test_a_locked_keyring_is_asked_again_and_never_keeps_what_was_deleted_unsaid() -> None:
    before, locked = keyring.get_keyring(), LockedKeyring()
    keyring.set_keyring(locked)
    try:
        store = SecretStore({})
        assert await store.read("a") == {}
        locked.locked = False
        await store.write("a", SECRETS)
        assert await SecretStore({}).read("a") == SECRETS, "it was unlocked"
        locked.locked = True
        with pytest.raises(BadInput, match="could not be removed"):
            await store.delete("a")
        locked.locked = False
        await store.delete("a")
        assert locked.kept == {}
    finally:
        keyring.set_keyring(before)


async def test_what_the_environment_says_is_not_written_into_the_keyring(
    memory_keyring: MemoryKeyring,
) -> None:
    store = SecretStore({"HOWK_PROFILE_A_API_TOKEN": "from outside"})
    assert await store.read("a") == {"api_token": Secret("from outside")}
    assert await store.kept("a") == {}


def test_two_profiles_never_share_their_variables(store: ProfileStore) -> None:
    store.put(Profile("Prod EU"))
    with pytest.raises(BadInput, match="those of Prod EU"):
        store.put(Profile("prod-eu"))
    store.put(Profile("prod-eu"), "Prod EU")


async def test_without_a_keyring_secrets_last_for_the_session() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    try:
        store = SecretStore({})
        await store.write("a", SECRETS)
        assert await store.read("a") == SECRETS
        assert await store.place() == "Passwords are kept until the studio ends: this system has no keyring."
        assert await SecretStore({}).read("a") == {}
        await store.delete("a")
        assert await store.read("a") == {}
    finally:
        keyring.set_keyring(before)


async def test_a_keyring_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.cluster.profile_secrets.KEYRING_SECONDS", 0.05)
    before = keyring.get_keyring()
    keyring.set_keyring(SlowKeyring())
    try:
        store = SecretStore({})
        await store.read("a")
        assert "does not answer" in await store.place()
        await store.write("a", SECRETS)
        assert await store.read("a") == SECRETS
        await asyncio.sleep(0.3)  # the thread that still waits
    finally:
        keyring.set_keyring(before)
