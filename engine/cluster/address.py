"""Addresses of a cluster's parts as settings write them."""

from __future__ import annotations

from engine.errors import SettingsError


def host_and_port(addr: str, key: str) -> tuple[str, int]:
    """HOST:PORT apart; an IPv6 host stands in brackets. Raises SettingsError, naming the setting `key`."""
    host, _colon, port = addr.rpartition(":")
    # Not shown: an address pasted as a URL may hold a password.
    if (
        not host
        or not (port.isascii() and port.isdigit())
        or not 0 < int(port) < 65536
        or set("@/") & set(addr)
    ):
        raise SettingsError(key, "must be HOST:PORT.", "The password has a setting of its own.")
    return host.removeprefix("[").removesuffix("]"), int(port)
