"""`howk-studio api` as a process, and the examples of its document as they are run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "resources" / "docs" / "api.md"
_EXAMPLE = re.compile(r"```sh\n(curl .*?)```\n\n`(\d{3})`", re.DOTALL)


@contextmanager
def served(kafka: str, redis: str, **variables: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of an API on a cluster, and its process."""
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONPATH": str(ROOT), "HOWK_KAFKA_BROKERS": kafka,
        "HOWK_REDIS_ADDR": redis, "HOWK_API_PORT": "0", "HOWK_API_HOST": "127.0.0.1",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "api"], env=environment | variables, cwd="/tmp",
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), address
        yield address, process
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def examples() -> list[tuple[str, int]]:
    """The curl commands of the document, in order, each with the status it promises."""
    return [(command, int(status)) for command, status in _EXAMPLE.findall(DOCUMENT.read_text())]


def run_examples(address: str, token: str = "") -> list[str]:
    """Runs each example as a shell would, with a token if there is one; returns what did not come out as promised."""
    wrong, webhook_id = [], ""
    for command, status in examples():
        shown = not token or "Authorization" in command
        header = "" if shown else f"-H 'Authorization: Bearer {token}' "
        line = command.replace("http://localhost:8080", address).replace(
            "curl ", f"curl -sS -w '\\n%{{http_code}}' {header}", 1
        )
        done = subprocess.run(
            ["sh", "-c", line], env={"PATH": "/usr/bin:/bin", "WEBHOOK_ID": webhook_id, "HOWK_API_TOKEN": token},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        body, _, got = done.stdout.rpartition("\n")
        if got != str(status):
            wrong.append(f"{command}: {got} {body} {done.stderr}")
        if found := re.search(r'"webhook_id":"(wh_\w+)","status"', body):
            webhook_id = found[1]
    return wrong
