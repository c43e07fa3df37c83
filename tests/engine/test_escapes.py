"""Hostile scripts: none gets at Python, another run, a file or the network, and the host is right after each.

An attempt is a section of escapes/*.lua: `--- name`, or `--- name => script error` where it must fail, then the script.
It leaves "contained" in request.body, or "ESCAPED: ..." with what it got. After `---- then` comes a second script
that looks for what the first one left; `---- again` runs the same one twice.
"""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from engine.model import ScriptErrorType
from engine.sandbox.pool import EnginePool
from engine.sandbox.protocol import RunReply
from tests.engine.running import MB, pool_is_right, run_request

on_the_module_loop = pytest.mark.asyncio(loop_scope="module")

VERDICT = 'local function verdict(got, what) request.body = got and "ESCAPED: " .. tostring(what) or "contained" end '
CONTAINED = b"contained"
MAX_MESSAGE = 10_000


class Attempt(msgspec.Struct, frozen=True):
    name: str
    scripts: tuple[str, ...]
    error: ScriptErrorType | None

    @property
    def cpu_seconds(self) -> float:
        return 0.05 if self.error is ScriptErrorType.TIMEOUT else 2.0


def attempts() -> list[Attempt]:
    text = "\n".join(path.read_text() for path in sorted(Path(__file__).with_name("escapes").glob("*.lua")))
    sections = re.split(r"^--- ", text, flags=re.MULTILINE)[1:]
    return [_attempt(*section.partition("\n")[::2]) for section in sections]


def _attempt(title: str, code: str) -> Attempt:
    name, _, error = title.partition(" => ")
    first, mark, second = code.partition("---- ")
    if mark:
        kind, _, second = second.partition("\n")
        second = first if kind == "again" else second
    scripts = tuple(VERDICT + script for script in (first, second) if script)
    return Attempt(name, scripts, ScriptErrorType(error) if error else None)


ATTEMPTS = attempts()


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workplace")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(workplace: Path) -> AsyncIterator[EnginePool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace)
        async with EnginePool(spares=0) as started:
            await started.warm_up()
            yield started


def judge(reply: RunReply, error: ScriptErrorType | None) -> None:
    assert reply.error_type is error, f"{reply.error_type}: {reply.error_message[:300]}"
    assert reply.body is None or not reply.body.startswith(b"ESCAPED"), reply.body
    assert reply.body in (CONTAINED, None)
    assert (reply.body == CONTAINED) == (error is None)
    assert len(reply.error_message) < MAX_MESSAGE
    assert all(word not in reply.error_traceback for word in ("engine:", "sandbox.lua", ".py"))


def test_there_are_enough_attempts_and_each_has_a_name_of_its_own() -> None:
    names = [attempt.name for attempt in ATTEMPTS]
    assert len(set(names)) == len(names) >= 200


@on_the_module_loop
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
async def test_contained(pool: EnginePool, workplace: Path, attempt: Attempt) -> None:
    await pool.warm_up()
    host = pool._idle[0].pid
    judge(await pool.run(run_request(attempt.scripts[0], cpu_seconds=attempt.cpu_seconds)), attempt.error)
    assert await pool_is_right(pool)
    for script in attempt.scripts[1:]:
        judge(await pool.run(run_request(script)), None)
    assert pool._idle[0].pid == host, "the host did not survive"
    assert not any(workplace.iterdir())  # noqa: ASYNC240


@on_the_module_loop
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_host_holds_pipes_and_no_file_or_socket(pool: EnginePool) -> None:
    folder = Path(f"/proc/{pool._idle[0].pid}/fd")
    held = {str(entry.readlink()) for entry in folder.iterdir()}  # noqa: ASYNC240
    assert all(target.startswith("pipe:") or target == "/dev/null" for target in held), held


@on_the_module_loop
async def test_floods_of_log_lines_are_bounded(pool: EnginePool) -> None:
    reply = await pool.run(
        run_request('for i = 1, 2e3 do log.info("x", { x = string.rep("x", 500) }) end', cpu_seconds=5)
    )
    assert reply.error_type is None
    assert len(reply.logs) <= 1001
    assert sum(len(line.message) + len(str(line.fields)) for line in reply.logs) < MB
    assert reply.logs[-1].message == "further log lines of this run were left out"
