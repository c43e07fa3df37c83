"""The operator's RSA private keys by name: PEM texts from the environment and PEM files, read when first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from engine.settings import LuaSettings, Secret, environment_name

MAX_FILE_BYTES = 64 * 1024

_Source = tuple[str, str]  # what scripts call a key can have many spellings; its source has one
_Stamp = tuple[int, int, int]


class KeyUnusable(Exception):
    """No key of this name can be used. Says why by name only: a path is the operator's business."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"crypto key {name!r} {why}")


class CryptoKeys:
    """Private keys, by the name that scripts use; a variable goes before a file of the same name.

    Args:
        texts: PEM (PKCS1 or PKCS8, unencrypted) by `environment_name` of the key; `\\n` may stand for a line break.
        paths: path of a PEM file by exact name. A file that changes is read again at the next call.

    Any thread may use it. `repr` shows how many keys there are, never which or what.
    """

    def __init__(self, texts: Mapping[str, Secret], paths: Mapping[str, str]) -> None:
        self._texts, self._paths = dict(texts), dict(paths)
        self._lock = threading.Lock()
        self._loaded: dict[_Source, tuple[_Stamp | None, RSAPrivateKey]] = {}

    @classmethod
    def of(cls, settings: LuaSettings) -> CryptoKeys:
        """The keys that the settings name."""
        return cls(settings.environment_keys, settings.crypto_keys)

    def __repr__(self) -> str:
        return f"CryptoKeys(<{len(self._texts) + len(self._paths)} keys>)"

    def private_key(self, name: str) -> RSAPrivateKey:
        """The key of this name; may read a file, so it is called in a thread.

        Raises:
            KeyUnusable: there is none, or what is there is no RSA private key.
        """
        variable = environment_name(name)
        text = self._texts.get(variable)
        if text is not None:
            pem = text.reveal().replace("\\n", "\n").encode()
            return self._from(("variable", variable), None, name, lambda: pem)
        path = self._paths.get(name)
        if path is None:
            raise KeyUnusable(name, "is not configured")
        return self._from_file(name, Path(path).expanduser())

    def _from_file(self, name: str, path: Path) -> RSAPrivateKey:
        try:
            status = path.stat()
            if status.st_size > MAX_FILE_BYTES:
                raise KeyUnusable(name, "is in a file that is too large for a key")
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            return self._from(("file", name), stamp, name, path.read_bytes)
        except OSError as problem:
            raise KeyUnusable(name, "cannot be read from its file") from problem

    def _from(
        self, source: _Source, stamp: _Stamp | None, name: str, read: Callable[[], bytes]
    ) -> RSAPrivateKey:
        with self._lock:
            held = self._loaded.get(source)
            if held is None or held[0] != stamp:
                held = self._loaded[source] = (stamp, _parsed(name, read()))
            return held[1]


def _parsed(name: str, pem: bytes) -> RSAPrivateKey:
    # No cause: the parser quotes what it could not read.
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusable(name, "is not an unencrypted PEM private key (PKCS1 or PKCS8)") from None
    if not isinstance(key, RSAPrivateKey):
        raise KeyUnusable(name, "is not an RSA key")
    return key
