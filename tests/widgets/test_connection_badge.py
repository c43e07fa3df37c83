"""The badge and the strip say in words what their colours say, and are reached by key."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from engine.cluster.connection import ConnectionState, Phase
from widgets.connection_badge import NO_CLUSTER, ConnectionBadge
from widgets.profile_look import COLOURS, ProfileChip, ProfileLook, ProfileStrip, text_on
from widgets.theme import Theme

PROD = ProfileLook("prod-eu", COLOURS["Red"], production=True)
PARTS = (
    ("Kafka", ConnectionState(Phase.CONNECTING)),
    (
        "Redis",
        ConnectionState(Phase.FAILED, "connection refused by 127.0.0.1:6379, and much more to be said"),
    ),
)


def shades(widget: QWidget) -> set[str]:
    image = widget.grab().toImage()
    return {image.pixelColor(x, image.height() // 2).name() for x in range(0, image.width(), 2)}


@pytest.fixture
def badge(qtbot: QtBot, theme: Theme) -> ConnectionBadge:
    made = ConnectionBadge()
    qtbot.addWidget(made)
    made.apply_theme(theme)
    made.show()
    return made


def test_each_connection_is_said_in_words_with_its_reason(badge: ConnectionBadge) -> None:
    assert badge.accessibleName() == NO_CLUSTER
    badge.set_state(PROD, PARTS)
    assert badge.texts()[0] == "Kafka: connecting\u2026"
    assert badge.texts()[1].startswith("Redis: failed: connection refused")
    assert badge.texts()[1].endswith("\u2026")
    assert badge.accessibleName().startswith("Cluster: prod-eu \u00b7 production, Kafka: connecting\u2026")
    for said in (badge.accessibleName(), badge.toolTip()):
        assert "much more to be said" in said


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_Return])
def test_a_key_or_a_click_asks_for_the_menu(qtbot: QtBot, badge: ConnectionBadge, key: Qt.Key) -> None:
    badge.set_state(PROD, PARTS)
    assert badge.focusPolicy() & Qt.FocusPolicy.TabFocus
    with qtbot.waitSignal(badge.menu_requested):
        qtbot.keyClick(badge, key)
    with qtbot.waitSignal(badge.menu_requested):
        qtbot.mouseClick(badge, Qt.MouseButton.LeftButton)


def test_the_profile_is_drawn_on_its_colour_however_narrow(badge: ConnectionBadge) -> None:
    badge.set_state(PROD, PARTS)
    for width in (badge.sizeHint().width(), badge.minimumSizeHint().width()):
        badge.resize(width, badge.sizeHint().height())
        assert QColor(PROD.colour).name() in shades(badge)


def test_a_failed_connection_looks_other_than_a_connected_one(badge: ConnectionBadge, theme: Theme) -> None:
    badge.set_state(PROD, (("Kafka", ConnectionState(Phase.CONNECTED)),))
    badge.resize(badge.sizeHint())
    assert QColor(theme.success).name() in shades(badge)
    before = badge.grab().toImage()
    badge.set_state(PROD, (("Kafka", ConnectionState(Phase.CLOSED)),))
    assert badge.grab().toImage() != before


def test_the_strip_of_production_says_so(qtbot: QtBot) -> None:
    strip = ProfileStrip()
    qtbot.addWidget(strip)
    assert strip.isHidden()
    strip.set_look(ProfileLook("Local", COLOURS["Green"]))
    thin = strip.sizeHint().height()
    strip.set_look(PROD)
    assert strip.sizeHint().height() > thin
    assert strip.accessibleName() == "Cluster profile: prod-eu \u00b7 production"
    strip.resize(300, strip.sizeHint().height())
    assert PROD.colour in shades(strip)
    strip.set_look(None)
    assert strip.isHidden()


def test_a_chip_gives_way(qtbot: QtBot) -> None:
    chip = ProfileChip()
    qtbot.addWidget(chip)
    chip.set_look(ProfileLook("a very long name of a profile " * 5))
    assert chip.minimumSizeHint().width() < chip.sizeHint().width() // 4
    assert "very long" in chip.toolTip()


@pytest.mark.parametrize("colour", COLOURS.values())
def test_text_on_a_profiles_colour_can_be_read(colour: str) -> None:
    def luminance(of: str) -> float:
        parts = [part / 255 for part in QColor(of).getRgb()[:3]]
        red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(colour), luminance(text_on(colour))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
