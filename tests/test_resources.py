"""What comes with the product is whole: themes can be read, icons drawn, examples compiled and fed."""

from __future__ import annotations

import json
import re
import tomllib
import xml.etree.ElementTree as ET
from itertools import product
from pathlib import Path

import pytest
from lupa import lua51

import resources
from widgets.theme import Theme

EXAMPLES = sorted(resources.example_workspace().glob("*.lua"))
BACKGROUNDS = ("window", "base", "raised", "current_line", "selection")
INKS = ("text", "error", "warning", "success", "info", "text_muted")
DIFFS = ("diff_added", "diff_removed", "diff_changed")
CODE_BACKGROUNDS = ("base", "current_line", "selection")


def luminance(color: str) -> float:
    channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.fixture(params=resources.theme_names())
def theme(request: pytest.FixtureRequest) -> Theme:
    return Theme(**tomllib.loads(resources.theme_path(request.param).read_text()))


def test_there_is_a_light_and_a_dark_theme() -> None:
    assert resources.theme_names() == ("dark", "light")


def test_colours_are_plain_hex(theme: Theme) -> None:
    colors = [
        getattr(theme, name) for name in Theme.__slots__ if not name.startswith(("name", "dark", "mono"))
    ]
    assert all(re.fullmatch("#[0-9a-f]{6}", color) for color in colors)


def test_text_can_be_read_on_everything_it_stands_on(theme: Theme) -> None:
    syntax = [name for name in Theme.__slots__ if name.startswith("syntax_")]
    pairs = [
        *product(INKS, BACKGROUNDS),
        *product(("text", *syntax), (*CODE_BACKGROUNDS, *DIFFS)),
        ("accent_text", "accent"),
        ("accent", "base"),
        ("accent", "window"),
    ]
    ratios = {pair: contrast(getattr(theme, pair[0]), getattr(theme, pair[1])) for pair in pairs}
    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("name", resources.icon_names())
def test_an_icon_is_well_formed_and_takes_a_colour(name: str) -> None:
    root = ET.fromstring(resources.icon_svg(name, "#123456"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert name == "howk-studio" or root.get("stroke") == "#123456"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(FileNotFoundError, match=r"'blue'.*dark, light"):
        resources.theme_path("blue")


def test_the_first_example_is_the_one_everybody_knows() -> None:
    case = resources.example_workspace() / "tests" / "test_config" / "foo-bar.json"
    assert json.loads(case.read_text())["payload"] == '{"foo":"bar"}'


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_compiles_and_has_a_case(script: Path) -> None:
    lua = lua51.LuaRuntime(encoding=None, register_eval=False)
    compiled = lua.globals().loadstring(script.read_bytes())
    assert not isinstance(compiled, tuple), compiled
    assert list((script.parent / "tests" / script.stem).glob("*.json"))


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_needs_only_what_every_worker_has(script: Path) -> None:
    code = script.read_text()
    assert set(re.findall(r'require\("(\w+)"\)', code)) <= {"json", "base64", "log"}
    first_use = code.find("request.headers[")
    assert first_use < 0 or 0 <= code.find("request.headers = request.headers or {}") < first_use


def test_the_examples_can_be_copied(tmp_path: Path) -> None:
    resources.copy_example_workspace(tmp_path / "mine")
    assert (tmp_path / "mine" / "test_config.lua").exists()
