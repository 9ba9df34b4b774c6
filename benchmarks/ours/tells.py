"""Messages without an answer: one to one, by name, round a ring."""

import asyncio
import functools
from asyncio import Future
from time import perf_counter

from callboard import Child, DataMessage, Node, Supervisor, Worker, on

from ..measuring import Gate
from ..works import FanOut, Figures, Ring, Tell


class Note(DataMessage):
    """What is told."""


class Token(DataMessage):
    """Goes round the ring."""

    left: int


class Counter(Worker):
    """Counts what it is told."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    @on(Note)
    def count(self, _: Note) -> None:
        self.gate.arrive()


class Link(Worker):
    """Sends the token to the next one."""

    def __init__(self, following: str, home: Future[None]) -> None:
        self.following = following
        self.home = home

    def on_start(self) -> None:
        self.next = self.ref(self.following)

    @on(Token)
    def pass_on(self, token: Token) -> None:
        if token.left:
            self.next.tell(Token(token.left - 1))
        else:
            self.home.set_result(None)


def counters(workers: int, gate: Gate) -> list[Child]:
    """Returns the specs of so many counting workers."""
    factory = functools.partial(Counter, gate)
    return [Child(f"worker-{number}", factory) for number in range(workers)]


def tell(size: Tell) -> Figures:
    """Does W1."""

    async def run() -> float:
        gate = Gate()
        async with Node(Supervisor(counters(1, gate))) as node:
            worker, note = node.ref("worker-0"), Note()
            assert worker is not None
            started = perf_counter()
            for _ in range(size.messages // size.burst):
                handled = gate.expect(size.burst)
                for _ in range(size.burst):
                    worker.tell(note)
                await handled
            return perf_counter() - started

    return size.figures(asyncio.run(run()))


def fan_out(size: FanOut) -> Figures:
    """Does W3: the node looks every name up."""

    async def run() -> float:
        gate = Gate()
        specs = counters(size.workers, gate)
        names = [spec.name for spec in specs]
        async with Node(Supervisor(specs)) as node:
            burst, note = min(size.burst, size.rounds), Note()
            started = perf_counter()
            for _ in range(size.rounds // burst):
                handled = gate.expect(burst * size.workers)
                for _ in range(burst):
                    for name in names:
                        node.tell(name, note)
                await handled
            return perf_counter() - started

    return size.figures(asyncio.run(run()))


def ring(size: Ring) -> Figures:
    """Does W5."""

    async def run() -> float:
        home: Future[None] = asyncio.get_running_loop().create_future()
        specs = [
            Child(
                f"link-{number}",
                functools.partial(Link, f"link-{(number + 1) % size.workers}", home),
            )
            for number in range(size.workers)
        ]
        async with Node(Supervisor(specs)) as node:
            started = perf_counter()
            node.tell("link-0", Token(size.hops - 1))
            await home
            return perf_counter() - started

    return size.figures(asyncio.run(run()))
