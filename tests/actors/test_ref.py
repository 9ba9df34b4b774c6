"""The address of a worker: the same through restarts and new starts, and never silent."""

from __future__ import annotations

import asyncio
from typing import Any

import pykka
import pytest

from callboard import (
    Backoff,
    Child,
    DataMessage,
    NoActor,
    Node,
    Restarts,
    Supervisor,
    Unavailable,
    Worker,
    WorkerRef,
    on,
)


class Who(DataMessage):
    pass


class Boom(DataMessage):
    pass


class Introduce(DataMessage):
    other: WorkerRef


class Person(Worker):
    @on(Who)
    def who(self, message: Who) -> tuple[str, int]:
        return self.name, self.incarnation

    @on(Boom)
    def boom(self, message: Boom) -> None:
        raise ValueError("boom")

    @on(Introduce)
    async def introduce(self, message: Introduce) -> Any:
        return await message.other.ask(Who())


def node_of(*names: str, delay: float = 0.5, **options: Any) -> Node:
    specs = [Child(name, Person, **options) for name in names]
    backoff = Backoff(min=delay, max=delay, jitter=0.0)
    return Node(Supervisor(specs, restarts=Restarts(backoff=backoff)))


def ref_of(node: Node, name: str) -> WorkerRef:
    ref = node.ref(name)
    assert ref is not None
    return ref


@pytest.mark.check("M21")
async def test_a_ref_reaches_the_next_incarnation_and_stays_equal() -> None:
    """That it reaches a worker started on another node belongs to a later issue."""
    async with node_of("b") as node:
        ref = ref_of(node, "b")
        before = hash(ref)
        assert await ref.ask(Who()) == ("b", 1)
        ref.tell(Boom())
        kept = ref.ask(Who())  # waits over the restart
        assert await kept == ("b", 2)
        assert ref == ref_of(node, "b")
        assert hash(ref) == before == hash(ref_of(node, "b"))


@pytest.mark.check("M21")
async def test_a_ref_reaches_the_worker_that_has_the_name_now() -> None:
    async with node_of("b", "c") as node:
        ref = ref_of(node, "b")
        assert await ref.ask(Who()) == ("b", 1)
        await node.admin().terminate_child("b")
        await node.admin().delete_child("b")
        assert not ref.is_alive()
        assert not ref.is_running()
        with pytest.raises(NoActor):
            ref.tell(Who())
        await node.admin().start_child(Child("inner", lambda: Supervisor([Child("b", Person)])))
        assert ref.is_running()
        assert ref.is_alive()
        assert await ref.ask(Who(), wait=False) == ("b", 1)
        assert ref.actor_class is Person
        assert ref == ref_of(node, "b")
        assert hash(ref) == hash(ref_of(node, "b"))
        await ref.send(Who())
        assert node.dead_letters.count == 0


@pytest.mark.check("M21")
async def test_a_ref_inside_a_message_works_where_it_arrives() -> None:
    """On one node; between nodes it belongs to a later issue."""
    async with node_of("a", "b") as node:
        assert await node.ask("a", Introduce(ref_of(node, "b"))) == ("b", 1)


@pytest.mark.check("M21")
async def test_refs_are_equal_by_name_and_to_nothing_else() -> None:
    async with node_of("a", "b") as node:
        a, b = ref_of(node, "a"), ref_of(node, "b")
        assert a != b
        assert a != "a"
        assert len({a, b, ref_of(node, "a")}) == 2
        assert (str(a), repr(a)) == ("a", "<WorkerRef a>")


@pytest.mark.check("M21")
async def test_who_does_not_want_to_wait_for_a_restart_is_told_so() -> None:
    async with node_of("b", delay=10.0) as node:
        ref = ref_of(node, "b")
        ref.tell(Boom())
        await asyncio.sleep(1)
        assert ref.is_alive()
        assert not ref.is_running()
        now = asyncio.get_running_loop().time()
        with pytest.raises(Unavailable, match="'b' is not running"):
            await ref.ask(Who(), wait=False)
        assert asyncio.get_running_loop().time() == now
        assert await ref.ask(Who()) == ("b", 2)


@pytest.mark.check("M22")
async def test_asking_a_name_that_nobody_has_is_an_error_at_once() -> None:
    async with node_of("b") as node:
        asked = node.ask("nobody", Who())
        assert asked.done
        with pytest.raises(NoActor, match="'nobody'") as failure:
            await asked
        assert isinstance(failure.value, pykka.ActorDeadError)
        with pytest.raises(NoActor):
            await node.send("nobody", Who())
        assert node.events.counts["late_answers"] == 0


@pytest.mark.check("M22")
async def test_telling_a_name_that_nobody_has_is_a_dead_letter() -> None:
    async with node_of("b") as node:
        message = Who()
        node.tell("nobody", message)
        node.runtime.ref("nobody").tell(message)
        letters = node.dead_letters.last()
        assert len(letters) == 2
        for letter in letters:
            assert letter.envelope.message is message
            assert letter.envelope.target.name == "nobody"
            assert isinstance(letter.reason, NoActor)


@pytest.mark.check("M22")
async def test_a_worker_gone_for_good_is_an_error_to_ask_and_to_tell() -> None:
    async with node_of("b", restart="temporary") as node:
        ref = ref_of(node, "b")
        waits = Who()
        node.admin().suspend("b")
        ref.tell(waits)
        asked = ref.ask(Who())
        await node.admin().terminate_child("b")
        with pytest.raises(NoActor):
            await asked
        assert node.dead_letters.last()[0].envelope.message is waits
        with pytest.raises(NoActor, match=r"'b'.*gone for good") as told:
            ref.tell(Who())
        assert isinstance(told.value, pykka.ActorDeadError)
        with pytest.raises(NoActor):
            await ref.ask(Who())
        with pytest.raises(NoActor):
            await ref.send(Who())
        assert ref.actor_stopped.is_set()


@pytest.mark.check("M15", "M21")
async def test_a_stop_of_a_permanent_worker_is_answered_and_ends_one_life_only() -> None:
    async with node_of("b") as node:
        ref = ref_of(node, "b")
        node.admin().suspend("b")
        stops = [ref.stop(), ref.stop()]
        asked = ref.ask(Who())
        node.admin().resume("b")
        assert [await each for each in stops] == [True, True]
        assert await asked == ("b", 2)
        await asyncio.sleep(100)
        assert await ref.ask(Who()) == ("b", 2)


async def test_actor_stopped_is_set_once_the_worker_is_gone_and_not_before() -> None:
    async with node_of("b", delay=1.0) as node:
        ref = ref_of(node, "b")
        stopped = ref.actor_stopped
        assert ref.actor_stopped is stopped
        ref.tell(Boom())
        await asyncio.sleep(10)
        assert not stopped.is_set(), "a restart is no end"
        await node.admin().terminate_child("b")
        assert stopped.is_set()
        await node.admin().restart_child("b")
        assert not ref.actor_stopped.is_set()
    assert ref.actor_stopped.is_set()
