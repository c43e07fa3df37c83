"""Where the secrets of profiles are: the keyring of the system, or this session's memory where there is none.

The environment goes over both: `HOWK_PROFILE_<NAME>_<FIELD>`, as for a build machine. Nothing is written to a file.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from engine.cluster.profiles import SECRET_FIELDS
from engine.settings import Secret, environment_name

SERVICE = "howk-studio"
KEYRING_SECONDS = 5.0

T = TypeVar("T")


class SecretStore:
    """The secrets of all profiles. All methods run on one asyncio loop; a keyring that waits is asked in a thread.

    Args:
        environment: whose variables go over what is kept.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._memory: dict[tuple[str, str], str] = {}
        self._why_not = ""  # ... the keyring is used; it is not asked again once it failed
        self._asked = False

    async def place(self) -> str:
        """Where secrets are kept, for people."""
        await self._find_keyring()
        if self._why_not:
            return f"Passwords are kept until the studio ends: {self._why_not}."
        return "Passwords are kept in the keyring of this system."

    async def read(self, profile: str) -> dict[str, Secret]:
        """The secrets of a profile by field; those that are not kept are not among them."""
        found: dict[str, Secret] = {}
        for field in SECRET_FIELDS:
            value = self._environment.get(_variable(profile, field)) or await self._kept(profile, field)
            if value:
                found[field] = Secret(value)
        return found

    async def write(self, profile: str, secrets: Mapping[str, Secret]) -> None:
        """Keeps the secrets of a profile, and forgets those that are empty."""
        for field in SECRET_FIELDS:
            await self._keep(profile, field, secrets.get(field, Secret()).reveal())

    async def delete(self, profile: str) -> None:
        """Forgets all secrets of a profile."""
        await self.write(profile, {})

    async def _kept(self, profile: str, field: str) -> str:
        await self._find_keyring()
        if not self._why_not:
            import keyring  # noqa: PLC0415 - loading it takes long

            value = await self._in_time(lambda: keyring.get_password(SERVICE, f"{profile}/{field}"))
            if not self._why_not:
                return value or ""
        return self._memory.get((profile, field), "")

    async def _keep(self, profile: str, field: str, value: str) -> None:
        await self._find_keyring()
        if not self._why_not:
            await self._in_time(lambda: _store(profile, field, value))
        if self._why_not and value:
            self._memory[profile, field] = value
        else:
            self._memory.pop((profile, field), None)

    async def _find_keyring(self) -> None:
        if not self._asked:
            self._asked = True
            await self._in_time(_look)

    async def _in_time(self, ask: Callable[[], T]) -> T | None:
        """What the keyring answers; None, and never asked again, when it fails or does not answer."""
        from keyring.errors import KeyringError  # noqa: PLC0415

        try:
            async with asyncio.timeout(KEYRING_SECONDS):
                return await asyncio.to_thread(ask)
        except TimeoutError:
            self._why_not = "the keyring of this system does not answer"
        except _NoKeyring:
            self._why_not = "this system has no keyring"
        except (KeyringError, OSError, RuntimeError) as problem:
            self._why_not = f"the keyring of this system cannot be used ({type(problem).__name__})"
        return None


class _NoKeyring(Exception):
    """There is no backend that keeps anything."""


def _look() -> None:
    import keyring  # noqa: PLC0415
    from keyring.backends import fail, null  # noqa: PLC0415

    backend = keyring.get_keyring()
    if isinstance(backend, fail.Keyring | null.Keyring) or backend.priority <= 0:
        raise _NoKeyring


def _store(profile: str, field: str, value: str) -> None:
    import keyring  # noqa: PLC0415
    from keyring.errors import PasswordDeleteError  # noqa: PLC0415

    name = f"{profile}/{field}"
    if value:
        keyring.set_password(SERVICE, name, value)
    elif keyring.get_password(SERVICE, name) is not None:
        try:
            keyring.delete_password(SERVICE, name)
        except PasswordDeleteError:
            return  # another program was faster


def _variable(profile: str, field: str) -> str:
    return f"HOWK_PROFILE_{environment_name(profile)}_{field.upper()}"
