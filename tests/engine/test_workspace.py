"""A workspace keeps exact bytes, never half a file, and nobody's change is overwritten."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.case_file import Case, decode_case, encode_case
from engine.errors import BadInput, WorkspaceError
from engine.workspace import ChangedOnDisk, FileText, Workspace, parse_config
from engine.workspace_names import file_stem, name_of
from resources import example_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# Opening and listing.


def test_the_examples_are_a_workspace() -> None:
    workspace = Workspace.open(example_workspace())
    ids = [script.config_id for script in workspace.scripts()]
    assert ids == sorted(ids)
    assert "billing:eu" in ids
    for config_id in ids:
        assert workspace.read_script(config_id).text
        assert all(workspace.read_case(config_id, name).payload for name in workspace.cases(config_id))
        config = workspace.read_config(config_id)
        assert config is None or parse_config(config)


def test_what_is_no_folder_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkspaceError, match="no such folder"):
        Workspace.open(tmp_path / "missing")
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match="a file, not a folder"):
        Workspace.open(tmp_path / "file")

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(WorkspaceError, match=r"Permission denied.*permissions"):
        Workspace.open(tmp_path)


def test_only_scripts_are_listed(workspace: Workspace) -> None:
    for name in ("b.lua", "a%3Ab.lua", "a%3ab.lua", "%.lua", ".hidden.lua", "notes.txt", "b.json"):
        (workspace.path / name).touch()
    (workspace.path / "folder.lua").mkdir()
    assert [script.config_id for script in workspace.scripts()] == ["a:b", "b"]
    assert [path.name for path in workspace.strange_files()] == ["%.lua", "a%3ab.lua"]


def test_ten_thousand_scripts_are_listed(workspace: Workspace) -> None:
    for number in range(10_000):
        (workspace.path / f"s{number}.lua").touch()
    assert len(workspace.scripts()) == 10_000


# Names.


@pytest.mark.parametrize(
    "name", ["", " ", "a/b", "../a", "..", ".a", "a\x00b", "a\n", "x" * 201, "é" * 150, "a.", "a ", "\udcff"]
)
def test_some_names_are_refused(workspace: Workspace, name: str) -> None:
    with pytest.raises(BadInput, match="config_id"):
        workspace.read_script(name)


@given(st.text(max_size=60))
def test_a_name_is_refused_or_read_back(name: str) -> None:
    try:
        stem = file_stem(name)
    except BadInput:
        return
    assert name_of(stem) == name
    assert not set(stem) & set('/\\:<>"|?*\x00')


def test_names_that_differ_in_case_only_are_one(workspace: Workspace) -> None:
    workspace.create("Orders", b"x")
    with pytest.raises(WorkspaceError, match="a script Orders already"):
        workspace.create("orders")
    workspace.rename("Orders", "orders")
    assert [script.config_id for script in workspace.scripts()] == ["orders"]


# Reading and saving.


def test_bytes_are_kept_exactly(workspace: Workspace) -> None:
    text = "-- é\r\nlocal a = 1\n\n".encode()
    workspace.create("a", text)
    read = workspace.read_script("a")
    assert read.data == text
    assert workspace.save_script("a", read.data + b"\t", since=read).data == text + b"\t"
    assert workspace.script_path("a").read_bytes() == text + b"\t"


def test_what_is_not_utf8_is_named_and_left_alone(workspace: Workspace) -> None:
    workspace.script_path("a").write_bytes(b"one\ntwo \xe9\n")
    with pytest.raises(BadInput, match=r"line 2: byte 8 \(0xe9\)"):
        workspace.read_script("a")
    assert workspace.script_path("a").read_bytes() == b"one\ntwo \xe9\n"


def test_a_change_by_somebody_else_is_not_overwritten(workspace: Workspace) -> None:
    read = workspace.create("a", b"mine")
    workspace.script_path("a").write_bytes(b"theirs")
    with pytest.raises(ChangedOnDisk, match="changed by another program"):
        workspace.save_script("a", b"more", since=read)
    assert workspace.script_path("a").read_bytes() == b"theirs"
    workspace.script_path("a").unlink()
    with pytest.raises(ChangedOnDisk, match="deleted") as gone:
        workspace.save_script("a", b"more", since=read)
    assert gone.value.deleted
    workspace.save_script("a", b"more")
    assert files(workspace.path) == {"a.lua"}


def test_mode_and_links_are_kept(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    real = tmp_path_factory.mktemp("elsewhere") / "real.lua"
    real.write_bytes(b"old")
    real.chmod(0o640)
    workspace.script_path("a").symlink_to(real)
    workspace.save_script("a", b"new")
    assert workspace.script_path("a").is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB; needs root."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_loses_nothing(tiny_disk: Path) -> None:
    workspace = Workspace.open(tiny_disk)
    workspace.create("a", b"old text")
    with pytest.raises(WorkspaceError, match=r"not saved.*No space left.*Free some space"):
        workspace.save_script("a", bytes(200_000))
    assert workspace.read_script("a").data == b"old text"
    assert files(tiny_disk) == {"a.lua"}


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_failing_write_loses_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    workspace.create("a", b"old text")

    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(WorkspaceError, match="file on disk is as it was"):
            workspace.save_script("a", b"new text")
    assert workspace.read_script("a").data == b"old text"
    assert files(workspace.path) == {"a.lua"}


def test_a_write_protected_file_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.create("a", b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anything
    with pytest.raises(WorkspaceError, match="write-protected"):
        workspace.save_script("a", b"new")


# Moving.


def full(workspace: Workspace, config_id: str) -> None:
    workspace.create(config_id, b"code")
    workspace.save_config(config_id, b"{}")
    workspace.save_case(config_id, "one", Case(b"{}"))
    workspace.review_path(config_id).parent.mkdir(exist_ok=True)
    workspace.review_path(config_id).write_bytes(b"{}")


def test_renaming_takes_everything_along(workspace: Workspace) -> None:
    full(workspace, "a:1")
    workspace.rename("a:1", "b")
    assert files(workspace.path) == {"b.lua", "b.json", "tests/b/one.json", "reviews/b.json"}
    full(workspace, "c")
    with pytest.raises(WorkspaceError, match="a script b already"):
        workspace.rename("c", "b")
    with pytest.raises(WorkspaceError, match="no such script"):
        workspace.rename("nothing", "d")


def test_a_rename_that_fails_half_way_is_undone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    full(workspace, "a")
    before, rename = files(workspace.path), Path.rename

    def fail_on_lua(path: Path, target: Path) -> Path:
        if path.suffix == ".lua":
            raise OSError(errno.EACCES, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_on_lua)
    with pytest.raises(WorkspaceError, match="nothing was moved"):
        workspace.rename("a", "b")
    assert files(workspace.path) == before


def test_deleting_can_be_undone(workspace: Workspace) -> None:
    full(workspace, "a:1")
    before = files(workspace.path)
    trashed = workspace.delete("a:1")
    assert workspace.scripts() == ()
    assert workspace.cases("a:1") == ()
    assert (workspace.path / ".trash" / ".gitignore").read_text() == "*\n"
    workspace.restore(trashed)
    assert {name for name in files(workspace.path) if not name.startswith(".trash")} == before


# Settings and cases.


def test_broken_settings_are_kept_as_text(workspace: Workspace) -> None:
    assert workspace.read_config("a") is None
    workspace.save_config("a", b'{"x": 1,\n}')
    config = workspace.read_config("a")
    assert config is not None
    assert config.data == b'{"x": 1,\n}'
    with pytest.raises(BadInput, match=r"a\.json:1:8.*comma"):
        parse_config(config)
    with pytest.raises(BadInput, match="not an object"):
        parse_config(FileText(Path("a.json"), b"[]"))


def test_cases_are_saved_and_read(workspace: Workspace) -> None:
    text = Case('{"é":1}\r\n'.encode(), {"X-A": "1"}, {"attempt": 2}, {"body": "x"}, {"note": "kept"})
    binary = Case(b"\xff\x00")
    workspace.save_case("a:b", "first one", text)
    workspace.save_case("a:b", "binary", binary)
    assert workspace.cases("a:b") == ("binary", "first one")
    assert workspace.read_case("a:b", "first one") == text
    assert workspace.read_case("a:b", "binary") == binary
    assert '"payload": "{\\"é\\":1}\\r\\n"' in workspace.case_path("a:b", "first one").read_text()
    workspace.delete_case("a:b", "binary")
    with pytest.raises(WorkspaceError, match="cannot be read"):
        workspace.read_case("a:b", "binary")


def test_a_case_written_by_hand_may_hold_a_json_value() -> None:
    assert decode_case(b'{"payload": {"a": 1.00}}', "x").payload == b'{"a": 1.00}'
    assert decode_case(b'{"payload": null}', "x").payload == b"null"


def test_recorded_answers_are_replaced_and_the_old_ones_kept_in_the_trash(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for data in (b"[1]\n", b"[1]\n", b"[2]\n"):
        workspace.save_fixtures("a:b", "c", data)
    path = tmp_path / "tests" / "a%3Ab" / "c.fixtures.json"
    assert path.read_bytes() == b"[2]\n"
    kept = list((tmp_path / ".trash").rglob("c.fixtures.json"))
    assert [file.read_bytes() for file in kept] == [b"[1]\n"]
    assert kept[0].parent.name == "a%3Ab"
    assert workspace.cases("a:b") == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"payload": "x",}', "x.json:1:16"),
        (b"[]", "the whole file"),
        (b"{}", "no payload"),
        (b'{"payload_b64": "%%"}', "payload_b64: it is not base64"),
        (b'{"payload": "", "headers": {"A": 1}}', "headers"),
    ],
)
def test_a_damaged_case_is_named(data: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        decode_case(data, "x.json")


@given(st.binary(max_size=50), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_any_case_comes_back(payload: bytes, headers: dict[str, str]) -> None:
    try:
        encoded = encode_case(Case(payload, headers))
    except UnicodeEncodeError:
        return
    assert decode_case(encoded, "x") == Case(payload, headers)
