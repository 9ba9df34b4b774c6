"""A transport that somebody else has written, with nothing but the documented methods."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from callboard.transports.local import LocalBus, LocalTransport
from callboard.transports.packet import Kind
from callboard.transports.transport import Packet, Receive, Transport
from tests.transports.contract import Network, Stage, TransportContract
from tests.transports.contract_cast import Give, Question

LENGTH = struct.Struct(">I")


class SocketTransport(Transport):
    """Each node listens on a socket in a folder, and writes to those of the others."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    async def open(self, receive: Receive) -> None:
        self.writers: dict[Path, asyncio.StreamWriter] = {}
        self.readers: set[asyncio.StreamWriter] = set()
        self.mine = self.folder / self.node_name

        async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.readers.add(writer)
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
                    receive(await reader.readexactly(length))
            self.readers.discard(writer)
            writer.close()

        self.mine.unlink(missing_ok=True)
        self.server = await asyncio.start_unix_server(read, self.mine)

    async def publish(self, packets: Sequence[Packet]) -> None:
        for to, data in packets:
            others = [self.folder / to] if to is not None else list(self.folder.iterdir())
            for other in others:
                if other != self.mine:
                    await self.write(other, data)

    async def write(self, other: Path, data: bytes) -> None:
        for _ in range(2):  # the other may have started again: then the old way is closed
            try:
                writer = self.writers.get(other)
                if writer is None or writer.is_closing():
                    _, writer = await asyncio.open_unix_connection(other)
                    self.writers[other] = writer
                writer.write(LENGTH.pack(len(data)) + data)
                await writer.drain()
                return
            except OSError:
                self.writers.pop(other, None)

    async def close(self) -> None:
        if not hasattr(self, "server"):
            return
        self.server.close()
        for writer in [*self.writers.values(), *self.readers]:
            writer.close()
        self.mine.unlink(missing_ok=True)


class SocketNetwork(Network):
    """A folder."""

    beat, down_after = 0.3, 1.5
    # The only node of a machine that is busy with other tests may be slow.
    quick = 5.0

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    async def open(self) -> None:
        self.folder.mkdir(exist_ok=True)

    def make(self, node: str) -> Transport:
        return SocketTransport(self.folder)


@pytest.mark.check("M24")
@pytest.mark.realtime
class TestSocketTransport(TransportContract):
    """Whatever the contract says holds for it."""

    @pytest.fixture
    def network(self, tmp_path: Path) -> Network:
        return SocketNetwork(tmp_path / "ways")


class Two(Network):
    """Two buses; who is on which is said by the test."""

    def __init__(self) -> None:
        super().__init__()
        self.buses = LocalBus(), LocalBus()

    def make(self, node: str) -> Transport:
        return self.on(0)

    def on(self, number: int) -> Transport:
        return LocalTransport(self.buses[number])


@pytest.mark.check("M24")
async def test_with_two_transports_a_message_goes_out_only_where_its_node_is_known() -> None:
    network = Two()
    async with Stage(network) as stage:
        first, second = Two(), Two()
        first.buses = second.buses = network.buses

        def watched(seen: Two, number: int) -> Transport:
            seen.make = lambda node: network.on(number)  # type: ignore[method-assign]
            return seen.transport("A")

        both = [watched(first, 0), watched(second, 1)]
        a = await stage.node("A", "a", transports=both)
        await stage.node("B", "b", transports=[network.on(0)])
        await stage.node("C", "c", transports=[network.on(1)])
        await stage.know(a, "b", "c")
        assert await a.ask("b", Question("b")) == "b"
        assert await a.ask("c", Question("c")) == "c"
        for seen, node in ((first, "B"), (second, "C")):
            carried = {s.to for s in seen.sent if s.kind is Kind.DATA}
            assert carried == {node}


@pytest.mark.check("M24")
async def test_a_node_that_is_known_on_two_transports_gets_each_message_once() -> None:
    network = Two()
    async with Stage(network) as stage:
        a, b = [
            await stage.node(name, name.lower(), transports=[network.on(0), network.on(1)])
            for name in "AB"
        ]
        await stage.know(a, "b")
        await stage.know(b, "a")
        a.tell("a", Give("b", 100))
        b.tell("b", Give("a", 100))
        assert await stage.noted("b", "note", count=100) == [*range(100)]
        assert await stage.noted("a", "note", count=100) == [*range(100)]
        assert await a.ask("b", Question("?")) == "?"
        assert len(stage.log.of("b", "note")) == len(stage.log.of("a", "note")) == 100
        assert stage.counted(a, "node_up") == stage.counted(b, "node_up") == 1


def test_the_own_transport_uses_nothing_that_is_not_documented() -> None:
    documented = {"open", "publish", "close", "forget", "spare", "lost", "node_name", "carriage"}
    mine = {name for name in vars(SocketTransport) if not name.startswith("_")}
    assert mine & set(dir(Transport)) - {"table"} <= documented
