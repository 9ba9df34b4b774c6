"""Who plays in a conformance test: messages that cross, and workers that do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from callboard import (
    Child,
    DataMessage,
    JobCancelled,
    JobFailed,
    JobMessage,
    JobRequest,
    Lane,
    LocalMessage,
    Monitor,
    Worker,
    WorkerDown,
    WorkerReady,
    WorkerRef,
    WorkerRestarted,
    job,
    on,
)

__all__ = [
    "Add",
    "Apart",
    "Broken",
    "Call",
    "Cry",
    "Fail",
    "Give",
    "Hold",
    "Home",
    "Log",
    "Note",
    "Player",
    "Question",
    "Take",
    "Watch",
    "player",
]


class Note(DataMessage, wire="contract.note"):
    """Is written down."""

    number: int
    text: str = ""


class Question(DataMessage, wire="contract.question"):
    """Is answered with its text."""

    text: str


class Fail(DataMessage, wire="contract.fail"):
    """Has the player fail."""

    text: str


class Hold(DataMessage, wire="contract.hold"):
    """Keeps the player busy until its log's gate is opened."""


class Call(DataMessage, wire="contract.call"):
    """Has the player ask whom the ref leads to; the answer is the answer."""

    whom: WorkerRef
    text: str


class Give(DataMessage, wire="contract.give"):
    """Has the player tell another one, by name, so many notes."""

    to: str
    count: int


class Cry(DataMessage, wire="contract.cry", lane=Lane.HIGH):
    """Is broadcast."""

    text: str


class Home(LocalMessage):
    """Never leaves its node."""

    text: str


class Apart(DataMessage):
    """Cannot cross: it is registered under no wire name."""

    text: str


class Watch(LocalMessage):
    """Has the player watch these names become ready, and monitor those."""

    ready: tuple[str, ...] = ()
    monitor: tuple[str, ...] = ()


class Take(LocalMessage):
    """Has the player call this function with itself, and answer with what it returns."""

    call: Callable[[Player], Any]


class Add(JobMessage[int], wire="contract.add"):
    """A typed job."""

    numbers: list[int]


class Broken(Exception):
    """What players raise."""


class Log:
    """What the players of one test have seen, in order, each entry with the player's name."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []
        self.gate = asyncio.Event()
        """What `Hold` and the job "wait" wait for."""

    def add(self, *entry: Any) -> None:
        """Write something down."""
        self.entries.append(entry)

    def of(self, player: str, *what: str) -> list[Any]:
        """What a player has written of these things, without its name and without theirs."""
        found = [rest for name, kind, *rest in self.entries if name == player and kind in what]
        return [rest[0] if len(rest) == 1 else tuple(rest) for rest in found]


class Player(Worker):
    """Does whatever the tests need, and writes it down."""

    def __init__(self, log: Log, watched: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.log = log
        self.watched = watched
        self.monitors: list[Monitor] = []

    def note(self, *entry: Any) -> None:
        self.log.add(self.name, *entry)

    def on_start(self) -> None:
        self.watch_workers(*self.watched)

    # -- messages ----

    @on(Note)
    async def take_note(self, message: Note) -> None:
        self.note("note", message.number)

    @on(Question)
    async def answer(self, message: Question) -> str:
        self.note("question", message.text)
        return message.text

    @on(Fail)
    async def fail(self, message: Fail) -> None:
        raise Broken(message.text)

    @on(Hold)
    async def hold(self, message: Hold) -> str:
        self.note("held", "")
        await self.log.gate.wait()
        return "released"

    @on(Call)
    async def call(self, message: Call) -> Any:
        source = self.envelope.source
        self.note("call", message.whom, source)
        return await message.whom.ask(Question(message.text))

    @on(Give)
    async def give(self, message: Give) -> None:
        for number in range(message.count):
            self.tell(message.to, Note(number))

    @on(Cry)
    async def cry(self, message: Cry) -> None:
        self.note("cry", message.text)

    @on(Home)
    async def home(self, message: Home) -> None:
        self.note("home", message)

    @on(Watch)
    async def watch(self, message: Watch) -> None:
        self.watch_workers(*message.ready)
        self.monitors += [self.monitor(self.ref(name)) for name in message.monitor]

    @on(Take)
    async def take(self, message: Take) -> Any:
        value = message.call(self)
        return await value if asyncio.iscoroutine(value) else value

    # -- facts ----

    def on_worker_ready(self, data: WorkerReady) -> None:
        self.note("ready", data.worker, data.node, data.incarnation)

    @on(WorkerDown)
    def down(self, fact: WorkerDown) -> None:
        self.note("down", fact.worker.name, fact.reason)

    @on(WorkerRestarted)
    def restarted(self, fact: WorkerRestarted) -> None:
        self.note("restarted", fact.worker.name, fact.incarnation)

    def on_activated(self, args: Any) -> None:
        self.note("activated", args)

    def on_deactivated(self) -> None:
        self.note("deactivated", "")

    # -- jobs ----

    @job(Add)
    async def add(self, message: Add) -> int:
        return sum(message.numbers)

    @job("echo")
    async def echo(self, request: JobRequest) -> Any:
        self.note("job", request.id, request.caller)
        return request.payload

    @job("deadline")
    async def left(self, request: JobRequest) -> float | None:
        now = asyncio.get_running_loop().time()
        return None if request.deadline is None else request.deadline - now

    @job("updates")
    async def updates(self, request: JobRequest) -> str:
        for number in request.payload:
            await request.update(number)
        return "updated"

    @job("stream")
    async def stream(self, request: JobRequest) -> AsyncIterator[int]:
        try:
            for number in range(request.payload):
                self.note("chunk", number)
                yield number
        finally:
            self.note("closed", "")

    @job("failed")
    async def failing(self, request: JobRequest) -> None:
        raise JobFailed("not today", response={"until": 7})

    @job("crash")
    async def crashing(self, request: JobRequest) -> None:
        raise Broken("in a job")

    @job("wait")
    async def wait(self, request: JobRequest) -> str:
        self.note("waits", request.payload)
        try:
            await self.log.gate.wait()
        except asyncio.CancelledError:
            self.note("cancelled", request.cancelled)
            raise
        return "waited"

    @job("relay")
    async def relay(self, request: JobRequest) -> Any:
        """Has another do the job: worker, job and payload are in the payload."""
        worker, name, payload, timeout = request.payload
        try:
            return await self.request(worker, name, payload, timeout=timeout)
        except JobCancelled as error:
            self.note("relay ended", str(error))
            raise

    @job("deferred")
    async def deferred(self, request: JobRequest) -> None:
        request.defer()
        request.respond({"deferred": request.payload})

    def on_job_progress(self, job: JobRequest) -> None:
        self.note("progress", job.name)


def player(name: str, log: Log, *watched: str, **spec: Any) -> Child:
    """A child that is a player."""
    return Child(name, partial(Player, log, watched), **spec)
