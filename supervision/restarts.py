"""When to restart and when to give up: budget, growth, jitter and reset as one policy. Pure.

Two independent things are decided here. The *budget* is how many restarts a supervisor makes
within a period before it gives up (OTP's intensity). The *backoff* is how long each one waits;
it always grows, also where the budget has no limit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import cast

from ..actors.errors import SpecError

__all__ = ["Backoff", "RestartBudget", "Restarts"]


@dataclass(frozen=True)
class Backoff:
    """How long to wait before a restart: `min`, then `factor` times more each time, up to `max`.

    Seconds. A share of up to `jitter` is added at random, never beyond `max`. A worker that ran
    for `reset_after` seconds begins at `min` again. `min=0` restarts without a delay.
    """

    min: float = 0.1
    factor: float = 2.0
    max: float = 30.0
    jitter: float = 0.2
    reset_after: float = 30.0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SpecError: one of them makes no sense.

        """
        for name, value, least in (
            ("min", self.min, 0.0),
            ("factor", self.factor, 1.0),
            ("max", self.max, self.min),
            ("jitter", self.jitter, 0.0),
            ("reset_after", self.reset_after, 0.0),
        ):
            if not isinstance(cast("object", value), int | float) or not value >= least:
                raise SpecError("Backoff", name, f"must be at least {least:g}, is {value!r}")

    def delay(self, attempt: int, chance: float) -> float:
        """Return the seconds before this attempt (the first is 1); `chance` is in [0, 1)."""
        if self.min == 0:
            return 0.0
        # Beyond this exponent the power is above max in any case, and a float would overflow.
        exponent = min(attempt - 1, 1024) if self.factor > 1 else 0
        try:
            grown = self.min * self.factor**exponent
        except OverflowError:
            grown = self.max
        return min(min(grown, self.max) * (1.0 + self.jitter * chance), self.max)


@dataclass(frozen=True)
class Restarts:
    """The restart policy of a supervisor: at most `intensity` restarts in `period` seconds.

    The next one ends the supervisor. `intensity=None` has no limit; 0 is legal and allows none.
    """

    intensity: int | None = 3
    period: float = 5.0
    backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SpecError: one of them makes no sense.

        """
        intensity: object = self.intensity
        whole = isinstance(intensity, int) and not isinstance(intensity, bool)
        if intensity is not None and (not whole or self.intensity < 0):  # type: ignore[operator]
            raise SpecError(
                "Restarts", "intensity", f"must be a whole number from 0, or None, is {intensity!r}"
            )
        if not isinstance(cast("object", self.period), int | float) or not self.period > 0:
            raise SpecError("Restarts", "period", f"must be above 0 seconds, is {self.period!r}")


class RestartBudget:
    """The restarts that a supervisor has made within the period."""

    def __init__(self, policy: Restarts) -> None:
        """Begin with none."""
        self.policy = policy
        self._made: deque[float] = deque()

    def spend(self, now: float) -> bool:
        """Count a restart at `now` (seconds, monotonic); False if it is one too many."""
        made = self._made
        made.append(now)
        while made and made[0] <= now - self.policy.period:
            made.popleft()
        intensity = self.policy.intensity
        if intensity is None:
            made.clear()
            return True
        return len(made) <= intensity

    def used(self, now: float) -> int:
        """Return how many restarts of the period are used."""
        return sum(1 for at in self._made if at > now - self.policy.period)
