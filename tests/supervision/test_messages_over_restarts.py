"""What becomes of messages, asks and answers when their worker restarts, waits or ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    ActorRestarted,
    AskTimeout,
    Backoff,
    Child,
    LocalMessage,
    MessageTimeout,
    NoActor,
    Node,
    Restarts,
    Supervisor,
    Unavailable,
    Worker,
    on,
)
from callboard.actors.testing import eventually
from tests.supervision.company import PATIENT, Broken, cell_of, company, infos, settle
from tests.supervision.endings import seconds_of


class Item(LocalMessage):
    """Handle this; raise if it is bad, and take that long."""

    number: int
    bad: bool = False
    seconds: float = 0.0


class Unstash(LocalMessage):
    """Handle what was stashed."""


class Taker(Worker):
    """Notes what it handles, and in which life."""

    def __init__(self, taken: list[tuple[int, int]], stash: bool = False) -> None:
        super().__init__()
        self.taken = taken
        self.stashing = stash

    @on(Item)
    async def item(self, message: Item) -> int:
        if self.stashing:
            self.stash()
        self.taken.append((message.number, self.incarnation))
        if message.seconds:
            await asyncio.sleep(message.seconds)
        if message.bad:
            raise Broken(message.number)
        return message.number

    @on(Unstash)
    def handle_stashed(self, message: Unstash) -> None:
        self.stashing = False
        self.unstash()


def taker(taken: list[tuple[int, int]], **spec: Any) -> Child:
    return Child("taker", partial(Taker, taken), **spec)


def waiting_company(*children: Child) -> Node:
    """A company whose restarts take ten seconds."""
    policy = Restarts(intensity=None, backoff=Backoff(min=10, max=10, jitter=0))
    return Node(partial(Supervisor, children, restarts=policy))


@pytest.mark.check("S65")
async def test_a_kept_mailbox_reaches_the_next_life_in_order_without_what_failed() -> None:
    taken: list[tuple[int, int]] = []
    async with company(taker(taken, mailbox="keep")) as node:
        for message in (Item(1, bad=True), Item(2), Item(3)):
            node.tell("taker", message)
        await eventually(lambda: len(taken) == 3)
        await settle()
        assert taken == [(1, 1), (2, 2), (3, 2)]
        assert len(node.dead_letters) == 0


@pytest.mark.check("S65")
async def test_a_dropped_mailbox_goes_to_the_dead_letters_with_the_reason() -> None:
    taken: list[tuple[int, int]] = []
    async with company(taker(taken, mailbox="drop")) as node:
        for message in (Item(1, bad=True), Item(2), Item(3)):
            node.tell("taker", message)
        await eventually(lambda: cell_of(node, "taker").incarnation == 2)
        await settle()
        assert taken == [(1, 1)]
        letters = node.dead_letters.last()
        assert [letter.envelope.message for letter in letters] == [Item(2), Item(3)]
        assert [type(letter.reason) for letter in letters] == [ActorRestarted] * 2


@pytest.mark.check("S66")
async def test_an_ask_whose_handler_raises_gets_the_cause_at_once() -> None:
    async with waiting_company(taker([])) as node:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        with pytest.raises(ActorFailed) as failed:
            await node.ask("taker", Item(1, bad=True), timeout=60)
        assert isinstance(failed.value.__cause__, Broken)
        assert loop.time() == begin


@pytest.mark.check("S66")
async def test_queued_asks_of_a_dropped_mailbox_hear_of_the_restart_at_once() -> None:
    async with waiting_company(taker([], mailbox="drop")) as node:
        loop = asyncio.get_running_loop()
        node.tell("taker", Item(1, bad=True, seconds=1))
        asks = [node.ask("taker", Item(number), timeout=60) for number in (2, 3)]
        begin = loop.time()
        for ask in asks:
            with pytest.raises(ActorRestarted):
                await ask
        assert loop.time() - begin == pytest.approx(1)


@pytest.mark.check("S67")
async def test_an_ask_to_nobody_or_to_one_that_is_stopped_is_refused_at_once() -> None:
    async with company(taker([])) as node:
        ref = node.ref("taker")
        assert ref is not None
        await node.admin().terminate_child("taker")
        for ask in (
            node.ask("nobody", Item(1), timeout=60),
            node.ask("taker", Item(1), timeout=60),
            ref.ask(Item(1), block=False, timeout=60),
        ):
            with pytest.raises(NoActor):
                assert await seconds_of(ask) == 0


@pytest.mark.check("S67")
async def test_an_ask_to_one_that_waits_for_its_restart_waits_or_is_refused_by_option() -> None:
    async with waiting_company(taker([])) as node:
        node.tell("taker", Item(1, bad=True))
        await settle()
        assert (await infos(node))["taker"].state.value == "waiting"
        loop = asyncio.get_running_loop()
        begin = loop.time()
        with pytest.raises(Unavailable):
            await node.ask("taker", Item(2), wait=False)
        assert loop.time() == begin
        assert await node.ask("taker", Item(3), timeout=60) == 3
        assert 9 < loop.time() - begin <= 10


@pytest.mark.check("S68")
async def test_a_late_answer_is_counted_and_never_answers_a_later_ask() -> None:
    taken: list[tuple[int, int]] = []
    async with company(taker(taken)) as node:
        with pytest.raises(AskTimeout):
            await node.ask("taker", Item(1, seconds=5), timeout=1)
        later = node.ask("taker", Item(2), timeout=60)
        assert await later == 2
        assert taken == [(1, 1), (2, 1)]
        assert node.events.counts["late_answers"] == 1


@pytest.mark.check("S71")
@pytest.mark.parametrize("again", [1, 3])
async def test_a_message_that_always_raises_is_tried_so_often_and_then_a_dead_letter(
    again: int,
) -> None:
    taken: list[tuple[int, int]] = []
    # One restart is allowed: the tries of one message count once.
    policy = Restarts(intensity=1, period=3600, backoff=Backoff(min=0))
    tree = partial(Supervisor, [taker(taken, redeliver=again)], restarts=policy)
    async with Node(tree) as node:
        asked = node.ask("taker", Item(1, bad=True))
        node.tell("taker", Item(2))
        with pytest.raises(ActorFailed) as failed:
            await asked
        await eventually(lambda: taken[-1][0] == 2)
        assert taken == [*((1, life) for life in range(1, again + 2)), (2, again + 2)]
        (letter,) = node.dead_letters.last()
        assert letter.envelope.message == Item(1, bad=True)
        assert [type(cause) for cause in letter.causes] == [Broken] * (again + 1)
        assert len({id(cause) for cause in letter.causes}) == again + 1
        assert failed.value is letter.reason
        assert node.state == "running"


@pytest.mark.check("S71")
async def test_a_message_that_recovers_is_answered_by_its_second_try() -> None:
    raised: Iterator[bool] = iter([True, False])

    class Recovering(Worker):
        @on(Item)
        def item(self, message: Item) -> int:
            if next(raised):
                raise Broken("the first time")
            return message.number

    async with company(Child("a", Recovering, redeliver=1)) as node:
        assert await node.ask("a", Item(7)) == 7
        assert len(node.dead_letters) == 0


@pytest.mark.check("S72")
async def test_of_stashed_messages_only_the_one_that_fails_is_lost() -> None:
    taken: list[tuple[int, int]] = []
    lives: list[bool] = [True, False, False]
    factory = lambda: Taker(taken, stash=lives.pop(0))  # noqa: E731
    async with company(Child("taker", factory)) as node:
        for message in (Item(1), Item(2, bad=True), Item(3), Item(4), Unstash(), Item(5)):
            node.tell("taker", message)
        await eventually(lambda: len(taken) == 5)
        assert taken == [(1, 1), (2, 1), (3, 2), (4, 2), (5, 2)]
        assert len(node.dead_letters) == 0


@pytest.mark.check("S72")
async def test_what_is_still_stashed_when_its_worker_fails_is_not_lost() -> None:
    taken: list[tuple[int, int]] = []
    lives: list[bool] = [True, False]

    class Fragile(Taker):
        @on(Unstash)
        def handle_stashed(self, message: Unstash) -> None:
            raise Broken("before it could unstash")

    async with company(Child("taker", lambda: Fragile(taken, stash=lives.pop(0)))) as node:
        for message in (Item(1), Item(2), Unstash(), Item(3)):
            node.tell("taker", message)
        await eventually(lambda: len(taken) == 3)
        assert taken == [(1, 2), (2, 2), (3, 2)]


@pytest.mark.check("S73")
async def test_a_stop_and_a_suspension_act_after_at_most_the_message_in_progress() -> None:
    taken: list[tuple[int, int]] = []
    node = company(taker(taken, bound=20_000))
    await node.start()
    for number in range(10_000):
        node.tell("taker", Item(number, seconds=1))
    await eventually(lambda: taken)
    node.admin().suspend("taker")
    await asyncio.sleep(10)
    assert taken == [(0, 1)]
    node.admin().resume("taker")
    await eventually(lambda: len(taken) == 2)
    assert await seconds_of(node.stop()) <= 1
    assert taken == [(0, 1), (1, 1)]
    assert node.dead_letters.count == 9_998


@pytest.mark.check("S73")
async def test_a_stop_is_heard_between_two_messages_that_never_wait() -> None:
    taken: list[int] = []

    class Quick(Worker):
        @on(Item)
        def item(self, message: Item) -> None:
            taken.append(message.number)
            if message.number == 100:
                node.admin().suspend("quick")

    node = company(Child("quick", Quick, bound=20_000))
    await node.start()
    for number in range(10_000):
        node.tell("quick", Item(number))
    await settle()
    assert taken[-1] == 100
    await node.stop()
    assert taken[-1] == 100
    assert node.dead_letters.count == 10_000 - 101


@pytest.mark.check("S79")
async def test_a_handler_that_waits_too_long_is_cancelled_and_its_worker_restarted() -> None:
    taken: list[tuple[int, int]] = []
    async with company(taker(taken, message_timeout=2)) as node:
        stuck = node.ask("taker", Item(1, seconds=1e6))
        queued = node.ask("taker", Item(2))
        begin = asyncio.get_running_loop().time()
        with pytest.raises(ActorFailed) as failed:
            await stuck
        assert asyncio.get_running_loop().time() - begin == pytest.approx(2)
        assert isinstance(failed.value.__cause__, MessageTimeout)
        assert "Item" in str(failed.value.__cause__)
        assert await queued == 2
        assert taken == [(1, 1), (2, 2)]
        assert "MessageTimeout" in str((await infos(node))["taker"].reason)


@pytest.mark.check("S79")
async def test_the_time_of_a_handler_is_not_charged_for_a_loop_that_another_blocks() -> None:
    async with company(taker([], message_timeout=2)) as node:
        asked = node.ask("taker", Item(1, seconds=1.5))
        await settle()
        # What the watchdog's probe does when somebody has blocked the loop for three seconds.
        node.runtime.lag.total += 3
        asyncio.get_running_loop().advance(3)  # type: ignore[attr-defined]
        assert await asked == 1


async def test_every_ask_ends_also_of_a_handler_that_swallowed_its_time_limit() -> None:
    class Deaf(Worker):
        @on(Item)
        async def item(self, message: Item) -> None:
            for _ in range(3):
                try:
                    await asyncio.sleep(1e6)
                except asyncio.CancelledError:
                    continue

    async with company(Child("a", Deaf, message_timeout=1), restarts=PATIENT) as node:
        asked = node.ask("a", Item(1))
        begin = asyncio.get_running_loop().time()
        with pytest.raises(ActorFailed) as failed:
            await asked
        assert isinstance(failed.value.__cause__, MessageTimeout)
        assert asyncio.get_running_loop().time() - begin < 3
        await eventually(lambda: cell_of(node, "a").incarnation == 2)
        assert node.events.counts["abandoned"] == 0
