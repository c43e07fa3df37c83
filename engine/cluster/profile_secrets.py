"""Where the secrets of profiles are: the keyring of the system, or this session's memory where there is none.

The environment goes over both: `HOWK_PROFILE_<NAME>_<FIELD>`, as for a build machine. Nothing is written to a file.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from engine.cluster.profiles import SECRET_FIELDS
from engine.errors import BadInput
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
        self._absent = ""  # why the keyring is never used again: there is none, or it does not answer
        self._failed = (
            ""  # why it did not do what it was asked last; it may the next time, once it is unlocked
        )
        self._asked = False

    async def place(self) -> str:
        """Where secrets are kept, for people."""
        await self._find_keyring()
        if why := self._absent or self._failed:
            return f"Passwords are kept until the studio ends: {why}."
        return "Passwords are kept in the keyring of this system."

    async def read(self, profile: str) -> dict[str, Secret]:
        """The secrets of a profile by field; those that are not kept are not among them."""
        found = await self.kept(profile)
        for field in SECRET_FIELDS:
            if value := self._environment.get(_variable(profile, field)):
                found[field] = Secret(value)
        return found

    async def kept(self, profile: str) -> dict[str, Secret]:
        """Those that are kept here, without what the environment says: what a form may show and write back."""
        values = {field: await self._kept(profile, field) for field in SECRET_FIELDS}
        return {field: Secret(value) for field, value in values.items() if value}

    async def write(self, profile: str, secrets: Mapping[str, Secret]) -> None:
        """Keeps the secrets of a profile, and forgets those that are empty. `place` tells of a keyring that refuses."""
        for field in SECRET_FIELDS:
            await self._keep(profile, field, secrets.get(field, Secret()).reveal())

    async def delete(self, profile: str) -> None:
        """Forgets all secrets of a profile.

        Raises:
            BadInput: the keyring refuses to let go of them.
        """
        for field in SECRET_FIELDS:
            await self._keep(profile, field, "")
            if self._failed:
                raise BadInput(
                    "password", f"{profile}/{field}", f"it could not be removed: {self._failed}.",
                    "Unlock the keyring and try again, or remove it there.",
                )  # fmt: skip

    async def _kept(self, profile: str, field: str) -> str:
        if (profile, field) in self._memory:
            return self._memory[profile, field]
        value = await self._ask(lambda: _fetch(profile, field))
        return value or ""

    async def _keep(self, profile: str, field: str, value: str) -> None:
        self._memory.pop((profile, field), None)
        await self._ask(lambda: _store(profile, field, value))
        if value and (self._absent or self._failed):
            self._memory[profile, field] = value

    async def _find_keyring(self) -> None:
        if not self._asked:
            self._asked = True
            await self._in_time(_look)

    async def _ask(self, what: Callable[[], T]) -> T | None:
        """What the keyring answers; None when there is none or it fails, and then that is noted."""
        await self._find_keyring()
        return None if self._absent else await self._in_time(what)

    async def _in_time(self, what: Callable[[], T]) -> T | None:
        from keyring.errors import KeyringError  # noqa: PLC0415

        self._failed = ""
        try:
            async with asyncio.timeout(KEYRING_SECONDS):
                return await asyncio.to_thread(what)
        except TimeoutError:
            self._absent = "the keyring of this system does not answer"
        except _NoKeyring:
            self._absent = "this system has no keyring"
        except (KeyringError, OSError, RuntimeError) as problem:
            self._failed = f"the keyring of this system refuses ({type(problem).__name__})"
        return None


class _NoKeyring(Exception):
    """There is no backend that keeps anything."""


def _look() -> None:
    import keyring  # noqa: PLC0415
    from keyring.backends import fail, null  # noqa: PLC0415

    backend = keyring.get_keyring()
    if isinstance(backend, fail.Keyring | null.Keyring) or backend.priority <= 0:
        raise _NoKeyring


def _fetch(profile: str, field: str) -> str | None:
    import keyring  # noqa: PLC0415 - loading it takes long

    return keyring.get_password(SERVICE, f"{profile}/{field}")


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
