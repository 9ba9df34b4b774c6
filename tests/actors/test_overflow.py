"""A full mailbox: whom it tells, what it drops, and what it never refuses."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

import pytest

from callboard import (
    Child,
    DataMessage,
    Dropped,
    Lane,
    MailboxFull,
    NoActor,
    Node,
    Overflow,
    Supervisor,
    SystemMessage,
    Worker,
    on,
)
from callboard.actors.testing import eventually


class Note(DataMessage):
    number: int


class Urgent(SystemMessage):
    number: int


class Counting(Worker):
    def __init__(self, seen: list[int]) -> None:
        self.seen = seen

    @on(Note, Urgent)
    def count(self, message: Note | Urgent) -> int:
        self.seen.append(message.number)
        return message.number


def node_of(seen: list[int], overflow: Overflow = "reject", **options: Any) -> Node:
    child = Child("b", partial(Counting, seen), overflow=overflow, **options)
    return Node(Supervisor([child]))


def fill(node: Node, count: int = 3) -> None:
    """Have messages 1 to `count` wait at b, which does not read."""
    node.admin().suspend("b")
    for number in range(1, count + 1):
        node.tell("b", Note(number))


async def empty(node: Node) -> None:
    node.admin().resume("b")
    await asyncio.sleep(1)


@pytest.mark.check("M8")
async def test_ten_thousand_data_messages_are_taken_and_no_more() -> None:
    seen: list[int] = []
    async with node_of(seen) as node:
        fill(node, 10_000)
        with pytest.raises(MailboxFull):
            node.tell("b", Note(10_001))
        await empty(node)
    assert seen == list(range(1, 10_001))


@pytest.mark.check("M8")
async def test_a_full_mailbox_refuses_and_names_worker_and_bound() -> None:
    seen: list[int] = []
    async with node_of(seen, bound=3) as node:
        fill(node)
        with pytest.raises(MailboxFull, match=r"'b'.* 3 ") as told:
            node.tell("b", Note(4))
        assert (told.value.worker, told.value.bound) == ("b", 3)
        asked = node.ask("b", Note(4))
        assert asked.done, "who asks is told at once"
        with pytest.raises(MailboxFull):
            await asked
        with pytest.raises(MailboxFull):
            await node.send("b", Note(4))
        with pytest.raises(MailboxFull):
            node.tell("b", Note(4), lane=Lane.HIGH)
        await empty(node)
        assert seen == [1, 2, 3]
        assert await node.ask("b", Note(5)) == 5, "there is room again"
        assert node.dead_letters.count == 0, "the sender knows: it is nobody's loss"


@pytest.mark.check("M8")
@pytest.mark.parametrize("overflow", ["reject", "wait", "drop_oldest", "drop_newest"])
async def test_control_is_never_refused_nor_dropped(overflow: Overflow) -> None:
    seen: list[int] = []
    async with node_of(seen, overflow, bound=3, restart="temporary") as node:
        fill(node)
        node.tell("b", Urgent(0))
        await node.send("b", Urgent(-1))
        ref = node.ref("b")
        assert ref is not None
        stopped = ref.stop()
        if overflow.startswith("drop"):
            node.tell("b", Note(4))
        await empty(node)
        assert await stopped is True
        kept = [2, 3, 4] if overflow == "drop_oldest" else [1, 2, 3]
        # What came after the stop is not handled any more.
        assert seen == [0, -1, *(number for number in kept if number < 4)]
        assert not ref.is_alive()


@pytest.mark.check("M8")
async def test_a_stop_that_is_the_oldest_is_not_what_is_dropped() -> None:
    seen: list[int] = []
    async with node_of(seen, "drop_oldest", bound=2, restart="temporary") as node:
        fill(node, 2)
        ref = node.ref("b")
        assert ref is not None
        stopped = ref.stop()
        for number in range(3, 8):
            node.tell("b", Note(number))
        await empty(node)
        assert await stopped is True
        dropped: list[Any] = [letter.envelope.message for letter in node.dead_letters.last(7)]
        assert [message.number for message in dropped] == [1, 2, 3, 4, 5, 6, 7]
    assert seen == []


@pytest.mark.check("M8")
async def test_a_full_mailbox_does_not_hinder_its_workers_supervisor() -> None:
    seen: list[int] = []
    async with node_of(seen, bound=3) as node:
        fill(node)
        await node.admin().terminate_child("b")
        assert node.dead_letters.count == 3


@pytest.mark.check("M8")
@pytest.mark.realtime
@pytest.mark.parametrize("overflow", ["reject", "wait"])
async def test_what_threads_send_counts_before_the_loop_has_taken_it(overflow: Overflow) -> None:
    seen: list[int] = []
    refused: list[MailboxFull] = []
    stopped: list[Any] = []

    async with node_of(seen, overflow, bound=3) as node:
        ref = node.ref("b")
        assert ref is not None

        def send() -> None:
            for number in range(1, 6):
                try:
                    ref.tell(Note(number))
                except MailboxFull as error:
                    refused.append(error)
            ref.tell(Urgent(0))
            stopped.append(ref.stop(block=False))

        thread = threading.Thread(target=send)
        thread.start()
        thread.join()  # the loop stands still meanwhile
        assert len(refused) == 2
        await eventually(lambda: len(seen) == 4)
        assert await stopped[0] is True
    assert sorted(seen) == [0, 1, 2, 3]


@pytest.mark.check("M9")
@pytest.mark.parametrize(
    ("overflow", "kept", "dropped"),
    [("drop_oldest", [2, 3, 4], 1), ("drop_newest", [1, 2, 3], 4)],
)
async def test_what_is_dropped_is_a_dead_letter(
    overflow: Overflow, kept: list[int], dropped: int
) -> None:
    seen: list[int] = []
    async with node_of(seen, overflow, bound=3) as node:
        fill(node)
        node.tell("b", Note(4))
        letters = node.dead_letters.last()
        assert [letter.envelope.message for letter in letters] == [Note(dropped)]
        assert isinstance(letters[0].reason, Dropped)
        assert "b" in str(letters[0].reason) and overflow in str(letters[0].reason)
        await empty(node)
    assert seen == kept


@pytest.mark.check("M9")
@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
async def test_an_asker_whose_message_is_dropped_hears_at_once(overflow: Overflow) -> None:
    async with node_of([], overflow, bound=1) as node:
        node.admin().suspend("b")
        first = node.ask("b", Note(1))
        second = node.ask("b", Note(2))
        lost, kept = (first, second) if overflow == "drop_oldest" else (second, first)
        assert lost.done
        with pytest.raises(Dropped):
            await lost
        await empty(node)
        assert await kept in (1, 2)


@pytest.mark.check("M9")
async def test_a_message_never_pushes_out_one_of_a_higher_lane() -> None:
    seen: list[int] = []
    async with node_of(seen, "drop_oldest", bound=3) as node:
        node.admin().suspend("b")
        for number, lane in enumerate((Lane.HIGH, Lane.NORMAL, Lane.LOW), 1):
            node.tell("b", Note(number), lane=lane)
        node.tell("b", Note(4), lane=Lane.LOW)
        node.tell("b", Note(5), lane=Lane.HIGH)
        node.tell("b", Note(6), lane=Lane.HIGH)
        node.tell("b", Note(7), lane=Lane.LOW)  # the lowest one waiting is higher: it is dropped
        dropped: list[Any] = [letter.envelope.message for letter in node.dead_letters.last()]
        assert [message.number for message in dropped] == [3, 4, 2, 7]
        await empty(node)
    assert seen == [1, 5, 6]


@pytest.mark.check("M10")
async def test_an_awaited_send_waits_for_room_and_keeps_its_place() -> None:
    seen: list[int] = []
    async with node_of(seen, "wait", bound=3) as node:
        fill(node)
        sending = [asyncio.ensure_future(node.send("b", Note(number))) for number in (4, 5)]
        await asyncio.sleep(10)
        assert not any(each.done() for each in sending)
        with pytest.raises(MailboxFull):
            node.tell("b", Note(99))
        assert await raises_full(node)
        await empty(node)
        assert all(each.done() for each in sending)
        node.tell("b", Note(6))
        await asyncio.sleep(1)
    assert seen == [1, 2, 3, 4, 5, 6]


async def raises_full(node: Node) -> bool:
    try:
        await node.ask("b", Note(99))
    except MailboxFull:
        return True
    return False


@pytest.mark.check("M10")
async def test_a_send_that_is_given_up_leaves_nothing_behind() -> None:
    seen: list[int] = []
    async with node_of(seen, "wait", bound=1) as node:
        fill(node, 1)
        given_up = asyncio.ensure_future(node.send("b", Note(2)))
        waiting = asyncio.ensure_future(node.send("b", Note(3)))
        await asyncio.sleep(1)
        given_up.cancel()
        await empty(node)
        assert waiting.done()
    assert seen == [1, 3]


@pytest.mark.check("M10")
async def test_a_sender_that_waits_hears_of_the_end_of_the_worker() -> None:
    async with node_of([], "wait", bound=1, restart="temporary") as node:
        fill(node, 1)
        waiting = asyncio.ensure_future(node.send("b", Note(2)))
        await asyncio.sleep(1)
        await node.admin().terminate_child("b")
        with pytest.raises(NoActor):
            await waiting
