"""A window of its own for the documents that come with the product: a list of titles, and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QSplitter, QTextBrowser, QWidget

from widgets.theme import Theme


@dataclass(frozen=True, slots=True)
class Page:
    """One document: `name` is how it is asked for, `markdown` its text."""

    name: str
    title: str
    markdown: str


class DocsWindow(QWidget):
    """Shows pages. Esc closes it.

    Attributes:
        titles: the list of pages.
        text: the page in front.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle("Documents")
        self._pages: tuple[Page, ...] = ()
        self.titles, self.text = QListWidget(), QTextBrowser()
        self.titles.setAccessibleName("Documents")
        self.text.setAccessibleName("Page")
        self.text.setOpenLinks(False)  # nothing here leads out of the program
        self.titles.setWordWrap(True)
        self.titles.setProperty("edge", "none")
        self.text.setProperty("edge", "none")
        self.titles.currentRowChanged.connect(self._show_row)
        splitter = QSplitter()
        splitter.addWidget(self.titles)
        splitter.addWidget(self.text)
        splitter.setSizes([280, 900])
        splitter.setStretchFactor(1, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(splitter)
        self.resize(1180, 780)

    def set_pages(self, pages: Sequence[Page], folder: str = "") -> None:
        """What there is to read; `folder` is where its pictures are."""
        self.text.setSearchPaths([folder])
        self._pages = tuple(pages)
        self.titles.clear()
        self.titles.addItems([page.title for page in self._pages])

    def show_page(self, name: str) -> None:
        """Opens the window on a page."""
        for row, page in enumerate(self._pages):
            if page.name == name:
                self.titles.setCurrentRow(row)
        self.show()
        self.raise_()
        self.activateWindow()
        self.text.setFocus()

    def apply_theme(self, theme: Theme) -> None:
        """Colours what Markdown brings: code, links and the lines of tables."""
        self.text.document().setDefaultStyleSheet(
            f"code {{ background: {theme.raised}; }} a {{ color: {theme.accent}; }} td, th {{ padding: 4px; }}"
        )
        self._show_row(self.titles.currentRow())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Esc closes the window."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def _show_row(self, row: int) -> None:
        if 0 <= row < len(self._pages):
            self.text.setMarkdown(self._pages[row].markdown)
