"""The main window: where each pane stands. It composes and remembers sizes; what happens in it is wired in `studio`."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QByteArray, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLabel,
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QToolBar,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app.session import Session
from widgets.bottom_panel import BottomPanel
from widgets.budget_meter import BudgetMeter
from widgets.cluster_view import ClusterView
from widgets.command_palette import CommandPalette
from widgets.connection_badge import ConnectionBadge
from widgets.editor_tabs import EditorTabs
from widgets.empty_state import EmptyState
from widgets.find_bar import FindBar
from widgets.input_panel import InputPanel
from widgets.message_bar import MessageBar
from widgets.outcome_view import OutcomeView
from widgets.profile_look import ProfileStrip
from widgets.theme import Theme
from widgets.workspace_tree import WorkspaceTree


class Themed(Protocol):
    """A pane that takes a theme."""

    def apply_theme(self, theme: Theme) -> None:
        """Draws with the theme from now on."""


NEWS_MS = 4000


class MainWindow(QMainWindow):
    """The panes of the studio.

    Attributes:
        tree, tabs, find_bar, bottom, problems, tests, input, output, message_bar, palette_, meter: the panes.
        cluster: the other perspective, in the place of the panes of a script.
        strip, badge: the colour and the state of the cluster that is chosen.
        caret, engine_state, news: labels of the status bar.

    Signals:
        activated(): the window came to the front.
        closing(): the window is about to close; it will.
    """

    activated = Signal()
    closing = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("main")
        self.setWindowTitle("HOWK Studio")
        self.tree, self.tabs, self.find_bar = WorkspaceTree(), EditorTabs(), FindBar()
        self.bottom, self.message_bar = BottomPanel(), MessageBar()
        self.problems, self.tests = self.bottom.problems, self.bottom.tests
        self.input, self.output = InputPanel(), OutcomeView()
        self.meter = BudgetMeter()
        self.cluster, self.strip, self.badge = ClusterView(), ProfileStrip(), ConnectionBadge()
        self.caret, self.engine_state, self.news = QLabel(), QLabel(), QLabel()
        self.toolbar = QToolBar("Tools")
        self._focus_before: QWidget | None = None  # among the scripts, while the cluster is shown
        self.nothing_open = EmptyState(
            "No script is open. Choose one on the left, or make a new one.", "New script"
        )
        self._build_toolbar()
        self._build_panes()
        self._build_status_bar()
        self.palette_ = CommandPalette(self)
        self.resize(1440, 900)

    # --- layout

    def _build_toolbar(self) -> None:
        self.toolbar.setObjectName("tools")
        self.toolbar.setMovable(False)
        self.addToolBar(self.toolbar)

    def _build_panes(self) -> None:
        self._editor_stack = QStackedWidget()
        self._editor_stack.addWidget(self.nothing_open)
        self._editor_stack.addWidget(self._column(self.tabs, self.find_bar))
        centre = self._splitter("centre", Qt.Orientation.Vertical, self._editor_stack, self.bottom)
        right = self._splitter("right", Qt.Orientation.Vertical, self.input, self.output)
        work = self._splitter(
            "work", Qt.Orientation.Horizontal, self._column(self.message_bar, centre), right
        )
        whole = self._splitter("whole", Qt.Orientation.Horizontal, self.tree, work)
        self.splitters = {splitter.objectName(): splitter for splitter in (centre, right, work, whole)}
        whole.setStretchFactor(0, 0)
        whole.setStretchFactor(1, 1)
        whole.setSizes([240, 1200])
        work.setSizes([640, 560])
        right.setSizes([360, 440])
        centre.setSizes([600, 170])
        centre.setStretchFactor(0, 1)
        centre.setStretchFactor(1, 0)
        self._perspectives = QStackedWidget()
        self._perspectives.addWidget(whole)
        self._perspectives.addWidget(self.cluster)
        self.setCentralWidget(self._column(self.strip, self.message_bar, self._perspectives))

    @staticmethod
    def _column(*parts: QWidget) -> QWidget:
        """Panes under each other; the room goes to those with content, never to a strip."""
        frame = QFrame()
        column = QVBoxLayout(frame)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for part in parts:
            column.addWidget(part, 1 if isinstance(part, (QSplitter, QStackedWidget, EditorTabs)) else 0)
        return frame

    @staticmethod
    def _splitter(name: str, orientation: Qt.Orientation, *parts: QWidget) -> QSplitter:
        splitter = QSplitter(orientation)
        splitter.setObjectName(name)
        splitter.setChildrenCollapsible(False)
        for part in parts:
            splitter.addWidget(part)
        return splitter

    def _build_status_bar(self) -> None:
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        self.caret.setAccessibleName("Caret position")
        self.engine_state.setAccessibleName("Preview state")
        self.news.setAccessibleName("What was just done")
        self.news.setProperty("muted", True)
        bar.addWidget(self.badge)
        bar.addWidget(self.engine_state)
        bar.addWidget(self.news)
        bar.addPermanentWidget(self.caret)
        bar.addPermanentWidget(self.meter)

    # --- state in

    def tell(self, text: str) -> None:
        """Shows for a while what was just done. (The status bar's own messages overlap its labels after a restyle.)"""
        self.news.setText(text)
        QTimer.singleShot(NEWS_MS, self.news, lambda: self._forget(text))

    def _forget(self, text: str) -> None:
        if self.news.text() == text:
            self.news.clear()

    def show_editors(self, any_open: bool) -> None:
        """Shows the editors, or that there are none."""
        self._editor_stack.setCurrentIndex(1 if any_open else 0)

    @property
    def shows_cluster(self) -> bool:
        """Whether the cluster is shown in the place of the scripts."""
        return self._perspectives.currentWidget() is self.cluster

    def show_cluster(self, shown: bool) -> None:
        """Shows the cluster, or the scripts; the focus goes along, and back to where it was."""
        if shown and not self.shows_cluster:
            self._focus_before = QApplication.focusWidget()
        back = self.shows_cluster and not shown
        self._perspectives.setCurrentIndex(1 if shown else 0)
        if shown:
            self.cluster.setFocus()
        elif back and self._focus_before is not None and isValid(self._focus_before):
            self._focus_before.setFocus()

    def apply_theme(self, theme: Theme) -> None:
        """Hands the theme to every pane."""
        panes: tuple[Themed, ...] = (
            self.tree, self.tabs, self.find_bar, self.bottom, self.input,
            self.output, self.message_bar, self.palette_, self.meter, self.cluster, self.badge,
        )  # fmt: skip
        for pane in panes:
            pane.apply_theme(theme)

    def set_font_scale(self, percent: int) -> None:
        """Sizes the texts of the code panes; all else follows the application's font."""
        self.input.set_font_scale(percent)
        self.output.set_font_scale(percent)

    # --- what is remembered

    def restore(self, session: Session) -> None:
        """Takes sizes and places from the session."""
        geometry = session.state("geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)
        for name, splitter in self.splitters.items():
            state = session.state(name)
            if state is not None:
                splitter.restoreState(state)
        for name, bar in self._tab_bars():
            state = session.state(f"tab-{name}")
            if state is not None and bytes(state.data()).isdigit():
                bar.setCurrentIndex(int(bytes(state.data())))

    def remember(self, session: Session) -> None:
        """Gives sizes and places to the session."""
        session.set_state("geometry", self.saveGeometry())
        for name, splitter in self.splitters.items():
            session.set_state(name, splitter.saveState())
        for name, bar in self._tab_bars():
            session.set_state(f"tab-{name}", QByteArray(str(bar.currentIndex()).encode()))

    def _tab_bars(self) -> tuple[tuple[str, QTabBar], ...]:
        return ("input", self.input.tabs), ("output", self.output.tabs), ("bottom", self.bottom.tabs)

    # --- Qt

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Coming to the front is when other programs' changes are looked for."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.activated.emit()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Nothing is asked: unsaved text is kept as drafts."""
        self.closing.emit()
        event.accept()
