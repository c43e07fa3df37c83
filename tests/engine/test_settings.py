"""Settings: defaults, YAML, HOWK_* variables, durations, and errors that name the key."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.errors import SettingsError
from engine.settings import Seconds, Settings, load_settings


@pytest.fixture(autouse=True)
def _no_file_nearby(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "howk.yaml"
    path.write_text(text)
    return path


def test_without_a_file_and_variables_the_defaults_hold() -> None:
    settings = load_settings({})
    assert settings == Settings()
    assert (settings.lua.enabled, settings.lua.timeout, settings.lua.memory_limit_mb) == (False, 0.5, 50)
    assert settings.lua.memory_bytes == 50 * 1024 * 1024
    assert settings.lua.allowed_variables == ()
    assert settings.delivery.user_agent == "HOWK/1.0"


def test_a_file_sets_what_it_names_and_no_more(tmp_path: Path) -> None:
    path = written(tmp_path, "lua:\n  timeout: 250ms\n  allowed_variables: [REGION, HOST]\n")
    settings = load_settings({}, path)
    assert settings.lua.timeout == 0.25
    assert settings.lua.allowed_variables == ("REGION", "HOST")
    assert settings.lua.memory_limit_mb == 50


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "lua: {timeout: 250ms, memory_limit_mb: 10}\n")
    settings = load_settings({"HOWK_LUA_TIMEOUT": "2s", "HOWK_DELIVERY_USER_AGENT": "me/1"}, path)
    assert (settings.lua.timeout, settings.lua.memory_limit_mb, settings.delivery.user_agent) == (
        2.0,
        10,
        "me/1",
    )


@pytest.mark.parametrize("text", ["true", "True", "1"])
def test_a_variable_switches_on(text: str) -> None:
    assert load_settings({"HOWK_LUA_ENABLED": text}).lua.enabled


@pytest.mark.parametrize(
    ("text", "names"), [("A", ("A",)), ("A,B", ("A", "B")), (" A , B ,", ("A", "B")), ("", ()), (",", ())]
)
def test_a_list_in_a_variable_is_separated_by_commas(text: str, names: tuple[str, ...]) -> None:
    assert load_settings({"HOWK_LUA_ALLOWED_VARIABLES": text}).lua.allowed_variables == names


def test_config_yaml_of_the_folder_is_read_before_that_of_the_home(tmp_path: Path, home: Path) -> None:
    (home / ".howk").mkdir()
    (home / ".howk" / "config.yaml").write_text("lua: {memory_limit_mb: 11}")
    assert load_settings({}).lua.memory_limit_mb == 11
    (tmp_path / "config.yaml").write_text("lua: {memory_limit_mb: 12}")
    assert load_settings({}).lua.memory_limit_mb == 12


@pytest.mark.parametrize("text", ["", "# nothing\n", "lua:\n", "lua:\ndelivery:\n"])
def test_empty_files_and_sections_set_nothing(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    assert load_settings({}, path) == Settings()
    assert load_settings({"HOWK_LUA_MEMORY_LIMIT_MB": "9"}, path).lua.memory_limit_mb == 9


def test_sections_and_keys_of_others_are_ignored(tmp_path: Path) -> None:
    path = written(tmp_path, "transformers: {dir: /x}\nlua: {later: 1}\n5: x\n")
    assert load_settings({"HOWK_TRANSFORMERS_DIR": "c", "HOME": "/x"}, path) == Settings()


# --- the sections of a cluster


def test_the_defaults_of_a_cluster_are_those_of_the_wire_contract() -> None:
    settings = Settings()
    kafka, ttl = settings.kafka, settings.ttl
    assert (kafka.brokers, kafka.consumer_group) == (("localhost:9092",), "howk-workers")
    assert set(msgspec.structs.astuple(kafka.topics)) == {
        f"howk.{name}" for name in ("pending", "results", "deadletter", "scripts", "slow", "state")
    }
    assert (kafka.producer_compression, kafka.producer_linger_ms, kafka.per_key_parallelism) == (
        "snappy",
        50,
        1,
    )
    assert (settings.redis.addr, settings.redis.db, settings.redis.sentinel_addrs) == (
        "localhost:6379",
        0,
        (),
    )
    assert (settings.api.port, settings.api.max_request_size) == (8080, 1048576)
    day = 24 * 3600
    assert (ttl.status_ttl, ttl.stats_ttl, ttl.script_ttl) == (7 * day, 2 * day, 7 * day)
    assert (ttl.idempotency_ttl, ttl.circuit_state_ttl, ttl.retry_data_ttl) == (day, day, 7 * day)


def test_topics_are_a_table_of_their_own(tmp_path: Path) -> None:
    path = written(tmp_path, "kafka: {brokers: [a:1, b:2], topics: {pending: p, slow: s}}\n")
    kafka = load_settings({"HOWK_KAFKA_TOPICS_SLOW": "x", "HOWK_KAFKA_BROKERS": "c:3"}, path).kafka
    assert (kafka.brokers, kafka.topics.pending, kafka.topics.slow) == (("c:3",), "p", "x")
    assert kafka.topics.scripts == "howk.scripts"


@pytest.mark.parametrize(
    ("variables", "key"),
    [
        ({"HOWK_KAFKA_SECURITY_PROTOCOL": "tls"}, "kafka.security_protocol"),
        ({"HOWK_KAFKA_SASL_MECHANISM": "GSSAPI"}, "kafka.sasl_mechanism"),
        ({"HOWK_KAFKA_PRODUCER_COMPRESSION": "rar"}, "kafka.producer_compression"),
        ({"HOWK_KAFKA_PRODUCER_LINGER_MS": "-1"}, "kafka.producer_linger_ms"),
        ({"HOWK_KAFKA_PER_KEY_PARALLELISM": "0"}, "kafka.per_key_parallelism"),
        ({"HOWK_API_PORT": "70000"}, "api.port"),
        ({"HOWK_REDIS_DB": "x"}, "redis.db"),
        ({"HOWK_TTL_STATUS_TTL": "0"}, "ttl.status_ttl"),
    ],
)
def test_a_wrong_value_of_a_cluster_names_its_key(variables: dict[str, str], key: str) -> None:
    with pytest.raises(SettingsError, match=key.replace(".", r"\.")):
        load_settings(variables)


def test_topics_that_are_no_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"kafka\.topics"):
        load_settings({}, written(tmp_path, "kafka: {topics: [a]}\n"))


def test_passwords_of_a_cluster_are_secrets() -> None:
    settings = load_settings(
        {"HOWK_KAFKA_SASL_PASSWORD": "s3cret", "HOWK_REDIS_PASSWORD": "s3cret", "HOWK_API_TOKEN": "s3cret"}
    )
    assert "s3cret" not in repr(settings)
    assert settings.kafka.sasl_password.reveal() == settings.api.token.reveal() == "s3cret"


def test_scripts_may_be_kept_for_ever() -> None:
    assert load_settings({"HOWK_TTL_SCRIPT_TTL": "0"}).ttl.script_ttl == 0


# --- durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("5s", 5),
        ("2m", 120),
        ("24h", 86400),
        ("1h30m", 5400),
        ("1.5s", 1.5),
        ("1m30s500ms", 90.5),
        ("1ms", 0.001),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert Seconds.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "s", "5 s", "-5s", "5s ", "5x", "1s1", "5S", "1e3s", "\u0665s", "infs", "1d"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        Seconds.parse(text)


def test_a_bare_number_in_a_file_is_seconds(tmp_path: Path) -> None:
    assert load_settings({}, written(tmp_path, "lua: {timeout: 2}")).lua.timeout == 2.0
    assert load_settings({}, written(tmp_path, "lua: {timeout: 0.25}")).lua.timeout == 0.25


# --- errors


@pytest.mark.parametrize(
    ("text", "key", "why"),
    [
        ("lua: {timeout: soon}", "lua.timeout", "'soon' is no duration"),
        ("lua: {timeout: SOON}", "lua.timeout", "'SOON' is no duration"),
        ("lua: {timeout: [1]}", "lua.timeout", "is no duration"),
        ("lua: {timeout: 0s}", "lua.timeout", "is no duration above 0"),
        ("lua: {timeout: -1}", "lua.timeout", "is no duration above 0"),
        ("lua: {timeout: .nan}", "lua.timeout", "is no duration above 0"),
        ("lua: {timeout: .inf}", "lua.timeout", "is no duration above 0"),
        ("lua: {memory_limit_mb: lots}", "lua.memory_limit_mb", "int"),
        ("lua: {memory_limit_mb: 0}", "lua.memory_limit_mb", "`int` >= 1"),
        ("lua: {memory_limit_mb: -5}", "lua.memory_limit_mb", "`int` >= 1"),
        ("lua: {memory_limit_mb: 1.5}", "lua.memory_limit_mb", "int"),
        ("lua: {enabled: perhaps}", "lua.enabled", "bool"),
        ("lua: {allowed_variables: {a: 1}}", "lua.allowed_variables", "array"),
        ("lua: 5", "lua", "object"),
        ("lua: [1]", "lua", "object"),
        ("delivery: {user_agent: [x]}", "delivery.user_agent", "str"),
    ],
)
def test_a_value_that_does_not_fit_names_its_key(tmp_path: Path, text: str, key: str, why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({}, written(tmp_path, text))
    assert str(refused.value).startswith(f"setting {key}: ")
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HOWK_LUA_TIMEOUT", "500"),
        ("HOWK_LUA_TIMEOUT", ""),
        ("HOWK_LUA_MEMORY_LIMIT_MB", "50MB"),
        ("HOWK_LUA_ENABLED", "yes please"),
    ],
)
def test_a_variable_that_does_not_fit_names_its_key(name: str, text: str) -> None:
    key = name.removeprefix("HOWK_").lower().replace("_", ".", 1)
    with pytest.raises(SettingsError, match=f"setting {key}: "):
        load_settings({name: text})


def test_a_variable_for_a_section_that_is_no_section_is_an_error_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="setting lua: "):
        load_settings({"HOWK_LUA_TIMEOUT": "1s"}, written(tmp_path, "lua: 5"))


@pytest.mark.parametrize(
    "text", ["lua: [", "- a\n- b\n", "just text", "\x00", "lua: !!python/object:os.system {}"]
)
def test_a_file_that_is_no_settings_file_is_named(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError, match=r"howk\.yaml"):
        load_settings({}, path)


def test_a_named_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff")
    for name in ("missing.yaml", "latin.yaml"):
        with pytest.raises(SettingsError, match=name):
            load_settings({}, tmp_path / name)
