"""The trouble: kills a node, and the server between the nodes, while they work."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from fractions import Fraction
from random import Random

from callboard import Admin, Worker, on
from callboard.examples.indexing.brokers import Broker
from callboard.examples.indexing.news import Progressed, Troubled


class Trouble(Worker):
    """Strikes twice, each time when a share of the files is in the index; then it is content.

    First a node's process gets SIGKILL: it has no moment to say anything to anybody. Then the
    server that joins the nodes is killed and started anew, empty.
    """

    interruptible = True  # a stop need not wait for the server

    def __init__(self, seed: int, nodes: Sequence[str], broker: Broker) -> None:
        super().__init__()
        self._random = Random(seed)
        self._nodes = nodes
        self._broker = broker
        self._strikes: list[tuple[Fraction, Callable[[], Awaitable[str]]]] = [
            (Fraction(1, 4), self._kill_node),
            (Fraction(1, 2), self._restart_broker),
        ]
        self.note = ""

    @on(Progressed)
    async def progressed(self, news: Progressed) -> None:
        while self._strikes and news.done >= self._strikes[0][0] * news.total:
            _, strike = self._strikes.pop(0)
            self.note = await strike()
            self.tell("reporter", Troubled(self.note, news.done))
        if not self._strikes:
            self.stop()

    async def _kill_node(self) -> str:
        assert self.parent is not None, "the trouble has a supervisor"
        name = self._random.choice(self._nodes)
        pid = Admin(self.parent).get_state(name)["pid"]
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
        return f"{name} was killed (SIGKILL)"

    async def _restart_broker(self) -> str:
        await asyncio.to_thread(self._broker.restart)
        return f"{self._broker.name} was killed, and started again"
