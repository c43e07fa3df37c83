"""What is wrong with a script and where: the value that `check`, the Problems pane and the editor's markers share."""

from __future__ import annotations

import enum

import msgspec


class Severity(enum.StrEnum):
    """How bad: an error stops the script from running at all or stopped it, a warning does not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Problem(msgspec.Struct, frozen=True):
    """One finding; `line` and `column` are 1-based, column 0 means the whole line."""

    severity: Severity
    message: str
    line: int
    column: int = 0
    code: str = ""

    def __str__(self) -> str:
        return f"{self.line}:{max(self.column, 1)}: {self.severity.value}: {self.message}"
