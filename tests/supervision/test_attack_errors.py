"""Errors that are trouble themselves, logs that raise, and handlers that cancel their own task."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    Backoff,
    Child,
    DataMessage,
    JobCrashed,
    Node,
    Restarts,
    StartFailed,
    Supervisor,
    Worker,
    job,
    on,
)


class Do(DataMessage):
    what: str = "answer"


class Textless(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


@dataclass(frozen=True)
class Frozen(Exception):
    code: int = 1


class Careless(Worker):
    @on(Do)
    async def do(self, message: Do) -> str:
        if message.what == "raise later":
            await asyncio.sleep(0)
            raise Textless
        if message.what == "raise":
            raise Textless
        if message.what == "cancel":
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        return message.what

    @job("raise")
    async def fail(self, _request: Any) -> None:
        raise Textless


def node_of(*children: Child) -> Node:
    policy = Restarts(50, 60, Backoff(0.1))
    return Node(Supervisor(list(children), restarts=policy), watchdog=False)


@pytest.mark.parametrize("what", ["raise", "raise later"])
async def test_an_error_whose_text_raises_fails_its_worker_like_any_other(what: str) -> None:
    async with node_of(Child("one", Careless), Child("other", Careless)) as node:
        with pytest.raises(ActorFailed, match="Textless"):
            await node.ask("one", Do(what), timeout=5)
        assert await node.ask("other", Do(), timeout=5) == "answer"
        assert await node.ask("one", Do(), timeout=5) == "answer"
        infos = await node.admin().which_children()
        assert [child.incarnation for child in infos] == [2, 1]


async def test_a_job_error_whose_text_raises_ends_the_job() -> None:
    async with node_of(Child("one", Careless)) as node:
        with pytest.raises(JobCrashed, match="Textless"):
            await node.request("one", "raise", timeout=5)
        assert await node.ask("one", Do(), timeout=5) == "answer"


async def test_a_start_error_whose_text_raises_is_a_failed_start() -> None:
    class Unstartable(Worker):
        async def on_start(self) -> None:
            raise Textless

    with pytest.raises(StartFailed, match="Textless"):
        await node_of(Child("one", Unstartable)).start()


async def test_errors_that_refuse_new_attributes_are_chained_all_the_same() -> None:
    starts: list[int] = []

    class Brittle(Worker):
        async def on_start(self) -> None:
            starts.append(len(starts))
            if len(starts) == 2:
                raise Frozen(2)

        @on(Do)
        async def do(self, message: Do) -> str:
            if message.what == "raise":
                raise Frozen(1)
            return message.what

    async with node_of(Child("one", Brittle)) as node:
        seen = node.events.subscribe()
        with pytest.raises(ActorFailed):
            await node.ask("one", Do("raise"), timeout=5)
        assert await node.ask("one", Do(), timeout=5) == "answer"
        assert starts == [0, 1, 2]
        reasons = [event.reason for event in seen.take() if event.kind == "failed"]
        first, second = [reason.error for reason in reasons if reason is not None]
        assert (first, second) == (Frozen(1), Frozen(2))
        assert second is not None and second.__context__ is first


async def test_a_handler_that_cancels_its_task_stops_no_other_worker() -> None:
    async with node_of(Child("one", Careless), Child("other", Careless)) as node:
        for _ in range(20):
            assert await node.ask("one", Do("cancel"), timeout=5) == "cancel"
            node.tell("other", Do())
            await asyncio.sleep(0)
            assert await node.ask("other", Do(), timeout=5) == "answer"
        for _ in range(400):  # more than one turn of the run queue
            node.tell("one", Do("cancel"))
            node.tell("other", Do())
        assert await node.ask("other", Do(), timeout=5) == "answer"


async def test_a_task_that_a_handler_kept_may_be_cancelled_while_it_rests() -> None:
    kept: list[asyncio.Task[Any]] = []

    class Keeping(Worker):
        @on(Do)
        async def do(self, message: Do) -> str:
            task = asyncio.current_task()
            assert task is not None
            kept.append(task)
            return message.what

    async with node_of(Child("one", Keeping), Child("other", Careless)) as node:
        for turns in range(6):
            await node.ask("one", Do(), timeout=5)
            for _ in range(turns):
                await asyncio.sleep(0)
            kept[-1].cancel()
            assert await node.ask("other", Do(), timeout=5) == "answer"
            await node.ask("one", Do(), timeout=5)
            for _ in range(turns):
                await asyncio.sleep(0)
            asked = node.ask("other", Do(), timeout=5)  # it is called to work, then cancelled
            kept[-1].cancel()
            assert await asked == "answer"


async def test_a_log_filter_that_raises_keeps_no_worker_from_its_restart() -> None:
    class Full(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise OSError("no space left on the device")

    logger = logging.getLogger("callboard")
    full, level = Full(), logger.level
    logger.addFilter(full)
    logger.setLevel(logging.WARNING)  # whatever the root's is: the filter must be asked
    try:
        async with node_of(Child("one", Careless)) as node:
            with pytest.raises(ActorFailed):
                await node.ask("one", Do("raise"), timeout=5)
            assert await node.ask("one", Do(), timeout=5) == "answer"
            assert node.events.counts["log_failed"] > 0
    finally:
        logger.removeFilter(full)
        logger.setLevel(level)
