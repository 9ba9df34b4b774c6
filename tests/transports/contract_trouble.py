"""What every transport must survive: cuts, loss, repeats, disorder, and a way that is full."""

from __future__ import annotations

import asyncio

import pytest

from callboard import JobCrashed, MailboxFull, Node
from callboard.transports.errors import LinkFull, NodeDown
from callboard.transports.packet import Kind
from tests.transports.contract_cast import Give, Note, Question
from tests.transports.contract_network import Trouble
from tests.transports.contract_stage import Stage, Staged

__all__ = ["OUTAGE", "Troubles"]

OUTAGE = 3.0
"""Seconds that a connection is gone; less than a node has until it is declared down."""

BOUND = 10_000
"""Messages that may be on the way to one node."""


class Troubles(Staged):
    """Links."""

    @pytest.mark.check("M63")
    @pytest.mark.parametrize("which", ["the sender's", "the receiver's"])
    async def test_what_is_sent_while_a_connection_is_gone_arrives_once_and_in_order(
        self, stage: Stage, which: str
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            network = stage.network
            cut_node = a if which == "the sender's" else b
            cut = cut_node.name
            a.tell("a", Give("b", 500))
            b.tell("b", Give("a", 300))
            await stage.noted("b", "note")
            await network.cut(cut)
            await stage.until(lambda: stage.counted(cut_node, "disconnected"))
            await a.ask("a", Give("b", 500))
            asked = a.ask("b", Question("over the outage"))
            job = a.start_job("b", "echo", "over the outage")
            await asyncio.sleep(OUTAGE)
            assert len(stage.log.of("b", "note")) < 1000
            await network.heal(cut)
            heard = await stage.noted("b", "note", count=1000)
            assert heard == [*range(500), *range(500)]
            assert await stage.noted("a", "note", count=300) == [*range(300)]
            assert await asked == "over the outage"
            assert await job == "over the outage"
            assert network.connected[cut] == 2
            assert [stage.counted(node, "node_down") for node in (a, b)] == [0, 0]
            await stage.until(lambda: stage.open_with_others(a) == 0)
            assert stage.log.of("b", "note") == heard

    @pytest.mark.check("M63")
    @pytest.mark.parametrize("seed", [1, 2, 3])
    async def test_a_way_that_loses_repeats_and_reorders_delivers_once_and_in_order(
        self, stage: Stage, seed: int
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            stage.network.disturb(Trouble(seed, loss=0.1, repeat=0.1, delay=0.1))
            total, burst = 300, 60

            async def send(node: Node, other: str) -> None:
                for number in range(total):
                    node.tell(other, Note(number))
                    if number % burst == 0:
                        await node.ask(other, Question(str(number)))

            await asyncio.gather(send(a, "b"), send(b, "a"))
            for name in "ab":
                assert await stage.noted(name, "note", count=total) == [*range(total)]
                asked = [str(number) for number in range(0, total, burst)]
                assert stage.log.of(name, "question") == asked
            assert [await a.request("b", "echo", n) for n in range(5)] == [*range(5)]
            stage.network.disturb(None)
            for node in (a, b):
                await stage.until(lambda node=node: stage.open_with_others(node) == 0)  # type: ignore[misc]
            for name in "ab":
                assert stage.log.of(name, "note") == [*range(total)]

    @pytest.mark.check("M64")
    async def test_a_full_way_refuses_tells_has_sends_wait_and_drops_nothing(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            await stage.network.cut("B")
            for number in range(BOUND):
                a.tell("b", Note(number))
            with pytest.raises(LinkFull, match="'B'") as full:
                a.tell("b", Note(-1))
            assert isinstance(full.value, MailboxFull)
            with pytest.raises(LinkFull):
                await a.ask("b", Question("?"))
            sending = asyncio.create_task(a.send("b", Note(BOUND)))
            assert await a.ask("a", Question("time for it")) == "time for it"
            assert not sending.done()
            await stage.network.heal("B")
            await sending
            assert await stage.noted("b", "note", count=BOUND + 1) == [*range(BOUND + 1)]
            assert a.dead_letters.count == 0

    @pytest.mark.check("M64")
    async def test_a_full_way_to_a_node_that_is_declared_down_ends_as_errors_and_dead_letters(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair(watchful=True)
            stage.network.silence("B")
            asked = a.ask("b", Question("?"))
            job = a.start_job("b", "echo", 1)
            for number in range(BOUND - 2):
                a.tell("b", Note(number))
            with pytest.raises(LinkFull):
                a.tell("b", Note(-1))
            sending = asyncio.create_task(a.send("b", Note(-2)))
            with pytest.raises(NodeDown):
                await asked
            with pytest.raises(JobCrashed, match="'B' is down"):
                await job
            with pytest.raises(NodeDown):
                await sending
            assert a.dead_letters.by_reason == {"NodeDown": BOUND - 2}
            assert stage.open_with_others(a) == 0

    @pytest.mark.check("M65")
    async def test_what_is_ready_in_one_turn_of_the_loop_travels_in_one_publish(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            await a.ask("b", Question("settled"))
            await stage.until(lambda: stage.open_with_others(a) == 0)
            network = stage.network
            before, since = network.publishes["A"], len(network.sent)
            a.tell("a", Give("b", 100))
            await stage.noted("b", "note", count=100)
            assert network.publishes["A"] - before == 1
            sent = [s for s in network.sent[since:] if s.kind is Kind.DATA and s.node == "A"]
            assert [len(s.bodies) for s in sent if s.bodies] == [100]

    @pytest.mark.check("M65")
    async def test_the_first_answers_of_a_crowd_leave_while_the_next_are_worked_out(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            await a.ask("b", Question("settled"))
            await stage.until(lambda: stage.open_with_others(a) == 0)
            network = stage.network
            since = len(network.sent)
            texts = [str(number) for number in range(100)]
            assert await asyncio.gather(*(a.ask("b", Question(text)) for text in texts)) == texts
            sent = [s for s in network.sent[since:] if s.kind is Kind.DATA and s.bodies]
            assert [len(s.bodies) for s in sent if s.node == "A"] == [100]
            assert [len(s.bodies) for s in sent if s.node == "B"] == [32, 32, 32, 4]
