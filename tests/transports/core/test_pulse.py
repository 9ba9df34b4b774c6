"""A node whose event loop is blocked is vouched for, without noise, and leaves nothing."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callboard import JobCrashed
from callboard.actors.testing import eventually
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.errors import NodeDown
from callboard.transports.local import LocalBus, LocalTransport
from callboard.transports.packet import Kind, unpack
from callboard.transports.pulse import Pulse
from callboard.transports.transport import Packet, Spare
from tests.transports.contract_stage import Stage
from tests.transports.core.sleeper import Block
from tests.transports.redis.test_contract import RedisNetwork

pytestmark = pytest.mark.realtime

ROOT = Path(__file__).parents[3]
BEAT = 0.5


class Way:
    """Writes down what is sent over it; opens only where it may."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.opened = 0
        self.closed = 0
        self.sent: list[tuple[float, Packet]] = []

    async def open(self) -> None:
        self.opened += 1
        if self.error is not None:
            raise self.error

    async def publish(self, packets: Sequence[Packet]) -> None:
        self.sent += [(time.monotonic(), packet) for packet in packets]

    async def close(self) -> None:
        self.closed += 1


class Wayside(LocalTransport):
    """Has a second way out."""

    def __init__(self, spare: Callable[[], Spare | None]) -> None:
        super().__init__(LocalBus())
        self.make = spare

    def spare(self) -> Spare | None:
        return self.make()


def pulse(
    spare: Callable[[], Spare | None], longest: float, patience: float | None = None
) -> Pulse:
    transport = Wayside(spare)
    node, beat = ("A", 7), 0.05
    return Pulse(lambda: node, lambda: [transport], beat, None, longest=longest, patience=patience)


async def test_it_vouches_while_the_loop_is_blocked_and_not_for_longer_than_is_said() -> None:
    way = Way()
    thread = pulse(lambda: way, longest=0.5)
    began = time.monotonic()
    thread.start()
    await eventually(lambda: way.sent)
    await eventually(lambda: way.closed)
    assert time.monotonic() - began >= 0.5
    sent = len(way.sent)
    assert sent >= 3
    assert all(at - began < 1 for at, _ in way.sent)
    header, _ = unpack(way.sent[0][1].data)
    assert (header.kind, header.node, header.incarnation) == (Kind.ALIVE, "A", 7)
    await asyncio.sleep(0.2)
    assert (len(way.sent), way.opened) == (sent, 1), "it is given up, and nothing is opened anew"
    thread.felt()
    await eventually(lambda: way.opened == 2)
    await thread.stop()
    assert not thread.is_alive()
    assert way.opened == way.closed == 2


class Stuck(Way):
    """At its broker, one step has no end."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self.step = step
        self.waits = False

    async def open(self) -> None:
        await super().open()
        await self.at("open")

    async def publish(self, packets: Sequence[Packet]) -> None:
        await self.at("publish")

    async def close(self) -> None:
        await super().close()
        await self.at("close")

    async def at(self, step: str) -> None:
        if step == self.step:
            self.waits = True
            await asyncio.sleep(600)


@pytest.mark.parametrize("step", ["open", "publish"])
async def test_what_it_waits_for_at_a_broker_does_not_outlive_the_node(step: str) -> None:
    way = Stuck(step)
    thread = pulse(lambda: way, longest=60, patience=600)
    thread.start()
    await eventually(lambda: way.waits)
    await thread.stop()
    assert not thread.is_alive()
    assert way.opened == way.closed == 1


async def test_a_connection_that_does_not_close_holds_the_node_for_a_moment_only() -> None:
    way = Stuck("close")
    thread = pulse(lambda: way, longest=60)
    thread.start()
    await eventually(lambda: way.opened)
    await thread.stop()
    assert way.waits
    assert not thread.is_alive()


def broken() -> Spare | None:
    raise ZeroDivisionError("a bug of the transport's")


@pytest.mark.parametrize("spare", [lambda: None, broken, lambda: Way(OSError("no broker"))])
async def test_without_a_way_out_it_is_quiet_and_ends_with_the_node(
    spare: Callable[[], Spare | None], capfd: pytest.CaptureFixture[str]
) -> None:
    thread = pulse(spare, longest=60)
    thread.start()
    await asyncio.sleep(0.4)
    assert thread.is_alive()
    assert thread.sent == 0
    await thread.stop()
    assert not thread.is_alive()
    assert capfd.readouterr() == ("", "")


@asynccontextmanager
async def sleeper(url: str, channel: str) -> AsyncGenerator[subprocess.Popen[bytes], None]:
    """A node S with the worker `sleeper`, in a process of its own."""
    command = [sys.executable, "-m", "tests.transports.core.sleeper", url, channel, str(BEAT)]
    process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 20)
        assert process.stdout is not None
        assert process.stdout.read() == b""
        process.stdout.close()


@pytest.mark.check("M61")
async def test_a_node_whose_loop_is_blocked_stays_up_and_goes_on(
    redis_server: RedisServer, channel: str
) -> None:
    network = RedisNetwork(redis_server.url, channel)
    async with Stage(network) as stage, sleeper(redis_server.url, channel):
        a = await stage.node("A", "a", beat=BEAT, down_after=3 * BEAT)
        await stage.know(a, "sleeper")
        since = len(network.came)
        # Far longer than what a silent node has: it is down after 1.5 s.
        asked = a.ask("sleeper", Block(8 * BEAT))
        job = a.start_job("sleeper", "echo", "kept")
        assert await asked == "back"
        assert await job == "kept"
        assert stage.counted(a, "node_down") == 0
        assert network.told(Kind.ALIVE, "A", since=since)


@pytest.mark.check("M61")
async def test_a_node_that_is_stopped_altogether_is_down_in_time(
    redis_server: RedisServer, channel: str
) -> None:
    network = RedisNetwork(redis_server.url, channel)
    async with Stage(network) as stage, sleeper(redis_server.url, channel) as process:
        a = await stage.node("A", "a", beat=BEAT, down_after=3 * BEAT)
        await stage.know(a, "sleeper")
        asked = a.ask("sleeper", Block(0.2))
        process.send_signal(signal.SIGSTOP)
        job = a.start_job("sleeper", "echo", "lost")
        with pytest.raises(JobCrashed, match="'S' is down"):
            await job
        with pytest.raises(NodeDown):
            await asked
        process.send_signal(signal.SIGCONT)
        await stage.know(a, "sleeper")
        assert await a.request("sleeper", "echo", "again") == "again"


async def test_the_thread_ends_with_the_node(redis_server: RedisServer, channel: str) -> None:
    async with Stage(RedisNetwork(redis_server.url, channel)) as stage:
        a = await stage.node("A", "a", beat=0.1, down_after=5)
        time.sleep(0.4)  # noqa: ASYNC251 - the loop is to be blocked
        assert any(each.name == "callboard-pulse" for each in threading.enumerate())
        await a.stop()
        assert not any(each.name == "callboard-pulse" for each in threading.enumerate())
