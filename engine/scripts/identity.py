"""Who acts: the name under which authors, approvers and publishers are noted."""

from __future__ import annotations

import getpass
from collections.abc import Mapping

from engine.errors import SettingsError

VARIABLE = "HOWK_USER"
_LONGEST = 100


def who_am_i(environment: Mapping[str, str]) -> str:
    """The name in HOWK_USER, else the login of this machine.

    It is a note for colleagues, not a proof: whoever may write to a workspace may write any name.

    Raises:
        SettingsError: there is no name, or it is not one line of text.
    """
    name = environment.get(VARIABLE, "").strip()
    if not name:
        try:
            name = getpass.getuser()
        except (OSError, KeyError, ImportError):  # a container's user without an entry
            name = ""
    if not name:
        raise SettingsError(
            VARIABLE, "says nothing, and this machine has no login name.", "Set it to your name."
        )
    if len(name) > _LONGEST or not name.isprintable():
        raise SettingsError(VARIABLE, f"must be one line of at most {_LONGEST} characters.")
    return name
