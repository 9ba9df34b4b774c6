"""The bridge and full mailboxes, at either end and of each policy: nobody waits for ever."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from callboard import Child, DataMessage, Node, Supervisor, on
from callboard.actors.frames import Direction, Frame, InterruptionFrame, TextFrame
from callboard.actors.mailbox import Overflow
from callboard.actors.testing import eventually, settle
from tests.actors.frames.studio import Echo, Main, heard, lost, texts, worker_of

POLICIES: tuple[Overflow, ...] = ("wait", "reject", "drop_oldest", "drop_newest")


class Sleeping(Echo):
    active = False


@pytest.mark.parametrize("overflow", POLICIES)
async def test_a_hand_over_goes_through_whatever_a_full_mailbox_has_dropped(
    overflow: Overflow,
) -> None:
    go_on = asyncio.Event()

    async def talk(worker: Echo, frame: Frame, direction: Direction) -> None:
        if frame == TextFrame("switch"):
            await go_on.wait()
            await worker.activate("b", deactivate_self=True)

    make = partial(Sleeping, talk)
    small = Child("a", make, bound=2, overflow=overflow)
    owner = Child("main", partial(Main, exclusive=True))
    async with Node(Supervisor([small, Child("b", make), owner])) as node:
        main = worker_of(node, "main")
        await node.activate("a")
        await main.queue_frame(TextFrame("switch"))
        await settle()

        async def ask() -> None:
            for number in range(5):
                await main.queue_frame(TextFrame(str(number)))

        asked = asyncio.ensure_future(ask())
        await settle()
        go_on.set()
        await asked
        await heard(main, "b")
        await main.queue_frame(TextFrame("last"))
        b = worker_of(node, "b")
        await eventually(lambda: TextFrame("last") in b.taken)
        assert len(b.taken) + node.dead_letters.count == 6
        assert (
            texts(b.taken)[:-1]
            == {
                "wait": ["0", "1", "2", "3", "4"],
                "reject": ["0", "1"],
                "drop_oldest": ["3", "4"],
                "drop_newest": ["0", "1"],
            }[overflow]
        )


@pytest.mark.parametrize("overflow", POLICIES)
async def test_who_joins_an_owner_with_a_full_mailbox_is_on_its_bridge(overflow: Overflow) -> None:
    workers = [Child(f"a{number}", Echo) for number in range(10)]
    owner = Child("main", Main, bound=1, overflow=overflow)
    async with Node(Supervisor([*workers, owner])) as node:
        main = worker_of(node, "main")
        await heard(main, *(f"a{number}" for number in range(10)))
        for number in range(10):
            await node.deactivate(f"a{number}")
        await heard(main)
        assert node.dead_letters.count == 0


async def test_a_worker_that_dies_is_off_the_floor_of_an_owner_with_a_full_mailbox() -> None:
    go_on = asyncio.Event()

    class Busy(Main):
        @on(str)
        async def wait(self, _message: str) -> None:
            await go_on.wait()

    owner = Child("main", Busy, bound=1)
    async with Node(Supervisor([Child("a", Echo), owner])) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        node.tell("main", "wait")
        await settle()
        node.tell("main", "one more")
        await node.admin().terminate_child("a")
        go_on.set()
        await heard(main)


class Say(DataMessage):
    text: str


class Asked(Main):
    @on(Say)
    async def say(self, message: Say) -> None:
        await self.queue_frame(TextFrame(message.text))


async def test_two_full_mailboxes_do_not_wait_for_each_other() -> None:
    async def talk(worker: Echo, frame: Frame, direction: Direction) -> None:
        assert isinstance(frame, TextFrame)
        for number in range(5):
            await worker.push_frame(TextFrame(f"{frame.text} {number}"))

    talker = Child("a", partial(Echo, talk), bound=1, overflow="wait")
    async with Node(Supervisor([talker, Child("main", Asked, bound=1, overflow="wait")])) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        async with asyncio.timeout(100):
            for number in range(10):
                await main.actor_ref.send(Say(str(number)))
        await eventually(lambda: len(main.after.frames) == 50)
        said = [f"{asked} {number}" for asked in range(10) for number in range(5)]
        assert texts(main.after.frames) == said
        assert node.dead_letters.count == lost(node) == 0


@pytest.mark.parametrize("exclusive", [True, False])
async def test_a_worker_whose_mailbox_drops_an_interruption_is_heard_again(
    exclusive: bool,
) -> None:
    go_on = asyncio.Event()

    async def talk(worker: Echo, frame: Frame, direction: Direction) -> None:
        if frame == TextFrame("wait"):
            await go_on.wait()
        await worker.push_frame(frame)

    small = Child("a", partial(Echo, talk), bound=1, overflow="drop_newest")
    owner = Child("main", partial(Main, exclusive=exclusive))
    async with Node(Supervisor([small, owner])) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await main.queue_frame(TextFrame("wait"))
        await settle()
        await main.queue_frame(TextFrame("one"))
        await main.queue_frame(InterruptionFrame())
        go_on.set()
        await settle()
        await main.queue_frame(TextFrame("two"))
        await eventually(lambda: texts(main.after.frames) == ["two"])
        assert InterruptionFrame() not in worker_of(node, "a").taken
