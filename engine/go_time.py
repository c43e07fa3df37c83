"""Times as HOWK's records carry them: RFC 3339 the way Go prints it, to the nanosecond, and the zero time of Go."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

ZERO_TIME = "0001-01-01T00:00:00Z"
_NANOSECONDS = 1_000_000_000
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def go_time(unix_ns: int | None = None) -> str:
    """A time in UTC, as Go's time.Time marshals to JSON: trailing zeros of the fraction are left out.

    Args:
        unix_ns: nanoseconds since 1970; now when None.
    """
    seconds, rest = divmod(time.time_ns() if unix_ns is None else unix_ns, _NANOSECONDS)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{whole}{fraction}Z"


def unix_ns_of(text: str) -> int:
    """Nanoseconds since 1970 of a time as Go prints it; the zero time is far below 0.

    Raises:
        ValueError: this is no RFC 3339 time.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:60]!r} is no RFC 3339 time")
    whole, fraction, zone = match.groups()
    moment = datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone))
    seconds = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return seconds * _NANOSECONDS + int((fraction or "").ljust(9, "0"))
