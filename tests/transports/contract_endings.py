"""What every transport must let nodes notice: what ends, falls silent, comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from callboard import (
    Child,
    Failed,
    JobCrashed,
    NoActor,
    Node,
    Normal,
    Shutdown,
    WorkerReady,
    worker_ready,
)
from callboard.transports.errors import NodeDown
from callboard.transports.packet import Kind
from tests.transports.contract_cast import (
    Fail,
    Give,
    Hold,
    Note,
    Player,
    Question,
    Take,
    Watch,
    player,
)
from tests.transports.contract_stage import Stage, Staged

__all__ = ["Endings"]


class Opener(Player):
    """Activates b as soon as it is ready, whatever node that is on."""

    @worker_ready("b")
    async def b_is_ready(self, data: WorkerReady) -> None:
        await self.activate("b", {"from": self.name})


class Sleeper(Player):
    """Is inactive until it is activated."""

    active = False


class Endings(Staged):
    """Monitors, activation, nodes that go and nodes that come again."""

    # -- workers ----

    @pytest.mark.check("M51")
    async def test_a_monitor_hears_of_each_restart_and_once_of_the_end(self, stage: Stage) -> None:
        async with stage:
            a, b = await stage.pair()
            await a.ask("a", Watch(monitor=("b", "nobody")))
            assert await stage.noted("a", "down") == [("nobody", None)]
            a.tell("b", Fail("once"))
            assert await stage.noted("a", "restarted") == [("b", 2)]
            a.tell("b", Fail("twice"))
            assert await stage.noted("a", "restarted", count=2) == [("b", 2), ("b", 3)]
            await b.admin().terminate_child("b")
            (_, (name, reason)) = await stage.noted("a", "down", count=2)
            assert name == "b"
            assert isinstance(reason, Shutdown)

    @pytest.mark.check("M47")
    async def test_a_monitor_is_told_why_a_worker_elsewhere_failed_for_good(
        self, stage: Stage
    ) -> None:
        async with stage:
            a = await stage.node("A", "a")
            b = await stage.node(
                "B",
                player("b", stage.log, restart="temporary"),
                player("b2", stage.log, restart="temporary"),
            )
            await stage.know(a, "b", "b2")
            await a.ask("a", Watch(monitor=("b", "b2")))
            a.tell("b", Fail("for good"))
            ((name, reason),) = await stage.noted("a", "down")
            assert name == "b"
            assert isinstance(reason, Failed)
            assert "for good" in str(reason.cause)
            ref = a.ref("b2")
            assert ref is not None
            await ref.stop()
            (_, (name, reason)) = await stage.noted("a", "down", count=2)
            assert (name, type(reason)) == ("b2", Normal)
            assert b.ref("b") is None

    # -- activation ----

    @pytest.mark.check("M43")
    @pytest.mark.parametrize("order", ["AB", "BA"])
    async def test_a_worker_activates_one_elsewhere_whichever_node_was_first(
        self, stage: Stage, order: str
    ) -> None:
        async with stage:
            children = {
                "A": Child("a", lambda: Opener(stage.log)),
                "B": Child("b", lambda: Sleeper(stage.log)),
            }
            for name in order:
                await stage.node(name, children[name])
            assert await stage.noted("b", "activated") == [{"from": "a"}]

    @pytest.mark.check("M43")
    async def test_a_hand_over_to_another_node_and_back_never_has_two_active(
        self, stage: Stage
    ) -> None:
        async with stage:
            a = await stage.node("A", "a")
            b = await stage.node("B", Child("b", lambda: Sleeper(stage.log)))
            await stage.know(a, "b")
            await stage.know(b, "a")

            async def give_over(node: Node, giver: str, taker: str) -> None:
                give = Take(lambda me: me.activate(taker, giver, deactivate_self=True))
                await node.ask(giver, give)

            async def is_active(node: Node, name: str) -> Any:
                return await node.ask(name, Take(lambda me: me.active))

            await give_over(a, "a", "b")
            assert [await is_active(a, "a"), await is_active(b, "b")] == [False, True]
            await give_over(b, "b", "a")
            assert [await is_active(a, "a"), await is_active(b, "b")] == [True, False]
            steps = [(e[0], e[1]) for e in stage.log.entries if "activated" in e[1]]
            assert steps == [
                ("a", "activated"),
                ("a", "deactivated"),
                ("b", "activated"),
                ("b", "deactivated"),
                ("a", "activated"),
            ]
            await a.ask("a", Take(lambda me: me.deactivate("b")))
            await a.ask("a", Take(lambda me: me.activate("b", {"again": 1})))
            assert await is_active(b, "b")
            await b.admin().terminate_child("b")
            await stage.forget(a, "b")
            with pytest.raises(Exception, match="'b'"):
                await give_over(a, "a", "b")
            assert await is_active(a, "a")

    # -- nodes ----

    @pytest.mark.check("M61", "M77")
    async def test_a_silent_node_is_declared_down_and_everything_open_with_it_ends(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair(watchful=True)
            await a.ask("a", Watch(ready=("b",), monitor=("b",)))
            job = a.start_job("b", "wait", 1)
            await b.ask("b", Take(lambda me: me.start_job("a", "wait", 2).done))
            await stage.noted("b", "waits")
            await stage.noted("a", "waits")
            b.tell("b", Hold())
            await stage.noted("b", "held")
            asked = a.ask("b", Question("?"))
            stage.network.silence("B")
            a.tell("b", Note(1))
            with pytest.raises(JobCrashed, match="'B' is down"):
                await job
            with pytest.raises(NodeDown, match="'B'"):
                await asked
            assert a.ref("b") is None
            ((name, reason),) = await stage.noted("a", "down")
            assert name == "b"
            assert isinstance(reason, Failed)
            assert isinstance(reason.cause, NodeDown)
            assert "'B'" in (await stage.noted("a", "cancelled"))[0]
            lost = [letter.envelope.message for letter in a.dead_letters.last()]
            assert lost == [Note(1)]
            assert a.snapshot().peers == ()
            assert stage.counted(a, "node_down") == 1
            assert len(stage.log.of("a", "ready")) == len(stage.log.of("a", "down")) == 1
            stage.log.gate.set()

    @pytest.mark.check("M61")
    @pytest.mark.parametrize("how", ["stop", "drain"])
    async def test_a_node_that_stops_or_drains_is_gone_at_once(
        self, stage: Stage, how: str
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            await a.ask("a", Watch(monitor=("b",)))
            loop = asyncio.get_running_loop()
            job = a.start_job("b", "wait", 1)
            await stage.noted("b", "waits")
            began = loop.time()
            ending = asyncio.create_task(getattr(b, how)())
            await stage.forget(a, "b")
            assert loop.time() - began < stage.network.quick
            assert await stage.noted("a", "down")
            if how == "drain":
                assert not job.done
                stage.log.gate.set()
                assert await job == "waited"
            else:
                with pytest.raises(JobCrashed):
                    await job
            await ending
            await stage.until(lambda: a.snapshot().peers == ())
            assert loop.time() - began < 2 * stage.network.quick
            with pytest.raises(NoActor):
                await a.ask("b", Question("?"))
            assert len(stage.log.of("a", "down")) == 1

    @pytest.mark.check("M62")
    async def test_a_node_that_starts_again_under_its_name_ends_its_earlier_life_at_once(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, old = await stage.pair()
            network = stage.network
            await a.ask("a", Watch(ready=("b",), monitor=("b",)))
            await old.ask("a", Note(0))
            asked = a.start_job("b", "wait", 1)
            await stage.noted("b", "waits")
            late = network.data_to("A")
            assert late
            network.silence("B")
            await crash(old)
            network.unsilence("B")
            loop = asyncio.get_running_loop()
            began = loop.time()
            new = await stage.node("B", "b")
            assert new.incarnation > old.incarnation
            heard = await stage.noted("a", "ready", count=2)
            assert [node for _, node, _ in heard] == ["B", "B"]
            with pytest.raises(JobCrashed, match="'B' is down"):
                await asked
            assert loop.time() - began < network.quick
            assert len(await stage.noted("a", "down")) == 1
            counted = stage.counted(a, "late_packets")
            for seen in late:
                network.inject("A", seen.data)
            assert stage.counted(a, "late_packets") == counted + len(late)
            assert await a.ask("b", Question("new life")) == "new life"
            assert stage.log.of("a", "note") == [0]

    @pytest.mark.check("M62")
    async def test_a_node_that_was_down_and_is_heard_again_is_a_newcomer(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair(watchful=True)
            network = stage.network
            await a.ask("a", Watch(ready=("b",)))
            network.silence("B")
            a.tell("a", Give("b", 5))
            b.tell("b", Give("a", 5))
            await stage.forget(a, "b")
            await stage.forget(b, "a")
            since = len(network.came)
            network.unsilence("B")
            await stage.know(a, "b")
            await stage.know(b, "a")
            a.tell("b", Note(100))
            b.tell("a", Note(200))
            assert await stage.noted("b", "note") == [100]
            assert await stage.noted("a", "note") == [200]
            assert network.told(Kind.SNAPSHOT, "A", since=since) or network.told(
                Kind.SNAPSHOT, "B", since=since
            )
            assert len(stage.log.of("a", "ready")) == 2
            assert a.dead_letters.count == b.dead_letters.count == 5

    @pytest.mark.check("M31")
    async def test_a_worker_has_its_own_node_drain_or_with_a_word_all_of_them(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            c = await stage.node("C", "c")
            d = await stage.node("D", "d")
            for node in (a, b, c):
                await stage.know(node, "d")
            await stage.know(d, "a", "b", "c")
            await d.ask("d", Take(lambda me: me.node.drain()))
            await stage.until(lambda: d.state == "stopped")
            for node in (a, b, c):
                await stage.forget(node, "d")
                assert node.state == "running"
            await stage.know(a, "b", "c")
            held = b.ask("b", Hold())
            await stage.noted("b", "held")
            ends = [asyncio.create_task(node.run()) for node in (a, b, c)]
            events = [node.events.subscribe() for node in (a, b, c)]
            await a.ask("a", Take(lambda me: me.node.drain("it is late", everywhere=True)))
            await stage.until(
                lambda: [n.state for n in (a, b, c)] == ["stopped", "draining", "stopped"]
            )
            stage.log.gate.set()
            assert await held == "released"
            await asyncio.gather(*ends)
            for ended in events:
                stopped = [event for event in ended.take() if event.kind == "node_stopped"]
                assert [event.reason for event in stopped] == [Shutdown("it is late")]
            assert [node.drained for node in (a, b, c)] == [True] * 3
            assert [node.dead_letters.by_reason for node in (a, b, c)] == [{}] * 3


async def crash(node: Node) -> None:
    """End a node as a crash does: without a word to anybody."""
    node.kill()
    await node.stop()
