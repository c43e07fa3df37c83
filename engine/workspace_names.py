"""Which names a script or a case may have, and how they are written as file names.

A config_id is nearly free text; a file name is not. Characters that some file system refuses are written `%XX`
(`wh:42` is `wh%3A42.lua`), and so is `%` itself, so that every name can be read back.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from engine.errors import BadInput

MAX_NAME_CHARACTERS = 200
MAX_FILE_NAME_BYTES = 230  # file systems allow 255; a suffix and a temporary name must fit too

_REFUSED_IN_FILES = re.compile(r'[%:\\<>"|?*]')
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check_name(name: str, what: str = "config_id") -> None:
    """Whether this can name a script (or, with `what`, a case).

    Raises:
        BadInput: it cannot; the sentence says why.
    """
    why = _objection(name)
    if why:
        raise BadInput(what, repr(name[:60]), why, "Choose another name.")


def _objection(name: str) -> str:
    """What is wrong with a name, as a sentence; empty when nothing is."""
    if not name.strip():
        return "it is empty."
    if _CONTROL.search(name):
        return "it contains a control character."
    objections = {
        f"it has {len(name)} characters; {MAX_NAME_CHARACTERS} are allowed.": len(name) > MAX_NAME_CHARACTERS,
        "a / would name a file in another folder.": "/" in name,
        "it cannot begin with a dot or a space.": name[0] in ". ",
        "it cannot end with a dot or a space.": name[-1] in ". ",
        "written as a file name it is too long.": len(_encode(name).encode("utf-8")) > MAX_FILE_NAME_BYTES,
    }
    return next((why for why, applies in objections.items() if applies), "")


def file_stem(name: str, what: str = "config_id") -> str:
    """The file name, without suffix, for a checked name. Raises BadInput for a name that cannot be one."""
    check_name(name, what)
    return _encode(name)


def name_of(stem: str) -> str | None:
    """The name that a file stands for; None when no name is written like this."""
    name = unquote(stem, errors="surrogateescape")
    return name if not _objection(name) and _encode(name) == stem else None


def _encode(name: str) -> str:
    return _REFUSED_IN_FILES.sub(lambda match: f"%{ord(match[0]):02X}", name)
