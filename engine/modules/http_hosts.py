"""Which hosts a script may name: spellings of one host made the same, and the operator's allowlists."""

from __future__ import annotations

import ipaddress
import re

import idna

from engine.errors import SettingsError
from engine.modules.arguments import CallFailed
from engine.settings import LuaSettings

METADATA_HOSTS = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
"""Names under which clouds give credentials to whoever asks from inside."""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


def canonical_host(text: str) -> str:
    """The one spelling of a host: lower case, IDNA, no trailing dot, no brackets; IPv4-mapped addresses as IPv4.

    Raises:
        ValueError: it is no host. Addresses in octal, hexadecimal, or with fewer than four numbers are none: programs
            disagree on what they mean.
    """
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if ":" in text:
        return _canonical_ipv6(text)
    host = text.removesuffix(".").lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
        except idna.IDNAError as problem:
            raise ValueError("is no host name") from problem
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("is no host name")
    return _canonical_ipv4(host) if _NUMBER.fullmatch(labels[-1]) else host


def _canonical_ipv4(host: str) -> str:
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError as problem:
        raise ValueError("is no address; write four decimal numbers") from problem


def _canonical_ipv6(text: str) -> str:
    if "%" in text:
        raise ValueError("names a network interface")
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError as problem:
        raise ValueError("is no address") from problem
    return str(address.ipv4_mapped or address)


class HostList:
    """An allowlist: `*`, hosts, addresses, and `*.domain`, which also matches the domain itself.

    Raises:
        SettingsError: an entry is none of these.
    """

    def __init__(self, entries: tuple[str, ...]) -> None:
        self._any = False
        exact, domains = set(), set()
        for entry in filter(None, map(str.strip, entries)):
            try:
                if entry == "*":
                    self._any = True
                elif entry.startswith("*."):
                    domains.add(canonical_host(entry[2:]))
                else:
                    exact.add(canonical_host(entry))
            except ValueError as problem:
                raise SettingsError(
                    "lua.allowed_hosts", f"{entry!r} {problem}.", "No scheme, port or path."
                ) from problem
        self._exact, self._domains = frozenset(exact), frozenset(domains)

    def names(self, host: str) -> bool:
        """Whether this very host or address is an entry; `*` and `*.domain` name nothing."""
        return host in self._exact

    def check(self, host: str) -> None:
        """Passes a canonical host that scripts may call, as far as its name goes; addresses are judged later.

        Raises:
            CallFailed: they may not.
        """
        if host in METADATA_HOSTS and not self.names(host):
            raise CallFailed(
                f"the host {host} gives out cloud credentials; allowed_hosts would have to name it"
            )
        if not (self._any or host in self._exact or self._in_domain(host)):
            raise CallFailed(f"the host {host} is not in allowed_hosts")

    def _in_domain(self, host: str) -> bool:
        if host in self._domains:
            return True
        return any(host[at + 1 :] in self._domains for at, char in enumerate(host) if char == ".")


class Allowlists:
    """The allowlist of each namespace, checked when the settings are read."""

    def __init__(self, settings: LuaSettings) -> None:
        self._settings = settings
        own = (*settings.namespace_hosts.values(), *settings.environment_hosts.values())
        self._lists = {entries: HostList(entries) for entries in (settings.allowed_hosts, *own)}

    def of_namespace(self, namespace: str) -> HostList:
        """The namespace's own list, which replaces the global one; the global one when it has none."""
        return self._lists[self._settings.hosts_of(namespace)]
