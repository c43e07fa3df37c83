"""Takes secrets out of module calls and their answers, so that a recording can be kept in git.

Masked are, by name: headers, query parameters, members of JSON bodies, fields of form bodies, values of kv keys; and
every decrypted credential. What was masked once in a run is masked wherever else it turns up in that run. Not seen
are secrets without a telling name that never passed through any of these, such as one in the path of a URL.

The same masking is applied to the calls of a replay, where scripts get masks for secrets and send masks on: so a
replayed call equals the recorded one.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus, unquote_to_bytes

import msgspec

from engine.modules.calls import HttpAnswer, ModuleCall, ModuleReply
from engine.modules.secret_names import is_secret_name

REDACTED = b"[REDACTED]"

_MIN_LEARNED = 8  # shorter ones would tear holes into harmless text
_MIN_CREDENTIAL = 3
_JSON_MEMBER = re.compile(rb'("((?:[^"\\]|\\.)*)"\s*:\s*)"((?:[^"\\]|\\.)*)"', re.DOTALL)
_FIELD = re.compile(rb"(?<![^?&])([^=&?#]+)=([^&#]*)")
_FORM = re.compile(rb"[^\s{}<>\"=]+=[^\s{}<>\"]*")


class Masker:
    """Masks the calls of one run, in their order."""

    def __init__(self) -> None:
        self._forms: dict[bytes, None] = {}

    def call(self, call: ModuleCall) -> ModuleCall:
        """The call without secrets, and without the Nones at its end."""
        arguments = list(call.arguments)
        if call.module == "http":
            arguments = [self._http_argument(at, value) for at, value in enumerate(arguments)]
        elif call.module == "kv" and len(arguments) > 1 and _is_secret_key(arguments[0]):
            arguments[1] = self._value(arguments[1])
        if call.module != "crypto":  # what those hold is encrypted, and must stay what it is
            arguments = [self._scrubbed(value) for value in arguments]
        while arguments and arguments[-1] is None:
            arguments.pop()
        return msgspec.structs.replace(call, arguments=tuple(arguments))

    def reply(self, call: ModuleCall, reply: ModuleReply) -> ModuleReply:
        """The reply to `call` without secrets."""
        value: Any = reply.value
        if isinstance(value, HttpAnswer):
            headers, body = self._headers(value.headers), self._body(value.body)
            value = HttpAnswer(value.status_code, self._scrubbed(body), self._scrubbed(headers))
        elif call.module == "crypto":
            value = self._value(value, _MIN_CREDENTIAL)
        elif call.module == "kv" and _is_secret_key(call.arguments[0] if call.arguments else None):
            value = self._value(value)
        else:
            value = self._scrubbed(value)
        return msgspec.structs.replace(reply, value=value)

    def _http_argument(self, at: int, value: Any) -> Any:
        if isinstance(value, dict):
            return self._headers(value)
        if not isinstance(value, bytes):
            return value
        if at > 0:
            return self._body(value)
        path, mark, query = value.partition(b"?")
        return path + mark + _FIELD.sub(self._field, query)

    def _headers(self, headers: dict[Any, Any]) -> dict[Any, Any]:
        return {name: self._header(name, value) for name, value in headers.items()}

    def _header(self, name: Any, value: Any) -> Any:
        if not (isinstance(name, bytes) and isinstance(value, bytes) and is_secret_name(_text(name))):
            return value
        for part in (value, *value.split(b" ")):  # "Bearer TOKEN"
            self._learn(part)
        return REDACTED

    def _body(self, body: bytes) -> bytes:
        masked = _JSON_MEMBER.sub(self._json_member, body)
        return _FIELD.sub(self._field, masked) if _FORM.fullmatch(masked) else masked

    def _json_member(self, match: re.Match[bytes]) -> bytes:
        head, name, value = match.groups()
        if not is_secret_name(_text(name)):
            return match[0]
        try:
            self._learn(json.loads(b'"' + value + b'"').encode("utf-8", "surrogatepass"))
        except ValueError:
            self._learn(value)
        return bytes(head) + b'"' + REDACTED + b'"'

    def _field(self, match: re.Match[bytes]) -> bytes:
        name, value = match.groups()
        if not is_secret_name(_text(unquote_to_bytes(name))):
            return match[0]
        self._learn(unquote_to_bytes(value.replace(b"+", b" ")))
        return bytes(name) + b"=" + REDACTED

    def _value(self, value: Any, shortest: int = _MIN_LEARNED) -> Any:
        """A secret as a whole. A JSON object or list keeps its shape, so that a replay can still read it."""
        if not isinstance(value, bytes):
            return value
        self._learn(value, shortest)
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            return REDACTED
        if not isinstance(document, (dict, list)):
            return REDACTED
        return json.dumps(
            _leaves(document, lambda leaf: self._learn(leaf.encode("utf-8", "replace"), shortest))
        ).encode()

    def _learn(self, secret: bytes, shortest: int = _MIN_LEARNED) -> None:
        if len(secret) < shortest or REDACTED in secret or len(secret) > 65536:
            return
        escaped = json.dumps(_text(secret))[1:-1].encode()
        quoted = (quote(secret, safe="").encode(), quote_plus(secret).encode())
        self._forms |= dict.fromkeys((secret, escaped, *quoted, base64.b64encode(secret)))

    def _scrubbed(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._scrubbed(name): self._scrubbed(text) for name, text in value.items()}
        if isinstance(value, bytes):
            for form in sorted(self._forms, key=len, reverse=True):
                value = value.replace(form, REDACTED)
        return value


def _leaves(document: Any, learn: Callable[[str], None]) -> Any:
    if isinstance(document, dict):
        return {name: _leaves(value, learn) for name, value in document.items()}
    if isinstance(document, list):
        return [_leaves(value, learn) for value in document]
    if isinstance(document, str):
        learn(document)
        return REDACTED.decode()
    return 0 if isinstance(document, (int, float)) and not isinstance(document, bool) else document


def _is_secret_key(key: Any) -> bool:
    return isinstance(key, bytes) and is_secret_name(_text(key))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
