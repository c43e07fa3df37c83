"""The panes under the editor in tabs: what is wrong with the script, and what its test cases say."""

from __future__ import annotations

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from widgets.focus import focus_first
from widgets.glyphs import glyph_icon
from widgets.pane_header import ElidedLabel
from widgets.problems_list import ProblemsList
from widgets.style import set_look, tone_colour
from widgets.tests_pane import TestsPane
from widgets.theme import Theme

PROBLEMS, TESTS = range(2)
STRIP_SPACE = 24  # margins and spacing of the strip
TITLES = ("Problems", "Tests")
_GLYPHS = {"error": "error", "warning": "warning", "info": "info", "success": "check"}


class BottomPanel(QWidget):
    """Problems and tests, one at a time; the tabs say how both stand.

    Attributes:
        tabs: the tab bar.
        problems, tests: the panes.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.problems, self.tests = ProblemsList(), TestsPane()
        self.tabs, self._pages, self._note = QTabBar(), QStackedWidget(), ElidedLabel()
        self._theme: Theme | None = None
        self._build()
        self.tabs.currentChanged.connect(self._on_tab)
        self.problems.changed.connect(self._refresh)
        self.tests.changed.connect(self._refresh)
        self._on_tab(PROBLEMS)

    def show_tab(self, tab: int) -> None:
        """Brings a pane to the front."""
        self.tabs.setCurrentIndex(tab)

    def focus_pane(self) -> None:
        """Puts the focus into the pane in front, or on its tab when it is empty."""
        if not focus_first(self._pages.currentWidget()):
            self.tabs.setFocus()

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of both panes and of the tabs' marks."""
        self._theme = theme
        self.problems.apply_theme(theme)
        self.tests.apply_theme(theme)
        self._refresh()

    def resizeEvent(self, event: object) -> None:  # noqa: N802
        """Fits the strip into the width."""
        self._fit()

    def _build(self) -> None:
        self.tabs.setAccessibleName("Problems and tests")
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        for title, pane in zip(TITLES, (self.problems, self.tests), strict=True):
            self.tabs.addTab(title)
            self._pages.addWidget(pane)
        self._note.setProperty("muted", True)
        strip = QFrame()
        strip.setProperty("strip", True)
        row = QHBoxLayout(strip)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(8)
        row.addWidget(self.tabs)
        row.addWidget(self._note, 1)
        row.addWidget(self.tests.tools)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(strip)
        column.addWidget(self._pages, 1)

    def _on_tab(self, tab: int) -> None:
        self._pages.setCurrentIndex(tab)
        self.tests.tools.setVisible(tab == TESTS)
        self._refresh()

    def _refresh(self) -> None:
        self._set_tab(PROBLEMS, len(self.problems.problems()), self.problems.tone())
        self._set_tab(TESTS, len(self.tests.rows()), self.tests.tone())
        tab = self.tabs.currentIndex()
        self._note.set_full_text(self.problems.note() if tab == PROBLEMS else self.tests.summary())
        set_look(self._note, "tone", self.tests.tone() if tab == TESTS else "")

    def _fit(self) -> None:
        """The tabs go before the buttons that menus have too."""
        self.tests.set_compact(False)
        wanted = self.tabs.sizeHint().width() + self.tests.tools.sizeHint().width()
        self.tests.set_compact(wanted + STRIP_SPACE > self.width())

    def _set_tab(self, tab: int, count: int, tone: str) -> None:
        title = f"{TITLES[tab]} {count}" if count else TITLES[tab]
        if self.tabs.tabText(tab) != title:
            self.tabs.setTabText(tab, title)
        if self._theme is not None:
            glyph = _GLYPHS.get(tone)
            icon = glyph_icon(glyph, tone_colour(self._theme, tone)) if glyph else QIcon()
            self.tabs.setTabIcon(tab, icon)
        self._fit()
