"""Reads the memory that processes hold, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

from engine.sandbox.pool import EnginePool

MB = 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int:
    """What a process has in memory; 0 where there is no /proc, or no such process."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def idle_hosts_bytes(pool: EnginePool) -> list[int]:
    """Of each host that is not at work just now."""
    return [resident_bytes(host.pid) for host in pool._idle]
