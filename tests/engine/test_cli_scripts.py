"""The commands of a cluster, as processes against a local one: the whole way, and every way to be refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from engine import cli
from engine.model import script_hash
from tests.engine.redis_server import RedisServer

CODE = 'headers["X"] = "1"\n'
NAME = "wh:42"


class Shell:
    """Runs commands on one workspace and one local cluster."""

    def __init__(self, folder: Path, kafka: str, redis_url: str) -> None:
        self.folder, self.kafka, self.redis = folder, kafka, redis_url
        self.script = folder / "wh%3A42.lua"
        self.script.write_text(CODE)
        self.where = ["--kafka", kafka, "--redis", redis_url]

    def run(self, *arguments: str, who: str = "zoe", answer: str = "") -> subprocess.CompletedProcess[str]:
        """One command in the workspace."""
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "HOWK_USER": who, "LANG": "C.UTF-8"}
        return subprocess.run(
            [sys.executable, "-m", "engine.cli", *arguments],
            cwd=self.folder, env=environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True, text=True, timeout=60, input=answer, check=False,
        )  # fmt: skip

    def on_cluster(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """One command on the local cluster."""
        return self.run(*arguments, *self.where, **more)

    def live(self) -> dict[str, object]:
        """What `script get --json` says."""
        return dict(json.loads(self.on_cluster("script", "get", NAME, "--json").stdout))


@contextmanager
def local_cluster() -> Iterator[tuple[str, str]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "local", "--json"], stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        yield told["kafka"], told["redis"]
    finally:
        child.terminate()
        child.wait(20)
        assert child.stdout is not None
        child.stdout.close()


@pytest.fixture(scope="module")
def addresses() -> Iterator[tuple[str, str]]:
    with local_cluster() as found:
        yield found


@pytest.fixture
def shell(tmp_path: Path, addresses: tuple[str, str]) -> Iterator[Shell]:
    shell = Shell(tmp_path, *addresses)
    yield shell
    live = shell.on_cluster("script", "get", NAME, "--json")
    if live.returncode == 0:
        shell.on_cluster("script", "delete", NAME, "--expect", json.loads(live.stdout)["hash"])


def done(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


def refused(result: subprocess.CompletedProcess[str], code: int, *told: str) -> None:
    assert (result.returncode, result.stdout) == (code, ""), result.stdout + result.stderr
    for text in told:
        assert text in result.stderr
    assert "Traceback" not in result.stderr


def test_the_whole_way_of_a_script(shell: Shell) -> None:
    refused(shell.on_cluster("publish", str(shell.script)), 1, "not approved")
    shown = done(shell.on_cluster("approve", "wh%3A42.lua", answer="y\n"))
    assert '+headers["X"] = "1"' in shown
    assert "is approved by zoe; it has no test cases." in shown
    told = json.loads(done(shell.on_cluster("publish", "wh%3A42.lua", "--config-id", NAME, "--json")))
    assert (told["complete"], told["hash"], told["version"], told["config_id"]) == (
        True, script_hash(CODE), "1", NAME,
    )  # fmt: skip
    assert [step["state"] for step in told["steps"]] == ["done"] * 4
    assert done(shell.on_cluster("script", "get", NAME)) == CODE
    with redis.Redis.from_url(shell.redis) as client:
        assert json.loads(client.get(f"script:{NAME}"))["hash"] == script_hash(CODE)  # type: ignore[arg-type]
    (row,) = json.loads(done(shell.on_cluster("script", "list", "--json")))
    assert (row["config_id"], row["who"], row["differences"]) == (NAME, "zoe", [])
    assert "same everywhere" in done(shell.on_cluster("script", "list"))

    shell.script.write_text("x = 2")
    refused(shell.on_cluster("publish", "wh%3A42.lua"), 1, "edited after zoe approved it")
    assert "-headers" in done(shell.on_cluster("approve", "wh%3A42.lua", "--yes", who="max"))
    done(shell.on_cluster("publish", "wh%3A42.lua", "--version", "v2", "--note", "better"))
    lines = done(shell.on_cluster("script", "history", NAME)).splitlines()
    assert ["v2" in lines[0], "zoe" in lines[0], "better" in lines[0]] == [True] * 3

    first, second = script_hash(CODE), script_hash("x = 2")
    refused(shell.on_cluster("script", "rollback", NAME, "--to", first[:8], "--expect", first), 1, "changed")
    done(shell.on_cluster("script", "rollback", NAME, "--to", first[:8], "--expect", second[:8]))
    assert shell.live()["hash"] == first
    refused(shell.on_cluster("script", "delete", NAME, "--expect", second), 1, "changed")
    done(shell.on_cluster("script", "delete", NAME, "--expect", first[:12]))
    refused(shell.on_cluster("script", "get", NAME), 1, "no script")


def test_a_person_who_does_not_say_yes_approves_nothing(shell: Shell) -> None:
    assert shell.on_cluster("approve", "wh%3A42.lua", answer="n\n").returncode == 1
    refused(shell.on_cluster("publish", "wh%3A42.lua"), 1, "not approved")


def test_a_script_that_fails_its_checks_is_not_approved(shell: Shell) -> None:
    shell.script.write_text("x = =")
    result = shell.on_cluster("approve", "wh%3A42.lua", "--yes")
    assert (result.returncode, "error in line 1" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["publish", "wh%3A42.lua"], "no cluster is named"),
        (["publish", "wh%3A42.lua", "--profile", "P", "--kafka", "a:1", "--redis", "redis://a:1"], "both"),
        (["publish", "wh%3A42.lua", "--profile", "nobody"], "no such profile"),
        (["publish", "wh%3A42.lua", "--profile", "Local"], "--kafka"),
        (["publish", "wh%3A42.lua", "--kafka", "a:1"], "no URL of a Redis"),
        (["publish", "wh%3A42.lua", "--kafka", "a:1", "--redis", "http://a"], "no URL of a Redis"),
        (["publish", "other.txt", "--kafka", "a:1", "--redis", "redis://a:1"], "no script of a workspace"),
        (["publish", "x.lua", "--config-id", "y", "--kafka", "a:1", "--redis", "redis://a:1"], "y.lua"),
    ],
)
def test_wrong_usage_is_told(shell: Shell, arguments: list[str], told: str) -> None:
    refused(shell.run(*arguments), 2, told)


def test_a_missing_script_is_told(shell: Shell) -> None:
    refused(shell.on_cluster("publish", "nothing.lua"), 2, "nothing.lua")


def test_a_cluster_that_is_not_there_is_told(shell: Shell) -> None:
    nowhere = ["--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1"]
    refused(shell.run("publish", "wh%3A42.lua", *nowhere), 3, "Kafka at 127.0.0.1:1", "refused")


def test_a_redis_that_is_away_is_told_and_repaired(tmp_path: Path, addresses: tuple[str, str]) -> None:
    (tmp_path / "redis").mkdir()
    server = RedisServer(tmp_path / "redis")
    shell = Shell(tmp_path, addresses[0], f"redis://{server.addr}")
    done(shell.on_cluster("approve", "wh%3A42.lua", "--yes"))
    result = shell.on_cluster("publish", "wh%3A42.lua")
    assert result.returncode == 3
    assert "done    kafka" in result.stdout
    assert "redis failed: connection refused" in result.stderr
    assert f"howk-studio script repair {NAME}" in result.stderr
    with server:
        assert "is mirrored on" in done(shell.on_cluster("script", "repair", NAME))
        done(shell.on_cluster("script", "delete", NAME, "--expect", script_hash(CODE)))


def test_rules_of_a_profile_hold_in_commands(tmp_path: Path, addresses: tuple[str, str]) -> None:
    kafka, url = addresses
    shell = Shell(tmp_path, kafka, url)
    profiles = tmp_path / ".config" / "howk-studio" / "profiles.yaml"
    profiles.parent.mkdir(parents=True)

    def with_rules(rules: str) -> None:
        addr = url.removeprefix("redis://").removesuffix("/0")
        profiles.write_text(
            f"profiles: [{{name: P, kafka: {{brokers: ['{kafka}']}}, redis: {{addr: '{addr}'}}, rules: {{{rules}}}}}]"
        )

    at = ["--profile", "P"]
    with_rules("")
    done(shell.run("approve", "wh%3A42.lua", "--yes", *at))
    with_rules("read_only: true")
    refused(shell.run("publish", "wh%3A42.lua", *at), 1, "read-only")
    refused(shell.run("script", "delete", NAME, "--expect", "0" * 64, *at), 1, "read-only")
    with_rules("production: true")
    refused(shell.run("publish", "wh%3A42.lua", *at), 1, "P/wh:42")
    with_rules("approver_not_author: true")
    refused(shell.run("publish", "wh%3A42.lua", *at), 1, "another approver")
    with_rules("production: true")
    done(shell.run("publish", "wh%3A42.lua", *at, "--confirm", "P/wh:42"))
    done(shell.run("script", "delete", NAME, "--expect", script_hash(CODE), *at, "--confirm", "P/wh:42"))


def test_an_address_goes_around_no_rule(tmp_path: Path, addresses: tuple[str, str]) -> None:
    shell = Shell(tmp_path, *addresses)
    done(shell.on_cluster("approve", "wh%3A42.lua", "--yes"))
    profiles = tmp_path / ".config" / "howk-studio" / "profiles.yaml"
    profiles.parent.mkdir(parents=True)
    profiles.write_text(
        f"profiles: [{{name: P, kafka: {{brokers: ['x:1', '{shell.kafka}']}}, rules: {{production: true}}}}]"
    )
    refused(shell.on_cluster("publish", "wh%3A42.lua"), 1, f"{shell.kafka}/wh:42")
    done(shell.on_cluster("publish", "wh%3A42.lua", "--confirm", f"{shell.kafka}/wh:42"))
    profiles.write_text(profiles.read_text().replace("production", "read_only"))
    refused(shell.on_cluster("script", "repair", NAME), 1, "read-only")
    profiles.unlink()
    done(shell.on_cluster("script", "delete", NAME, "--expect", script_hash(CODE)))


def test_a_config_is_compared_and_comes_back(shell: Shell) -> None:
    config = shell.folder / "wh%3A42.json"
    for value in ("1", "2"):
        config.write_text(f'{{"level": {value}}}')
        shown = done(shell.on_cluster("approve", "wh%3A42.lua", "--yes"))
        done(shell.on_cluster("publish", "wh%3A42.lua"))
    assert '-  "level": 1' in shown
    assert '+  "level": 2' in shown
    assert "They are the same." in done(shell.on_cluster("script", "compare", NAME))
    config.write_text('{"level": 3}')
    told = json.loads(done(shell.on_cluster("script", "compare", NAME, "--json")))
    assert (told["same"], told["from"][:65]) == (False, f"{script_hash(CODE)}+")
    lines = done(shell.on_cluster("script", "history", NAME)).splitlines()
    new, old = (line.split()[2] for line in lines[:2])
    assert '+  "level": 1' in done(shell.on_cluster("script", "compare", NAME, "--from", new, "--to", old))
    code = script_hash(CODE)
    refused(
        shell.on_cluster("script", "rollback", NAME, "--to", code, "--expect", new), 1, "several versions"
    )
    refused(
        shell.on_cluster("script", "rollback", NAME, "--to", old, "--expect", code), 1, f"now it is {new}"
    )
    done(shell.on_cluster("script", "rollback", NAME, "--to", old, "--expect", new))
    assert shell.live()["script_config"] == {"level": 1}
    done(shell.on_cluster("script", "delete", NAME, "--expect", old))


def test_what_lint_says_is_told_and_a_hidden_character_shown(shell: Shell) -> None:
    shell.script.write_text('x = 1 -- \x1b[2K\u202e hidden\nreturn headers["X"]')
    result = shell.on_cluster("approve", "wh%3A42.lua", "--yes")
    shown = done(result)
    assert "wh%3A42.lua:1:1: info: `x` is a global" in result.stderr
    assert "\\x1b[2K\\u202e hidden" in shown
    assert "No newline at end of file" in shown


def test_a_text_that_changes_while_its_difference_is_read_is_not_approved(shell: Shell) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(shell.folder), "HOWK_USER": "zoe", "LANG": "C.UTF-8"}
    with subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "approve", "wh%3A42.lua", *shell.where],
        cwd=shell.folder, env=environment | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as asking:  # fmt: skip
        assert asking.stdout is not None
        while "+headers" not in asking.stdout.readline():
            pass
        assert asking.stdout.read(len("Approve this?")) == "Approve this?"
        shell.script.write_text("x = 2")
        _out, told = asking.communicate("y\n", 60)
    assert (asking.returncode, "Look at the difference again" in told) == (1, True)
    refused(shell.on_cluster("publish", "wh%3A42.lua"), 1, "not approved")


def test_every_command_of_a_cluster_is_known_by_name() -> None:
    names = {
        command.name or getattr(command.callback, "__name__", "")
        for command in cli.commands.registered_commands
    }
    cli.add_cluster_commands([])
    known = {
        command.name or getattr(command.callback, "__name__", "")
        for command in cli.commands.registered_commands
    }
    groups = {group.name for group in cli.commands.registered_groups}
    assert (known | groups) - names == cli.CLUSTER_COMMANDS


def test_a_preview_loads_no_client_of_a_cluster() -> None:
    code = "import sys, engine.cli; engine.cli.add_cluster_commands(['preview']); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"aiohttp", "redis", "confluent_kafka", "prometheus_client"} & set(loaded)
