"""autogen-core: agents on its single-threaded runtime, without tracing.

It has no message without an answer to one agent, so a tell is a publication on a topic that only
that agent has: the topic's source is the name of the agent. It starts agents at their first
message and cannot stop a single one: W4 instantiates them, then closes the runtime with all.
"""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, perf_counter_ns

from autogen_core import (
    AgentId,
    MessageContext,
    RoutedAgent,
    SingleThreadedAgentRuntime,
    TopicId,
    TypeSubscription,
    message_handler,
)

from ..measuring import Gate, resident_bytes
from ..works import Ask, Churn, FanOut, Figures, Job, Ring, Tell


@dataclass
class Note:
    """A message that carries one word."""

    text: str


@dataclass
class Token:
    """What goes round the ring."""

    left: int


@dataclass
class Request:
    """A job to do."""

    id: int
    payload: str


@dataclass
class Reply:
    """How it ended."""

    id: int
    status: str
    result: str


class Counter(RoutedAgent):
    """Counts what it is told."""

    def __init__(self, gate: Gate) -> None:
        super().__init__("counts")
        self._gate = gate

    @message_handler
    async def on_note(self, message: Note, ctx: MessageContext) -> None:
        """Counts one arrival."""
        self._gate.arrive()


class Server(RoutedAgent):
    """Answers questions and does jobs."""

    def __init__(self) -> None:
        super().__init__("serves")

    @message_handler
    async def on_note(self, message: Note, ctx: MessageContext) -> Note:
        """Answers with what it was asked."""
        return message

    @message_handler
    async def on_request(self, message: Request, ctx: MessageContext) -> Reply:
        """Completes the job with its payload."""
        return Reply(message.id, "completed", message.payload)


class Node(RoutedAgent):
    """One place of the ring; its key is its number."""

    def __init__(self, gate: Gate, places: int) -> None:
        super().__init__("passes on")
        self._gate = gate
        self._places = places

    @message_handler
    async def on_token(self, message: Token, ctx: MessageContext) -> None:
        """Passes the token on, or ends its journey."""
        if not message.left:
            self._gate.arrive()
            return
        following = (int(self.id.key) + 1) % self._places
        await self.publish_message(Token(message.left - 1), TopicId("node", str(following)))


async def _runtime(kind: str, factory: Callable[[], RoutedAgent]) -> SingleThreadedAgentRuntime:
    runtime = SingleThreadedAgentRuntime()
    await runtime.register_factory(kind, factory)
    await runtime.add_subscription(TypeSubscription(topic_type=kind, agent_type=kind))
    runtime.start()
    return runtime


def tell(size: Tell) -> Figures:
    """Does W1."""

    async def run() -> float:
        gate, note, topic = Gate(), Note("note"), TopicId("counter", "one")
        runtime = await _runtime("counter", lambda: Counter(gate))
        await runtime.get(AgentId("counter", "one"), lazy=False)
        started = perf_counter()
        for _ in range(size.messages // size.burst):
            handled = gate.expect(size.burst)
            for _ in range(size.burst):
                await runtime.publish_message(note, topic)
            await handled
        seconds = perf_counter() - started
        await runtime.close()
        return seconds

    return size.figures(asyncio.run(run()))


def ask(size: Ask) -> Figures:
    """Does W2."""

    async def run() -> list[int]:
        runtime = await _runtime("server", Server)
        note, server = Note("question"), AgentId("server", "one")
        await runtime.get(server, lazy=False)
        marks = [perf_counter_ns()]
        for _ in range(size.calls):
            await runtime.send_message(note, server)
            marks.append(perf_counter_ns())
        await runtime.close()
        return marks

    return size.figures(asyncio.run(run()))


def fan_out(size: FanOut) -> Figures:
    """Does W3."""

    async def run() -> float:
        gate, note = Gate(), Note("note")
        runtime = await _runtime("counter", lambda: Counter(gate))
        names = [f"worker-{number}" for number in range(size.workers)]
        for name in names:
            await runtime.get(AgentId("counter", name), lazy=False)
        burst = min(size.burst, size.rounds)
        started = perf_counter()
        for _ in range(size.rounds // burst):
            handled = gate.expect(burst * size.workers)
            for _ in range(burst):
                for name in names:
                    await runtime.publish_message(note, TopicId("counter", name))
            await handled
        seconds = perf_counter() - started
        await runtime.close()
        return seconds

    return size.figures(asyncio.run(run()))


def churn(size: Churn) -> Figures:
    """Does W4."""

    async def start(workers: int) -> SingleThreadedAgentRuntime:
        gate = Gate()
        runtime = await _runtime("counter", lambda: Counter(gate))
        for number in range(workers):
            await runtime.get(AgentId("counter", f"worker-{number}"), lazy=False)
        return runtime

    async def run() -> Figures:
        await (await start(10)).close()
        before = resident_bytes()
        began = perf_counter()
        runtime = await start(size.workers)
        starting = perf_counter() - began
        grown = resident_bytes() - before
        began = perf_counter()
        await runtime.close()
        return size.figures(starting + perf_counter() - began, grown)

    return asyncio.run(run())


def ring(size: Ring) -> Figures:
    """Does W5."""

    async def run() -> float:
        gate = Gate()
        runtime = await _runtime("node", lambda: Node(gate, size.workers))
        for number in range(size.workers):
            await runtime.get(AgentId("node", str(number)), lazy=False)
        home = gate.expect(1)
        started = perf_counter()
        await runtime.publish_message(Token(size.hops - 1), TopicId("node", "0"))
        await home
        seconds = perf_counter() - started
        await runtime.close()
        return seconds

    return size.figures(asyncio.run(run()))


def job(size: Job) -> Figures:
    """Does W6."""
    server, ids = AgentId("server", "one"), itertools.count()

    async def caller(runtime: SingleThreadedAgentRuntime) -> None:
        for _ in range(size.each):
            await runtime.send_message(Request(next(ids), "work"), server)

    async def run() -> Figures:
        runtime = await _runtime("server", Server)
        await runtime.get(server, lazy=False)
        marks = [perf_counter_ns()]
        for _ in range(size.sequential):
            await runtime.send_message(Request(next(ids), "work"), server)
            marks.append(perf_counter_ns())
        started = perf_counter()
        await asyncio.gather(*(caller(runtime) for _ in range(size.callers)))
        seconds = perf_counter() - started
        await runtime.close()
        return size.figures(marks, seconds)

    return asyncio.run(run())
