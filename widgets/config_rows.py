"""The script_config object as rows of name, type and value, and rows as JSON text again, losing nothing typed."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

STRING, NUMBER, BOOL, NULL, JSON = "string", "number", "true/false", "null", "JSON"
TYPES = (STRING, NUMBER, BOOL, NULL, JSON)


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """One property; `text` is the value as typed, without quotes for a string."""

    name: str = ""
    type: str = STRING
    text: str = ""

    def token(self) -> str:
        """The value as it stands in JSON text; a refused value stands there as typed."""
        if self.type == STRING:
            return _dump(self.text)
        if self.type == NULL:
            return "null"
        return self.text.strip()

    def problem(self) -> str:
        """Why the value is refused; empty when it is fine."""
        if self.type in {STRING, NULL}:
            return ""
        try:
            value = read_json(self.token())
        except ValueError as error:
            return {NUMBER: "This is not a number.", BOOL: "Write true or false."}.get(self.type, str(error))
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if self.type == NUMBER and not is_number:
            return "This is not a number."
        if self.type == BOOL and not isinstance(value, bool):
            return "Write true or false."
        return ""


def read_json(text: str) -> Any:
    """Strict JSON: no NaN, no Infinity, no number beyond a double.

    Raises:
        ValueError: with a sentence that says what is wrong and where.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg}, line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise ValueError("This is nested too deeply") from None


def read_object(text: str) -> dict[str, Any]:
    """The object in `text`; nothing but blanks is an empty one.

    Raises:
        ValueError: `text` is broken, or not an object.
    """
    value = read_json(text) if text.strip() else {}
    if not isinstance(value, dict):
        raise ValueError("script_config must be a JSON object: { ... }")  # noqa: TRY004
    return value


def rows_of(config: dict[str, Any]) -> list[ConfigRow]:
    """One row for each property, in order."""
    return [ConfigRow(name, *_typed(value)) for name, value in config.items()]


def text_of(rows: list[ConfigRow]) -> str:
    """The object's JSON text, one property a line; a row without a name is left out when it has no value either."""
    filled = [row for row in rows if row.name or row.text]
    if not filled:
        return "{}"
    lines = [f"  {_dump(row.name)}: {row.token()}" for row in filled]
    return "{\n" + ",\n".join(lines) + "\n}"


def _typed(value: Any) -> tuple[str, str]:
    if isinstance(value, str):
        return STRING, value
    if value is None:
        return NULL, ""
    kind = BOOL if isinstance(value, bool) else NUMBER if isinstance(value, int | float) else JSON
    return kind, _dump(value)


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can carry
        return json.dumps(value)
    return text


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"The number {number[:40]} is too large")
    return value
