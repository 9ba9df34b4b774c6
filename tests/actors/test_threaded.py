"""A worker on a thread of its own: its code blocks, the node goes on, the contract is the same."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    Child,
    DataMessage,
    JobRequest,
    Node,
    SpecError,
    Supervisor,
    ThreadWorker,
    Worker,
    job,
    on,
)


class Call(DataMessage):
    function: Callable[[], Any]


class Note(DataMessage):
    text: str = ""


class Blocking(ThreadWorker):
    def on_start(self) -> None:
        self.thread = threading.current_thread()
        self.reads: list[threading.Thread] = []

    @on(Call)
    def call(self, message: Call) -> Any:
        return message.function()

    @job("call")
    def call_job(self, request: JobRequest) -> Any:
        return request.payload()

    @on(Note)
    def forward(self, message: Note) -> None:
        self.tell("listener", Note(f"{message.text} of {self.envelope.source}"))

    @property
    def where(self) -> threading.Thread:
        return threading.current_thread()

    def on_activated(self, args: Any) -> None:
        self.activated_on = threading.current_thread()


class Quick(Worker):
    @on(Note)
    def note(self, message: Note) -> str:
        return message.text


def tree() -> Supervisor:
    return Supervisor([Child("b", Blocking), Child("c", Quick)])


@pytest.mark.check("M12")
async def test_a_handler_that_blocks_its_thread_leaves_the_others_going() -> None:
    release = threading.Event()
    async with Node(tree()) as node:
        blocked = node.ask("b", Call(lambda: release.wait(10)))
        for _ in range(100):
            assert await node.ask("c", Note("quick")) == "quick"
        assert not blocked.done
        release.set()
        assert await blocked is True


@pytest.mark.check("M12")
@pytest.mark.realtime
async def test_other_workers_answer_within_a_second_long_block() -> None:
    async with Node(tree()) as node:
        begun = time.monotonic()
        blocked = node.ask("b", Call(lambda: time.sleep(1)))
        assert await node.ask("c", Note("quick")) == "quick"
        assert time.monotonic() - begun < 0.5
        assert not blocked.done
        await blocked


@pytest.mark.check("M12")
async def test_handlers_hooks_jobs_and_properties_run_on_one_thread_of_its_own() -> None:
    async with Node(tree()) as node:
        handler: threading.Thread = await node.ask("b", Call(threading.current_thread))
        in_job: threading.Thread = await node.request("b", "call", threading.current_thread)
        ref = node.ref("b")
        assert ref is not None
        proxy: Any = ref.proxy()
        seen = [await proxy.thread, await proxy.activated_on, await proxy.where, handler, in_job]
        assert len(set(seen)) == 1
        assert seen[0] is not threading.current_thread()
        assert seen[0].is_alive()
    assert not seen[0].is_alive(), "it ends with its worker"


@pytest.mark.check("M12")
async def test_its_messages_are_handled_in_order_and_one_at_a_time() -> None:
    running: list[int] = []
    most: list[int] = []

    def work(number: int) -> int:
        running.append(number)
        most.append(len(running))
        time.sleep(0)
        running.remove(number)
        return number

    async with Node(tree()) as node:
        asked = [node.ask("b", Call(lambda n=n: work(n))) for n in range(50)]  # type: ignore[misc]
        assert [await each for each in asked] == list(range(50))
    assert set(most) == {1}


@pytest.mark.check("M12", "M20")
async def test_what_is_sent_from_the_thread_is_of_this_worker() -> None:
    seen: list[tuple[str, object]] = []

    class Listener(Worker):
        @on(Note)
        def note(self, message: Note) -> None:
            seen.append((message.text, self.envelope.source))

    class Starter(Worker):
        @on(Note)
        def start_it(self, message: Note) -> None:
            self.tell("b", message)

    specs = [Child("b", Blocking), Child("listener", Listener), Child("a", Starter)]
    async with Node(Supervisor(specs)) as node:
        node.tell("a", Note("note"))
        await asyncio.sleep(1)
        assert seen == [("note of a", node.ref("b"))]


@pytest.mark.check("M12")
async def test_what_its_handler_raises_fails_it_and_the_asker_hears() -> None:
    def fail() -> None:
        raise ValueError("on the thread")

    def exhaust() -> None:
        raise StopIteration

    async with Node(tree()) as node:
        with pytest.raises(ActorFailed) as failure:
            await node.ask("b", Call(fail))
        assert isinstance(failure.value.__cause__, ValueError)
        assert await node.ask("b", Call(lambda: 2)) == 2, "it was restarted"
        with pytest.raises(ActorFailed):
            await node.ask("b", Call(exhaust))


@pytest.mark.check("M12")
async def test_it_waits_for_a_job_of_another_on_its_thread() -> None:
    class Asking(ThreadWorker):
        @on(Note)
        def ask_for_it(self, message: Note) -> Any:
            return self.wait(self.request("b", "call", lambda: message.text.upper()))

    async with Node(Supervisor([Child("a", Asking), Child("b", Blocking)])) as node:
        assert await node.ask("a", Note("text")) == "TEXT"


@pytest.mark.check("M12")
async def test_its_handler_asks_others_by_blocking_as_in_pykka() -> None:
    class Asking(ThreadWorker):
        @on(Note)
        def ask_it(self, message: Note) -> Any:
            return self.ref("c").ask(message)

    async with Node(Supervisor([Child("a", Asking), Child("c", Quick)])) as node:
        assert await node.ask("a", Note("text")) == "text"


@pytest.mark.check("M12")
def test_an_async_handler_of_a_threaded_worker_is_refused() -> None:
    with pytest.raises(SpecError, match="plain 'def'"):

        class Awaiting(ThreadWorker):  # pyright: ignore[reportUnusedClass]
            @on(Note)
            async def note(self, message: Note) -> None: ...

    with pytest.raises(SpecError, match="plain 'def'"):

        class Serving(ThreadWorker):  # pyright: ignore[reportUnusedClass]
            @job("call")
            async def call(self, request: JobRequest) -> None: ...


@pytest.mark.check("M12")
async def test_an_async_method_of_a_threaded_worker_is_refused_when_it_is_called() -> None:
    class Awaiting(ThreadWorker):
        async def asynchronous(self) -> None: ...

    async with Node(Supervisor([Child("b", Awaiting)])) as node:
        ref = node.ref("b")
        assert ref is not None
        proxy: Any = ref.proxy()
        with pytest.raises(TypeError, match="'async def'"):
            await proxy.asynchronous()
