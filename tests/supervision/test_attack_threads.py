"""A node that is used from another thread's event loop."""

from __future__ import annotations

import asyncio

import pytest

from callboard import Child, JobRequest, Node, Supervisor, Worker, job


@pytest.mark.realtime
async def test_a_job_asked_for_on_another_loop_is_refused_and_not_begun() -> None:
    begun: list[str] = []

    class Busy(Worker):
        @job("work")
        async def work(self, request: JobRequest) -> None:
            begun.append(request.id)

    async with Node(Supervisor([Child("busy", Busy)]), watchdog=False) as node:

        def elsewhere() -> None:
            with pytest.raises(RuntimeError, match="another thread"):
                asyncio.run(node.request("busy", "work"))

        await asyncio.to_thread(elsewhere)
        await node.request("busy", "work")
        assert len(begun) == 1
