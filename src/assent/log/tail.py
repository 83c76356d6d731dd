"""The newest records of the log, in memory: what most readers want next."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from assent.domain.record import Record, tombstone
from assent.engine.person import People
from assent.log.sqlite_file import Block

_MOST_RECORDS: Final = 20_000
_MOST_BYTES: Final = 24 << 20


class Tail:
    """The newest blocks, at most `_MOST_RECORDS` records and `_MOST_BYTES` bytes of them."""

    def __init__(self) -> None:
        self._blocks: deque[Block] = deque()
        self._records = self._bytes = 0

    def add(self, block: Block) -> None:
        self._blocks.append(block)
        self._records += len(block.records)
        self._bytes += block.size
        while self._records > _MOST_RECORDS or self._bytes > _MOST_BYTES:
            oldest = self._blocks.popleft()
            self._records -= len(oldest.records)
            self._bytes -= oldest.size

    def erase(self, first: int, indexes: Sequence[int], people: People) -> None:
        """Put tombstones at these indexes of the block that begins at `first`, if it is still here."""
        found = bisect_left(self._blocks, first, key=attrgetter("first"))
        if found == len(self._blocks) or self._blocks[found].first != first:
            return
        records = self._blocks[found].records
        for index in indexes:
            records[index] = tombstone(records[index], keep_name=not people.are_named_in(records[index].event))

    def at(self, offset: int) -> Record | None:
        found = self.read(offset, 1)
        return found[0] if found else None

    def read(self, offset: int, limit: int) -> list[Record]:
        """The records from `offset` on, at most `limit`; none when `offset` is older than the tail."""
        blocks = self._blocks
        if not blocks or offset < blocks[0].first:
            return []
        found: list[Record] = []
        for index in range(bisect_right(blocks, offset, key=attrgetter("first")) - 1, len(blocks)):
            block = blocks[index]
            found += block.records[max(0, offset - block.first) :]
            if len(found) >= limit:
                break
        return found[:limit]
