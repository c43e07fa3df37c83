"""Modules that do what scripts ask: with the Redis, the network and the keys of this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Self

from engine.modules.calls import ModuleCall, ModuleReply
from engine.modules.crypto import CryptoModule
from engine.modules.crypto_keys import CryptoKeys
from engine.modules.http import HttpModule
from engine.modules.kv import KvModule
from engine.modules.kv_store import KvStore, RedisKv
from engine.settings import Settings

_Function = Callable[[tuple[Any, ...], str], Awaitable[ModuleReply]]


class LiveModules:
    """Hands each call to the module it names. All methods run on one asyncio loop.

    Args:
        kv, http, crypto: the modules.
        closing: what `close` closes besides http, in order: the store that kv does not own.
    """

    def __init__(self, kv: KvModule, http: HttpModule, crypto: CryptoModule, *closing: KvStore) -> None:
        self._http, self._closing = http, closing
        self._functions: dict[tuple[str, str], _Function] = {
            ("kv", "get"): kv.get,
            ("kv", "set"): kv.set,
            ("kv", "del"): kv.delete,
            ("http", "get"): http.get,
            ("http", "post"): http.post,
            ("http", "put"): http.put,
            ("http", "delete"): http.delete,
            ("crypto", "decrypt_credential"): crypto.decrypt_credential,
        }

    @classmethod
    def of(cls, settings: Settings, store: KvStore | None = None) -> LiveModules:
        """The modules that the settings describe; kv in their Redis unless another store is given. Owns the store.

        Raises:
            SettingsError: a setting cannot be used; nothing has been connected.
        """
        lua = settings.lua
        http = HttpModule(lua, user_agent=settings.delivery.user_agent)
        held = store or RedisKv(settings.redis)
        kv = KvModule(held, lua.kv_key_format, lua.kv_ttl_default)
        return cls(kv, http, CryptoModule(CryptoKeys.of(lua)), held)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        """See `Modules`; a function that does not exist is a problem like any other."""
        function = self._functions.get((call.module, call.function))
        if function is None:
            return ModuleReply(None, f"there is no {call.module}.{call.function}")
        return await function(call.arguments, config_id)

    async def close(self) -> None:
        """Ends requests under way and closes all connections."""
        await self._http.close()
        for store in self._closing:
            await store.close()
