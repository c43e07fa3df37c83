"""How the whole application looks: one style sheet and one palette, made from a theme, laid over Qt's Fusion.

Widgets opt in to a look with dynamic properties: `mono` (code font), `edge="none"` (a view that fills its
pane), `muted` (secondary text), `invalid` (refused content), `tone` (error, warning, success, info).
"""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QAbstractSpinBox, QWidget

from widgets.style_rules import SHEET
from widgets.theme import Theme

UI_POINT_SIZE = 10.0
UI_INDENT = 5


def mix(first: str, second: str, share: float) -> str:
    """The colour `share` of the way from `first` to `second`, as `#rrggbb`."""
    start, end = QColor(first), QColor(second)
    channels = zip(start.getRgb()[:3], end.getRgb()[:3], strict=True)  # type: ignore[index]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in channels)


def tint(theme: Theme, colour: str) -> str:
    """A quiet background in the hue of `colour` on which the theme's text stays readable."""
    return mix(theme.base, colour, 0.18 if theme.dark else 0.10)


def tone_colour(theme: Theme, tone: str) -> str:
    """The theme's colour for error, warning, success or info; anything else is muted text."""
    tones = {
        "error": theme.error,
        "warning": theme.warning,
        "success": theme.success,
        "info": theme.info,
    }
    return tones.get(tone, theme.text_muted)


def set_look(widget: QWidget, name: str, value: object) -> None:
    """Sets a dynamic property and has the style sheet applied anew, which Qt does not do by itself."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def mark_invalid(field: QWidget, reason: str) -> None:
    """Marks a field as refused and says why in its tooltip and description; an empty reason clears it."""
    set_look(field, "invalid", bool(reason))
    field.setToolTip(reason)
    field.setAccessibleDescription(reason)


def indent_spin_box(box: QAbstractSpinBox) -> None:
    """Lines the number up with the text of line edits: a style sheet's padding does not reach it."""
    box.lineEdit().setTextMargins(UI_INDENT, 0, 0, 0)


def palette(theme: Theme) -> QPalette:
    """The palette that Fusion draws with, and that custom painting may read."""
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.base,
        role.AlternateBase: theme.current_line,
        role.Text: theme.text,
        role.PlaceholderText: theme.text_muted,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.Highlight: theme.selection,
        role.HighlightedText: theme.text,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Light: mix(theme.raised, theme.base, 0.5),
        role.Midlight: theme.raised,
        role.Mid: theme.border,
        role.Dark: mix(theme.border, theme.text, 0.2),
        role.Shadow: "#000000",
    }
    made = QPalette()
    for name, colour in colours.items():
        made.setColor(name, QColor(colour))
    faded = QColor(mix(theme.text_muted, theme.window, 0.45))
    for name in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, name, faded)
    return made


def stylesheet(theme: Theme, font_scale: int) -> str:
    """The application's style sheet; `font_scale` is in percent and also widens paddings and controls."""
    return SHEET.substitute(_colours(theme), **_sizes(theme, font_scale))


def _colours(theme: Theme) -> dict[str, str]:
    """The names the sheet uses for colours, the theme's own and those mixed from them."""
    names = ("window", "base", "raised", "border", "text", "accent", "accent_text", "selection", "error")
    named = {name: str(getattr(theme, name)) for name in names}
    return named | {
        "muted": theme.text_muted,
        "hover": mix(theme.raised, theme.text, 0.08),
        "pressed": mix(theme.raised, theme.text, 0.15),
        "hover_row": mix(theme.base, theme.text, 0.05),
        "faded": mix(theme.text_muted, theme.window, 0.45),
        "handle": mix(theme.base, theme.text, 0.22),
        "handle_hover": mix(theme.base, theme.text, 0.40),
        "control_border": mix(theme.border, theme.text, 0.12),
        "accent_hover": mix(theme.accent, theme.text, 0.15),
        "error_tint": tint(theme, theme.error),
        "warning_tint": tint(theme, theme.warning),
        "success_tint": tint(theme, theme.success),
        "info_tint": tint(theme, theme.info),
        "error_text": theme.error,
        "warning_text": theme.warning,
        "success_text": theme.success,
        "info_text": theme.info,
    }


def _sizes(theme: Theme, font_scale: int) -> dict[str, str]:
    """Lengths that follow the font, and the two fonts; a hairline stays one pixel."""
    factor = max(font_scale, 50) / 100
    lengths = {
        f"px{length}": f"{max(1, round(length * factor))}px"
        for length in (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 28)
    }
    return lengths | {
        "ui_size": f"{UI_POINT_SIZE * factor:.2f}pt",
        "small_size": f"{UI_POINT_SIZE * 0.9 * factor:.2f}pt",
        "mono_size": f"{theme.mono_point_size * factor:.2f}pt",
        "mono_family": theme.mono_family,
    }
