"""The scripts of a workspace as a cluster's are compared with: hash and script_config of each."""

from __future__ import annotations

import hashlib

from engine.errors import BadInput
from engine.scripts.compare import LocalScript
from engine.workspace import Workspace, parse_config


def local_scripts(workspace: Workspace) -> dict[str, LocalScript]:
    """Every script of a workspace; one that cannot be read now is not among them, and a broken config is none."""
    found: dict[str, LocalScript] = {}
    for script in workspace.scripts():
        try:
            source = script.path.read_bytes()
        except OSError:
            continue
        found[script.config_id] = LocalScript(
            hashlib.sha256(source).hexdigest(), _config(workspace, script.config_id)
        )
    return found


def _config(workspace: Workspace, config_id: str) -> dict[str, object]:
    try:
        text = workspace.read_config(config_id)
        return dict(parse_config(text)) if text else {}
    except BadInput:
        return {}
