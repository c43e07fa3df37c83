"""One open script: its editor, what is on disk, and what its preview runs on."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.inputs import Inputs
from engine.workspace import FileText
from widgets.lua_editor import LuaEditor


@dataclass(eq=False)
class Document:
    """One open script.

    Attributes:
        editor: holds the text; what it holds is the truth until it is saved.
        saved, saved_config: the files as they were last read or written; None while there is none.
        config_text: the script_config as typed, broken or not.
        inputs: the webhook that the preview runs it on.
        modified_ns: the script file's time when it was last read, to notice other programs.
    """

    config_id: str
    editor: LuaEditor
    saved: FileText | None = None
    saved_config: FileText | None = None
    config_text: str = ""
    inputs: Inputs = field(default_factory=Inputs)
    modified_ns: int = 0

    @property
    def config_dirty(self) -> bool:
        """Whether the script_config differs from its file."""
        return self.config_text != (self.saved_config.text if self.saved_config else "")

    @property
    def dirty(self) -> bool:
        """Whether closing without saving would lose a change."""
        return self.editor.modify() or self.config_dirty
