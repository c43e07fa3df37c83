"""A short seeded session of the fuzzer; `make fuzz` runs the long one. And the faults it has found."""

from __future__ import annotations

import msgspec
import pytest

from engine.model import ScriptErrorType
from engine.modules.calls import ModuleReply
from engine.sandbox.protocol import RunReply
from engine.sandbox.runtime import ScriptRuntime
from tests.engine.running import MB, Runs, run_request
from tests.fuzz.judge import fault
from tests.fuzz.minimise import minimised
from tests.fuzz.mutate import seeds
from tests.fuzz.run import Fuzzer
from tests.fuzz.script import FuzzScript, Maker, Watch

RUNS = 2000
WATCH = Watch()


async def test_two_thousand_made_up_scripts_show_no_fault() -> None:
    figures = await Fuzzer(seed=3, hosts=1).run(RUNS)
    assert [what for _, what in figures.faults] == []
    assert figures.runs == RUNS
    assert {"grammar", "mutation", "noise"} == set(figures.kinds)
    # It is a fuzzer only while its scripts get somewhere.
    assert figures.outcomes["ok"] > RUNS / 4
    assert figures.outcomes["script_runtime_error"] > RUNS / 20
    assert figures.outcomes["script_timeout"] > 0
    assert figures.outcomes["script_memory_limit"] > 0


def test_programs_of_the_grammar_compile() -> None:
    runtime, maker = ScriptRuntime(), Maker(5, seeds())
    made = [script for script in map(maker.script, range(1000)) if script.kind == "grammar"]
    refused = [reply for script in made if (reply := runtime.compile(str(script.number), script.source))]
    assert len(refused) <= len(made) / 100, refused[:3]


def watched(source: str, way: str = "loaded", runtime: ScriptRuntime | None = None) -> str:
    script = FuzzScript(0, "grammar", way, source.encode())
    return fault(script, (runtime or ScriptRuntime()).run(WATCH.request(script)))


@pytest.mark.parametrize("way", ["loaded", "direct"])
def test_the_watch_is_content_with_an_ordinary_script_and_with_what_the_run_before_left(way: str) -> None:
    runtime = ScriptRuntime()
    for _ in range(3):
        assert watched("request.body = 'x' string.y = 1 z = 2 setmetatable(_G, {})", way, runtime) == ""


@pytest.mark.parametrize(
    ("sabotage", "what"),
    [
        ("fuzz_canary = true", "names of the run before"),
        ("string.fuzz_canary = true", "names of the run before"),
        ("require('kv').fuzz_canary = true", "names of the run before"),
        ("payload = nil", "names of the run before"),
        ("setmetatable(math, {})", "a metatable"),
        ("string.upper = function() return 'y' end", "a changed library"),
        ("math.randomseed(20260101)", "the random numbers"),
    ],
)
def test_the_watch_finds_what_an_earlier_run_would_have_left(sabotage: str, what: str) -> None:
    """Done in the same run, ahead of the watch, since no earlier run can do it."""
    script = FuzzScript(0, "grammar", "loaded", b"local x = 1")
    request = WATCH.request(script)
    source = sabotage.encode() + b"\n" + request.source
    reply = ScriptRuntime().run(msgspec.structs.replace(request, source=source, script_hash="other"))
    assert what in fault(script, reply)


def test_the_watch_finds_text_of_another_language() -> None:
    assert "another language" in watched("x = 'Trace' .. 'back (most recent call last)'")
    assert watched("x = 'Traceback'") == "", "the script wrote it itself"


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (RunReply(ScriptErrorType.RUNTIME, "<class 'x'>"), "a text with"),
        (RunReply(ScriptErrorType.RUNTIME, ""), "without a message"),
        (RunReply(ScriptErrorType.DISABLED, "x"), "of type"),
        (RunReply(None, headers=(b"x",)), "without a value"),
        (RunReply(None, cpu_seconds=1.0), "CPU time"),
        (RunReply(None, memory_peak_bytes=1 << 30), "bytes"),
    ],
)
def test_the_judge_refuses_an_ill_formed_reply(reply: RunReply, what: str) -> None:
    assert what in fault(FuzzScript(0, "grammar", "bare", b""), reply)


async def test_a_script_is_made_smaller_while_it_shows_its_fault() -> None:
    async def has_both(source: bytes) -> bool:
        return b"alpha" in source and b"omega" in source

    long = b"\n".join([b"x = 1"] * 20 + [b"alpha() beta()"] + [b"y = 2"] * 20 + [b"if omega then end"])
    assert len(await minimised(long, has_both)) <= len(b"alpha omega")


# --- what it has found


def test_an_error_with_an_empty_message_says_so() -> None:
    assert Runs().reply("error('', 0)").error_message == "an error with an empty message"


def test_an_answer_larger_than_the_memory_limit_is_not_built_in_lua() -> None:
    runtime = ScriptRuntime(lambda _call: ModuleReply(b"x" * (64 * MB)))
    source = 'pcall(require("kv").get, "k") error("went on", 0)'
    reply = runtime.run(run_request(source, memory_bytes=8 * MB))
    assert reply.memory_peak_bytes < 2 * MB
    assert (reply.error_type, reply.error_message) == (ScriptErrorType.RUNTIME, "went on")
