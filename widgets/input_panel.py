"""The Input side: payload, headers, metadata and script_config of one webhook in tabs, and its saved cases."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from widgets.focus import focus_first
from widgets.key_value_table import HeadersTable
from widgets.metadata_form import MetadataForm
from widgets.payload_pane import PayloadPane
from widgets.script_config_form import ScriptConfigForm
from widgets.theme import Theme

TABS = ("Payload", "Headers", "Metadata", "Config")
PAYLOAD, HEADERS, METADATA, CONFIG = range(4)


class InputPanel(QWidget):
    """Holds the four input panes.

    Attributes:
        payload, headers, metadata, config: the panes.
        tabs: the tab bar.
        cases: the saved cases to choose from.

    Signals:
        case_chosen(str): the user picked a saved case.
    """

    case_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Input")
        self.payload, self.headers = PayloadPane(), HeadersTable()
        self.metadata, self.config = MetadataForm(), ScriptConfigForm()
        self.tabs, self.cases, self._pages = QTabBar(), QComboBox(), QStackedWidget()
        self._build()
        self.tabs.currentChanged.connect(self._pages.setCurrentIndex)
        self.cases.textActivated.connect(self._choose_case)
        self.set_cases(())

    def set_cases(self, names: tuple[str, ...]) -> None:
        """The saved cases of the script; hidden when there are none."""
        self.cases.clear()
        if names:
            self.cases.addItem("Load saved input…")
            self.cases.addItems(list(names))
        self.cases.setVisible(bool(names))

    def show_tab(self, tab: int) -> None:
        """Brings a pane to the front."""
        self.tabs.setCurrentIndex(tab)

    def focus_pane(self) -> None:
        """Puts the focus into the pane in front, at the first place that takes it."""
        focus_first(self._pages.currentWidget())

    def set_counts(self, headers: int, problems: tuple[int, ...]) -> None:
        """How many headers there are, and which tabs hold something wrong."""
        for tab, title in enumerate(TABS):
            text = f"{title} {headers}" if tab == HEADERS and headers else title
            self.tabs.setTabText(tab, f"{text} !" if tab in problems else text)

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of every pane."""
        for pane in (self.payload, self.headers, self.metadata, self.config):
            pane.apply_theme(theme)

    def set_font_scale(self, percent: int) -> None:
        """Sizes the texts."""
        self.payload.set_font_scale(percent)
        self.config.set_font_scale(percent)

    def _choose_case(self, name: str) -> None:
        if self.cases.currentIndex() > 0:
            self.case_chosen.emit(name)
        self.cases.setCurrentIndex(0)

    def _build(self) -> None:
        self.tabs.setAccessibleName("Input tabs")
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        for title, pane in zip(TABS, (self.payload, self.headers, self.metadata, self.config), strict=True):
            self.tabs.addTab(title)
            self._pages.addWidget(pane)
        self.cases.setAccessibleName("Saved inputs")
        heading = QLabel("Input")
        heading.setProperty("muted", True)
        strip = QFrame()
        strip.setProperty("strip", True)
        row = QHBoxLayout(strip)
        row.setContentsMargins(10, 0, 4, 0)
        row.setSpacing(8)
        row.addWidget(heading)
        row.addWidget(self.tabs)
        row.addStretch(1)
        row.addWidget(self.cases)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(strip)
        column.addWidget(self._pages, 1)
