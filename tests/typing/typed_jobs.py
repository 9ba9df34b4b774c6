"""Typed jobs, as type checkers see them: each line here is checked, none is run."""

from __future__ import annotations

from typing import Any, assert_type

from callboard import Job, JobGroup, JobMessage, LocalMessage, Node, ThreadWorker, Worker, job


class Analysis(LocalMessage):
    words: int


class Analyse(JobMessage[Analysis]):
    topic: str
    depth: int = 1


class Count(JobMessage[int]):
    pass


class Analyst(Worker):
    @job(Analyse)
    async def analyse(self, message: Analyse) -> Analysis:
        return Analysis(len(message.topic) * message.depth)


class Asker(Worker):
    async def use_requests(self) -> None:
        assert_type(await self.request("analyst", Analyse("bees")), Analysis)
        assert_type(await self.request("analyst", Analyse("bees", depth=2), timeout=5), Analysis)
        assert_type(await self.request("analyst", Count()), int)
        assert_type(await self.request("analyst", "analyse", "bees"), Any)

    async def use_handles(self) -> None:
        async with self.job("analyst", Analyse("bees")) as asked:
            assert_type(asked, Job[Analysis])
        assert_type(asked.response, Analysis)
        started = self.start_job("analyst", Count(), timeout=5)
        assert_type(started, Job[int])
        assert_type(await started, int)
        assert_type(self.job("analyst", "analyse", 1), Job[Any])

    async def use_groups(self) -> None:
        async with self.job_group("a", "b", job=Analyse("bees")) as group:
            assert_type(group, JobGroup[Analysis])
        assert_type(group.responses, dict[str, Analysis])
        assert_type(await self.start_job_group("a", job=Count()), dict[str, int])
        assert_type(self.job_group("a", job="analyse", payload=1), JobGroup[Any])


class Blocking(ThreadWorker):
    def wait_for_it(self) -> None:
        assert_type(self.wait(self.request("analyst", Analyse("bees"))), Analysis)


async def from_outside(node: Node) -> None:
    assert_type(await node.request("analyst", Analyse("bees")), Analysis)
    assert_type(await node.start_job("analyst", Count()), int)
    assert_type(await node.start_job_group("a", job=Analyse("bees")), dict[str, Analysis])
