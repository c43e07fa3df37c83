"""The workspace tree: groups, filter, keys, and a refresh that leaves everything in place."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.scripts.review import Standing
from widgets.workspace_rows import ScriptEntry, grouped, short_name
from widgets.workspace_tree import WorkspaceTree

ENTRIES = (
    ScriptEntry("orders:created", "/w/orders%3Acreated.lua", "draft"),
    ScriptEntry("orders:paid", "/w/orders%3Apaid.lua"),
    ScriptEntry("users:new", "/w/users%3Anew.lua"),
)


@pytest.fixture
def tree(qtbot: QtBot) -> WorkspaceTree:
    made = WorkspaceTree()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.set_entries(ENTRIES)
    return made


def test_only_shared_namespaces_become_groups() -> None:
    groups = grouped(ENTRIES)
    assert [(group.name, len(group.entries)) for group in groups] == [("orders", 2), ("", 1)]
    assert short_name(ENTRIES[0], "orders") == "created"
    assert short_name(ScriptEntry("orders"), "orders") == "orders"


def test_keys_open_rename_and_delete(qtbot: QtBot, tree: WorkspaceTree) -> None:
    tree.select("orders:paid")
    tree.tree.setFocus()
    for key, signal in (
        (Qt.Key.Key_Return, tree.open_requested),
        (Qt.Key.Key_F2, tree.rename_requested),
        (Qt.Key.Key_Delete, tree.delete_requested),
    ):
        with qtbot.waitSignal(signal) as emitted:
            qtbot.keyClick(tree.tree, key)
        assert emitted.args == ["orders:paid"]


def test_keys_outside_the_enum_do_no_harm(qtbot: QtBot, tree: WorkspaceTree) -> None:
    cyrillic = QKeyEvent(QEvent.Type.KeyPress, 0x0416, Qt.KeyboardModifier.NoModifier, "\u0416")
    QApplication.sendEvent(tree.tree, cyrillic)
    QApplication.sendEvent(tree.filter, cyrillic)
    assert tree.filter.text() == "\u0416"


def test_the_filter_narrows_and_leads_into_the_tree(qtbot: QtBot, tree: WorkspaceTree) -> None:
    tree.filter.setFocus()
    qtbot.keyClicks(tree.filter, "PAID ord")
    assert list(tree._items) == ["orders:paid"]
    qtbot.keyClick(tree.filter, Qt.Key.Key_Down)
    assert tree.current() == "orders:paid"
    qtbot.keyClick(tree.filter, Qt.Key.Key_Escape)
    assert len(tree._items) == 3


def test_a_refresh_keeps_cursor_and_folding(tree: WorkspaceTree) -> None:
    tree.select("users:new")
    tree.tree.collapse(tree.tree.model().index(0, 0))
    tree.set_entries((*ENTRIES, ScriptEntry("zebra")))
    assert tree.current() == "users:new"
    assert not tree.tree.isExpanded(tree.tree.model().index(0, 0))


def test_a_changed_state_touches_only_its_row(tree: WorkspaceTree) -> None:
    before = dict(tree._items)
    tree.set_entries(
        (ScriptEntry("orders:created", "/w/x", "draft", dirty=True, problem="Syntax error"), *ENTRIES[1:])
    )
    assert tree._items == before
    said = before["orders:created"].data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == "orders:created, draft, unsaved changes, Syntax error"


@pytest.mark.parametrize("standing", list(Standing))
def test_a_standing_is_said_and_explained(tree: WorkspaceTree, standing: Standing) -> None:
    tree.set_entries((ScriptEntry("a", "/w/a.lua", standing), ScriptEntry("b", "/w/b.lua", "other")))
    item = tree._items["a"]
    assert item.data(Qt.ItemDataRole.AccessibleTextRole) == f"a, {standing}"
    assert item.toolTip().splitlines()[2].lower().startswith(f"{standing}: ")
    assert tree._items["b"].toolTip() == "b\n/w/b.lua"


def test_an_empty_workspace_offers_a_new_script(qtbot: QtBot, tree: WorkspaceTree) -> None:
    tree.set_entries(())
    with qtbot.waitSignal(tree.new_requested):
        qtbot.mouseClick(tree._empty.button, Qt.MouseButton.LeftButton)
