"""The theme as a value: named colours and fonts that every widget draws with; no file is read here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as `#rrggbb`.

    `dark` says which of the two families it is. `syntax_*` colour code, `diff_*` are backgrounds of changed lines.
    """

    name: str
    dark: bool
    window: str  # behind everything
    base: str  # editors and lists
    raised: str  # headers, toolbars, selected tabs
    border: str
    text: str
    text_muted: str
    accent: str
    accent_text: str  # on top of accent
    selection: str
    current_line: str
    error: str
    warning: str
    success: str
    info: str
    diff_added: str
    diff_removed: str
    diff_changed: str
    syntax_keyword: str
    syntax_string: str
    syntax_number: str
    syntax_comment: str
    syntax_function: str  # names of the script API and libraries
    syntax_operator: str
    syntax_property: str  # JSON keys
    mono_family: str = "DejaVu Sans Mono"
    mono_point_size: float = 10.5
