"""Who is known on a node, from the first start of a worker to its end for good.

What another node adds to it (remote names, an announcement that comes again) is proved with the
transports; test_registry_machine.py holds the whole registry against a model.
"""

from __future__ import annotations

import pytest

from callboard import (
    ActorFailed,
    Backoff,
    Child,
    JobCrashed,
    JobRequest,
    NoActor,
    Node,
    NotReady,
    Restarts,
    Supervisor,
    Worker,
    WorkerReady,
    job,
    on,
)
from callboard.actors.testing import settle

LATER = Restarts(backoff=Backoff(min=10, jitter=0))


class Hand(Worker):
    @on(str)
    def do(self, text: str) -> int:
        if text == "fail":
            raise ValueError(text)
        return self.incarnation

    @job("keep")
    def keep(self, request: JobRequest) -> None:
        request.defer()


def stage(*names: str, restarts: Restarts = LATER) -> Node:
    return Node(Supervisor([Child(name, Hand) for name in names], restarts=restarts), name="A")


@pytest.mark.check("M51")
async def test_a_worker_here_is_listed_among_the_local_ones_only_and_an_unknown_one_nowhere() -> (
    None
):
    async with stage("b", "a") as node:
        assert node.registry.names() == ["root", "b", "a"]
        assert node.registry.names(local=True) == ["root", "b", "a"]
        assert node.registry.names(local=False) == []
        assert node.registry.find("nobody") is None
        known = node.registry.find("b")
        assert known is not None
        assert (known.node, known.path, known.ready, known.incarnation) == ("A", "root/b", True, 1)


@pytest.mark.check("M51")
async def test_a_restart_calls_the_watchers_again_with_a_higher_incarnation() -> None:
    async with stage("b") as node:
        calls: list[WorkerReady] = []
        node.registry.watch("b", "a test", calls.append)
        with pytest.raises(ActorFailed):
            await node.ask("b", "fail")
        await settle()
        known = node.registry.find("b")
        assert known is not None
        assert not known.ready
        assert await node.ask("b", "?") == 2
        assert known.ready
        node.registry.ready("b", 2)  # announced again, nothing happens
        node.registry.ready("b", 1)
        assert calls == [WorkerReady("b", "A", 1), WorkerReady("b", "A", 2)]
        node.registry.unwatch("a test")


@pytest.mark.check("M51")
async def test_a_worker_that_is_gone_for_good_leaves_the_registry_and_what_waits_on_it_ends() -> (
    None
):
    async with stage("a", "b") as node:
        with pytest.raises(ActorFailed):
            await node.ask("b", "fail")
        kept = node.start_job("a", "keep")
        for_restart = node.ask("b", "?")
        await settle()
        await node.admin().terminate_child("b")
        await node.admin().terminate_child("a")
        with pytest.raises(NoActor):
            await for_restart
        with pytest.raises(JobCrashed):
            await kept
        assert node.registry.names() == ["root"]
        assert node.ref("b") is None
        with pytest.raises(NoActor):
            await node.ask("b", "?")


@pytest.mark.check("M51")
async def test_a_job_for_a_name_that_is_gone_waits_for_its_next_owner_and_not_for_ever() -> None:
    async with stage("a", "b") as node:
        await node.admin().terminate_child("b")
        given = node.start_job("b", "keep")
        await settle()
        assert node.registry.watched() == {"b": 1}
        with pytest.raises(NotReady, match="'b' was not ready within 30 s"):
            await given
        assert node.registry.watched() == {}


@pytest.mark.check("M51")
async def test_two_thousand_workers_are_known_each_by_its_name() -> None:
    async with Node(Supervisor) as node:
        refs = await node.admin().start_children(
            [Child(f"w{number}", Hand) for number in range(2000)]
        )
        assert len(node.registry) == 2001
        assert node.ref("w1999") is refs[1999]
        await node.admin().terminate_child("w1000")
        assert len(node.registry) == 2000
