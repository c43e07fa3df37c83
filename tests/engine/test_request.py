"""From outcome to the HTTP request: default headers, what overrides and removes them, and the signature."""

from __future__ import annotations

import shutil
import subprocess

import msgspec
import pytest

from engine.delivery.request import NEVER_SENT, build_request, check_header, signature, untransformed
from engine.errors import InvalidOutput
from engine.model import Transformed, Webhook
from engine.transform import merge_headers

NOW = 1_770_000_000
WEBHOOK = Webhook(
    id="wh_01ABC", config_id="c", endpoint="https://example.com/hook?a=1", payload=b'{"a":1}', attempt=2
)
DEFAULTS = {
    "Content-Type": "application/json",
    "User-Agent": "HOWK/1.0",
    "X-Webhook-ID": "wh_01ABC",
    "X-Webhook-Attempt": "3",
    "X-Webhook-Timestamp": "1770000000",
}


def sent(result: Transformed | None = None, webhook: Webhook = WEBHOOK) -> dict[str, str]:
    """The headers of a request, after a check that no name is there twice."""
    request = build_request(webhook, result or untransformed(webhook), user_agent="HOWK/1.0", now_unix=NOW)
    names = [name.lower() for name, _ in request.headers]
    assert len(set(names)) == len(names)
    return dict(request.headers)


def made(**fields: object) -> Transformed:
    return Transformed(**{"body": b"x", "headers": {}, **fields})  # type: ignore[arg-type]


def test_a_request_is_a_post_of_the_bytes_to_the_endpoint() -> None:
    body = bytes(range(256))
    request = build_request(WEBHOOK, made(body=body), user_agent="HOWK/1.0", now_unix=NOW)
    assert (request.method, request.url, request.body) == ("POST", WEBHOOK.endpoint, body)


def test_default_headers_come_first_and_in_their_order() -> None:
    assert list(sent().items()) == list(DEFAULTS.items())


def test_the_attempt_is_counted_from_one_for_the_receiver() -> None:
    assert sent(webhook=msgspec.structs.replace(WEBHOOK, attempt=0))["X-Webhook-Attempt"] == "1"


def test_the_webhooks_own_headers_follow() -> None:
    headers = sent(webhook=msgspec.structs.replace(WEBHOOK, headers={"X-B": "2", "X-A": "1"}))
    assert list(headers)[-2:] == ["X-B", "X-A"]


@pytest.mark.parametrize("name", ["content-type", "CONTENT-TYPE", "Content-Type"])
def test_a_header_overrides_a_default_in_any_case(name: str) -> None:
    headers = sent(made(headers={name: "text/plain"}))
    assert headers[name] == "text/plain"
    assert len(headers) == len(DEFAULTS)


@pytest.mark.parametrize("name", [*DEFAULTS, "x-webhook-id", "USER-AGENT"])
def test_a_default_header_set_to_nothing_is_not_sent(name: str) -> None:
    headers, removed = merge_headers({}, {name: ""}, {})
    names = {key.lower() for key in sent(made(headers=headers, removed_headers=removed))}
    assert names == {key.lower() for key in DEFAULTS} - {name.lower()}


def test_a_header_that_was_removed_and_set_again_is_sent() -> None:
    assert sent(made(headers={"User-Agent": "me"}, removed_headers=("user-agent",)))["User-Agent"] == "me"


def test_opting_out_drops_all_headers_that_tell_of_howk() -> None:
    webhook = msgspec.structs.replace(WEBHOOK, signing_secret="s")
    assert set(sent(made(opt_out_default_headers=True), webhook)) == {"Content-Type", "User-Agent"}


@pytest.mark.parametrize("name", [*sorted(NEVER_SENT), "Host", "Content-Length", "TRANSFER-ENCODING"])
def test_headers_of_the_connection_are_never_sent(name: str) -> None:
    webhook = msgspec.structs.replace(WEBHOOK, headers={name: "evil"})
    assert sent(webhook=webhook) == DEFAULTS
    headers, removed = merge_headers({name: "evil"}, {name: "worse"}, {name.upper(): "worst"})
    assert (headers, removed) == ({}, (name,))


def test_white_space_around_a_value_is_not_sent() -> None:
    assert sent(made(headers={"X-A": "  a b\t"}))["X-A"] == "a b"


def test_one_header_that_came_in_under_two_spellings_is_sent_once() -> None:
    webhook = msgspec.structs.replace(WEBHOOK, headers={"X-A": "1", "x-a": "2"})
    assert sent(webhook=webhook)["x-a"] == "2"


# --- signature


def test_a_signing_secret_adds_a_signature_over_what_is_sent() -> None:
    webhook = msgspec.structs.replace(WEBHOOK, signing_secret="secret")
    headers = sent(made(body=b"changed"), webhook)
    assert headers["X-Webhook-Signature"] == signature("secret", NOW, b"changed")
    assert headers["X-Webhook-Signature"] != signature("secret", NOW, WEBHOOK.payload)


def test_without_a_secret_there_is_no_signature() -> None:
    assert "X-Webhook-Signature" not in sent()


def test_the_signature_is_that_of_a_known_vector() -> None:
    # printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
    expected = "49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
    assert signature("secret", 1_700_000_000, b'{"a":1}') == f"t=1700000000,v1={expected}"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
@pytest.mark.parametrize("body", [b"", b'{"a":1}', bytes(range(256))])
def test_the_signature_is_what_openssl_computes(body: bytes) -> None:
    command = ["openssl", "dgst", "-sha256", "-hmac", "gehe!m"]
    result = subprocess.run(command, input=b"1770000000." + body, capture_output=True, check=True)
    assert signature("gehe!m", NOW, body) == f"t=1770000000,v1={result.stdout.split()[-1].decode()}"


# --- what HTTP can carry


@pytest.mark.parametrize("name", ["X-A", "x", "!#$%&'*+-.^_`|~09", "X" * 1000])
def test_a_token_is_a_header_name(name: str) -> None:
    check_header("headers", name, "v")


@pytest.mark.parametrize("name", ["", " ", "X A", "X:", "X\n", "\nX", "é", "X\0", "(", "X-A\r\nX-B", "�"])
def test_anything_else_is_none(name: str) -> None:
    with pytest.raises(InvalidOutput, match="no valid header name"):
        check_header("headers", name, "v")


@pytest.mark.parametrize("value", ["", "a", "a b", "a\tb", "é", "\u00a0", "x" * 100_000])
def test_text_is_a_header_value(value: str) -> None:
    check_header("headers", "X", value)


@pytest.mark.parametrize("character", [chr(code) for code in range(32) if code != 9] + ["\x7f"])
def test_a_control_character_is_named_with_its_place(character: str) -> None:
    with pytest.raises(InvalidOutput, match="at character 3"):
        check_header("headers", "X", f"ab{character}c")
