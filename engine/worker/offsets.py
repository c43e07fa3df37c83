"""How far a partition is done: records end in any order, and only what has nothing open before it may be committed."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping


class Offsets:
    """The open records of the partitions that this worker has."""

    def __init__(self) -> None:
        self._order: dict[int, deque[int]] = {}
        self._done: dict[int, set[int]] = {}
        self._committable: dict[int, int] = {}

    def begin(self, partition: int, offset: int) -> None:
        """A record is being worked on; offsets of a partition come in their order, with gaps."""
        self._order.setdefault(partition, deque()).append(offset)

    def end(self, partition: int, offset: int) -> None:
        """A record is done for good. One of a partition that was taken away is of no interest."""
        order = self._order.get(partition)
        if order is None:
            return
        done = self._done.setdefault(partition, set())
        done.add(offset)
        while order and order[0] in done:
            first = order.popleft()
            done.discard(first)
            self._committable[partition] = first + 1

    def take(self) -> Mapping[int, int]:
        """Partition -> the offset to commit, for those that have moved since the last call."""
        found, self._committable = self._committable, {}
        return found

    def give_back(self, offsets: Mapping[int, int]) -> None:
        """What was taken could not be committed; later ones stay."""
        for partition, offset in offsets.items():
            if partition in self._order:
                self._committable[partition] = max(offset, self._committable.get(partition, 0))

    def lose(self, partitions: set[int]) -> None:
        """Other workers have these partitions from now on; what is open there is theirs to do again."""
        for partition in partitions:
            self._order.pop(partition, None)
            self._done.pop(partition, None)
            self._committable.pop(partition, None)

    @property
    def open(self) -> int:
        """How many records are being worked on, or wait for one before them."""
        return sum(map(len, self._order.values()))

    def open_in(self, partition: int) -> int:
        """The same of one partition."""
        return len(self._order.get(partition, ()))
