"""The program `howk-studio`: opens the window at once when that is all that is asked, else reads the command line.

What reads command lines, and all the headless commands, take longer to import than the window takes to appear.
"""

from __future__ import annotations

import sys
from pathlib import Path


def only_window(given: list[str]) -> bool:
    """Whether this asks for the window and nothing else: no word, `gui`, or those with a folder.

    A folder without `gui` counts when a path is written, since its bare name may be that of a command.
    """
    if given in ([], ["gui"]):
        return True
    folder = given[-1]
    named = given[0] == "gui" if len(given) == 2 else len(given) == 1 and Path(folder).name != folder
    return named and not folder.startswith("-") and Path(folder).is_dir()


def main() -> None:
    """Entry point of `howk-studio`."""
    given = sys.argv[1:]
    if not only_window(given):
        from app.commands import run  # noqa: PLC0415 - the window does not wait for it

        run(given)
        return
    from app.start import open_window  # noqa: PLC0415 - headless commands must not import Qt

    folder = given[-1] if given and given != ["gui"] else ""
    sys.exit(open_window(Path(folder) if folder else None, None, "", ""))


if __name__ == "__main__":
    main()
