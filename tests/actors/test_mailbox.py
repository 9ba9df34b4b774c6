"""What a mailbox is for: the very object, by lane, in order, also before the start."""

from __future__ import annotations

import asyncio
import weakref
from functools import partial
from typing import Any

import pytest

from callboard import Child, DataMessage, Lane, Node, Supervisor, SystemMessage, Worker, on


class Note(DataMessage):
    text: str


class Urgent(SystemMessage):
    text: str


class Listener(Worker):
    """Keeps what it gets; with a gate it does not start before that is open."""

    def __init__(self, seen: list[object], gate: asyncio.Event | None = None) -> None:
        self.seen = seen
        self.gate = gate

    async def on_start(self) -> None:
        if self.gate is not None:
            await self.gate.wait()

    @on(object)
    def keep(self, message: object) -> None:
        self.seen.append(message)


class Teller(Worker):
    @on(Note)
    def pass_on(self, message: Note) -> None:
        self.tell("b", message)


async def handled_in_order(*sent: tuple[object, Lane | None]) -> list[object]:
    """Send everything while b starts; return what it gets, in its order."""
    seen: list[object] = []
    gate = asyncio.Event()
    async with Node(Supervisor()) as node:
        starting = asyncio.ensure_future(
            node.admin().start_child(Child("b", partial(Listener, seen, gate)))
        )
        await asyncio.sleep(1)
        for message, lane in sent:
            node.tell("b", message, lane=lane)
        await asyncio.sleep(1)
        assert not seen, "nothing is handled before on_start has ended"
        gate.set()
        await starting
        await asyncio.sleep(1)
    return seen


@pytest.mark.check("M1")
async def test_a_message_is_handled_once_and_is_the_very_object_that_was_sent() -> None:
    seen: list[object] = []
    async with Node(Supervisor([Child("a", Teller), Child("b", partial(Listener, seen))])) as node:
        note = Note("hello")
        node.tell("a", note)
        await asyncio.sleep(1)
    assert len(seen) == 1
    assert seen[0] is note


@pytest.mark.check("M1")
async def test_any_object_is_a_message_and_arrives_itself() -> None:
    seen: list[object] = []
    mutable = {"no": "copy"}
    async with Node(Supervisor([Child("b", partial(Listener, seen))])) as node:
        for each in (mutable, 7, None, "text"):
            node.tell("b", each)
        await asyncio.sleep(1)
    assert seen == [mutable, 7, None, "text"]
    assert seen[0] is mutable


@pytest.mark.check("M2")
async def test_system_messages_go_first_and_each_lane_keeps_its_order() -> None:
    sent = [Note("n1"), Note("n2"), Urgent("s1"), Note("n3"), Urgent("s2")]
    seen = await handled_in_order(*((message, None) for message in sent))
    assert seen == [Urgent("s1"), Urgent("s2"), Note("n1"), Note("n2"), Note("n3")]


@pytest.mark.check("M2")
async def test_four_lanes_are_emptied_from_system_to_low() -> None:
    sent: list[tuple[object, Lane | None]] = []
    for number in (1, 2):
        sent += [
            (Note(f"low {number}"), Lane.LOW),
            (Note(f"normal {number}"), None),
            (Note(f"high {number}"), Lane.HIGH),
            (Urgent(f"system {number}"), None),
        ]
    handled: list[Any] = await handled_in_order(*sent)
    seen = [message.text for message in handled]
    lanes = ("system", "high", "normal", "low")
    assert seen == [f"{lane} {number}" for lane in lanes for number in (1, 2)]


@pytest.mark.check("M2")
async def test_a_higher_lane_overtakes_between_any_two_messages() -> None:
    """A high message that comes while low ones are handled is the very next."""
    seen: list[str] = []

    class Relay(Worker):
        @on(Note)
        def keep(self, message: Note) -> None:
            seen.append(message.text)
            if message.text == "first":
                self.actor_ref.tell(Note("overtakes"), lane=Lane.HIGH)

    async with Node(Supervisor([Child("b", Relay)])) as node:
        for text in ("first", "second", "third"):
            node.tell("b", Note(text))
        await asyncio.sleep(1)
    assert seen == ["first", "overtakes", "second", "third"]


async def test_an_idle_worker_keeps_no_message_alive() -> None:
    async with Node(Supervisor([Child("b", Quiet), Child("c", Pausing)])) as node:
        for name in ("b", "c"):
            note = Note("big")
            gone = weakref.ref(note)
            node.tell(name, note)
            del note
            await asyncio.sleep(1)
            assert gone() is None


class Quiet(Worker):
    @on(Note)
    def ignore(self, message: Note) -> None:
        pass


class Pausing(Worker):
    @on(Note)
    async def pause(self, message: Note) -> None:
        await asyncio.sleep(0.1)
