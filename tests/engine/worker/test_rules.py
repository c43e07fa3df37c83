"""A worker's rules that need no cluster: what is retried and when, what is kept, what is written."""

from __future__ import annotations

import json
import random

import msgspec
import pytest

from engine.model import Webhook
from engine.settings import DeadLetterSettings, RetrySettings, Seconds
from engine.webhooks.ids import endpoint_hash
from engine.webhooks.status import WebhookState
from engine.worker.records import (
    KEPT_ANSWER_BYTES,
    DeadLetter,
    DeliveryResult,
    ReasonType,
    dead_letter_headers,
    encode_dead_letter,
    encode_result,
    encode_state,
    result_headers,
    state_headers,
)
from engine.worker.redaction import redacted
from engine.worker.retry import delay_seconds, is_last, is_success, may_be_retried

NOW_NS = 1769914714500000000  # 2026-02-01T02:58:34.5Z
WEBHOOK = Webhook(
    "wh_1", "wh:42", "https://a.test/x", b'{"a": 1.0}', {"X": "1", "authorization": "s3cret"},
    attempt=3, script_hash="ab", unknown_fields={"later": b"[1]"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("status", "also", "retried"),
    [
        (None, (), True), (500, (), True), (503, (), True), (599, (), True), (408, (), True), (429, (), True),
        (400, (), False), (401, (), False), (404, (), False), (404, (404,), True), (301, (), False), (100, (), False),
    ],
)  # fmt: skip
def test_what_is_retried(status: int | None, also: tuple[int, ...], retried: bool) -> None:
    assert may_be_retried(status, also) is retried


@pytest.mark.parametrize(
    ("status", "good"), [(199, False), (200, True), (204, True), (299, True), (300, False)]
)
def test_what_is_a_success(status: int, good: bool) -> None:
    assert is_success(status) is good


def test_the_last_attempt() -> None:
    assert [is_last(attempt, 3) for attempt in range(4)] == [False, False, True, True]
    assert is_last(0, 1)


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(0, 10), (1, 20), (2, 40), (9, 5120), (10, 10240), (11, 10240), (100, 10240)]
)
def test_delays_double_up_to_the_tenth(attempt: int, seconds: float) -> None:
    settings = RetrySettings(jitter=0)
    assert delay_seconds(attempt, settings, random.Random(1)) == seconds


def test_delays_have_a_limit_and_a_jitter() -> None:
    settings = RetrySettings(max_delay=Seconds(100), jitter=0.2)
    chance = random.Random(1)
    found = [delay_seconds(9, settings, chance) for _ in range(1000)]
    assert 80 <= min(found) < 82
    assert 118 < max(found) <= 120


def test_credentials_are_taken_out_and_nothing_else() -> None:
    clean = redacted(WEBHOOK, DeadLetterSettings())
    assert list(clean.headers.items()) == [("X", "1"), ("authorization", "[REDACTED]")]
    assert msgspec.structs.replace(clean, headers=WEBHOOK.headers) == WEBHOOK
    assert redacted(WEBHOOK, DeadLetterSettings(disable_redaction=True)) == WEBHOOK
    other = redacted(WEBHOOK, DeadLetterSettings(redact_headers=("x",)))
    assert other.headers == {"X": "[REDACTED]", "authorization": "s3cret"}


def test_a_result_is_that_of_the_wire_contract() -> None:
    result = DeliveryResult(False, 1_500_000, NOW_NS, True, 503, "503 Service Unavailable", NOW_NS + 10**9)
    assert json.loads(encode_result(WEBHOOK, result)) == {
        "webhook_id": "wh_1",
        "config_id": "wh:42",
        "endpoint": "https://a.test/x",
        "endpoint_hash": endpoint_hash("https://a.test/x"),
        "attempt": 3,
        "success": False,
        "status_code": 503,
        "error": "503 Service Unavailable",
        "duration_ns": 1_500_000,
        "timestamp": "2026-02-01T02:58:34.5Z",
        "should_retry": True,
        "next_retry_at": "2026-02-01T02:58:35.5Z",
    }
    assert result_headers(WEBHOOK, result)["success"] == "false"
    plain = json.loads(encode_result(WEBHOOK, DeliveryResult(True, 1, NOW_NS, False, 200)))
    assert not {"error", "next_retry_at"} & plain.keys()


def test_a_dead_letter_is_that_of_the_wire_contract() -> None:
    letter = DeadLetter("gave up", ReasonType.EXHAUSTED, NOW_NS, "500", 500, b"\xff" + b"x" * 5000)
    told = json.loads(encode_dead_letter(WEBHOOK, letter))
    assert list(told) == [
        "webhook", "reason", "reason_type", "last_error", "status_code", "response_body", "time",
    ]  # fmt: skip
    assert told["webhook"]["later"] == [1]
    assert (told["reason_type"], told["time"]) == ("exhausted", "2026-02-01T02:58:34.5Z")
    assert told["response_body"] == "\ufffd" + "x" * (KEPT_ANSWER_BYTES - 1)
    assert dead_letter_headers(WEBHOOK, letter) == {
        "config_id": "wh:42",
        "reason": "gave up",
        "reason_type": "exhausted",
    }


def test_a_snapshot_holds_the_webhook_and_its_state() -> None:
    data = encode_state(WEBHOOK, WebhookState.FAILED, NOW_NS, next_retry_at_ns=NOW_NS, last_error="x")
    told = json.loads(data)
    assert "id" not in told
    assert (told["webhook_id"], told["state"], told["updated_at_ns"]) == ("wh_1", "failed", NOW_NS)
    assert (told["next_retry_at"], told["last_error"], told["later"]) == ("2026-02-01T02:58:34.5Z", "x", [1])
    assert b'"payload":{"a": 1.0}' in data
    assert state_headers(WEBHOOK, WebhookState.FAILED)["type"] == "state"
    assert state_headers(WEBHOOK, WebhookState.DELIVERED)["type"] == "tombstone"
