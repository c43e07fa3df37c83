"""The child process that checks, formats and compares bodies, so that a large one never holds the window's GIL.

It answers one request frame with one answer frame (msgpack, see the types below) until its stdin closes. The
parent's side is `engine.display_service`.
"""

from __future__ import annotations

import gc

import msgspec

from engine.child_process import claim_pipes, read_frame, write_frame
from engine.display import BodyKind, BodyText, DiffLine, HeaderRow, JsonProblem
from engine.display_body import body_text
from engine.display_diff import diff
from engine.display_json import check_json, pretty_json
from engine.display_request import header_rows, request_text
from engine.model import OutgoingRequest, Transformed


class CheckJson(msgspec.Struct, frozen=True, tag=True):
    """Asks what keeps a payload from being JSON."""

    payload: bytes


class Format(msgspec.Struct, frozen=True, tag=True):
    """Asks for a payload indented."""

    payload: bytes


class Present(msgspec.Struct, frozen=True, tag=True):
    """Asks for everything to show of one run.

    `body` is what is sent, None when that is the payload itself (10 MB need not travel twice). `result_headers` are
    those the script left; `method` is empty when there is no request to show. Without `compare` the difference,
    which takes longer than all else, is left for later.
    """

    payload: bytes
    incoming: dict[str, str]
    body: bytes | None = None
    result_headers: dict[str, str] = {}
    method: str = ""
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    compare: bool = True


class Compare(msgspec.Struct, frozen=True, tag=True):
    """Asks for the difference between what came in and what is sent."""

    payload: bytes
    body: bytes


class Checked(msgspec.Struct, frozen=True, tag=True):
    """Answers CheckJson."""

    problem: JsonProblem | None


class Formatted(msgspec.Struct, frozen=True, tag=True):
    """Answers Format: the text, or the payload as it came and what is wrong with it."""

    data: bytes
    problem: JsonProblem | None = None


class Presented(msgspec.Struct, frozen=True, tag=True):
    """Answers Present; `diff` is None when it was not asked for."""

    body: BodyText
    headers: tuple[HeaderRow, ...]
    request_text: str
    diff: tuple[DiffLine, ...] | None
    diff_note: str


class Compared(msgspec.Struct, frozen=True, tag=True):
    """Answers Compare."""

    diff: tuple[DiffLine, ...]
    note: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Answers a request that could not be met, for lack of memory or through a bug."""

    message: str


Request = CheckJson | Format | Present | Compare
Answer = Checked | Formatted | Presented | Compared | Failed

NOTHING_SENT = BodyText(BodyKind.EMPTY, "", 0)


def answer(request: Request) -> Answer:
    """What the child answers; a pure function."""
    if isinstance(request, CheckJson):
        return Checked(check_json(request.payload))
    if isinstance(request, Format):
        problem = check_json(request.payload)
        return Formatted(request.payload if problem else pretty_json(request.payload), problem)
    if isinstance(request, Compare):
        return Compared(*diff(request.payload, request.body))
    return _present(request)


def _present(asked: Present) -> Presented:
    body = asked.payload if asked.body is None else asked.body
    rows, note = diff(asked.payload, body) if asked.compare or body == asked.payload else (None, "")
    shown = body_text(body)
    if not asked.method:
        return Presented(shown, (), "", rows, note)
    request = OutgoingRequest(asked.method, asked.url, asked.headers, body)
    headers = header_rows(asked.incoming, request, Transformed(body, asked.result_headers))
    return Presented(shown, headers, request_text(request), rows, note)


def main() -> None:
    """Serve until the parent closes the pipe."""
    gc.set_threshold(200_000)  # thousands of rows and no cycles: saves 6 % at 100 KB, 15 % at 1 MB
    frames_in, frames_out = claim_pipes()
    decoder = msgspec.msgpack.Decoder(Request)
    encode = msgspec.msgpack.Encoder().encode
    while (frame := read_frame(frames_in)) is not None:
        try:
            reply = answer(decoder.decode(frame))
        except Exception as error:  # noqa: BLE001  (whatever it is, the next request deserves an answer)
            reply = Failed(f"{type(error).__name__}: {error}")
        try:
            write_frame(frames_out, encode(reply))
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
