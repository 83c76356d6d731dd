"""Message ids seen lately: a bounded table from fingerprints to offsets, small enough to hold a day."""

from collections.abc import Sequence
from mmap import mmap
from typing import Final

from xxhash import xxh3_64_intdigest

FIRST_SLOTS: Final = 1 << 22
MOST_SLOTS: Final = 1 << 24
MOST_REMEMBERED: Final = 20_000_000
_FULL: Final = 0.6
_LOW_HALF: Final = (1 << 32) - 1


def fingerprint(source: str, message_id: str) -> int:
    """A 64-bit fingerprint of one source's message id, the same in every process."""
    return xxh3_64_intdigest(f"{source}\0{message_id}".encode())


class Seen:
    """The offsets at which fingerprints were seen, newest `MOST_REMEMBERED` at the most.

    Open addressing in tables of 8-byte slots: the low half is the offset (modulo 2^32 - 1) plus one, the high half
    the fingerprint's. Two ids can share an answer, so it is a place to look, not yet a duplicate. Tables double in size
    as they fill and are never rehashed, so adding always costs the same.
    """

    def __init__(self, first_slots: int = FIRST_SLOTS, most_remembered: int = MOST_REMEMBERED) -> None:
        self._most = most_remembered
        self._tables = [_Table(first_slots)]

    def candidates(self, print_: int, head: int) -> list[int]:
        """Offsets below `head` where this fingerprint may have been seen."""
        found: list[int] = []
        for table in self._tables:
            found += table.find(print_)
        return [head - 1 - (head - 1 - low) % _LOW_HALF for low in found] if found else found

    def add(self, print_: int, offset: int) -> None:
        table = self._tables[-1]
        if table.is_full:
            table = _Table(min(table.slots * 2, MOST_SLOTS))
            self._tables.append(table)
            while len(self._tables) > 2 and sum(one.used for one in self._tables) > self._most:
                del self._tables[0]
        table.add(print_, offset)


class _Table:
    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.used = 0
        self._mask = slots - 1
        self._limit = int(slots * _FULL)
        self._cells = memoryview(mmap(-1, 8 * slots)).cast("Q")

    @property
    def is_full(self) -> bool:
        return self.used >= self._limit

    def find(self, print_: int) -> Sequence[int]:
        cells = self._cells
        index = print_ & self._mask
        cell = cells[index]
        if not cell:
            return ()
        found = []
        high = print_ >> 32
        while cell:
            if cell >> 32 == high:
                found.append((cell & _LOW_HALF) - 1)
            index = (index + 1) & self._mask
            cell = cells[index]
        return found

    def add(self, print_: int, offset: int) -> None:
        cells, mask = self._cells, self._mask
        index = print_ & mask
        while cells[index]:
            index = (index + 1) & mask
        low = offset % _LOW_HALF + 1
        cells[index] = (print_ >> 32) << 32 | low
        self.used += 1
