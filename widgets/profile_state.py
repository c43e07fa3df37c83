"""A cluster profile as its form edits it, and what is wrong with one."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QUrl

from widgets.profile_look import COLOURS, ProfileLook

PROTOCOLS = {
    "plaintext": "No encryption, no login",
    "ssl": "TLS",
    "sasl_plaintext": "Login without encryption",
    "sasl_ssl": "TLS and login",
}
"""Kafka's `security.protocol`, and what it means."""

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class ProfileState:
    """One profile. Files are paths of PEM files; addresses are HOST:PORT; secrets are never in `repr`.

    Attributes:
        through_api: scripts are published through the HTTP API at `api_url` instead of Kafka and Redis.
        built_in: comes with the product; it can be looked at and tested, not changed.
    """

    name: str
    colour: str = COLOURS["Blue"]
    built_in: bool = False
    through_api: bool = False
    kafka_brokers: tuple[str, ...] = ("localhost:9092",)
    security_protocol: str = "plaintext"
    sasl_mechanism: str = MECHANISMS[0]
    sasl_username: str = ""
    sasl_password: str = field(default="", repr=False)
    tls_ca_file: str = ""
    tls_cert_file: str = ""
    tls_key_file: str = ""
    tls_verify: bool = True
    redis_addr: str = "localhost:6379"
    redis_db: int = 0
    redis_username: str = ""
    redis_password: str = field(default="", repr=False)
    redis_tls: bool = False
    redis_tls_ca_file: str = ""
    redis_tls_verify: bool = True
    sentinel_addrs: tuple[str, ...] = ()
    sentinel_master_name: str = "mymaster"
    sentinel_password: str = field(default="", repr=False)
    api_url: str = ""
    api_token: str = field(default="", repr=False)
    read_only: bool = False
    production: bool = False
    approver_not_author: bool = False

    def look(self) -> ProfileLook:
        """How it is recognised."""
        return ProfileLook(self.name, self.colour, self.production, self.read_only)

    def uses_tls(self) -> bool:
        """Whether Kafka is spoken to through TLS."""
        return self.security_protocol in {"ssl", "sasl_ssl"}

    def logs_in(self) -> bool:
        """Whether Kafka wants a user."""
        return self.security_protocol in {"sasl_plaintext", "sasl_ssl"}


def problems(state: ProfileState, taken: frozenset[str] = frozenset()) -> dict[str, str]:
    """What keeps a profile from being saved: field name -> sentence. `taken` are the names of the others."""
    found = {"name": _name_problem(state.name, taken)}
    if state.through_api:
        found["api_url"] = _url_problem(state.api_url)
    else:
        found["kafka_brokers"] = _address_problem(state.kafka_brokers)
        if state.logs_in() and not state.sasl_username:
            found["sasl_username"] = "A login needs a user name."
        if state.uses_tls() and bool(state.tls_cert_file) != bool(state.tls_key_file):
            missing = "tls_key_file" if state.tls_cert_file else "tls_cert_file"
            found[missing] = "A certificate and its key belong together."
        if state.sentinel_addrs:
            found["sentinel_addrs"] = _address_problem(state.sentinel_addrs)
            found["sentinel_master_name"] = "" if state.sentinel_master_name else "Name the master."
        else:
            found["redis_addr"] = _address_problem((state.redis_addr,))
    return {name: why for name, why in found.items() if why}


def _name_problem(name: str, taken: frozenset[str]) -> str:
    if not name:
        return "A profile needs a name."
    if "/" in name:
        return "A name has no slash: it is typed as name/script to confirm."
    return f"There is a profile {name} already." if name.lower() in {one.lower() for one in taken} else ""


def _address_problem(addresses: tuple[str, ...]) -> str:
    for address in addresses:
        host, colon, port = address.rpartition(":")
        if not (host and colon and port.isdecimal() and 0 < int(port) < 65536):
            return f"Write {address or 'the address'} as host:port."
    return "" if addresses else "At least one host:port is needed."


def _url_problem(text: str) -> str:
    url = QUrl(text, QUrl.ParsingMode.StrictMode)
    good = url.isValid() and url.scheme().lower() in {"http", "https"} and url.host()
    return "" if good else "Write the address as https://host or http://host:port."
