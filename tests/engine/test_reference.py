"""The script API reference is what the table says."""

from __future__ import annotations

import resources
from engine.sandbox.api import API
from engine.sandbox.reference import NAME, reference


def test_the_page_that_is_kept_is_the_one_the_table_makes() -> None:
    kept = resources.doc_path(NAME).read_text("utf-8")
    assert kept == reference(), "run: python -m engine.sandbox.reference"


def test_every_name_of_the_table_is_on_the_page_once() -> None:
    page = reference()
    for entry in API:
        assert page.count(f"| `{entry.signature or entry.name}` |") == 1
