"""What the commands of a cluster print: what was done, what differs, which versions there are."""

from __future__ import annotations

import difflib
from typing import Any

import msgspec
import typer

from engine.cli_cluster import EXIT_UNREACHABLE
from engine.cluster.profiles import Profile
from engine.go_time import go_time
from engine.model import ScriptConfig
from engine.scripts.review import mark_of, short_mark
from engine.scripts.store import StoredVersion, StoreReport


def difference(old: ScriptConfig | None, new: ScriptConfig | None, names: tuple[str, str]) -> str:
    """What two scripts differ in, code and script_config, as a unified diff; empty when in nothing.

    A character that a terminal would obey or not show is written as an escape: nothing hides in it.
    """
    lines = difflib.unified_diff(_lines(old), _lines(new), *names, lineterm="")
    return "\n".join("".join(map(_visible, line)) for line in lines)


def _visible(character: str) -> str:
    return character if character.isprintable() or character == "\t" else ascii(character)[1:-1]


def _lines(script: ScriptConfig | None) -> list[str]:
    if script is None:
        return []
    *lines, last = script.lua_code.split("\n")
    ending = [last, "\\ No newline at end of file"] if last else []
    return [*lines, *ending, *_config_lines(script.script_config or {})]


def _config_lines(config: dict[str, Any]) -> list[str]:
    if not config:
        return []
    text = msgspec.json.format(msgspec.json.encode(config, order="sorted"), indent=2).decode()
    return ["-- script_config", *text.splitlines()]


def tell(report: StoreReport, profile: Profile, done: str, *, json: bool) -> None:
    """Prints a report; one with a failed step ends the command."""
    failure = report.failure()
    if json:
        document = {"profile": profile.name, "complete": report.complete, **msgspec.to_builtins(report)}
        typer.echo(msgspec.json.encode(document).decode())
    else:
        for step in report.steps:
            typer.echo(
                f"{step.state.value:8}{step.name.replace('_', ' ')}{f'  {step.detail}' if step.detail else ''}"
            )
        what = f"{report.config_id} version {report.version}" if report.hash else report.config_id
        typer.echo(f"{what} {done} {profile.name}.")
    if failure is not None:
        again = (
            ""
            if failure.name == "journal"
            else f" Repair it with `howk-studio script repair {report.config_id}`."
        )
        typer.echo(
            f"howk-studio: {failure.name.replace('_', ' ')} failed: {failure.detail}.{again}", err=True
        )
        raise typer.Exit(EXIT_UNREACHABLE)


def line_of(version: StoredVersion) -> str:
    """One version in a list of them."""
    when = go_time(version.published_at * 1_000_000) if version.published_at else "-"
    script = version.script
    what = f"{script.version or '-'}  {short_mark(mark_of(script))}" if script else "deleted"
    return "  ".join(part for part in (when, what, version.who, version.note, version.place) if part)
