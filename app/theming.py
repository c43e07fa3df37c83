"""Themes and icons: reads them from the resources, follows the system's choice, and dresses the application."""

from __future__ import annotations

import tomllib
from functools import cache

from PySide6.QtCore import QByteArray, QObject, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

import resources
from widgets.style import palette, stylesheet
from widgets.theme import Theme

CHOICES = ("system", "light", "dark")
SCALES = (80, 90, 100, 110, 125, 150, 175, 200)
_ICON_SIZES = (16, 20, 24, 32, 48)


@cache
def load_theme(name: str) -> Theme:
    """A theme that comes with the product."""
    return Theme(**tomllib.loads(resources.theme_path(name).read_text("utf-8")))


def icon(name: str, colour: str, disabled: str) -> QIcon:
    """An icon in the theme's colours, sharp at the usual sizes."""
    result = QIcon()
    for mode, shade in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, disabled)):
        renderer = QSvgRenderer(QByteArray(resources.icon_svg(name, shade)))
        for size in _ICON_SIZES:
            pixmap = QPixmap(QSize(size, size))
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            renderer.render(painter)
            painter.end()
            result.addPixmap(pixmap, mode)
    return result


class Theming(QObject):
    """Which theme and which font scale are in force.

    Attributes:
        theme: the theme now.
        choice: system, light or dark.
        scale: font size in percent.

    Signals:
        changed(object): the Theme to draw with from now on.
        scale_changed(int): the font scale in percent.
    """

    changed = Signal(object)
    scale_changed = Signal(int)

    def __init__(self, choice: str = "system", scale: int = 100, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.choice = choice if choice in CHOICES else "system"
        self.scale = min(max(scale, SCALES[0]), SCALES[-1])
        self._points = QApplication.font().pointSizeF()
        self.theme = load_theme(self._name())
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)

    def dress(self) -> None:
        """Gives the whole application the theme and the scale."""
        application = QApplication.instance()
        if not isinstance(application, QApplication):
            return
        font = application.font()
        font.setPointSizeF(self._points * self.scale / 100)
        application.setFont(font)
        application.setPalette(palette(self.theme))
        application.setStyleSheet(stylesheet(self.theme, self.scale))
        self.changed.emit(self.theme)
        self.scale_changed.emit(self.scale)

    def choose(self, choice: str) -> None:
        """Changes to system, light or dark."""
        self.choice = choice
        self.theme = load_theme(self._name())
        self.dress()

    def toggle(self) -> None:
        """Light becomes dark and the other way round."""
        self.choose("light" if self.theme.dark else "dark")

    def zoom(self, steps: int) -> None:
        """Larger or smaller fonts by that many steps; 0 goes back to 100 %."""
        if steps == 0:
            self.set_scale(100)
            return
        nearest = min(range(len(SCALES)), key=lambda place: abs(SCALES[place] - self.scale))
        self.set_scale(SCALES[min(max(nearest + steps, 0), len(SCALES) - 1)])

    def set_scale(self, percent: int) -> None:
        """Sets the font scale."""
        percent = min(max(percent, SCALES[0]), SCALES[-1])
        if percent != self.scale:
            self.scale = percent
            self.dress()

    def icon(self, name: str) -> QIcon:
        """An icon for the theme now."""
        return icon(name, self.theme.text, self.theme.border)

    def _name(self) -> str:
        if self.choice != "system":
            return self.choice
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return "dark" if dark else "light"

    def _system_changed(self) -> None:
        if self.choice == "system":
            self.choose("system")
