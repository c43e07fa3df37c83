"""The headless commands: their arguments, their output, and their exit codes.

0 done, 1 the script or a test failed, 2 wrong usage or bad input. With `--json` one JSON document goes to stdout and
nothing else; errors go to stderr.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
import typer

from engine.cli_test import run_cases
from engine.delivery.request import build_request
from engine.display_body import body_text
from engine.display_request import request_text
from engine.errors import BadInput, EngineUnavailable, HowkError
from engine.inputs import read_bytes, read_headers, read_metadata, read_script, read_script_config
from engine.model import Outcome, OutgoingRequest, Webhook
from engine.modules.fixture import decode_fixtures
from engine.modules.recorded import RecordedModules
from engine.sandbox.pool import EnginePool
from engine.scripts.problem import Problem, Severity
from engine.scripts.validate import check_script
from engine.settings import Settings, load_settings
from engine.transform import Script, Transformer

EXIT_SCRIPT_FAILED = 1
EXIT_BAD_INPUT = 2

T = TypeVar("T")

commands = typer.Typer(
    name="howk-studio",
    help="Write, preview and check the Lua scripts that transform HOWK webhooks.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's work; an error of ours ends the command with its sentence on stderr and exit code 2."""
    try:
        return asyncio.run(work)
    except (BadInput, EngineUnavailable) as problem:
        fail(problem)


def fail(problem: HowkError) -> NoReturn:
    """Says what is wrong on stderr and leaves with exit code 2."""
    typer.echo(f"howk-studio: {problem}", err=True)
    raise typer.Exit(EXIT_BAD_INPUT)


@commands.command()
def preview(
    script: Annotated[Path, typer.Argument(metavar="SCRIPT.lua", help="The script to run.")],
    *,
    payload: Annotated[Path, typer.Option(metavar="FILE", help="The webhook's payload, any bytes.")],
    headers: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Its headers, one object.")
    ] = None,
    metadata: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="webhook_id, attempt, max_attempts, endpoint ...")
    ] = None,
    config_id: Annotated[
        str, typer.Option(help="Whose script it is; else from metadata or the file's name.")
    ] = "",
    fixtures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.fixtures.json",
            help="Recorded answers to its calls of kv, http and crypto; a call without one fails.",
        ),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Run a script once and show the request that would be sent. It touches no Redis and no network."""
    try:
        settings = load_settings(os.environ)
        webhook, previous = read_metadata(metadata, config_id or _config_id_of(script))
        if config_id:
            webhook = msgspec.structs.replace(webhook, config_id=config_id)
        webhook = msgspec.structs.replace(
            webhook, payload=read_bytes(payload, "payload"), headers=read_headers(headers)
        )
        source = read_script(script)
        config = read_script_config(script.with_suffix(".json"))
        modules = RecordedModules(
            decode_fixtures(read_bytes(fixtures, "fixtures"), str(fixtures)) if fixtures else ()
        )
    except BadInput as problem:
        fail(problem)

    async def work() -> Outcome:
        async with EnginePool(spares=0) as pool:
            return await Transformer(pool, settings.lua, settings.lua.variables_of(os.environ)).run(
                Script.of(source, config), webhook, previous, modules
            )

    outcome = run(work())
    request = outgoing(webhook, outcome, settings)
    if json:
        typer.echo(msgspec.json.encode(preview_document(outcome, request)).decode())
    else:
        _print_preview(outcome, request)
    if not outcome.ok:
        raise typer.Exit(EXIT_SCRIPT_FAILED)


def _config_id_of(script: Path) -> str:
    return script.stem.replace("%3A", ":")


def outgoing(webhook: Webhook, outcome: Outcome, settings: Settings) -> OutgoingRequest | None:
    """The request of an outcome, as the worker would send it now; None when the script failed."""
    if outcome.result is None:
        return None
    return build_request(
        webhook, outcome.result, user_agent=settings.delivery.user_agent, now_unix=int(time.time())
    )


def preview_document(outcome: Outcome, request: OutgoingRequest | None) -> dict[str, Any]:
    """The document that `preview --json` prints."""
    result = outcome.result
    body, body_b64 = (None, None) if result is None else _text_or_base64(result.body)
    return {
        "ok": outcome.ok,
        "body": body,
        "body_b64": body_b64,
        "headers": result.headers if result else {},
        "removed_headers": list(result.removed_headers) if result else [],
        "opt_out_default_headers": result.opt_out_default_headers if result else False,
        "retry_on_status": list(result.retry_on_status) if result else [],
        "request": _request_document(request),
        "logs": [msgspec.to_builtins(line) for line in outcome.logs],
        "error": msgspec.to_builtins(outcome.error),
        "cpu_ms": outcome.cpu_ms,
        "wall_ms": outcome.wall_ms,
        "memory_peak_bytes": outcome.memory_peak_bytes,
    }


def _text_or_base64(body: bytes) -> tuple[str | None, str | None]:
    try:
        return body.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(body).decode()


def _request_document(request: OutgoingRequest | None) -> dict[str, Any] | None:
    if request is None:
        return None
    return {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "body_b64": base64.b64encode(request.body).decode(),
    }


def _print_preview(outcome: Outcome, request: OutgoingRequest | None) -> None:
    for line in outcome.logs:
        place = f" (line {line.line})" if line.line else ""
        typer.echo(f"log {line.level}{place}: {line.message}", err=True)
    if outcome.error is not None:
        typer.echo(f"howk-studio: {outcome.error}", err=True)
        if outcome.error.traceback:
            typer.echo(outcome.error.traceback, err=True)
    if request is not None:
        typer.echo(request_text(request))
        shown = body_text(request.body)
        if shown.note:
            typer.echo(shown.note, err=True)
    typer.echo(f"{outcome.cpu_ms:g} ms CPU, {outcome.memory_peak_bytes / 1024:.0f} KB at most", err=True)


@commands.command()
def check(
    scripts: Annotated[list[Path], typer.Argument(metavar="SCRIPT.lua...", help="The scripts to check.")],
    json: JsonFlag = False,
) -> None:
    """Check scripts without running them: syntax, and what they most likely did not mean."""
    try:
        sources = [(path, read_script(path)) for path in scripts]
    except BadInput as problem:
        fail(problem)

    async def work() -> list[tuple[Path, Problem]]:
        async with EnginePool(spares=0) as pool:
            return [(path, found) for path, source in sources for found in await check_script(pool, source)]

    problems = run(work())
    if json:
        document = [{"file": str(path), **msgspec.to_builtins(found)} for path, found in problems]
        typer.echo(msgspec.json.encode(document).decode())
    else:
        for path, found in problems:
            typer.echo(f"{path}:{found}")
    if any(found.severity is Severity.ERROR for _, found in problems):
        raise typer.Exit(EXIT_SCRIPT_FAILED)


@commands.command("test")
def run_saved_cases(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="WORKSPACE or PATH", help="Workspaces, scripts or cases; else this folder."),
    ] = None,
    *,
    json: JsonFlag = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write JUnit XML.")] = None,
) -> None:
    """Run the saved test cases and compare with what they expect."""
    code = run(run_cases(paths or [], json=json, junit=junit))
    if code:
        raise typer.Exit(code)


CLUSTER_COMMANDS = frozenset({"local", "api", "approve", "publish", "script"})
"""Commands whose clients take long to load; see `add_cluster_commands`."""


def add_cluster_commands(given: list[str]) -> None:
    """Adds the commands of a cluster when one of them, or the list of all, is asked for."""
    if given and given[0] not in CLUSTER_COMMANDS and not given[0].startswith("-"):
        return
    from engine.cli_api import api  # noqa: PLC0415
    from engine.cli_local import local  # noqa: PLC0415
    from engine.cli_publish import approve, publish  # noqa: PLC0415
    from engine.cli_scripts import script_commands  # noqa: PLC0415

    for command in (local, api, approve, publish):
        commands.command()(command)
    commands.add_typer(script_commands, name="script")


def main() -> None:
    """Runs the headless commands alone, without the window's."""
    add_cluster_commands(sys.argv[1:])
    commands()


if __name__ == "__main__":
    main()
