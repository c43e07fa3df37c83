"""The settings of the script modules: where they come from, and that secrets stay out of sight."""

from pathlib import Path

import pytest

from engine.errors import SettingsError
from engine.settings import LuaSettings, RedisSettings, Secret, environment_name, load_settings


def test_defaults_are_those_of_the_wire_contract() -> None:
    lua = load_settings({}).lua
    assert lua.allowed_hosts == ("*",)
    assert (lua.http_timeout, lua.kv_ttl_default, lua.http_cache_ttl) == (5, 86400, 300)
    assert lua.http_cache_enabled
    assert lua.kv_key_format == "lua:kv:{config_id}:{key}"
    assert load_settings({}).redis == RedisSettings(addr="localhost:6379", password=Secret(), db=0, tls=False)


def test_a_namespace_s_own_list_replaces_the_global_one(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "lua:\n  allowed_hosts: a.test\n  namespace_hosts:\n    shop: [b.test]\n    my-app: [c.test]\n"
    )
    lua = load_settings({"HOWK_LUA_ALLOW_HOSTNAME_MY_APP": "d.test, *.e.test"}, file).lua
    assert lua.hosts_of("other") == ("a.test",)
    assert lua.hosts_of("shop") == ("b.test",)
    assert lua.hosts_of("my-app") == ("d.test", "*.e.test")


def test_an_empty_list_in_the_environment_allows_nothing() -> None:
    assert load_settings({"HOWK_LUA_ALLOW_HOSTNAME_SHOP": ""}).lua.hosts_of("shop") == ()


@pytest.mark.parametrize(
    ("name", "variable"), [("shop", "SHOP"), ("my-shop.v2", "MY_SHOP_V2"), ("a b", "A_B"), ("Zoë", "ZO_")]
)
def test_odd_characters_are_underscores_in_a_variable(name: str, variable: str) -> None:
    assert environment_name(name) == variable


def test_a_key_named_keys_is_no_table_of_paths() -> None:
    lua = load_settings({"HOWK_LUA_CRYPTO_KEYS": "-----BEGIN"}).lua
    assert lua.environment_keys == {"KEYS": Secret("-----BEGIN")}
    assert lua.crypto_keys == {}


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("lua:\nredis:\n  password: 271828\n")
    settings = load_settings({"HOWK_LUA_CRYPTO_MAIN": "the-pem"}, file)
    assert settings.redis.password.reveal() == "271828"
    for shown in (
        repr(settings),
        str(settings),
        f"{settings.redis.password}",
        f"{settings.lua.environment_keys}",
    ):
        assert "271828" not in shown
        assert "the-pem" not in shown


def test_a_wrong_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"lua\.http_timeout"):
        load_settings({"HOWK_LUA_HTTP_TIMEOUT": "soon"})
    file = tmp_path / "config.yaml"
    file.write_text("lua: 3\n")
    with pytest.raises(SettingsError, match="lua"):
        load_settings({}, file)


def test_memory_limit_is_in_bytes() -> None:
    assert LuaSettings().memory_bytes == 50 * 1024 * 1024
