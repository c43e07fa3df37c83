"""Where published scripts are kept, as the rest of the product sees it: one seam, whoever keeps them.

Implementers: `engine.scripts.cluster_store.ClusterStore` (Kafka first, then the Redis mirror) and
`engine.scripts.api_store.ApiStore` (the HTTP API of a cluster). All methods run on one asyncio loop.
"""

from __future__ import annotations

import enum
from typing import Protocol

import msgspec

from engine.model import ScriptConfig


class StepState(enum.StrEnum):
    """How one step of a publication went."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"  # an earlier one failed, or this store has no such step


class Step(msgspec.Struct, frozen=True):
    """One step, in the order they are taken: `kafka`, `redis`, `read_back_kafka`, `read_back_redis`, or `api`.

    `detail` says where it was written, or why it failed.
    """

    name: str
    state: StepState
    detail: str = ""


class StoreReport(msgspec.Struct, frozen=True):
    """What became of one script that was stored or deleted.

    When `kafka` (or `api`) is done, it is live, whatever follows; `complete` says whether the mirror agrees as well.
    """

    config_id: str
    hash: str  # empty for a deletion
    version: str
    steps: tuple[Step, ...]

    @property
    def complete(self) -> bool:
        """Whether no step failed; a cluster without a Redis skips those of the mirror."""
        return self.failure() is None

    def failure(self) -> Step | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.state is StepState.FAILED), None)


class StoredVersion(msgspec.Struct, gc=False, frozen=True):
    """One version that a store still knows: `script` is None for a deletion. `place` tells people where it is.

    `published_at` is Unix time in milliseconds; `who` and `note` are known for what this workspace's journal holds.
    """

    script: ScriptConfig | None
    place: str
    published_at: int
    who: str = ""
    note: str = ""


class StoredProblem(msgspec.Struct, frozen=True):
    """A record that cannot be used and was skipped: where it is, its key when that can be told, and why."""

    place: str
    config_id: str
    why: str


class ScriptStore(Protocol):
    """Published scripts: look, store, delete. Approval is not its business: see `engine.scripts.publisher`."""

    async def live(self, config_id: str) -> ScriptConfig | None:
        """The script of exactly this config_id as the source of truth has it now; None when there is none.

        Raises:
            ClusterUnreachable: nobody can say.
        """
        ...

    async def put(self, script: ScriptConfig) -> StoreReport:
        """Stores one version.

        Raises:
            ClusterUnreachable: the source of truth did not acknowledge it.
            ClusterRefused: it will not take it; nothing was changed.
        """
        ...

    async def delete(self, config_id: str) -> StoreReport:
        """Deletes a script (a tombstone); raises as `put`."""
        ...

    async def history(self, config_id: str) -> tuple[StoredVersion, ...]:
        """The versions that the store itself still holds, the newest first; raises as `live`."""
        ...
