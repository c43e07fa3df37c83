"""Unsaved text survives, and damaged drafts are set aside instead of lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.drafts import Draft, DraftStore, LoadedDrafts
from engine.errors import WorkspaceError


def test_a_draft_comes_back_byte_for_byte(tmp_path: Path) -> None:
    store = DraftStore(tmp_path / "drafts")
    assert store.load_all() == LoadedDrafts(())
    store.save("/scripts/a.lua", b"old")
    store.save("/scripts/a.lua", b'{"x":1}\n\xff\x00\r\n', {"cursor": "12"})
    store.save("untitled:1", b"")
    assert DraftStore(tmp_path / "drafts").load_all().drafts == (
        Draft("/scripts/a.lua", b'{"x":1}\n\xff\x00\r\n', {"cursor": "12"}),
        Draft("untitled:1", b""),
    )


def test_a_discarded_draft_is_gone(tmp_path: Path) -> None:
    store = DraftStore(tmp_path)
    store.save("a", b"text")
    store.discard("a")
    store.discard("a")
    assert store.load_all().drafts == ()


@pytest.mark.parametrize("damage", [b"", b"\x00" * 80, b'{"key":"a"}\ntext'])
def test_a_damaged_draft_is_set_aside_and_reported(tmp_path: Path, damage: bytes) -> None:
    store = DraftStore(tmp_path)
    store.save("a", b"text")
    store.save("b", b"fine")
    for _ in range(2):
        store._path("a").write_bytes(damage)
        loaded = store.load_all()
        assert [draft.key for draft in loaded.drafts] == ["b"]
        assert [path.read_bytes() for path in loaded.set_aside] == [damage]
    assert len(list(tmp_path.glob("*.damaged"))) == 2


def test_a_cut_off_draft_is_noticed(tmp_path: Path) -> None:
    store = DraftStore(tmp_path)
    store.save("a", b"some text")
    path = store._path("a")
    path.write_bytes(path.read_bytes()[:-1])
    assert store.load_all().drafts == ()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "drafts").write_text("a file")
    with pytest.raises(WorkspaceError, match="cannot be kept safe"):
        DraftStore(tmp_path / "drafts").save("a", b"text")
