"""Published scripts through a cluster's HTTP API: for those who reach neither its Kafka nor its Redis."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import msgspec

from engine.errors import ClusterRefused, ClusterUnreachable, SettingsError
from engine.go_time import ZERO_TIME
from engine.model import ScriptConfig
from engine.scripts.store import Step, StepState, StoredVersion, StoreReport
from engine.settings import Secret

TIMEOUT_SECONDS = 15.0
_SHOWN_CHARACTERS = 300


class _Told(msgspec.Struct):
    """A script as the API tells it; published versions leave some fields out."""

    config_id: str
    hash: str
    lua_code: str = ""
    version: str = ""
    script_config: dict[str, Any] | None = None
    created_at: str = ZERO_TIME
    updated_at: str = ZERO_TIME


class ApiStore:
    """A ScriptStore behind `{base_url}/config/{config_id}/script`.

    The API tells one script at a time and no history. Its own answer is the acknowledgement; the script is read back
    through it, which on a published cluster means from the Redis mirror.

    Args:
        base_url: `https://host:port` of the API.
        token: sent as a bearer token; empty for none.
    """

    def __init__(self, base_url: str, token: Secret) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise SettingsError("api_url", f"{base_url!r} is no URL.", "Write it as https://host:port.")
        self._base = base_url.rstrip("/")
        self._part = f"API at {self._base}"
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
        self._session = aiohttp.ClientSession(
            headers=headers, timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()

    async def ping(self) -> None:
        """Asks whether the API accepts work. Raises ClusterUnreachable or ClusterRefused."""
        await self._ask("GET", "/ready")

    async def live(self, config_id: str) -> ScriptConfig | None:
        """See `ScriptStore`."""
        status, data = await self._ask("GET", _path(config_id), accepted=(200, 404))
        if status == 404:
            return None
        told = self._decoded(data)
        return ScriptConfig(
            told.config_id,
            told.lua_code,
            told.hash,
            told.version,
            told.script_config,
            told.created_at,
            told.updated_at,
        )

    async def put(self, script: ScriptConfig) -> StoreReport:
        """See `ScriptStore`; the API sets the times itself."""
        wanted: dict[str, Any] = {"lua_code": script.lua_code, "version": script.version}
        if script.script_config is not None:
            wanted["script_config"] = script.script_config
        _, data = await self._ask("PUT", _path(script.config_id), msgspec.json.encode(wanted))
        told = self._decoded(data)
        if told.hash != script.hash:
            step = Step("api", StepState.FAILED, f"it stored another text: hash {told.hash[:12]}")
            return StoreReport(script.config_id, script.hash, script.version, (step,))
        steps = (Step("api", StepState.DONE, self._base), await self._read_back(script))
        return StoreReport(script.config_id, script.hash, script.version, steps)

    async def delete(self, config_id: str) -> StoreReport:
        """See `ScriptStore`."""
        await self._ask("DELETE", _path(config_id), accepted=(200, 204, 404))
        return StoreReport(config_id, "", "", (Step("api", StepState.DONE, self._base),))

    async def history(self, config_id: str) -> tuple[StoredVersion, ...]:
        """What is live: the API knows no more."""
        script = await self.live(config_id)
        return () if script is None else (StoredVersion(script, self._part, 0),)

    async def _read_back(self, script: ScriptConfig) -> Step:
        try:
            live = await self.live(script.config_id)
        except (ClusterUnreachable, ClusterRefused) as problem:
            return Step("read_back_api", StepState.FAILED, str(problem))
        if live is None or live.hash != script.hash:
            found = "nothing" if live is None else f"hash {live.hash[:12]}"
            return Step("read_back_api", StepState.FAILED, f"the API answers {found}")
        return Step("read_back_api", StepState.DONE)

    async def _ask(
        self, method: str, path: str, body: bytes | None = None, accepted: tuple[int, ...] = (200,)
    ) -> tuple[int, bytes]:
        """Status and body of an accepted answer."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            async with self._session.request(
                method, self._base + path, data=body, headers=headers, allow_redirects=False
            ) as response:
                data = await response.read()
        except TimeoutError as problem:
            raise ClusterUnreachable(self._part, f"no answer within {TIMEOUT_SECONDS:g} s") from problem
        except (aiohttp.ClientError, OSError) as problem:
            raise ClusterUnreachable(self._part, str(problem)) from problem
        if response.status in accepted:
            return response.status, data
        why = f"{response.status} {response.reason}: {data.decode('utf-8', 'replace')[:_SHOWN_CHARACTERS]}"
        raise (ClusterUnreachable if response.status >= 500 else ClusterRefused)(self._part, why)

    def _decoded(self, data: bytes) -> _Told:
        try:
            return msgspec.json.decode(data, type=_Told)
        except msgspec.MsgspecError as problem:
            raise ClusterRefused(self._part, f"its answer is not a script: {problem}") from problem


def _path(config_id: str) -> str:
    return f"/config/{quote(config_id, safe='')}/script"
