"""Fuzzy matching of what a user types against short names: the letters in order, the better the closer together."""

from __future__ import annotations

_AT_WORD = 8
_ADJACENT = 5
_PENALTY_PER_GAP = 1


def match(query: str, text: str) -> tuple[int, tuple[int, ...]] | None:
    """How well `text` answers `query` and at which places its letters stand; None when it does not.

    Blanks in the query are ignored. A letter counts more at the start of a word and right after the one before.
    """
    wanted = [char for char in query.lower() if not char.isspace()]
    lower = text.lower()
    if len(lower) != len(text):  # a letter that grows in lower case would shift the places
        lower = text
    best: tuple[int, tuple[int, ...]] | None = None
    starts = [place for place, char in enumerate(lower) if wanted and char == wanted[0]]
    if not wanted:
        return 0, ()
    for start in starts:
        found = _from(start, wanted, lower)
        if found is not None and (best is None or found[0] > best[0]):
            best = found
    return best


def _from(start: int, wanted: list[str], text: str) -> tuple[int, tuple[int, ...]] | None:
    places = [start]
    score = _AT_WORD if _starts_word(text, start) else 0
    for char in wanted[1:]:
        last = places[-1]
        place = last + 1 if text[last + 1 : last + 2] == char else _next(text, char, last + 1)
        if place < 0:
            return None
        gap = place - last - 1
        score += _ADJACENT if gap == 0 else -min(gap * _PENALTY_PER_GAP, 6)
        score += _AT_WORD if _starts_word(text, place) else 0
        places.append(place)
    return score - len(text) // 16, tuple(places)


def _next(text: str, char: str, start: int) -> int:
    """The next word that starts with `char`, else the next place it stands at; -1 when there is none."""
    first = place = text.find(char, start)
    while place >= 0:
        if _starts_word(text, place):
            return place
        place = text.find(char, place + 1)
    return first


def _starts_word(text: str, place: int) -> bool:
    return place == 0 or not text[place - 1].isalnum()
