"""Light, dark, or as the system has it, for the whole window at once; and the size of all text."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QByteArray, QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import resources
from app.studio import Studio
from app.theming import SCALES, Theming, icon, load_theme


def background_of_the_editor(studio: Studio) -> QColor:
    assert studio.editors.current is not None
    number = studio.editors.current.editor.styleBack(32)
    return QColor(number & 255, number >> 8 & 255, number >> 16 & 255)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_a_theme_dresses_the_application_and_every_editor(studio: Studio, name: str) -> None:
    studio.actions.trigger(f"view.theme_{name}")
    theme = load_theme(name)
    assert QApplication.palette().color(QPalette.ColorRole.Window) == QColor(theme.window)
    assert background_of_the_editor(studio) == QColor(theme.base)
    assert studio.session.theme == name
    assert studio.actions.by_id[f"view.theme_{name}"].isChecked()


def test_toggling_goes_back_and_forth(studio: Studio) -> None:
    studio.theming.choose("light")
    studio.actions.trigger("view.toggle_theme")
    assert studio.theming.theme.dark
    assert studio.actions.by_id["view.theme_dark"].isChecked()
    studio.actions.trigger("view.toggle_theme")
    assert not studio.theming.theme.dark


def test_an_editor_opened_later_has_the_theme_and_the_size(studio: Studio, qtbot: QtBot) -> None:
    studio.theming.choose("dark")
    studio.theming.set_scale(150)
    studio.workspace.create_script("second")
    qtbot.waitUntil(lambda: "second" in studio.documents.open)
    assert background_of_the_editor(studio) == QColor(load_theme("dark").base)
    assert studio.documents.open["second"].editor.font_scale() == 150


class SystemHints(QObject):
    """Stands for the system's choice, which a test cannot change."""

    colorSchemeChanged = Signal(Qt.ColorScheme)
    scheme = Qt.ColorScheme.Light

    def colorScheme(self) -> Qt.ColorScheme:
        return self.scheme

    def switch(self, scheme: Qt.ColorScheme) -> None:
        self.scheme = scheme
        self.colorSchemeChanged.emit(scheme)


@pytest.fixture
def system(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> SystemHints:
    hints = SystemHints()
    monkeypatch.setattr(QGuiApplication, "styleHints", lambda: hints)
    return hints


def test_system_follows_the_system(system: SystemHints) -> None:
    theming = Theming("system")
    assert not theming.theme.dark
    system.switch(Qt.ColorScheme.Dark)
    assert theming.theme.dark
    assert theming.choice == "system"


def test_a_chosen_theme_stays_whatever_the_system_does(system: SystemHints) -> None:
    theming = Theming("light")
    system.switch(Qt.ColorScheme.Dark)
    assert not theming.theme.dark


def test_an_unknown_choice_is_the_system_s(qapp: QApplication) -> None:
    assert Theming("purple").choice == "system"


def test_zoom_goes_by_steps_and_stops_at_the_ends(qapp: QApplication) -> None:
    theming = Theming("light")
    theming.zoom(1)
    assert theming.scale == 110
    theming.zoom(-1)
    assert theming.scale == 100
    for _ in SCALES:
        theming.zoom(1)
    assert theming.scale == SCALES[-1]
    theming.zoom(0)
    assert theming.scale == 100


def test_the_size_reaches_fonts_editors_and_the_session(studio: Studio) -> None:
    before = QApplication.font().pointSizeF()
    studio.actions.trigger("view.larger")
    assert QApplication.font().pointSizeF() == pytest.approx(before * 1.1)
    assert studio.editors.current is not None
    assert studio.editors.current.editor.font_scale() == 110
    assert studio.window.output.body.editor.font_scale() == 110
    assert studio.session.scale == 110
    studio.actions.trigger("view.normal")
    assert QApplication.font().pointSizeF() == pytest.approx(before)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_an_icon_is_drawn_in_the_theme_s_colour(qapp: QApplication, name: str) -> None:
    colour = load_theme(name).text
    image = icon("save", colour, "#888888").pixmap(32, 32).toImage()
    inked = [image.pixelColor(x, y) for x in range(32) for y in range(32)]
    solid = [pixel for pixel in inked if pixel.alpha() == 255]
    assert solid
    assert {pixel.name() for pixel in solid} == {QColor(colour).name()}
    assert QByteArray(resources.icon_svg("save", colour)).contains(colour.encode())
