"""What the window remembers from one start to the next: workspace, open scripts, sizes, theme, switches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths

from engine.preview_calls import CallMode

RECENT_LENGTH = 10


class Session:
    """Typed access to the settings file of the desktop (never a secret).

    Args:
        store: where it is kept; None keeps nothing, as for a screenshot.
    """

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store
        self._memory: dict[str, Any] = {}

    @classmethod
    def of_user(cls) -> Session:
        """The user's own."""
        return cls(QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "HOWK", "howk-studio"))

    def _get(self, key: str, default: Any) -> Any:
        if key in self._memory or self._store is None:
            return self._memory.get(key, default)
        return self._store.value(key, default)

    def _set(self, key: str, value: Any) -> None:
        self._memory[key] = value
        if self._store is not None:
            self._store.setValue(key, value)

    def _text(self, key: str, default: str = "") -> str:
        value = self._get(key, default)
        return value if isinstance(value, str) else default

    def _texts(self, key: str) -> list[str]:
        value = self._get(key, [])
        if isinstance(value, str):  # an ini file reads a list of one back as a string
            return [value] if value else []
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def state(self, name: str) -> QByteArray | None:
        """A widget's saved geometry or state; None when there is none."""
        value = self._get(f"state/{name}", None)
        return value if isinstance(value, QByteArray) and not value.isEmpty() else None

    def set_state(self, name: str, state: QByteArray) -> None:
        """Keeps a widget's geometry or state."""
        self._set(f"state/{name}", state)

    @property
    def theme(self) -> str:
        """system, light or dark."""
        return self._text("theme", "system")

    @theme.setter
    def theme(self, choice: str) -> None:
        self._set("theme", choice)

    @property
    def scale(self) -> int:
        """Font size in percent."""
        text = str(self._get("scale", 100))
        return int(text) if text.isdigit() else 100

    @scale.setter
    def scale(self, percent: int) -> None:
        self._set("scale", percent)

    @property
    def live_preview(self) -> bool:
        """Whether a change runs the script by itself."""
        return str(self._get("live_preview", "true")).lower() == "true"

    @live_preview.setter
    def live_preview(self, on: bool) -> None:
        self._set("live_preview", "true" if on else "false")

    @property
    def tests_on_save(self) -> bool:
        """Whether saving a script runs its test cases."""
        return str(self._get("tests_on_save", "true")).lower() == "true"

    @tests_on_save.setter
    def tests_on_save(self, on: bool) -> None:
        self._set("tests_on_save", "true" if on else "false")

    @property
    def workspaces(self) -> list[Path]:
        """Workspaces opened before, the last one first."""
        return [Path(text) for text in self._texts("workspaces")]

    def add_workspace(self, path: Path) -> None:
        """Notes that a workspace was opened."""
        others = [str(known) for known in self.workspaces if known != path]
        self._set("workspaces", [str(path), *others][:RECENT_LENGTH])

    def open_scripts(self, workspace: Path) -> list[str]:
        """The scripts that were open in a workspace, in the order of their tabs."""
        return self._texts(f"open/{_key(workspace)}")

    def set_open_scripts(self, workspace: Path, config_ids: list[str], current: str) -> None:
        """Keeps which scripts are open and which is in front."""
        self._set(f"open/{_key(workspace)}", config_ids)
        self._set(f"current/{_key(workspace)}", current)

    def current_script(self, workspace: Path) -> str:
        """The script that was in front."""
        return self._text(f"current/{_key(workspace)}")

    def call_mode(self, workspace: Path) -> CallMode:
        """Who answered the calls of a workspace's previews: recorded unless off was chosen. Live is never restored."""
        off = self._text(f"calls/{_key(workspace)}") == CallMode.OFF
        return CallMode.OFF if off else CallMode.RECORDED

    def set_call_mode(self, workspace: Path, mode: CallMode) -> None:
        """Keeps the choice; of live only that the next start is recorded: no start may touch a cluster unasked."""
        kept = CallMode.RECORDED if mode is CallMode.LIVE else mode
        self._set(f"calls/{_key(workspace)}", kept.value)

    def save(self) -> None:
        """Writes everything to disk now."""
        if self._store is not None:
            self._store.sync()


def _key(path: Path) -> str:
    return str(path).replace("/", "|").replace("\\", "|")


def data_folder() -> Path:
    """Where the studio keeps drafts and its copy of the examples."""
    root = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation)
    return Path(root) / "howk-studio"
