"""How the editors look: one Theme value turned into Scintilla's styles, elements, markers and indicators."""

from __future__ import annotations

from typing import Final

from pyside6_scintilla import Scintilla, ScintillaEdit

from widgets.theme import Theme

MARGIN_NUMBERS: Final = 0
MARGIN_SYMBOLS: Final = 1
MARGIN_FOLDS: Final = 2
INDICATOR_MATCH: Final = 16  # all finds
INDICATOR_CURRENT_MATCH: Final = 17

_ELEMENT = Scintilla.Element
_COMMON = Scintilla.StylesCommon
FOLD_MARKERS: Final = (
    (25, Scintilla.MarkerSymbol.Arrow),  # folded, inside another fold
    (26, Scintilla.MarkerSymbol.ArrowDown),
    (27, Scintilla.MarkerSymbol.Empty),
    (28, Scintilla.MarkerSymbol.Empty),
    (29, Scintilla.MarkerSymbol.Empty),
    (30, Scintilla.MarkerSymbol.Arrow),
    (31, Scintilla.MarkerSymbol.ArrowDown),
)
# Style numbers of Lexilla's lexers -> the Theme field that colours them.
_STYLES: Final[dict[str, dict[int, str]]] = {
    "lua": {
        **dict.fromkeys((1, 2, 3), "syntax_comment"),
        4: "syntax_number",
        5: "syntax_keyword",
        **dict.fromkeys((6, 7, 8, 12), "syntax_string"),
        10: "syntax_operator",
        **dict.fromkeys((13, 14, 15, 16), "syntax_function"),
    },
    "json": {
        1: "syntax_number",
        2: "syntax_string",
        3: "error",
        4: "syntax_property",
        5: "syntax_keyword",
        **dict.fromkeys((6, 7), "syntax_comment"),
        8: "syntax_operator",
        9: "syntax_string",
        10: "syntax_property",
        11: "syntax_keyword",
        13: "error",
    },
}


def bgr(colour: str) -> int:
    """Give `#rrggbb` as the number that Scintilla's older messages take."""
    return int(colour[5:7] + colour[3:5] + colour[1:3], 16)


def abgr(colour: str, alpha: int = 255) -> int:
    """Give `#rrggbb` and an opacity as the number that element messages take."""
    return (alpha << 24) | bgr(colour)


def apply_styles(editor: ScintillaEdit, theme: Theme, language: str, scale: int) -> None:
    """Set the font at `scale` percent and the colours of text, line numbers, braces and call tips."""
    default = int(_COMMON.Default)
    editor.styleResetDefault()
    editor.styleSetFont(default, theme.mono_family)
    size = theme.mono_point_size * scale / 100
    editor.styleSetSizeFractional(default, round(size * Scintilla.FontSizeMultiplier))
    editor.styleSetFore(default, bgr(theme.text))
    editor.styleSetBack(default, bgr(theme.base))
    # Lets Scintilla multiply instead of measure: 30 times faster on long lines.
    editor.styleSetCheckMonospaced(default, True)
    editor.styleClearAll()
    for style, field in _STYLES.get(language, {}).items():
        editor.styleSetFore(style, bgr(str(getattr(theme, field))))
    _apply_common_styles(editor, theme)
    editor.setExtraAscent(1)
    editor.setExtraDescent(1)


def _apply_common_styles(editor: ScintillaEdit, theme: Theme) -> None:
    editor.styleSetFore(_COMMON.LineNumber, bgr(theme.text_muted))
    editor.styleSetBack(_COMMON.LineNumber, bgr(theme.base))
    editor.styleSetFore(_COMMON.BraceLight, bgr(theme.accent))
    editor.styleSetBack(_COMMON.BraceLight, bgr(theme.selection))
    editor.styleSetBold(_COMMON.BraceLight, True)
    editor.styleSetFore(_COMMON.BraceBad, bgr(theme.error))
    editor.styleSetFore(_COMMON.IndentGuide, bgr(theme.border))
    editor.styleSetFore(_COMMON.CallTip, bgr(theme.text))
    editor.styleSetBack(_COMMON.CallTip, bgr(theme.raised))
    editor.callTipUseStyle(0)
    editor.callTipSetForeHlt(bgr(theme.accent))


def apply_elements(editor: ScintillaEdit, theme: Theme) -> None:
    """Set the colours of selection, caret, lists, margins and finds."""
    for element, colour in (
        (_ELEMENT.SelectionBack, theme.selection),
        (_ELEMENT.SelectionInactiveBack, theme.selection),
        (_ELEMENT.SelectionAdditionalBack, theme.selection),
        (_ELEMENT.CaretLineBack, theme.current_line),
        (_ELEMENT.Caret, theme.text),
        (_ELEMENT.List, theme.text),
        (_ELEMENT.ListBack, theme.raised),
        (_ELEMENT.ListSelected, theme.accent_text),
        (_ELEMENT.ListSelectedBack, theme.accent),
        (_ELEMENT.WhiteSpace, theme.border),
        (_ELEMENT.FoldLine, theme.border),
    ):
        editor.setElementColour(element, abgr(colour))
    editor.setCaretWidth(2)
    editor.setMarginBackN(MARGIN_SYMBOLS, bgr(theme.base))
    editor.setMarginBackN(MARGIN_FOLDS, bgr(theme.base))
    editor.setFoldMarginColour(True, bgr(theme.base))
    editor.setFoldMarginHiColour(True, bgr(theme.base))
    for marker, _symbol in FOLD_MARKERS:
        editor.markerSetFore(marker, bgr(theme.text_muted))
        editor.markerSetBack(marker, bgr(theme.text_muted))
    _apply_match_colours(editor, theme)


def _apply_match_colours(editor: ScintillaEdit, theme: Theme) -> None:
    for indicator, colour, fill, outline in (
        (INDICATOR_MATCH, theme.warning, 50, 110),
        (INDICATOR_CURRENT_MATCH, theme.warning, 130 if theme.dark else 90, 255),
    ):
        editor.indicSetStyle(indicator, Scintilla.IndicatorStyle.StraightBox)
        editor.indicSetFore(indicator, bgr(colour))
        editor.indicSetAlpha(indicator, fill)
        editor.indicSetOutlineAlpha(indicator, outline)
        editor.indicSetUnder(indicator, True)
