"""The documents that the window shows: read from the resources, opened from the Help menu."""

from __future__ import annotations

import resources
from app.main_window import MainWindow
from app.theming import Theming
from widgets.docs_window import DocsWindow, Page


class Docs:
    """The documents' window, made when it is first wanted."""

    def __init__(self, window: MainWindow, theming: Theming) -> None:
        self._owner, self._theming = window, theming
        self.window: DocsWindow | None = None

    def show(self, name: str) -> None:
        """Opens a document by the name of its file."""
        if self.window is None:
            self.window = DocsWindow(self._owner)
            pages = [_page(found) for found in resources.doc_names()]
            self.window.set_pages(pages, str(resources.ROOT / "docs"))
            self.window.apply_theme(self._theming.theme)
            self._theming.changed.connect(self.window.apply_theme)
        self.window.show_page(name)


def _page(name: str) -> Page:
    markdown = resources.doc_path(name).read_text("utf-8")
    title = markdown.partition("\n")[0].lstrip("# ")
    return Page(name, title, markdown)
