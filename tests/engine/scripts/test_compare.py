"""Kafka, Redis and a workspace side by side, and how versions are counted."""

from __future__ import annotations

import json

import pytest

from engine.model import script_hash
from engine.scripts.compare import Difference, LocalScript, compare
from engine.scripts.record import encode_script
from engine.scripts.versions import next_version
from tests.engine.scripts.cluster import script

# --- side by side


def test_the_three_side_by_side() -> None:
    live = {name: script(name) for name in ("same", "no_mirror", "other_mirror", "changed", "theirs")}
    values = {name: encode_script(one) for name, one in live.items()}
    mirror = {name: value for name, value in values.items() if name != "no_mirror"}
    mirror |= {"other_mirror": encode_script(script("other_mirror", "x = 9")), "ghost": b"{"}
    local = {name: LocalScript(one.hash, {"a": 1}) for name, one in live.items() if name != "theirs"}
    local |= {"changed": LocalScript("ff" * 32, {"a": 1}), "mine": LocalScript("ee" * 32)}
    rows = {row.config_id: row for row in compare(live, mirror, local, {("same", live["same"].hash): "zoe"})}
    assert {name: row.differences for name, row in rows.items()} == {
        "same": (),
        "no_mirror": (Difference.REDIS_MISSING,),
        "other_mirror": (Difference.REDIS_DIFFERS,),
        "changed": (Difference.WORKSPACE_DIFFERS,),
        "theirs": (Difference.ONLY_ON_CLUSTER,),
        "mine": (Difference.NOT_PUBLISHED,),
        "ghost": (Difference.REDIS_ONLY,),
    }
    assert (rows["same"].who, rows["changed"].who) == ("zoe", "")
    assert rows["ghost"].redis_hash == "-"
    assert rows["other_mirror"].redis_hash == script_hash("x = 9")


def test_another_config_is_a_difference_too() -> None:
    one = script("a")
    (row,) = compare({"a": one}, {"a": encode_script(one)}, {"a": LocalScript(one.hash, {"a": 2})}, {})
    assert row.differences == (Difference.WORKSPACE_DIFFERS,)


def test_the_same_in_other_json_is_no_difference() -> None:
    one = script("a", "x = a < b")
    entry = json.dumps(json.loads(encode_script(one)), indent=1).replace("<", "\\u003c").encode()
    assert entry != encode_script(one)
    (row,) = compare({"a": one}, {"a": entry}, {"a": LocalScript(one.hash, {"a": 1})}, {})
    assert (row.differences, row.redis_hash) == ((), one.hash)


def test_another_version_of_the_same_text_is_a_difference() -> None:
    one, two = script("a", version="1"), script("a", version="2")
    (row,) = compare({"a": two}, {"a": encode_script(one)}, {}, {})
    assert Difference.REDIS_DIFFERS in row.differences


def test_nothing_is_said_of_a_mirror_that_cannot_be_asked() -> None:
    (row,) = compare({"wh:1": script("wh:1")}, None, {}, {})
    assert (row.redis_known, row.differences, row.namespace) == (False, (Difference.ONLY_ON_CLUSTER,), "wh")


@pytest.mark.parametrize(
    ("live", "following"),
    [("", "1"), ("1", "2"), ("9", "10"), ("v2", "v3"), ("1.4.2", "1.4.3"), ("1.9", "1.10"), ("007", "008"),
     ("stable", "stable-2"), ("stable-2", "stable-3"), ("2026-01-01", "2026-01-02"), ("1.0.0-rc", "1.0.0-rc-2")],
)  # fmt: skip
def test_the_version_after_a_version(live: str, following: str) -> None:
    assert next_version(live) == following
