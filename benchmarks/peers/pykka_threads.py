"""Pykka: an actor and a thread for each worker, futures for answers."""

import itertools
import threading
from time import perf_counter, perf_counter_ns
from typing import Any, NamedTuple

import pykka

from ..measuring import ThreadGate, resident_bytes
from ..works import Ask, Churn, FanOut, Figures, Job, Ring, Tell


class Counter(pykka.ThreadingActor):
    """Counts what it is told."""

    def __init__(self, gate: ThreadGate) -> None:
        super().__init__()
        self._gate = gate

    def on_receive(self, message: Any) -> None:
        """Counts one arrival."""
        self._gate.arrive()


class Echo(pykka.ThreadingActor):
    """Answers with what it was asked."""

    def on_receive(self, message: Any) -> Any:
        """Answers at once."""
        return message


def tell(size: Tell) -> Figures:
    """Does W1."""
    gate = ThreadGate()
    worker = Counter.start(gate)
    started = perf_counter()
    for _ in range(size.messages // size.burst):
        handled = gate.expect(size.burst)
        for _ in range(size.burst):
            worker.tell("note")
        handled.wait()
    seconds = perf_counter() - started
    worker.stop()
    return size.figures(seconds)


def ask(size: Ask) -> Figures:
    """Does W2."""
    worker = Echo.start()
    marks = [perf_counter_ns()]
    for _ in range(size.calls):
        worker.ask("question")
        marks.append(perf_counter_ns())
    worker.stop()
    return size.figures(marks)


def fan_out(size: FanOut) -> Figures:
    """Does W3: Pykka's registry has no names of one's choosing, so they are keys of a dict."""
    gate = ThreadGate()
    refs = {f"worker-{number}": Counter.start(gate) for number in range(size.workers)}
    names, burst = list(refs), min(size.burst, size.rounds)
    started = perf_counter()
    for _ in range(size.rounds // burst):
        handled = gate.expect(burst * size.workers)
        for _ in range(burst):
            for name in names:
                refs[name].tell("note")
        handled.wait()
    seconds = perf_counter() - started
    pykka.ActorRegistry.stop_all()
    return size.figures(seconds)


def _start(workers: int) -> list[pykka.ActorRef[Echo]]:
    return [Echo.start() for _ in range(workers)]


def _stop(refs: list[pykka.ActorRef[Echo]]) -> None:
    pykka.get_all([ref.stop(block=False) for ref in refs])


def churn(size: Churn) -> Figures:
    """Does W4."""
    _stop(_start(10))
    before = resident_bytes()
    began = perf_counter()
    refs = _start(size.workers)
    starting = perf_counter() - began
    grown = resident_bytes() - before
    began = perf_counter()
    _stop(refs)
    return size.figures(starting + perf_counter() - began, grown)


class Node(pykka.ThreadingActor):
    """One place of the ring; its first message is the ref of the next place."""

    def __init__(self, home: threading.Event) -> None:
        super().__init__()
        self._home = home
        self._following: pykka.ActorRef[Node] | None = None

    def on_receive(self, message: Any) -> None:
        """Passes the token on, or ends its journey."""
        if self._following is None:
            self._following = message
        elif message:
            self._following.tell(message - 1)
        else:
            self._home.set()


def ring(size: Ring) -> Figures:
    """Does W5."""
    home = threading.Event()
    nodes = [Node.start(home) for _ in range(size.workers)]
    for node, following in zip(nodes, nodes[1:] + nodes[:1], strict=True):
        node.tell(following)
    started = perf_counter()
    nodes[0].tell(size.hops - 1)
    home.wait()
    seconds = perf_counter() - started
    pykka.ActorRegistry.stop_all()
    return size.figures(seconds)


class Request(NamedTuple):
    """A job to do."""

    id: int
    payload: str


class Reply(NamedTuple):
    """How it ended."""

    id: int
    status: str
    result: str


class Server(pykka.ThreadingActor):
    """Does jobs; Pykka's future brings the reply to the caller."""

    def on_receive(self, message: Any) -> Any:
        """Completes the job with its payload."""
        return Reply(message.id, "completed", message.payload)


def job(size: Job) -> Figures:
    """Does W6."""
    server, ids = Server.start(), itertools.count()
    marks = [perf_counter_ns()]
    for _ in range(size.sequential):
        server.ask(Request(next(ids), "work"))
        marks.append(perf_counter_ns())
    started = perf_counter()
    for _ in range(size.each):
        requests = [Request(next(ids), "work") for _ in range(size.callers)]
        pykka.get_all([server.ask(request, block=False) for request in requests])
    seconds = perf_counter() - started
    server.stop()
    return size.figures(marks, seconds)
