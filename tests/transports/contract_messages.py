"""What every transport must let messages do: reach one worker, be answered, end with an error."""

from __future__ import annotations

import asyncio

import pytest

from callboard import (
    ActorFailed,
    AskTimeout,
    Child,
    Expired,
    Lane,
    LocalOnly,
    MailboxFull,
    NoActor,
    Unhandled,
)
from callboard.actors.testing import Probe
from callboard.transports.errors import NotCarried, RemoteError
from callboard.transports.packet import Kind
from callboard.transports.parcels import Op, unfold
from tests.transports.contract_cast import (
    Apart,
    Call,
    Cry,
    Fail,
    Give,
    Hold,
    Home,
    Note,
    Question,
    Take,
    player,
)
from tests.transports.contract_stage import Stage, Staged

__all__ = ["Messages"]


class Messages(Staged):
    """Tells, asks, sends and broadcasts."""

    @pytest.mark.check("M36")
    async def test_tells_arrive_in_order_in_both_directions(self, stage: Stage) -> None:
        async with stage:
            a, b = await stage.pair()
            a.tell("a", Give("b", 500))
            b.tell("b", Give("a", 500))
            assert await stage.noted("a", "note", count=500) == [*range(500)]
            assert await stage.noted("b", "note", count=500) == [*range(500)]

    @pytest.mark.check("M36")
    async def test_asks_are_answered_in_both_directions_also_by_nothing(self, stage: Stage) -> None:
        async with stage:
            a, b = await stage.pair()
            asked = [a.ask("b", Question(str(number))) for number in range(50)]
            assert [await each for each in asked] == [str(number) for number in range(50)]
            assert await b.ask("a", Question("")) == ""
            assert await b.ask("a", Note(1)) is None

    @pytest.mark.check("M20")
    async def test_source_lane_and_target_are_read_there_and_the_source_can_be_told(
        self, stage: Stage
    ) -> None:
        probe = Probe(answer=lambda message: message.text)
        async with stage:
            a = await stage.node("A", "a")
            b = await stage.node("B", Child("b", probe))
            await stage.know(a, "b")
            await stage.know(b, "a")

            await a.ask("a", Take(lambda me: me.tell("b", Question("low"), lane=Lane.LOW)))
            await probe.expect(Question, stage.network.within)
            envelope = probe.envelopes[0]
            assert envelope.source == a.ref("a")
            assert envelope.target == b.ref("b")
            assert envelope.lane is Lane.LOW
            assert envelope.source is not None
            envelope.source.tell(Note(7))
            assert await stage.noted("a", "note") == [7]

    @pytest.mark.check("M21")
    async def test_a_ref_that_crosses_is_equal_there_and_is_answered_wherever_it_leads(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            c = await stage.node("C", "c")
            await stage.know(a, "c")
            await stage.know(stage.nodes[1], "c")
            for name in ("a", "c"):
                whom = a.ref(name)
                assert whom is not None
                assert await a.ask("b", Call(whom, name)) == name
            refs = [whom for whom, _ in stage.log.of("b", "call")]
            assert refs == [a.ref("a"), c.ref("c")]
            assert [hash(ref) for ref in refs] == [hash(a.ref("a")), hash(a.ref("c"))]

    @pytest.mark.check("M21")
    async def test_one_ref_reaches_a_worker_that_restarts_and_one_that_moves(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            c = await stage.node("C")
            ref = a.ref("b")
            assert ref is not None
            ref.tell(Fail("again"))
            assert await ref.ask(Question("restarted")) == "restarted"
            await b.admin().terminate_child("b")
            await stage.forget(a, "b")
            await c.admin().start_child(player("b", stage.log))
            await stage.know(a, "b")
            assert await ref.ask(Question("moved")) == "moved"
            assert ref == a.ref("b")

    @pytest.mark.check("M17")
    async def test_what_is_for_one_node_comes_to_no_other(self, stage: Stage) -> None:
        async with stage:
            a, _ = await stage.pair()
            c = await stage.node("C", "c")
            await stage.know(a, "c")
            await stage.know(c, "a", "b")
            a.tell("a", Give("b", 100))
            await stage.noted("b", "note", count=100)
            network = stage.network
            assert network.data_to("B")
            assert network.data_to("C") == []
            assert {s.to for s in network.sent if s.kind is Kind.DATA and s.bodies} <= {"A", "B"}

    @pytest.mark.check("M17")
    async def test_what_stays_on_its_node_is_handed_to_no_transport(self, stage: Stage) -> None:
        async with stage:
            a, _ = await stage.pair()
            await a.admin().start_child(player("a2", stage.log))
            await a.ask("a", Give("a2", 100))
            assert await a.ask("a2", Question("?")) == "?"
            assert await a.request("a2", "echo", 1) == 1
            assert [s for s in stage.network.sent if s.kind is Kind.DATA and s.bodies] == []

    @pytest.mark.check("M18")
    async def test_a_broadcast_comes_once_to_each_running_worker_that_handles_it(
        self, stage: Stage
    ) -> None:
        silent = Probe()
        async with stage:
            a = await stage.node("A", "a", "a2", Child("probe", silent))
            b = await stage.node("B", "b", "b2")
            await b.admin().terminate_child("b2")
            await stage.know(a, "b")
            await stage.know(b, "a", "a2")
            await a.ask("a", Take(lambda me: me.broadcast(Cry("hear"))))
            await stage.noted("b", "cry")
            await b.admin().start_child(player("b3", stage.log))
            await stage.know(a, "b3")
            assert await a.ask("b", Question("?")) == "?"
            cries = sorted(entry[0] for entry in stage.log.entries if entry[1] == "cry")
            assert cries == ["a", "a2", "b"]
            assert silent.received == []

    @pytest.mark.check("M19")
    async def test_a_local_message_raises_at_the_sender_and_is_broadcast_here_only(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            mine = Home("here")
            with pytest.raises(LocalOnly, match=r"Home.*'b'"):
                a.tell("b", mine)
            with pytest.raises(LocalOnly):
                await a.ask("b", mine)
            with pytest.raises(LocalOnly):
                await a.send("b", mine)
            await a.ask("a", mine)
            assert stage.log.of("a", "home")[0] is mine
            assert a.broadcast(Home("all")) == 1
            assert [s for s in stage.network.sent if s.kind is Kind.DATA and s.bodies] == []

    @pytest.mark.check("M94")
    async def test_what_cannot_cross_raises_at_the_sender_and_nothing_is_sent(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            with pytest.raises(NotCarried, match="Apart"):
                a.tell("b", Apart("?"))
            with pytest.raises(NotCarried, match="Apart"):
                await a.ask("b", Apart("?"))
            with pytest.raises(NotCarried, match="Apart"):
                await a.send("b", Apart("?"))
            with pytest.raises(NotCarried, match="Apart"):
                a.broadcast(Apart("?"))
            assert [s for s in stage.network.sent if s.kind is Kind.DATA and s.bodies] == []
            assert await a.ask("b", Question("still")) == "still"

    @pytest.mark.check("M93")
    async def test_an_answer_that_cannot_cross_is_an_error_that_says_so(self, stage: Stage) -> None:
        async with stage:
            a = await stage.node("A", "a")
            b = await stage.node("B", Child("b", Probe(answer=lambda message: Apart("?"))))
            await stage.know(a, "b")
            with pytest.raises(NotCarried, match="Apart"):
                await a.ask("b", Question("?"))
            assert b.ref("b") is not None

    async def test_a_handler_that_raises_is_the_cause_of_the_askers_error(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            with pytest.raises(ActorFailed, match="'b'") as failed:
                await a.ask("b", Fail("the pump is dry"))
            cause = failed.value.__cause__
            assert isinstance(cause, RemoteError)
            assert cause.kind == "Broken"
            assert "the pump is dry" in str(cause)
            assert cause.node == "B"
            assert await a.ask("b", Question("next life")) == "next life"

    @pytest.mark.check("M14", "M22")
    async def test_no_handler_no_worker_and_no_time_are_errors_for_the_asker(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            with pytest.raises(Unhandled):
                await a.ask("b", "no player handles text")
            with pytest.raises(NoActor):
                await a.ask("nobody", Question("?"))
            b.tell("b", Hold())
            with pytest.raises(AskTimeout):
                await a.ask("b", Question("?"), timeout=0.2)
            stage.log.gate.set()
            ref = a.ref("b")
            assert ref is not None
            await b.admin().terminate_child("b")
            await stage.forget(a, "b")
            with pytest.raises(NoActor):
                await ref.ask(Question("?"))
            with pytest.raises(NoActor):
                ref.tell(Note(1))

    @pytest.mark.check("M23")
    async def test_a_deadline_crosses_as_the_time_that_is_left(self, stage: Stage) -> None:
        async with stage:
            a, b = await stage.pair()
            b.tell("b", Hold())
            await stage.noted("b", "held")
            with pytest.raises(AskTimeout):
                await a.ask("b", Question("too late"), timeout=0.3)
            # On its own clock B sees that it is over, a slow way there included.
            await asyncio.sleep(1.0)
            stage.log.gate.set()
            assert await a.ask("b", Question("in time"), timeout=stage.network.within) == "in time"
            assert stage.log.of("b", "question") == ["in time"]
            expired = [d for d in b.dead_letters.last() if isinstance(d.reason, Expired)]
            assert [d.envelope.message for d in expired] == [Question("too late")]
            heads = [unfold(body)[0] for s in stage.network.data_to("B") for body in s.bodies]
            left = [head[4] for head in heads if head[0] == Op.ASK]
            assert len(left) == 2
            assert 0.2 < left[0] <= 0.3

    @pytest.mark.check("M10")
    async def test_an_awaited_send_waits_for_room_in_the_mailbox_there(self, stage: Stage) -> None:
        async with stage:
            a = await stage.node("A", "a")
            b = await stage.node("B", player("b", stage.log, bound=3, overflow="wait"))
            await stage.know(a, "b")
            b.tell("b", Hold())
            await stage.noted("b", "held")
            sent: list[int] = []

            async def send() -> None:
                for number in range(6):
                    await a.send("b", Note(number))
                    sent.append(number)

            sending = asyncio.create_task(send())
            await stage.until(lambda: len(sent) == 3)
            assert await a.ask("a", Question("time for the fourth")) == "time for the fourth"
            assert not sending.done()
            stage.log.gate.set()
            await sending
            assert await stage.noted("b", "note", count=6) == [*range(6)]
            assert a.dead_letters.count == b.dead_letters.count == 0

    @pytest.mark.check("M8")
    async def test_a_full_mailbox_there_refuses_the_awaited_send_and_keeps_the_tell(
        self, stage: Stage
    ) -> None:
        async with stage:
            a = await stage.node("A", "a")
            b = await stage.node("B", player("b", stage.log, bound=1, overflow="reject"))
            await stage.know(a, "b")
            b.tell("b", Hold())
            await stage.noted("b", "held")
            await a.send("b", Note(1))
            with pytest.raises(MailboxFull, match="'b'"):
                await a.send("b", Note(2))
            with pytest.raises(MailboxFull, match="'b'"):
                await a.ask("b", Question("?"))
            a.tell("b", Note(3))
            await stage.until(
                lambda: Note(3) in [d.envelope.message for d in b.dead_letters.last()]
            )
            assert isinstance(b.dead_letters.last()[-1].reason, MailboxFull)
            stage.log.gate.set()
            assert await stage.noted("b", "note") == [1]

    async def test_a_worker_elsewhere_can_be_told_to_stop(self, stage: Stage) -> None:
        async with stage:
            a = await stage.node("A", "a")
            b = await stage.node("B", player("b", stage.log, restart="transient"))
            await stage.know(a, "b")
            ref = a.ref("b")
            assert ref is not None
            ref.tell(Note(1))
            assert await ref.stop() is True
            assert stage.log.of("b", "note") == [1]
            await stage.forget(a, "b")
            await stage.forget(b, "b")
            assert not ref.is_alive()
