"""Makes a script that shows a fault smaller, by leaving out lines and then words for as long as it still shows it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

_WORD = re.compile(rb"\s+|\w+|[^\w\s]+")
MAX_TRIES = 2000


async def minimised(source: bytes, still_faulty: Callable[[bytes], Awaitable[bool]]) -> bytes:
    """The smallest text found; `still_faulty` says whether a text shows the fault."""
    tries = Tries(still_faulty)
    lines = await tries.shorter(source.splitlines(keepends=True))
    return b"".join(await tries.shorter(_WORD.findall(b"".join(lines))))


class Tries:
    """Leaves out parts, large runs of them first, within a bounded number of tries."""

    def __init__(self, still_faulty: Callable[[bytes], Awaitable[bool]]) -> None:
        self._still_faulty, self._left = still_faulty, MAX_TRIES

    async def shorter(self, parts: Sequence[bytes]) -> list[bytes]:
        """What is left of the parts."""
        kept = list(parts)
        size = len(kept) // 2
        while size > 0:
            start = 0
            while start < len(kept) and self._left > 0:
                shorter = kept[:start] + kept[start + size :]
                self._left -= 1
                if await self._still_faulty(b"".join(shorter)):
                    kept = shorter
                else:
                    start += size
            size //= 2
        return kept
