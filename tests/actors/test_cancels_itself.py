"""A handler that cancels the task it runs in harms nobody else."""

from __future__ import annotations

import asyncio

from callboard import Child, DataMessage, Node, Supervisor, Worker, on


class Go(DataMessage):
    """Go."""


class Reckless(Worker):
    """Cancels its own task, and returns without waiting."""

    @on(Go)
    async def go(self, _: Go) -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return "done"


class Waiting(Worker):
    """Has to wait a moment for its answer."""

    @on(Go)
    async def go(self, _: Go) -> str:
        await asyncio.sleep(1)
        return f"life {self.incarnation}"


async def test_a_cancellation_that_a_handler_leaves_behind_reaches_no_other_worker() -> None:
    tree = Supervisor([Child("reckless", Reckless), Child("waiting", Waiting)])
    async with Node(tree) as node:
        for _ in range(3):
            first, second = node.ask("reckless", Go()), node.ask("waiting", Go())
            assert await second == "life 1"
            assert await first == "done"
