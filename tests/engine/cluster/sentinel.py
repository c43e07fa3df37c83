"""A Redis with a replica and a Sentinel that watches both: real ones, so that a failover is one."""

from __future__ import annotations

from pathlib import Path

from tests.engine.redis_server import RedisServer, redis_program

MASTER = "howk"


class SentinelServer(RedisServer):
    """Watches a master; decides alone, after half a second."""

    def __init__(self, folder: Path, master: RedisServer, password: str) -> None:
        super().__init__(folder)
        self._config = folder / "sentinel.conf"
        self._config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\nlogfile {folder}/sentinel.log\n"
            f"sentinel monitor {MASTER} 127.0.0.1 {master.port} 1\n"
            f"sentinel auth-pass {MASTER} {password}\n"
            f"sentinel down-after-milliseconds {MASTER} 500\n"
            f"sentinel failover-timeout {MASTER} 2000\n"
        )

    def __enter__(self) -> SentinelServer:
        self.start()
        return self

    def command(self) -> list[str]:
        return [redis_program(), str(self._config), "--sentinel"]
