"""What could not be delivered is kept, bounded, with the reason and the time."""

from __future__ import annotations

import asyncio
import threading

import pytest

from callboard import Child, DataMessage, NoActor, Node, Stopped, Supervisor, Worker, on
from callboard.actors.testing import eventually


class Note(DataMessage):
    number: int


class Idle(Worker):
    @on(Note)
    def note(self, message: Note) -> None:
        pass


@pytest.mark.check("M22")
async def test_past_a_thousand_the_oldest_leave_and_the_count_goes_on() -> None:
    async with Node(Supervisor()) as node:
        for number in range(1005):
            node.tell("nobody", Note(number))
        letters = node.dead_letters
        assert len(letters) == 1000
        assert letters.count == 1005
        assert letters.by_reason == {"NoActor": 1005}
        kept = [letter.envelope.message for letter in letters.last()]
        assert kept == [Note(number) for number in range(5, 1005)]
        last = [letter.envelope.message for letter in letters.last(2)]
        assert last == [Note(1003), Note(1004)]


@pytest.mark.check("M22")
async def test_each_shows_envelope_reason_and_time() -> None:
    loop = asyncio.get_running_loop()
    async with Node(Supervisor([Child("b", Idle)])) as node:
        await asyncio.sleep(100)
        first = loop.time()
        node.tell("nobody", Note(1))
        await asyncio.sleep(100)
        node.admin().suspend("b")
        node.tell("b", Note(2))
        await node.admin().terminate_child("b")
        one, two = node.dead_letters.last()
        assert (one.envelope.message, one.envelope.target.name, one.at) == (
            Note(1),
            "nobody",
            first,
        )
        assert isinstance(one.reason, NoActor)
        assert (two.envelope.message, two.envelope.target.name, two.at) == (
            Note(2),
            "b",
            first + 100,
        )
        assert isinstance(two.reason, Stopped)
        assert "terminate_child" in str(two.reason), "it says why the worker ended"


@pytest.mark.check("M22")
async def test_what_is_stashed_at_the_end_is_no_silence() -> None:
    class Later(Worker):
        @on(Note)
        def later(self, message: Note) -> None:
            self.stash()

    async with Node(Supervisor([Child("b", Later)])) as node:
        asked = node.ask("b", Note(1))
        await asyncio.sleep(1)
        assert not asked.done
        await node.admin().terminate_child("b")
        with pytest.raises(NoActor):
            await asked
        assert [letter.envelope.message for letter in node.dead_letters.last()] == [Note(1)]


@pytest.mark.check("M22")
@pytest.mark.realtime
async def test_what_a_thread_sent_just_before_the_end_is_no_silence() -> None:
    async with Node(Supervisor([Child("b", Idle)])) as node:
        ref = node.ref("b")
        assert ref is not None
        node.admin().suspend("b")
        thread = threading.Thread(target=lambda: ref.tell(Note(1)))
        ending = asyncio.ensure_future(node.admin().terminate_child("b"))
        thread.start()
        thread.join()
        await ending
        await eventually(lambda: node.dead_letters.count)
        (letter,) = node.dead_letters.last()
        assert letter.envelope.message == Note(1)
