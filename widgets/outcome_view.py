"""The Output side: what one run made of a webhook, in tabs that are filled only when they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeySequence, QPainter, QPaintEvent, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from engine.display import BodyKind, BodyText, DiffLine, HeaderRow
from engine.model import LogLine, ScriptError
from widgets.body_view import BodyView, size_in_words
from widgets.calls_bar import CallsBar
from widgets.diff_view import DiffView
from widgets.empty_state import EmptyState
from widgets.error_banner import ErrorBanner
from widgets.focus import focus_first
from widgets.glyphs import GlyphButton
from widgets.headers_view import HeadersView, change_count
from widgets.log_view import LogView
from widgets.style import set_look
from widgets.theme import Theme

RUNNING_SHOWS_AFTER_MS = 150
TABS = ("Body", "Headers", "Request", "Diff", "Log")
BODY, HEADERS, REQUEST, DIFF, LOG = range(5)
_NO_BODY = BodyText(BodyKind.EMPTY, "", 0)


@dataclass(frozen=True, slots=True)
class OutcomeState:
    """One good run, ready to be read; the texts are made elsewhere, away from the main thread."""

    body: BodyText = _NO_BODY
    headers: tuple[HeaderRow, ...] = ()
    request_text: str = ""
    diff: tuple[DiffLine, ...] | None = ()  # None: not told yet
    diff_note: str = ""
    logs: tuple[LogLine, ...] = ()


class _Veil(QWidget):
    """Fades what lies under it while it can still be scrolled, selected and copied."""

    def __init__(self, under: QWidget) -> None:
        super().__init__(under)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._colour = QColor(128, 128, 128, 128)
        under.installEventFilter(self)
        self.hide()

    def set_colour(self, colour: str) -> None:
        self._colour = QColor(colour)
        self._colour.setAlpha(140)
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.resize(watched.size())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._colour)
        painter.end()


class OutcomeView(QWidget):
    """Shows a run's result, its failure over the last good result, or why there is none.

    Attributes:
        tabs: the tab bar.
        body, headers, request, diff, log: the pages.
        banner: the error strip.
        calls: who answers the script's calls.
        stop_button: beside "Running…".

    Signals:
        jump_requested(int): 1-based line in the script.
        tab_changed(int): the user looks at another page.
        stop_requested(): the run that is under way shall end.
    """

    jump_requested = Signal(int)
    tab_changed = Signal(int)
    stop_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Output")
        self._state = OutcomeState()
        self._idle = True  # nothing ran: no page has anything to say
        self._has_good = False  # there is a good result to keep showing
        self._stale = set(range(len(TABS)))
        self.body, self.headers, self.request = BodyView("Body"), HeadersView(), BodyView("Request")
        self.diff, self.log = DiffView(), LogView()
        self.banner, self.calls = ErrorBanner(), CallsBar()
        self._fillers: tuple[Callable[[OutcomeState], None], ...] = (
            lambda state: self.body.show_body(state.body),
            lambda state: self.headers.show_headers(state.headers),
            lambda state: self.request.show_text(state.request_text, "As it goes over the wire"),
            self._fill_diff,
            lambda state: self.log.show_logs(state.logs),
        )
        self._build()
        self._running_timer = QTimer(self)
        self._running_timer.setSingleShot(True)
        self._running_timer.setInterval(RUNNING_SHOWS_AFTER_MS)
        self._running_timer.timeout.connect(lambda: self._set_running(True))
        self._connect()
        self.show_idle("Nothing has run yet.")

    def show_result(self, state: OutcomeState) -> None:
        """Shows a good run."""
        self._settle()
        self.banner.hide()
        self._has_good = True
        self._show_state(state, faded=False)

    def wants_diff(self) -> bool:
        """Whether the difference is in front and still to be told."""
        return self.tabs.currentIndex() == DIFF and self._has_good and self._state.diff is None

    def show_diff(self, diff: tuple[DiffLine, ...], note: str) -> None:
        """Takes the difference of the result that is shown."""
        self._state = replace(self._state, diff=diff, diff_note=note)
        self._stale.add(DIFF)
        self._fill_visible()

    def show_error(self, error: ScriptError, logs: tuple[LogLine, ...] = ()) -> None:
        """Shows why a run failed and what it logged; the last good result stays, greyed and labelled."""
        self._settle()
        self.banner.show_error(error)
        self._empty.set_text("This script has no good result yet.")
        self._label.setText("Last good result \u2013 the script is broken")
        self._show_state(replace(self._state, logs=logs), faded=self._has_good)

    def show_refusal(self, why: str) -> None:
        """Shows why the script was not run; the last good result stays, greyed and labelled."""
        self._settle()
        self.banner.show_refusal(why)
        self._empty.set_text("This script has no good result yet.")
        self._label.setText("Last good result \u2013 the script was not run since")
        self._show_state(replace(self._state, logs=()), faded=self._has_good)

    def show_outdated(self, why: str) -> None:
        """What is shown belongs to an older text: it stays, greyed, and says so, and why nothing has run since."""
        if self._idle:
            self._empty.set_text(why)
        else:
            self._label.setText(f"Out of date \u2013 something changed since this run. {why}")
            self._label.show()
            self._fill_visible()

    def show_stopped(self) -> None:
        """No run is under way any more."""
        self._settle()

    def show_running(self) -> None:
        """A run is under way; this shows only when it takes longer than an eye would notice."""
        if not self._running.isVisible():
            self._running_timer.start()

    def show_idle(self, text: str) -> None:
        """Nothing to show, and why."""
        self._settle()
        self._state, self._idle, self._has_good = OutcomeState(), True, False
        self._empty.set_text(text)
        self.banner.hide()
        self._label.hide()
        self._veil.hide()
        for tab, title in enumerate(TABS):
            self._set_title(tab, title)
        self._pages.setCurrentWidget(self._empty)
        self.tabs.setEnabled(False)

    def show_tab(self, tab: int) -> None:
        """Brings a page to the front."""
        self.tabs.setCurrentIndex(tab)

    def focus_page(self) -> None:
        """Puts the focus on what the page in front shows, else at the first place that takes it."""
        if not focus_first(self._pages.currentWidget()):
            self.tabs.setFocus(
                Qt.FocusReason.ShortcutFocusReason
            )  # an empty page: at least its name is read out

    def apply_theme(self, theme: Theme) -> None:
        """Recolours all pages."""
        for part in (self.body, self.headers, self.request, self.diff, self.log, self.banner, self.calls):
            part.apply_theme(theme)
        self._veil.set_colour(theme.window)
        self.stop_button.set_colours(theme.text_muted, theme.border)

    def set_font_scale(self, percent: int) -> None:
        """Sizes the editors' text; all other text follows the style sheet."""
        self.body.set_font_scale(percent)
        self.request.set_font_scale(percent)

    def _build(self) -> None:
        self.tabs = QTabBar()
        self.tabs.setAccessibleName("Output")
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.tabs.setUsesScrollButtons(True)
        for title in TABS:
            self.tabs.addTab(title)
        self._running = QLabel("Running\u2026")
        self._running.setProperty("muted", True)
        self._running.hide()
        self.stop_button = GlyphButton("stop", "Stop the run (Esc here, Shift+F5 everywhere)")
        self.stop_button.hide()
        self._label = QLabel()
        self._label.setWordWrap(True)
        self._label.setContentsMargins(10, 3, 10, 3)
        set_look(self._label, "tone", "warning")
        self._empty = EmptyState("")
        self._pages = QStackedWidget()
        for page in (self.body, self.headers, self.request, self.diff, self.log, self._empty):
            self._pages.addWidget(page)
        self._veil = _Veil(self._pages)
        strip = QFrame()
        strip.setProperty("strip", True)
        row = QHBoxLayout(strip)
        row.setContentsMargins(10, 0, 10, 0)
        row.setSpacing(8)
        heading = QLabel("Output")
        heading.setProperty("muted", True)
        row.addWidget(heading)
        row.addWidget(self.tabs, 1)
        row.addWidget(self._running)
        row.addWidget(self.stop_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for part in (strip, self.calls, self.banner, self._label):
            column.addWidget(part)
        column.addWidget(self._pages, 1)

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self._on_tab)
        self.banner.jump_requested.connect(self.jump_requested)
        self.log.jump_requested.connect(self.jump_requested)
        self.stop_button.clicked.connect(self.stop_requested)
        stop = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        stop.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        stop.activated.connect(self.stop_requested)

    def _show_state(self, state: OutcomeState, *, faded: bool) -> None:
        self._state, self._idle = state, False
        self._stale = set(range(len(TABS)))
        self.tabs.setEnabled(True)
        self._label.setVisible(faded)
        changes = change_count(state.headers)
        self._set_title(HEADERS, f"Headers {changes}" if changes else "Headers")
        self._set_title(LOG, f"Log {len(state.logs)}" if state.logs else "Log")
        self.tabs.setTabToolTip(BODY, size_in_words(state.body.size_bytes))
        self._fill_visible()

    def _fill_visible(self) -> None:
        """Fills the page in front when its content is old: one page's cost, whatever the others hold."""
        tab = self.tabs.currentIndex()
        if self._idle or not (self._has_good or tab == LOG):
            self._pages.setCurrentWidget(self._empty)
            self._veil.hide()
            return
        if tab in self._stale:
            self._stale.discard(tab)
            self._fillers[tab](self._state)
        self._pages.setCurrentIndex(tab)
        # The log is always that of the latest run, so it is never faded.
        self._veil.setVisible(self._label.isVisibleTo(self) and tab != LOG)
        self._veil.raise_()

    def _fill_diff(self, state: OutcomeState) -> None:
        if state.diff is None:
            self.diff.show_pending()
        else:
            self.diff.show_diff(state.diff, state.diff_note)

    def _on_tab(self, tab: int) -> None:
        self._fill_visible()
        self.tab_changed.emit(tab)

    def _set_title(self, tab: int, title: str) -> None:
        if self.tabs.tabText(tab) != title:
            self.tabs.setTabText(tab, title)

    def _settle(self) -> None:
        self._running_timer.stop()
        self._set_running(False)

    def _set_running(self, running: bool) -> None:
        self._running.setVisible(running)
        self.stop_button.setVisible(running)
