"""The chaos: a worker that kills the others, at random, while they work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

from callboard import Admin, LocalMessage, NoActor, Worker, on
from callboard.examples.indexing.news import Struck


class Strike(LocalMessage):
    """Kill somebody."""


class Pause(LocalMessage):
    """Wait a moment, then strike."""


class Enough(LocalMessage):
    """End it: the work is done."""


class Chaos(Worker):
    """Kills one of its victims after the other, chosen by a seed, about once in `every` seconds.

    The same seed gives the same victims and the same pauses; what a victim is doing at that moment
    is up to the machine. Who is named more than once among the victims is struck more often.
    Without `every` it strikes only when told to. After `limit` kills it has had enough, so that a
    slow machine gets its work done, too.
    """

    interruptible = True  # a stop need not wait for the end of a pause

    def __init__(self, seed: int, victims: Sequence[str], every: float | None, limit: int) -> None:
        super().__init__()
        self._random = Random(seed)
        self._victims = victims
        self._every = every
        self._limit = limit
        self._kills = 0
        self.note = ""

    def on_start(self) -> None:
        if self._every is not None:
            self.tell(self.actor_ref, Pause())

    @on(Pause)
    async def pause(self, _: Pause) -> None:
        assert self._every is not None, "there is a pause only between strikes of its own"
        await asyncio.sleep(self._every * self._random.uniform(0.5, 1.5))
        self.strike(Strike())
        if self._kills < self._limit:
            self.tell(self.actor_ref, Pause())

    @on(Strike)
    def strike(self, _: Strike) -> None:
        victim = self._random.choice(self._victims)
        assert self.parent is not None, "the chaos has a supervisor"
        try:
            Admin(self.parent).kill(victim, "chaos")
        except NoActor:
            return  # already dead, or done with its work
        self._kills += 1
        self.note = f"{self._kills:,} killed, last {victim}"
        self.tell("reporter", Struck(victim, self._kills))

    @on(Enough)
    def enough(self, _: Enough) -> None:
        self.stop()
