"""The bridge at the wrong moment: parting, hooks that raise, lives that come and go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from callboard import CallboardError, Child, Node, Supervisor, job
from callboard.actors.frames import (
    Bridge,
    Direction,
    Frame,
    PipelineWorker,
    Stage,
    TextFrame,
)
from callboard.actors.testing import eventually, settle
from tests.actors.frames.studio import Echo, Main, company, heard, texts, worker_of

DOWN = Direction.DOWN


class Sleeping(Echo):
    active = False


async def test_a_frame_comes_once_to_each_also_when_another_one_gives_it_back() -> None:
    go_on = asyncio.Event()

    async def wait(worker: Echo, frame: Frame, direction: Direction) -> None:
        await go_on.wait()

    workers = ("a", partial(Echo, wait)), ("b", Echo), ("c", Sleeping)
    async with company(*workers, ("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a", "b")
        for number in range(3):
            await main.queue_frame(TextFrame(str(number)))
        await settle()
        parting = asyncio.ensure_future(node.deactivate("a"))
        await node.activate("c")
        await heard(main, "a", "b", "c")
        go_on.set()
        await parting
        await main.queue_frame(TextFrame("3"))
        await settle()
        assert texts(worker_of(node, "a").taken) == ["0"]
        assert texts(worker_of(node, "b").taken) == ["0", "1", "2", "3"]
        assert sorted(texts(worker_of(node, "c").taken)) == ["1", "2", "3"]


async def test_what_was_taken_is_counted_for_each_bridge_of_an_owner() -> None:
    go_on = asyncio.Event()

    class Two(PipelineWorker):
        def build_pipeline(self) -> Sequence[Stage]:
            self.x, self.y = Bridge("x", exclusive=True), Bridge("y", exclusive=True)
            return self.x, self.y

    async def talk(worker: Echo, frame: Frame, direction: Direction) -> None:
        if frame == TextFrame("switch"):
            await go_on.wait()
            await worker.activate("b", deactivate_self=True)

    make = partial(Sleeping, talk)
    async with company(("a", make), ("b", make), ("main", Two)) as node:
        main = worker_of(node, "main")
        await node.activate("a")
        await eventually(lambda: main.x.heard == main.y.heard == ("a",))
        for _ in range(10):
            await main.y.end.send(TextFrame("y"), DOWN)
        await main.queue_frame(TextFrame("switch"))
        await settle()
        for number in range(3):
            await main.queue_frame(TextFrame(str(number)))
        go_on.set()
        for number in range(3, 20):
            await main.queue_frame(TextFrame(str(number)))
            await asyncio.sleep(0)
        await settle()
        assert texts(worker_of(node, "b").taken) == [str(number) for number in range(20)]


@pytest.mark.parametrize("mailbox", ["keep", "drop"])
async def test_a_hand_over_after_a_crash_waits_for_nothing(mailbox: Any) -> None:
    async def talk(worker: Echo, frame: Frame, direction: Direction) -> None:
        if frame == TextFrame("die"):
            raise RuntimeError("told to")
        if frame == TextFrame("switch"):
            await worker.activate("b", deactivate_self=True)

    make = partial(Sleeping, talk)
    first = Child("a", make, mailbox=mailbox)
    owner = Child("main", partial(Main, exclusive=True))
    async with Node(Supervisor([first, Child("b", make), owner])) as node:
        main = worker_of(node, "main")
        await node.activate("a")
        await heard(main, "a")
        for text in ("1", "die", "2", "3"):
            await main.queue_frame(TextFrame(text))
        await heard(main)
        await heard(main, "a")
        for text in ("switch", "4", "5"):
            await main.queue_frame(TextFrame(text))
        await eventually(lambda: texts(worker_of(node, "b").taken) == ["4", "5"])


class Parting(Sleeping):
    """Takes its time to part, outside of its mailbox."""

    refuses = False

    async def on_deactivated(self) -> None:
        await asyncio.sleep(1)
        await self.push_frame(TextFrame("bye"))
        if self.refuses:
            raise ValueError("I stay")

    @job("switch")
    async def switch(self, _request: Any) -> None:
        await self.activate("b", deactivate_self=True)


@pytest.mark.parametrize("exclusive", [True, False])
async def test_what_comes_while_a_worker_parts_follows_its_last_word(exclusive: bool) -> None:
    owner = partial(Main, exclusive=exclusive)
    async with company(("a", Parting), ("b", Sleeping), ("main", owner)) as node:
        main = worker_of(node, "main")
        await node.activate("a")
        await heard(main, "a")
        switched = asyncio.ensure_future(node.request("a", "switch"))
        await asyncio.sleep(0.5)
        before = main._place.handled
        for number in range(3):
            await main.queue_frame(TextFrame(str(number)))
        await asyncio.sleep(0.4)
        assert main._place.handled == before  # nothing goes back and forth meanwhile
        await switched
        await heard(main, "b")
        await main.queue_frame(TextFrame("3"))
        await settle()
        assert texts(main.after.frames) == ["bye", *(f"b: {number}" for number in range(4))]
        assert worker_of(node, "a").taken == []


async def test_who_does_not_part_after_all_takes_what_came_meanwhile() -> None:
    class Staying(Parting):
        refuses = True

    owner = partial(Main, exclusive=True)
    async with company(("a", Staying), ("b", Sleeping), ("main", owner)) as node:
        main = worker_of(node, "main")
        await node.activate("a")
        await heard(main, "a")
        switched = asyncio.ensure_future(node.request("a", "switch"))
        await asyncio.sleep(0.5)
        for number in range(3):
            await main.queue_frame(TextFrame(str(number)))
        with pytest.raises(CallboardError):
            await switched
        await settle()
        assert texts(worker_of(node, "a").taken) == ["0", "1", "2"]
        await node.activate("b")
        await main.queue_frame(TextFrame("3"))
        await eventually(lambda: texts(worker_of(node, "b").taken) == ["3"])


async def test_a_worker_that_is_made_inactive_by_an_assignment_leaves() -> None:
    async with company(("a", Echo), ("main", partial(Main, exclusive=True))) as node:
        main, a = worker_of(node, "main"), worker_of(node, "a")
        await heard(main, "a")
        a.active = False
        await main.queue_frame(TextFrame("hi"))
        await heard(main)
        await node.activate("a")
        await eventually(lambda: texts(a.taken) == ["hi"])


async def test_a_hook_that_is_late_for_a_hand_over_and_says_nothing_of_it_has_left() -> None:
    class Stubborn(Sleeping):
        async def on_activated(self, args: object) -> None:
            if self.name == "b":
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(1000)

    async def talk(worker: Echo, frame: Frame, direction: Direction) -> None:
        if frame == TextFrame("switch"):
            with contextlib.suppress(CallboardError):
                await worker.activate("b", deactivate_self=True)

    make = partial(Stubborn, talk)
    async with company(("a", make), ("b", make), ("main", partial(Main, exclusive=True))) as node:
        main = worker_of(node, "main")
        await node.activate("a")
        await heard(main, "a")
        await main.queue_frame(TextFrame("switch"))
        await asyncio.sleep(30)
        assert worker_of(node, "a").active and not worker_of(node, "b").active
        await heard(main, "a")
        await main.queue_frame(TextFrame("hi"))
        await eventually(lambda: worker_of(node, "a").taken[-1] == TextFrame("hi"))


async def test_who_deactivates_itself_as_it_is_activated_is_not_on_the_floor() -> None:
    class Unwilling(Sleeping):
        async def on_activated(self, args: object) -> None:
            if args == "no":
                await self.deactivate()

    async with company(("a", Unwilling), ("main", partial(Main, exclusive=True))) as node:
        main = worker_of(node, "main")
        await node.activate("a", "no")
        await settle()
        assert main.bridge.heard == ()
        await node.activate("a")
        await heard(main, "a")


async def test_of_owners_that_are_gone_nothing_is_left() -> None:
    async with company(("a", Echo)) as node:
        a = worker_of(node, "a")
        for number in range(20):
            name = f"main{number}"
            await node.admin().start_child(Child(name, Main))
            await heard(worker_of(node, name), "a")
            await node.admin().terminate_child(name)
            await node.admin().delete_child(name)
        await settle()
        assert len(a._membership._seats) == 1
        await a.push_frame(TextFrame("waits"))
        assert len(a._membership._seats) == 0 == node.dead_letters.count
        await node.admin().start_child(Child("main", Main))
        await eventually(lambda: texts(worker_of(node, "main").after.frames) == ["waits"])


async def test_a_worker_that_starts_often_is_watched_once() -> None:
    async def die(worker: Echo, frame: Frame, direction: Direction) -> None:
        raise RuntimeError("told to")

    async with company(("a", partial(Echo, die)), ("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        for life in range(2, 4):
            await main.queue_frame(TextFrame("die"))
            await eventually(partial(_lives, node, life))
            await heard(main, "a")
        assert len(main._watching) == 1


def _lives(node: Node, life: int) -> bool:
    worker = worker_of(node, "a")
    return worker is not None and worker.incarnation == life
