"""Webhooks as records: every field both ways, bytes of the payload and unknown fields kept, bad ones refused."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.go_time import ZERO_TIME, go_time, unix_ns_of
from engine.model import Webhook
from engine.webhooks.ids import endpoint_hash, new_webhook_id
from engine.webhooks.record import BadRecord, decode_webhook, encode_webhook, record_headers

MINIMAL = Webhook("wh_1", "c", "https://a.test/x", b'{"a": 1}')
FULL = Webhook(
    id="wh_1",
    config_id="wh:42",
    endpoint="https://a.test/x",
    payload=b'{ "b":1.0 ,\n"a":"\\u00e9" }',
    headers={"X-One": "1"},
    signing_secret="s3cret",
    attempt=3,
    max_attempts=5,
    created_at="2026-02-01T02:58:34.699708649-03:00",
    scheduled_at="2026-02-01T03:00:00Z",
    endpoint_hash=endpoint_hash("https://a.test/x"),
    idempotency_key="k",
    script_hash="ab" * 32,
    delivery_query_params={"token": "${TOKEN}"},
    delivery_headers={"Authorization": "Bearer ${TOKEN}"},
    retry_on_status=(404,),
    unknown_fields={"future": b'{"x": [1]}'},
)


def test_every_field_comes_back() -> None:
    assert decode_webhook(encode_webhook(FULL)) == FULL


def test_the_object_is_that_of_the_wire_contract() -> None:
    assert list(json.loads(encode_webhook(FULL))) == [
        "id",
        "config_id",
        "endpoint",
        "endpoint_hash",
        "payload",
        "headers",
        "idempotency_key",
        "signing_secret",
        "attempt",
        "max_attempts",
        "created_at",
        "scheduled_at",
        "script_hash",
        "_delivery_query_params",
        "_delivery_headers",
        "retry_on_status",
        "future",
    ]
    assert json.loads(encode_webhook(MINIMAL)) == {
        "id": "wh_1",
        "config_id": "c",
        "endpoint": "https://a.test/x",
        "endpoint_hash": endpoint_hash("https://a.test/x"),
        "payload": {"a": 1},
        "attempt": 0,
        "max_attempts": 20,
        "created_at": ZERO_TIME,
        "scheduled_at": ZERO_TIME,
    }


def test_the_bytes_of_the_payload_and_of_unknown_fields_pass_through() -> None:
    data = (
        b'{"id":"w","config_id":"c","endpoint":"e","payload": [1.0, "\\/"] ,"new":{"k": 1.50},"headers":null}'
    )
    webhook = decode_webhook(data)
    assert webhook.payload == b'[1.0, "\\/"]'
    assert (webhook.attempt, webhook.max_attempts, webhook.headers) == (0, 20, {})
    assert b'"payload":[1.0, "\\/"],' in encode_webhook(webhook)
    assert encode_webhook(webhook).endswith(b'"new":{"k": 1.50}}')


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"id":"w","config_id":"c","endpoint":"e","payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"null",
        b"{",
        b'{"id":"w"}',
        b'{"id":"w","config_id":"c","endpoint":"e"}',
        b'{"id":"","config_id":"c","endpoint":"e","payload":1}',
        b'{"id":"w","config_id":"c","endpoint":"e","payload":1,"attempt":"x"}',
        b'{"id":"w","config_id":"c","endpoint":"e","payload":1,"headers":{"a":1}}',
        b'{"id":"\xff","config_id":"c","endpoint":"e","payload":1}',
        b'{"id":"w","config_id":"c","endpoint":"e","payload":}',
    ],
)
def test_what_is_no_webhook_is_refused(data: bytes) -> None:
    with pytest.raises(BadRecord):
        decode_webhook(data)


def test_a_refusal_tells_nothing_of_the_contents() -> None:
    data = b'{"id":"w","config_id":"c","endpoint":"e","payload":1,"signing_secret":["s3cret"]}'
    with pytest.raises(BadRecord) as refused:
        decode_webhook(data)
    assert "s3cret" not in str(refused.value)
    assert "signing_secret" in str(refused.value)


def test_record_headers_are_text() -> None:
    assert record_headers(FULL) == {
        "config_id": "wh:42",
        "endpoint_hash": FULL.endpoint_hash,
        "attempt": "3",
    }


def test_ids_are_ulids_that_sort_by_time() -> None:
    ids = [new_webhook_id() for _ in range(100)]
    assert all(len(one) == 29 and one.startswith("wh_") for one in ids)
    assert len(set(ids)) == 100


def test_an_endpoint_hash_is_half_a_sha256() -> None:
    # printf https://example.com | sha256sum | cut -c1-32
    assert endpoint_hash("https://example.com") == "100680ad546ce6a577f42f52df33b4cf"


@given(st.integers(min_value=-(10**18), max_value=4 * 10**18))
def test_times_come_back(unix_ns: int) -> None:
    assert unix_ns_of(go_time(unix_ns)) == unix_ns


@pytest.mark.parametrize(
    ("text", "unix_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-02-01T02:58:34.699708649-03:00", 1769925514699708649),
        ("2026-02-01T02:58:34.5Z", 1769914714500000000),
    ],
)
def test_times_as_go_prints_them(text: str, unix_ns: int) -> None:
    assert unix_ns_of(text) == unix_ns
    if text.endswith("Z"):
        assert go_time(unix_ns) == text


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-01", "2026-02-01 02:58:34Z", "2026-13-01T00:00:00Z"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unix_ns_of(text)


def test_no_secret_is_in_the_repr() -> None:
    assert "s3cret" not in repr(FULL)
    assert msgspec.structs.replace(FULL, attempt=4).attempt == 4
