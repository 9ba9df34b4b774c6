"""Messages and questions that go on while something breaks; afterwards each is accounted for."""

import asyncio
from typing import Self

from callboard import CallboardError
from tests.faults.cast import Note, Question
from tests.faults.fleet import Fleet
from tests.faults.stations import Station

__all__ = ["Traffic"]


class Traffic:
    """Notes both ways, one after the other, and asks, for as long as the block goes on."""

    def __init__(self, fleet: Fleet, station: Station, pause: float = 0.01) -> None:
        self.pause = pause
        self.fleet = fleet
        self.station = station
        self.sent = 0
        self.answered: list[int] = []
        self.errors: list[BaseException] = []
        self._over = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.ensure_future(self._flow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        await self._task

    async def _flow(self) -> None:
        asked: list[asyncio.Future[None]] = []
        while not self._over:
            self.fleet.caller.tell("b", Note(self.sent))
            asked.append(asyncio.ensure_future(self._ask(self.sent)))
            self.sent += 1
            await asyncio.sleep(self.pause)
        await asyncio.gather(*asked)

    async def _ask(self, number: int) -> None:
        try:
            self.answered.append(await self.fleet.caller.ask("b", Question(number)))
        except CallboardError as error:
            self.errors.append(error)

    async def flows(self) -> None:
        """Wait until some more have come through."""
        wanted = self.sent + 5
        await self.station.meets(lambda noted: noted[-1:] >= [wanted], "noted", "b")

    async def all_arrived(self) -> None:
        """Every note once, in order, and every question answered."""
        await self.station.meets(lambda noted: len(noted) >= self.sent, "noted", "b")
        assert await self.station.do("noted", "b") == list(range(self.sent))
        assert sorted(self.answered) == list(range(self.sent))
        assert self.errors == []

    async def all_accounted_for(self) -> None:
        """Every note arrived, at most once and in order, or is a dead letter; every ask ended."""
        lost = {letter.envelope.message for letter in self.fleet.caller.dead_letters.last()}
        dead = {message.number for message in lost if isinstance(message, Note)}
        wanted = set(range(self.sent)) - dead
        await self.station.meets(lambda noted: wanted <= set(noted), "noted", "b")
        noted = await self.station.do("noted", "b")
        assert noted == sorted(set(noted))
        assert len(self.answered) + len(self.errors) == self.sent

    @property
    def kinds(self) -> list[BaseException]:
        """One error of each kind that was seen."""
        return list({type(error): error for error in self.errors}.values())
