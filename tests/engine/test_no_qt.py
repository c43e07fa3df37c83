"""The headless commands start where Qt cannot be imported."""

import subprocess
import sys

import pytest

BLOCK_QT = """
import sys

QT = ("PySide6", "shiboken6", "pyside6_scintilla", "PyQt5", "PyQt6", "app", "widgets")

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in QT:
            raise ModuleNotFoundError(f"a headless command imported {name}", name=name)

sys.meta_path.insert(0, Block())
"""

NO_QT_LOADED = """
loaded = sorted(name for name in sys.modules if name.partition(".")[0] in QT)
assert not loaded, loaded
"""


def run_without_qt(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BLOCK_QT + code + NO_QT_LOADED],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_module_of_the_engine_imports_without_qt() -> None:
    result = run_without_qt(
        "import importlib, pkgutil\n"
        "import engine, resources\n"
        "for package in (engine, resources):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith('__main__'):\n"
        "            importlib.import_module(module.name)\n"
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], ["preview", "--help"], ["check", "--help"], ["test", "--help"]]
)
def test_a_headless_command_starts_without_qt(arguments: list[str]) -> None:
    result = run_without_qt(
        "import engine.cli\n"
        f"sys.argv = ['howk-studio', *{arguments!r}]\n"
        "try:\n"
        "    engine.cli.main()\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code, stop.code\n"
    )
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout
