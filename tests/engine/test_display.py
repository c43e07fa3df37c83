"""Bodies, differences, headers and requests are shown as they are, within bounds."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.display import BodyKind, DiffKind, HeaderKind, HeaderRow
from engine.display_body import body_text, human_size
from engine.display_diff import _Comparison, diff
from engine.display_request import header_rows, request_text
from engine.model import OutgoingRequest, Transformed

# Bodies.


def test_json_is_shown_indented() -> None:
    shown = body_text(b'{"b":1.0,"a":[]}')
    assert (shown.kind, shown.text, shown.note) == (BodyKind.JSON, '{\n  "b": 1.0,\n  "a": []\n}', "")
    assert shown.size_bytes == 16


def test_text_is_shown_as_it_is() -> None:
    assert body_text(b"a=1&b=2\r\n").text == "a=1&b=2\r\n"
    assert body_text(b"").kind is BodyKind.EMPTY


@pytest.mark.parametrize("body", [b"\x89PNG\r\n\x1a\n", b"plain\x00text"])
def test_what_is_no_text_is_shown_as_bytes(body: bytes) -> None:
    shown = body_text(body)
    assert shown.kind is BodyKind.HEX
    assert shown.text.startswith("00000000  ")
    assert "shown as bytes" in shown.note


def test_hex_rows_line_up() -> None:
    rows = body_text(bytes(range(0x1E, 0x31))).text.split("\n")
    assert rows[0] == "00000000  1e 1f 20 21 22 23 24 25  26 27 28 29 2a 2b 2c 2d  .. !\"#$%&'()*+,-"
    assert rows[1] == "00000010  2e 2f 30" + " " * 42 + "./0"


def test_a_long_body_is_cut_between_characters_and_counted() -> None:
    shown = body_text("é".encode() * 100, limit=33)
    assert shown.text == "é" * 16
    assert shown.note == "Shown are the first 32 of 200 bytes."
    assert "first 16 of 1,000 bytes" in body_text(b"\xff" * 1000, limit=100).note


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 KB"),
        (1536, "1.5 KB"),
        (50 << 20, "50 MB"),
    ],
)
def test_sizes_read_well(size: int, text: str) -> None:
    assert human_size(size) == text


# Differences.


def test_a_change_has_three_lines_of_context() -> None:
    left = "\n".join(f"line {i}" for i in range(100)).encode()
    rows, note = diff(left, left.replace(b"line 50", b"new"))
    assert note == ""
    assert [(row.kind, row.text, row.left, row.right) for row in rows[3:6]] == [
        (DiffKind.SAME, "line 49", 50, 50),
        (DiffKind.REMOVED, "line 50", 51, None),
        (DiffKind.ADDED, "new", None, 51),
    ]
    assert [row.text for row in rows if row.kind is DiffKind.GAP] == [
        "47 unchanged lines",
        "46 unchanged lines",
    ]


def test_json_is_compared_formatted() -> None:
    assert diff(b'{"a":1}', b'{ "a": 1 }') == ((), "Only white space differs.")
    assert diff(b"x", b"x") == ((), "No difference.")
    rows, _ = diff(b'{"a":1,"b":2}', b'{"a":1,"b":3}')
    assert [row.text for row in rows if row.kind is DiffKind.ADDED] == ['  "b": 3']


def test_all_of_a_body_may_be_new() -> None:
    rows, _ = diff(b"", b"one\ntwo")
    assert [(row.kind, row.right) for row in rows] == [(DiffKind.ADDED, 1), (DiffKind.ADDED, 2)]


def test_lines_after_the_last_equal_one_have_context_too() -> None:
    rows, _ = diff(b"\n".join([b"%d" % i for i in range(9)]), b"\n".join([b"%d" % i for i in range(10)]))
    assert [row.text for row in rows] == ["6 unchanged lines", "6", "7", "8", "9"]


LINES = st.lists(st.sampled_from("abcdefg"), max_size=25)


@given(LINES, LINES)
@settings(max_examples=400, deadline=None)
def test_matches_are_equal_rising_and_complete(left: list[str], right: list[str]) -> None:
    matches = _Comparison(left, right).matches()
    at_left = at_right = 0
    for match in matches:
        assert match.left >= at_left
        assert match.right >= at_right
        skipped = set(left[at_left : match.left][:1]) & set(right[at_right : match.right][:1])
        assert not skipped, "two equal lines that start a gap were not matched"
        at_left, at_right = match.left + match.size, match.right + match.size
        assert left[match.left : at_left] == right[match.right : at_right]
    assert (at_left, at_right) == (len(left), len(right))


@pytest.mark.parametrize("words", [["alpha", "beta", "gamma"], [f"{i:x}" for i in range(5000)]])
def test_a_megabyte_with_little_in_common_is_bounded(words: list[str]) -> None:
    chance = random.Random(4)
    left, right = ("\n".join(chance.choices(words, k=170_000)).encode() for _ in range(2))
    started = time.process_time()
    rows, note = diff(left, right)
    assert time.process_time() - started < 3  # about 0.6 s on a quiet machine
    assert "shown as replaced" in note
    assert {row.kind for row in rows} >= {DiffKind.ADDED, DiffKind.REMOVED}
    assert any(row.text.endswith("more added lines") for row in rows if row.kind is DiffKind.GAP)


def test_few_changes_in_much_are_found_exactly() -> None:
    lines = [f'  "key{i % 50}": {i % 7},' for i in range(5000)]
    changed = [*lines[:100], "new", *lines[100:3000], *lines[3002:]]
    rows, note = diff("\n".join(lines).encode(), "\n".join(changed).encode())
    assert note == ""
    assert sum(row.kind is DiffKind.ADDED for row in rows) == 1
    assert sum(row.kind is DiffKind.REMOVED for row in rows) == 2


# Headers and the request.

REQUEST = OutgoingRequest(
    "POST",
    "https://user:secret@hooks.example.com:8443/in/1?x=%20y#part",
    (("Content-Type", "application/json"), ("X-Kept", "1"), ("x-changed", "new"), ("X-Added", "yes")),
    b'{"a":1}',
)


def test_header_rows_say_what_became_of_each() -> None:
    incoming = {"x-kept": "1", "X-Changed": "old", "X-Removed": "gone", "content-type": "text/plain"}
    result = Transformed(
        b"", {"x-kept": "1", "x-changed": "new", "X-Added": "yes"}, ("X-Removed", "content-type")
    )
    assert header_rows(incoming, REQUEST, result) == (
        HeaderRow(HeaderKind.DEFAULT, "Content-Type", "application/json", "text/plain"),
        HeaderRow(HeaderKind.SAME, "X-Kept", "1"),
        HeaderRow(HeaderKind.CHANGED, "x-changed", "new", "old"),
        HeaderRow(HeaderKind.ADDED, "X-Added", "yes"),
        HeaderRow(HeaderKind.REMOVED, "X-Removed", "", "gone"),
    )


def test_the_request_reads_as_http() -> None:
    assert request_text(REQUEST).split("\n") == [
        "POST /in/1?x=%20y HTTP/1.1",
        "Host: hooks.example.com:8443",
        "Content-Type: application/json",
        "X-Kept: 1",
        "x-changed: new",
        "X-Added: yes",
        "Content-Length: 7",
        "",
        '{"a":1}',
    ]


def test_a_binary_or_long_body_of_a_request_is_bounded() -> None:
    binary = OutgoingRequest("POST", "http://a", (("Host", "b"),), b"\xff" * 100_000)
    assert "POST / HTTP/1.1\nHost: b\nContent-Length: 100000\n\n00000000  ff" in request_text(binary)
    assert request_text(binary).endswith("… the first 16,384 of 100,000 bytes")
    long = OutgoingRequest("POST", "http://a", (), b"x" * 1_000_000)
    assert request_text(long).endswith("… the first 262,144 of 1,000,000 bytes")
