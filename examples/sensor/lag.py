"""The thing that is measured: a temperature that follows its target with a first-order lag."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

__all__ = ["HIGHEST", "LOWEST", "FirstOrderLag"]

LOWEST, HIGHEST = 0.0, 100.0
"""Degrees that a target may have."""


@dataclass
class FirstOrderLag:
    """A temperature; in each step it covers the same part of what is left to the target.

    Pure: it knows no clock, and with the same source of chance it always does the same.
    """

    temperature: float = 18.0
    """Degrees, without noise: what a perfect sensor would show."""
    target: float = 21.0
    """Degrees; see `aim`."""
    rate: float = 0.1
    """The part of the way that one step covers: above 0, at most 1. See `respond`."""
    noise: float = 0.0
    """The standard deviation of a reading, in degrees."""
    chance: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        """Check what was given.

        Raises:
            ValueError: says which of it is impossible.

        """
        self.aim(self.target)
        self.respond(self.rate)
        if not math.isfinite(self.temperature):
            raise ValueError(f"a temperature is a number of degrees, not {self.temperature}")
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"noise is a number of degrees, not below 0: {self.noise}")

    def aim(self, target: float) -> None:
        """Follow another target from now on.

        Raises:
            ValueError: it is out of reach.

        """
        if not LOWEST <= target <= HIGHEST:
            raise ValueError(f"a target is from {LOWEST:g} to {HIGHEST:g} degrees, not {target}")
        self.target = target

    def respond(self, rate: float) -> None:
        """Follow the target faster or slower from now on.

        Raises:
            ValueError: it is no part of a way.

        """
        if not 0 < rate <= 1:
            raise ValueError(f"a rate is above 0 and at most 1, not {rate}")
        self.rate = rate

    def step(self) -> float:
        """Go one step, and return what the sensor shows then."""
        self.temperature += self.rate * (self.target - self.temperature)
        return self.temperature + (self.chance.gauss(0.0, self.noise) if self.noise else 0.0)

    def steps_to(self, left: float) -> float:
        """Return how many steps it takes until this part (0 to 1) of the way is left."""
        return 1.0 if self.rate == 1 else math.log(left) / math.log1p(-self.rate)
