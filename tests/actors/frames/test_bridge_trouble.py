"""The bridge in trouble: nobody there, crashes, full mailboxes, interruptions, two active."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from callboard import ActorFailed, Child, MailboxFull, Node, StartFailed, Supervisor
from callboard.actors.frames import (
    Bridge,
    Direction,
    Frame,
    FrameMessage,
    InterruptionFrame,
    Stage,
    TextFrame,
)
from callboard.actors.testing import eventually
from tests.actors.frames.studio import Echo, Main, Seen, company, heard, lost, texts, worker_of

DOWN, UP = Direction.DOWN, Direction.UP


class Sleeping(Echo):
    active = False


async def test_frames_wait_for_somebody_to_take_them() -> None:
    async with company(("a", Sleeping), ("main", Main)) as node:
        main = worker_of(node, "main")
        await main.queue_frame(TextFrame("early"))
        await main.queue_frame(TextFrame("too early"))
        assert worker_of(node, "a").taken == []
        await node.activate("a")
        await eventually(lambda: len(main.after.frames) == 2)
        assert texts(main.after.frames) == ["a: early", "a: too early"]


async def test_more_frames_than_the_bound_wait_for_nobody() -> None:
    async with company(("a", Sleeping), ("main", partial(Main, held=2))) as node:
        main = worker_of(node, "main")
        for number in range(5):
            await main.queue_frame(TextFrame(str(number)))
        assert lost(node) == 3 and main.bridge.lost == 3
        await node.activate("a")
        await eventually(lambda: texts(main.after.frames) == ["a: 3", "a: 4"])


async def test_what_a_worker_says_before_it_is_offered_a_bridge_is_said_then() -> None:
    class Greeting(Echo):
        async def on_activated(self, args: object) -> None:
            await self.push_frame(TextFrame("hello"))

    async with company(("a", Greeting), ("main", Main)) as node:
        main = worker_of(node, "main")
        await eventually(lambda: texts(main.after.frames) == ["hello"])


async def test_a_worker_that_crashes_is_on_the_bridge_again_and_misses_nothing() -> None:
    async def talk(worker: Echo, frame: Frame, direction: Direction) -> None:
        if frame == TextFrame("die"):
            raise RuntimeError("told to")
        assert isinstance(frame, TextFrame)
        await worker.push_frame(TextFrame(f"{worker.incarnation}: {frame.text}"))

    make = partial(Main, exclusive=True)
    async with company(("a", partial(Echo, talk)), ("main", make)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        for text in ("one", "die", "two", "three"):
            await main.queue_frame(TextFrame(text))
        await eventually(lambda: len(main.after.frames) == 3)
        assert texts(main.after.frames) == ["1: one", "2: two", "2: three"]


class Fragile(Seen):
    async def process(self, frame: Frame, direction: Direction) -> None:
        if frame == TextFrame("die"):
            raise RuntimeError("told to")
        await super().process(frame, direction)


class FragileMain(Main):
    def __init__(self) -> None:
        super().__init__()
        self.before = Fragile()


async def test_an_owner_that_crashes_offers_its_bridge_anew() -> None:
    async with company(("a", Echo), ("main", FragileMain)) as node:
        first = worker_of(node, "main")
        await heard(first, "a")
        with pytest.raises(ActorFailed, match="told to"):
            await first.queue_frame(TextFrame("die"))
        await eventually(lambda: worker_of(node, "main") not in (None, first))
        main = worker_of(node, "main")
        await eventually(lambda: main._pipeline is not None)
        await heard(main, "a")
        await main.queue_frame(TextFrame("again"))
        await eventually(lambda: texts(main.after.frames) == ["a: again"])


async def test_an_owner_that_starts_again_after_a_hand_over_hears_the_new_one() -> None:
    async def talk(worker: Echo, frame: Frame, direction: Direction) -> None:
        assert isinstance(frame, TextFrame)
        await worker.push_frame(TextFrame(f"{worker.name}: {frame.text}"))
        if frame.text == "switch":
            await worker.activate("b", deactivate_self=True)

    class Exclusive(FragileMain):
        def build_pipeline(self) -> Sequence[Stage]:
            self._settings = {"exclusive": True}
            return super().build_pipeline()

    make = partial(_sleeping, talk)
    async with company(("a", make), ("b", make), ("main", Exclusive)) as node:
        first = worker_of(node, "main")
        await node.activate("a")
        await first.queue_frame(TextFrame("switch"))
        await heard(first, "b")
        with pytest.raises(ActorFailed, match="told to"):
            await first.queue_frame(TextFrame("die"))
        await eventually(lambda: worker_of(node, "main") not in (None, first))
        main = worker_of(node, "main")
        await eventually(lambda: main._pipeline is not None)
        await heard(main, "b")
        await main.queue_frame(TextFrame("again"))
        await eventually(lambda: texts(main.after.frames) == ["b: again"])


def _sleeping(talk: Any) -> Echo:
    worker = Echo(talk)
    worker.active = False
    return worker


async def test_a_worker_that_is_gone_for_good_leaves_the_floor_after_its_last_word() -> None:
    make = partial(Main, exclusive=True)
    async with company(("a", Echo), ("b", Sleeping), ("main", make)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await main.queue_frame(TextFrame("one"))
        await node.admin().terminate_child("a")
        await heard(main)
        assert texts(main.after.frames) == ["a: one"]
        await node.activate("b")
        await heard(main, "b")
        assert main.floor == ["a", None, "b"]


async def test_who_is_activated_beside_another_takes_an_exclusive_floor() -> None:
    make = partial(Main, exclusive=True)
    async with company(("a", Sleeping), ("b", Sleeping), ("main", make)) as node:
        main, a = worker_of(node, "main"), worker_of(node, "a")
        await node.activate("a")
        await heard(main, "a")
        await node.activate("b")
        await heard(main, "b")
        await eventually(lambda: not a.active)
        await main.queue_frame(TextFrame("hi"))
        await eventually(lambda: texts(main.after.frames) == ["b: hi"])


@pytest.mark.check("M137")
async def test_what_an_interrupted_worker_said_before_it_noticed_is_not_heard() -> None:
    async def talk(worker: Echo, frame: Frame, direction: Direction) -> None:
        if isinstance(frame, TextFrame):
            for number in range(3):
                await worker.push_frame(TextFrame(f"{frame.text} {number}"))

    async with company(("a", partial(Echo, talk)), ("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await main.queue_frame(TextFrame("old"))
        await main.queue_frame(InterruptionFrame())  # before the worker has handled either
        assert main.after.frames == [InterruptionFrame()]  # who speaks its words stops at once
        await main.queue_frame(TextFrame("new"))
        await eventually(lambda: len(main.after.frames) == 4)
        assert texts(main.after.frames) == ["new 0", "new 1", "new 2"]


async def test_two_bridges_of_one_name_are_refused() -> None:
    with pytest.raises(StartFailed, match="two bridges are called 'voice'"):
        async with company(("main", partial(Main, Bridge("voice"), Bridge("voice")))):
            pass


async def test_what_cannot_be_sent_is_a_dead_letter() -> None:
    go_on = asyncio.Event()

    async def wait(worker: Echo, frame: Frame, direction: Direction) -> None:
        await go_on.wait()

    slow = Child("a", partial(Echo, wait), bound=1)
    async with Node(Supervisor([slow, Child("main", Main)])) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        for number in range(3):
            await main.queue_frame(TextFrame(str(number)))
            await asyncio.sleep(0)
        (letter,) = node.dead_letters.last()
        message = letter.envelope.message
        assert isinstance(message, FrameMessage) and message.frame == TextFrame("2")
        assert isinstance(letter.reason, MailboxFull)
        go_on.set()
        await eventually(lambda: len(worker_of(node, "a").taken) == 2)
