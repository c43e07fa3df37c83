"""A certificate authority for a test, made with the openssl command, and certificates that it signs."""

from __future__ import annotations

import ssl
from pathlib import Path

from tests.engine.credentials import openssl

NEW_KEY = ("-newkey", "rsa:2048", "-nodes", "-days", "2")


class Certificates:
    """Files in a folder; `authority` is the PEM file that clients are to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.authority = folder / "ca.pem"
        self._authority_key = folder / "ca.key"
        openssl(
            "req", "-x509", *NEW_KEY, "-subj", "/CN=Test authority",
            "-keyout", str(self._authority_key), "-out", str(self.authority),
        )  # fmt: skip

    def signed(self, name: str = "127.0.0.1") -> tuple[Path, Path]:
        """The certificate of a host or a client, and its key in PKCS8."""
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        kind = "IP" if name[0].isdigit() else "DNS"
        openssl(
            "req", "-x509", *NEW_KEY, "-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}",
            "-addext", "basicConstraints=critical,CA:false",
            "-CA", str(self.authority), "-CAkey", str(self._authority_key),
            "-keyout", str(key), "-out", str(certificate),
        )  # fmt: skip
        return certificate, key

    def server(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        """For a server of that name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.signed(name))
        return context
