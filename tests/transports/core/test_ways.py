"""Two ways to one node, ways that are added and taken away, and nodes that leave."""

from __future__ import annotations

import asyncio

import pytest

from callboard import JobCrashed, JobError, Node, NotReady
from callboard.actors.errors import Draining, NoActor, NotStarted
from callboard.actors.testing import settle
from callboard.transports.json_codec import JsonCodec
from callboard.transports.packet import Kind
from tests.transports.contract import Stage
from tests.transports.contract_cast import Give, Note, Question, Watch
from tests.transports.core.inside import line, router_of
from tests.transports.test_local_contract import LocalNetwork


class Ways:
    """Nodes that are all on a first network and a second one."""

    def __init__(self, stage: Stage, second: LocalNetwork) -> None:
        self.stage = stage
        self.first = stage.network
        self.second = second

    async def node(self, name: str, worker: str) -> Node:
        """Start a node on both; the first comes first."""
        ways = [self.first.transport(name), self.second.transport(name)]
        return await self.stage.node(name, worker, transports=ways)


def way(node: Node, other: str) -> str:
    """By which transport the node reaches the other one."""
    return str(line(node, other).known.via)


@pytest.mark.check("M63")
@pytest.mark.parametrize("whose", [["A"], ["B"], ["A", "B"]])
async def test_where_one_way_is_lost_the_other_is_taken_and_nothing_is(whose: list[str]) -> None:
    async with Stage(LocalNetwork()) as stage:
        ways = Ways(stage, LocalNetwork())
        a, b = await ways.node("A", "a"), await ways.node("B", "b")
        await stage.know(a, "b")
        await stage.know(b, "a")
        assert way(a, "B") == way(b, "A") == "transport-local"
        a.tell("a", Give("b", 200))
        job = a.start_job("b", "wait", 1)
        await stage.noted("b", "waits")
        loop = asyncio.get_running_loop()
        began = loop.time()
        for name in whose:
            await ways.first.cut(name)
        a.tell("b", Note(1000))
        b.tell("a", Note(2000))
        assert await a.ask("b", Question("by the other way")) == "by the other way"
        stage.log.gate.set()
        assert await job == "waited"
        assert loop.time() - began < 1.5, "not when anybody is declared down"
        assert await stage.noted("b", "note", count=201) == [*range(200), 1000]
        assert await stage.noted("a", "note") == [2000]
        assert way(a, "B") == way(b, "A") == "transport-local-2"
        for name in whose:
            await ways.first.heal(name)
        await stage.until(lambda: stage.counted(a, "connected") + stage.counted(b, "connected") > 4)
        for name in whose:
            await ways.second.cut(name)
        assert await b.ask("a", Question("and back")) == "and back"
        for node in (a, b):
            assert stage.counted(node, "node_down") == 0


@pytest.mark.check("M63")
async def test_another_codec_is_no_way_instead() -> None:
    async with Stage(LocalNetwork()) as stage:
        second = LocalNetwork()
        nodes: list[Node] = []
        for name in "AB":
            other = second.transport(name)
            other.codec = JsonCodec()
            ways = [stage.network.transport(name), other]
            nodes.append(await stage.node(name, name.lower(), transports=ways))
        a, b = nodes
        await stage.know(a, "b")
        await stage.know(b, "a")
        await stage.network.cut("A")
        asked = a.ask("b", Question("over the outage"))
        await asyncio.sleep(2)
        assert way(a, "B") == "transport-local"
        await stage.network.heal("A")
        assert await asked == "over the outage"


@pytest.mark.check("M61")
async def test_a_transport_that_is_added_and_taken_away_takes_along_who_is_behind_it() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        second = LocalNetwork()
        c = await stage.node("C", "c", transports=[second.transport("C")])
        for _ in range(3):
            added = await a.attach(second.transport("A"))
            await stage.know(a, "c")
            await stage.know(c, "a")
            await a.ask("a", Watch(monitor=("c",)))
            job = a.start_job("c", "wait", 1)
            back = c.start_job("a", "wait", 1)
            await stage.until(lambda: len(stage.log.of("c", "waits")) == 1)
            loop = asyncio.get_running_loop()
            began = loop.time()
            await a.admin("transports").terminate_child(added.name)
            with pytest.raises(JobCrashed, match="'C' is down"):
                await job
            with pytest.raises(JobCrashed, match="'A' is down"):
                await back
            await stage.forget(c, "a")
            assert a.ref("c") is None
            assert loop.time() - began < 1, "at once"
            assert await a.ask("b", Question("still")) == "still"
            await a.admin("transports").delete_child(added.name)
            stage.log.entries.clear()
        assert stage.counted(b, "node_down") == 0
        assert [peer.name for peer in a.snapshot().peers] == ["B"]


@pytest.mark.check("M63")
async def test_a_way_that_is_taken_away_where_there_is_another_costs_nothing() -> None:
    async with Stage(LocalNetwork()) as stage:
        ways = Ways(stage, LocalNetwork())
        a, b = await ways.node("A", "a"), await ways.node("B", "b")
        await stage.know(a, "b")
        await stage.know(b, "a")
        job = a.start_job("b", "wait", 1)
        await stage.noted("b", "waits")
        await a.admin("transports").terminate_child("transport-local")
        assert await a.ask("b", Question("by the other way")) == "by the other way"
        stage.log.gate.set()
        assert await job == "waited"
        await asyncio.sleep(100)
        assert await b.ask("a", Question("still")) == "still"
        assert [stage.counted(node, "node_down") for node in (a, b)] == [0, 0]


async def test_a_node_that_has_ended_is_joined_to_nobody() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, _ = await stage.pair()
        await a.stop()
        with pytest.raises(NotStarted, match="stopped"):
            await a.attach(stage.network.transport("A"))


@pytest.mark.check("M61")
async def test_after_its_goodbye_a_node_says_and_hears_nothing() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        asked = a.ask("b", Question("?"))
        await asked
        (data,) = stage.network.data_to("B")
        router = router_of(b)
        leaving = asyncio.create_task(router.leave())
        await stage.forget(a, "b")
        since = len(stage.network.sent)
        (transport,) = router._transports.values()  # pyright: ignore[reportPrivateUsage]
        router.up(transport)
        for kind in (Kind.HELLO, Kind.WANT, Kind.SNAPSHOT):
            for seen in stage.network.came[:]:
                if seen.kind is kind and seen.node == "B":
                    router.receive(transport, seen.data)
        router.receive(transport, data.data)
        await leaving
        await settle()
        said = [seen.kind for seen in stage.network.sent[since:] if seen.node == "B"]
        assert said == []
        assert a.ref("b") is None
        assert router.peers == {}


@pytest.mark.check("M29", "M77")
async def test_a_node_that_drains_finishes_jobs_of_others_and_takes_no_new_ones() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        ref = a.ref("b")
        assert ref is not None
        job = a.start_job("b", "relay", ("a", "wait", 1, None))
        await stage.noted("a", "waits")
        draining = asyncio.create_task(b.drain())
        with pytest.raises(Draining):
            await ref.ask(Question("on its way"))
        await stage.forget(a, "b")
        with pytest.raises(NotReady):
            await a.request("b", "echo", "too late", timeout=0.1)
        with pytest.raises(NoActor):
            await ref.ask(Question("?"))
        stage.log.gate.set()
        assert await job == "waited", "and what it asked for meanwhile"
        await draining
        assert b.drained is True
        await stage.until(lambda: stage.open_with_others(a) == 0)


@pytest.mark.check("M34", "M61")
async def test_a_node_that_stops_while_its_connection_is_gone_does_not_wait_for_it() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, _ = await stage.pair()
        await stage.network.cut("A")
        await stage.until(lambda: stage.counted(a, "disconnected"))
        asked = a.ask("b", Question("?"))
        a.tell("b", Note(1))
        loop = asyncio.get_running_loop()
        began = loop.time()
        await a.stop()
        assert loop.time() - began < 1.5
        with pytest.raises(Exception, match="'A', has stopped"):
            await asked
        assert a.dead_letters.by_reason == {"NodeDown": 1}


@pytest.mark.check("M62")
async def test_a_job_that_answers_after_its_callers_node_started_again_changes_nothing() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        await a.ask("b", Question("known"))
        held: list[object] = []
        job = a.start_job("b", "wait", 1)
        await stage.noted("b", "waits")
        held += [*line(b, "A").serving.values()]
        stage.network.silence("A")
        a.kill()
        await a.stop()
        stage.network.unsilence("A")
        new = await stage.node("A", "a")
        await stage.know(new, "b")
        await stage.noted("b", "cancelled")
        (sink,) = held
        before = stage.counted(b, "late_job_answers")
        assert sink.settle("late") is False  # type: ignore[attr-defined]
        assert stage.counted(b, "late_job_answers") == before + 1
        assert await new.request("b", "echo", "new") == "new"
        with pytest.raises(JobError):
            await job
        assert len(line(b, "A").serving) == 0


@pytest.mark.check("M62")
@pytest.mark.parametrize("back", [1, 3_600_000, 10**12])
async def test_a_node_that_starts_again_with_its_clock_set_back_is_the_later_one(
    back: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Stage(LocalNetwork()) as stage:
        a, old = await stage.pair()
        await a.ask("a", Watch(ready=("b",), monitor=("b",)))
        job = a.start_job("b", "wait", 1)
        await stage.noted("b", "waits")
        stage.network.silence("B")
        old.kill()
        await old.stop()
        stage.network.unsilence("B")
        earlier = old.incarnation - back

        def clock_set_back(name: str) -> int:
            return earlier

        monkeypatch.setattr("callboard.supervision.node.next_incarnation", clock_set_back)
        loop = asyncio.get_running_loop()
        began = loop.time()
        new = await stage.node("B", "b")
        with pytest.raises(JobCrashed, match="'B' is down"):
            await job
        await stage.noted("a", "ready", count=2)
        assert loop.time() - began < 1
        assert new.runtime.incarnation == old.incarnation + 1
        assert await a.request("b", "echo", "new") == "new"
        assert await new.request("a", "echo", "back") == "back"
        assert len(stage.log.of("a", "down")) == 1
