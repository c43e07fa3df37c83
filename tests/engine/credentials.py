"""Credentials made with the openssl command, as an operator's own tools would make them."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    """What the command prints."""
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True).stdout


class Vectors:
    """A key in both formats, and credentials for it: RSA by the openssl command (it has no AES-GCM), GCM by hand."""

    def __init__(self, folder: Path) -> None:
        self.pkcs8, self.pkcs1, self.public = (
            folder / "pkcs8.pem",
            folder / "pkcs1.pem",
            folder / "public.pem",
        )
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(self.pkcs8))
        openssl("rsa", "-in", str(self.pkcs8), "-traditional", "-out", str(self.pkcs1))
        openssl("pkey", "-in", str(self.pkcs8), "-pubout", "-out", str(self.public))
        assert "BEGIN PRIVATE KEY" in self.pkcs8.read_text()
        assert "BEGIN RSA PRIVATE KEY" in self.pkcs1.read_text()

    def wrap(self, symmetric: bytes, digest: str = "sha256") -> bytes:
        """A symmetric key for `symmetric_key_b64`."""
        options = ["rsa_padding_mode:oaep", f"rsa_oaep_md:{digest}", f"rsa_mgf1_md:{digest}"]
        flags = [flag for option in options for flag in ("-pkeyopt", option)]
        key = ["-pubin", "-inkey", str(self.public)]
        return base64.b64encode(openssl("pkeyutl", "-encrypt", *key, *flags, stdin=symmetric))

    def encrypted(self, plain: bytes, key_bytes: int = 32) -> tuple[bytes, bytes]:
        """The last two arguments of `decrypt_credential`."""
        symmetric, nonce = os.urandom(key_bytes), os.urandom(12)
        return self.wrap(symmetric), base64.b64encode(nonce + AESGCM(symmetric).encrypt(nonce, plain, None))
