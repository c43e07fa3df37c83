"""Which headers, query parameters and fields hold secrets, to judge by their names."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"authoriz|authentic|cookie|passw|passphrase|passwd|secret|token|credential|signature|session"
    r"|(?:^|[-_.])(?:auth|pwd|sig|jwt|bearer)(?:$|[-_.])"
    r"|(?:^|[-_.]|api|access|private|encryption|signing|app)key(?:$|[-_.\d])"
)


def is_secret_name(name: str) -> bool:
    """Whether what goes by this name is not for others' eyes: `Authorization`, `X-API-Key`, `client_secret`."""
    return _SECRET.search(name.lower()) is not None
