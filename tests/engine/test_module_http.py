"""http: requests, allowlists, redirects, limits, the cache and shared flights, against a local server."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.modules.calls import Failure, HttpAnswer, ModuleReply
from engine.modules.http import HttpModule
from engine.settings import LuaSettings, Seconds
from tests.engine.http_site import FakeResolver, Site

LOCAL = ("*", "127.0.0.1")
NAMES = dict.fromkeys(("a__test", "b__test", "sub__a__test"), "127.0.0.1")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as site:
        yield site


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def module() -> AsyncIterator[Any]:
    """Makes modules and closes them."""
    made: list[HttpModule] = []

    def make(hosts: tuple[str, ...] = LOCAL, resolver: FakeResolver | None = None, **more: Any) -> HttpModule:
        clock, tls = more.pop("clock", time.monotonic), more.pop("tls", None)
        settings = LuaSettings(allowed_hosts=hosts, **{"http_timeout": Seconds(2)} | more)
        made.append(HttpModule(settings, resolver=resolver or FakeResolver(**NAMES), clock=clock, tls=tls))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def get(
    http: HttpModule, url: bytes, headers: Any = None, ttl: Any = 0, config_id: str = "ns:1"
) -> ModuleReply:
    return await http.get((url, headers, ttl), config_id)


def answer(reply: ModuleReply) -> HttpAnswer:
    assert isinstance(reply.value, HttpAnswer), reply.problem
    return reply.value


def refused(reply: ModuleReply, why: str) -> None:
    assert re.search(why, reply.problem), reply
    assert (reply.value, reply.failure) == (None, Failure.NONE)


def unreachable(reply: ModuleReply, why: str) -> None:
    assert re.search(why, reply.problem), reply
    assert (reply.value, reply.failure) == (None, Failure.UNREACHABLE)


# --- requests


async def test_a_get_brings_status_body_and_headers(module: Any, site: Site) -> None:
    got = answer(await get(module(), site.url("/x?q=1"), {b"X-Mine": "zoë".encode()}))
    assert (got.status_code, got.body) == (200, b"GET /x?q=1")
    assert got.headers[b"x-hit"] == b"1"
    _, _, headers, body = site.requests[0]
    assert headers["X-Mine"].encode("utf-8", "surrogateescape") == "zoë".encode()
    assert (headers["User-Agent"], headers["Host"], body) == ("HOWK/1.0", f"127.0.0.1:{site.port}", b"")


@pytest.mark.parametrize(("function", "method"), [("post", "POST"), ("put", "PUT"), ("delete", "DELETE")])
async def test_a_body_is_sent_as_it_is(module: Any, site: Site, function: str, method: str) -> None:
    body = b"\x00\xff" * 10
    call = getattr(module(), function)
    answer(await call((site.url("/x"), body, {b"Content-Type": b"text/plain"}), "ns"))
    answer(await call((site.url("/y"), body), "ns"))
    assert [(request[0], request[3]) for request in site.requests] == [(method, body)] * 2
    assert [request[2]["Content-Type"] for request in site.requests] == ["text/plain", "application/json"]
    assert site.requests[0][2]["Content-Length"] == "20"


async def test_a_large_body_is_sent(module: Any, site: Site) -> None:
    body = b"x" * (3 << 20)
    assert answer(await module().post((site.url("/x"), body), "ns")).status_code == 200
    assert site.requests[0][3] == body
    assert site.requests[0][2]["Content-Length"] == str(len(body))


async def test_a_delete_needs_no_body_and_an_empty_one_is_one(module: Any, site: Site) -> None:
    http = module()
    answer(await http.delete((site.url("/x"),), "ns"))
    answer(await http.post((site.url("/x"), b""), "ns"))
    assert "Content-Type" not in site.requests[0][2]
    assert site.requests[1][2]["Content-Length"] == "0"


@pytest.mark.parametrize("status", [204, 301, 304, 400, 404, 500, 503])
async def test_every_status_is_an_answer(module: Any, site: Site, status: int) -> None:
    assert answer(await get(module(), site.url(f"/status/{status}"))).status_code == status


async def test_repeated_headers_are_joined_and_cookies_not_kept(module: Any, site: Site) -> None:
    http = module()
    got = answer(await get(http, site.url("/headers")))
    assert (got.headers[b"x-two"], got.headers[b"set-cookie"]) == (b"1, 2", b"a=1")
    await get(http, site.url("/headers"))
    assert "Cookie" not in site.requests[1][2]


async def test_gzip_is_undone_unless_asked_for(module: Any, site: Site) -> None:
    http = module()
    got = answer(await get(http, site.url("/gzip")))
    assert got.body == b"hello there"
    assert b"content-encoding" not in got.headers
    own = answer(await get(http, site.url("/gzip"), {b"accept-encoding": b"gzip, br"}))
    assert own.body.startswith(b"\x1f\x8b")
    assert own.headers[b"content-encoding"] == b"gzip"


async def test_no_proxy_of_the_environment_is_used(
    module: Any, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert answer(await get(module(), site.url("/x"))).status_code == 200


async def test_what_is_encoded_stays_and_what_cannot_be_sent_is_encoded(module: Any, site: Site) -> None:
    http = module()
    await get(http, site.url("/a%2fb/../c?x=%7e+y&z=a/b"))
    await get(http, site.url("/zoë b?q=ü \\#fragment"))
    assert [request[1] for request in site.requests] == [
        "/a%2fb/../c?x=%7e+y&z=a/b",
        "/zo%C3%AB%20b?q=%C3%BC%20%5C",
    ]


# --- wrong arguments


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (b"", "http:// or https://"), (b"/x", "http:// or https://"), (b"ftp://127.0.0.1/", "http:// or https://"),
        (b"file:///etc/passwd", "http:// or https://"), (b"http://", "no host"), (b"http:///x", "no host"),
        (b"http://u:p@127.0.0.1/", "user name"), (b"http://good.test@127.0.0.1/", "user name"),
        (b"http://127.0.0.1:0/", "port 0"), (b"http://127.0.0.1:99999/", "cannot be read"),
        (b"http://[::1/", "cannot be read"), (b"http://a b/", "no host name"), (b"http://a\\b/", "no host name"),
        (b"http://%31.test/", "no host name"), (b"http://-a.test/", "no host name"),
        (b"http://a..test/", "no host name"),
        (b"http://a.test\r\nX: y/", "control"), (b"http://a.test/\n", "control"),
        (b" http://a.test/", "a space at an end"),
        (b"http://\xff/", "no UTF-8"),
        (b"http://a.test/" + b"x" * 9000, "longer than"), (None, "missing"), (5, "string"),
    ],
)  # fmt: skip
async def test_what_is_no_url_is_refused(module: Any, url: Any, why: str) -> None:
    refused(await get(module(), url), why)
    refused(await module().post((url, b""), "ns"), why)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({b"X": b"a\r\nHost: evil"}, "control character"), ({b"X": b"a\nb"}, "control"), ({b"X": b"\x00"}, "control"),
        ({b"X\r\nY": b"a"}, "name"), ({b"": b"a"}, "name"), ({b"X Y": b"a"}, "name"), ({b"X:": b"a"}, "name"),
        ({b"Host": b"evil"}, "Host cannot be set"), ({b"content-LENGTH": b"0"}, "cannot be set"),
        ({b"Transfer-Encoding": b"chunked"}, "cannot be set"), ({b"Connection": b"close"}, "cannot be set"),
        ({b"X": b"\xff"}, "UTF-8"), ({b"\xff": b"x"}, "ASCII"), ({b"A": b"1", b"a": b"2"}, "twice"),
        ({b"X": b"a" * 70000}, "more than"), ([], "table"), ({b"X": 5}, "strings"), (b"x", "table"),
    ],
)  # fmt: skip
async def test_headers_that_cannot_be_sent_are_refused(
    module: Any, site: Site, headers: Any, why: str
) -> None:
    refused(await get(module(), site.url("/x"), headers), why)
    refused(await module().put((site.url("/x"), b"", headers), "ns"), why)
    assert not site.hits


@pytest.mark.parametrize("ttl", [-1, float("inf"), float("nan"), b"5", True])
async def test_a_cache_ttl_that_is_none_is_refused(module: Any, site: Site, ttl: Any) -> None:
    refused(await get(module(), site.url("/x"), None, ttl), "cache_ttl")


async def test_bodies_that_cannot_be_sent_are_refused(module: Any, site: Site) -> None:
    http = module(http_max_body_bytes=1000)
    refused(await http.post((site.url("/x"),), "ns"), "body is missing")
    refused(await http.put((site.url("/x"), 5), "ns"), "body must be a string")
    refused(await http.delete((site.url("/x"), b"x" * 1001), "ns"), "1001 bytes; 1000 are the most")


# --- allowlists


@pytest.mark.parametrize(
    ("hosts", "host"),
    [
        (("a.test",), "a.test"), (("A.Test",), "a.TEST"), (("a.test",), "a.test."), (("a.test.",), "a.test"),
        (("*.a.test", "127.0.0.1"), "sub.a.test"), (("*.a.test", "127.0.0.1"), "a.test"),
        (("*", "127.0.0.1"), "b.test"), (("bücher.test", "127.0.0.1"), "BÜCHER.test"),
        (("xn--bcher-kva.test",), "bücher.test"), (("127.0.0.1",), "127.0.0.1"), (("127.0.0.1",), "[::ffff:127.0.0.1]"),
        (("[::ffff:7f00:1]",), "127.0.0.1"),
    ],
)  # fmt: skip
async def test_an_allowed_host_is_called(module: Any, site: Site, hosts: tuple[str, ...], host: str) -> None:
    resolver = FakeResolver(**NAMES, **{"xn--bcher-kva__test": "127.0.0.1"})
    assert answer(await get(module(hosts, resolver), site.url("/x", host))).status_code == 200


@pytest.mark.parametrize(
    ("hosts", "host"),
    [
        (("a.test",), "b.test"), (("a.test",), "sub.a.test"), (("*.a.test",), "xa.test"),
        (("*.a.test",), "a.test.b.test"),
        ((), "a.test"), (("a.test",), "127.0.0.1"), (("",), "a.test"),
    ],
)  # fmt: skip
async def test_another_host_is_not(module: Any, site: Site, hosts: tuple[str, ...], host: str) -> None:
    resolver = FakeResolver(**NAMES)
    refused(await get(module(hosts, resolver), site.url("/x", host)), "not in allowed_hosts")
    refused(await module(hosts, resolver).post((site.url("/x", host), b""), "ns"), "not in allowed_hosts")
    assert (resolver.asked, list(site.hits)) == ([], []), "a refused name is not even resolved"


async def test_a_namespace_s_list_replaces_the_global_one(module: Any, site: Site) -> None:
    http = module(("a.test",), namespace_hosts={"shop": ("b.test",)})
    assert answer(await get(http, site.url("/x", "b.test"), config_id="shop:7")).status_code == 200
    refused(await get(http, site.url("/x", "a.test"), config_id="shop"), "not in allowed_hosts")
    refused(await get(http, site.url("/x", "b.test"), config_id="shopping"), "not in allowed_hosts")


# --- addresses


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.01",
        "127.0.0.1.",
        "\uff11\uff12\uff17.0.0.1",
        "127。0。0。1",
    ],
)
async def test_other_spellings_of_the_machine_are_refused(module: Any, site: Site, host: str) -> None:
    reply = await get(module(("*",)), site.url("/x", host))
    refused(reply, "no address|own machine")
    assert not site.hits


LINK = ["169.254.169.254", "169.254.0.1", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16",
        "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]",
        "[64:ff9b:1::a9fe:a9fe]"]  # fmt: skip
MACHINE = ["127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[::127.0.0.1]"]
NO_SERVER = ["0.0.0.0", "[::]", "224.0.0.1", "255.255.255.255", "[ff02::1]", "240.0.0.1", "[::ffff:0:0]"]


@pytest.mark.parametrize(
    ("host", "why"),
    [
        *((host, "link-local or a cloud metadata") for host in LINK),
        *((host, "own machine|no server") for host in MACHINE),
        *((host, "no server") for host in NO_SERVER),
        ("metadata.google.internal", "cloud credentials"),
    ],
)
async def test_a_star_names_no_such_address(module: Any, host: str, why: str) -> None:
    refused(await get(module(("*",)), f"http://{host}:1/".encode()), why)
    name = FakeResolver(a__test=host.strip("[]")) if host != "metadata.google.internal" else None
    if name:
        refused(await get(module(("*",), name), b"http://a.test:1/"), why)


@pytest.mark.parametrize("host", ["[fe80::1%25eth0]", "[fe80::1%eth0]"])
async def test_an_interface_cannot_be_named(module: Any, host: str) -> None:
    refused(await get(module(("*",)), f"http://{host}/".encode()), "interface|cannot be read|no address")


async def test_naming_a_host_names_the_machine_but_not_the_link(module: Any, site: Site) -> None:
    resolver = FakeResolver(a__test="127.0.0.1", b__test="169.254.169.254")
    http = module(("a.test", "b.test"), resolver)
    assert answer(await get(http, site.url("/x", "a.test"))).status_code == 200
    refused(await get(http, site.url("/x", "b.test")), r"b\.test \(169\.254\.169\.254\) is link-local")


@pytest.mark.parametrize("hosts", [("127.0.0.9",), ("*", "127.0.0.9")])
async def test_an_address_that_is_named_is_called(module: Any, hosts: tuple[str, ...]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.9", 0))
        port = probe.getsockname()[1]
        unreachable(
            await get(module(hosts), f"http://127.0.0.9:{port}/".encode()), "refused or cannot be made"
        )


async def test_a_name_that_is_rebound_is_checked_anew(module: Any, site: Site) -> None:
    resolver = FakeResolver(a__test=["127.0.0.1", "169.254.169.254"])
    http = module(("a.test",), resolver)
    assert answer(await get(http, site.url("/x", "a.test"))).status_code == 200
    refused(await get(http, site.url("/x", "a.test")), "metadata")
    assert resolver.asked == ["a.test", "a.test"], (
        "resolved once for each request: what is checked is what is called"
    )
    assert site.hits["/x"] == 1, "the kept connection is not used either"


async def test_a_kept_connection_leads_no_other_namespace_to_the_machine(module: Any, site: Site) -> None:
    http = module(("*",), namespace_hosts={"ops": ("a.test",)})
    assert answer(await get(http, site.url("/x", "a.test"), config_id="ops")).status_code == 200
    refused(await get(http, site.url("/x", "a.test"), config_id="shop"), "own machine")


async def test_addresses_that_are_refused_are_left_out_and_dead_ones_passed_over(
    module: Any, site: Site
) -> None:
    resolver = FakeResolver(a__test="169.254.169.254 127.0.0.99 127.0.0.1")
    assert answer(await get(module(("a.test",), resolver), site.url("/x", "a.test"))).status_code == 200


async def test_the_system_s_resolver_finds_the_machine(site: Site) -> None:
    http = HttpModule(LuaSettings(allowed_hosts=("localhost", "*.invalid")))
    assert answer(await get(http, site.url("/x", "localhost"))).status_code == 200
    unreachable(await get(http, b"http://nothing.invalid/"), r"nothing\.invalid has no address")
    await http.close()


# --- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(module: Any, site: Site, status: int) -> None:
    http = module()
    assert answer(await get(http, site.url(f"/redirect/{status}?/x"))).body == b"GET /x"
    reply = answer(await http.post((site.url(f"/redirect/{status}?/x"), b"body"), "ns"))
    repeated = status in {307, 308}
    assert reply.body == (b"POST /x" if repeated else b"GET /x")
    assert site.requests[-1][3] == (b"body" if repeated else b"")
    assert ("Content-Type" in site.requests[-1][2]) == repeated


async def test_five_redirects_are_followed_and_no_more(module: Any, site: Site) -> None:
    http = module()
    assert answer(await get(http, site.url("/chain/5"))).body == b"end"
    refused(await get(http, site.url("/chain/6")), "5 redirects")
    refused(await get(http, site.url("/loop")), "5 redirects")
    assert site.hits["/loop"] == 6


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://b.test/", "not in allowed_hosts"), ("//b.test/", "not in allowed_hosts"),
        ("http://169.254.169.254/latest/meta-data", "not in allowed_hosts"), ("file:///etc/passwd", "http:// or https://"),
        ("gopher://a.test/", "http:// or https://"), ("http://u:p@a.test/", "user name"), ("http://[::1", "no URL"),
        ("http://2852039166/", "no address"),
    ],
)  # fmt: skip
async def test_a_redirect_is_checked_like_a_url(module: Any, site: Site, location: str, why: str) -> None:
    refused(await get(module(("a.test",)), site.url(f"/redirect/302?{location}", "a.test")), why)


async def test_a_redirect_to_metadata_is_refused_under_a_star(module: Any, site: Site) -> None:
    http = module()
    for host in ("169.254.169.254", "[::1]", "metadata.google.internal"):
        refused(
            await get(http, site.url(f"/redirect/302?http://{host}/")), "metadata|own machine|credentials"
        )


async def test_secrets_stay_with_their_origin(module: Any, site: Site) -> None:
    http = module(("a.test", "b.test"))
    secrets = {
        b"Authorization": b"s",
        b"X-API-Key": b"s",
        b"Cookie": b"s",
        b"X-Auth-Token": b"s",
        b"X-Plain": b"p",
    }
    same = site.url("/redirect/307?/x", "a.test")
    other = site.url(f"/redirect/307?{site.url('/x', 'b.test').decode()}", "a.test")
    await get(http, same, secrets)
    await get(http, other, secrets)
    kept = [
        {"Authorization", "X-API-Key", "Cookie", "X-Auth-Token"} & set(headers)
        for _, _, headers, _ in site.requests
    ]
    assert [len(names) for names in kept] == [4, 4, 4, 0]
    assert site.requests[-1][2]["X-Plain"] == "p"
    assert site.requests[-1][2]["Host"] == f"b.test:{site.port}"


# --- limits and faults


@pytest.mark.parametrize("path", ["/slow", "/trickle", "/lie"])
async def test_an_answer_that_does_not_end_is_given_up(module: Any, site: Site, path: str) -> None:
    started = time.monotonic()
    reply = await get(module(http_timeout=Seconds(0.3), http_max_body_bytes=1 << 41), site.url(path))
    unreachable(reply, r"did not answer in full within 0\.3 s")
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize("path", ["/size/100001", "/endless", "/lie", "/bomb", "/members"])
async def test_a_body_over_the_limit_is_refused(module: Any, site: Site, path: str) -> None:
    refused(await get(module(http_max_body_bytes=100_000), site.url(path)), "larger than 100000 bytes")


async def test_a_body_at_the_limit_is_not(module: Any, site: Site) -> None:
    assert (
        len(answer(await get(module(http_max_body_bytes=100_000), site.url("/size/100000"))).body) == 100_000
    )


@pytest.mark.parametrize(
    ("path", "why"),
    [("/drop", "broke off"), ("/drop/body", "broke off"), ("/damaged", "damaged"), ("/cut", "damaged")],
)
async def test_an_answer_that_breaks_off_is_unreachable(module: Any, site: Site, path: str, why: str) -> None:
    http = module()
    unreachable(await get(http, site.url(path)), why)
    unreachable(await http.post((site.url(path), b""), "ns"), why)
    assert answer(await get(http, site.url("/x"))).status_code == 200


async def test_what_is_not_http_is_unreachable(module: Any) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        unreachable(await get(module(), f"http://127.0.0.1:{port}/".encode()), "not HTTP")


async def test_nobody_listening_is_unreachable_and_no_address_is_shown(module: Any) -> None:
    reply = await get(module(("a.test",)), b"http://a.test:1/secret?token=t")
    unreachable(reply, "the connection was refused")
    assert "127.0.0.1" not in reply.problem
    assert "token" not in reply.problem


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For a.test, self-signed; the key is in the same file."""
    path = tmp_path_factory.mktemp("tls") / "a.pem"
    names = ["-subj", "/CN=a.test", "-addext", "subjectAltName=DNS:a.test"]
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "-", "-days", "2", *names],
        capture_output=True,
        check=True,
    )
    path.write_bytes(made.stdout)
    return path


async def test_tls_is_checked_against_the_name_and_not_the_address(module: Any, certificate: Path) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    http = module(("a.test", "b.test", "127.0.0.1"), tls=ssl.create_default_context(cafile=str(certificate)))
    async with Site(serving) as site:
        assert answer(await get(http, site.url("/x", "a.test", "https"))).status_code == 200
        for host in ("b.test", "127.0.0.1"):  # the kept connection to a.test is no way in
            unreachable(await get(http, site.url("/x", host, "https")), "TLS certificate")
        unreachable(await get(module(("a.test",)), site.url("/x", "a.test", "https")), "TLS certificate")
        assert site.hits["/x"] == 1


# --- the cache


async def test_an_answer_is_kept_for_its_time(module: Any, site: Site) -> None:
    clock = Clock()
    http = module(clock=clock, http_cache_ttl=Seconds(300))
    first = await get(http, site.url("/x"), None, None)
    clock.now = 299
    assert await get(http, site.url("/x#fragment"), None, None) == first
    clock.now = 301
    assert answer(await get(http, site.url("/x"), None, None)).headers[b"x-hit"] == b"2"


async def test_a_call_s_own_ttl_overrides(module: Any, site: Site) -> None:
    clock = Clock()
    http = module(clock=clock)
    await get(http, site.url("/x"), None, 10)
    clock.now = 5
    assert answer(await get(http, site.url("/x"), None, 10)).headers[b"x-hit"] == b"1"
    assert answer(await get(http, site.url("/x"), None, 3)).headers[b"x-hit"] == b"2", (
        "older than this call takes"
    )
    assert answer(await get(http, site.url("/x"), None, 0)).headers[b"x-hit"] == b"3"
    assert answer(await get(http, site.url("/x"), None, 10)).headers[b"x-hit"] == b"2", (
        "0 neither reads nor keeps"
    )


async def test_what_is_not_2xx_or_not_get_is_not_kept(module: Any, site: Site) -> None:
    http = module()
    for _ in range(2):
        await get(http, site.url("/status/404"), None, 60)
        await get(http, site.url("/redirect/302?/status/500"), None, 60)
        await http.post((site.url("/x"), b""), "ns")
    assert set(site.hits.values()) == {2}


async def test_who_asks_while_the_first_answer_arrives_gets_it(module: Any, site: Site) -> None:
    http = module()
    first = asyncio.create_task(get(http, site.url("/x"), ttl=60))
    asked = [first]
    while not first.done():  # one more in every turn of the loop, also between the answer and its caching
        asked.append(asyncio.create_task(get(http, site.url("/x"), ttl=60)))
        await asyncio.sleep(0)
    for reply in await asyncio.gather(*asked):
        assert answer(reply).headers[b"x-hit"] == b"1"
    assert site.hits["/x"] == 1


async def test_a_cache_that_is_off_is_off_for_every_ttl(module: Any, site: Site) -> None:
    http = module(http_cache_enabled=False)
    for ttl in (None, 60):
        await get(http, site.url("/x"), None, ttl)
    assert site.hits["/x"] == 2


async def test_the_cache_is_by_namespace_url_and_headers(module: Any, site: Site) -> None:
    http = module(("127.0.0.1",), namespace_hosts={"closed": ("a.test",)})
    url = site.url("/x")
    await get(http, url, {b"A": b"1", b"B": b"2"}, 60, "one:1")
    await get(http, url, {b"B": b"2", b"A": b"1"}, 60, "one:2")
    assert site.hits["/x"] == 1
    for headers, config_id in (({b"A": b"1"}, "one"), ({b"A": b"1", b"B": b"2"}, "two"), (None, "one")):
        await get(http, url, headers, 60, config_id)
    await get(http, site.url("/x?1"), {b"A": b"1", b"B": b"2"}, 60, "one")
    assert site.hits["/x"] == 5
    refused(await get(http, url, {b"A": b"1", b"B": b"2"}, 60, "closed"), "not in allowed_hosts")


# --- shared flights


async def test_fifty_equal_gets_are_one_request(module: Any, site: Site) -> None:
    http = module()
    replies = await asyncio.gather(*(get(http, site.url("/short"), None, ttl) for ttl in [0, 60] * 25))
    assert {answer(reply).body for reply in replies} == {b"soon"}
    assert site.hits["/short"] == 1
    assert answer(await get(http, site.url("/short"), None, 60)).body == b"soon"
    assert site.hits["/short"] == 1, "kept, since one of them had a cache_ttl"


async def test_other_namespaces_and_headers_fly_alone(module: Any, site: Site) -> None:
    http = module()
    url = site.url("/short")
    await asyncio.gather(
        get(http, url, None, 0, "one"), get(http, url, None, 0, "two"), get(http, url, {b"A": b"1"})
    )
    assert site.hits["/short"] == 3


async def test_a_first_caller_who_leaves_takes_nobody_along(module: Any, site: Site) -> None:
    http = module()
    first, *others = (asyncio.create_task(get(http, site.url("/short"))) for _ in range(5))
    await asyncio.sleep(0.03)
    first.cancel()
    assert {answer(reply).body for reply in await asyncio.gather(*others)} == {b"soon"}
    assert site.hits["/short"] == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_flight_that_everyone_left_ends(module: Any, site: Site) -> None:
    http = module(http_timeout=Seconds(60))
    tasks = [asyncio.create_task(get(http, site.url("/slow"))) for _ in range(3)]
    await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not http._flights._flights
    site.released.set()
    assert answer(await get(http, site.url("/slow"))).body == b"late", "the next one starts anew"


async def test_a_failure_is_shared_too_and_not_kept(module: Any, site: Site) -> None:
    http = module()
    for reply in await asyncio.gather(*(get(http, site.url("/drop"), None, 60) for _ in range(10))):
        unreachable(reply, "broke off")
    assert site.hits["/drop"] == 2, "one request and its repetition"
    unreachable(await get(http, site.url("/drop"), None, 60), "broke off")
    assert site.hits["/drop"] == 4


async def test_closing_ends_what_is_under_way(module: Any, site: Site) -> None:
    http = module(http_timeout=Seconds(60))
    waiting = asyncio.create_task(get(http, site.url("/slow")))
    await asyncio.sleep(0.05)
    await http.close()
    unreachable(await waiting, "http was closed")
