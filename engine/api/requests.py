"""Reads requests: bodies into typed values, config_ids out of paths, each refused with its reason."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import web

from engine.errors import BadInput
from engine.workspace_names import check_name

T = TypeVar("T")


async def body_of(request: web.Request, kind: type[T]) -> T:
    """The body as a value of a type.

    Raises:
        BadInput: it is no JSON, not UTF-8, nested too deeply, or of another shape; never quotes a value.
        aiohttp.web.HTTPRequestEntityTooLarge: it is larger than the API takes.
    """
    data = await request.read()
    try:
        data.decode()
        return msgspec.json.decode(data, type=kind)
    except UnicodeDecodeError as problem:
        raise BadInput("body", f"byte {problem.start + 1}", "it is not UTF-8.") from None
    except msgspec.MsgspecError as problem:
        raise BadInput("body", "", f"{problem}.") from None
    except RecursionError:
        raise BadInput("body", "", "it is nested too deeply.") from None


def config_id_of(request: web.Request) -> str:
    """The config_id of the path. Raises BadInput for what cannot be one."""
    config_id = request.match_info["config_id"]
    check_name(config_id)
    return config_id
