"""Every error that HOWK Studio raises on purpose, drawn as one tree.

HowkError
├── BadInput                  what a person gave cannot be used: says what, where and what to do
│   ├── WorkspaceError        a workspace folder or one of its files
│   │   └── ChangedOnDisk     another program wrote it meanwhile (engine.workspace)
│   └── SettingsError         a settings file or a HOWK_* variable
├── InvalidOutput             a script left a value of the wrong type; the field is named
├── EngineUnavailable         the engine host processes cannot be started
│   └── RunInterrupted        one was ended from outside after its run had sent something (engine.sandbox.blame)
├── ClusterUnreachable        Kafka, Redis or an API of a cluster does not answer, or not in time
├── ClusterRefused            it answered, and will not do it
├── PublishRefused            a rule forbids an act on a cluster, and nothing was sent (engine.scripts.rules)
├── BadRecord                 a record of a topic is no webhook (engine.webhooks.record)
├── BadScriptRecord           a record of a topic or a mirror is no script (engine.scripts.record)
├── ChildGone                 a child process has ended (engine.child_process)
└── DisplayFailed             a body could not be prepared for showing (engine.display_service)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


class HowkError(Exception):
    """The root: catching it catches everything the product raises on purpose."""


class BadInput(HowkError):
    """Something a person supplied cannot be used.

    Args:
        what: the thing, as the person knows it ("headers file", "payload").
        where: the file or field, with a line when there is one.
        why: one sentence on what is wrong.
        remedy: one sentence on what to do about it.
    """

    def __init__(self, what: str, where: str, why: str, remedy: str = "") -> None:
        self.what, self.where, self.why, self.remedy = what, where, why, remedy
        place = f" {where}" if where else ""
        super().__init__(f"{what}{place}: {why}" + (f" {remedy}" if remedy else ""))


class WorkspaceError(BadInput):
    """A workspace folder, or a file in it, cannot be read or written."""

    def __init__(self, path: Path, why: str, remedy: str = "") -> None:
        self.path = path
        super().__init__("workspace", str(path), why, remedy)


class SettingsError(BadInput):
    """A setting has a value that its schema does not allow."""

    def __init__(self, key: str, why: str, remedy: str = "") -> None:
        super().__init__("setting", key, why, remedy)


class InvalidOutput(HowkError):
    """A script's output cannot be turned into a request; `field` is the script's name for the value."""

    def __init__(self, field: str, why: str) -> None:
        self.field, self.why = field, why
        super().__init__(f"{field}: {why}")


class EngineUnavailable(HowkError):
    """No engine host process could be started; `why` is the host's own last words or the system's error.

    `replies` are those of the runs of a batch before it failed; the runs after them were not begun.
    """

    replies: tuple[Any, ...] = ()

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"the script engine could not be started: {why}")


class ClusterUnreachable(HowkError):
    """A part of a cluster does not answer, or not in time.

    Args:
        part: which one, with its address ("Kafka at localhost:9092").
        why: the reason, for people; never a secret.
    """

    def __init__(self, part: str, why: str) -> None:
        self.part, self.why = part, why
        super().__init__(f"{part} cannot be reached: {why}")


class ClusterRefused(HowkError):
    """A part of a cluster answered that it will not do what was asked; nothing was changed."""

    def __init__(self, part: str, why: str) -> None:
        self.part, self.why = part, why
        super().__init__(f"{part} refused: {why}")
