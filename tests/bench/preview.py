"""The preview: from a key press in the Lua editor to the result painted on the Output side."""

from __future__ import annotations

from app.preview_controller import DEBOUNCE_MS
from tests.bench.report import Table, percentile
from tests.bench.scripts import KB, MB, json_payload
from tests.bench.window import Driver, studio_window
from widgets.outcome_view import TABS

CARET_AFTER = 'local typed = "'
SCRIPT = """\
local typed = ""
headers["X-Typed"] = typed
log.info(typed)
local json = require("json")
local data = json.decode(payload)
data.a_typed = typed
request.body = json.encode(data)
"""
SIZES = (("1 KB", KB, 60), ("100 KB", 100 * KB, 60), ("1 MB", MB, 25))
TAB_SIZE = 100 * KB
TAB_KEYS = 40


def run() -> list[Table]:
    """The table: by size of the payload, then by page at 100 KB."""
    table = Table(
        "Preview: key press to painted result, milliseconds",
        ("payload, page in front", "p50", "p95", "p50 after debounce", "p95 after debounce"),
        notes=[
            f"Real key events into the Lua editor of a 1440 x 900 window; the script decodes the payload, changes it "
            f"and encodes it. After debounce is the same less its {DEBOUNCE_MS} ms."
        ],
    )
    with studio_window(SCRIPT) as driver:
        for name, size, keys in SIZES:
            driver.set_payload(json_payload(size))
            _measure(table, driver, f"{name}, Body", keys)
        driver.set_payload(json_payload(TAB_SIZE))
        for tab, title in enumerate(TABS[1:], start=1):
            driver.studio.window.output.show_tab(tab)
            _measure(table, driver, f"100 KB, {title}", TAB_KEYS)
    return [table]


def _measure(table: Table, driver: Driver, name: str, keys: int) -> None:
    driver.set_script(SCRIPT, CARET_AFTER)
    driver.settle()
    for _ in range(3):
        driver.key_to_paint()
    found = [driver.key_to_paint() * 1000 for _ in range(keys)]
    p50, p95 = percentile(found, 50), percentile(found, 95)
    values = (p50, p95, p50 - DEBOUNCE_MS, p95 - DEBOUNCE_MS)
    table.rows.append((name, *(f"{value:.1f}" for value in values)))
    table.raw[name] = found
