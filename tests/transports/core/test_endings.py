"""Every request ends and nothing vanishes, whatever is wrong with what is sent or answered."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from callboard import (
    Child,
    JobCrashed,
    JobError,
    JobFailed,
    JobRequest,
    Node,
    ThreadWorker,
    WorkerRef,
    job,
    on,
)
from callboard.actors.delivery import Entry
from callboard.actors.errors import AskTimeout, CallboardError
from callboard.actors.testing import settle
from callboard.transports.errors import LinkFull, NodeDown, NotCarried
from callboard.transports.incoming import Incoming
from callboard.transports.packet import MAX_ENVELOPE
from callboard.transports.parcels import Op, fold
from tests.transports.contract import Stage
from tests.transports.contract_cast import Cry, Give, Hold, Log, Note, Player, Question, Watch
from tests.transports.contract_endings import crash
from tests.transports.core.inside import line
from tests.transports.test_local_contract import LocalNetwork


class Odd(Exception):
    """Bears attributes of its own, under names that ours have too."""

    def __init__(self) -> None:
        super().__init__("odd \ud800")
        self.bound = Decimal(7)
        self.worker = object()
        self.job = "\udfff" * 10_000


class Unspeakable(Exception):
    """Cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Oddity(Player):
    """Fails in every odd way."""

    @on(Question)
    async def answer(self, message: Question) -> Any:
        match message.text:
            case "odd":
                raise Odd
            case "unspeakable":
                raise Unspeakable
            case "long":
                raise ValueError("\x00" * 100_000)
            case "far":
                return "x" * MAX_ENVELOPE
            case _:
                return lambda: None

    @job("odd")
    async def odd(self, request: JobRequest) -> Any:
        match request.payload:
            case "full":
                raise JobFailed("it is all in the response", response="x" * (MAX_ENVELOPE - 20))
            case "odd":
                raise Odd
            case "function":
                raise JobFailed("with what cannot cross", response=lambda: None)
            case "event":
                await request.update(lambda: None)
                return None
            case _:
                return "x" * MAX_ENVELOPE


async def odd_pair(stage: Stage) -> tuple[Node, Node]:
    a = await stage.node("A", "a")
    b = await stage.node("B", Child("b", partial(Oddity, stage.log)))
    await stage.know(a, "b")
    await stage.know(b, "a")
    return a, b


@pytest.mark.check("M93")
@pytest.mark.parametrize("what", ["odd", "unspeakable", "long", "far", "function"])
async def test_an_answer_or_error_that_cannot_cross_is_an_error_that_can(what: str) -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await odd_pair(stage)
        with pytest.raises(CallboardError):
            await a.ask("b", Question(what))
        await stage.until(lambda: stage.open_with_others(a) == stage.open_with_others(b) == 0)


@pytest.mark.check("M75", "M93")
@pytest.mark.parametrize("what", ["odd", "full", "function", "event", "far"])
async def test_a_job_whose_end_cannot_cross_ends_with_an_error_that_can(what: str) -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await odd_pair(stage)
        with pytest.raises(JobError):
            await a.request("b", "odd", what)
        await stage.until(lambda: stage.open_with_others(a) == stage.open_with_others(b) == 0)


@pytest.mark.check("M97")
async def test_names_and_traces_that_are_too_long_raise_at_the_sender() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, _ = await stage.pair()
        b = a.ref("b")
        assert b is not None
        long, none = "t" * 70_000, "\ud800"
        for text in (long, none):
            with pytest.raises(NotCarried):
                b.tell(Note(1), trace=text)
            with pytest.raises(NotCarried):
                await b.ask(Question("?"), trace=text)
            with pytest.raises(NotCarried):
                await b.send(Note(1), trace=text)
            with pytest.raises(JobCrashed, match=r"crosses|reason"):
                await a.request("b", text)
        job = a.start_job("b", "wait", 1)
        await stage.noted("b", "waits")
        job.cancel(none + long)
        await stage.noted("b", "cancelled")
        await stage.until(lambda: stage.open_with_others(a) == 0)
        assert stage.log.of("b", "note") == []


@pytest.mark.check("M96")
@pytest.mark.parametrize(
    "head",
    [
        [Op.ASK, "b", None, 2, None, 7, 1],
        [Op.SEND, "b", None, 2, "soon", None, 1],
        [Op.STOP, 7, None, 1],
    ],
)
async def test_who_asked_with_a_head_that_cannot_be_read_is_answered(head: list[Any]) -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        asked = a.ask("b", Hold())
        assert [*line(a, "B").asks] == [1]
        line(a, "B").post(fold(head, b"1"))
        with pytest.raises(CallboardError, match="wrong type"):
            await asked
        assert stage.counted(b, "rejected_malformed") == 1
        stage.log.gate.set()


@pytest.mark.check("M96")
async def test_a_job_with_a_head_that_cannot_be_read_ends() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        first = a.start_job("b", "wait", 1)
        await stage.noted("b", "waits")
        line(b, "A").post(fold([Op.EVENT, first.id, "chunk"], b"1"))
        with pytest.raises(JobCrashed, match="wrong type"):
            await first
        assert await stage.noted("b", "cancelled")
        second = a.start_job("b", "wait", 2)
        await stage.noted("b", "waits", count=2)
        line(b, "A").post(fold([Op.FAILED, second.id, "facts"]))
        with pytest.raises(JobCrashed, match="wrong type"):
            await second
        asked = a.ask("b", Question("?"))
        line(b, "A").post(fold([Op.REFUSAL, 1, 0]))
        with pytest.raises(CallboardError, match="wrong type"):
            await asked
        await stage.until(lambda: stage.counted(a, "late_job_answers"))
        await stage.until(lambda: stage.open_with_others(a) == 0)


@pytest.mark.check("M63")
async def test_a_parcel_that_breaks_its_receiver_takes_no_other_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        monkeypatch.setattr(Incoming, "_stop", explode)
        a.tell("b", Note(1))
        line(a, "B").post(fold([Op.STOP, "b", None, None]))
        a.tell("b", Note(2))
        assert await stage.noted("b", "note", count=2) == [1, 2]
        assert stage.counted(b, "rejected_failed") == 1
        assert stage.counted(b, "failed") == 0


@pytest.mark.check("M79")
async def test_a_job_with_the_id_of_another_nodes_job_does_not_touch_that() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        c = await stage.node("A.x", "c")
        await stage.know(c, "b")
        mine = a.start_job("b", "wait", "mine")
        await stage.noted("b", "waits")
        for id in (mine.id, f"A.x.{mine.id}", "A.1", ""):
            head: list[Any] = [Op.JOB, "b", "c", 2, None, None, id, "wait", False, []]
            line(c, "B").post(fold(head, b'"theirs"'))
            for op in ([Op.CANCEL, id, "theirs"], [Op.CREDIT, id, 10**9], [Op.CREDIT, id, -5]):
                line(c, "B").post(fold(op))
            line(c, "B").post(fold([Op.DONE, id], b"1"))
            line(c, "B").post(fold([Op.EVENT, id, True], b"1"))
        await c.ask("b", Question("all of it has come"))
        assert stage.counted(b, "rejected_foreign_job") == 4
        assert stage.log.of("b", "waits") == ["mine"]
        stage.log.gate.set()
        assert await mine == "waited"


@pytest.mark.check("M64")
async def test_a_send_that_is_cancelled_waits_no_longer_at_the_other_node() -> None:
    async with Stage(LocalNetwork()) as stage:
        a = await stage.node("A", "a")
        b = await stage.node("B", Child("b", partial(Player, stage.log), bound=2, overflow="wait"))
        await stage.know(a, "b")
        a.tell("b", Hold())
        await stage.noted("b", "held")
        for number in range(2):
            await a.send("b", Note(number))
        waiting = [asyncio.create_task(a.send("b", Note(100 + n))) for n in range(20)]
        last = asyncio.create_task(a.send("b", Note(2)))
        peer = line(b, "A")
        await stage.until(lambda: len(peer.waiting) == 21)
        for task in waiting:
            task.cancel()
        await stage.until(lambda: len(peer.waiting) == 1)
        stage.log.gate.set()
        await last
        assert await stage.noted("b", "note", count=3) == [0, 1, 2]
        assert stage.open_with_others(a) == 0
        assert not peer.waiting
        await settle()
        assert stage.log.of("b", "note") == [0, 1, 2]


@pytest.mark.check("M62", "M64")
async def test_what_waits_for_room_is_forgotten_with_the_node_that_sent_it() -> None:
    async with Stage(LocalNetwork()) as stage:
        a = await stage.node("A", "a")
        b = await stage.node("B", Child("b", partial(Player, stage.log), bound=1, overflow="wait"))
        await stage.know(a, "b")
        a.tell("b", Hold())
        await stage.noted("b", "held")
        await a.send("b", Note(1))
        sending = asyncio.create_task(a.send("b", Note(2)))
        await stage.until(lambda: line(b, "A").waiting)
        await crash(a)
        with pytest.raises(NodeDown):
            await sending
        new = await stage.node("A", "a")
        await stage.know(new, "b")
        stage.log.gate.set()
        assert await new.ask("b", Question("new")) == "new"
        assert stage.log.of("b", "note") == [1]


async def test_asks_that_have_timed_out_leave_nothing_that_grows() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        a.tell("b", Hold())
        await stage.noted("b", "held")
        ref = a.ref("b")
        assert ref is not None
        for _ in range(50):
            asked = [ref.ask(Question("?"), block=False, timeout=0.01) for _ in range(100)]
            for each in asked:
                with pytest.raises(AskTimeout):
                    await each
        assert len(line(a, "B").asks) <= 1000
        assert not line(a, "B").busy or line(a, "B").link.open
        stage.log.gate.set()
        assert await ref.ask(Question("!")) == "!"
        assert stage.log.of("b", "question") == ["!"], "what nobody waits for is not begun"
        assert stage.counted(b, "failed") == 0


@pytest.mark.check("M64")
async def test_what_is_sent_while_a_node_is_being_given_up_is_refused_or_a_dead_letter() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, _ = await stage.pair()
        found = a.ref("b")
        assert found is not None
        ref: WorkerRef = found
        answers: list[Any] = []
        peer = line(a, "B")

        class Late:
            done = False

            def settle(self, value: object, error: BaseException | None = None, /) -> bool:
                self.done = True
                assert not ref.is_alive()
                answers.append(ref.ask(Question("too late"), block=False))
                peer.post(fold([Op.TELL, "b", None, 2, None, None], b"1"), (ref, entry))
                return True

        entry: Entry = (Note(1), None, 2, None, None, None)
        peer.asks[99] = Late()
        before = a.dead_letters.count
        stage.network.silence("B")
        await stage.forget(a, "b")
        (answer,) = answers
        with pytest.raises(CallboardError):
            await answer
        assert a.dead_letters.count == before + 1
        assert stage.open_with_others(a) == 0


@pytest.mark.check("M64")
async def test_broadcasts_are_bounded_and_none_is_lost_in_silence() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair(watchful=True)
        a.broadcast(Cry("heard"))
        await stage.until(lambda: not line(a, "B").link.open)
        stage.network.silence("B")
        for number in range(10_500):
            a.broadcast(Cry(str(number)))
        assert line(a, "B").link.open == 10_000
        assert a.dead_letters.by_reason["LinkFull"] == 500
        await stage.forget(a, "b")
        assert a.dead_letters.by_reason["NodeDown"] == 10_000
        assert stage.counted(b, "failed") == 0


class Blocking(ThreadWorker):
    """Tells, asks and gives jobs from its own thread."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    @on(Give)
    def give(self, message: Give) -> Any:
        ref = self.ref(message.to)
        for number in range(message.count):
            ref.tell(Note(number))
        done = self.wait(self.request(message.to, "echo", "from a thread"))
        return [ref.ask(Question("from a thread")), done]


@pytest.mark.check("M12", "M63")
@pytest.mark.realtime
async def test_threads_tell_ask_and_give_jobs_to_workers_elsewhere() -> None:
    async with Stage(LocalNetwork()) as stage:
        a = await stage.node("A", Child("t", partial(Blocking, stage.log)))
        await stage.node("B", "b")
        await stage.know(a, "b")
        assert await a.ask("t", Give("b", 500)) == ["from a thread", "from a thread"]
        assert stage.log.of("b", "note") == [*range(500)]
        ref = a.ref("b")
        assert ref is not None
        assert await asyncio.to_thread(ref.ask, Question("plain")) == "plain"
        with pytest.raises(RuntimeError, match="event loop"):
            await asyncio.to_thread(lambda: asyncio.run(ref.send(Note(1))))


@pytest.mark.check("M64")
@pytest.mark.realtime
async def test_threads_cannot_fill_a_way_beyond_its_bound() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, _ = await stage.pair()
        ref = a.ref("b")
        assert ref is not None
        refused: list[LinkFull] = []

        def flood() -> None:
            for number in range(15_000):
                try:
                    ref.tell(Note(number))
                except LinkFull as error:
                    refused.append(error)

        thread = threading.Thread(target=flood)
        thread.start()
        thread.join()  # the loop is blocked meanwhile
        assert len(refused) == 5000
        assert await stage.noted("b", "note", count=10_000) == [*range(10_000)]
        await a.ask("a", Watch())
