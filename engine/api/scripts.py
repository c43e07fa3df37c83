"""The API's script endpoints: upload, get, delete, and a test run that stores nothing."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from aiohttp import web

from engine.api.problems import answer, refusal
from engine.api.requests import body_of, config_id_of
from engine.errors import BadInput
from engine.go_time import go_time
from engine.model import Outcome, ScriptConfig, Webhook, script_hash
from engine.modules.off import OffModules
from engine.sandbox.pool import EnginePool
from engine.scripts.store import ScriptStore
from engine.scripts.validate import check_syntax
from engine.transform import Script, Transformer


class UploadRequest(msgspec.Struct, frozen=True):
    """A script to publish."""

    lua_code: str
    version: str | None = None
    script_config: dict[str, Any] | None = None


class TestRequest(msgspec.Struct, frozen=True):
    """A script to try on a payload."""

    lua_code: str
    payload: msgspec.Raw
    headers: dict[str, str] | None = None
    script_config: dict[str, Any] | None = None


class ScriptAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A published script as the API tells it."""

    config_id: str
    hash: str
    version: str
    created_at: str
    updated_at: str
    lua_code: str | None = None
    script_config: dict[str, Any] | None = None


class ScriptHandlers:
    """Answers `/config/{config_id}/script`.

    Args:
        store: where scripts are published.
        pool: checks syntax.
        transformer: runs a test; kv, http and crypto are off in it.
    """

    def __init__(self, store: ScriptStore, pool: EnginePool, transformer: Transformer) -> None:
        self._store, self._pool, self._transformer = store, pool, transformer

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        path = "/config/{config_id}/script"
        return [
            web.put(path, self.upload),
            web.get(path, self.get),
            web.delete(path, self.delete),
            web.post(f"{path}/test", self.test),
        ]

    async def upload(self, request: web.Request) -> web.Response:
        """Publishes a script; what the API may do is the operator's decision (its token), not an approval's."""
        config_id, wanted = config_id_of(request), await body_of(request, UploadRequest)
        if not wanted.lua_code.strip():
            raise BadInput("lua_code", "", "it is empty.")
        source = wanted.lua_code.encode()
        problems = await check_syntax(self._pool, source)
        if problems:
            where = f"line {problems[0].line}: {problems[0].message}"
            return refusal(400, "Lua syntax error", where)
        live, now = await self._store.live(config_id), go_time()
        script = ScriptConfig(
            config_id=config_id,
            lua_code=wanted.lua_code,
            hash=script_hash(source),
            version=wanted.version or "",
            script_config=wanted.script_config,
            created_at=live.created_at if live else now,
            updated_at=now,
        )
        report = await self._store.put(script)
        told = answer(_told(script))
        failure = report.failure()
        if failure is not None:
            told.headers["Warning"] = f'199 howk "published; {failure.name} failed and will be renewed"'
        return told

    async def get(self, request: web.Request) -> web.Response:
        """The script of exactly this config_id."""
        script = await self._store.live(config_id_of(request))
        if script is None:
            return refusal(404, "Script not found")
        return answer(_told(script, code=True))

    async def delete(self, request: web.Request) -> web.Response:
        """Deletes a script, also one that is not there: the outcome is the same."""
        await self._store.delete(config_id_of(request))
        return web.Response(status=204)

    async def test(self, request: web.Request) -> web.Response:
        """Runs a script once; a failed run is a success of the request."""
        config_id, wanted = config_id_of(request), await body_of(request, TestRequest)
        started = time.perf_counter()
        webhook = Webhook(
            id="wh_test",
            config_id=config_id,
            endpoint="http://localhost/",
            payload=bytes(wanted.payload),
            headers=wanted.headers or {},
            created_at=go_time(),
        )
        script = Script.of(wanted.lua_code.encode(), wanted.script_config)
        outcome = await self._transformer.run(script, webhook, modules=OffModules())
        return answer(_tried(outcome, (time.perf_counter() - started) * 1000))


def _told(script: ScriptConfig, *, code: bool = False) -> ScriptAnswer:
    return ScriptAnswer(
        config_id=script.config_id,
        hash=script.hash,
        version=script.version,
        created_at=script.created_at,
        updated_at=script.updated_at,
        lua_code=script.lua_code if code else None,
        script_config=script.script_config if code else None,
    )


def _tried(outcome: Outcome, milliseconds: float) -> dict[str, Any]:
    told: dict[str, Any] = {"success": outcome.ok, "execution_time_ms": round(milliseconds, 3)}
    if outcome.result is None:
        return told | {"error": str(outcome.error)}
    return told | {
        "transformed_payload": _json_or_text(outcome.result.body),
        "transformed_headers": outcome.result.headers,
    }


def _json_or_text(body: bytes) -> msgspec.Raw | str:
    """A body that is JSON as it is, any other as a string; bytes that are no UTF-8 as U+FFFD, since JSON has none."""
    try:
        body.decode()
        msgspec.json.decode(body)
    except (UnicodeDecodeError, msgspec.MsgspecError, RecursionError):
        return body.decode("utf-8", "replace")
    return msgspec.Raw(body)
