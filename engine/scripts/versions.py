"""How the versions of a script are counted when nobody names them."""

from __future__ import annotations

import re

_LAST_NUMBER = re.compile(r"(.*?)(\d+)", re.DOTALL)


def next_version(live: str) -> str:
    """The version after the live one: its last number plus one (`7` -> `8`, `v1.4.2` -> `v1.4.3`).

    The first version is `1`; one that does not end in a number gets one (`stable` -> `stable-2`).
    """
    if not live:
        return "1"
    match = _LAST_NUMBER.fullmatch(live)
    if match is None:
        return f"{live}-2"
    prefix, number = match.groups()
    return f"{prefix}{int(number) + 1:0{len(number)}d}"
