"""The open scripts in their tabs: which is in front, what is unsaved, what is wrong with each, and closing them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from app.dialogs import ask_choice
from app.document import Document
from app.documents import Documents
from app.messages import Choices, Messages
from engine.scripts.problem import Problem, Severity
from engine.workspace import ChangedOnDisk
from widgets.editor_tabs import EditorTabs


class EditorController(QObject):
    """Between the documents and their tabs.

    Attributes:
        current: the document in front; None when no script is open.
        problems: what the last run found wrong, by config_id.

    Signals:
        switched(object): the Document in front now, or None.
        marks_changed(): a document is saved or not, or has other problems, than before.
    """

    switched = Signal(object)
    marks_changed = Signal()

    def __init__(self, tabs: EditorTabs, documents: Documents, messages: Messages) -> None:
        super().__init__(tabs)
        self.current: Document | None = None
        self.problems: dict[str, tuple[Problem, ...]] = {}
        self._tabs, self._documents, self._messages = tabs, documents, messages
        self._order: list[str] = []
        self._behind: set[str] = set()  # scripts that open without coming to the front
        self._first = ""  # the script that opens before those
        tabs.switched.connect(self._tab_switched)
        tabs.close_requested.connect(self._close_editor)
        documents.opened.connect(self._opened)
        documents.refused.connect(self._settled)
        documents.closed.connect(self._closed)
        documents.changed.connect(self._mark)
        documents.renamed.connect(self._renamed)
        documents.not_saved.connect(self._not_saved)
        documents.saved.connect(lambda document: messages.withdraw(_saving(document)))

    # --- opening and switching

    def open_all(self, config_ids: list[str], front: str) -> None:
        """Opens scripts in tabs of that order, `front` first and for all to see, the others behind it."""
        self._order = list(config_ids)
        self._behind = {name for name in config_ids if name != front}
        if front in config_ids:
            self._first = front
            self._documents.open_script(front)
        else:
            self._open_behind()

    def _open_behind(self) -> None:
        self._first = ""
        for config_id in self._order:
            if config_id in self._behind:
                self._documents.open_script(config_id)

    def _settled(self, config_id: str) -> None:
        """A script that was asked for is open, or will not be."""
        self._behind.discard(config_id)
        if config_id == self._first:
            self._open_behind()

    def open_in_order(self) -> list[str]:
        """The open scripts in the order of their tabs."""
        found = (self._document_of(editor) for editor in self._tabs.editors())
        return [document.config_id for document in found if document is not None]

    def _opened(self, document: Document) -> None:
        if document.config_id in self._behind and self.current is not None:
            before = self._order[: self._order.index(document.config_id)]
            place = sum(name in before for name in self.open_in_order())
            self._tabs.add_behind(document.editor, document.config_id, place)
        else:
            self._tabs.show_editor(document.editor, document.config_id)
            document.editor.setFocus()
        self._mark(document)
        self._settled(document.config_id)

    def _closed(self, document: Document) -> None:
        self.problems.pop(document.config_id, None)
        self._messages.withdraw(_saving(document))
        self._tabs.remove(document.editor)
        document.editor.deleteLater()
        self.marks_changed.emit()

    def _document_of(self, editor: QWidget | None) -> Document | None:
        return next((found for found in self._documents.open.values() if found.editor is editor), None)

    def _tab_switched(self, editor: QWidget | None) -> None:
        document = self._document_of(editor)
        if document is not self.current:
            self.current = document
            self.switched.emit(document)

    def switch(self, step: int) -> None:
        """The next or previous tab, round and round."""
        if self._tabs.count():
            self._tabs.setCurrentIndex((self._tabs.currentIndex() + step) % self._tabs.count())

    # --- marks

    def _mark(self, document: Document | None) -> None:
        if document is not None and document.config_id in self._documents.open:
            path = str(document.saved.path) if document.saved else ""
            self._tabs.mark(document.editor, document.config_id, path, unsaved=document.dirty)
        self.marks_changed.emit()

    def problems_of(self, document: Document | None) -> tuple[Problem, ...]:
        """What the last run found wrong with a document."""
        return self.problems.get(document.config_id, ()) if document else ()

    def _renamed(self, document: Document, old: str) -> None:
        self.problems[document.config_id] = self.problems.pop(old, ())
        self._mark(document)

    def show_problems(self, document: Document, problems: tuple[Problem, ...]) -> None:
        """Takes what a run found wrong with a document."""
        changed = self.problems.get(document.config_id, ()) != problems
        self.problems[document.config_id] = problems
        shown = tuple(problem for problem in problems if problem.severity is not Severity.INFO)
        if shown:  # what is merely worth knowing is in the list; beside the text it would only flicker
            document.editor.show_problems(shown)
        else:
            document.editor.clear_problems()
        if changed:
            self.marks_changed.emit()

    # --- saving and closing

    def save(self) -> None:
        """Saves the script in front with its settings."""
        if self.current is not None:
            self._documents.save(self.current)

    def save_all(self) -> None:
        """Saves every script that has changes."""
        for document in self._documents.open.values():
            if document.dirty:
                self._documents.save(document)

    def revert(self) -> None:
        """Asks, then gives up the unsaved changes of the script in front."""
        document = self.current
        if document is not None and document.dirty:
            ask_choice(
                self._tabs.window(), f"Give up the changes to {document.config_id}?",
                "The text goes back to the saved file.",
                [("Revert", QMessageBox.ButtonRole.DestructiveRole, lambda: self._documents.revert(document))],
            )  # fmt: skip

    def _not_saved(self, document: Document, problem: Exception) -> None:
        if not isinstance(problem, ChangedOnDisk):
            self._messages.error(
                problem, {"Try again": lambda: self._documents.save(document)}, _saving(document)
            )
            return
        done = "deleted" if problem.deleted else "changed"
        choices: Choices = {"Save anyway": lambda: self._documents.save(document, anyway=True)}
        if not problem.deleted:
            choices["Take theirs"] = lambda: self._documents.revert(document)
        self._messages.warn(
            f"{problem.path.name} was {done} by another program since it was read. Your text is kept, not saved.",
            choices,
            _saving(document),
        )

    def close_current(self) -> None:
        """Closes the script in front, asking first when it has unsaved changes."""
        if self.current is not None:
            self._close_editor(self.current.editor)

    def _close_editor(self, editor: QWidget) -> None:
        document = self._document_of(editor)
        if document is None:
            return
        if not document.dirty:
            self._documents.close(document)
            return
        ask_choice(
            self._tabs.window(), f"Save the changes to {document.config_id}?", "Discarding cannot be undone.",
            [("Save", QMessageBox.ButtonRole.AcceptRole, lambda: self._documents.save(document, then_close=True)),
             ("Discard", QMessageBox.ButtonRole.DestructiveRole,
              lambda: self._documents.close(document, discard=True))],
        )  # fmt: skip

    # --- places

    def jump(self, line: int, column: int = 1) -> None:
        """Puts the caret of the script in front there."""
        if self.current is not None:
            self.current.editor.goto(line, max(column, 1))

    def next_problem(self) -> None:
        """Goes to the first problem of the script in front."""
        found = self.problems_of(self.current)
        if found:
            self.jump(found[0].line, found[0].column)


def _saving(document: Document) -> str:
    return f"saving {document.config_id}"
