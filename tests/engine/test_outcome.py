"""From script and webhook to outcome: what a script sees, and what becomes of what it leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import lupa.lua51 as lupa
import msgspec
import pytest
import pytest_asyncio

from engine.model import Outcome, PreviousError, ScriptErrorType, Webhook
from engine.sandbox.pool import EnginePool
from engine.sandbox.protocol import RunReply
from engine.settings import LuaSettings
from engine.transform import Script, Transformer, fill_variables, merge_headers, outcome_of
from tests.engine.running import MB, MISSION_BODY, MISSION_PAYLOAD, MISSION_SCRIPT, Runs

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVALID = ScriptErrorType.INVALID_OUTPUT
WEBHOOK = Webhook(
    id="wh_01ABC",
    config_id="billing:eu",
    endpoint="https://example.com/hook",
    payload=b'{"a":1}',
    headers={"Content-Type": "application/json", "X-Tenant": "t1"},
    attempt=2,
    max_attempts=7,
    created_at="2026-02-01T02:58:34.699708649-03:00",
)


class Engine:
    """Scripts on WEBHOOK, in one pool."""

    def __init__(self, pool: EnginePool) -> None:
        self._pool = pool

    async def outcome(
        self,
        source: str | bytes,
        *,
        config: dict[str, Any] | None = None,
        variables: dict[str, str] | None = None,
        previous: PreviousError | None = None,
        limits: LuaSettings | None = None,
        **webhook: Any,
    ) -> Outcome:
        code = source.encode() if isinstance(source, str) else source
        transformer = Transformer(self._pool, limits or LuaSettings(), variables)
        hook = msgspec.structs.replace(WEBHOOK, **webhook)
        return await transformer.run(Script.of(code, config), hook, previous)

    async def body(self, source: str | bytes, **changes: Any) -> bytes:
        outcome = await self.outcome(source, **changes)
        assert outcome.result is not None, outcome.error
        return outcome.result.body

    async def headers(self, source: str, **changes: Any) -> dict[str, str]:
        outcome = await self.outcome(source, **changes)
        assert outcome.result is not None, outcome.error
        return outcome.result.headers

    async def failure(self, source: str, **changes: Any) -> str:
        outcome = await self.outcome(source, **changes)
        assert outcome.result is None
        return str(outcome.error)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with EnginePool(spares=0) as pool:
        await pool.warm_up()
        yield Engine(pool)


async def test_the_example_of_the_mission_gives_its_exact_bytes(engine: Engine) -> None:
    outcome = await engine.outcome(MISSION_SCRIPT, payload=MISSION_PAYLOAD, config_id="test_config")
    assert outcome.result is not None
    assert outcome.result.body == MISSION_BODY
    assert outcome.result.headers == {
        "Content-Type": "application/json",
        "X-Tenant": "t1",
        "X-Config": "test_config",
        "X-Original-Payload": '{"foo":"bar"}',
        "X-Transformed": "by-lua-script",
    }
    assert (outcome.result.removed_headers, outcome.result.retry_on_status) == ((), ())


# --- what a script sees


async def test_a_script_sees_the_webhook_it_runs_for(engine: Engine) -> None:
    source = """request.body = table.concat({ payload, headers["X-Tenant"], metadata.webhook_id, metadata.config_id,
      metadata.attempt, type(metadata.attempt), metadata.max_attempts, metadata.created_at, type(previous_error),
      type(config), tostring(next(config)), type(request.headers), tostring(request.body) }, "|")"""
    assert await engine.body(source) == (
        b'{"a":1}|t1|wh_01ABC|billing:eu|2|number|7|2026-02-01T02:58:34.699708649-03:00|nil|table|nil|table|nil'
    )


async def test_a_retry_sees_why_the_attempt_before_failed(engine: Engine) -> None:
    previous = PreviousError("too slow", status_code=503, attempt=1, reason="timeout")
    source = """local e = previous_error
      request.body = table.concat({ e.message, e.status_code, e.attempt, e.reason }, "|")"""
    assert await engine.body(source, previous=previous) == b"too slow|503|1|timeout"


async def test_a_previous_error_without_a_status_has_none(engine: Engine) -> None:
    source = "request.body = type(previous_error.status_code) .. previous_error.attempt"
    assert await engine.body(source, previous=PreviousError("no answer")) == b"nil0"


async def test_the_settings_of_a_script_keep_their_types(engine: Engine) -> None:
    config = {
        "text": "é",
        "whole": 3,
        "part": 1.5,
        "yes": True,
        "no": False,
        "none": None,
        "list": [1, {"a": "b"}],
    }
    source = """local c = config
      request.body = table.concat({ c.text, c.whole, c.part, tostring(c.yes), tostring(c.no), tostring(c.none),
        c.list[1], c.list[2].a }, "|")"""
    assert await engine.body(source, config=config) == "é|3|1.5|true|false|nil|1|b".encode()


async def test_variables_the_operator_allowed_are_filled_in_and_no_others(engine: Engine) -> None:
    config = {"url": "https://${HOST}/${PATH}", "inner": [{"host": "${HOST}"}], "number": 5}
    source = "request.body = config.url .. ' ' .. config.inner[1].host .. ' ' .. config.number"
    body = await engine.body(source, config=config, variables={"HOST": "a.example", "OTHER": "x"})
    assert body == b"https://a.example/${PATH} a.example 5"


async def test_without_allowed_variables_a_template_stays_as_written(engine: Engine) -> None:
    assert await engine.body("request.body = config.a", config={"a": "${HOME}"}) == b"${HOME}"


async def test_a_filled_in_value_is_not_filled_in_again() -> None:
    assert fill_variables("${A}", {"A": "${B}", "B": "secret"}) == "${B}"


@pytest.mark.parametrize("text", ["$A", "${}", "${1A}", "${A", "$ {A}", "${A-b}"])
async def test_what_is_no_variable_stays(text: str) -> None:
    assert fill_variables(text, {"A": "x", "1A": "x", "": "x"}) == text


async def test_five_thousand_headers_that_came_in_can_be_read(engine: Engine) -> None:
    many = {f"X-{i}": str(i) for i in range(5000)}
    source = """local n, sum = 0, 0
      for name, value in pairs(headers) do n, sum = n + 1, sum + tonumber(value) end
      headers = {} request.body = n .. " " .. sum"""
    assert await engine.body(source, headers=many) == b"5000 12497500"


# --- the body


@pytest.mark.parametrize(
    "source",
    [
        "local x",
        "request.body = nil",
        'request.body = ""',
        "request = nil",
        "request = nil setmetatable(_G, { __index = function() return { body = 'from a trap' } end })",
        "setmetatable(request, { __index = function() return 'from a trap' end })",
    ],
)
async def test_no_body_means_the_payload_as_it_came(engine: Engine, source: str) -> None:
    payload = bytes(range(256))
    assert await engine.body(source, payload=payload) == payload


async def test_every_byte_passes_through_a_script_unchanged(engine: Engine) -> None:
    payload = bytes(range(256)) * 3
    assert await engine.body("request.body = payload .. 'x'", payload=payload) == payload + b"x"


async def test_a_script_in_utf_8_writes_utf_8(engine: Engine) -> None:
    assert await engine.body('request.body = "Grüße " .. #"ü"') == "Grüße 2".encode()


# --- headers


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('headers["X-New"] = "1"', {"Content-Type": "application/json", "X-Tenant": "t1", "X-New": "1"}),
        ('headers["X-Tenant"] = "t2"', {"Content-Type": "application/json", "X-Tenant": "t2"}),
        ('headers["X-Tenant"] = ""', {"Content-Type": "application/json"}),
        ('headers["x-tenant"] = ""', {"Content-Type": "application/json"}),
        ('headers["X-Tenant"] = nil', {"Content-Type": "application/json"}),
        ('headers["x-tenant"] = "t2"', {"Content-Type": "application/json", "x-tenant": "t2"}),
        ("headers = {}", {}),
        ("headers = nil", {}),
        ("headers = nil setmetatable(_G, { __index = function() return { X = '1' } end })", {}),
        ('headers = { A = "1" }', {"A": "1"}),
        (
            'request.headers["X-New"] = "1"',
            {"Content-Type": "application/json", "X-Tenant": "t1", "X-New": "1"},
        ),
        ('request.headers["x-tenant"] = "t2"', {"Content-Type": "application/json", "x-tenant": "t2"}),
        ('request.headers["X-Tenant"] = ""', {"Content-Type": "application/json"}),
        ("request.headers = nil", {"Content-Type": "application/json", "X-Tenant": "t1"}),
        (
            'headers["X-A"] = "own" request.headers["x-a"] = "extra"',
            {"Content-Type": "application/json", "X-Tenant": "t1", "X-A": "own"},
        ),
        ('headers["X-N"] = 5', {"Content-Type": "application/json", "X-Tenant": "t1", "X-N": "5"}),
        ('headers["X-U"] = "é"', {"Content-Type": "application/json", "X-Tenant": "t1", "X-U": "é"}),
        ('headers["Host"] = "evil" headers["content-length"] = "0"', dict(WEBHOOK.headers)),
        ('request.headers["Transfer-Encoding"] = "chunked" headers.Trailer = "X"', dict(WEBHOOK.headers)),
    ],
)
async def test_headers_are_sent_as_the_script_left_them(
    engine: Engine, source: str, expected: dict[str, str]
) -> None:
    assert await engine.headers(source) == expected


async def test_removed_headers_are_named_once_and_sorted(engine: Engine) -> None:
    outcome = await engine.outcome(
        'headers["X-Tenant"] = "" headers["accept"] = "" headers["Content-Type"] = nil'
    )
    assert outcome.result is not None
    assert outcome.result.removed_headers == ("accept", "Content-Type", "X-Tenant")


async def test_header_order_is_that_of_the_webhook_then_by_name(engine: Engine) -> None:
    names = list(await engine.headers('for _, n in ipairs({ "Z", "b", "A" }) do headers[n] = "1" end'))
    assert names == ["Content-Type", "X-Tenant", "A", "b", "Z"]


async def test_one_header_that_came_in_under_two_spellings_is_no_fault_of_the_script(engine: Engine) -> None:
    twice = {"X-A": "1", "x-a": "2"}
    assert await engine.headers("local x", headers=twice) == {"x-a": "2"}
    assert await engine.headers('headers["X-A"] = "3"', headers=twice) == {"X-A": "3"}


async def test_one_header_set_to_two_values_is_refused() -> None:
    outcome = outcome_of(
        RunReply(None, headers=(b"X-A", b"1", b"x-a", b"2")), msgspec.structs.replace(WEBHOOK, headers={})
    )
    assert outcome.error is not None
    assert outcome.error.type is INVALID
    assert '"X-A" and "x-a"' in outcome.error.message


async def test_merging_changes_none_of_its_arguments() -> None:
    incoming, left, extra = {"A": "1"}, {"A": "2"}, {"B": "3"}
    assert merge_headers(incoming, left, extra) == ({"A": "2", "B": "3"}, ())
    assert (incoming, left, extra) == ({"A": "1"}, {"A": "2"}, {"B": "3"})


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ('headers["X-A"] = "1\\r\\nX-B: 2"', 'headers["X-A"]: holds a line break at character 2'),
        ('headers["X-A"] = "1\\n"', 'headers["X-A"]: holds a line break at character 2'),
        ('headers["X-A"] = "1\\0002"', 'headers["X-A"]: holds a NUL byte at character 2'),
        ('headers["X-A"] = "\\127"', 'headers["X-A"]: holds a control character at character 1'),
        ('request.headers["X-A"] = "\\r"', 'request.headers["X-A"]: holds a line break'),
        ('headers["X-A"] = "\\255"', 'headers["X-A"]: is not UTF-8 (at byte 1)'),
        ('headers["X A"] = "1"', 'headers["X A"]: is no valid header name'),
        ('headers["X-A:"] = "1"', 'headers["X-A:"]: is no valid header name'),
        ('headers["X\\r\\nY"] = "1"', "is no valid header name"),
        ('headers[""] = "1"', 'headers[""]: is no valid header name'),
        ('headers["\\255"] = "1"', "is no valid header name"),
        ('headers["é"] = "1"', "is no valid header name"),
        ('headers[string.rep("x y", 1000)] = "1"', '..."]: is no valid header name'),
    ],
)
async def test_a_header_that_http_cannot_carry_is_refused_by_name(
    engine: Engine, source: str, field: str
) -> None:
    failure = await engine.failure(source)
    assert failure.startswith("script_invalid_output: ")
    assert field in failure
    assert len(failure) < 300


# --- outputs of the wrong type


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("request.body = 5", "request.body must be a string, not number 5"),
        ("request.body = {}", "request.body must be a string, not table"),
        ("request.body = false", "request.body must be a string, not boolean false"),
        ("request = 5", "request must be a table, not number 5"),
        ("headers = 5", "headers must be a table, not number 5"),
        ("headers[5] = 'x'", "headers has a header name that is not a string but number 5"),
        ("headers.X = {}", 'headers["X"] must be a string, not table'),
        ("headers.X = true", 'headers["X"] must be a string, not boolean true'),
        ("request.headers = 'x'", "request.headers must be a table, not string"),
        ("request.headers.X = {}", 'request.headers["X"] must be a string, not table'),
        ("request.retry_on_status = 'x'", "request.retry_on_status must be a list of integers, not string"),
        ("request.retry_on_status = { 'x' }", "request.retry_on_status must be a list of integers"),
        ("request.retry_on_status = { 409.5 }", "request.retry_on_status must be a list of integers"),
        ("request.retry_on_status = { 99 }", "request.retry_on_status has 99, which is no HTTP status"),
        ("request.retry_on_status = { 600 }", "request.retry_on_status has 600, which is no HTTP status"),
        ("request.retry_on_status = { 1/0 }", "request.retry_on_status has inf, which is no HTTP status"),
        ("request.retry_on_status = { [2] = 409 }", "request.retry_on_status must be a list without holes"),
        ("config = 5", "config must be a table, not number 5"),
        ("config.opt_out_default_headers = 1", "config.opt_out_default_headers must be true or false, not number 1"),
        ("config.opt_out_default_headers = ''", "config.opt_out_default_headers must be true or false, not string"),
    ],
)  # fmt: skip
async def test_an_output_of_the_wrong_type_is_refused_by_name(
    engine: Engine, source: str, message: str
) -> None:
    assert await engine.failure(source) == f"script_invalid_output: {message}"


@pytest.mark.parametrize(
    ("source", "statuses"),
    [
        ("request.retry_on_status = { 409, 425 }", (409, 425)),
        ("request.retry_on_status = { 100, 599 }", (100, 599)),
        ("request.retry_on_status = {}", ()),
        ("request.retry_on_status = nil", ()),
    ],
)
async def test_statuses_to_retry_on_come_out_as_given(
    engine: Engine, source: str, statuses: tuple[int, ...]
) -> None:
    outcome = await engine.outcome(source)
    assert outcome.result is not None
    assert outcome.result.retry_on_status == statuses


@pytest.mark.parametrize(
    ("source", "flag"),
    [
        ("config.opt_out_default_headers = true", True),
        ("config = { opt_out_default_headers = true }", True),
        ("config.opt_out_default_headers = false", False),
        ("config = nil", False),
        ("local x", False),
    ],
)
async def test_default_headers_can_be_left_out(engine: Engine, source: str, flag: bool) -> None:
    outcome = await engine.outcome(source)
    assert outcome.result is not None
    assert outcome.result.opt_out_default_headers is flag


async def test_a_script_config_can_leave_them_out_for_a_script_that_says_nothing(engine: Engine) -> None:
    outcome = await engine.outcome("local x", config={"opt_out_default_headers": True})
    assert outcome.result is not None
    assert outcome.result.opt_out_default_headers


# --- errors


async def test_a_runtime_error_names_its_line_and_how_it_came_there(engine: Engine) -> None:
    outcome = await engine.outcome(
        "local function f()\n  local x = nil\n  return x.y\nend\n\nlocal r = f()\n"
    )
    assert outcome.error is not None
    assert outcome.error.type is ScriptErrorType.RUNTIME
    assert outcome.error.line == 3
    assert outcome.error.message == "attempt to index local 'x' (a nil value)"
    assert outcome.error.traceback.splitlines() == ["script:3: in function 'f'", "script:6: in main chunk"]
    assert str(outcome.error).startswith("script_runtime_error (line 3): ")


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("\nerror('no')", "no", 2),
        ("\nerror('no', 0)", "no", 2),
        ("error({ code = 5 })", 'error object: {"code":5}', 1),
        ("error()", "error object: nil", 1),
        ("error(print)", "error object: function", 1),
        ("\n\nrequire('nothing')", "module 'nothing' not found; a script can require base64, ", 3),
        ("\nrequire('json').decode()", "bad argument #1 to 'decode' (string expected, got no value)", 2),
        ("\nlog.info({})", "bad argument #1 to 'info' (string expected, got table)", 2),
        ("\nlog.info('x', 5)", "bad argument #2 to 'info' (table expected, got number)", 2),
        ("\nstring.rep()", "bad argument #1 to 'rep' (string expected, got no value)", 2),
        ("local s = 'Grüße'\nerror(s)", "Grüße", 2),
    ],
)
async def test_an_error_says_what_and_where(engine: Engine, source: str, message: str, line: int) -> None:
    outcome = await engine.outcome(source)
    assert outcome.error is not None
    assert outcome.error.message.startswith(message)
    assert (outcome.error.type, outcome.error.line) == (ScriptErrorType.RUNTIME, line)


async def test_an_endless_message_is_cut(engine: Engine) -> None:
    failure = await engine.failure('error(string.rep("x", 1e6))')
    assert 8000 < len(failure) < 9000


@pytest.mark.parametrize(
    ("source", "line"), [("x = = 1", 1), ("\n\nlocal x = 'open\n", 3), ("for i = 1 do end", 1), ("\nend", 2)]
)
async def test_a_syntax_error_names_its_line(engine: Engine, source: str, line: int) -> None:
    outcome = await engine.outcome(source)
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.line) == (ScriptErrorType.SYNTAX, line)
    assert "near" in outcome.error.message


async def test_bytecode_is_neither_a_script_nor_a_chunk(engine: Engine) -> None:
    bytecode = lupa.LuaRuntime(encoding=None).eval(b"string.dump(function() return 1 end)")
    outcome = await engine.outcome(bytecode)
    assert outcome.error is not None
    assert outcome.error.type is ScriptErrorType.SYNTAX
    source = "local chunk, problem = loadstring(payload) request.body = tostring(chunk) .. problem"
    assert b"nilscript:1: bytecode is not accepted" in await engine.body(source, payload=bytecode)


async def test_a_failed_run_keeps_its_log_lines(engine: Engine) -> None:
    outcome = await engine.outcome("log.warn('before')\nprint(1, nil, 'x')\nerror('no')")
    assert [(line.level, line.message, line.line) for line in outcome.logs] == [
        ("warn", "before", 1),
        ("info", "1\tnil\tx", 2),
    ]


# --- figures


async def test_figures_of_a_run_are_plausible(engine: Engine) -> None:
    source = """local t = {} for i = 1, 20000 do t[i] = { i } end
      local n = 0 for i = 1, 1000000 do n = n + i end"""
    outcome = await engine.outcome(source, limits=LuaSettings(timeout=LuaSettings().timeout.parse("5s")))
    assert outcome.ok
    assert 1 < outcome.cpu_ms < 5000
    assert outcome.wall_ms >= outcome.cpu_ms * 0.5
    assert 0.5 * MB < outcome.memory_peak_bytes < 20 * MB


async def test_the_payload_itself_counts_as_memory(engine: Engine) -> None:
    outcome = await engine.outcome("request.body = 'x'", payload=bytes(5 * MB))
    assert 5 * MB <= outcome.memory_peak_bytes < 6 * MB


async def test_exactly_one_of_result_and_error_is_set(engine: Engine) -> None:
    for source in ("local x", "error('x')", "x = =", "request.body = 1"):
        outcome = await engine.outcome(source)
        assert (outcome.result is None) != (outcome.error is None)
        assert outcome.ok == (outcome.error is None)


# --- random numbers


async def test_a_seed_repeats_a_sequence_and_no_seed_does_not() -> None:
    runs = Runs()
    draw = "for i = 1, 5 do request.body = (request.body or '') .. math.random(1, 1e6) .. ' ' end"
    assert runs.body("math.randomseed(7) " + draw) == runs.body("math.randomseed(7) " + draw)
    assert runs.body("math.randomseed(8) " + draw) != runs.body("math.randomseed(7) " + draw)
    assert runs.body(draw) != runs.body(draw)


async def test_a_sequence_does_not_go_on_in_the_next_run() -> None:
    runs = Runs()
    draw = "request.body = tostring(math.random(1, 1e9)) "
    second_of_seven = runs.body("math.randomseed(7) math.random(1, 1e9) " + draw)
    runs.body("math.randomseed(7) " + draw)
    assert runs.body(draw) != second_of_seven


async def test_random_numbers_stay_in_their_range_and_reach_its_ends() -> None:
    source = """local seen = {}
      for i = 1, 2000 do
        local a, b, c = math.random(), math.random(6), math.random(-1, 1)
        assert(a >= 0 and a < 1 and b >= 1 and b <= 6 and b % 1 == 0)
        seen[b], seen["c" .. c] = true, true
      end
      for i = 1, 6 do assert(seen[i]) end
      assert(seen["c-1"] and seen.c0 and seen.c1 and not pcall(math.random, 0) and not pcall(math.random, 2, 1))"""
    assert Runs().reply(source, cpu_seconds=5.0).error_type is None
