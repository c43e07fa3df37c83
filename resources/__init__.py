"""Where the files are that come with the product: examples, themes, icons, documents, Lua sources.

Only paths and bytes are given out; whoever asks knows what they mean. A name that does not exist raises
FileNotFoundError with the names that do.
"""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent
"""The folder of this package; wheels are unpacked when installed, so it is a real one."""


def example_workspace() -> Path:
    """The example workspace. It belongs to the installation: open a copy of it (`copy_example_workspace`)."""
    return ROOT / "examples"


def copy_example_workspace(target: Path) -> None:
    """Copy the example workspace into `target`, a folder that must not exist yet (FileExistsError)."""
    shutil.copytree(example_workspace(), target)


def theme_names() -> tuple[str, ...]:
    """Names of the themes that come with the product, sorted."""
    return _names("themes", ".toml")


def theme_path(name: str) -> Path:
    """The TOML file of a theme: one key for each field of a theme value."""
    return _file("themes", name, ".toml")


def icon_names() -> tuple[str, ...]:
    """Names of the icons, sorted."""
    return _names("icons", ".svg")


def icon_path(name: str) -> Path:
    """The SVG file of an icon, drawn in `currentColor`."""
    return _file("icons", name, ".svg")


def icon_svg(name: str, color: str) -> bytes:
    """An icon as SVG in one colour (`#rrggbb`): Qt's renderer does not know `currentColor`."""
    return icon_path(name).read_bytes().replace(b"currentColor", color.encode("ascii"))


def doc_names() -> tuple[str, ...]:
    """Names of the documents that the application shows, sorted."""
    return _names("docs", ".md")


def doc_path(name: str) -> Path:
    """The Markdown file of a document."""
    return _file("docs", name, ".md")


def lua_path(name: str) -> Path:
    """A Lua source that the engine itself runs."""
    return _file("lua", name, ".lua")


def _names(folder: str, suffix: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (ROOT / folder).glob(f"*{suffix}")))


def _file(folder: str, name: str, suffix: str) -> Path:
    path = ROOT / folder / f"{name}{suffix}"
    if path.parent != ROOT / folder or not path.is_file():
        known = ", ".join(_names(folder, suffix)) or "none"
        raise FileNotFoundError(f"no {folder} file named {name!r}; there are: {known}")
    return path
