"""The short way to the window takes what asks for the window alone, and leaves all else to the command line."""

from pathlib import Path

import pytest

from app.entry import only_window


@pytest.mark.parametrize("given", [[], ["gui"], ["gui", "shop"]])
def test_the_window_alone(given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path)
    assert only_window(given)
    assert only_window([str(tmp_path / "shop")])


@pytest.mark.parametrize(
    "given",
    [
        ["--help"],
        ["gui", "--screenshot", "a.png"],
        ["check"],
        ["check", "a.lua"],
        ["gui", "nowhere"],
        ["gui", "a", "b"],
    ],
)
def test_all_else_is_read_by_the_command_line(
    given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "check").mkdir()  # a command keeps its name whatever folders there are
    monkeypatch.chdir(tmp_path)
    assert not only_window(given)
