"""How webhooks and endpoints are named: `wh_` and a ULID, and the first 16 bytes of a SHA-256."""

from __future__ import annotations

import hashlib

from ulid import ULID


def new_webhook_id() -> str:
    """A new id; ids sort by the time they were made."""
    return f"wh_{ULID()}"


def endpoint_hash(endpoint: str) -> str:
    """What an endpoint is known by in keys and headers: 32 lower-case hex digits."""
    return hashlib.sha256(endpoint.encode()).hexdigest()[:32]
