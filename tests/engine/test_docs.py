"""The pages on security and migration name tests, and each test they name is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import resources

FOLDER = Path(__file__).parent
NAMED = re.compile(r"`(test_\w+\.py)(?:::(test_\w+))?`")
BARE = re.compile(r"`(test_\w+)`")


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name for node in functions if node.name.startswith("test_")}


def test_each_test_that_the_security_page_names_is_there() -> None:
    named = NAMED.findall(resources.doc_path("security").read_text("utf-8"))
    assert len(named) > 30
    for file, test in named:
        assert not test or test in names_in(FOLDER / file), f"{file}::{test}"


def test_every_claim_on_the_security_page_names_a_test() -> None:
    page = resources.doc_path("security").read_text("utf-8")
    _, _, claims = page.partition("## What it cannot do")
    rows = [line for line in claims.splitlines() if line.startswith("| ") and "---" not in line]
    rows = [row for row in rows if not row.startswith("| claim")]
    assert len(rows) > 20
    assert [row for row in rows if not NAMED.search(row)] == []


def test_the_migration_page_and_its_tests_name_each_other() -> None:
    named = set(BARE.findall(resources.doc_path("migration").read_text("utf-8")))
    assert named == names_in(FOLDER / "test_migration.py")


@pytest.mark.parametrize("name", ["security", "migration"])
def test_a_page_begins_with_its_title(name: str) -> None:
    assert resources.doc_path(name).read_text("utf-8").startswith("# ")


def test_the_security_page_shows_figures_and_a_picture_that_is_there() -> None:
    page = resources.doc_path("security").read_text("utf-8")
    assert re.search(r"runs: +100,000", page)
    assert re.search(r"faults: +0", page)
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", page):
        assert resources.doc_path("security").with_name(picture).is_file()


def test_the_count_of_attempts_is_that_of_the_corpus() -> None:
    attempts = sum(
        line.startswith("--- ")
        for path in FOLDER.joinpath("escapes").glob("*.lua")
        for line in path.read_text("utf-8").splitlines()
    )
    assert f"{attempts} scripts in `tests/engine/escapes`" in resources.doc_path("security").read_text(
        "utf-8"
    )
