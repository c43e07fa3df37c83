"""Themes for the widgets' tests, made here so that no file is read."""

from __future__ import annotations

import pytest

from widgets.theme import Theme

LIGHT = Theme(
    name="Light",
    dark=False,
    window="#f4f5f7",
    base="#ffffff",
    raised="#f0f1f4",
    border="#d5d9e0",
    text="#1f2430",
    text_muted="#667085",
    accent="#2f6fde",
    accent_text="#ffffff",
    selection="#cfe0fc",
    current_line="#f3f6fb",
    error="#c62828",
    warning="#b26a00",
    success="#2e7d32",
    info="#1565c0",
    diff_added="#ddf4e0",
    diff_removed="#fbe0e0",
    diff_changed="#fdf3d3",
    syntax_keyword="#8e24aa",
    syntax_string="#2e7d32",
    syntax_number="#b2560a",
    syntax_comment="#7a8699",
    syntax_function="#1565c0",
    syntax_operator="#4a5568",
    syntax_property="#00697a",
)
DARK = Theme(
    name="Dark",
    dark=True,
    window="#1b1e24",
    base="#21252c",
    raised="#2a2f38",
    border="#3a414d",
    text="#d9dee8",
    text_muted="#8d97a8",
    accent="#5c9dff",
    accent_text="#0e1420",
    selection="#31486e",
    current_line="#282d36",
    error="#ff7b72",
    warning="#e3b341",
    success="#7ee787",
    info="#79c0ff",
    diff_added="#1f3a2a",
    diff_removed="#472427",
    diff_changed="#443a1c",
    syntax_keyword="#d2a8ff",
    syntax_string="#a5d6a7",
    syntax_number="#f2b277",
    syntax_comment="#8390a4",
    syntax_function="#79c0ff",
    syntax_operator="#b6c0d0",
    syntax_property="#7fd6e0",
)


@pytest.fixture
def theme() -> Theme:
    """A light theme."""
    return LIGHT


@pytest.fixture
def dark_theme() -> Theme:
    """A dark theme."""
    return DARK
