"""Handing over: one step, with never two active, and the old one active again if it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    AskTimeout,
    CallboardError,
    Child,
    NoActor,
    Node,
    SystemMessage,
    on,
)
from callboard.actors.testing import eventually
from tests.actors.jobs.crew import Boom, Do, Player, node_of, now

log: list[tuple[Any, ...]] = []
active: set[str] = set()
most: list[int] = []


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    for each in (log, active, most):
        each.clear()
    yield
    assert max(most, default=0) <= 1, f"more than one was active: {log}"


class Talker(Player):
    """Knows, as all talkers together do, who is active at each moment."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "active":
            (active.add if value else active.discard)(self.name)
            most.append(len(active))

    async def on_activated(self, args: Any) -> None:
        log.append((self.name, "activation begins", args))
        await asyncio.sleep(0.5)
        log.append((self.name, "activated", args))

    async def on_deactivated(self) -> None:
        log.append((self.name, "deactivation begins"))
        await asyncio.sleep(0.5)
        log.append((self.name, "deactivated"))


class Waiting(Talker):
    active = False


class Broken(Waiting):
    async def on_activated(self, args: Any) -> None:
        raise Boom("cannot")


class Sluggish(Waiting):
    """Is longer in its activation than who hands over waits."""

    async def on_activated(self, args: Any) -> None:
        log.append((self.name, "activation begins", args))
        try:
            await asyncio.sleep(100)
        finally:
            log.append((self.name, "gave up"))


class Deaf(Waiting):
    """Goes on with its activation, whatever is done to it."""

    async def on_activated(self, args: Any) -> None:
        for _ in range(3):
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                log.append((self.name, "does not listen"))


def hand_over(name: str, args: Any = None) -> Do:
    return Do(lambda a: a.activate(name, args, deactivate_self=True))


async def state(worker: Player) -> tuple[bool, Any]:
    return worker.active, worker.activation_args


def events(name: str) -> list[str]:
    return [entry[1] for entry in log if entry[0] == name]


@pytest.mark.check("M40")
async def test_the_old_one_is_inactive_before_the_new_one_begins() -> None:
    async with node_of(Child("a", Talker), Child("b", Waiting)) as node:
        log.clear()
        await node.ask("a", hand_over("b", "args"))
        assert log == [
            ("a", "deactivation begins"),
            ("a", "deactivated"),
            ("b", "activation begins", "args"),
            ("b", "activated", "args"),
        ]
        assert await node.ask("a", Do(state)) == (False, None)
        assert await node.ask("b", Do(state)) == (True, "args")
        await node.ask("b", hand_over("a"))
        assert active == {"a"}


@pytest.mark.check("M40")
async def test_a_worker_that_hands_over_to_itself_ends_active_and_its_hook_ran_again() -> None:
    async with node_of(Child("a", Talker)) as node:
        log.clear()
        await node.ask("a", hand_over("a", "again"))
        assert log[-1] == ("a", "activated", "again")
        assert await node.ask("a", Do(state)) == (True, "again")


@pytest.mark.check("M40")
async def test_an_inactive_worker_that_hands_over_is_not_deactivated_again() -> None:
    async with node_of(Child("a", Waiting), Child("b", Waiting)) as node:
        await node.ask("a", hand_over("b"))
        assert events("a") == []
        assert active == {"b"}


@pytest.mark.check("M40", "M42")
async def test_who_restarts_is_waited_for_within_the_time_of_a_hand_over() -> None:
    async def crash(b: Player) -> None:
        raise Boom

    async with node_of(Child("a", Talker), Child("b", Waiting)) as node:
        node.tell("b", Do(crash))
        await asyncio.sleep(0.05)
        await node.ask("a", hand_over("b"))
        assert active == {"b"}


async def failing(node: Node, name: str, kind: type[Exception]) -> None:
    """Hand over in vain: a is active all the time, and the error names the other."""

    async def attempt(a: Player) -> str:
        with pytest.raises(kind) as failure:
            await a.activate(name, "new", deactivate_self=True)
        assert isinstance(failure.value, CallboardError)
        assert a.active and a.activation_args == "old"
        return str(failure.value)

    await node.activate("a", "old")
    log.clear()
    assert repr(name) in await node.ask("a", Do(attempt))
    assert active == {"a"}


@pytest.mark.check("M41")
async def test_an_unknown_worker_is_not_handed_over_to() -> None:
    async with node_of(Child("a", Talker)) as node:
        began = now()
        await failing(node, "nobody", NoActor)
        assert now() == began + 0.5  # the activation before
        assert events("a") == []


@pytest.mark.check("M41")
async def test_a_worker_gone_for_good_is_not_handed_over_to() -> None:
    async with node_of(Child("a", Talker), Child("b", Waiting)) as node:
        await node.admin().terminate_child("b")
        await failing(node, "b", NoActor)
        assert events("a") == []


@pytest.mark.check("M41")
async def test_a_worker_that_goes_while_it_is_asked_is_not_handed_over_to() -> None:
    async def end(node: Node) -> None:
        await asyncio.sleep(2)
        await node.admin().terminate_child("b")

    async with node_of(Child("a", Talker), Child("b", Waiting, shutdown=1)) as node:
        node.tell("b", Do(lambda b: asyncio.sleep(100)))
        ending = asyncio.get_running_loop().create_task(end(node))
        began = now()
        await failing(node, "b", NoActor)
        assert now() == began + 3
        assert events("a") == []
        await ending


@pytest.mark.check("M41")
async def test_a_silent_worker_is_given_up_after_five_seconds() -> None:
    async with node_of(Child("a", Talker), Child("b", Waiting)) as node:
        busy = node.ask("b", Do(lambda b: asyncio.sleep(60)))
        await node.activate("a", "old")
        began = now()
        await failing(node, "b", AskTimeout)
        assert now() == began + 5.5  # the activation before, and five seconds
        assert events("a") == []
        await busy
        await asyncio.sleep(10)
        assert active == {"a"}  # what it was asked late it does not do


@pytest.mark.check("M41")
async def test_a_worker_whose_activation_raises_leaves_the_old_one_active() -> None:
    async with node_of(Child("a", Talker), Child("b", Broken)) as node:
        await failing(node, "b", ActorFailed)
        assert events("a") == [
            "deactivation begins",
            "deactivated",
            "activation begins",
            "activated",
        ]
        await asyncio.sleep(10)
        assert active == {"a"}  # it was restarted, and is inactive


@pytest.mark.check("M41")
async def test_a_worker_that_is_too_long_in_its_activation_gives_it_up_first() -> None:
    async with node_of(Child("a", Talker), Child("b", Sluggish)) as node:
        began = now()
        await failing(node, "b", AskTimeout)
        assert now() <= began + 8
        assert log.index(("b", "gave up")) < log.index(("a", "activation begins", "old"))
        assert await node.ask("b", Do(state)) == (False, None)
        assert await node.ask("b", Do(lambda b: asyncio.sleep(0, b.incarnation))) == 1


@pytest.mark.check("M41")
async def test_a_worker_that_does_not_listen_is_inactive_all_the_same() -> None:
    async with node_of(Child("a", Talker), Child("b", Deaf)) as node:
        await failing(node, "b", AskTimeout)
        await asyncio.sleep(1000)
        assert active == {"a"}
        assert await node.ask("b", Do(state)) == (False, None)


@pytest.mark.check("M40")
async def test_a_hand_over_whose_old_worker_cannot_step_back_leaves_it_active() -> None:
    class Clinging(Talker):
        async def on_deactivated(self) -> None:
            raise Boom("not yet")

    async def attempt(a: Player) -> Any:
        with pytest.raises(Boom):
            await a.activate("b", deactivate_self=True)
        return await state(a)

    async with node_of(Child("a", Clinging), Child("b", Waiting)) as node:
        await node.activate("a", "old")
        assert await node.ask("a", Do(attempt)) == (True, "old")
        assert active == {"a"}
        assert events("b") == []


class Alarm(SystemMessage):
    pass


@pytest.mark.check("M40")
async def test_nobody_sees_two_active_at_any_moment_of_a_hand_over() -> None:
    """The fixture counts at each change; this looks at each turn of the loop as well."""

    class Preempting(Talker):
        @on(Alarm, preempt=True)
        async def alarm(self, message: Alarm) -> bool:
            return self.active

    class PreemptingToo(Preempting):
        active = False

    async with node_of(Child("a", Preempting), Child("b", PreemptingToo)) as node:
        over = node.ask("a", hand_over("b"))
        seen: set[tuple[bool, bool]] = set()
        while not over.done:
            seen.add((await node.ask("a", Alarm()), await node.ask("b", Alarm())))
            await asyncio.sleep(0.05)
        assert (False, True) in seen and (True, True) not in seen
        await eventually(lambda: active == {"b"})
