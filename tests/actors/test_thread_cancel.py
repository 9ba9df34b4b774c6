"""Cancelling what a threaded worker does: what the thread has not begun never happens."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from callboard import Child, JobCancelled, JobRequest, Node, Supervisor, ThreadWorker, job


class Press(ThreadWorker):
    def __init__(self, printed: list[str], begun: threading.Event, go: threading.Event) -> None:
        super().__init__()
        self._printed = printed
        self._begun = begun
        self._go = go

    @job("print")
    def print(self, request: JobRequest) -> str:
        self._begun.set()
        assert self._go.wait(10)
        self._printed.append(request.payload)
        return request.payload  # type: ignore[no-any-return]


async def until_open(node: Node, jobs: int) -> None:
    """Wait until the press has so many jobs."""
    for _ in range(1000):
        if node.snapshot().workers[-1].jobs == jobs:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"the press has {node.snapshot().workers[-1].jobs} jobs, not {jobs}")


async def test_a_cancelled_job_that_waits_for_the_thread_is_never_done() -> None:
    printed: list[str] = []
    begun, go = threading.Event(), threading.Event()
    tree = Supervisor([Child("press", partial(Press, printed, begun, go))])
    async with Node(tree) as node:
        jobs = [node.start_job("press", "print", text) for text in ("first", "second", "third")]
        assert await asyncio.to_thread(begun.wait, 10)
        await until_open(node, 3)
        jobs[1].cancel()
        await until_open(node, 2)  # at once, though the thread is busy with the first
        go.set()
        assert await jobs[2] == "third"
        with pytest.raises(JobCancelled):
            await jobs[1]
    assert printed == ["first", "third"]
