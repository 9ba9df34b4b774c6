"""Time that has run out: nobody waits any longer, and nothing is done for nobody."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

import pykka
import pytest

from callboard import AskTimeout, Child, DataMessage, Expired, Node, Supervisor, Worker, on
from callboard.actors.testing import eventually


class Note(DataMessage):
    text: str


class Slow(Worker):
    def __init__(self, seen: list[str]) -> None:
        self.seen = seen

    @on(Note)
    async def note(self, message: Note) -> str:
        self.seen.append(message.text)
        await asyncio.sleep(10)
        return message.text


def node_of(seen: list[str]) -> Node:
    return Node(Supervisor([Child("b", partial(Slow, seen))]))


@pytest.mark.check("M23")
async def test_what_is_past_its_deadline_before_its_handler_begins_is_not_handled() -> None:
    """That a deadline crosses to another node as time left belongs to a later issue."""
    seen: list[str] = []
    async with node_of(seen) as node:
        node.tell("b", Note("first"))
        late = node.ask("b", Note("late"), timeout=5)
        in_time = node.ask("b", Note("in time"), timeout=25)
        with pytest.raises(AskTimeout, match=r"'b' did not answer Note within 5 s"):
            await late
        assert await in_time == "in time"
        assert seen == ["first", "in time"]
        (letter,) = node.dead_letters.last()
        assert letter.envelope.message == Note("late")
        assert isinstance(letter.reason, Expired)
        assert "passed its deadline" in str(letter.reason)
        assert node.events.counts["late_answers"] == 0, "it was no answer at all"


@pytest.mark.check("M23")
async def test_a_deadline_is_the_latest_moment_not_to_begin() -> None:
    seen: list[str] = []
    async with node_of(seen) as node:
        loop = asyncio.get_running_loop()
        node.admin().suspend("b")
        asked = node.ask("b", Note("on the dot"), timeout=5)
        loop.call_later(5, node.admin().resume, "b")
        with pytest.raises(AskTimeout):
            await asked
        await asyncio.sleep(1)
        assert seen == []


@pytest.mark.check("M23")
async def test_a_handler_that_has_begun_ends_and_its_late_answer_is_counted() -> None:
    seen: list[str] = []
    async with node_of(seen) as node:
        asked = node.ask("b", Note("begun"), timeout=5)
        with pytest.raises(AskTimeout) as failure:
            await asked
        assert isinstance(failure.value, TimeoutError)
        assert isinstance(failure.value, pykka.Timeout)
        await asyncio.sleep(100)
        assert node.events.counts["late_answers"] == 1
        assert node.dead_letters.count == 0
        with pytest.raises(AskTimeout):
            await asked  # the first outcome is final


@pytest.mark.check("M23")
async def test_a_message_without_a_deadline_waits_as_long_as_it_takes() -> None:
    seen: list[str] = []
    async with node_of(seen) as node:
        node.admin().suspend("b")
        asked = node.ask("b", Note("patient"))
        await asyncio.sleep(1_000_000)
        node.admin().resume("b")
        assert await asked == "patient"


@pytest.mark.check("M23")
async def test_an_answer_in_time_leaves_no_timer() -> None:
    class Quick(Worker):
        @on(Note)
        def note(self, message: Note) -> str:
            return message.text

    async with Node(Supervisor([Child("b", Quick)])) as node:
        loop: Any = asyncio.get_running_loop()
        before = [timer for timer in loop._scheduled if not timer.cancelled()]
        assert await node.ask("b", Note("quick"), timeout=3600) == "quick"
        assert [timer for timer in loop._scheduled if not timer.cancelled()] == before


@pytest.mark.check("M23")
@pytest.mark.realtime
async def test_a_thread_that_asks_has_the_same_deadline() -> None:
    seen: list[str] = []
    errors: list[Exception] = []
    async with node_of(seen) as node:
        ref = node.ref("b")
        assert ref is not None
        node.admin().suspend("b")

        def ask() -> None:
            try:
                ref.ask(Note("from a thread"), timeout=0.05)
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        await eventually(lambda: not thread.is_alive())
        assert [type(error) for error in errors] == [AskTimeout]
        node.admin().resume("b")
        await eventually(lambda: node.dead_letters.count)
        assert isinstance(node.dead_letters.last()[0].reason, Expired)
    assert seen == []
