"""From a webhook and what its script made of it to the HTTP request that is sent: the one place that decides this.

The preview shows what `build_request` returns; the worker sends it.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from engine.errors import InvalidOutput
from engine.model import OutgoingRequest, Transformed, Webhook

NEVER_SENT = frozenset({"host", "content-length", "transfer-encoding", "trailer"})
"""Headers that belong to the connection: the HTTP client sets them, and a webhook or script cannot."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def check_header(field: str, name: str, value: str) -> None:
    """Refuses a header that HTTP cannot carry (RFC 9110, 5.1 and 5.5).

    Raises:
        InvalidOutput: names `field` and the header, and what is wrong with it.
    """
    if not _TOKEN.fullmatch(name):
        shown = name if len(name) <= 60 else name[:60] + "..."
        raise InvalidOutput(f'{field}["{shown}"]', "is no valid header name (letters, digits and - are)")
    bad = _CONTROL.search(value)
    if bad is not None:
        what = {"\n": "a line break", "\r": "a line break", "\0": "a NUL byte"}.get(
            bad[0], "a control character"
        )
        raise InvalidOutput(
            f'{field}["{name}"]', f"holds {what} at character {bad.start() + 1}; HTTP cannot carry it"
        )


def untransformed(webhook: Webhook) -> Transformed:
    """A webhook that has no script: its payload and headers as they came."""
    headers = {name: value for name, value in webhook.headers.items() if name.lower() not in NEVER_SENT}
    return Transformed(body=webhook.payload, headers=headers)


def build_request(
    webhook: Webhook, result: Transformed, *, user_agent: str, now_unix: int
) -> OutgoingRequest:
    """The request for one delivery attempt.

    Args:
        webhook: gives endpoint, id, attempt and signing secret.
        result: gives body and headers.
        user_agent: the User-Agent unless a header overrides it.
        now_unix: Unix seconds, for X-Webhook-Timestamp and the signature.
    """
    headers = _default_headers(webhook, result, user_agent, now_unix)
    gone = {name.lower() for name in result.removed_headers}
    merged = {name.lower(): (name, value) for name, value in headers if name.lower() not in gone}
    for name, value in result.headers.items():
        merged[name.lower()] = (name, value.strip(" \t"))
    return OutgoingRequest("POST", webhook.endpoint, tuple(merged.values()), result.body)


def _default_headers(
    webhook: Webhook, result: Transformed, user_agent: str, now_unix: int
) -> list[tuple[str, str]]:
    headers = [("Content-Type", "application/json"), ("User-Agent", user_agent)]
    if result.opt_out_default_headers:
        return headers
    headers += [
        ("X-Webhook-ID", webhook.id),
        ("X-Webhook-Attempt", str(webhook.attempt + 1)),
        ("X-Webhook-Timestamp", str(now_unix)),
    ]
    if webhook.signing_secret:
        headers.append(("X-Webhook-Signature", signature(webhook.signing_secret, now_unix, result.body)))
    return headers


def signature(secret: str, now_unix: int, body: bytes) -> str:
    """`t={ts},v1={hex}`: HMAC-SHA256 over the timestamp, a dot and the body."""
    digest = hmac.new(secret.encode(), f"{now_unix}.".encode() + body, hashlib.sha256)
    return f"t={now_unix},v1={digest.hexdigest()}"
