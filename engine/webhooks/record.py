"""A webhook as `howk.pending`, `howk.slow` and `retry_data` hold it: JSON both ways, and the headers of its record.

The payload's bytes pass through untouched, and so do fields that this version does not know.
"""

from __future__ import annotations

import msgspec

from engine.errors import HowkError
from engine.model import Webhook
from engine.webhooks.ids import endpoint_hash


class BadRecord(HowkError):
    """A record that is no webhook; `why` names the field, never a value."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"this is no webhook: {why}")


class _Wire(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The JSON object, its fields in the order in which HOWK writes them; those with defaults may be left out."""

    id: str
    config_id: str
    endpoint: str
    endpoint_hash: str
    payload: msgspec.Raw
    headers: dict[str, str] = {}
    idempotency_key: str = ""
    signing_secret: str = ""
    attempt: int
    max_attempts: int
    created_at: str
    scheduled_at: str
    script_hash: str = ""
    delivery_query_params: dict[str, str] = msgspec.field(name="_delivery_query_params", default_factory=dict)
    delivery_headers: dict[str, str] = msgspec.field(name="_delivery_headers", default_factory=dict)
    retry_on_status: tuple[int, ...] = ()


class _Read(msgspec.Struct):
    """The same for reading: Go leaves out nothing that is needed, other programs may; null is as good as absent."""

    id: str
    config_id: str
    endpoint: str
    payload: msgspec.Raw
    endpoint_hash: str | None = None
    attempt: int | None = None
    max_attempts: int | None = None
    created_at: str | None = None
    scheduled_at: str | None = None
    headers: dict[str, str] | None = None
    idempotency_key: str | None = None
    signing_secret: str | None = None
    script_hash: str | None = None
    delivery_query_params: dict[str, str] | None = msgspec.field(name="_delivery_query_params", default=None)
    delivery_headers: dict[str, str] | None = msgspec.field(name="_delivery_headers", default=None)
    retry_on_status: tuple[int, ...] | None = None


_FIELDS = frozenset(field.encode_name for field in msgspec.structs.fields(_Wire))
_OPTIONAL = tuple(field.name for field in msgspec.structs.fields(_Read) if not field.required)
_ENCODER = msgspec.json.Encoder()
_READER = msgspec.json.Decoder(_Read)
_ALL_READER = msgspec.json.Decoder(dict[str, msgspec.Raw])


def encode_webhook(webhook: Webhook) -> bytes:
    """The JSON object of a webhook. Its payload must be a JSON value, as those that came from a record are."""
    wire = _Wire(
        id=webhook.id,
        config_id=webhook.config_id,
        endpoint=webhook.endpoint,
        endpoint_hash=webhook.endpoint_hash or endpoint_hash(webhook.endpoint),
        payload=msgspec.Raw(webhook.payload),
        attempt=webhook.attempt,
        max_attempts=webhook.max_attempts,
        created_at=webhook.created_at,
        scheduled_at=webhook.scheduled_at,
        headers=webhook.headers,
        idempotency_key=webhook.idempotency_key,
        signing_secret=webhook.signing_secret,
        script_hash=webhook.script_hash,
        delivery_query_params=webhook.delivery_query_params,
        delivery_headers=webhook.delivery_headers,
        retry_on_status=webhook.retry_on_status,
    )
    data = _ENCODER.encode(wire)
    if not webhook.unknown_fields:
        return data
    rest = _ENCODER.encode({name: msgspec.Raw(raw) for name, raw in webhook.unknown_fields.items()})
    return data[:-1] + b"," + rest[1:]


def decode_webhook(data: bytes) -> Webhook:
    """The webhook of a record.

    Raises:
        BadRecord: it is none; nothing of its contents is in the message.
    """
    try:
        wire = _READER.decode(data)
        unknown = _ALL_READER.decode(data).items()
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise BadRecord(str(problem)) from problem
    except RecursionError as problem:
        raise BadRecord("it is nested too deeply") from problem
    if not wire.id or not wire.config_id or not wire.endpoint:
        raise BadRecord("`id`, `config_id` and `endpoint` must not be empty")
    given = {name: value for name in _OPTIONAL if (value := getattr(wire, name)) is not None}
    return msgspec.structs.replace(
        Webhook(wire.id, wire.config_id, wire.endpoint, bytes(wire.payload)),
        unknown_fields={name: bytes(raw) for name, raw in unknown if name not in _FIELDS},
        **given,
    )


def record_headers(webhook: Webhook) -> dict[str, str]:
    """The headers of its record in `howk.pending`."""
    return {
        "config_id": webhook.config_id,
        "endpoint_hash": webhook.endpoint_hash or endpoint_hash(webhook.endpoint),
        "attempt": str(webhook.attempt),
    }
