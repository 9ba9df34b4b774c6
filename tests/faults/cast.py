"""Who is on the nodes of the matrix: workers that do what goes wrong, and say what they saw.

A `Post` is a node with its log and what can be asked of it, in this process or from another one.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from callboard import (
    Child,
    DataMessage,
    JobRequest,
    LocalMessage,
    Node,
    Restarts,
    Supervisor,
    Worker,
    WorkerDown,
    WorkerRef,
    job,
    on,
)
from callboard.transports.transport import Transport

__all__ = ["Broken", "Busy", "Fail", "Note", "Player", "Poison", "Post", "Question", "tree"]

NO_END = Restarts(intensity=1000)

BUDGET = 0.3
"""Seconds that a player has to stop, and then to obey."""

TRIES = 2
"""How often the player "frail" is given a message again that has killed it."""

SMALL = 3
"""What the mailboxes of the players "small" and "patient" hold."""


class Note(DataMessage, wire="faults.note"):
    """Is written down."""

    number: int
    body: bytes = b""


class Question(DataMessage, wire="faults.question"):
    """Is answered with its number."""

    number: int


class Fail(DataMessage, wire="faults.fail"):
    """Has the player fail."""

    text: str


class Poison(DataMessage, wire="faults.poison"):
    """Kills whoever handles it."""


class Busy(DataMessage, wire="faults.busy"):
    """Keeps the player busy until its node is told to release it."""


class Observe(LocalMessage):
    """Has the player monitor a worker."""

    whom: WorkerRef


class Broken(Exception):
    """What players raise."""


class Log:
    """What the players of a node have seen, by their names."""

    def __init__(self) -> None:
        self.noted: dict[str, list[Any]] = {}
        self.released = asyncio.Event()

    def add(self, name: str, what: Any) -> None:
        self.noted.setdefault(name, []).append(what)


class Player(Worker):
    """Does whatever goes wrong."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    @on(Note)
    async def note(self, message: Note) -> None:
        self.log.add(self.name, message.number)

    @on(Question)
    async def answer(self, message: Question) -> int:
        return message.number

    @on(Fail)
    async def fail(self, message: Fail) -> None:
        raise Broken(message.text)

    @on(Poison)
    async def die(self, message: Poison) -> None:
        self.log.add(self.name, "poison")
        raise Broken("poisoned")

    @on(Busy)
    async def busy(self, message: Busy) -> None:
        self.log.add(self.name, "busy")
        await self.log.released.wait()

    @on(Observe)
    async def observe(self, message: Observe) -> None:
        self.monitor(message.whom)

    @on(WorkerDown)
    def down(self, fact: WorkerDown) -> None:
        self.log.add("monitor", f"down {fact.worker.name}")

    @job("echo")
    async def echo(self, request: JobRequest) -> Any:
        return request.payload

    @job("life")
    async def life(self, request: JobRequest) -> int:
        return self.node_incarnation

    @property
    def node_incarnation(self) -> int:
        return self._runtime.incarnation

    @job("raise")
    async def failing(self, request: JobRequest) -> None:
        raise Broken("in a job")

    @job("wait")
    async def wait(self, request: JobRequest) -> str:
        self.log.add(self.name, "waits")
        try:
            await self.log.released.wait()
        except asyncio.CancelledError:
            self.log.add(self.name, "cancelled")
            raise
        return "waited"

    @job("sleep")
    async def sleep(self, request: JobRequest) -> str:
        await asyncio.sleep(request.payload)
        return "slept"

    @job("block")
    async def block(self, request: JobRequest) -> str:
        time.sleep(request.payload)  # noqa: ASYNC251 - that is the fault
        return "blocked"

    @job("stubborn")
    async def stubborn(self, request: JobRequest) -> None:
        self.log.add(self.name, "waits")
        while not self.log.released.is_set():
            try:
                await self.log.released.wait()
            except asyncio.CancelledError:
                self.log.add(self.name, "swallowed")

    @job("stream")
    async def stream(self, request: JobRequest) -> AsyncIterator[int]:
        for number in range(request.payload):
            yield number


def tree(names: Sequence[str], log: Log | None = None) -> Supervisor:
    """A tree of players; what a few of them are called says how they are kept."""
    made = partial(Player, log or Log())
    special: dict[str, dict[str, Any]] = {
        "frail": {"redeliver": TRIES},
        "small": {"bound": SMALL, "overflow": "reject"},
        "patient": {"bound": SMALL, "overflow": "wait"},
        "dropping": {"bound": SMALL, "overflow": "drop_oldest"},
    }
    specs = [
        Child(
            name, made, shutdown=BUDGET, grace=BUDGET, **special.get(name.rstrip("0123456789"), {})
        )
        for name in names
    ]
    return Supervisor(specs, restarts=NO_END)


class Post:
    """A node of the matrix, and what it can be asked for: in plain values, since it may be far."""

    def __init__(
        self, name: str, names: Sequence[str], transports: Sequence[Transport], **settings: Any
    ) -> None:
        self.log = Log()
        self.node = Node(tree(names, self.log), name=name, transports=transports, **settings)
        self._shift: list[Any] = []

    async def start(self) -> None:
        await self.node.start()
        self._events = self.node.events.subscribe(10_000)
        self._seen: list[list[str]] = []

    async def do(self, what: str, *arguments: Any) -> Any:
        """Do something, or return a fact: one of the methods below, by its name."""
        return await getattr(self, f"do_{what}")(*arguments)

    async def do_snapshot(self) -> dict[str, Any]:
        return self.node.snapshot().plain()

    async def do_counts(self) -> dict[str, int]:
        return dict(self.node.events.counts)

    async def do_dead_letters(self) -> int:
        return self.node.dead_letters.count

    async def do_noted(self, name: str) -> list[Any]:
        return list(self.log.noted.get(name, []))

    async def do_events(self, kind: str) -> list[str]:
        """The texts of the events of a kind."""
        self._seen += [
            [event.kind, f"{event.path} {event.text} {event.reason or ''}".strip()]
            for event in self._events.take()
        ]
        return [text for each, text in self._seen if each == kind]

    async def do_knows(self, name: str) -> str | None:
        """Where a worker is that is known and ready."""
        known = self.node.registry.find(name)
        if known is None or not known.ready:
            return None
        return str(getattr(known.target, "node", self.node.name))

    async def do_tell(self, name: str, numbers: list[int]) -> None:
        for number in numbers:
            self.node.tell(name, Note(number))

    async def do_request(self, name: str, what: str, payload: Any) -> Any:
        return await self.node.request(name, what, payload, timeout=20)

    async def do_monitor(self, name: str) -> None:
        """Write down what becomes of a worker."""
        ref = self.node.ref(name)
        assert ref is not None
        await self.node.ask("a", Observe(ref))

    async def do_life_of(self, node: str) -> int | None:
        """The incarnation in which another node is known."""
        peers = {peer.name: peer.incarnation for peer in self.node.snapshot().peers}
        return peers.get(node)

    async def do_ask(self, name: str, number: int) -> int:
        found: int = await self.node.ask(name, Question(number))
        return found

    async def do_tell_unknown(self, name: str) -> None:
        """Send a message of a type that only this process has."""

        class Unknown(DataMessage, wire="faults.only_there"):
            number: int

        self.node.tell(name, Unknown(1))

    async def do_footprint(self) -> dict[str, Any]:
        """How much there is of what could be left over."""
        gc.collect()
        loop = asyncio.get_running_loop()
        scheduled: Any = getattr(loop, "_scheduled", [])
        registry = self.node.registry
        peers = self.node.snapshot().peers
        tasks = [str(task.get_coro()) for task in asyncio.all_tasks()]
        return {
            "tasks": [task for task in tasks if "ChaosProxy" not in task],
            "timers": len([timer for timer in scheduled if not timer.cancelled()]),
            "names": registry.names(),
            "watches": registry.watches,
            "peers": len(peers),
            "open": sum(peer.asks + peer.jobs + peer.waiting for peer in peers),
        }

    async def do_terminate(self, name: str) -> None:
        await self.node.admin().terminate_child(name)

    async def do_release(self) -> None:
        self.log.released.set()

    async def do_incarnation(self) -> int:
        return self.node.runtime.incarnation

    async def do_shift(self, seconds: float) -> None:
        """Have the clock of this process jump, as far as Python shows it."""
        jump(seconds)

    async def do_stop(self) -> None:
        await self.node.stop()


REAL = time.time, time.time_ns


def jump(seconds: float) -> None:
    """Have the clock of the day of this process be so many seconds off; 0 ends it."""
    real, real_ns = REAL
    time.time = lambda: real() + seconds
    time.time_ns = lambda: real_ns() + int(seconds * 1e9)
