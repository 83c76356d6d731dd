"""What happens by chance in the demo, the same for the same seed."""

from collections.abc import Mapping
from random import Random
from typing import TypeVar

_One = TypeVar("_One")


class Chance(Random):
    """Dice that fall the same way for the same seed."""

    def happens(self, probability: float) -> bool:
        return self.random() < probability

    def pick(self, weights: Mapping[_One, int]) -> _One:
        """One of the keys, each as often as its weight says."""
        return self.choices(list(weights), list(weights.values()))[0]

    def fork(self) -> "Chance":
        """Other dice, whose throws do not change what these throw next."""
        return Chance(self.getrandbits(64))

    def text_id(self) -> str:
        return f"{self.getrandbits(96):024x}"
