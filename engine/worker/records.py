"""What a worker writes about a webhook: its result, its dead letter, and the snapshot of its state."""

from __future__ import annotations

import enum

import msgspec

from engine.go_time import go_time
from engine.model import Webhook
from engine.webhooks.ids import endpoint_hash
from engine.webhooks.record import encode_webhook
from engine.webhooks.status import WebhookState

KEPT_ANSWER_BYTES = 1024


class ReasonType(enum.StrEnum):
    """Why a webhook is a dead letter; the values are read by other programs."""

    EXHAUSTED = "exhausted"
    UNRECOVERABLE = "unrecoverable"
    SCRIPT_DISABLED = "script_disabled"
    SCRIPT_NOT_FOUND = "script_not_found"
    SCRIPT_SYNTAX_ERROR = "script_syntax_error"
    SCRIPT_RUNTIME_ERROR = "script_runtime_error"
    SCRIPT_TIMEOUT = "script_timeout"
    SCRIPT_MEMORY_LIMIT = "script_memory_limit"
    CRYPTO_KEY_NOT_FOUND = "crypto_key_not_found"
    SCRIPT_INVALID_OUTPUT = "script_invalid_output"


class DeliveryResult(msgspec.Struct, frozen=True):
    """One attempt; `duration_ns` is nanoseconds, times are nanoseconds since 1970."""

    success: bool
    duration_ns: int
    at_ns: int
    should_retry: bool
    status_code: int | None = None
    error: str = ""
    next_retry_at_ns: int | None = None


class DeadLetter(msgspec.Struct, frozen=True):
    """Why a webhook is given up; `reason` is for people, `answer` the beginning of the receiver's."""

    reason: str
    reason_type: ReasonType
    at_ns: int
    last_error: str = ""
    status_code: int | None = None
    answer: bytes = b""


class _Result(msgspec.Struct, omit_defaults=True, kw_only=True):
    webhook_id: str
    config_id: str
    endpoint: str
    endpoint_hash: str
    attempt: int
    success: bool
    status_code: int = 0
    error: str = ""
    duration_ns: int
    timestamp: str
    should_retry: bool
    next_retry_at: str = ""


class _DeadLetter(msgspec.Struct, omit_defaults=True, kw_only=True):
    webhook: msgspec.Raw
    reason: str
    reason_type: str
    last_error: str = ""
    status_code: int = 0
    response_body: str = ""
    time: str


class _State(msgspec.Struct, omit_defaults=True, kw_only=True):
    state: WebhookState
    updated_at_ns: int
    next_retry_at: str = ""
    last_error: str = ""


_ENCODER = msgspec.json.Encoder()


def encode_result(webhook: Webhook, result: DeliveryResult) -> bytes:
    """The record of an attempt for `howk.results`."""
    return _ENCODER.encode(
        _Result(
            webhook_id=webhook.id,
            config_id=webhook.config_id,
            endpoint=webhook.endpoint,
            endpoint_hash=_hash_of(webhook),
            attempt=webhook.attempt,
            success=result.success,
            status_code=result.status_code or 0,
            error=result.error,
            duration_ns=result.duration_ns,
            timestamp=go_time(result.at_ns),
            should_retry=result.should_retry,
            next_retry_at="" if result.next_retry_at_ns is None else go_time(result.next_retry_at_ns),
        )
    )


def result_headers(webhook: Webhook, result: DeliveryResult) -> dict[str, str]:
    """The headers of that record."""
    return {
        "config_id": webhook.config_id,
        "endpoint_hash": _hash_of(webhook),
        "success": "true" if result.success else "false",
    }


def encode_dead_letter(webhook: Webhook, letter: DeadLetter) -> bytes:
    """The record for `howk.deadletter`. The webhook is written as it is: redact it first."""
    return _ENCODER.encode(
        _DeadLetter(
            webhook=msgspec.Raw(encode_webhook(webhook)),
            reason=letter.reason,
            reason_type=letter.reason_type.value,
            last_error=letter.last_error,
            status_code=letter.status_code or 0,
            response_body=letter.answer[:KEPT_ANSWER_BYTES].decode("utf-8", "replace"),
            time=go_time(letter.at_ns),
        )
    )


def dead_letter_headers(webhook: Webhook, letter: DeadLetter) -> dict[str, str]:
    """The headers of that record."""
    return {
        "config_id": webhook.config_id,
        "reason": letter.reason,
        "reason_type": letter.reason_type.value,
    }


def encode_state(
    webhook: Webhook,
    state: WebhookState,
    updated_at_ns: int,
    *,
    next_retry_at_ns: int | None = None,
    last_error: str = "",
) -> bytes:
    """The snapshot for `howk.state`: the webhook's fields, `webhook_id` for `id`, and its state."""
    body = encode_webhook(webhook)
    own = _ENCODER.encode(
        _State(
            state=state,
            updated_at_ns=updated_at_ns,
            next_retry_at="" if next_retry_at_ns is None else go_time(next_retry_at_ns),
            last_error=last_error,
        )
    )
    return b'{"webhook_id":' + body.removeprefix(b'{"id":')[:-1] + b"," + own[1:]


def state_headers(webhook: Webhook, state: WebhookState) -> dict[str, str]:
    """The headers of a snapshot; of a terminal state the record is empty, and of the type `tombstone`."""
    kind = "tombstone" if state in (WebhookState.DELIVERED, WebhookState.EXHAUSTED) else "state"
    return {"config_id": webhook.config_id, "state": state.value, "type": kind}


def _hash_of(webhook: Webhook) -> str:
    return webhook.endpoint_hash or endpoint_hash(webhook.endpoint)
