"""Shows the outgoing request: where each header comes from, and the request as it goes over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from engine.display import HeaderKind, HeaderRow
from engine.display_body import hex_dump, is_text
from engine.model import OutgoingRequest, Transformed

SHOWN_BODY_BYTES = 256 * 1024
SHOWN_BINARY_BYTES = 16 * 1024


def header_rows(
    incoming: Mapping[str, str], request: OutgoingRequest, result: Transformed
) -> tuple[HeaderRow, ...]:
    """What became of every header: those sent in their order, then those that came in and are not sent.

    Names mean the same in any case. A default that took the place of an incoming header carries it in `before`.
    """
    came_in = {name.lower(): value for name, value in incoming.items()}
    from_script = {name.lower() for name in result.headers}
    rows = [_sent_row(name, value, came_in, from_script) for name, value in request.headers]
    sent = {name.lower() for name, _ in request.headers}
    rows.extend(
        HeaderRow(HeaderKind.REMOVED, name, "", before=value)
        for name, value in incoming.items()
        if name.lower() not in sent
    )
    return tuple(rows)


def _sent_row(name: str, value: str, came_in: Mapping[str, str], from_script: set[str]) -> HeaderRow:
    before = came_in.get(name.lower())
    if name.lower() not in from_script:
        return HeaderRow(HeaderKind.DEFAULT, name, value, before)
    if before is None:
        return HeaderRow(HeaderKind.ADDED, name, value)
    if before == value:
        return HeaderRow(HeaderKind.SAME, name, value)
    return HeaderRow(HeaderKind.CHANGED, name, value, before)


def request_text(request: OutgoingRequest) -> str:
    """The request as HTTP/1.1 writes it, lines ending in a plain line break; a long body is cut with a note."""
    target, host = _target(request.url)
    lines = [f"{request.method} {target} HTTP/1.1"]
    if request.header("Host") is None:
        lines.append(f"Host: {host}")
    lines.extend(f"{name}: {_one_line(value)}" for name, value in request.headers)
    if request.header("Content-Length") is None:
        lines.append(f"Content-Length: {len(request.body)}")
    return "\n".join([*lines, "", _body(request.body)])


def _target(url: str) -> tuple[str, str]:
    """Path with query, and host with port. Credentials in a URL are never shown."""
    try:
        parts = urlsplit(url)
    except ValueError:  # it could not be sent either, but the reader may still see what it says
        return url, ""
    host = parts.netloc.rpartition("@")[2]
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), host


def _one_line(value: str) -> str:
    return value.replace("\r", "\\r").replace("\n", "\\n")


def _body(body: bytes) -> str:
    if is_text(body):
        if len(body) <= SHOWN_BODY_BYTES:
            return body.decode("utf-8")
        shown = body[:SHOWN_BODY_BYTES].decode("utf-8", "ignore")
        return f"{shown}\n… the first {len(shown.encode('utf-8')):,} of {len(body):,} bytes"
    if len(body) <= SHOWN_BINARY_BYTES:
        return hex_dump(body)
    return f"{hex_dump(body[:SHOWN_BINARY_BYTES])}\n… the first {SHOWN_BINARY_BYTES:,} of {len(body):,} bytes"
