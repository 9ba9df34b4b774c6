"""Asking for a job in the name of what has ended: an error at once, and nothing is begun."""

from __future__ import annotations

import asyncio

import pytest

from callboard import Child, JobCrashed, JobRequest, Node, Supervisor, Worker, job


class Server(Worker):
    @job("work")
    async def work(self, request: JobRequest) -> str:
        return "done"


@pytest.mark.check("M67")
async def test_a_job_asked_for_on_a_node_that_has_ended_fails_at_once() -> None:
    async with Node(Supervisor([Child("server", Server)])) as node:
        assert await node.request("server", "work") == "done"
    before = asyncio.get_running_loop().time()
    with pytest.raises(JobCrashed, match="has ended"):
        await node.request("server", "work")
    assert asyncio.get_running_loop().time() == before
