"""The engine and the headless commands of `howk-studio` start where Qt cannot be imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import resources
from engine.cli import commands

QT = ("PySide6", "shiboken6", "pyside6_scintilla", "PyQt5", "PyQt6")

BLOCK = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"{{name}} was imported", name=name)

sys.meta_path.insert(0, Block())
"""

IMPORT_ALL = """
import importlib, pkgutil
import engine, resources

for package in (engine, resources):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""

RUN = """
sys.argv = ["howk-studio", *{arguments!r}]
from app.entry import main

main()
"""

HEADLESS = [
    command.name or getattr(command.callback, "__name__", "") for command in commands.registered_commands
] + [group.name or "" for group in commands.registered_groups]


def run_without(names: tuple[str, ...], code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BLOCK.format(names=names) + code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_module_of_the_engine_imports_without_qt_and_the_rooms_above() -> None:
    result = run_without((*QT, "app", "widgets"), IMPORT_ALL)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", ["", *sorted(set(HEADLESS) - {"gui", ""})])
def test_a_headless_command_explains_itself_without_qt(command: str) -> None:
    result = run_without(QT, RUN.format(arguments=[*command.split(), "--help"]))
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout


def test_a_script_runs_without_qt(tmp_path: Path) -> None:
    script = Path(resources.__file__).parent / "examples" / "test_config.lua"
    payload = tmp_path / "payload.json"
    payload.write_text('{"foo": "bar"}')
    arguments = ["preview", str(script), "--payload", str(payload), "--config-id", "test_config", "--json"]
    result = run_without(QT, RUN.format(arguments=arguments))
    assert result.returncode == 0, result.stderr
    assert json.loads(json.loads(result.stdout)["body"]) == {"foo": "bar", "enriched": True}
