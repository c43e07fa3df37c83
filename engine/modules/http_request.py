"""One request of a script: its URL and headers checked, and what a redirect makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, urljoin, urlsplit

from engine.modules.arguments import CallFailed
from engine.modules.http_hosts import canonical_host
from engine.modules.secret_names import is_secret_name

MAX_URL_BYTES = 8192
MAX_HEADER_BYTES = 64 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})

_PORTS = {"http": 80, "https": 443}
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_CONTROL_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# What the connection itself is made of; a script that could set these could smuggle a second request.
_OURS = frozenset(
    {
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: `host` is canonical, `resource` is path and query as they are sent."""

    scheme: str
    host: str
    port: int
    resource: str

    @property
    def authority(self) -> str:
        """The Host header: brackets around IPv6, no port when it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL, without a fragment."""
        return f"{self.scheme}://{self.authority}{self.resource}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """What a credential is good for."""
        return self.scheme, self.host, self.port


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What is sent; `body` is None when there is none."""

    method: str
    target: Target
    headers: Headers = ()
    body: bytes | None = None

    def redirected(self, status: int, location: str) -> HttpRequest:
        """The request that an answer with one of REDIRECTS asks for.

        301 to 303 turn every method into GET without a body, 307 and 308 repeat the request, as Go's client does in
        published workers. Headers that hold secrets do not go to another origin.

        Raises:
            CallFailed: the location is no URL that scripts may call.
        """
        target = parse_url(_joined(self.target, location))
        headers, method, body = self.headers, self.method, self.body
        if status < 307 and method != "GET":
            method, body = "GET", None
            headers = tuple(pair for pair in headers if not pair[0].lower().startswith("content-"))
        if target.origin != self.target.origin:
            headers = tuple(pair for pair in headers if not is_secret_name(pair[0]))
        return replace(self, method=method, target=target, headers=headers, body=body)


def parse_url(text: str) -> Target:
    """A URL of http or https; characters that URLs cannot hold are percent-encoded in path and query.

    Raises:
        CallFailed: it is no such URL, holds a user name or password, or its host is none.
    """
    if len(text) > MAX_URL_BYTES:
        raise CallFailed(f"the URL is longer than {MAX_URL_BYTES} bytes")
    if _CONTROL.search(text.replace(" ", "_")) or text != text.strip():
        raise CallFailed("the URL holds a control character, or a space at an end")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as problem:
        raise CallFailed("the URL cannot be read") from problem
    if parts.scheme not in _PORTS:
        raise CallFailed("the URL must start with http:// or https://")
    if "@" in parts.netloc:
        raise CallFailed("the URL must not hold a user name or password; use the Authorization header")
    if not parts.hostname or port == 0:
        raise CallFailed("the URL has no host, or port 0")
    return Target(
        parts.scheme, _host(parts.hostname), port or _PORTS[parts.scheme], _resource(parts.path, parts.query)
    )


def _host(text: str) -> str:
    try:
        return canonical_host(text)
    except ValueError as problem:
        raise CallFailed(f"the host in the URL {problem}") from problem


def _resource(path: str, query: str) -> str:
    try:
        # "%" is safe: what is encoded already stays as it is, byte for byte, as signed URLs need it.
        sent = quote(path or "/", safe="/%:@!$&'()*+,;=-._~[]|")
        return sent + ("?" + quote(query, safe="/%:@!$&'()*+,;=-._~[]|?") if query else "")
    except UnicodeEncodeError as problem:
        raise CallFailed("the URL is no UTF-8") from problem


def _joined(target: Target, location: str) -> str:
    if _CONTROL.search(location):
        raise CallFailed(f"{target.host} redirected to something that is no URL")
    try:
        return urljoin(target.url, location)
    except ValueError as problem:
        raise CallFailed(f"{target.host} redirected to something that is no URL") from problem


def checked_headers(headers: dict[bytes, bytes]) -> Headers:
    """The headers a script set, sorted by name so that equal tables are equal.

    Raises:
        CallFailed: a name or value cannot be sent, or a header is one that the client writes itself.
    """
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_HEADER_BYTES:
        raise CallFailed(f"the headers have more than {MAX_HEADER_BYTES} bytes")
    checked = sorted(_checked_header(name, value) for name, value in headers.items())
    seen = [name.lower() for name, _ in checked]
    if len(set(seen)) != len(seen):
        raise CallFailed("a header is there twice, in different case")
    return tuple(checked)


def _checked_header(name: bytes, value: bytes) -> tuple[str, str]:
    try:
        sent_name, sent_value = name.decode("ascii"), value.decode("utf-8").strip(" \t")
    except UnicodeDecodeError as problem:
        raise CallFailed("a header's name must be ASCII, its value UTF-8") from problem
    if not _TOKEN.fullmatch(sent_name):
        raise CallFailed("a header's name is empty or holds a character that names cannot hold")
    if sent_name.lower() in _OURS:
        raise CallFailed(f"the header {sent_name} cannot be set by a script")
    if _CONTROL_IN_VALUE.search(sent_value):
        raise CallFailed(f"the value of the header {sent_name} holds a control character")
    return sent_name, sent_value
