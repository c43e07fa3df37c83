"""Which addresses a script may reach: names are resolved once, judged, and connected to as that very address.

`*` in an allowlist means any host elsewhere. It reaches private networks (10/8 and their like), since calling internal
services is what workers are for. It does not reach

- the machine itself (127/8, ::1): the host or the address must be named;
- the link and cloud metadata services (169.254/16, fe80::/10 and a few others): the address must be named, or the host
  be one of METADATA_HOSTS and named. Naming an ordinary host is not enough, since whoever runs its DNS could point it
  there;
- addresses that are no server's (0/8, multicast, 240/4): never.
"""

from __future__ import annotations

import asyncio
import enum
import ipaddress
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from engine.modules.arguments import CallFailed
from engine.modules.calls import Failure
from engine.modules.http_hosts import METADATA_HOSTS, HostList

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

RESOLVER_THREADS = 8
REMEMBER_SECONDS = 10.0
REMEMBER_NAMES = 1024
MAX_ADDRESSES = 4  # of one name that are tried


class Hazard(enum.IntEnum):
    """What an address leads to, worst last."""

    NONE = 0
    MACHINE = 1
    LINK = 2
    NO_SERVER = 3


_HAZARDS: tuple[tuple[Network, Hazard], ...] = (
    (ipaddress.IPv4Network("127.0.0.0/8"), Hazard.MACHINE),
    (ipaddress.IPv6Network("::1/128"), Hazard.MACHINE),
    (ipaddress.IPv4Network("169.254.0.0/16"), Hazard.LINK),
    (ipaddress.IPv6Network("fe80::/10"), Hazard.LINK),
    (ipaddress.IPv4Network("100.100.100.200/32"), Hazard.LINK),  # metadata of Alibaba Cloud
    (ipaddress.IPv4Network("168.63.129.16/32"), Hazard.LINK),  # of Azure
    (ipaddress.IPv4Network("192.0.0.192/32"), Hazard.LINK),  # of Oracle Cloud
    (ipaddress.IPv6Network("fd00:ec2::/32"), Hazard.LINK),  # of AWS
    (ipaddress.IPv6Network("fd20:ce::/32"), Hazard.LINK),  # of Google Cloud
    (
        ipaddress.IPv6Network("64:ff9b:1::/48"),
        Hazard.LINK,
    ),  # a gateway of this network may make anything of it
    (ipaddress.IPv4Network("0.0.0.0/8"), Hazard.NO_SERVER),
    (ipaddress.IPv6Network("::/128"), Hazard.NO_SERVER),
    (ipaddress.IPv4Network("224.0.0.0/4"), Hazard.NO_SERVER),
    (ipaddress.IPv6Network("ff00::/8"), Hazard.NO_SERVER),
    (ipaddress.IPv4Network("240.0.0.0/4"), Hazard.NO_SERVER),
)
_WHY = {
    Hazard.MACHINE: "is the worker's own machine; allowed_hosts would have to name it",
    Hazard.LINK: "is link-local or a cloud metadata service; allowed_hosts would have to name that address",
    Hazard.NO_SERVER: "is an address that no server has",
}


def hazard_of(address: Address) -> Hazard:
    """The worst of an address and of the IPv4 address that a gateway would make of it."""
    return max(_hazard(form) for form in (address, *_embedded(address)))


def _hazard(address: Address) -> Hazard:
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        return Hazard.LINK
    return next((hazard for network, hazard in _HAZARDS if address in network), Hazard.NONE)


def _embedded(address: Address) -> list[ipaddress.IPv4Address]:
    """IPv4 inside IPv6: mapped, compatible, NAT64, 6to4, Teredo and ISATAP."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    packed, found = address.packed, []
    if packed[:12] in (b"\0" * 10 + b"\xff\xff", b"\0" * 12, bytes.fromhex("0064ff9b") + b"\0" * 8):
        found.append(packed[12:])
    if packed[:2] == bytes.fromhex("2002"):
        found.append(packed[2:6])
    if packed[:4] == bytes.fromhex("20010000"):
        found += [packed[4:8], bytes(byte ^ 0xFF for byte in packed[12:])]
    if packed[8:12] in (bytes.fromhex("00005efe"), bytes.fromhex("02005efe")):
        found.append(packed[12:])
    return [ipaddress.IPv4Address(four) for four in found if address != ipaddress.IPv6Address("::1")]


def check_address(address: Address, host: str, hosts: HostList) -> None:
    """Passes an address that `host`, which the allowlist lets through, may turn out to have.

    Raises:
        CallFailed: scripts may not reach it.
    """
    hazard = hazard_of(address)
    if hazard is Hazard.NONE or (hazard is not Hazard.NO_SERVER and hosts.names(str(address))):
        return
    if hosts.names(host) and (hazard is Hazard.MACHINE or (hazard is Hazard.LINK and host in METADATA_HOSTS)):
        return
    place = host if host == str(address) else f"{host} ({address})"
    raise CallFailed(f"{place} {_WHY[hazard]}")


class Resolver(Protocol):
    """Finds the addresses of a name."""

    async def addresses(self, host: str) -> tuple[Address, ...]:
        """All addresses, the preferred first. Raises OSError when there are none."""

    async def close(self) -> None:
        """Lets go of its threads."""


class SystemResolver:
    """The system's resolver, in threads of its own so that slow names hold up nothing else; remembers for 10 s."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, "resolver")
        self._known: dict[str, tuple[float, tuple[Address, ...]]] = {}

    async def addresses(self, host: str) -> tuple[Address, ...]:
        """See `Resolver`."""
        until, known = self._known.get(host, (0.0, ()))
        if until > self._clock():
            return known
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host)
        if len(self._known) >= REMEMBER_NAMES:
            self._known.clear()
        self._known[host] = (self._clock() + REMEMBER_SECONDS, found)
        return found

    async def close(self) -> None:
        """Does not wait for look-ups in progress: nothing can end them."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> tuple[Address, ...]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ipaddress.ip_address(str(entry[4][0])) for entry in found))


async def reachable_addresses(host: str, hosts: HostList, resolver: Resolver) -> tuple[Address, ...]:
    """The addresses of a canonical host that scripts may connect to, at least one.

    Raises:
        CallFailed: the host is not allowed, has no address, or has none that may be reached.
    """
    hosts.check(host)
    refused: CallFailed | None = None
    passed: list[Address] = []
    for address in await _resolved(host, resolver):
        try:
            check_address(address, host, hosts)
            passed.append(address)
        except CallFailed as failed:
            refused = failed
    if not passed:
        raise refused or CallFailed(f"the host {host} has no address", Failure.UNREACHABLE)
    return tuple(passed[:MAX_ADDRESSES])


async def _resolved(host: str, resolver: Resolver) -> tuple[Address, ...]:
    try:
        return (ipaddress.ip_address(host),)
    except ValueError:
        pass  # a name
    try:
        found = await resolver.addresses(host)
    except (OSError, UnicodeError) as problem:
        raise CallFailed(f"the host {host} has no address", Failure.UNREACHABLE) from problem
    mapped = (getattr(address, "ipv4_mapped", None) or address for address in found)
    return tuple(mapped)
