"""The bit strings of the IAB's standards: base64url without padding, numbers with their highest bit first."""

import re
from typing import Final

from assent.signals.reading import Vendors

_SIX_BITS: Final = {
    ord(letter): f"{value:06b}"
    for value, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
}
_is_base64url = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_MOST_VENDORS: Final = 65_535
_MOST_CHARACTERS: Final = 12_000
"""More than a bit field of all vendors takes; a longer one is somebody's try to keep us busy."""


class BadBits(ValueError):
    """The bits end too early, or say what cannot be."""


class Bits:
    """A bit string that is read from its start to its end. Every method raises BadBits where too little is left."""

    __slots__ = ("_at", "_text")

    def __init__(self, text: str) -> None:
        if len(text) > _MOST_CHARACTERS or not _is_base64url(text):
            raise BadBits("not base64url, or too long")
        self._text = text.translate(_SIX_BITS)
        self._at = 0

    def __len__(self) -> int:
        return len(self._text) - self._at

    def take(self, count: int) -> str:
        end = self._at + count
        if end > len(self._text):
            raise BadBits("cut off")
        taken, self._at = self._text[self._at : end], end
        return taken

    def number(self, bits: int) -> int:
        return int(self.take(bits), 2)

    def flag(self) -> bool:
        return self.take(1) == "1"

    def numbers(self, count: int, bits: int = 2) -> list[int]:
        return [self.number(bits) for _ in range(count)]

    def ticked(self, count: int) -> set[int]:
        """The numbers, counted from 1, of the bits that are set."""
        return {number for number, bit in enumerate(self.take(count), 1) if bit == "1"}

    def letters(self, count: int) -> str:
        return "".join(chr(ord("A") + self.number(6)) for _ in range(count))

    def milliseconds(self) -> int:
        """A time: the standards count deciseconds since 1970."""
        return self.number(36) * 100

    def is_padding(self) -> bool:
        """Whether nothing but padding is left."""
        return len(self) < 24 and "1" not in self._text[self._at :]

    def fibonacci(self) -> int:
        """A number as the sum of Fibonacci numbers, ended by two ones."""
        end = self._text.find("11", self._at)
        if end < 0:
            raise BadBits("a Fibonacci number does not end")
        digits = self.take(end + 1 - self._at)
        self.take(1)
        # 2^16 takes 23 digits: what is longer counts no vendor and no section.
        if len(digits) > 24:
            raise BadBits("a number that is too large")
        total, low, high = 0, 1, 2
        for digit in digits:
            total += low if digit == "1" else 0
            low, high = high, low + high
        return total

    def fibonacci_range(self) -> Vendors:
        """Numbers as single ones and ranges, each an offset from the one before."""
        found = _Gathered()
        last = 0
        for _ in range(self.number(12)):
            is_range = self.flag()
            first = last + self.fibonacci()
            last = first + self.fibonacci() if is_range else first
            found.add(first, last)
        return found.vendors()

    def optimized_fibonacci_range(self) -> Vendors:
        """Whichever of a bit field and a Fibonacci range was shorter."""
        highest = self.number(16)
        return self.fibonacci_range() if self.flag() else self._bit_field(highest)

    def optimized_range(self) -> Vendors:
        """Whichever of a bit field and a range of fixed width was shorter."""
        highest = self.number(16)
        return self.fixed_range() if self.flag() else self._bit_field(highest)

    def fixed_range(self) -> Vendors:
        """Numbers of 16 bits as single ones and ranges."""
        found = _Gathered()
        for _ in range(self.number(12)):
            is_range = self.flag()
            first = self.number(16)
            found.add(first, self.number(16) if is_range else first)
        return found.vendors()

    def _bit_field(self, count: int) -> Vendors:
        return Vendors(int(f"0{self.take(count)[::-1]}0", 2))


class _Gathered:
    """Numbers that are being gathered, up to the highest that there can be."""

    __slots__ = ("_ranges",)

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def add(self, first: int, last: int) -> None:
        if not 0 < first <= last <= _MOST_VENDORS:
            raise BadBits("a range that cannot be")
        self._ranges.append((first, last))

    def vendors(self) -> Vendors:
        # A few are cheaper one by one; thousands, which only an attacker sends, are not.
        if len(self._ranges) > 50:
            digits = bytearray(b"0" * (_MOST_VENDORS + 1))
            for first, last in self._ranges:
                digits[first : last + 1] = b"1" * (last + 1 - first)
            return Vendors(int(digits[::-1], 2))
        bits = 0
        for first, last in self._ranges:
            bits |= (1 << last + 1) - (1 << first)
        return Vendors(bits)
