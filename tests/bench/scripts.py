"""The scripts and payloads that are measured."""

from __future__ import annotations

import json
from dataclasses import dataclass

KB = 1024
MB = 1024 * KB

MISSION_LINES = (
    'headers["X-Transformed"] = "by-lua-script"',
    'headers["X-Original-Payload"] = payload',
    'headers["X-Config"] = metadata.config_id',
    'local json = require("json")',
    "local data = json.decode(payload)",
    "data.enriched = true",
    "request.body = json.encode(data)",
)
MISSION = "\n".join(MISSION_LINES)
MISSION_PAYLOAD = b'{"foo":"bar"}'

HEADERS = """
headers["X-Transformed"] = "by-lua-script"
headers["X-Config"] = metadata.config_id
headers["X-Size"] = #payload
"""
JSON = """
local json = require("json")
local data = json.decode(payload)
data.enriched = true
for _, item in ipairs(data.items) do
  item.total = item.price * item.quantity
end
request.body = json.encode(data)
"""
FIB = """
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
request.body = tostring(fib(24))
"""
STRINGS = """
local parts = {}
for i = 1, 2000 do
  parts[#parts + 1] = string.format("%05d:%s", i, string.rep("x", i % 16))
end
request.body = table.concat(parts, ",")
"""


def json_payload(size: int, *, lines: bool = False) -> bytes:
    """An order of about `size` bytes: objects in a list, one a line where `lines` says so."""
    items, total, place = [], 30, 0
    while total < size:
        text = f'{{"sku":"A-{place:06d}","name":"item {place}","price":{place % 97}.5,"quantity":{place % 7 + 1}}}'
        items.append(text)
        total += len(text) + 1
        place += 1
    between = ",\n" if lines else ","
    return f'{{"id":"ord_1","items":[{between.join(items)}]}}'.encode()


def flat_payload(size: int) -> bytes:
    """A small object with one long text in it."""
    return json.dumps({"foo": "bar", "text": "x" * (size - 30)}).encode()


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the engine's table."""

    name: str
    source: str
    payload: bytes


CASES = (
    Case("empty script", "", MISSION_PAYLOAD),
    Case("the mission's example, 13 bytes", MISSION, MISSION_PAYLOAD),
    Case("the mission's example, 1 KB", MISSION, flat_payload(KB)),
    Case("headers only, 1 KB", HEADERS, flat_payload(KB)),
    Case("JSON transform, 10 KB", JSON, json_payload(10 * KB)),
    Case("JSON transform, 100 KB", JSON, json_payload(100 * KB)),
    Case("JSON transform, 1 MB", JSON, json_payload(MB)),
    Case("compute, fib(24)", FIB, MISSION_PAYLOAD),
    Case("string building, 2,000 pieces", STRINGS, MISSION_PAYLOAD),
)
