"""crypto: opens credentials that were encrypted for the operator's RSA keys, which scripts never see."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from engine.modules.arguments import CallFailed, answered, required_bytes
from engine.modules.calls import Failure, ModuleReply
from engine.modules.crypto_keys import CryptoKeys, KeyUnusable

AES_KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
MAX_DATA_BYTES = 4 * 1024 * 1024
MAX_NAME_BYTES = 128

CANNOT_DECRYPT = "the credential cannot be decrypted with this key"
"""The one answer to a wrong key, a key of the wrong length and data that was changed: which of them it was would tell
an attacker who can try again and again (a padding oracle)."""

_OAEP = OAEP(mgf=MGF1(algorithm=SHA256()), algorithm=SHA256(), label=None)


class CryptoModule:
    """Carries out `crypto.decrypt_credential(key_name, symmetric_key_b64, encrypted_data_b64)`.

    RSA-OAEP (SHA-256, also for MGF1) unwraps a 32-byte AES key; the data are a 12-byte nonce, the ciphertext and a
    16-byte tag of AES-GCM. Both texts are standard base64, padded. The work is done in a thread.
    """

    def __init__(self, keys: CryptoKeys) -> None:
        self._keys = keys

    async def decrypt_credential(self, arguments: tuple[Any, ...], config_id: str) -> ModuleReply:
        """Replies the plaintext. A key that is not there fails as `Failure.MISSING_KEY`."""
        return await answered(self._decrypt(arguments))

    async def _decrypt(self, arguments: tuple[Any, ...]) -> bytes:
        name = _key_name(required_bytes(arguments, 0, "key_name"))
        wrapped = _decoded(required_bytes(arguments, 1, "symmetric_key_b64"), "symmetric_key_b64")
        data = _decoded(required_bytes(arguments, 2, "encrypted_data_b64"), "encrypted_data_b64")
        if len(data) < NONCE_BYTES + TAG_BYTES:
            raise CallFailed("encrypted_data_b64 is too short for a nonce and a tag")
        return await asyncio.to_thread(self._open, name, wrapped, data)

    def _open(self, name: str, wrapped: bytes, data: bytes) -> bytes:
        """Runs in a thread: reading a key file and RSA both take milliseconds."""
        try:
            key = self._keys.private_key(name)
        except KeyUnusable as unusable:
            raise CallFailed(str(unusable), Failure.MISSING_KEY) from unusable
        return _unwrapped(key, wrapped, data)


def _unwrapped(key: RSAPrivateKey, wrapped: bytes, data: bytes) -> bytes:
    # No cause: its text tells the steps apart.
    try:
        return AESGCM(_symmetric_key(key, wrapped)).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None)
    except (ValueError, InvalidTag):
        raise CallFailed(CANNOT_DECRYPT) from None


def _symmetric_key(key: RSAPrivateKey, wrapped: bytes) -> bytes:
    symmetric = key.decrypt(wrapped, _OAEP)
    if len(symmetric) != AES_KEY_BYTES:  # AES-128 would be taken by the cipher
        raise ValueError("no AES-256 key")
    return symmetric


def _key_name(name: bytes) -> str:
    text = name.decode("utf-8", "ignore")
    if text.encode() != name or not text.isprintable() or not 0 < len(name) <= MAX_NAME_BYTES:
        raise CallFailed(f"key_name must be printable text of at most {MAX_NAME_BYTES} bytes")
    return text


def _decoded(text: bytes, name: str) -> bytes:
    if len(text) > MAX_DATA_BYTES:
        raise CallFailed(f"{name} is longer than {MAX_DATA_BYTES} bytes")
    try:
        return base64.b64decode(text.translate(None, b"\r\n"), validate=True)  # as Go does
    except binascii.Error:
        raise CallFailed(f"{name} is not base64") from None
