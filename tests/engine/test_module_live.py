"""Live, off and recorded modules: dispatch, masking, and that a recording answers as the live run did."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import BadInput
from engine.modules.calls import Failure, HttpAnswer, ModuleCall, ModuleReply
from engine.modules.fixture import PARAMETERS, Fixture, decode_fixtures, encode_fixtures
from engine.modules.kv_store import MemoryKv, ScratchKv
from engine.modules.live import LiveModules
from engine.modules.off import OffModules
from engine.modules.recorded import RecordedModules, Recorder
from engine.modules.secret_names import is_secret_name
from engine.sandbox.api import MODULE_NAMES
from engine.settings import LuaSettings, Settings
from tests.engine.http_site import Site


def call(name: str, *arguments: Any) -> ModuleCall:
    module, _, function = name.partition(".")
    return ModuleCall(module, function, arguments)


class Scripted:
    """Modules that give the replies they were made with, in turn."""

    def __init__(self, *replies: ModuleReply) -> None:
        self._replies = list(replies)

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        return self._replies.pop(0)


async def recorded(*steps: tuple[ModuleCall, ModuleReply]) -> tuple[Fixture, ...]:
    recorder = Recorder(Scripted(*(reply for _, reply in steps)))
    for step, reply in steps:
        assert await recorder.call(step, "a") == reply, "the live run sees what came"
    return decode_fixtures(encode_fixtures(recorder.fixtures), "f.json")


def text_of(fixtures: tuple[Fixture, ...]) -> str:
    return encode_fixtures(fixtures).decode()


# --- live


async def test_every_function_is_handed_to_its_module() -> None:
    settings = Settings(lua=LuaSettings(allowed_hosts=("127.0.0.1",)))
    async with Site() as site, LiveModules.of(settings, MemoryKv()) as live:
        assert await live.call(call("kv.set", b"k", b"v"), "a") == ModuleReply(None)
        assert await live.call(call("kv.get", b"k"), "a") == ModuleReply(b"v")
        assert await live.call(call("kv.get", b"k"), "b") == ModuleReply(None)
        assert await live.call(call("kv.del", b"k"), "a") == ModuleReply(None)
        assert await live.call(call("kv.get", b"k"), "a") == ModuleReply(None)
        for function in ("get", "delete"):
            assert (await live.call(call(f"http.{function}", site.url("/x")), "a")).value.status_code == 200
        for function in ("post", "put"):
            assert (
                await live.call(call(f"http.{function}", site.url("/x"), b""), "a")
            ).value.status_code == 200
        reply = await live.call(call("crypto.decrypt_credential", b"k", b"", b"A" * 40), "a")
        assert reply.failure is Failure.MISSING_KEY
    assert [request[0] for request in site.requests] == ["GET", "DELETE", "POST", "PUT"]


@pytest.mark.parametrize("name", ["kv.incr", "os.execute", "http.__init__", "."])
async def test_a_function_that_does_not_exist_is_a_problem(name: str) -> None:
    async with LiveModules.of(Settings(), MemoryKv()) as live:
        assert await live.call(call(name), "a") == ModuleReply(None, f"there is no {name}")


def test_the_parameters_name_every_function_that_crosses_the_pipe() -> None:
    assert {module for module, _ in PARAMETERS} <= set(MODULE_NAMES)
    assert set(PARAMETERS) == set(LiveModules.of(Settings(), MemoryKv())._functions)


async def test_a_scratch_store_changes_nothing_below() -> None:
    base = MemoryKv()
    await base.set(b"a", b"live", 60_000)
    await base.set(b"b", b"live", 60_000)
    scratch = ScratchKv(base)
    await scratch.set(b"a", b"mine", 60_000)
    await scratch.delete(b"b")
    assert [await scratch.get(key) for key in (b"a", b"b", b"c")] == [b"mine", None, None]
    assert [await base.get(key) for key in (b"a", b"b")] == [b"live", b"live"]


# --- off


async def test_modules_that_are_off_say_so() -> None:
    off = OffModules()
    reply = await off.call(call("kv.get", b"k"), "a")
    assert reply.problem == (
        "calls are off in this preview: choose Calls: Recorded or Calls: Live to run kv.get"
    )
    assert reply.failure is Failure.UNREACHABLE
    assert (await off.call(call("crypto.decrypt_credential"), "a")).failure is Failure.MISSING_KEY


# --- recorded


ANSWER = HttpAnswer(200, b'{"ok":true}', {b"content-type": b"application/json"})
STEPS = [
    (call("kv.get", b"k"), ModuleReply(b"\xff\x00")),
    (call("kv.get", b"\xfe"), ModuleReply(None)),
    (call("kv.set", b"k", b"v", 60.0), ModuleReply(None)),
    (
        call("kv.set", b"k", b"v", None),
        ModuleReply(None, "Redis did not answer in time", Failure.UNREACHABLE),
    ),
    (call("kv.del", b"k"), ModuleReply(None)),
    (call("http.get", b"https://a.test/x?q=1", {b"Accept": b"*/*"}, 0.5), ModuleReply(ANSWER)),
    (call("http.get", b"https://a.test/bin"), ModuleReply(HttpAnswer(404, b"\xff", {b"x": b"\xfe"}))),
    (call("http.post", b"https://a.test/x", b"\xff\x00", {b"X": b"\xff"}), ModuleReply(ANSWER)),
    (call("http.delete", b"https://a.test/x"), ModuleReply(None, "the host a.test is not in allowed_hosts")),
    (call("crypto.decrypt_credential", b"K", b"AA==", b"AA=="), ModuleReply(None, "no", Failure.MISSING_KEY)),
]


async def test_a_recording_answers_as_the_live_run_did() -> None:
    replay = RecordedModules(await recorded(*STEPS))
    for step, reply in STEPS:
        assert await replay.call(step, "any") == reply


async def test_nones_at_the_end_and_whole_numbers_make_no_difference() -> None:
    replay = RecordedModules(await recorded((call("kv.set", b"k", b"v", 60.0), ModuleReply(None))))
    assert (await replay.call(call("kv.set", b"k", b"v", 60), "a")).problem == ""
    replay = RecordedModules(
        await recorded((call("http.get", b"https://a.test/", None, None), ModuleReply(ANSWER)))
    )
    assert (await replay.call(call("http.get", b"https://a.test/"), "a")).value == ANSWER


async def test_the_same_call_is_answered_in_the_recorded_order() -> None:
    get, values = call("kv.get", b"n"), [None, b"1", b"2"]
    replay = RecordedModules(await recorded(*((get, ModuleReply(value)) for value in values)))
    assert [(await replay.call(get, "a")).value for _ in range(5)] == [None, b"1", b"2", b"2", b"2"]


async def test_a_call_that_was_not_recorded_says_which_and_what_to_do() -> None:
    replay = RecordedModules(await recorded(*STEPS))
    reply = await replay.call(call("kv.get", b"other"), "a")
    assert reply.problem == (
        'kv.get(key="other") was not recorded: run with Calls: Live and Record Answers in the window, '
        "or give its answer in a .fixtures.json file"
    )
    assert reply.failure is Failure.UNREACHABLE
    assert (await replay.call(call("crypto.decrypt_credential", b"x"), "a")).failure is Failure.MISSING_KEY
    long = await replay.call(call("http.get", b"https://a.test/?token=abc&" + b"x" * 500), "a")
    assert len(long.problem) < 250
    assert "abc" not in long.problem


async def test_a_fixture_reads_well_in_git() -> None:
    fixtures = await recorded(
        (call("http.get", b"https://a.test/x", {b"Accept": b"*"}, 60.0), ModuleReply(ANSWER))
    )
    assert json.loads(text_of(fixtures)) == [
        {
            "module": "http",
            "function": "get",
            "arguments": {"url": "https://a.test/x", "headers": {"Accept": "*"}, "cache_ttl": 60},
            "reply": {
                "status_code": 200,
                "headers": {"content-type": "application/json"},
                "body": '{"ok":true}',
            },
        }
    ]
    assert text_of(fixtures).endswith("]\n")
    assert text_of(()) == "[]\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "truncated"), ("[", "truncated"), ("{}", "array"), ('[{"module": "kv"}]', "function"),
        ('[{"module": "kv", "function": "incr"}]', "there is no kv.incr"),
        ('[{"module": "kv", "function": "get", "arguments": {"key": [1]}}]', "key cannot be read"),
        ('[{"module": "kv", "function": "get", "arguments": {"key_b64": "!"}}]', "key cannot be read"),
        ('[{"module": "kv", "function": "get", "reply": {"value": true}}]', "value cannot be read"),
        ('[{"module": "kv", "function": "get", "reply": {"problem": "p", "failure": "?"}}]', "failure must be one of"),
        ('[{"module": "http", "function": "get", "reply": {"status_code": "200"}}]', "must be a number"),
        ('[{"module": "http", "function": "get", "reply": {"status_code": 200, "headers": {"a": 5}}}]', "headers"),
    ],
)  # fmt: skip
def test_a_fixture_that_cannot_be_used_is_named(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        decode_fixtures(text.encode(), "f.json")


# --- masking


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-API-Key", "X-Auth-Token", "apikey", "api_key",
     "key", "access_token", "client_secret", "password", "passwd", "private_key", "X-Amz-Signature", "sig",
     "X-Session-Id", "signing_key"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Content-Type",
        "monkey",
        "keyboard",
        "author",
        "Accept",
        "page",
        "idempotent",
        "X-Request-Id",
        "design",
    ],
)
def test_other_names(name: str) -> None:
    assert not is_secret_name(name)


SECRET = "s3cr3t-v4lue/+&é"


async def test_what_is_secret_by_name_is_masked() -> None:
    secret = SECRET.encode()
    form = b"grant_type=x&client_secret=s3cr3t-v4lue%2F%2B%26%C3%A9"
    in_json = json.dumps({"deep": [{"client_secret": SECRET, "plain": "stays"}]}).encode()
    answer = HttpAnswer(
        200, b'{"access_token": "t0ken-of-the-answer", "n": 1}', {b"set-cookie": b"sid=c00kie-value"}
    )
    fixtures = await recorded(
        (call("http.get", b"https://a.test/?a=1&token=" + secret[:12] + b"#f", {b"authorization": b"Bearer " + secret}),
         ModuleReply(answer)),
        (call("http.post", b"https://a.test/", form), ModuleReply(ANSWER)),
        (call("http.post", b"https://a.test/", in_json), ModuleReply(ANSWER)),
        (call("kv.set", b"api_token", secret), ModuleReply(None)),
        (call("kv.get", b"api_token"), ModuleReply(secret)),
        (call("kv.set", b"last", b"used t0ken-of-the-answer"), ModuleReply(None)),
    )  # fmt: skip
    text = text_of(fixtures)
    for leak in ("s3cr3t", "t0ken", "c00kie"):
        assert leak not in text
    assert "stays" in text
    assert "grant_type=x&client_secret=[REDACTED]" in text
    assert fixtures[5].arguments["value"] == "used [REDACTED]"


@pytest.mark.parametrize(
    "credential", [SECRET.encode(), json.dumps({"user": "bob", "pass": SECRET, "n": 5}).encode()]
)
async def test_a_credential_is_masked_wherever_it_goes(credential: bytes) -> None:
    used = json.loads(credential)["pass"].encode() if credential[:1] == b"{" else credential
    fixtures = await recorded(
        (call("crypto.decrypt_credential", b"K", b"AA==", b"AA=="), ModuleReply(credential)),
        (
            call("http.post", b"https://a.test/", json.dumps({"x": used.decode()}).encode()),
            ModuleReply(ANSWER),
        ),
        (call("http.get", b"https://a.test/" + b"s3cr3t-v4lue%2F%2B%26%C3%A9"), ModuleReply(ANSWER)),
        (call("kv.set", b"k", used), ModuleReply(None)),
    )
    assert "s3cr3t" not in text_of(fixtures)
    replay = RecordedModules(fixtures)
    got = (await replay.call(call("crypto.decrypt_credential", b"K", b"AA==", b"AA=="), "a")).value
    if credential[:1] == b"{":
        assert json.loads(got) == {"user": "[REDACTED]", "pass": "[REDACTED]", "n": 0}
    else:
        assert got == b"[REDACTED]"
    mask = "[REDACTED]"
    post = call("http.post", b"https://a.test/", json.dumps({"x": mask}).encode())
    assert (await replay.call(post, "a")).value == ANSWER, "a script that goes on with the mask is answered"
    assert (await replay.call(call("kv.set", b"k", mask.encode()), "a")).problem == ""


async def test_a_masked_call_is_answered_whatever_the_secret_is_now() -> None:
    def request(secret: bytes) -> ModuleCall:
        return call("http.get", b"https://a.test/?api_key=" + secret, {b"Authorization": b"Bearer " + secret})

    replay = RecordedModules(await recorded((request(b"of-the-live-run"), ModuleReply(ANSWER))))
    for secret in (b"another-one", b"[REDACTED]", b"x"):
        assert (await replay.call(request(secret), "a")).value == ANSWER
