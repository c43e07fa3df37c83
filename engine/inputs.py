"""Reads what a person hands to a run as files: script, payload, headers, metadata, script_config.

Every refusal is a BadInput that names the file, the field and what to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from engine.errors import BadInput
from engine.model import DEFAULT_MAX_ATTEMPTS, PreviousError, Webhook
from engine.scripts.validate import check_encoding

PREVIEW_ENDPOINT = "https://receiver.example/webhooks"
PREVIEW_WEBHOOK_ID = "wh_01JG8X5M2N7QK4T0V9R3C6Y1ZB"
PREVIEW_CREATED_AT = "2026-01-01T00:00:00Z"

_Count = Annotated[int, msgspec.Meta(ge=0, le=0x7FFFFFFF)]


class Metadata(msgspec.Struct, frozen=True):
    """The metadata file of a preview: every field may be left out; unknown ones are ignored."""

    webhook_id: str = PREVIEW_WEBHOOK_ID
    config_id: str = ""
    attempt: _Count = 0
    max_attempts: _Count = DEFAULT_MAX_ATTEMPTS
    created_at: str = PREVIEW_CREATED_AT
    endpoint: str = PREVIEW_ENDPOINT
    signing_secret: str = ""
    previous_error: PreviousError | None = None


def read_bytes(path: Path, what: str, limit: int | None = None) -> bytes:
    """The bytes of a file.

    Raises:
        BadInput: the file cannot be read, or is larger than `limit` bytes.
    """
    try:
        size = path.stat().st_size
        if limit is not None and size > limit:
            why = f"{size / 1048576:.0f} MB is more than the {limit / 1048576:.0f} MB that can be shown."
            raise BadInput(what, str(path), why, "Take a smaller part of it.")
        return path.read_bytes()
    except OSError as problem:
        why = f"{problem.strerror or problem}."
        raise BadInput(what, str(path), why, "Check the path and its permissions.") from problem


def read_script(path: Path) -> bytes:
    """The source of a script.

    Raises:
        BadInput: the file cannot be read or is not UTF-8.
    """
    source = read_bytes(path, "script")
    check_encoding(source, str(path))
    return source


def _read_json(path: Path, what: str, kind: Any) -> Any:
    data = read_bytes(path, what)
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise BadInput(
            what, str(path), f"{problem}.", "It must be one JSON object; see the README."
        ) from problem


def read_headers(path: Path | None) -> dict[str, str]:
    """Headers from a JSON object of strings; none when there is no file.

    Raises:
        BadInput: the file cannot be read or holds something else.
    """
    return {} if path is None else dict(_read_json(path, "headers", dict[str, str]))


def read_metadata(path: Path | None, config_id: str) -> tuple[Webhook, PreviousError | None]:
    """A webhook without its payload, and the previous error; defaults where there is no file.

    Raises:
        BadInput: the file cannot be read or a field has the wrong type.
    """
    metadata: Metadata = Metadata() if path is None else _read_json(path, "metadata", Metadata)
    return webhook_of(metadata, config_id), metadata.previous_error


def webhook_of(metadata: Metadata, config_id: str) -> Webhook:
    """A webhook that has these metadata and neither payload nor headers yet."""
    return Webhook(
        id=metadata.webhook_id,
        config_id=metadata.config_id or config_id,
        endpoint=metadata.endpoint,
        payload=b"",
        signing_secret=metadata.signing_secret,
        attempt=metadata.attempt,
        max_attempts=metadata.max_attempts,
        created_at=metadata.created_at,
    )


def read_script_config(path: Path) -> dict[str, Any]:
    """The script_config beside a script; empty when there is no such file.

    Raises:
        BadInput: the file is there but cannot be read or is not a JSON object.
    """
    return dict(_read_json(path, "script_config", dict[str, Any])) if path.exists() else {}
