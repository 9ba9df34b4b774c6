"""Pykka's actors and ours side by side: each tells, asks, proxies and stops the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pykka
import pytest

from callboard import (
    ActorFailed,
    Child,
    DataMessage,
    Node,
    Supervisor,
    ThreadWorker,
    Worker,
    WorkerRef,
    as_awaitable,
    on,
)
from callboard.actors.testing import eventually

pytestmark = [pytest.mark.check("M15"), pytest.mark.realtime]


@pytest.fixture(autouse=True)
def _nobody_stays() -> Iterator[None]:
    yield
    pykka.ActorRegistry.stop_all(timeout=5)


class Greet(DataMessage):
    name: str


class Through(DataMessage):
    """Ask the other one, and answer with what it answers."""

    other: Any
    message: Any


class Ours(Worker):
    @on(Greet)
    def greet(self, message: Greet) -> str:
        if not message.name:
            raise ValueError("nobody to greet")
        return f"ours: {message.name}"

    @on(Through)
    async def through(self, message: Through) -> Any:
        return await as_awaitable(message.other.ask(message.message, block=False), timeout=5)

    async def shout(self, name: str) -> str:
        return f"OURS: {name}"


class OursOnThread(ThreadWorker):
    @on(Greet)
    def greet(self, message: Greet) -> str:
        return f"ours: {message.name}"

    @on(Through)
    def through(self, message: Through) -> Any:
        return message.other.ask(message.message)


class Theirs(pykka.ThreadingActor):
    def __init__(self, got_mail: threading.Event | None = None) -> None:
        super().__init__()
        self.told: list[object] = []
        self.got_mail = got_mail or threading.Event()

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Through):
            return message.other.ask(message.message)
        if message == "boom":
            raise KeyError(message)
        self.told.append(message)
        self.got_mail.set()
        return f"theirs: {message.name if isinstance(message, Greet) else message}"

    def shout(self, name: str) -> str:
        return f"THEIRS: {name}"

    def call_proxy(self, ref: Any) -> Any:
        return ref.proxy().shout("from Pykka").get()

    def tell_it(self, ref: Any) -> None:
        ref.tell("told by Pykka")

    def stop_it(self, ref: Any) -> Any:
        return ref.stop()


SPECS = (Child("ours", Ours, restart="temporary"), Child("threaded", OursOnThread))


@asynccontextmanager
async def company(*specs: Child) -> AsyncGenerator[Node, None]:
    """A node with these workers; afterwards every actor of Pykka's has ended with its thread."""
    async with Node(Supervisor(specs or SPECS)) as node:
        yield node
        for stopped in pykka.ActorRegistry.stop_all(block=False):
            await as_awaitable(stopped, timeout=5)
        names = ("Theirs", "Blocked")
        await eventually(lambda: not any(t.name.startswith(names) for t in threading.enumerate()))


def ref_of(node: Node, name: str) -> WorkerRef:
    ref = node.ref(name)
    assert ref is not None
    return ref


@pytest.mark.parametrize("name", ["ours", "threaded"])
async def test_pykkas_actor_asks_ours_by_blocking_its_thread(name: str) -> None:
    async with company() as node:
        theirs = Theirs.start()
        asked = theirs.ask(Through(ref_of(node, name), Greet("Ada")), block=False)
        assert await as_awaitable(asked, timeout=5) == "ours: Ada"


@pytest.mark.parametrize("name", ["ours", "threaded"])
async def test_ours_asks_pykkas_actor_without_blocking_the_loop(name: str) -> None:
    async with company() as node:
        theirs = Theirs.start()
        assert await node.ask(name, Through(theirs, Greet("Ada"))) == "theirs: Ada"


async def test_they_ask_each_other_through_each_other() -> None:
    """Ours asks theirs, which asks the other of ours, which asks theirs of another thread."""
    async with company() as node:
        first, last = Theirs.start(), Theirs.start()
        inner = Through(ref_of(node, "threaded"), Through(last, Greet("Ada")))
        assert await node.ask("ours", Through(first, inner)) == "theirs: Ada"


async def test_each_tells_the_other() -> None:
    class Relay(Worker):
        @on(Through)
        def relay(self, message: Through) -> None:
            message.other.tell(message.message)

    async with company(Child("relay", Relay)) as node:
        got_mail = threading.Event()
        theirs = Theirs.start(got_mail)
        node.tell("relay", Through(theirs, Greet("Ada")))
        proxy: Any = theirs.proxy()
        await asyncio.to_thread(got_mail.wait, 5)
        assert await as_awaitable(proxy.told, timeout=5) == [Greet("Ada")]
        back: list[object] = []

        class Listener(Worker):
            def on_receive(self, message: Any) -> None:
                back.append(message)

        listener = await node.admin().start_child(Child("listener", Listener))
        await as_awaitable(proxy.tell_it(listener), timeout=5)
        await eventually(lambda: back == ["told by Pykka"])


async def test_each_calls_the_methods_of_the_other() -> None:
    async with company() as node:
        theirs = Theirs.start()
        proxy: Any = theirs.proxy()
        called = proxy.call_proxy(ref_of(node, "ours"))
        assert await as_awaitable(called, timeout=5) == "OURS: from Pykka"
        assert await as_awaitable(proxy.shout("from us"), timeout=5) == "THEIRS: from us"


async def test_the_errors_of_each_reach_the_other() -> None:
    async with company() as node:
        theirs, ours = Theirs.start(), ref_of(node, "ours")
        asked = theirs.ask(Through(ours, Greet("")), block=False)
        with pytest.raises(ActorFailed) as failure:
            await as_awaitable(asked, timeout=5)
        assert isinstance(failure.value.__cause__, ValueError)
        await eventually(lambda: not ours.is_alive())
        gone = theirs.ask(Through(ours, Greet("Ada")), block=False)
        with pytest.raises(pykka.ActorDeadError):
            await as_awaitable(gone, timeout=5)
        with pytest.raises(ActorFailed) as failure:
            await node.ask("threaded", Through(theirs, "boom"))
        assert isinstance(failure.value.__cause__, KeyError)
        assert theirs.is_alive(), "Pykka's own actors keep Pykka's semantics"


async def test_pykkas_actor_stops_ours_and_ours_stops_pykkas() -> None:
    async with company() as node:
        theirs, ours = Theirs.start(), ref_of(node, "ours")
        proxy: Any = theirs.proxy()
        assert await as_awaitable(proxy.stop_it(ours), timeout=5) is True
        await eventually(lambda: not ours.is_alive())
        assert await as_awaitable(theirs.stop(block=False), timeout=5) is True
        assert not theirs.is_alive()


async def test_an_envelope_of_pykkas_put_into_the_inbox_is_handled_and_answered() -> None:
    """What Pykka's own code does with the inbox of a ref."""
    from pykka._envelope import Envelope

    async with company() as node:
        ours = ref_of(node, "ours")
        answer: pykka.Future[Any] = pykka.ThreadingFuture()
        ours.actor_inbox.put(Envelope(Greet("Ada"), reply_to=answer))
        assert await as_awaitable(answer, timeout=5) == "ours: Ada"
        failing: pykka.Future[Any] = pykka.ThreadingFuture()
        ours.actor_inbox.put(Envelope(Greet(""), reply_to=failing))
        with pytest.raises(ActorFailed):
            await as_awaitable(failing, timeout=5)
        await eventually(lambda: not ours.is_alive())
        dead: pykka.Future[Any] = pykka.ThreadingFuture()
        ours.actor_inbox.put(Envelope(Greet("Ada"), reply_to=dead))
        with pytest.raises(pykka.ActorDeadError):
            await as_awaitable(dead, timeout=5)


def test_without_any_loop_of_its_own_a_program_mixes_both() -> None:
    ours, theirs = Ours.start(), Theirs.start()
    assert theirs.ask(Through(ours, Greet("Ada")), timeout=5) == "ours: Ada"
    assert ours.ask(Through(theirs, Greet("Ada")), timeout=5) == "theirs: Ada"
    assert pykka.get_all([ours.ask(Greet("a"), block=False), theirs.ask("b", block=False)]) == [
        "ours: a",
        "theirs: b",
    ]


async def test_a_blocked_actor_of_pykkas_does_not_hold_up_ours() -> None:
    release = threading.Event()

    class Blocked(pykka.ThreadingActor):
        def on_receive(self, message: Any) -> Any:
            return release.wait(5)

    async with company() as node:
        blocked = Blocked.start()
        waiting = node.ask("ours", Through(blocked, "wait"))
        for _ in range(10):
            assert await node.ask("threaded", Greet("Ada")) == "ours: Ada"
        await asyncio.sleep(0)
        assert not waiting.done
        release.set()
        assert await waiting is True
