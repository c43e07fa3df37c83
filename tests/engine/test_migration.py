"""Every difference to HOWK's published engine that resources/docs/migration.md names, one test each."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model import Outcome, PreviousError, ScriptErrorType, Webhook
from engine.modules.calls import Failure, HttpAnswer, ModuleCall, ModuleReply
from engine.modules.http import HttpModule
from engine.modules.kv import KvModule
from engine.modules.kv_store import MemoryKv
from engine.sandbox.runtime import ScriptRuntime
from engine.settings import LuaSettings
from engine.transform import Script, outcome_of, run_request
from tests.engine.http_site import FakeResolver, Site
from tests.engine.running import MB, Runs

CONFIG_ID = "shop:1"


@pytest.fixture(scope="module")
def runs() -> Runs:
    return Runs()


def outcome(
    source: str,
    headers: dict[str, str] | None = None,
    *,
    config: dict[str, Any] | None = None,
    previous: PreviousError | None = None,
    runtime: ScriptRuntime | None = None,
    **more: Any,
) -> Outcome:
    webhook = Webhook("wh_1", CONFIG_ID, "http://x/", b"{}", headers or {}, **more)
    request = run_request(Script.of(source.encode(), config), webhook, LuaSettings(), {}, previous)
    return outcome_of((runtime or ScriptRuntime()).run(request), webhook)


def headers_of(source: str, headers: dict[str, str]) -> dict[str, str]:
    result = outcome(source, headers).result
    assert result is not None
    return result.headers


def invalid(source: str, field: str) -> None:
    error = outcome(source).error
    assert error is not None
    assert error.type is ScriptErrorType.INVALID_OUTPUT
    assert field in error.message


# --- the run


def test_globals_do_not_last() -> None:
    runtime = ScriptRuntime()
    counting = "count = (count or 0) + 1 request.body = tostring(count)"
    bodies = [result.body for _ in range(2) if (result := outcome(counting, runtime=runtime).result)]
    assert bodies == [b"1", b"1"]


def test_the_time_limit_is_cpu_time() -> None:
    def slow(_call: ModuleCall) -> ModuleReply:
        import time

        time.sleep(0.6)  # longer than the default limit of 500 ms
        return ModuleReply(b"late")

    done = outcome('request.body = require("kv").get("k")', runtime=ScriptRuntime(slow))
    assert done.result is not None
    assert done.result.body == b"late"


def test_a_loop_without_calls_is_stopped(runs: Runs) -> None:
    assert runs.reply("while true do end", cpu_seconds=0.05).error_type is ScriptErrorType.TIMEOUT


def test_the_memory_limit_counts_strings(runs: Runs) -> None:
    reply = runs.reply('local s = string.rep("x", 20000000)', memory_bytes=10 * MB)
    assert reply.error_type is ScriptErrorType.MEMORY_LIMIT


def test_previous_error_is_there_on_a_retry() -> None:
    source = 'request.body = previous_error.status_code .. " " .. previous_error.reason'
    result = outcome(source, previous=PreviousError("HTTP 503", 503, 0, "status")).result
    assert result is not None
    assert result.body == b"503 status"


def test_config_holds_the_script_config() -> None:
    result = outcome("request.body = config.tenant", config={"tenant": "eu"}).result
    assert result is not None
    assert result.body == b"eu"


def test_created_at_is_as_the_webhook_has_it() -> None:
    result = outcome("request.body = metadata.created_at", created_at="2026-02-01T02:58:34.6997-03:00").result
    assert result is not None
    assert result.body == b"2026-02-01T02:58:34.6997-03:00"


# --- headers and outputs


def test_request_headers_is_a_table_from_the_start() -> None:
    assert headers_of('request.headers["X-A"] = "1"', {}) == {"X-A": "1"}


def test_a_header_set_to_nil_is_not_sent() -> None:
    assert headers_of('headers["X-A"] = nil', {"X-A": "1", "X-B": "2"}) == {"X-B": "2"}


def test_a_header_set_to_nothing_is_not_sent() -> None:
    assert headers_of('headers["X-A"] = ""', {"X-A": "1", "X-B": "2"}) == {"X-B": "2"}


def test_request_headers_go_over_what_came_in() -> None:
    assert headers_of('request.headers["X-A"] = "new"', {"X-A": "old"}) == {"X-A": "new"}


def test_one_header_in_two_spellings_is_one_header() -> None:
    assert headers_of('headers["x-a"] = "new" headers["X-A"] = nil', {"X-A": "old"}) == {"x-a": "new"}
    invalid('headers["x-a"] = "1" headers["X-A"] = "2"', "headers")


def test_a_body_that_is_no_string_is_invalid() -> None:
    invalid("request.body = 42", "request.body")


def test_a_header_that_is_no_string_is_invalid() -> None:
    invalid('headers["X-A"] = true', 'headers["X-A"]')


def test_an_opt_out_that_is_no_boolean_is_invalid() -> None:
    invalid("config.opt_out_default_headers = 1", "config.opt_out_default_headers")


def test_an_output_table_that_is_none_is_invalid() -> None:
    invalid('request = "x"', "request")


# --- the language


def test_pairs_has_no_order(runs: Runs) -> None:
    names = [f"key{number}" for number in range(50)]
    source = f"local t = {{}} for n in string.gmatch('{' '.join(names)}', '%w+') do t[n] = 1 end "
    walked = runs.body(
        source + "local o = {} for n in pairs(t) do o[#o + 1] = n end request.body = table.concat(o, ' ')"
    )
    assert walked.decode().split() != names
    assert sorted(walked.decode().split()) == sorted(names)


def test_large_numbers_become_text_with_fourteen_digits(runs: Runs) -> None:
    assert runs.body("request.body = tostring(9007199254740991)") == b"9.007199254741e+15"
    assert runs.body("request.body = 0.1 + 0.2 .. ''") == b"0.3"
    assert runs.body('request.body = string.format("%.0f", 9007199254740991)') == b"9007199254740991"
    assert runs.body('request.body = require("json").encode(9007199254740991)') == b"9007199254740991"


def test_goto_is_no_statement(runs: Runs) -> None:
    assert runs.reply("goto done ::done::").error_type is ScriptErrorType.SYNTAX


def test_many_named_parameters_before_dots_are_refused(runs: Runs) -> None:
    assert runs.reply("local function f(a, b, c, d, ...) end").error_type is ScriptErrorType.SYNTAX
    assert runs.reply("local function f(a, b, c, ...) end").error_type is None


def test_a_negative_zero_literal_takes_zero_along(runs: Runs) -> None:
    assert runs.body("local a, b = -0, 0 request.body = tostring(1 / b)") == b"-inf"
    assert runs.body("local b = 0 request.body = tostring(1 / b)") == b"inf"


def test_the_length_of_a_list_with_holes_is_another(runs: Runs) -> None:
    assert runs.body("local t = {} t[1], t[3] = 1, 3 request.body = tostring(#t)") == b"1"


def test_upper_and_lower_leave_other_letters(runs: Runs) -> None:
    assert runs.body("request.body = string.upper('a\\195\\164')") == b"A\xc3\xa4"


def test_format_takes_no_verbs_of_go(runs: Runs) -> None:
    assert runs.body('request.body = tostring(pcall(string.format, "%v", 1))') == b"false"


def test_format_of_nil_is_an_error(runs: Runs) -> None:
    assert runs.body('request.body = tostring(pcall(string.format, "%s", nil))') == b"false"
    assert runs.body('request.body = string.format("%s", tostring(nil))') == b"nil"


def test_percent_q_quotes_as_lua_does(runs: Runs) -> None:
    assert runs.body("request.body = string.format('%q', 'a\\nb')") == b'"a\\\nb"'


def test_match_gives_nil_where_nothing_matches(runs: Runs) -> None:
    assert runs.body('request.body = tostring(select("#", string.match("a", "b")))') == b"1"


def test_unpack_has_a_limit(runs: Runs) -> None:
    assert runs.body("request.body = tostring(pcall(unpack, {}, 1, 7901))") == b"false"


@pytest.mark.parametrize(
    "name", ["module", "newproxy", "package", "_printregs", "string.gfind", "string.dump", "math.mod"]
)
def test_a_function_is_not_there(runs: Runs, name: str) -> None:
    assert runs.body(f"request.body = tostring({name})") == b"nil"


def test_require_finds_the_modules_and_nothing_else(runs: Runs) -> None:
    reply = runs.reply('require("string")')
    assert reply.error_type is ScriptErrorType.RUNTIME
    assert "base64, crypto, http, json, kv, log" in reply.error_message


def test_print_goes_to_the_log(runs: Runs) -> None:
    (line,) = runs.reply("print('a', 1)").logs
    assert (line.level, line.message) == ("info", "a\t1")


def test_a_seed_holds_for_its_run(runs: Runs) -> None:
    runs.reply("math.randomseed(1)")
    source = "request.body = tostring(math.random())"
    assert len({runs.body(source + f" --{number}") for number in range(5)}) == 5


# --- errors


def test_an_error_names_the_script_and_its_line(runs: Runs) -> None:
    assert runs.body(
        "request.body = select(2, pcall(error, 'x', 1)) .. select(2, pcall(function() error('y') end))"
    ) == (b"xscript:1: y")
    reply = runs.reply("\nerror('it is closed')")
    assert (reply.error_message, reply.error_line) == ("it is closed", 2)


def test_an_error_object_is_shown_as_json(runs: Runs) -> None:
    assert runs.reply("error({ code = 7 })").error_message == 'error object: {"code":7}'


@pytest.mark.parametrize(
    ("module", "call", "failure", "kind"),
    [
        ("kv", 'get("k")', Failure.UNREACHABLE, ScriptErrorType.MODULE_KV),
        ("http", 'get("http://x/")', Failure.UNREACHABLE, ScriptErrorType.MODULE_HTTP),
        ("crypto", 'decrypt_credential("A", "", "")', Failure.MISSING_KEY, ScriptErrorType.MODULE_CRYPTO),
    ],
)
def test_a_module_that_fails_unhandled_is_named(
    module: str, call: str, failure: Failure, kind: ScriptErrorType
) -> None:
    runtime = ScriptRuntime(lambda _call: ModuleReply(problem="it is down", failure=failure))
    unhandled = outcome(f'local v = require("{module}").{call} request.body = v .. ""', runtime=runtime)
    assert unhandled.error is not None
    assert unhandled.error.type is kind
    handled = outcome(
        f'local v, problem = require("{module}").{call} request.body = problem', runtime=runtime
    )
    assert handled.result is not None
    assert handled.result.body == b"it is down"


# --- json


def test_null_in_a_list_keeps_its_place(runs: Runs) -> None:
    source = 'local t = require("json").decode("[1,null,3]") request.body = tostring(t[2]) .. tostring(t[3])'
    assert runs.body(source) == b"nil3"


def test_a_table_in_two_places_is_written_twice(runs: Runs) -> None:
    assert runs.body('local t = { 1 } request.body = require("json").encode({ t, t })') == b"[[1],[1]]"


def test_json_nested_over_512_deep_is_refused(runs: Runs) -> None:
    deep = "[" * 513 + "]" * 513
    assert runs.body(f'request.body = tostring(require("json").decode("{deep}"))') == b"nil"


# --- log


def test_a_log_line_needs_a_message(runs: Runs) -> None:
    assert runs.reply("log.info()").error_type is ScriptErrorType.RUNTIME


def test_log_fields_must_have_a_json_form(runs: Runs) -> None:
    assert runs.reply("log.info('x', { f = print })").error_type is ScriptErrorType.RUNTIME


def test_log_lines_of_a_run_are_bounded(runs: Runs) -> None:
    assert len(runs.reply("for i = 1, 5000 do log.info('x') end", cpu_seconds=5.0).logs) == 1001


# --- kv


@pytest.fixture
def kv() -> KvModule:
    settings = LuaSettings()
    return KvModule(MemoryKv(), settings.kv_key_format, settings.kv_ttl_default)


async def test_kv_is_of_the_config_id_and_not_the_namespace(kv: KvModule) -> None:
    await kv.set((b"k", b"v", None), "shop:1")
    assert (await kv.get((b"k",), "shop:2")).value is None
    store = MemoryKv()
    published = KvModule(store, "kv:{namespace}:{key}", 60.0)
    await published.set((b"k", b"v", None), "shop:1")
    assert (await published.get((b"k",), "shop:2")).value == b"v"
    assert await store.get(b"kv:shop:k") == b"v"


async def test_a_value_without_a_ttl_is_kept_for_a_day() -> None:
    now = [0.0]
    settings = LuaSettings()
    kv = KvModule(MemoryKv(lambda: now[0]), settings.kv_key_format, settings.kv_ttl_default)
    await kv.set((b"k", b"v", None), CONFIG_ID)
    now[0] = 24 * 3600 - 1
    assert (await kv.get((b"k",), CONFIG_ID)).value == b"v"
    now[0] += 2
    assert (await kv.get((b"k",), CONFIG_ID)).value is None


async def test_a_ttl_of_zero_is_refused(kv: KvModule) -> None:
    assert "more than 0" in (await kv.set((b"k", b"v", 0), CONFIG_ID)).problem


async def test_keys_and_values_have_a_largest_size(kv: KvModule) -> None:
    assert (await kv.set((b"k" * 1025, b"v", None), CONFIG_ID)).problem
    assert (await kv.set((b"k", b"v" * (MB + 1), None), CONFIG_ID)).problem


# --- http


async def test_answer_headers_are_in_lower_case() -> None:
    async with Site() as site:
        http = HttpModule(LuaSettings(allowed_hosts=("127.0.0.1",)))
        answer = (await http.get((site.url("/x"), None, 0), CONFIG_ID)).value
        await http.close()
    assert isinstance(answer, HttpAnswer)
    assert answer.headers[b"x-hit"] == b"1"
    assert b"X-Hit" not in answer.headers


async def test_get_is_cached_unless_told_otherwise() -> None:
    async with Site() as site:
        http = HttpModule(LuaSettings(allowed_hosts=("127.0.0.1",)))
        for ttl, hits in ((None, 1), (None, 1), (0, 2), (0, 3)):
            await http.get((site.url("/x"), None, ttl), CONFIG_ID)
            assert site.hits["/x"] == hits
        await http.close()


async def test_addresses_of_the_machine_and_its_link_are_refused_under_a_star() -> None:
    http = HttpModule(LuaSettings(allowed_hosts=("*",)))
    for url in (b"http://127.0.0.1/", b"http://169.254.169.254/latest", b"http://[::1]/"):
        assert (await http.get((url, None, 0), CONFIG_ID)).problem
    await http.close()


async def test_a_redirect_to_a_host_that_is_not_allowed_is_refused() -> None:
    resolver = FakeResolver(**{"a__test": "127.0.0.1", "b__test": "127.0.0.1"})
    async with Site() as site:
        http = HttpModule(LuaSettings(allowed_hosts=("a.test", "127.0.0.1")), resolver=resolver)
        target = site.url("/x", "b.test").decode()
        reply = await http.get((site.url(f"/redirect/302?{target}", "a.test"), None, 0), CONFIG_ID)
        await http.close()
        assert site.hits["/x"] == 0
    assert reply.problem


async def test_a_star_and_a_domain_match_the_domain_too() -> None:
    resolver = FakeResolver(**{"shop__test": "127.0.0.1"})
    async with Site() as site:
        http = HttpModule(LuaSettings(allowed_hosts=("*.shop.test", "127.0.0.1")), resolver=resolver)
        reply = await http.get((site.url("/x", "shop.test"), None, 0), CONFIG_ID)
        await http.close()
    assert reply.problem == ""


async def test_an_answer_over_the_size_limit_is_refused() -> None:
    async with Site() as site:
        settings = LuaSettings(allowed_hosts=("127.0.0.1",))
        http = HttpModule(settings)
        reply = await http.get((site.url(f"/size/{settings.http_max_body_bytes + 1}"), None, 0), CONFIG_ID)
        await http.close()
    assert reply.problem


def test_a_run_makes_at_most_a_hundred_module_calls() -> None:
    runtime = ScriptRuntime(lambda _call: ModuleReply(b"v"))
    source = 'for i = 1, 101 do last, problem = require("kv").get("k") end request.body = problem'
    result = outcome(source, runtime=runtime).result
    assert result is not None
    assert b"more than 100" in result.body


def test_a_whole_number_set_as_a_header_is_sent_in_full(runs: Runs) -> None:
    reply = runs.reply('headers["X-Id"] = 9007199254740991 headers["X-Rate"] = 0.5 headers["X-N"] = -3')
    sent = dict(zip(reply.headers[::2], reply.headers[1::2], strict=True))
    assert (sent[b"X-Id"], sent[b"X-Rate"], sent[b"X-N"]) == (b"9007199254740991", b"0.5", b"-3")
