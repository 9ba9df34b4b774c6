"""Pipecat's local bus: workers under a `WorkerRunner`, without its debug log.

A tell is a data message of one's own on the bus, with a target. The bus has no ask; what it offers
in its place is a job, so W2 is a job with the default handler, and W6 a job by name. A message here
is its own envelope, with an id and a target, so each send makes a new one, W1 and W3 included.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter, perf_counter_ns

from pipecat.bus import BusDataMessage, BusEndWorkerMessage, BusJobRequestMessage, BusMessage
from pipecat.pipeline.job_context import JobParams
from pipecat.pipeline.job_decorator import job as job_handler
from pipecat.registry.types import WorkerReadyData
from pipecat.workers.base_worker import BaseWorker
from pipecat.workers.runner import WorkerRunner

from ..between import Between, Crowd
from ..measuring import Gate, resident_bytes
from ..works import Ask, Churn, FanOut, Figures, Job, Ring, Tell


@dataclass(kw_only=True)
class Note(BusDataMessage):
    """A message that carries one word."""

    text: str


@dataclass(kw_only=True)
class Token(BusDataMessage):
    """What goes round the ring."""

    left: int


class Counter(BaseWorker):
    """Counts what it is told."""

    def __init__(self, name: str, gate: Gate) -> None:
        super().__init__(name)
        self._gate = gate

    async def on_bus_message(self, message: BusMessage) -> None:
        """Counts one arrival, if the message is for it."""
        await super().on_bus_message(message)
        if isinstance(message, Note) and message.target == self.name:
            self._gate.arrive()


class Node(BaseWorker):
    """One place of the ring."""

    def __init__(self, name: str, following: str, gate: Gate) -> None:
        super().__init__(name)
        self._following = following
        self._gate = gate

    async def on_bus_message(self, message: BusMessage) -> None:
        """Passes the token on, or ends its journey."""
        await super().on_bus_message(message)
        if not isinstance(message, Token) or message.target != self.name:
            return
        if message.left:
            token = Token(source=self.name, target=self._following, left=message.left - 1)
            await self.send_bus_message(token)
        else:
            self._gate.arrive()


class Server(BaseWorker):
    """Does jobs, with and without a name."""

    async def on_job_request(self, message: BusJobRequestMessage) -> None:
        """Answers with what it was asked."""
        await self.send_job_response(message.job_id, message.payload)

    @job_handler(name="work")
    async def on_work(self, message: BusJobRequestMessage) -> None:
        """Completes the job with its payload."""
        await self.send_job_response(message.job_id, message.payload)


async def _start(runner: WorkerRunner, workers: Sequence[BaseWorker]) -> None:
    """Adds the workers to a running runner and waits until each is registered as ready."""
    gate = Gate()
    ready = gate.expect(len(workers))

    async def on_ready(data: WorkerReadyData) -> None:
        gate.arrive()

    await runner.add_workers(*workers)
    for worker in workers:
        await runner.registry.watch(worker.name, on_ready)
    await ready


@asynccontextmanager
async def _running(workers: Sequence[BaseWorker] = ()) -> AsyncGenerator[WorkerRunner, None]:
    """Runs a long-lived runner with these workers, and cancels it at the end."""
    runner = WorkerRunner(handle_sigint=False)
    up = asyncio.Event()

    async def on_ready(_: WorkerRunner) -> None:
        up.set()

    runner.add_event_handler("on_ready", on_ready)
    task = asyncio.create_task(runner.run(auto_end=False))
    await up.wait()
    if workers:
        await _start(runner, workers)
    yield runner
    await runner.cancel()
    await task


def tell(size: Tell) -> Figures:
    """Does W1."""

    async def run() -> float:
        gate, driver = Gate(), BaseWorker("driver")
        async with _running([driver, Counter("counter", gate)]):
            started = perf_counter()
            for _ in range(size.messages // size.burst):
                handled = gate.expect(size.burst)
                for _ in range(size.burst):
                    note = Note(source="driver", target="counter", text="note")
                    await driver.send_bus_message(note)
                await handled
            return perf_counter() - started

    return size.figures(asyncio.run(run()))


async def _request(driver: BaseWorker, params: JobParams) -> None:
    async with driver.job("server", params=params):
        pass


def ask(size: Ask) -> Figures:
    """Does W2."""

    async def run() -> list[int]:
        driver, params = BaseWorker("driver"), JobParams(payload={"text": "question"})
        async with _running([driver, Server("server")]):
            marks = [perf_counter_ns()]
            for _ in range(size.calls):
                await _request(driver, params)
                marks.append(perf_counter_ns())
            return marks

    return size.figures(asyncio.run(run()))


def fan_out(size: FanOut) -> Figures:
    """Does W3."""

    async def run() -> float:
        gate, driver = Gate(), BaseWorker("driver")
        names = [f"worker-{number}" for number in range(size.workers)]
        burst = min(size.burst, size.rounds)
        async with _running([driver, *(Counter(name, gate) for name in names)]):
            started = perf_counter()
            for _ in range(size.rounds // burst):
                handled = gate.expect(burst * size.workers)
                for _ in range(burst):
                    for name in names:
                        await driver.send_bus_message(Note(source="driver", target=name, text="hi"))
                await handled
            return perf_counter() - started

    return size.figures(asyncio.run(run()))


def churn(size: Churn) -> Figures:
    """Does W4."""

    def build(kind: str, workers: int) -> list[BaseWorker]:
        return [BaseWorker(f"{kind}-{number}") for number in range(workers)]

    async def stop(runner: WorkerRunner, workers: list[BaseWorker]) -> None:
        for worker in workers:
            await runner.bus.send(BusEndWorkerMessage(source=runner.name, target=worker.name))
        for worker in workers:
            await worker.wait()

    async def run() -> Figures:
        async with _running() as runner:
            few = build("early", 10)
            await _start(runner, few)
            await stop(runner, few)
            before = resident_bytes()
            began = perf_counter()
            workers = build("worker", size.workers)
            await _start(runner, workers)
            starting = perf_counter() - began
            grown = resident_bytes() - before
            began = perf_counter()
            await stop(runner, workers)
            return size.figures(starting + perf_counter() - began, grown)

    return asyncio.run(run())


def ring(size: Ring) -> Figures:
    """Does W5."""

    async def run() -> float:
        gate = Gate()
        names = [f"node-{number}" for number in range(size.workers)]
        pairs = zip(names, names[1:] + names[:1], strict=True)
        nodes = [Node(name, following, gate) for name, following in pairs]
        async with _running(nodes):
            home = gate.expect(1)
            started = perf_counter()
            token = Token(source=names[-1], target=names[0], left=size.hops - 1)
            await nodes[-1].send_bus_message(token)
            await home
            return perf_counter() - started

    return size.figures(asyncio.run(run()))


def job(size: Job) -> Figures:
    """Does W6."""
    params = JobParams(name="work", payload={"text": "work"})

    async def caller(driver: BaseWorker) -> None:
        for _ in range(size.each):
            await _request(driver, params)

    async def run() -> Figures:
        driver = BaseWorker("driver")
        async with _running([driver, Server("server")]):
            marks = [perf_counter_ns()]
            for _ in range(size.sequential):
                await _request(driver, params)
                marks.append(perf_counter_ns())
            started = perf_counter()
            await asyncio.gather(*(caller(driver) for _ in range(size.callers)))
            return size.figures(marks, perf_counter() - started)

    return asyncio.run(run())


def between(size: Between) -> Figures:
    """Does W7, where the libraries for its buses are installed."""
    from . import pipecat_network

    return pipecat_network.between(size)


def crowd(size: Crowd) -> Figures:
    """Does W8, where the libraries for its buses are installed."""
    from . import pipecat_network

    return pipecat_network.crowd(size)
