"""Declaring handlers: who handles what, clashes and overrides, and what nobody handles."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from callboard import (
    Child,
    DataMessage,
    HandlerClash,
    JobRequest,
    Node,
    SpecError,
    Supervisor,
    ThreadWorker,
    Unhandled,
    Worker,
    WorkerReady,
    job,
    on,
    worker_ready,
)


class Note(DataMessage):
    text: str = ""


class Special(Note):
    pass


class Other(DataMessage):
    pass


@pytest.mark.check("M13")
def test_two_handlers_of_one_message_type_are_an_error_that_names_both() -> None:
    with pytest.raises(HandlerClash, match=r"first and second.*Note"):

        class Clashing(Worker):  # pyright: ignore[reportUnusedClass]
            @on(Note)
            def first(self, message: Note) -> None: ...

            @on(Other, Note)
            def second(self, message: Any) -> None: ...


@pytest.mark.check("M13")
def test_two_handlers_of_one_job_are_an_error_that_names_both() -> None:
    with pytest.raises(HandlerClash, match=r"first and second.*'sum'"):

        class Clashing(Worker):  # pyright: ignore[reportUnusedClass]
            @job("sum")
            def first(self, request: JobRequest) -> None: ...

            @job("sum")
            def second(self, request: JobRequest) -> None: ...


@pytest.mark.check("M13")
def test_two_handlers_of_one_workers_readiness_are_an_error_that_names_both() -> None:
    with pytest.raises(HandlerClash, match=r"first and second.*'greeter'"):

        class Clashing(Worker):  # pyright: ignore[reportUnusedClass]
            @worker_ready("greeter")
            def first(self, data: WorkerReady) -> None: ...

            @worker_ready("greeter", "other")
            def second(self, data: WorkerReady) -> None: ...


@pytest.mark.check("M13")
def test_a_clash_is_found_in_a_threaded_worker_too() -> None:
    with pytest.raises(HandlerClash, match=r"first and second"):

        class Clashing(ThreadWorker):  # pyright: ignore[reportUnusedClass]
            @on(Note)
            def first(self, message: Note) -> None: ...

            @on(Note)
            def second(self, message: Note) -> None: ...


class Base(Worker):
    def __init__(self, seen: list[str]) -> None:
        self.seen = seen

    @on(Note)
    def note(self, message: Note) -> None:
        self.seen.append("base note")

    @job("sum")
    def sum(self, request: JobRequest) -> str:
        return "base sum"

    @worker_ready("other")
    def other(self, data: WorkerReady) -> None:
        self.seen.append("base ready")


class SameName(Base):
    """Overrides by name, without saying again for what."""

    def note(self, message: Note) -> None:
        self.seen.append("own note")

    def sum(self, request: JobRequest) -> str:
        return "own sum"

    def other(self, data: WorkerReady) -> None:
        self.seen.append("own ready")


class AnotherName(Base):
    """Overrides by what is declared, under other names."""

    @on(Note)
    def my_note(self, message: Note) -> None:
        self.seen.append("own note")

    @job("sum")
    def my_sum(self, request: JobRequest) -> str:
        return "own sum"

    @worker_ready("other")
    def my_other(self, data: WorkerReady) -> None:
        self.seen.append("own ready")


class Plain(Worker):
    pass


@pytest.mark.check("M13")
@pytest.mark.parametrize("kind", [SameName, AnotherName])
async def test_an_override_is_the_only_one_that_runs(kind: type[Base]) -> None:
    seen: list[str] = []
    tree = Supervisor([Child("other", Plain), Child("b", partial(kind, seen))])
    async with Node(tree) as node:
        node.tell("b", Note())
        assert await node.request("b", "sum") == "own sum"
        await asyncio.sleep(1)
    assert seen == ["own ready", "own note"]


class Redeclared(Base):
    @on(Other)
    def note(self, message: Any) -> None:
        self.seen.append("own other")


@pytest.mark.check("M13")
async def test_an_override_that_is_declared_anew_handles_what_it_says() -> None:
    seen: list[str] = []
    async with Node(Supervisor([Child("b", partial(Redeclared, seen))])) as node:
        node.tell("b", Other())
        with pytest.raises(Unhandled):
            await node.ask("b", Note())
    assert seen == ["own other"]


@pytest.mark.check("M13")
async def test_the_handler_of_the_nearest_class_handles_a_subclass_of_its_message() -> None:
    class Two(Worker):
        @on(DataMessage)
        def any(self, message: DataMessage) -> str:
            return "any"

        @on(Note)
        def note(self, message: Note) -> str:
            return "note"

    async with Node(Supervisor([Child("b", Two)])) as node:
        assert await node.ask("b", Special()) == "note"
        assert await node.ask("b", Other()) == "any"


@pytest.mark.check("M12")
async def test_plain_and_async_handlers_run_on_the_nodes_loop() -> None:
    class Both(Worker):
        @on(Note)
        def plain(self, message: Note) -> object:
            return asyncio.get_running_loop()

        @on(Other)
        async def asynchronous(self, message: Other) -> object:
            await asyncio.sleep(0)
            return asyncio.get_running_loop()

    async with Node(Supervisor([Child("b", Both)])) as node:
        loop = asyncio.get_running_loop()
        assert await node.ask("b", Note()) is loop
        assert await node.ask("b", Other()) is loop


@pytest.mark.check("M14")
async def test_what_has_no_handler_goes_to_on_receive() -> None:
    class Receiving(Worker):
        @on(Note)
        def note(self, message: Note) -> str:
            return "note"

        async def on_receive(self, message: Any) -> str:
            return f"received {message}"

    async with Node(Supervisor([Child("b", Receiving)])) as node:
        assert await node.ask("b", "text") == "received text"
        assert await node.ask("b", Note()) == "note"
        assert node.dead_letters.count == 0


@pytest.mark.check("M14")
@pytest.mark.parametrize("kind", [Worker, ThreadWorker])
async def test_without_on_receive_it_is_a_dead_letter_and_an_ask_an_error(
    kind: type[Worker],
) -> None:
    async with Node(Supervisor([Child("b", kind)])) as node:
        node.tell("b", Note("told"))
        with pytest.raises(Unhandled, match=r"'b'.*no handler for Note"):
            await node.ask("b", Note("asked"))
        letters = node.dead_letters.last()
        assert [letter.envelope.message for letter in letters] == [Note("told"), Note("asked")]
        assert all("no handler" in str(letter.reason) for letter in letters)
        ref = node.ref("b")
        assert ref is not None and ref.is_running(), "nothing has failed"


@pytest.mark.check("M14")
@pytest.mark.parametrize("base", [Worker, ThreadWorker])
async def test_an_on_receive_that_passes_on_what_it_does_not_know_handles_nothing(
    base: Any,
) -> None:
    class Choosing(base):  # type: ignore[misc]
        def on_receive(self, message: Any) -> Any:
            if message == "known":
                return "known"
            return super().on_receive(message)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    async with Node(Supervisor([Child("b", Choosing)])) as node:
        assert await node.ask("b", "known") == "known"
        with pytest.raises(Unhandled):
            await node.ask("b", "unknown")
        node.tell("b", "unknown too")
        assert await node.ask("b", "known") == "known"
        letters = [letter.envelope.message for letter in node.dead_letters.last()]
        assert letters == ["unknown", "unknown too"]


@pytest.mark.check("M13")
@pytest.mark.parametrize(
    "declare",
    [
        lambda: on(),
        lambda: on("Note"),  # type: ignore[arg-type]
        lambda: worker_ready(),
        lambda: worker_ready(Note),  # type: ignore[arg-type]
        lambda: job(lambda self, request: None),  # type: ignore[arg-type]
    ],
)
def test_a_declaration_that_says_nothing_is_refused(declare: Any) -> None:
    with pytest.raises(TypeError, match="write @"):
        declare()


@pytest.mark.check("M13")
def test_only_a_job_may_be_an_async_generator() -> None:
    with pytest.raises(SpecError, match="async generator"):

        class Streaming(Worker):  # pyright: ignore[reportUnusedClass]
            @on(Note)
            async def note(self, message: Note) -> Any:
                yield 1
